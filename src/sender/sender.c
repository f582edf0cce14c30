/* What the scheduler asks of the sender (abv/delivery.h), and the sender's life. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "abv/clock.h"
#include "abv/mem.h"
#include "sender_int.h"

/* ---- the scheduler's verbs ---- */

static void want(void *arg, int messages)
{
	struct sender *s = arg;

	pool_enter(s);
	s->wanted = messages;
	s->refill = true;
	pool_leave(s);
}

static void start(void *arg, struct delivery_slot *k, struct delivery_job *job)
{
	struct sender *s = arg;

	pool_enter(s);
	smtp_start(k, job);
	pool_leave(s);
}

static void not_sent(struct sender *s, struct delivery_job *job, const char *why)
{
	struct delivery_result r = {
		.outcome = OUTCOME_NOT_SENT, .phase = PHASE_MAIL, .status = "", .reply = why, .local = true
	};

	smtp_tell(s, job, &r);
}

/* A job whose outcome was told meanwhile has no link; what was to go behind it goes nowhere. */
static void hand(void *arg, struct delivery_job *job, struct delivery_job *next)
{
	struct sender *s = arg;
	struct delivery_slot *k = job->link;

	pool_enter(s);
	if (k) {
		netconn_look(k->conn);
		k = job->link;
	}
	if (next && (!k || !k->can.pipelining || k->retired)) {
		not_sent(s, next, "the connection it was to follow on takes no further message");
		next = NULL;
	}
	if (k && k->now.job == job)
		smtp_hand(k, job, next);
	pool_leave(s);
}

static void withdraw(void *arg, struct delivery_job *job)
{
	struct sender *s = arg;
	struct delivery_slot *k = job->link;

	pool_enter(s);
	if (k)
		smtp_withdraw(k, job, "withdrawn before the final dot");
	pool_leave(s);
}

static void give_back(void *arg, struct delivery_slot *k)
{
	static const struct ending enough = { .status = "", .text = "no longer needed", .local = true, .quit = true };
	struct sender *s = arg;

	pool_enter(s);
	assert(k->state == SLOT_OFFERED);
	pool_move(k, SLOT_IDLE);
	if (pool_is_surplus(k))
		smtp_end(k, &enough);
	else
		pool_wait(k, s->pace.idle);
	pool_leave(s);
}

static int64_t backoff_until_mono(void *arg)
{
	const struct sender *s = arg;

	return s->backoff.active && clock_mono() < s->backoff.until ? s->backoff.until : 0;
}

/* ---- life ---- */

void sender_pace_default(struct sender_pace *p)
{
	*p = (struct sender_pace){
		.idle = 10 * CLOCK_SECOND,
		.slow = 60 * CLOCK_SECOND,
		.backoff_first = CLOCK_SECOND,
		.backoff_most = 8 * CLOCK_SECOND,
		.backoff_auth = 5 * CLOCK_MINUTE,
	};
}

void sender_set_pace(struct sender *s, const struct sender_pace *p)
{
	s->pace = *p;
}

struct sender *sender_new(struct event_base *base, struct netloop *net, const struct config_smtp *config,
			  const struct delivery_sink *sink, struct err *e)
{
	struct sender *s;

	if (config->connections < 1) {
		err_set(e, "smtp.connections must be at least 1");
		return NULL;
	}
	s = mem_alloc(sizeof *s);
	s->base = base;
	s->net = net;
	s->config = config;
	s->sink = *sink;
	s->delivery = (struct delivery){ s, want, start, hand, withdraw, give_back, backoff_until_mono };
	sender_pace_default(&s->pace);
	for (int i = 0; i < SLOT_STATE_COUNT; i++)
		TAILQ_INIT(&s->slots[i]);
	return s;
}

static void ignore_outcome(void *arg, struct delivery_job *job, const struct delivery_result *r)
{
	(void)arg;
	(void)job;
	(void)r;
}

static void ignore_slot(void *arg, struct delivery_slot *k)
{
	(void)arg;
	(void)k;
}

void sender_free(struct sender **sp)
{
	static const struct ending end = { .status = "", .text = "", .local = true };
	struct sender *s = *sp;

	if (!s)
		return;
	s->finishing = true;
	s->sink.on_outcome = ignore_outcome;
	s->sink.on_slot_gone = ignore_slot;
	for (int st = 0; st < SLOT_GONE; st++)
		pool_close_all(s, (enum slot_state)st, &end);
	pool_bury(s);
	if (s->backoff.timer)
		event_free(s->backoff.timer);
	free(s);
	*sp = NULL;
}

const struct delivery *sender_delivery(struct sender *s)
{
	return &s->delivery;
}

void sender_reconfigure(struct sender *s, const struct config_smtp *config)
{
	static const struct ending changed = {
		.status = "", .text = "the configuration changed", .local = true, .quit = true
	};
	struct delivery_slot *k;

	pool_enter(s);
	s->config = config;
	s->rset_between = false;
	pool_close_all(s, SLOT_OPENING, &changed);
	pool_close_all(s, SLOT_IDLE, &changed);
	for (k = TAILQ_FIRST(&s->slots[SLOT_OFFERED]); k; k = TAILQ_NEXT(k, link))
		k->retired = true;
	for (k = TAILQ_FIRST(&s->slots[SLOT_BUSY]); k; k = TAILQ_NEXT(k, link))
		k->retired = true;
	pool_backoff_end(s);
	pool_leave(s);
}

void sender_finish(struct sender *s)
{
	static const struct ending ends = { .status = "", .text = "abvd is ending", .local = true };
	static const struct ending quit = { .status = "", .text = "abvd is ending", .local = true, .quit = true };
	struct delivery_slot *k, *next;

	pool_enter(s);
	s->finishing = true;
	s->wanted = 0;
	if (s->backoff.timer)
		event_del(s->backoff.timer);
	pool_close_all(s, SLOT_OPENING, &ends);
	pool_close_all(s, SLOT_IDLE, &quit);
	pool_close_all(s, SLOT_OFFERED, &quit);
	for (k = TAILQ_FIRST(&s->slots[SLOT_BUSY]); k; k = next) {
		next = TAILQ_NEXT(k, link);
		if (!smtp_finish(k))
			smtp_end(k, &ends);
	}
	pool_leave(s);
}

void sender_abandon(struct sender *s)
{
	static const struct ending late = { .status = "",
					    .text = "no answer to the final dot before abvd ended",
					    .local = true };

	pool_enter(s);
	s->finishing = true;
	pool_close_all(s, SLOT_BUSY, &late);
	pool_leave(s);
}

void sender_stats(const struct sender *s, struct sender_stats *out)
{
	int64_t left = s->backoff.until - clock_mono();

	*out = s->stats;
	pool_silent(s, out);
	out->idle = s->count[SLOT_IDLE] + s->count[SLOT_OFFERED];
	out->busy = s->count[SLOT_BUSY];
	out->open = out->idle + out->busy;
	out->backing_off = s->backoff.active;
	out->backoff_left_ms = s->backoff.active && left > 0 ? left : 0;
}
