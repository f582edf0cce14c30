/* figure.flights: the touches in flight, as bytes. All of it is written at each commit, so that it is read whole or, after a rollback, not
 * at all; numbers are eight bytes, the most significant first, texts are their length in two bytes and their bytes.
 *
 *   1 byte   which of the rest is there: 1 handed over, 2 it has a row in table touch
 *   8        the touch's id
 *   8        when it was handed over (only then)
 *   ...      without a row: enrollment, contact, account (0 none), sequence and step (names), kind, reserved at; content, provider,
 *            message id
 */
#include <string.h>

#include "abv/mem.h"
#include "store_int.h"

enum { HANDED = 1, HAS_ROW = 2 };

/* ---- writing ---- */

static void put(struct buf *b, int64_t v)
{
	unsigned char byte[8];

	for (int i = 0; i < 8; i++)
		byte[i] = (unsigned char)((uint64_t)v >> (56 - 8 * i));
	buf_add(b, byte, sizeof(byte));
}

static void put_text(struct buf *b, const char *text)
{
	size_t n = strlen(text);

	buf_add(b, (unsigned char[2]){ (unsigned char)(n >> 8), (unsigned char)n }, 2);
	buf_add(b, text, n);
}

void store_flights_write(const struct flights *f, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < f->n; i++) {
		const struct flight *m = &f->more[i];
		bool handed = m->state == TOUCH_HANDED;

		if (m->row && !handed)
			continue; /* the row says it all */
		buf_char(out, (char)((handed ? HANDED : 0) | (m->row ? HAS_ROW : 0)));
		put(out, f->touch[i]);
		if (handed)
			put(out, m->handed_at);
		if (m->row)
			continue;
		put(out, f->enrollment[i]);
		put(out, f->contact[i]);
		put(out, f->account[i]);
		put(out, m->sequence);
		put(out, m->step);
		put(out, m->kind);
		put(out, m->reserved_at);
		put_text(out, m->content);
		put_text(out, m->provider);
		put_text(out, m->message_id);
	}
}

/* ---- reading ---- */

struct bytes {
	const unsigned char *p, *end;
	bool bad;
};

static int64_t take(struct bytes *b)
{
	uint64_t v = 0;

	if (b->end - b->p < 8) {
		b->bad = true;
		return 0;
	}
	for (int i = 0; i < 8; i++)
		v = v << 8 | *b->p++;
	return (int64_t)v;
}

/* Owned by the caller, for `free`. */
static char *take_text(struct bytes *b)
{
	size_t left = (size_t)(b->end - b->p), n = left < 2 ? 0 : (size_t)b->p[0] << 8 | b->p[1];
	char *text;

	if (left < 2 || n > left - 2) {
		b->bad = true;
		return mem_strdup("");
	}
	text = mem_strndup((const char *)b->p + 2, n);
	b->p += 2 + n;
	return text;
}

struct entry {
	bool row;
	int64_t id, handed_at; /* 0: not yet */
	int64_t enrollment, contact, account, sequence, step, kind, reserved_at;
	char *content, *provider, *message_id; /* owned; NULL with a row */
};

static void entry_take(struct bytes *b, struct entry *e)
{
	unsigned char what = *b->p++;

	*e = (struct entry){ .row = what & HAS_ROW, .id = take(b) };
	if (what & HANDED)
		e->handed_at = take(b);
	if (e->row)
		return;
	e->enrollment = take(b);
	e->contact = take(b);
	e->account = take(b);
	e->sequence = take(b);
	e->step = take(b);
	e->kind = take(b);
	e->reserved_at = take(b);
	e->content = take_text(b);
	e->provider = take_text(b);
	e->message_id = take_text(b);
}

static void entry_free(struct entry *e)
{
	free(e->content);
	free(e->provider);
	free(e->message_id);
}

int store_flights_read(struct store *s, const void *p, size_t n, struct err *e)
{
	struct bytes b = { .p = p, .end = (const unsigned char *)p + n };

	while (b.p < b.end && !b.bad) {
		struct entry f;
		int64_t place;

		entry_take(&b, &f);
		if (!f.row && !b.bad)
			store_flight_add(s,
					 &(struct touch){ .id = f.id,
							  .enrollment_id = f.enrollment,
							  .contact_id = f.contact,
							  .account_id = f.account,
							  .sequence = store_name_text(s, f.sequence),
							  .step = store_name_text(s, f.step),
							  .kind = f.kind ? KIND_ASK : KIND_VALUE,
							  .content = f.content,
							  .provider = f.provider,
							  .message_id = f.message_id },
					 f.reserved_at, false);
		place = store_flight_find(s, f.id);
		if (place < 0)
			b.bad = true;
		else if (f.handed_at)
			store_flight_handed(s, place, f.handed_at);
		entry_free(&f);
	}
	return b.bad ? err_set(e, "store: the record of what is in flight is damaged") : 0;
}

int store_flights_count(const void *p, size_t n, int64_t *handed, int64_t *rowless)
{
	struct bytes b = { .p = p, .end = (const unsigned char *)p + n };

	*handed = *rowless = 0;
	while (b.p < b.end && !b.bad) {
		struct entry f;

		entry_take(&b, &f);
		*handed += f.handed_at != 0;
		*rowless += !f.row;
		entry_free(&f);
	}
	return b.bad ? -1 : 0;
}
