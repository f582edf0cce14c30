/* What several verbs do to a contact. */
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "control_int.h"

int call_event(struct call *c, enum event_type type, const struct contact *contact, const char *address,
	       const char *sequence, const char *step, const char *detail)
{
	struct event ev = {
		.ts = c->now,
		.type = type,
		.contact_id = contact ? contact->id : 0,
		.address = contact ? contact->email : address ? address : "",
		.account = contact ? contact->account : "",
		.sequence = sequence,
		.step = step,
		.kind = -1,
		.detail = detail,
	};
	int64_t seq;

	return store_event_add(c->store, &ev, &seq, &c->err);
}

struct active {
	int64_t id;
	char *sequence, *step;
};

struct actives {
	const char *sequence; /* NULL: all */
	struct active *row;
	size_t n;
	int seen;
};

static void active_row(void *arg, const struct enrollment *en)
{
	struct actives *a = arg;

	if (a->sequence && strcmp(a->sequence, en->sequence) != 0)
		return;
	a->seen++;
	if (en->state != ENROLLMENT_ACTIVE)
		return;
	a->row = mem_grow(a->row, a->n + 1, sizeof(*a->row));
	a->row[a->n++] = (struct active){ en->id, mem_strdup(en->sequence), mem_strdup(en->step) };
}

static void actives_free(struct actives *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->row[i].sequence);
		free(a->row[i].step);
	}
	free(a->row);
}

static int stop_one(struct call *c, const struct contact *contact, const struct active *row, enum reason why, int *n)
{
	struct buf detail = { 0 };
	int rc = store_enrollment_stop(c->store, row->id, why, c->now, &c->err);

	if (rc <= 0)
		return rc;
	json_add_str(&detail, "reason", reason_name(why));
	rc = call_event(c, EVENT_STOPPED, contact, NULL, row->sequence, row->step, buf_text(&detail));
	buf_free(&detail);
	(*n)++;
	return rc;
}

int contact_stop(struct call *c, const struct contact *contact, const char *sequence, enum reason why, int *n)
{
	struct actives a = { .sequence = sequence };
	int rc = store_enrollments_of(c->store, contact->id, active_row, &a, &c->err);

	/* read first, then written: a cursor must not see its own changes */
	for (size_t i = 0; i < a.n && rc >= 0; i++)
		rc = stop_one(c, contact, &a.row[i], why, n);
	actives_free(&a);
	return rc < 0 ? -1 : 0;
}

int contact_enrollments(struct call *c, int64_t contact_id, const char *sequence)
{
	struct actives a = { .sequence = sequence };
	int rc = store_enrollments_of(c->store, contact_id, active_row, &a, &c->err);

	actives_free(&a);
	return rc < 0 ? -1 : a.seen;
}
