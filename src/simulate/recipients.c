/* The people of a simulation. Each touch has a random sequence of its own, which begins with a hash of seed, address,
 * sequence and step, and of which every question takes the same place: neither the order of touches nor another rate
 * changes what a person answers to a step. */
#include <stdlib.h>

#include "abv/hash.h"
#include "abv/mem.h"
#include "simulate_int.h"

#define DELAY_LEAST CLOCK_HOUR
#define DELAY_MOST  (3 * CLOCK_DAY)
#define AWAY_LEAST  CLOCK_DAY
#define AWAY_MOST   (14 * CLOCK_DAY)

uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static int64_t between(uint64_t *state, int64_t least, int64_t most)
{
	return least + (int64_t)(random_next(state) % (uint64_t)(most - least + 1));
}

static bool chance(uint64_t *state, double rate)
{
	return (double)(random_next(state) >> 11) * 0x1p-53 < rate;
}

/* ---- the heap ---- */

static bool before(const struct reaction *a, const struct reaction *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	if (a->contact_id != b->contact_id)
		return a->contact_id < b->contact_id;
	return a->touch_id != b->touch_id ? a->touch_id < b->touch_id : a->kind < b->kind;
}

static void push(struct recipients *r, const struct reaction *x)
{
	size_t i = r->n++;

	if (r->n > r->cap) {
		r->cap = r->cap ? r->cap * 2 : 256;
		r->heap = mem_grow(r->heap, r->cap, sizeof(*r->heap));
	}
	for (; i > 0 && before(x, &r->heap[(i - 1) / 2]); i = (i - 1) / 2)
		r->heap[i] = r->heap[(i - 1) / 2];
	r->heap[i] = *x;
}

bool recipients_take(struct recipients *r, int64_t now, struct reaction *out)
{
	struct reaction last;
	size_t i = 0, k;

	if (recipients_next(r) > now)
		return false;
	*out = r->heap[0];
	last = r->heap[--r->n];
	while ((k = 2 * i + 1) < r->n) {
		k += k + 1 < r->n && before(&r->heap[k + 1], &r->heap[k]);
		if (!before(&r->heap[k], &last))
			break;
		r->heap[i] = r->heap[k];
		i = k;
	}
	r->heap[i] = last;
	return true;
}

int64_t recipients_next(const struct recipients *r)
{
	return r->n > 0 ? r->heap[0].at : CLOCK_NEVER;
}

void recipients_free(struct recipients *r)
{
	free(r->heap);
	*r = (struct recipients){ 0 };
}

/* ---- what comes of a touch ---- */

void recipients_touch(struct recipients *r, const struct event *sent)
{
	const struct {
		enum answer_kind kind;
		double rate;
	} question[] = { /* the bounce first: an address that does not exist says nothing else */
			 { ANSWER_BOUNCE, r->model.bounce },
			 { ANSWER_AUTO_REPLY, r->model.ooo },
			 { ANSWER_REPLY, r->model.reply },
			 { ANSWER_UNSUBSCRIBE, r->model.unsubscribe }
	};
	uint64_t h = hash_member(hash_member(hash_member(r->model.seed, sent->address), sent->sequence), sent->step);
	bool bounced = false;

	for (size_t i = 0; i < sizeof(question) / sizeof(question[0]) && !bounced; i++) {
		struct reaction x = { .contact_id = sent->contact_id,
				      .touch_id = sent->touch_id,
				      .kind = question[i].kind };
		uint64_t state = h + i;
		bool comes = chance(&state, question[i].rate);

		x.at = sent->ts + between(&state, DELAY_LEAST, DELAY_MOST);
		if (x.kind == ANSWER_AUTO_REPLY && random_next(&state) % 3 != 0)
			x.until = x.at + between(&state, AWAY_LEAST, AWAY_MOST);
		if (comes)
			push(r, &x);
		bounced = comes && x.kind == ANSWER_BOUNCE;
	}
}
