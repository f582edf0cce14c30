/* Sends and failures of each hour: changed in memory, written once a commit. And bounces that are not permanent. */
#include <string.h>

#include "store_int.h"

int store_hour_count(struct store *s, int64_t at, enum store_hour which, int add, struct err *e)
{
	struct hourly *h = &s->hourly;
	int64_t hour = at / CLOCK_HOUR;
	int i = 0;

	if (store_change(s, e))
		return -1;
	while (i < h->n && h->todo[i].hour != hour)
		i++;
	if (i == h->n) {
		if (h->n == (int)(sizeof(h->todo) / sizeof(h->todo[0])) && store_hours_flush(s, e))
			return -1;
		i = h->n++;
		memset(&h->todo[i], 0, sizeof(h->todo[i]));
		h->todo[i].hour = hour;
	}
	h->todo[i].add[which] += add;
	return 0;
}

int store_hours_flush(struct store *s, struct err *e)
{
	struct hourly *h = &s->hourly;

	for (; h->n; h->n--) {
		sqlite3_stmt *q = store_stmt(s, SQL_HOUR_ADD);

		bind_int(q, 1, h->todo[h->n - 1].hour);
		for (int i = 0; i < STORE_HOUR_COUNT; i++)
			bind_int(q, 2 + i, h->todo[h->n - 1].add[i]);
		if (store_run(s, q, e))
			return -1;
	}
	return 0;
}

int store_hours_sum(struct store *s, int64_t since, int64_t out[STORE_HOUR_COUNT], struct err *e)
{
	sqlite3_stmt *q;

	if (s->in_transaction && store_hours_flush(s, e))
		return -1;
	q = store_stmt(s, SQL_HOURS);
	bind_int(q, 1, since / CLOCK_HOUR);
	if (store_step(s, q, e) <= 0)
		return -1;
	for (int i = 0; i < STORE_HOUR_COUNT; i++)
		out[i] = col_int(q, i);
	sqlite3_reset(q);
	return 0;
}

int store_soft_bounce(struct store *s, int64_t contact_id, int64_t touch_id, int64_t now, int64_t since, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_SOFT_BOUNCE_PUT);
	int n;

	if (store_change(s, e))
		return -1;
	bind_int(q, 1, contact_id);
	bind_int(q, 2, touch_id);
	bind_int(q, 3, now);
	if (store_run(s, q, e))
		return -1;
	q = store_stmt(s, SQL_SOFT_BOUNCES);
	bind_int(q, 1, contact_id);
	bind_int(q, 2, since);
	if (store_step(s, q, e) <= 0)
		return -1;
	n = (int)col_int(q, 0);
	sqlite3_reset(q);
	return n;
}
