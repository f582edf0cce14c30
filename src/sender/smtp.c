/* The dialogue on one connection (RFC 5321), pipelined where that is offered (RFC 2920). Policy:
 *
 * - Replies are matched to what was asked by order alone. After a reply that fits nothing, or none in time, the
 * connection is closed and never reused: a late reply would be read as the next message's.
 * - Once the dot is written only its reply tells what became of the message; without one it is unknown. Before, it was
 * not sent.
 * - A refused message leaves the server in its transaction: RSET precedes the next MAIL. A 354 although the recipient
 * was refused gets a lone dot, whose reply says nothing about a message.
 * - Some servers (Postfix: a restriction at the end of data) keep the transaction of a refused dot open. The MAIL that
 * was pipelined behind the dot is refused then, but its RCPT and DATA would be taken for the old one: the connection is
 * closed, and from then on a RSET goes between. That is nobody's fault: no back-off.
 * - 421 at any time closes.
 * - Before a dot leaves, what the server has said meanwhile is read: while it may still be held back, a word or a close means that
 * nothing was sent.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "abv/clock.h"
#include "abv/mem.h"
#include "sender_int.h"

/* What fits into the first window of a connection (RFC 6928) gains nothing by leaving before its dot: it waits for the scheduler's word
 * and leaves in one packet with it, which spares a system call and the relay a wake-up for each message. */
#define HELD_MAX 14000

/* ---- what is awaited ---- */

static void await(struct delivery_slot *k, enum awaited a)
{
	assert(k->awaited_n < AWAITED_MAX);
	k->awaited[(k->awaited_first + k->awaited_n++) % AWAITED_MAX] = (unsigned char)a;
}

static enum awaited awaited_next(struct delivery_slot *k)
{
	enum awaited a = (enum awaited)k->awaited[k->awaited_first];

	k->awaited_first = (k->awaited_first + 1) % AWAITED_MAX;
	k->awaited_n--;
	return a;
}

static void wait_for_peer(struct delivery_slot *k)
{
	if (k->awaited_n)
		pool_wait(k, k->awaited[k->awaited_first] == AWAIT_DOT ? k->limit_dot : k->limit_command);
	else
		pool_wait(k, k->now.stage == FLIGHT_BODY ? k->limit_data : 0);
}

/* ---- telling ---- */

void smtp_tell(struct sender *s, struct delivery_job *job, const struct delivery_result *r)
{
	job->link = NULL;
	s->sink.on_outcome(s->sink.arg, job, r);
}

static void note_refusal(struct sender *s, const struct smtp_reply *r, enum outcome o)
{
	if (o == OUTCOME_ACCEPTED) {
		s->stats.refused = 0;
		return;
	}
	s->stats.refused++;
	snprintf(s->stats.last_refusal, sizeof s->stats.last_refusal, "%d %.240s", r->code, r->text);
}

static void tell_reply(struct delivery_slot *k, struct flight *f, enum attempt_phase phase, const struct smtp_reply *r,
		       enum outcome o)
{
	struct delivery_job *job = f->job;
	struct delivery_result result = {
		.outcome = o, .phase = phase, .code = r->code, .status = r->status, .reply = r->text
	};

	f->job = NULL;
	if (!job)
		return;
	note_refusal(k->sender, r, o);
	if (o == OUTCOME_ACCEPTED) {
		k->delivered++;
		k->sender->stats.messages++;
		k->sender->stats.bytes += (int64_t)job->message->size;
	}
	pool_proved(k);
	smtp_tell(k->sender, job, &result);
}

/* ---- sending ---- */

static void send_rset(struct delivery_slot *k)
{
	k->rset_first = false;
	netconn_send(k->conn, "RSET\r\n", 6);
	await(k, AWAIT_RSET);
}

static void send_mail(struct delivery_slot *k, const struct delivery_job *job)
{
	char line[WIRE_COMMAND_MAX];

	netconn_send(k->conn, line, wire_mail(job, &k->can, line));
	await(k, AWAIT_MAIL);
}

static void send_rcpt(struct delivery_slot *k, const struct delivery_job *job)
{
	char line[WIRE_COMMAND_MAX];

	netconn_send(k->conn, line, wire_rcpt(job, &k->can, line));
	await(k, AWAIT_RCPT);
}

static void send_data(struct delivery_slot *k)
{
	netconn_send(k->conn, "DATA\r\n", 6);
	await(k, AWAIT_DATA);
}

/* All of it in one packet with pipelining, else its first command. */
static void send_envelope(struct delivery_slot *k, const struct delivery_job *job)
{
	if (k->rset_first) {
		send_rset(k);
		if (!k->can.pipelining)
			return;
	}
	send_mail(k, job);
	if (!k->can.pipelining)
		return;
	send_rcpt(k, job);
	send_data(k);
}

/* Takes the job in, or refuses it here and now: false. */
static bool board(struct delivery_slot *k, struct flight *f, struct delivery_job *job)
{
	struct wire_refusal why;
	struct delivery_result r = { .phase = PHASE_MAIL, .local = true };

	*f = (struct flight){ .stage = FLIGHT_ENVELOPE, .job = job };
	job->link = k;
	if (wire_may_leave(job->message, &k->can, &f->dotted, &why))
		return true;
	*f = (struct flight){ .stage = FLIGHT_NONE };
	r.outcome = why.outcome;
	r.status = why.status;
	r.reply = why.text;
	smtp_tell(k->sender, job, &r);
	return false;
}

void smtp_start(struct delivery_slot *k, struct delivery_job *job)
{
	pool_move(k, SLOT_BUSY);
	if (!board(k, &k->now, job)) {
		if (k->state == SLOT_BUSY)
			pool_freed(k);
		return;
	}
	netconn_hold(k->conn);
	send_envelope(k, job);
	netconn_flush(k->conn);
	wait_for_peer(k);
}

static void body_left(struct delivery_slot *k)
{
	k->now.stage = FLIGHT_READY;
	wait_for_peer(k);
	k->sender->sink.on_body(k->sender->sink.arg, k->now.job, k->can.pipelining && !pool_is_surplus(k));
}

static void send_body(struct delivery_slot *k)
{
	k->now.stage = FLIGHT_BODY;
	netconn_hold(k->conn);
	k->now.end = wire_body(k->conn, k->now.job->message, k->now.dotted);
	if (k->now.job->message->size > HELD_MAX)
		netconn_flush(k->conn);
	k->progress = netconn_written(k->conn);
	if (k->progress >= k->now.end || k->now.job->message->size <= HELD_MAX)
		body_left(k);
}

void smtp_hand(struct delivery_slot *k, struct delivery_job *job, struct delivery_job *next)
{
	assert(k->now.job == job && k->now.stage == FLIGHT_READY);
	netconn_hold(k->conn);
	k->now.end = netconn_send(k->conn, ".\r\n", 3);
	k->now.stage = FLIGHT_DOT;
	await(k, AWAIT_DOT);
	if (next && board(k, &k->behind, next)) {
		k->rset_first = k->sender->rset_between;
		send_envelope(k, next);
	}
	if (k->state != SLOT_BUSY)
		return; /* ended by the scheduler, which was told that `next` is refused */
	netconn_flush(k->conn);
	wait_for_peer(k);
}

/* ---- the end of a connection ---- */

static enum attempt_phase phase_of(const struct delivery_slot *k, const struct flight *f, int64_t written)
{
	static const enum attempt_phase asked[AWAIT_COUNT] = {
		[AWAIT_RSET] = PHASE_MAIL, [AWAIT_MAIL] = PHASE_MAIL, [AWAIT_RCPT] = PHASE_RCPT,
		[AWAIT_DATA] = PHASE_DATA, [AWAIT_DOT] = PHASE_DOT,   [AWAIT_LONE_DOT] = PHASE_DOT,
	};

	if (f == &k->behind)
		return PHASE_MAIL;
	if (f->stage == FLIGHT_DOT)
		return written >= f->end ? PHASE_DOT : PHASE_BODY;
	if (f->stage == FLIGHT_ENVELOPE && k->awaited_n)
		return asked[k->awaited[k->awaited_first]];
	return f->stage == FLIGHT_ENVELOPE ? PHASE_MAIL : PHASE_BODY;
}

void smtp_end(struct delivery_slot *k, const struct ending *why)
{
	struct sender *s = k->sender;
	struct flight now = k->now, behind = k->behind;
	int64_t written = k->conn ? netconn_written(k->conn) : 0;
	struct delivery_result first = { .phase = phase_of(k, &k->now, written),
					 .code = why->code,
					 .status = why->status,
					 .reply = why->text,
					 .local = why->local };
	struct delivery_result second = {
		.outcome = OUTCOME_NOT_SENT, .phase = PHASE_MAIL, .status = "", .reply = why->text, .local = why->local
	};
	bool offered = k->state == SLOT_OFFERED, dialogue = k->state != SLOT_OPENING;

	if (k->state == SLOT_GONE)
		return;
	if (why->phase)
		first.phase = why->phase;
	first.outcome = attempt_outcome(first.phase, why->code, why->status, k->rcpt_accepted);
	k->now = k->behind = (struct flight){ .stage = FLIGHT_NONE };
	pool_move(k, SLOT_GONE);
	netconn_close(&k->conn, why->quit ? "QUIT\r\n" : NULL);
	if (!why->local)
		pool_failed(k, why, dialogue);
	if (now.job)
		smtp_tell(s, now.job, &first);
	if (behind.job)
		smtp_tell(s, behind.job, &second);
	if (offered)
		s->sink.on_slot_gone(s->sink.arg, k);
}

static void surprise(struct delivery_slot *k, const char *what)
{
	smtp_end(k, &(struct ending){ .status = "", .text = what });
}

static void end_in_phase(struct delivery_slot *k, const struct smtp_reply *r, enum attempt_phase phase)
{
	smtp_end(k, &(struct ending){ .phase = phase,
				      .code = r->code,
				      .status = r->status,
				      .text = r->text,
				      .lost = r->code == 421,
				      .quit = r->code != 421 });
}

static void end_by_reply(struct delivery_slot *k, const struct smtp_reply *r)
{
	end_in_phase(k, r, (enum attempt_phase)0);
}

void smtp_withdraw(struct delivery_slot *k, struct delivery_job *job, const char *why)
{
	struct delivery_result r = {
		.outcome = OUTCOME_NOT_SENT, .phase = PHASE_MAIL, .status = "", .reply = why, .local = true
	};

	if (job != k->behind.job) {
		smtp_end(k, &(struct ending){ .status = "", .text = why, .local = true });
		return;
	}
	/* The dot before it is on its way: its answer is waited for, then the connection ends. */
	k->behind.job = NULL;
	k->retired = true;
	smtp_tell(k->sender, job, &r);
}

bool smtp_finish(struct delivery_slot *k)
{
	if (k->now.stage != FLIGHT_DOT || !k->now.job || netconn_written(k->conn) < k->now.end)
		return false;
	k->retired = true;
	if (k->behind.job)
		smtp_withdraw(k, k->behind.job, "abvd is ending");
	return true;
}

/* ---- the replies: a function for each thing that is awaited and each class of code ---- */

typedef void on_reply(struct delivery_slot *k, const struct smtp_reply *r);

static void unexpected(struct delivery_slot *k, const struct smtp_reply *r)
{
	char text[sizeof r->text + 64];

	snprintf(text, sizeof text, "the server answered out of order: %d %s", r->code, r->text);
	surprise(k, text);
}

static void over(struct delivery_slot *k)
{
	k->now = (struct flight){ .stage = FLIGHT_NONE };
	pool_freed(k);
}

static void ignored(struct delivery_slot *k, const struct smtp_reply *r)
{
	(void)r;
	over(k);
}

static void rset_done(struct delivery_slot *k, const struct smtp_reply *r)
{
	(void)r;
	if (!k->can.pipelining)
		send_mail(k, k->now.job);
}

static void mail_refused(struct delivery_slot *k, const struct smtp_reply *r)
{
	if (r->code != 503 || !k->after_refusal) {
		end_by_reply(k, r);
		return;
	}
	k->sender->rset_between = true;
	smtp_end(k, &(struct ending){ .code = r->code, .status = r->status, .text = r->text, .local = true });
}

static void mail_taken(struct delivery_slot *k, const struct smtp_reply *r)
{
	(void)r;
	k->after_refusal = false;
	if (!k->can.pipelining)
		send_rcpt(k, k->now.job);
}

static void rcpt_taken(struct delivery_slot *k, const struct smtp_reply *r)
{
	(void)r;
	k->rcpt_accepted = true;
	if (!k->can.pipelining)
		send_data(k);
}

static void rcpt_refused(struct delivery_slot *k, const struct smtp_reply *r)
{
	k->rset_first = true;
	tell_reply(k, &k->now, PHASE_RCPT, r, attempt_outcome(PHASE_RCPT, r->code, r->status, k->rcpt_accepted));
	if (k->state == SLOT_BUSY && !k->awaited_n)
		over(k); /* no DATA was sent behind it */
}

static void data_go(struct delivery_slot *k, const struct smtp_reply *r)
{
	if (r->code != 354) {
		unexpected(k, r);
	} else if (k->now.job) {
		send_body(k);
	} else {
		netconn_send(k->conn, ".\r\n", 3);
		await(k, AWAIT_LONE_DOT);
	}
}

static void data_refused(struct delivery_slot *k, const struct smtp_reply *r)
{
	enum outcome o = attempt_outcome(PHASE_DATA, r->code, r->status, k->rcpt_accepted);

	k->rset_first = true;
	if (k->now.job && o == OUTCOME_NOT_SENT) {
		end_in_phase(k, r, PHASE_DATA);
		return;
	}
	tell_reply(k, &k->now, PHASE_DATA, r, o);
	if (k->state == SLOT_BUSY)
		over(k);
}

static void dot_answered(struct delivery_slot *k, const struct smtp_reply *r)
{
	struct flight f = k->now;

	if (netconn_written(k->conn) < f.end) { /* whatever this answers, it is not the dot */
		unexpected(k, r);
		return;
	}
	k->now = k->behind;
	k->behind = (struct flight){ .stage = FLIGHT_NONE };
	if (r->code >= 400 && k->now.stage == FLIGHT_NONE)
		k->rset_first = true;
	k->after_refusal = r->code >= 400 && k->now.stage != FLIGHT_NONE;
	tell_reply(k, &f, PHASE_DOT, r, attempt_outcome(PHASE_DOT, r->code, r->status, k->rcpt_accepted));
	if (k->state != SLOT_BUSY)
		return;
	if (k->now.stage == FLIGHT_NONE)
		pool_freed(k);
	else if (!k->now.job) /* withdrawn meanwhile */
		smtp_end(k, &(struct ending){ .status = "", .text = "", .local = true, .quit = false });
}

static on_reply *const answer[AWAIT_COUNT][6] = {
	/*                  2yz           3yz         4yz           5yz */
	[AWAIT_RSET] = { [2] = rset_done, unexpected, end_by_reply, end_by_reply },
	[AWAIT_MAIL] = { [2] = mail_taken, unexpected, mail_refused, mail_refused },
	[AWAIT_RCPT] = { [2] = rcpt_taken, unexpected, rcpt_refused, rcpt_refused },
	[AWAIT_DATA] = { [2] = unexpected, data_go, data_refused, data_refused },
	[AWAIT_DOT] = { [2] = dot_answered, unexpected, dot_answered, dot_answered },
	[AWAIT_LONE_DOT] = { [2] = ignored, ignored, ignored, ignored },
};

static void replied(struct delivery_slot *k, const struct smtp_reply *r)
{
	/* The reply that ends the connection belongs to what is awaited first: smtp_end looks there. */
	if (r->code == 421) {
		end_by_reply(k, r);
		return;
	}
	if (!k->awaited_n) {
		if (k->state == SLOT_BUSY && r->code >= 400)
			end_by_reply(k, r); /* it interrupts the body */
		else
			unexpected(k, r);
		return;
	}
	on_reply *const f = answer[k->awaited[k->awaited_first]][r->code / 100];
	if (f != end_by_reply && f != mail_refused && f != unexpected)
		awaited_next(k);
	pool_unslow(k);
	f(k, r);
	if (k->state == SLOT_BUSY)
		wait_for_peer(k);
}

/* ---- from the connection ---- */

static void on_open(void *arg, struct netconn *c, const char *capabilities)
{
	struct delivery_slot *k = arg;

	(void)c;
	pool_enter(k->sender);
	wire_capabilities(capabilities, &k->can);
	k->sender->stats.connections++;
	pool_freed(k);
	pool_leave(k->sender);
}

static void on_line(void *arg, struct netconn *c, const char *line, size_t n)
{
	struct delivery_slot *k = arg;
	struct sender *s = k->sender;

	(void)c;
	pool_enter(s);
	switch (smtp_reply_line(&k->parser, line, n)) {
	case SMTP_PARSE_MORE: break;
	case SMTP_PARSE_REPLY: replied(k, &k->parser.reply); break;
	case SMTP_PARSE_BAD: surprise(k, "the server's answer is no SMTP reply"); break;
	}
	pool_leave(s);
}

static void on_drained(void *arg, struct netconn *c)
{
	struct delivery_slot *k = arg;
	struct sender *s = k->sender;

	(void)c;
	pool_enter(s);
	if (k->now.stage == FLIGHT_BODY)
		body_left(k);
	pool_leave(s);
}

static void on_fail(void *arg, struct netconn *c, enum netconn_failure f, int code, const char *why)
{
	struct delivery_slot *k = arg;
	struct sender *s = k->sender;
	struct ending end = { .code = 0, .status = "", .text = why, .lost = f == NETCONN_LOST };

	(void)c;
	pool_enter(s);
	/* 4yz: the server cannot look now; it did not refuse the credentials. */
	end.auth_refused = f == NETCONN_AUTH && code / 100 != 4;
	smtp_end(k, &end);
	pool_leave(s);
}

const struct netconn_handlers smtp_handlers = { NULL, on_open, on_line, on_drained, on_fail };
