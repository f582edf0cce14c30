/* Running figures and sending days: changed in memory, written once a commit. */
#include <string.h>

#include "store_int.h"

int store_figures_load(struct store *s, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_FIGURE);
	int rc = store_step(s, q, e);

	if (rc <= 0)
		return rc ? -1 : err_set(e, "store: table figure is empty");
	for (int i = 0; i < FIGURE_COUNT; i++)
		s->figure[i] = s->figure_stored[i] = col_int(q, i);
	sqlite3_reset(q);
	s->days = (struct days){ .today = -1 };
	s->hourly.n = 0;
	return 0;
}

int store_figures_flush(struct store *s, struct err *e)
{
	sqlite3_stmt *q;

	s->figure[FIGURE_FLIGHT_FLOOR] = store_flights_floor(s);
	if (!memcmp(s->figure, s->figure_stored, sizeof(s->figure)) && !s->flights.changed)
		return 0;
	q = store_stmt(s, SQL_FIGURE_PUT);
	for (int i = 0; i < FIGURE_COUNT; i++)
		bind_int(q, i + 1, s->figure[i]);
	store_flights_write(&s->flights, &s->flights_bytes);
	(void)sqlite3_bind_blob64(q, FIGURE_COUNT + 1, buf_text(&s->flights_bytes), s->flights_bytes.len, SQLITE_STATIC);
	if (store_run(s, q, e))
		return -1;
	s->flights.changed = false;
	memcpy(s->figure_stored, s->figure, sizeof(s->figure));
	return 0;
}

/* ---- days: counted touches of each UTC day ---- */

int store_days_count(struct store *s, int64_t touch, int64_t at, int add, struct err *e)
{
	struct days *d = &s->days;
	int64_t day = at / CLOCK_DAY;
	int i = 0;

	if (d->today >= 0 && day >= d->today)
		d->used += add;
	else
		d->today = -1;
	while (i < d->todo_n && d->todo[i].day != day)
		i++;
	if (i == d->todo_n) {
		/* Touches of more than four days in one transaction: cannot happen but in tests and imports of
		 * histories. */
		if (d->todo_n == (int)(sizeof(d->todo) / sizeof(d->todo[0])) && store_days_flush(s, e))
			return -1;
		i = d->todo_n++;
		d->todo[i].day = day;
		d->todo[i].add = 0;
		d->todo[i].first = touch;
	}
	if (touch < d->todo[i].first)
		d->todo[i].first = touch;
	d->todo[i].add += add;
	return 0;
}

int store_days_flush(struct store *s, struct err *e)
{
	struct days *d = &s->days;

	for (; d->todo_n; d->todo_n--) {
		sqlite3_stmt *q = store_stmt(s, SQL_DAY_ADD);

		bind_int(q, 1, d->todo[d->todo_n - 1].day);
		bind_int(q, 2, d->todo[d->todo_n - 1].add);
		bind_int(q, 3, d->todo[d->todo_n - 1].first);
		if (store_run(s, q, e))
			return -1;
	}
	return 0;
}

static int count_one(struct store *s, enum sql id, int64_t day, int32_t *out, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, id);

	bind_int(q, 1, day);
	if (store_step(s, q, e) <= 0)
		return -1;
	*out = (int32_t)col_int(q, 0);
	sqlite3_reset(q);
	return 0;
}

int store_days_ramp(struct store *s, int64_t now, int32_t *used, int32_t *before, struct err *e)
{
	struct days *d = &s->days;
	int64_t today = now / CLOCK_DAY;

	if (d->today != today) {
		d->today = -1;
		if (store_days_flush(s, e) || count_one(s, SQL_DAY_USED, today, &d->used, e) ||
		    count_one(s, SQL_DAY_BEFORE, today, &d->before, e))
			return -1;
		d->today = today;
	}
	*used = d->used;
	*before = d->before;
	return 0;
}
