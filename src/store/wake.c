/* Asking again: which waits a change ends early, and the queue that they stand in. A wake only ever brings next_at
 * forward, and what is in flight is not touched by it: those rows are asked about when the flight ends. */
#include <string.h>

#include "abv/mem.h"
#include "store_int.h"

/* Statements with ?1 = id, ?2 = now. */
static int wake(struct store *s, enum sql id, int64_t which, int64_t now, struct err *e)
{
	sqlite3_stmt *q;

	if (store_change(s, e) || store_owed_flush(s, e))
		return -1;
	q = store_stmt(s, id);
	bind_int(q, 1, which);
	bind_int(q, 2, now);
	return store_run(s, q, e);
}

int store_wake_contact(struct store *s, int64_t contact_id, int64_t now, struct err *e)
{
	return wake(s, SQL_WAKE_CONTACT, contact_id, now, e);
}

int store_wake_account(struct store *s, int64_t account_id, int64_t now, struct err *e)
{
	return account_id ? wake(s, SQL_WAKE_ACCOUNT, account_id, now, e) : 0;
}

int store_wake_sequence(struct store *s, const char *sequence, int64_t now, struct err *e)
{
	if (sequence)
		return wake(s, SQL_WAKE_SEQUENCE, store_name_find(s, sequence), now, e);
	for (size_t i = 1; i <= s->names.n; i++) {
		if (wake(s, SQL_WAKE_SEQUENCE, (int64_t)i, now, e))
			return -1;
	}
	return 0;
}

int store_wake_some(struct store *s, int64_t *after, int rows, int64_t now, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_ENROLLMENT_LAST);
	int64_t last;

	if (store_change(s, e) || store_owed_flush(s, e) || store_step(s, q, e) < 0)
		return -1;
	last = col_int(q, 0);
	sqlite3_reset(q);
	q = store_stmt(s, SQL_WAKE_RANGE);
	bind_int(q, 1, *after);
	bind_int(q, 2, *after + rows);
	bind_int(q, 3, now);
	if (store_run(s, q, e))
		return -1;
	*after += rows;
	return *after < last;
}

/* Adds the number woken. Statements with ?1 = id, ?2 = now. */
static int wake_flight(struct store *s, enum sql id, int64_t which, int64_t now, int *woken, struct err *e)
{
	if (wake(s, id, which, now, e))
		return -1;
	*woken += store_changed(s);
	return 0;
}

int store_wake_flight(struct store *s, int64_t contact_id, int64_t account_id, int64_t now, struct err *e)
{
	int woken = 0, rc;

	if (store_change(s, e))
		return -1;
	if (!s->resting)
		return 0;
	rc = store_step(s, store_stmt(s, SQL_RESTING), e);
	if (rc > 0)
		sqlite3_reset(s->stmt[SQL_RESTING]);
	s->resting = rc != 0;
	if (rc <= 0)
		return rc;
	if (!contact_id)
		return wake_flight(s, SQL_WAKE_FLIGHT, 0, now, &woken, e) ? -1 : woken;
	if (wake_flight(s, SQL_WAKE_FLIGHT_CONTACT, contact_id, now, &woken, e) ||
	    (account_id && wake_flight(s, SQL_WAKE_FLIGHT_ACCOUNT, account_id, now, &woken, e)))
		return -1;
	return woken;
}

int store_wake_gate(struct store *s, int64_t now, struct err *e)
{
	return wake(s, SQL_WAKE_CONFIG, RESTS_CONFIG, now, e);
}

/* ---- the queue: the heads of all sequences' queues, merged ---- */

struct queued {
	int64_t id, next_at, due_at;
};

static int queued_order(const void *a, const void *b)
{
	const struct queued *x = a, *y = b;

	if (x->next_at != y->next_at)
		return x->next_at < y->next_at ? -1 : 1;
	if (x->due_at != y->due_at)
		return x->due_at < y->due_at ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

struct heads {
	struct queued *row;
	size_t n, cap;
};

static int heads_read(struct store *s, enum sql id, int64_t sequence, int64_t limit, struct heads *h, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, id);
	int rc;

	bind_int(q, 1, sequence);
	bind_int(q, 2, limit);
	while ((rc = store_step(s, q, e)) > 0) {
		struct queued row = { .id = col_int(q, 0), .next_at = col_int(q, 1), .due_at = col_int(q, 2) };

		if (h->n == h->cap) {
			h->cap = h->cap ? h->cap * 2 : 64;
			h->row = mem_grow(h->row, h->cap, sizeof(*h->row));
		}
		if (store_flight_of(s, row.id) >= 0)
			row.next_at = CLOCK_NEVER;
		h->row[h->n++] = row;
	}
	return rc;
}

int store_queue(struct store *s, int limit, void (*row)(void *arg, const struct enrollment *en, const char *email),
		void *arg, struct err *e)
{
	struct heads h = { 0 };
	struct enrollment en;
	int rc = store_owed_flush(s, e);

	for (size_t i = 1; i <= s->names.n && !rc; i++) {
		rc = heads_read(s, SQL_QUEUE_IDS, (int64_t)i, limit + (int64_t)s->flights.n, &h, e);
		if (!rc)
			rc = heads_read(s, SQL_QUEUE_SLOTS, (int64_t)i, limit, &h, e);
	}
	if (h.n)
		qsort(h.row, h.n, sizeof(*h.row), queued_order);
	for (size_t i = 0; i < h.n && (int64_t)i < limit && !rc; i++) {
		sqlite3_stmt *q = store_stmt(s, SQL_QUEUE_ROW);

		bind_int(q, 1, h.row[i].id);
		rc = store_step(s, q, e);
		if (rc > 0) {
			store_enrollment_read(s, q, &en);
			row(arg, &en, col_text(q, ENROLLMENT_COLUMN_COUNT));
			sqlite3_reset(q);
			rc = 0;
		}
	}
	free(h.row);
	return rc;
}
