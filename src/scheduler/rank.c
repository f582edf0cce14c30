/* Several enrollments of one contact share every cap, so which of them goes first decides which goes at all. Among those due the higher
 * priority wins, then the older due time (4-cadence). For those whose waits end together the order of the due list sees to that. But the
 * openings of windows are spread by a jitter that is each enrollment's own: there the lower one could come first, so it yields to the
 * higher until that has had its turn. A wait that ends inside an opening yields as well, and is told so beforehand. */
#include <stdlib.h>

#include "abv/mem.h"
#include "scheduler_int.h"

struct ranked {
	int64_t id, due_at, next_at;
	int32_t priority;
};

struct ranking {
	const struct scheduler *s;
	const struct candidate *c;
	int64_t by;          /* rivals must be due by then */
	bool soon;           /* and be asked within an hour of it */
	struct ranked me, *row;
	size_t n;
};

static bool before(const struct ranked *a, const struct ranked *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->due_at != b->due_at ? a->due_at < b->due_at : a->id < b->id;
}

static void rival_row(void *arg, const struct enrollment *en)
{
	struct ranking *r = arg;
	const struct plan_sequence *q = plan_sequence(r->s->plan, en->sequence);
	struct ranked x = { en->id, en->due_at, en->next_at, q != NULL ? q->sequence->priority : 0 };
	if (en->state != ENROLLMENT_ACTIVE || q == NULL || en->id == r->me.id || en->due_at > r->by || en->next_at == CLOCK_NEVER || !before(&x, &r->me))
		return;
	if (r->soon && en->next_at > r->by + CLOCK_HOUR)
		return;
	r->row = mem_grow(r->row, r->n + 1, sizeof *r->row);
	r->row[r->n++] = x;
}

/* Until when the rival's own jitter keeps it, also one that it was told of and that touches made since would spare it; 0: something
 * else does, or nothing. */
static int rival_wait(struct scheduler *s, const struct ranked *x, int64_t now, int64_t *until, struct err *e)
{
	struct candidate c;
	*until = 0;
	int rc = scheduler_decide_plain(s, x->id, now, true, &c, e);
	if (rc == 1 && c.verdict.kind == VERDICT_WAIT && c.verdict.reason == REASON_WINDOW)
		*until = c.verdict.until;
	else if (rc == 1 && c.verdict.kind == VERDICT_SEND && x->next_at > now)
		*until = x->next_at;
	if (rc == 1)
		candidate_free(&c);
	return rc < 0 ? -1 : 0;
}

int rank_yield(struct scheduler *s, struct candidate *c, int64_t now, struct err *e)
{
	struct verdict *v = &c->verdict;
	bool waits = v->kind == VERDICT_WAIT && v->until != CLOCK_NEVER;
	if (s->plan->config->sequence_n < 2 || (v->kind != VERDICT_SEND && !waits))
		return 0;
	const struct enrollment *en = &c->row->enrollment;
	int64_t mine = waits ? v->until : now, last = mine;
	struct ranking r = { .s = s, .c = c, .by = mine, .soon = waits && v->reason != REASON_WINDOW, .me = { en->id, en->due_at, en->next_at, c->sequence->sequence->priority } };
	int rc = store_enrollments_of(s->store, en->contact_id, rival_row, &r, e) < 0 ? -1 : 0;
	for (size_t i = 0; rc == 0 && i < r.n; i++) {
		int64_t until;
		rc = rival_wait(s, &r.row[i], now, &until, e);
		/* of one opening: its jitter is an hour at most */
		if (rc == 0 && until > last && until - mine <= CLOCK_HOUR)
			last = until;
	}
	free(r.row);
	if (rc == 0 && last > mine) {
		struct verdict yielded = { .kind = VERDICT_WAIT, .reason = REASON_PRIORITY, .until = last,
			                   .ends_at = waits ? v->ends_at : CLOCK_NEVER, .rests_on_flight = v->rests_on_flight };
		*v = yielded;
	}
	return rc;
}
