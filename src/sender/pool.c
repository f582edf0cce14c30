/* Which connections there are: opened when something is wanted, closed when idle, and none but a probe while the relay
 * is in trouble. Policy (9-precisions, Relay back-off):
 *
 * - A connection that has delivered and then gets 421 or a close is replaced at once; any other failure is the relay's
 * trouble: 1 s, doubling to 8 s, jittered; 5 min when it refused our credentials. What works meanwhile goes on working.
 * - The back-off ends when the probe has got as far as what failed: in, or to a judgement on a message.
 * - A connection that has been silent for a minute keeps waiting for its answer, but another may take its place.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/clock.h"
#include "abv/mem.h"
#include "sender_int.h"

#define SILENT_MS (5 * CLOCK_SECOND) /* a relay that takes longer is told of */

static const char *const state_name[] = { "opening", "idle", "offered", "busy", "gone" };
_Static_assert(sizeof state_name / sizeof state_name[0] == SLOT_STATE_COUNT, "a state lacks its name");

const char *slot_state_name(enum slot_state s)
{
	return (unsigned)s < SLOT_STATE_COUNT ? state_name[s] : "";
}

/* from -> permitted next states */
#define BIT(s) (1U << (s))
static const unsigned edge[SLOT_STATE_COUNT] = {
	[SLOT_OPENING] = BIT(SLOT_IDLE) | BIT(SLOT_GONE),
	[SLOT_IDLE] = BIT(SLOT_OFFERED) | BIT(SLOT_GONE),
	[SLOT_OFFERED] = BIT(SLOT_BUSY) | BIT(SLOT_IDLE) | BIT(SLOT_GONE),
	[SLOT_BUSY] = BIT(SLOT_IDLE) | BIT(SLOT_GONE),
};

void pool_move(struct delivery_slot *k, enum slot_state to)
{
	struct sender *s = k->sender;

	assert(edge[k->state] & BIT(to));
	TAILQ_REMOVE(&s->slots[k->state], k, link);
	s->count[k->state]--;
	k->state = to;
	TAILQ_INSERT_TAIL(&s->slots[to], k, link);
	s->count[to]++;
	if (to == SLOT_GONE) {
		pool_unslow(k);
		if (s->backoff.probe == k)
			s->backoff.probe = NULL;
		event_free(k->timer);
		k->timer = NULL;
		s->refill = true;
	}
}

void pool_bury(struct sender *s)
{
	struct delivery_slot *k;

	while ((k = TAILQ_FIRST(&s->slots[SLOT_GONE])) != NULL) {
		TAILQ_REMOVE(&s->slots[SLOT_GONE], k, link);
		s->count[SLOT_GONE]--;
		free(k);
	}
}

void pool_enter(struct sender *s)
{
	s->depth++;
}

void pool_leave(struct sender *s)
{
	if (s->depth == 1 && s->refill) {
		s->refill = false;
		pool_fill(s);
	}
	if (--s->depth == 0)
		pool_bury(s);
}

/* ---- time limits: a timer for each connection, moved only when it would fire too late ---- */

static void arm(struct delivery_slot *k, int64_t now)
{
	int64_t at = k->deadline;
	struct timeval tv;

	if (k->state == SLOT_BUSY && k->deadline != CLOCK_NEVER && !k->slow &&
	    k->waits_since + k->sender->pace.slow < at)
		at = k->waits_since + k->sender->pace.slow;
	if (at == CLOCK_NEVER || at >= k->armed_for)
		return;
	k->armed_for = at;
	at = at > now ? at - now : 0;
	tv = (struct timeval){ at / 1000, at % 1000 * 1000 };
	event_add(k->timer, &tv);
}

void pool_wait(struct delivery_slot *k, int64_t ms)
{
	int64_t now = clock_mono();

	k->waits_since = now;
	k->deadline = ms ? now + ms : CLOCK_NEVER;
	arm(k, now);
}

void pool_unslow(struct delivery_slot *k)
{
	if (k->slow)
		k->sender->slow--;
	k->slow = false;
}

static void end_late(struct delivery_slot *k)
{
	static const char *const asked[AWAIT_COUNT] = {
		[AWAIT_RSET] = "RSET", [AWAIT_MAIL] = "MAIL",         [AWAIT_RCPT] = "RCPT",
		[AWAIT_DATA] = "DATA", [AWAIT_DOT] = "the final dot", [AWAIT_LONE_DOT] = "the final dot",
	};
	char text[128];

	if (k->awaited_n)
		snprintf(text, sizeof text, "the server did not answer %s within the time limit of %lld s",
			 asked[k->awaited[k->awaited_first]], (long long)((k->deadline - k->waits_since) / CLOCK_SECOND));
	else
		snprintf(text, sizeof text, "the server took no more of the message within the time limit of %lld s",
			 (long long)((k->deadline - k->waits_since) / CLOCK_SECOND));
	smtp_end(k, &(struct ending){ .status = "", .text = text });
}

static void expired(struct delivery_slot *k, int64_t now)
{
	static const struct ending idle = { .status = "", .text = "idle", .local = true, .quit = true };
	int64_t written = netconn_written(k->conn);

	if (k->state == SLOT_IDLE) {
		smtp_end(k, &idle);
	} else if (k->now.stage == FLIGHT_BODY && written > k->progress) {
		k->progress = written; /* slow, but it takes our bytes */
		k->waits_since = now;
		k->deadline = now + k->limit_data;
	} else {
		end_late(k);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct delivery_slot *k = arg;
	struct sender *s = k->sender;
	int64_t now = clock_mono();

	(void)fd;
	(void)what;
	pool_enter(s);
	k->armed_for = CLOCK_NEVER;
	if (k->deadline != CLOCK_NEVER && now >= k->deadline)
		expired(k, now);
	if (k->state == SLOT_BUSY && !k->slow && k->deadline != CLOCK_NEVER && now >= k->waits_since + s->pace.slow) {
		k->slow = true;
		s->slow++;
		s->refill = true;
	}
	if (k->state != SLOT_GONE)
		arm(k, now);
	pool_leave(s);
}

/* ---- back-off ---- */

static void on_backoff_over(evutil_socket_t fd, short what, void *arg)
{
	struct sender *s = arg;

	(void)fd;
	(void)what;
	/* libevent counts from the loop's cached time, so the timer may be a little early: then the rest is waited for.
	 */
	int64_t rest = s->backoff.until - clock_mono();
	if (s->backoff.active && rest > 0) {
		struct timeval tv = { rest / 1000, rest % 1000 * 1000 };

		event_add(s->backoff.timer, &tv);
		return;
	}
	pool_enter(s);
	s->refill = true;
	pool_leave(s);
}

void pool_failed(struct delivery_slot *k, const struct ending *why, bool in_dialogue)
{
	struct sender *s = k->sender;
	struct backoff *b = &s->backoff;
	int64_t wait = s->pace.backoff_first;
	struct timeval tv;

	if (why->code)
		snprintf(s->stats.last_error, sizeof s->stats.last_error, "%d %s", why->code, why->text);
	else
		snprintf(s->stats.last_error, sizeof s->stats.last_error, "%s", why->text);
	if (why->lost && k->delivered > 0)
		return;
	if (b->active && !k->probe)
		return; /* opened before the trouble that is known already */
	for (int i = 0; i < b->failures && wait < s->pace.backoff_most; i++)
		wait *= 2;
	if (wait > s->pace.backoff_most)
		wait = s->pace.backoff_most;
	if (why->auth_refused)
		wait = s->pace.backoff_auth;
	wait += (int64_t)arc4random_uniform((uint32_t)(wait / 5 * 2 + 1)) - wait / 5;
	if (wait > s->pace.backoff_most && !why->auth_refused)
		wait = s->pace.backoff_most;
	/* From attempt to attempt: one that took long to fail has waited already. */
	if (!in_dialogue && !why->auth_refused) {
		wait -= clock_mono() - k->opened_at;
		wait = wait < s->pace.backoff_first ? s->pace.backoff_first : wait;
	}
	b->active = true;
	b->needs_message = in_dialogue;
	b->failures++;
	b->until = clock_mono() + wait;
	if (!b->timer)
		b->timer = event_new(s->base, -1, 0, on_backoff_over, s);
	tv = (struct timeval){ wait / 1000, wait % 1000 * 1000 };
	event_add(b->timer, &tv);
	s->sink.on_relay(s->sink.arg, false, s->stats.last_error, wait);
}

void pool_backoff_end(struct sender *s)
{
	struct delivery_slot *k;

	if (!s->backoff.active)
		return;
	s->backoff.active = false;
	s->backoff.failures = 0;
	for (int st = 0; st < SLOT_GONE; st++)
		for (k = TAILQ_FIRST(&s->slots[st]); k; k = TAILQ_NEXT(k, link))
			k->probe = false;
	s->backoff.probe = NULL;
	if (s->backoff.timer)
		event_del(s->backoff.timer);
	s->refill = true;
	s->sink.on_relay(s->sink.arg, true, "", 0);
}

void pool_proved(struct delivery_slot *k)
{
	if (k->probe)
		pool_backoff_end(k->sender);
}

/* ---- opening and offering ---- */

static bool may_open(const struct sender *s)
{
	int all = s->count[SLOT_OPENING] + s->count[SLOT_IDLE] + s->count[SLOT_OFFERED] + s->count[SLOT_BUSY];

	if (all - s->slow >= s->config->connections || all >= 2 * s->config->connections)
		return false;
	return !s->backoff.active || (!s->backoff.probe && clock_mono() >= s->backoff.until);
}

static void open_failed(struct delivery_slot *k, const struct err *e)
{
	struct ending why = { .status = "", .text = e->text };

	smtp_end(k, &why);
}

static void open_one(struct sender *s)
{
	const struct config_smtp *c = s->config;
	struct netconn_options o = {
		.scheme = c->implicit_tls ? "smtps" : "smtp",
		.host = c->host,
		.port = c->port,
		.tls = c->tls,
		.username = c->username,
		.password = c->password,
		.ca_file = c->ca_file,
		.helo = c->helo,
		.connect_timeout_ms = c->timeout_connect,
	};
	struct netconn_handlers h = smtp_handlers;
	struct delivery_slot *k = mem_alloc(sizeof *k);
	struct err e = { "" };

	k->sender = s;
	k->limit_command = c->timeout_command;
	k->limit_data = c->timeout_data;
	k->limit_dot = c->timeout_dot;
	k->deadline = k->armed_for = CLOCK_NEVER;
	k->waits_since = k->opened_at = clock_mono();
	k->timer = event_new(s->base, -1, 0, on_timer, k);
	TAILQ_INSERT_TAIL(&s->slots[SLOT_OPENING], k, link);
	s->count[SLOT_OPENING]++;
	if (s->backoff.active) {
		k->probe = true;
		s->backoff.probe = k;
	}
	h.arg = k;
	k->conn = netconn_open(s->net, &o, &h, &e);
	if (!k->conn)
		open_failed(k, &e);
}

static void offer(struct delivery_slot *k)
{
	pool_move(k, SLOT_OFFERED);
	pool_wait(k, 0);
	k->sender->sink.on_slot(k->sender->sink.arg, k);
}

/* The one used last goes first: the others become idle long enough to be closed. */
void pool_fill(struct sender *s)
{
	if (s->finishing)
		return;
	for (int n = s->count[SLOT_IDLE]; n > 0 && s->count[SLOT_IDLE] > 0 && s->count[SLOT_OFFERED] < s->wanted; n--)
		offer(TAILQ_LAST(&s->slots[SLOT_IDLE], slot_list));
	while (s->count[SLOT_OFFERED] + s->count[SLOT_OPENING] < s->wanted && may_open(s))
		open_one(s);
}

bool pool_is_surplus(const struct delivery_slot *k)
{
	const struct sender *s = k->sender;
	int all = s->count[SLOT_OPENING] + s->count[SLOT_IDLE] + s->count[SLOT_OFFERED] + s->count[SLOT_BUSY];

	return k->retired || s->finishing || all - s->slow > s->config->connections;
}

void pool_freed(struct delivery_slot *k)
{
	static const struct ending enough = { .status = "", .text = "no longer needed", .local = true, .quit = true };
	struct sender *s = k->sender;
	bool opened = k->state == SLOT_OPENING;

	if (pool_is_surplus(k)) {
		smtp_end(k, &enough);
		return;
	}
	pool_move(k, SLOT_IDLE);
	pool_wait(k, s->pace.idle);
	if (opened && k->probe && !s->backoff.needs_message)
		pool_backoff_end(s);
	if (k->state == SLOT_IDLE && s->count[SLOT_OFFERED] < s->wanted)
		offer(k);
}

void pool_silent(const struct sender *s, struct sender_stats *out)
{
	static const enum slot_state waiting[] = { SLOT_OPENING, SLOT_BUSY };
	const struct delivery_slot *k;
	int64_t now = clock_mono();

	out->silent = 0;
	out->silent_ms = 0;
	for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++)
		for (k = TAILQ_FIRST(&s->slots[waiting[i]]); k; k = TAILQ_NEXT(k, link)) {
			int64_t ms = now - k->waits_since;

			/* busy without a limit: the scheduler's word is awaited, not the relay's */
			if (ms < SILENT_MS || (k->state == SLOT_BUSY && k->deadline == CLOCK_NEVER))
				continue;
			out->silent++;
			out->silent_ms = ms > out->silent_ms ? ms : out->silent_ms;
		}
}

void pool_close_all(struct sender *s, enum slot_state st, const struct ending *why)
{
	struct delivery_slot *k;

	while ((k = TAILQ_FIRST(&s->slots[st])) != NULL)
		smtp_end(k, why);
}
