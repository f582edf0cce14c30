/* Forgetting a person. Gone are: the contact's columns, the texts of its events (also of those that were written for
 * the address before it was a contact), what relays replied about it, notes about its replies, its hold and its plain
 * suppression. Left are ids, touches (the account's and the sender's caps go on holding) and a keyed hash of the
 * address, which stays suppressed: whoever imports the address again finds it. */
#include <stdio.h>
#include <string.h>

#include "store_int.h"

static int forget_touch(struct store *s, int64_t touch, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_FORGET_TOUCH);

	bind_int(q, 1, touch);
	if (store_run(s, q, e))
		return -1;
	q = store_stmt(s, SQL_FORGET_TOUCH_EVENTS);
	bind_int(q, 1, touch);
	return store_run(s, q, e);
}

static int forget_touches(struct store *s, int64_t contact, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_TOUCH_IDS);
	int rc;

	bind_int(q, 1, contact);
	while ((rc = store_step(s, q, e)) > 0) {
		if (forget_touch(s, col_int(q, 0), e)) {
			sqlite3_reset(q);
			return -1;
		}
	}
	for (size_t i = 0; i < s->flights.n && !rc; i++) {
		if (s->flights.contact[i] == contact)
			rc = forget_touch(s, s->flights.touch[i], e);
	}
	return rc;
}

static int forget_events(struct store *s, int64_t contact, const char *email, const char *hash, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_FORGET_EVENTS);

	bind_int(q, 1, contact);
	if (store_run(s, q, e))
		return -1;
	q = store_stmt(s, SQL_FORGET_ADDRESS_EVENTS);
	bind_text(q, 1, email);
	bind_text(q, 2, hash);
	if (store_run(s, q, e))
		return -1;
	q = store_stmt(s, SQL_NOTES_FORGET);
	bind_int(q, 1, contact);
	return store_run(s, q, e);
}

static int forget(struct store *s, const struct contact *c, int64_t now, const char *hash, struct err *e)
{
	sqlite3_stmt *q;

	store_fresh_clear(s);

	if (forget_touches(s, c->id, e) || forget_events(s, c->id, c->email, hash, e))
		return -1;
	if (store_unsuppress(s, c->email, e) < 0 || store_suppress(s, hash, REASON_ERASED, "", now, e) < 0)
		return -1;
	if (store_contact_hold(s, c->id, 0, "", e))
		return -1;
	q = store_stmt(s, SQL_FORGET_CONTACT);
	bind_int(q, 1, c->id);
	bind_text(q, 2, hash);
	if (store_run(s, q, e))
		return -1;
	s->figure[FIGURE_CONTACTS]--;
	return 0;
}

int store_contact_forget(struct store *s, int64_t id, int64_t now, char *hash, struct err *e)
{
	struct contact *c = NULL;
	int rc = store_change(s, e) ? -1 : store_contact_by_id(s, id, &c, e);

	s->version++;
	if (rc == 0)
		return err_set(e, "store: there is no contact %lld", (long long)id);
	if (rc > 0) {
		if (c->forgotten || !strncmp(c->email, "hash:", 5)) /* the latter is what a log that is followed knows of somebody */
			snprintf(hash, 64, "%s", c->email);
		else
			store_hash(s, c->email, hash);
		rc = c->forgotten ? 0 : forget(s, c, now, hash, e);
	}
	contact_free(&c);
	return rc;
}
