/* Verbs that no engine has a part in: they answer from what the store keeps in memory, or free what it returned. */
#include <stdlib.h>

#include "store_int.h"

const struct key *store_key(const struct store *s)
{
	return &s->key;
}

int64_t store_newest(struct store *s)
{
	return s->figure[FIGURE_NEWEST];
}

void store_seen(struct store *s, int64_t now)
{
	if (now > s->figure[FIGURE_NEWEST] && now != CLOCK_NEVER)
		s->figure[FIGURE_NEWEST] = now;
}

bool store_in_transaction(const struct store *s)
{
	return s->in_transaction;
}

const char *store_error(const struct store *s)
{
	return s->error;
}

int64_t store_version(const struct store *s)
{
	return s->version;
}

int64_t store_event_last(struct store *s)
{
	return s->figure[FIGURE_EVENT_LAST];
}

int64_t store_touch_new_id(struct store *s)
{
	return ++s->touch_given;
}

int store_counts(struct store *s, struct store_counts *out, struct err *e)
{
	const int64_t *f = s->figure;

	(void)e;
	*out = (struct store_counts){
		.contacts = f[FIGURE_CONTACTS],
		.accounts = f[FIGURE_ACCOUNTS],
		.enrollments_active = f[FIGURE_ENROLLMENTS + ENROLLMENT_ACTIVE],
		.enrollments_completed = f[FIGURE_ENROLLMENTS + ENROLLMENT_COMPLETED],
		.enrollments_stopped = f[FIGURE_ENROLLMENTS + ENROLLMENT_STOPPED],
		.suppressions =
		    f[FIGURE_SUPPRESSED_ADDRESSES] + f[FIGURE_SUPPRESSED_DOMAINS] + f[FIGURE_SUPPRESSED_HASHES],
	};
	for (int i = 0; i < TOUCH_STATE_COUNT; i++)
		out->touches[i] = f[FIGURE_TOUCHES + i];
	return 0;
}

void contact_free(struct contact **c)
{
	free(*c);
	*c = NULL;
}

void enrollment_row_free(struct enrollment_row **r)
{
	free(*r);
	*r = NULL;
}

void touch_free(struct touch **t)
{
	free(*t);
	*t = NULL;
}
