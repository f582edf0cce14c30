/* Touches in flight (reserved, handed), in memory.
 *
 * They are as many as there are messages on their way, a few hundred at most; but every decision of the governor must
 * count them, and every message passes through them. So they stand in no index, and the enrollment's row is not
 * rewritten at the reservation: while a touch is in flight, its enrollment has touch_id = that touch and next_at =
 * never, whatever the row says. When the flight ends, the row is owed these two; mostly the verb that follows in the
 * same transaction (advance, end, wait) writes them with what it writes anyway, and what is still owed is written
 * before anyone reads enrollments, and at the commit.
 *
 * Their place on the disk is figure.flights, which every commit writes; a touch gets its row when its flight ends. One
 * that flies again has a row already: it stays, in state 1, and is found after a crash by figure.flight_floor, below which
 * no touch is in flight. */
#include <string.h>

#include "abv/mem.h"
#include "store_int.h"

static void flights_clear(struct flights *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->more[i].provider);
		free(f->more[i].message_id);
	}
	f->n = 0;
}

void store_flights_free(struct store *s)
{
	struct flights *f = &s->flights;

	flights_clear(f);
	free(f->touch);
	free(f->enrollment);
	free(f->contact);
	free(f->account);
	free(f->more);
	*f = (struct flights){ 0 };
}

void store_flight_handed(struct store *s, int64_t place, int64_t at)
{
	s->flights.more[place].state = TOUCH_HANDED;
	s->flights.more[place].handed_at = at;
	s->flights.changed = true;
}

int store_flights_load(struct store *s, struct err *e)
{
	sqlite3_stmt *q;
	int rc = 0;

	flights_clear(&s->flights);
	s->flights.changed = false;
	s->owed_n = 0;
	s->resting = true; /* until it was looked */
	if (!s->figure[FIGURE_FLIGHT_FLOOR])
		return 0;
	q = store_stmt(s, SQL_TOUCH_FLIGHTS);
	bind_int(q, 1, s->figure[FIGURE_FLIGHT_FLOOR]);
	while ((rc = store_step(s, q, e)) > 0) {
		char content[DIGEST_HEX];
		struct touch t = { .id = col_int(q, 0),
				   .enrollment_id = col_int(q, 1),
				   .contact_id = col_int(q, 2),
				   .account_id = col_int(q, 3),
				   .kind = (enum kind)col_int(q, 5),
				   .content = content,
				   .provider = col_text(q, 7) };

		t.sequence = t.step = t.message_id = ""; /* its row tells */
		store_content_read(q, 6, content);
		store_flight_add(s, &t, 0, true);
		if (col_int(q, 4)) /* as version 3 wrote it */
			store_flight_handed(s, (int64_t)s->flights.n - 1, col_int(q, 4));
	}
	if (rc)
		return rc;
	q = store_stmt(s, SQL_FLIGHTS);
	rc = store_step(s, q, e);
	if (rc <= 0)
		return rc ? -1 : err_set(e, "store: table figure is empty");
	rc = store_flights_read(s, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), e);
	sqlite3_reset(q);
	return rc;
}

void store_flight_add(struct store *s, const struct touch *t, int64_t reserved_at, bool row)
{
	struct flights *f = &s->flights;
	struct flight *more;

	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 64;
		f->touch = mem_grow(f->touch, f->cap, sizeof(*f->touch));
		f->enrollment = mem_grow(f->enrollment, f->cap, sizeof(*f->enrollment));
		f->contact = mem_grow(f->contact, f->cap, sizeof(*f->contact));
		f->account = mem_grow(f->account, f->cap, sizeof(*f->account));
		f->more = mem_grow(f->more, f->cap, sizeof(*f->more));
	}
	f->touch[f->n] = t->id;
	f->enrollment[f->n] = t->enrollment_id;
	f->contact[f->n] = t->contact_id;
	f->account[f->n] = t->account_id;
	more = &f->more[f->n++];
	*more = (struct flight){ .state = TOUCH_RESERVED,
				 .kind = t->kind,
				 .row = row,
				 .sequence = store_name_find(s, t->sequence),
				 .step = store_name_find(s, t->step),
				 .reserved_at = reserved_at,
				 .provider = mem_strdup(t->provider),
				 .message_id = mem_strdup(t->message_id) };
	memcpy(more->content, t->content, strnlen(t->content, DIGEST_HEX - 1));
	f->changed = true;
	if (t->id > s->touch_given)
		s->touch_given = t->id;
}

static int64_t place_of(const int64_t *id, size_t n, int64_t want)
{
	for (size_t i = 0; i < n; i++) {
		if (id[i] == want)
			return (int64_t)i;
	}
	return -1;
}

int64_t store_flight_find(const struct store *s, int64_t touch_id)
{
	return place_of(s->flights.touch, s->flights.n, touch_id);
}

int64_t store_flight_of(const struct store *s, int64_t enrollment_id)
{
	return place_of(s->flights.enrollment, s->flights.n, enrollment_id);
}

int64_t store_flights_floor(const struct store *s)
{
	int64_t floor = 0;

	for (size_t i = 0; i < s->flights.n; i++) {
		if (!floor || s->flights.touch[i] < floor)
			floor = s->flights.touch[i];
	}
	return floor;
}

void store_flight_end(struct store *s, int64_t place)
{
	struct flights *f = &s->flights;
	size_t i = (size_t)place, last = --f->n;

	if (!f->more[i].written) {
		if (s->owed_n == s->owed_cap) {
			s->owed_cap = s->owed_cap ? s->owed_cap * 2 : 16;
			s->owed = mem_grow(s->owed, s->owed_cap, sizeof(*s->owed));
		}
		s->owed[s->owed_n++] = (struct owed){ f->enrollment[i], f->touch[i] };
	}
	f->changed = true;
	free(f->more[i].provider);
	free(f->more[i].message_id);
	f->touch[i] = f->touch[last];
	f->enrollment[i] = f->enrollment[last];
	f->contact[i] = f->contact[last];
	f->account[i] = f->account[last];
	f->more[i] = f->more[last];
}

int64_t store_owed_paid(struct store *s, int64_t enrollment_id)
{
	int64_t place = store_flight_of(s, enrollment_id), touch = 0;

	if (place >= 0) {
		s->flights.more[place].written = true;
		touch = s->flights.touch[place];
	}
	for (size_t i = 0; i < s->owed_n; i++) {
		if (s->owed[i].enrollment == enrollment_id) {
			touch = touch ? touch : s->owed[i].touch;
			s->owed[i--] = s->owed[--s->owed_n];
		}
	}
	return touch;
}

int store_owed_pay(struct store *s, int64_t enrollment_id, int64_t touch_id, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_ENROLLMENT_OWED);

	bind_int(q, 1, enrollment_id);
	bind_int(q, 2, touch_id);
	return store_run(s, q, e);
}

int store_owed_flush(struct store *s, struct err *e)
{
	for (; s->owed_n; s->owed_n--) {
		if (store_owed_pay(s, s->owed[s->owed_n - 1].enrollment, s->owed[s->owed_n - 1].touch, e))
			return -1;
	}
	return 0;
}
