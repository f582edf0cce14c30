/* Touches: every edge of an attempt's state is checked here against attempt_edge, and all that must change with it (the
 * figures, the sending day, the sender's and provider's recent times, what is in flight) changes with it. */
#include <stdio.h>
#include <string.h>

#include "abv/attempt.h"
#include "abv/mem.h"
#include "store_int.h"

/* ---- the digest ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void store_content_bind(sqlite3_stmt *q, int i, const char *content, unsigned char digest[16])
{
	size_t n = 0;

	while (n < 16 && hex_value(content[2 * n]) >= 0 && hex_value(content[2 * n + 1]) >= 0) {
		digest[n] = (unsigned char)(hex_value(content[2 * n]) << 4 | hex_value(content[2 * n + 1]));
		n++;
	}
	if (n == 16 && !content[32])
		(void)sqlite3_bind_blob(q, i, digest, 16, SQLITE_STATIC);
	else
		bind_text(q, i, content);
}

void store_content_read(sqlite3_stmt *q, int column, char out[DIGEST_HEX])
{
	static const char digit[] = "0123456789abcdef";
	const unsigned char *p;

	if (sqlite3_column_type(q, column) != SQLITE_BLOB) {
		snprintf(out, DIGEST_HEX, "%s", col_text(q, column));
		return;
	}
	p = sqlite3_column_blob(q, column);
	for (size_t i = 0; i < 16; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[32] = '\0';
}

/* ---- states ---- */

/* What an edge needs to know of a touch. */
struct brief {
	enum touch_state state;
	int64_t at;
	char provider[MAILADDR_MAX];
};

static int touch_brief(struct store *s, int64_t id, struct brief *out, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_TOUCH_BRIEF);
	int rc;

	bind_int(q, 1, id);
	rc = store_step(s, q, e);
	if (rc > 0) {
		out->state = (enum touch_state)col_int(q, 0);
		out->at = col_int(q, 1);
		snprintf(out->provider, sizeof(out->provider), "%s", col_text(q, 2));
		sqlite3_reset(q);
	}
	return rc;
}

static int edge(int64_t id, enum touch_state from, enum touch_state to, struct err *e)
{
	if (attempt_edge(from, to))
		return 0;
	return err_set(e, "store: touch %lld cannot go from %s to %s", (long long)id, touch_state_name(from),
		       touch_state_name(to));
}

static bool settled_counts(enum touch_state state)
{
	return state == TOUCH_ACCEPTED || state == TOUCH_UNKNOWN;
}

static void figure_move(struct store *s, enum touch_state from, enum touch_state to)
{
	s->figure[FIGURE_TOUCHES + (int)from]--;
	s->figure[FIGURE_TOUCHES + (int)to]++;
}

/* ---- reserving, handing over ---- */

static int reserve_again(struct store *s, const struct touch *t, enum touch_state from, int64_t step, int64_t now,
			 struct err *e)
{
	sqlite3_stmt *q;
	unsigned char digest[16];

	if (edge(t->id, from, TOUCH_RESERVED, e))
		return -1;
	q = store_stmt(s, SQL_TOUCH_RETRY);
	bind_int(q, 1, t->id);
	bind_id(q, 2, t->account_id);
	bind_int(q, 3, step);
	bind_int(q, 4, t->kind);
	bind_int(q, 5, now);
	store_content_bind(q, 6, t->content, digest);
	bind_text(q, 7, t->provider);
	bind_text(q, 8, t->message_id);
	if (store_run(s, q, e))
		return -1;
	figure_move(s, from, TOUCH_RESERVED);
	return 0;
}

int store_touch_reserve(struct store *s, const struct touch *t, int64_t now, struct err *e)
{
	struct brief old;
	int64_t step;
	int rc;

	if (store_change(s, e))
		return -1;
	if (t->id <= 0 || strlen(t->content) >= DIGEST_HEX)
		return err_set(e, "store: a touch needs an id, and its content a digest");
	if (store_flight_find(s, t->id) >= 0)
		return edge(t->id, s->flights.more[store_flight_find(s, t->id)].state, TOUCH_RESERVED, e)
			   ? -1
			   : err_set(e, "store: touch %lld is in flight", (long long)t->id);
	if (store_flight_of(s, t->enrollment_id) >= 0)
		return err_set(e, "store: a touch of enrollment %lld is in flight", (long long)t->enrollment_id);
	step = store_name_id(s, t->step, e);
	if (step < 0 || store_name_id(s, t->sequence, e) < 0 || store_owed_flush(s, e))
		return -1;
	rc = t->id > s->touch_high ? 0 : touch_brief(s, t->id, &old, e);
	if (rc < 0 || (rc && reserve_again(s, t, old.state, step, now, e)))
		return -1;
	if (!rc)
		s->figure[FIGURE_TOUCHES + TOUCH_RESERVED]++;
	store_flight_add(s, t, now, rc > 0);
	store_seen(s, now);
	return 0;
}

int store_touch_hand(struct store *s, int64_t touch_id, int64_t now, struct err *e)
{
	int64_t place = store_flight_find(s, touch_id);
	struct brief old;

	if (store_change(s, e))
		return -1;
	if (place < 0) {
		int rc = touch_brief(s, touch_id, &old, e);

		if (rc <= 0)
			return rc ? -1 : err_set(e, "store: there is no touch %lld", (long long)touch_id);
		return edge(touch_id, old.state, TOUCH_HANDED, e)
			   ? -1
			   : err_set(e, "store: touch %lld is not in flight", (long long)touch_id);
	}
	if (edge(touch_id, s->flights.more[place].state, TOUCH_HANDED, e))
		return -1;
	figure_move(s, TOUCH_RESERVED, TOUCH_HANDED);
	store_flight_handed(s, place, now);
	store_seen(s, now);
	return 0;
}

/* ---- what became of it ---- */

/* The touch begins (add) or ceases to count, at `at`. */
static int counted(struct store *s, int64_t id, int64_t at, const char *provider, bool add, struct err *e)
{
	store_recents_count(s, provider, at, add);
	return store_hour_count(s, at, STORE_HOUR_SENDS, add ? 1 : -1, e) ? -1 : store_days_count(s, id, at, add ? 1 : -1, e);
}

/* The change of the row; old is what it was. handed_at 0: as it was. */
static int touch_change(struct store *s, int64_t id, const struct brief *old, enum touch_state to, int64_t at, int64_t handed_at,
			int code, const char *reply, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_TOUCH_SET);

	bind_int(q, 1, id);
	bind_int(q, 2, to);
	bind_int(q, 3, at);
	bind_int(q, 4, code);
	bind_text(q, 5, reply);
	bind_id(q, 6, handed_at);
	if (store_run(s, q, e))
		return -1;
	figure_move(s, old->state, to);
	store_seen(s, at);
	return 0;
}

/* The row of a touch whose flight ends, when it has none yet. */
static int touch_settle(struct store *s, int64_t place, enum touch_state to, int64_t at, int code, const char *reply, struct err *e)
{
	const struct flights *f = &s->flights;
	const struct flight *m = &f->more[place];
	sqlite3_stmt *q = store_stmt(s, SQL_TOUCH_SETTLE);
	unsigned char digest[16];

	bind_int(q, 1, f->touch[place]);
	bind_int(q, 2, f->enrollment[place]);
	bind_int(q, 3, f->contact[place]);
	bind_id(q, 4, f->account[place]);
	bind_int(q, 5, m->step);
	bind_int(q, 6, m->kind);
	bind_int(q, 7, to);
	bind_int(q, 8, at);
	bind_int(q, 9, m->reserved_at);
	bind_int(q, 10, m->handed_at);
	store_content_bind(q, 11, m->content, digest);
	bind_text(q, 12, m->provider);
	bind_text(q, 13, m->message_id);
	bind_int(q, 14, code);
	bind_text(q, 15, reply);
	if (store_run(s, q, e))
		return -1;
	if (f->touch[place] > s->touch_high)
		s->touch_high = f->touch[place];
	figure_move(s, m->state, to);
	store_seen(s, at);
	return 0;
}

static int flight_set(struct store *s, int64_t place, enum touch_state to, int64_t at, int code, const char *reply,
		      struct err *e)
{
	const struct flight *f = &s->flights.more[place];
	struct brief old = { .state = f->state };
	int64_t id = s->flights.touch[place];

	if (edge(id, old.state, to, e))
		return -1;
	if (to == TOUCH_RESERVED || to == TOUCH_HANDED)
		return err_set(e, "store: touch %lld is reserved and handed over by verbs of their own", (long long)id);
	if (f->row ? touch_change(s, id, &old, to, at, f->handed_at, code, reply, e) : touch_settle(s, place, to, at, code, reply, e))
		return -1;
	if (settled_counts(to) && counted(s, id, at, f->provider, true, e))
		return -1;
	store_flight_end(s, place);
	return 0;
}

int store_touch_set(struct store *s, int64_t touch_id, enum touch_state to, int64_t at, int code, const char *reply,
		    struct err *e)
{
	int64_t place = store_flight_find(s, touch_id);
	struct brief old;
	int rc;

	if (store_change(s, e))
		return -1;
	if (place >= 0)
		return flight_set(s, place, to, at, code, reply, e);
	rc = touch_brief(s, touch_id, &old, e);
	if (rc <= 0)
		return rc ? -1 : err_set(e, "store: there is no touch %lld", (long long)touch_id);
	if (edge(touch_id, old.state, to, e))
		return -1;
	if (to == TOUCH_RESERVED || to == TOUCH_HANDED)
		return err_set(e, "store: touch %lld is reserved and handed over by verbs of their own",
			       (long long)touch_id);
	if (touch_change(s, touch_id, &old, to, at, 0, code, reply, e))
		return -1;
	if (settled_counts(old.state) && counted(s, touch_id, old.at, old.provider, false, e))
		return -1;
	return settled_counts(to) ? counted(s, touch_id, at, old.provider, true, e) : 0;
}

/* ---- reading ---- */

/* content: room for the digest; texts live until the next step. */
static void touch_read(struct store *s, sqlite3_stmt *q, struct touch *out, char content[DIGEST_HEX])
{
	store_content_read(q, 13, content);
	*out = (struct touch){
		.id = col_int(q, 0),
		.enrollment_id = col_int(q, 1),
		.contact_id = col_int(q, 2),
		.account_id = col_int(q, 3),
		.sequence = store_name_text(s, col_int(q, 4)),
		.step = store_name_text(s, col_int(q, 5)),
		.kind = (enum kind)col_int(q, 6),
		.state = (enum touch_state)col_int(q, 7),
		.at = col_int(q, 8),
		.reserved_at = col_int(q, 9),
		.handed_at = col_int(q, 10),
		.first_at = col_int(q, 11),
		.attempts = (int32_t)col_int(q, 12),
		.content = content,
		.provider = col_text(q, 14),
		.message_id = col_text(q, 15),
		.smtp_code = (int32_t)col_int(q, 16),
		.smtp_reply = col_text(q, 17),
	};
	if (out->state == TOUCH_RESERVED) {
		int64_t place = store_flight_find(s, out->id);

		out->state = place >= 0 ? s->flights.more[place].state : TOUCH_RESERVED;
		out->handed_at = place >= 0 ? s->flights.more[place].handed_at : 0;
	}
}

static struct touch *touch_copy(const struct touch *t)
{
	struct touch *to = mem_alloc(sizeof(*to) + strlen(t->sequence) + strlen(t->step) + strlen(t->content) +
				     strlen(t->provider) + strlen(t->message_id) + strlen(t->smtp_reply) + 6);
	char *text = (char *)(to + 1);

	*to = *t;
	to->sequence = store_text_copy(&text, t->sequence);
	to->step = store_text_copy(&text, t->step);
	to->content = store_text_copy(&text, t->content);
	to->provider = store_text_copy(&text, t->provider);
	to->message_id = store_text_copy(&text, t->message_id);
	to->smtp_reply = store_text_copy(&text, t->smtp_reply);
	return to;
}

/* Of a touch that has no row. */
static struct touch *flight_copy(const struct store *s, int64_t place)
{
	const struct flights *f = &s->flights;
	const struct flight *m = &f->more[place];

	return touch_copy(&(struct touch){
	    .id = f->touch[place],
	    .enrollment_id = f->enrollment[place],
	    .contact_id = f->contact[place],
	    .account_id = f->account[place],
	    .sequence = store_name_text(s, m->sequence),
	    .step = store_name_text(s, m->step),
	    .kind = m->kind,
	    .state = m->state,
	    .at = m->reserved_at,
	    .reserved_at = m->reserved_at,
	    .handed_at = m->handed_at,
	    .first_at = m->reserved_at,
	    .attempts = 1,
	    .content = m->content,
	    .provider = m->provider,
	    .message_id = m->message_id,
	    .smtp_reply = "",
	});
}

int store_touch(struct store *s, int64_t id, struct touch **out, struct err *e)
{
	int64_t place = store_flight_find(s, id);
	char content[DIGEST_HEX];
	struct touch t;
	sqlite3_stmt *q;
	int rc;

	*out = NULL;
	if (place >= 0 && !s->flights.more[place].row) {
		*out = flight_copy(s, place);
		return 1;
	}
	q = store_stmt(s, SQL_TOUCH);
	bind_int(q, 1, id);
	rc = store_step(s, q, e);
	if (rc <= 0)
		return rc;
	touch_read(s, q, &t, content);
	*out = touch_copy(&t);
	sqlite3_reset(q);
	return 1;
}

static int id_order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Shows the touches by id. The ids were read before, because the callback may change the states it is shown. */
static int ids_show(struct store *s, const int64_t *id, size_t n, void (*row)(void *arg, const struct touch *t),
		    void *arg, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc >= 0; i++) {
		struct touch *t = NULL;

		rc = store_touch(s, id[i], &t, e);
		if (rc > 0)
			row(arg, t);
		touch_free(&t);
	}
	return rc < 0 ? -1 : 0;
}

/* Those in flight of a contact (0: any) in a state (TOUCH_STATE_COUNT: either). */
static int flights_show(struct store *s, int64_t of, enum touch_state state,
			void (*row)(void *arg, const struct touch *t), void *arg, struct err *e)
{
	int64_t *id = mem_array(s->flights.n + 1, sizeof(*id));
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < s->flights.n; i++) {
		if ((!of || s->flights.contact[i] == of) &&
		    (state == TOUCH_STATE_COUNT || s->flights.more[i].state == state))
			id[n++] = s->flights.touch[i];
	}
	qsort(id, n, sizeof(*id), id_order);
	rc = ids_show(s, id, n, row, arg, e);
	free(id);
	return rc;
}

/* Those in flight of a contact or of an account, at most `limit`: the number of them. */
static int flights_counted(struct store *s, int64_t contact_id, int64_t account_id, int limit,
			   void (*row)(void *arg, const struct touch *t), void *arg, struct err *e)
{
	const struct flights *f = &s->flights;
	int64_t *id = mem_array(f->n + 1, sizeof(*id));
	int n = 0, rc;

	for (size_t i = 0; i < f->n && n < limit; i++) {
		if (contact_id ? f->contact[i] == contact_id : f->account[i] == account_id)
			id[n++] = f->touch[i];
	}
	qsort(id, (size_t)n, sizeof(*id), id_order);
	rc = ids_show(s, id, (size_t)n, row, arg, e);
	free(id);
	return rc < 0 ? -1 : n;
}

/* A statement that gives ids. */
static int query_show(struct store *s, sqlite3_stmt *q, void (*row)(void *arg, const struct touch *t), void *arg,
		      struct err *e)
{
	struct times id = { 0 };
	int rc;

	while ((rc = store_step(s, q, e)) > 0)
		times_add(&id, col_int(q, 0));
	if (!rc)
		rc = ids_show(s, id.time, id.n, row, arg, e);
	free(id.time);
	return rc;
}

int store_touches_in(struct store *s, enum touch_state state, void (*row)(void *arg, const struct touch *t), void *arg,
		     struct err *e)
{
	bool pending = state == TOUCH_DUE || state == TOUCH_REFUSED_TEMP || state == TOUCH_UNKNOWN;
	sqlite3_stmt *q;

	if (state == TOUCH_RESERVED || state == TOUCH_HANDED)
		return flights_show(s, 0, state, row, arg, e);
	q = store_stmt(s, pending ? SQL_TOUCHES_PENDING : SQL_TOUCHES_SETTLED);
	bind_int(q, 1, state);
	return query_show(s, q, row, arg, e);
}

int store_touches_of(struct store *s, int64_t contact_id, void (*row)(void *arg, const struct touch *t), void *arg,
		     struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_TOUCH_IDS);

	bind_int(q, 1, contact_id);
	if (query_show(s, q, row, arg, e))
		return -1;
	return flights_show(s, contact_id, TOUCH_STATE_COUNT, row, arg, e);
}

int store_touches_counted(struct store *s, int64_t contact_id, int64_t account_id, int64_t since, int limit,
			  void (*row)(void *arg, const struct touch *t), void *arg, struct err *e)
{
	int flying = flights_counted(s, contact_id, account_id, limit, row, arg, e);
	sqlite3_stmt *q;

	if (flying < 0)
		return -1;
	q = store_stmt(s, contact_id ? SQL_COUNTED_CONTACT : SQL_COUNTED_ACCOUNT);
	bind_int(q, 1, contact_id ? contact_id : account_id);
	bind_int(q, 2, since);
	bind_int(q, 3, limit - flying);
	return query_show(s, q, row, arg, e);
}
