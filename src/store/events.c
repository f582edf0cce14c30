/* Events: the engagement log's lines, until the log has them safe. seq goes up by one with each event of a transaction
 * that commits; one that is rolled back gives its numbers back, and figure.event_last remembers the last one when
 * pruning has removed them all. */
#include <string.h>

#include "abv/mem.h"
#include "store_int.h"

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
	sqlite3_stmt *q = store_stmt(s, SQL_EVENTS);

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
	return store_run(s, q, e) ? -1 : store_changed(s);
}
