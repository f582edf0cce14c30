/* Received mail: what was processed and how much of it; and the notes about replies until they have left. */
#include <string.h>

#include "store_int.h"

int store_seen_put(struct store *s, const char *digest, int64_t now, struct err *e)
{
	unsigned char bytes[16];
	sqlite3_stmt *q;

	if (store_change(s, e))
		return -1;
	q = store_stmt(s, SQL_SEEN_PUT);
	store_content_bind(q, 1, digest, bytes);
	bind_int(q, 2, now);
	return store_run(s, q, e) ? -1 : store_changed(s);
}

int store_seen_prune(struct store *s, int64_t before, int limit, struct err *e)
{
	sqlite3_stmt *q;

	if (store_change(s, e))
		return -1;
	q = store_stmt(s, SQL_SEEN_PRUNE);
	bind_int(q, 1, before);
	bind_int(q, 2, limit);
	return store_run(s, q, e) ? -1 : store_changed(s);
}

int store_mail_count(struct store *s, const char *class, struct err *e)
{
	sqlite3_stmt *q;

	if (store_change(s, e))
		return -1;
	q = store_stmt(s, SQL_MAIL_COUNT);
	bind_text(q, 1, class);
	return store_run(s, q, e);
}

int store_mail_counts(struct store *s, void (*row)(void *arg, const char *class, int64_t n), void *arg, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_MAIL_COUNTS);
	int rc;

	while ((rc = store_step(s, q, e)) > 0)
		row(arg, col_text(q, 0), col_int(q, 1));
	return rc;
}

/* ---- notes ---- */

int store_note_add(struct store *s, const struct note *n, struct err *e)
{
	sqlite3_stmt *q;

	if (store_change(s, e))
		return -1;
	q = store_stmt(s, SQL_NOTE_ADD);
	bind_int(q, 1, n->contact_id);
	bind_text(q, 2, n->recipient);
	bind_text(q, 3, n->subject);
	bind_text(q, 4, n->text);
	bind_int(q, 5, n->created_at);
	store_seen(s, n->created_at);
	return store_run(s, q, e);
}

int store_notes_due(struct store *s, int64_t now, int limit, void (*row)(void *arg, const struct note *n), void *arg,
		    struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_NOTES_DUE);
	int n = 0, rc;

	bind_int(q, 1, now);
	bind_int(q, 2, limit);
	for (; (rc = store_step(s, q, e)) > 0; n++) {
		struct note note = { .id = col_int(q, 0),
				     .contact_id = col_int(q, 1),
				     .recipient = col_text(q, 2),
				     .subject = col_text(q, 3),
				     .text = col_text(q, 4),
				     .created_at = col_int(q, 5),
				     .next_at = col_int(q, 6),
				     .tries = (int32_t)col_int(q, 7) };

		row(arg, &note);
	}
	return rc < 0 ? -1 : n;
}

int64_t store_note_first(struct store *s)
{
	sqlite3_stmt *q = store_stmt(s, SQL_NOTE_FIRST);
	int64_t at = CLOCK_NEVER;

	if (store_step(s, q, NULL) > 0) {
		at = col_int(q, 0);
		sqlite3_reset(q);
	}
	return at;
}

static int note_change(struct store *s, enum sql what, int64_t id, int64_t next_at, struct err *e)
{
	sqlite3_stmt *q;

	if (store_change(s, e))
		return -1;
	q = store_stmt(s, what);
	bind_int(q, 1, id);
	if (what == SQL_NOTE_NEXT)
		bind_int(q, 2, next_at);
	return store_run(s, q, e) ? -1 : store_changed(s);
}

int store_note_hand(struct store *s, int64_t id, struct err *e)
{
	return note_change(s, SQL_NOTE_NEXT, id, CLOCK_NEVER, e);
}

int store_note_retry(struct store *s, int64_t id, int64_t next_at, struct err *e)
{
	return note_change(s, SQL_NOTE_NEXT, id, next_at, e);
}

int store_note_remove(struct store *s, int64_t id, struct err *e)
{
	return note_change(s, SQL_NOTE_REMOVE, id, 0, e);
}

int store_notes_recover(struct store *s, struct err *e)
{
	if (store_change(s, e) || store_run(s, store_stmt(s, SQL_NOTES_RECOVER), e))
		return -1;
	return store_changed(s);
}
