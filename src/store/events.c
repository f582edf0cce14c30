/* Events: the engagement log's lines, until the log has them safe. seq goes up by one with each event of a transaction
 * that commits; one that is rolled back gives its numbers back, and figure.event_last remembers the last one when
 * pruning has removed them all. */
#include <string.h>

#include "abv/mem.h"

#include "store_int.h"

/* ---- the newest, in memory ---- */

#define FRESH_BYTES (1 << 20)  /* of texts; a log that cannot be written must not fill the memory */
#define FRESH_KEPT  (64 << 10) /* an import's room is given back */

void store_fresh_clear(struct store *s)
{
	s->fresh.n = 0;
	if (s->fresh.room.cap > FRESH_KEPT)
		store_fresh_free(s);
	buf_clear(&s->fresh.room);
}

void store_fresh_free(struct store *s)
{
	free(s->fresh.row);
	buf_free(&s->fresh.room);
	s->fresh = (struct fresh){ 0 };
}

static size_t fresh_text(struct fresh *f, const char *text)
{
	size_t at = f->room.len;

	buf_add(&f->room, text, strlen(text) + 1);
	return at;
}

/* sequence, step: interned texts. */
static void fresh_add(struct store *s, const struct event *ev, int64_t seq, const char *sequence, const char *step)
{
	struct fresh *f = &s->fresh;
	struct fresh_row *r;

	if (f->room.len > FRESH_BYTES)
		store_fresh_clear(s);
	if (ev->contact_id && (!ev->address || !*ev->address)) { /* only its row tells */
		store_fresh_clear(s);
		return;
	}
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 64;
		f->row = mem_grow(f->row, f->cap, sizeof(*f->row));
	}
	r = &f->row[f->n++];
	r->ev = *ev;
	r->ev.seq = seq;
	r->ev.sequence = sequence;
	r->ev.step = step;
	r->address = fresh_text(f, ev->address ? ev->address : "");
	r->account = fresh_text(f, ev->account);
	r->detail = fresh_text(f, ev->detail);
}

/* Shows those behind `after`, when the first of them is here. Number, 0 when it is not. */
static int fresh_show(struct store *s, int64_t after, int limit, void (*row)(void *arg, const struct event *ev), void *arg)
{
	struct fresh *f = &s->fresh;
	size_t i;
	int n = 0;

	if (!f->n || after + 1 < f->row[0].ev.seq)
		return 0;
	for (i = (size_t)(after + 1 - f->row[0].ev.seq); i < f->n && n < limit; i++, n++) {
		struct event ev = f->row[i].ev;

		ev.address = f->room.data + f->row[i].address;
		ev.account = f->room.data + f->row[i].account;
		ev.detail = f->room.data + f->row[i].detail;
		row(arg, &ev);
	}
	return n;
}

int store_event_add(struct store *s, const struct event *ev, int64_t *seq, struct err *e)
{
	int64_t type, sequence, step, next = s->figure[FIGURE_EVENT_LAST] + 1;
	sqlite3_stmt *q;

	if (store_change(s, e))
		return -1;
	type = store_event_id(s, ev->type, e);
	sequence = store_name_id(s, ev->sequence, e);
	step = store_name_id(s, ev->step, e);
	if (type < 0 || sequence < 0 || step < 0)
		return -1;
	q = store_stmt(s, SQL_EVENT_PUT);
	bind_int(q, 1, next);
	bind_int(q, 2, ev->ts);
	bind_int(q, 3, type);
	bind_id(q, 4, ev->contact_id);
	if (!ev->contact_id && ev->address && *ev->address)
		bind_text(q, 5, ev->address);
	else
		(void)sqlite3_bind_null(q, 5);
	bind_text(q, 6, ev->account);
	bind_int(q, 7, sequence);
	bind_int(q, 8, step);
	bind_int(q, 9, ev->kind);
	bind_id(q, 10, ev->touch_id);
	bind_text(q, 11, ev->detail);
	if (store_run(s, q, e))
		return -1;
	s->figure[FIGURE_EVENT_LAST] = next;
	store_seen(s, ev->ts);
	fresh_add(s, ev, next, store_name_text(s, sequence), store_name_text(s, step));
	if (seq)
		*seq = next;
	return 0;
}

int store_events_add(struct store *s, const struct event *ev, size_t n, struct err *e)
{
	struct event_new *row;
	int64_t next = s->figure[FIGURE_EVENT_LAST];
	int rc;

	if (store_change(s, e))
		return -1;
	row = mem_grow(NULL, n, sizeof(*row));
	for (size_t i = 0; i < n; i++) {
		row[i] = (struct event_new){ .event = &ev[i], .seq = ++next, .type = store_event_id(s, ev[i].type, e) };
		if (row[i].type < 0) {
			free(row);
			return -1;
		}
		store_seen(s, ev[i].ts);
	}
	rc = n ? store_batch_run(s, BATCH_EVENT, row, n, store_stmt(s, SQL_EVENTS_INSERT), NULL, NULL, e) : 0;
	for (size_t i = 0; i < n && !rc; i++)
		fresh_add(s, &ev[i], row[i].seq, "", "");
	if (!rc)
		s->figure[FIGURE_EVENT_LAST] = next;
	free(row);
	return rc;
}

/* Number of rows, -1. */
static int events_show(struct store *s, sqlite3_stmt *q, void (*row)(void *arg, const struct event *ev), void *arg,
		       struct err *e)
{
	int n = 0, rc;

	while ((rc = store_step(s, q, e)) > 0) {
		struct event ev = {
			.seq = col_int(q, 0),
			.ts = col_int(q, 1),
			.type = store_event_of(s, col_int(q, 2)),
			.contact_id = col_int(q, 3),
			.address = col_text(q, 4),
			.account = col_text(q, 5),
			.sequence = store_name_text(s, col_int(q, 6)),
			.step = store_name_text(s, col_int(q, 7)),
			.kind = (int)col_int(q, 8),
			.touch_id = col_int(q, 9),
			.detail = col_text(q, 10),
		};

		row(arg, &ev);
		n++;
	}
	return rc < 0 ? -1 : n;
}

int store_events(struct store *s, int64_t after, int limit, void (*row)(void *arg, const struct event *ev), void *arg,
		 struct err *e)
{
	sqlite3_stmt *q;
	int n;

	if (store_refresh(s, e)) /* names that were read in part would go into the log as none */
		return -1;
	if (!s->in_transaction && after == s->figure[FIGURE_EVENT_LAST]) { /* it has them all */
		store_fresh_clear(s);
		return 0;
	}
	n = s->in_transaction ? 0 : fresh_show(s, after, limit, row, arg);
	if (n)
		return n;
	q = store_stmt(s, SQL_EVENTS);
	bind_int(q, 1, after);
	bind_int(q, 2, limit);
	return events_show(s, q, row, arg, e);
}

int store_events_of(struct store *s, int64_t contact_id, void (*row)(void *arg, const struct event *ev), void *arg,
		    struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_EVENTS_OF);
	int64_t floor = store_flights_floor(s);

	bind_int(q, 1, contact_id);
	bind_int(q, 2, floor ? floor : CLOCK_NEVER);
	return events_show(s, q, row, arg, e) < 0 ? -1 : 0;
}

int store_event_repeats(struct store *s, const struct event *ev, struct err *e)
{
	int64_t type = s->names.event[ev->type];
	sqlite3_stmt *q = store_stmt(s, SQL_EVENT_LAST);
	int rc;

	if (!type)
		return 0;
	bind_int(q, 1, ev->contact_id);
	bind_int(q, 2, type);
	bind_int(q, 3, store_name_find(s, ev->sequence));
	rc = store_step(s, q, e);
	if (rc > 0) {
		rc = !strcmp(col_text(q, 0), ev->detail);
		sqlite3_reset(q);
	}
	return rc;
}

int store_events_prune(struct store *s, int64_t synced_seq, int64_t before, int limit, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_EVENTS_PRUNE);

	if (store_change(s, e))
		return -1;
	bind_int(q, 1, synced_seq);
	bind_int(q, 2, before);
	bind_int(q, 3, limit);
	if (store_run(s, q, e))
		return -1;
	if (store_changed(s))
		store_fresh_clear(s);
	return store_changed(s);
}
