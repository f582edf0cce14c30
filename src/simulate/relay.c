/* The relay of a simulation: it takes every message at once. What a mailbox thinks of it comes back later, as mail
 * (recipients.c), as it does from most relays. */
#include "simulate_int.h"

static struct relay_slot *slot_of(struct delivery_slot *slot)
{
	return (struct relay_slot *)(void *)slot;
}

static void outcome(struct relay *r, struct delivery_job *job, enum outcome o)
{
	bool sent = o == OUTCOME_ACCEPTED;
	struct delivery_result result = { .outcome = o,
					  .phase = PHASE_DOT,
					  .code = sent ? 250 : 0,
					  .status = sent ? "2.0.0" : "",
					  .reply = sent ? "2.0.0 simulated" : "withdrawn",
					  .local = !sent };

	slot_of(job->link)->busy = false;
	r->sink.on_outcome(r->sink.arg, job, &result);
}

static void want(void *arg, int messages)
{
	struct relay *r = arg;

	for (int i = 0; i < RELAY_SLOTS && messages > 0; i++) {
		if (r->slot[i].busy)
			continue;
		r->slot[i].busy = true;
		messages--;
		r->sink.on_slot(r->sink.arg, (struct delivery_slot *)&r->slot[i]);
	}
}

static void start(void *arg, struct delivery_slot *slot, struct delivery_job *job)
{
	struct relay *r = arg;

	job->link = slot;
	r->sink.on_body(r->sink.arg, job, true);
}

static void hand(void *arg, struct delivery_job *job, struct delivery_job *next)
{
	struct relay *r = arg;
	struct delivery_slot *slot = job->link;

	outcome(r, job, OUTCOME_ACCEPTED);
	if (!next)
		return;
	slot_of(slot)->busy = true;
	start(r, slot, next);
}

static void withdraw(void *arg, struct delivery_job *job)
{
	outcome(arg, job, OUTCOME_NOT_SENT);
}

static void give_back(void *arg, struct delivery_slot *slot)
{
	(void)arg;
	slot_of(slot)->busy = false;
}

static int64_t backoff_until_mono(void *arg)
{
	(void)arg;
	return 0;
}

void relay_open(struct relay *r)
{
	*r = (struct relay){ .delivery = { r, want, start, hand, withdraw, give_back, backoff_until_mono } };
}
