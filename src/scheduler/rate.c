/* smtp.rate: at most n messages in every half-open interval. What is on its way counts as now, so the rule holds for the times of
 * acceptance too, whatever a relay takes to answer. */
#include <stdlib.h>

#include "abv/mem.h"
#include "scheduler_int.h"

void rate_free(struct rate *r)
{
	free(r->sent);
	*r = (struct rate){ 0 };
}

void rate_note(struct rate *r, int64_t at)
{
	if (r->limit.n == 0)
		return;
	r->sent[r->head] = at;
	r->head = (r->head + 1) % r->limit.n;
	if (r->n < r->limit.n)
		r->n++;
}

/* The times before a restart or reload come from the store, as a sender limit would read them. */
void rate_set(struct scheduler *s, struct limit l)
{
	rate_free(&s->rate);
	s->rate.limit = l;
	if (l.n == 0)
		return;
	s->rate.sent = mem_array((size_t)l.n, sizeof *s->rate.sent);
	struct policy p = { .sender = { .n = 1, .row = { l } } };
	struct contact nobody = { .email = "", .account = "" };
	struct history h;
	if (store_history(s->store, &p, &nobody, 0, clock_now(s->clock), &h, NULL) != 0)
		return;
	for (size_t i = h.sender_n; i > 0; i--)
		if (h.sender[i - 1] != CLOCK_NEVER)
			rate_note(&s->rate, h.sender[i - 1]);
}

int64_t rate_wait(const struct rate *r, int in_flight, int64_t now)
{
	if (r->limit.n == 0)
		return 0;
	if (in_flight >= r->limit.n)
		return CLOCK_NEVER;
	int32_t room = r->limit.n - in_flight; /* so many sent ones may lie inside the window, less the one that wants to go */
	if (r->n < room)
		return 0;
	/* the room-th newest must have left the window */
	int32_t i = (r->head - room + 2 * r->limit.n) % r->limit.n;
	int64_t free_at = r->sent[i] + r->limit.per_ms;
	return free_at <= now ? 0 : free_at;
}
