/* One turn: one group commit (scheduler_int.h draws the order). Nothing here waits for a slow connection: a group is what the loop's
 * ready sockets brought. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/log.h"
#include "abv/mem.h"
#include "scheduler_int.h"

#define DUE_READ_MS 100      /* a due list that is not used up is read again no more often than this */
#define SLEEP_MAX_MS 60000   /* timers are capped and everything is recomputed from the store */

/* ---- what is due ---- */

static int by_priority(const void *a, const void *b)
{
	const struct due_entry *x = a, *y = b;
	if (x->failed != y->failed)
		return x->failed ? 1 : -1; /* one message that ends every connection must not hold up all others */
	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	if (x->due_at != y->due_at)
		return x->due_at < y->due_at ? -1 : 1;
	return (x->enrollment_id > y->enrollment_id) - (x->enrollment_id < y->enrollment_id);
}

static bool has_failed(const struct scheduler *s, int64_t enrollment_id)
{
	for (int i = 0; i < FAILED_MAX; i++)
		if (s->failed[i] == enrollment_id)
			return true;
	return false;
}

void scheduler_due_read(struct scheduler *s, int64_t now)
{
	struct due_row *row = s->due_row;
	s->due_n = s->due_next = s->ready_n = 0;
	s->due_cut = s->due_stale = false;
	s->next_due = CLOCK_NEVER;
	s->due_read_mono = clock_mono();
	for (size_t i = 0; i < s->plan->config->sequence_n; i++) { /* the higher priority first */
		const struct sequence *q = &s->plan->config->sequence[i];
		if (pause_has(&s->paused, q->name))
			continue;
		int room = (int)(DUE_MAX - s->due_n);
		int n = room > 0 ? store_due(s->store, q->name, now, row, room, NULL) : 0;
		for (int k = 0; k < n; k++)
			s->due[s->due_n++] = (struct due_entry){ .enrollment_id = row[k].enrollment_id, .due_at = row[k].due_at,
				                                 .priority = q->priority, .failed = has_failed(s, row[k].enrollment_id) };
		if (n == room)
			s->due_cut = true;
		scheduler_note_due(s, store_due_first(s->store, q->name, now));
	}
	slots_due(s, now);
	qsort(s->due, s->due_n, sizeof *s->due, by_priority);
}

static bool used_up(const struct scheduler *s)
{
	return s->due_next >= s->due_n && s->ready_n == 0;
}

/* What happens on a clock that is set by hand must not depend on how fast the machine is. */
static bool due_rested(const struct scheduler *s)
{
	return s->clock->mode == CLOCK_MANUAL || clock_mono() - s->due_read_mono >= DUE_READ_MS;
}

static void due_refresh(struct scheduler *s, int64_t now)
{
	bool old = s->due_stale || now >= s->next_due;
	if (used_up(s) ? old || s->due_cut : old && due_rested(s))
		scheduler_due_read(s, now);
}

/* ---- bodies that want their dot ---- */

static int hand_bodies(struct scheduler *s, int64_t now, struct err *e)
{
	struct job *j;
	TAILQ_FOREACH (j, &s->jobs, link) {
		if (j->state != JOB_BODY)
			continue;
		bool yes = !s->finishing && !s->held;
		if (yes && j->note_id != 0 && note_hand(s, j, &yes, e) != 0)
			return -1;
		if (yes && job_is_letter(j)) {
			if (scheduler_may_hand(s, j, now, &yes, e) != 0)
				return -1;
			if (yes && store_touch_hand(s->store, j->delivery.touch_id, now, e) != 0)
				return -1;
		}
		j->state = yes ? JOB_HANDING : JOB_WITHDRAWING;
		j->handed_at = yes ? now : 0;
	}
	return 0;
}

/* ---- reservations ---- */

/* A place for one more envelope: behind a dot that leaves in this turn, or an idle connection. */
struct room {
	struct job *behind;
	struct delivery_slot *slot;
};

static bool room_find(struct scheduler *s, struct room *r)
{
	struct job *j;
	*r = (struct room){ 0 };
	TAILQ_FOREACH (j, &s->jobs, link)
		if (j->state == JOB_HANDING && j->takes_next && j->next == NULL) {
			r->behind = j;
			return true;
		}
	r->slot = s->slot_n > 0 ? s->slot[0] : NULL;
	return r->slot != NULL;
}

static void slot_remove(struct scheduler *s, const struct delivery_slot *slot)
{
	size_t keep = 0;
	for (size_t i = 0; i < s->slot_n; i++)
		if (s->slot[i] != slot)
			s->slot[keep++] = s->slot[i];
	s->slot_n = keep;
}

static void room_take(struct scheduler *s, struct room *r, struct job *j)
{
	j->state = JOB_STARTING;
	if (r->behind != NULL) {
		r->behind->next = j;
		return;
	}
	j->slot = r->slot;
	slot_remove(s, r->slot);
}

bool scheduler_place(struct scheduler *s, struct job *j)
{
	struct room r;
	if (!room_find(s, &r))
		return false;
	room_take(s, &r, j);
	return true;
}

static int reserve(struct scheduler *s, struct candidate *c, struct job *j, int64_t now, struct err *e)
{
	const struct enrollment *en = &c->row->enrollment;
	struct touch t = {
		.id = j->delivery.touch_id, .enrollment_id = en->id, .contact_id = en->contact_id,
		.account_id = c->row->contact->account_id, .sequence = en->sequence, .step = en->step, .kind = j->kind,
		.content = j->content, .provider = mailaddr_domain(c->row->contact->email), .message_id = j->message_id,
		.smtp_reply = "",
	};
	if (store_touch_reserve(s->store, &t, now, e) != 0)
		return -1;
	j->version = store_version(s->store);
	j->enrollment_id = en->id;
	j->contact_id = en->contact_id;
	j->account_id = t.account_id;
	j->sequence = mem_strdup(en->sequence);
	j->step = mem_strdup(en->step);
	j->step_no = c->step;
	j->first_touch_at = c->first_touch_at;
	j->unanswered = c->unanswered;
	j->account = mem_strdup(c->row->contact->account);
	j->reserved_at = now;
	j->row = c->row;
	c->row = NULL; /* the job's now */
	return 0;
}

/* A candidate that may go: composed and reserved, or told why not. 1 it took the room, 0 it did not, -1. */
static int send_candidate(struct scheduler *s, struct candidate *c, struct room *r, int64_t now, struct err *e)
{
	struct buf findings = { 0 };
	enum reason why = REASON_NONE;
	struct job *j = job_new(s);
	int rc = -1;
	switch (scheduler_compose(s, c, now, j, &why, &findings, e)) {
	case COMPOSED:
		rc = reserve(s, c, j, now, e) == 0 ? 1 : -1;
		break;
	case COMPOSED_REFUSED: rc = record_refused_content(s, c, why, &findings, now, e); break;
	case COMPOSED_REPEAT: rc = record_skip(s, c, why, now, e); break;
	case COMPOSED_ERROR: err_wrap(e, "%s, step %s", c->row->enrollment.sequence, c->row->enrollment.step); break;
	}
	buf_free(&findings);
	if (rc == 1)
		room_take(s, r, j);
	else
		job_free(s, &j);
	return rc;
}

/* list: it was found as the head of a waiting list, not by its own next_at. */
static int decide_one(struct scheduler *s, struct ready_entry who, int64_t now, bool may_send, bool *spare, struct err *e)
{
	struct candidate c;
	struct room r;
	*spare = false;
	if (slots_closed(s, who.list, now))
		return 0;
	s->asked++;
	int rc = scheduler_decide(s, who.enrollment_id, now, who.list != 0, &c, e);
	if (rc <= 0)
		return rc;
	switch (c.verdict.kind) {
	case VERDICT_WAIT: rc = record_wait(s, &c, &c.verdict, now, e); break;
	case VERDICT_SKIP: rc = record_skip(s, &c, c.verdict.reason, now, e); break;
	case VERDICT_STOP: /* a sunset ends all of the contact's enrollments */
		rc = c.verdict.reason == REASON_SUNSET ? record_stop_all(s, c.row->contact->id, REASON_SUNSET, now, e)
		                                       : record_stop(s, &c.row->enrollment, c.verdict.reason, now, e);
		rc = rc < 0 ? -1 : 0;
		break;
	case VERDICT_SEND:
		if (may_send && room_find(s, &r)) {
			rc = send_candidate(s, &c, &r, now, e) < 0 ? -1 : 0;
		} else {
			*spare = true; /* it could go: asked again when there is a connection for it */
			rc = 0;
		}
		break;
	}
	candidate_free(&c);
	return rc;
}

static bool rate_allows(struct scheduler *s, int64_t now)
{
	int64_t t = rate_wait(&s->rate, job_in_flight(s), now);
	s->rate_at = t == CLOCK_NEVER ? 0 : t; /* one in flight brings a turn when it ends */
	return t == 0;
}

static int fill(struct scheduler *s, int64_t now, struct err *e)
{
	struct room r;
	bool spare;
	size_t ready_n = s->ready_n;
	int left = DECISIONS_MAX;
	s->due_more = false;
	s->rate_at = 0;
	/* those that were found ready before go first: they are older in the order */
	for (size_t i = 0; i < ready_n && room_find(s, &r) && rate_allows(s, now); i++, left--) {
		if (decide_one(s, s->ready[i], now, true, &spare, e) != 0)
			return -1;
		s->ready_n--;
		s->ready[i].enrollment_id = 0;
	}
	size_t keep = 0;
	for (size_t i = 0; i < ready_n; i++)
		if (s->ready[i].enrollment_id != 0)
			s->ready[keep++] = s->ready[i];
	while (s->due_next < s->due_n && s->ready_n < s->ready_max) {
		if (left-- <= 0) {
			s->due_more = true;
			break;
		}
		bool may_send = s->ready_n == 0 && room_find(s, &r) && rate_allows(s, now);
		/* Asking ahead of a connection tells why somebody waits, and costs a second question. While messages flow, a
		 * connection is free at once and asks itself. */
		if (!may_send && s->flowing)
			break;
		const struct due_entry *d = &s->due[s->due_next++];
		struct ready_entry who = { d->enrollment_id, d->list };
		if (decide_one(s, who, now, may_send, &spare, e) != 0)
			return -1;
		if (spare)
			s->ready[s->ready_n++] = who;
		if (spare && who.list != 0)
			break; /* a list may have but one place free: its next is asked when this one has taken it */
	}
	return 0;
}

/* Test messages wait for a connection like the others, and go first. */
static void fill_tests(struct scheduler *s)
{
	struct job *j;
	struct room r;
	TAILQ_FOREACH (j, &s->jobs, link)
		if (j->test != NULL && j->state == JOB_STARTING && j->slot == NULL && !s->finishing && s->slot_n > 0) {
			r = (struct room){ .slot = s->slot[0] };
			room_take(s, &r, j);
		}
}

/* ---- after the commit ---- */

static void finish_local(struct job *j, const char *why)
{
	j->state = JOB_FINISHED;
	j->result.outcome = OUTCOME_NOT_SENT;
	j->result.local = true;
	snprintf(j->reply, sizeof j->reply, "%s", why);
}

static void release(struct scheduler *s)
{
	const struct delivery *d = s->delivery;
	struct job *j, *t;
	TAILQ_FOREACH (j, &s->jobs, link) {
		struct job *next = j->next;
		switch (j->state) {
		case JOB_HANDING:
			j->state = JOB_DOT;
			j->dot_at = clock_now(s->clock);
			j->next = NULL;
			if (next != NULL)
				next->state = JOB_STARTED;
			d->hand(d->arg, &j->delivery, next != NULL ? &next->delivery : NULL);
			break;
		case JOB_STARTING:
			if (j->slot != NULL) {
				struct delivery_slot *slot = j->slot;
				j->slot = NULL;
				j->state = JOB_STARTED;
				d->start(d->arg, slot, &j->delivery);
			}
			break;
		case JOB_WITHDRAWING:
			j->state = JOB_STARTED;
			d->withdraw(d->arg, &j->delivery);
			break;
		default: break;
		}
	}
	TAILQ_FOREACH_SAFE (j, &s->jobs, link, t)
		if (j->state == JOB_RECORDED)
			job_free(s, &j);
}

/* Nothing of the transaction happened: what was to be recorded is so next time, no dot leaves, no envelope either. What the relay has
 * accepted stays in its job until it can be recorded; if abvd ends before, its `handed` makes it unknown. */
static void take_back(struct scheduler *s, const char *why)
{
	struct job *j, *t;
	failing_note(s, why);
	s->streak = s->streak_before;
	s->confirm = s->confirm_before;
	s->recheck_after = s->recheck_before;
	pause_load(s);
	streak_load(s);
	slots_ask_all(s, clock_now(s->clock), false);
	notes_load(s);
	TAILQ_FOREACH_SAFE (j, &s->jobs, link, t) {
		if (j->state == JOB_RECORDED) {
			j->state = JOB_FINISHED;
		} else if (j->state == JOB_HANDING) {
			j->next = NULL;
			j->state = JOB_WITHDRAWING;
		} else if (j->state == JOB_STARTING && j->test == NULL) {
			if (j->slot != NULL)
				s->delivery->give_back(s->delivery->arg, j->slot);
			job_free(s, &j);
		}
	}
	release(s);
}

static void finish_tests(struct scheduler *s)
{
	struct job *j, *t;
	TAILQ_FOREACH_SAFE (j, &s->jobs, link, t)
		if (j->test != NULL && j->state == JOB_FINISHED) {
			j->test->done(j->test->arg, &j->result, NULL);
			job_free(s, &j);
		}
}

/* A test message that found no connection is answered rather than kept: whoever waits for it is at a terminal. */
void scheduler_tests_end(struct scheduler *s, const char *why)
{
	struct job *j, *t;
	TAILQ_FOREACH_SAFE (j, &s->jobs, link, t)
		if (j->test != NULL && j->state == JOB_STARTING && j->slot == NULL) {
			j->test->done(j->test->arg, NULL, why);
			job_free(s, &j);
		}
}

/* What the relay answered, or a body that wants its dot. */
static bool flows(const struct scheduler *s)
{
	const struct job *j;
	TAILQ_FOREACH (j, &s->jobs, link)
		if (j->state == JOB_BODY || j->state == JOB_FINISHED)
			return true;
	return false;
}

static bool pressing(const struct scheduler *s)
{
	if (flows(s) || streak_rests(s))
		return true;
	if (s->paused.all || s->finishing || s->held)
		return false;
	return s->due_more || s->recheck_after >= 0 || (s->due_stale && s->due_next >= s->due_n) || (s->due_cut && used_up(s));
}

int64_t scheduler_next_at(const struct scheduler *s)
{
	int64_t now = clock_now(s->clock), at = CLOCK_NEVER;
	if (pressing(s))
		return now;
	if (!s->paused.all && !s->finishing && !s->held)
		at = s->rate_at != 0 && s->rate_at < s->next_due ? s->rate_at : s->next_due;
	/* a note that is due already waits for a connection, which brings a turn */
	return !s->finishing && !s->held && s->note_first > now && s->note_first < at ? s->note_first : at;
}

static void plan_next_turn(struct scheduler *s)
{
	int64_t tell = failing_tell(s);
	int tests = 0;
	const struct job *j;
	TAILQ_FOREACH (j, &s->jobs, link)
		tests += j->test != NULL && j->state == JOB_STARTING;
	size_t unused = s->slot_n;
	s->slot_n = 0;
	for (size_t i = 0; i < unused; i++)
		s->delivery->give_back(s->delivery->arg, s->slot[i]);
	bool none = s->finishing || s->failing || s->held || s->paused.all || s->rate_at != 0;
	int want = none ? 0 : (int)(s->ready_n + (s->due_n - s->due_next));
	s->delivery->want(s->delivery->arg, want + (s->finishing ? 0 : tests + s->notes_waiting));
	if (s->failing) {
		s->hooks.turn_in(s->hooks.arg, failing_wait(s));
	} else if (pressing(s)) {
		s->hooks.turn_soon(s->hooks.arg);
	} else {
		int64_t ms = clock_real_wait(s->clock, scheduler_next_at(s), SLEEP_MAX_MS);
		if (ms == 0 && !used_up(s))
			ms = DUE_READ_MS; /* due already: as soon as the list may be read again */
		ms = tell < ms ? tell : ms;
		s->hooks.turn_in(s->hooks.arg, ms);
	}
}

static void end_tests(struct scheduler *s)
{
	if (s->tests_failed)
		scheduler_tests_end(s, s->relay_why);
	s->tests_failed = false;
}

static void committed(void *arg, int status)
{
	struct scheduler *s = arg;
	s->committing = false;
	if (status != 0) {
		take_back(s, store_error(s->store));
	} else {
		s->failing = false;
		release(s);
		s->hooks.committed(s->hooks.arg);
	}
	finish_tests(s);
	end_tests(s);
	plan_next_turn(s);
}

static int work(struct scheduler *s, int64_t now, struct err *e)
{
	s->flowing = flows(s);
	if (record_finished(s, now, e) != 0 || breaker_look(s, now, e) != 0 || hand_bodies(s, now, e) != 0)
		return -1;
	fill_tests(s);
	s->notes_waiting = 0;
	/* While the store fails only results are tried: they rest on nothing that could be undone. An empty commit would prove nothing. */
	if (s->failing)
		return store_probe(s->store, now, e);
	if (s->finishing || s->held)
		return 0;
	if (notes_fill(s, now, e) != 0)
		return -1;
	if (s->paused.all)
		return 0;
	return jump_recheck(s, now, e) == 0 ? fill(s, now, e) : -1;
}

static bool anything(const struct scheduler *s, int64_t now)
{
	return s->failing || s->job_n > 0 || s->note_first <= now || s->ready_n > 0 || s->due_next < s->due_n || s->recheck_after >= 0 || streak_rests(s);
}

/* Between two tries of a store that cannot commit: a body whose dot cannot be allowed does not hold its connection. */
static void rest(struct scheduler *s)
{
	struct job *j;
	TAILQ_FOREACH (j, &s->jobs, link)
		if (j->state == JOB_BODY)
			j->state = JOB_WITHDRAWING;
	fill_tests(s);
	release(s);
	finish_tests(s);
	end_tests(s);
	plan_next_turn(s);
}

void scheduler_turn(struct scheduler *s)
{
	struct err e = { "" };
	if (s->committing || s->delivery == NULL)
		return;
	if (!s->finishing && failing_wait(s) > 0) {
		rest(s);
		return;
	}
	int64_t now = clock_now(s->clock);
	jump_look(s, now);
	if (!s->finishing && !s->paused.all)
		due_refresh(s, now);
	if (!anything(s, now)) {
		end_tests(s);
		plan_next_turn(s);
		return;
	}
	s->turn_no++;
	s->streak_before = s->streak;
	s->confirm_before = s->confirm;
	s->recheck_before = s->recheck_after;
	if (store_begin(s->store, &e) != 0) {
		take_back(s, e.text);
		plan_next_turn(s);
		return;
	}
	if (work(s, now, &e) != 0) {
		store_rollback(s->store);
		take_back(s, e.text);
		finish_tests(s);
		plan_next_turn(s);
		return;
	}
	s->committing = true;
	store_commit(s->store, committed, s);
}

/* ---- what the delivery tells: notes only, the turn works ---- */

static void on_slot(void *arg, struct delivery_slot *slot)
{
	struct scheduler *s = arg;
	s->slot = mem_grow(s->slot, s->slot_n + 1, sizeof *s->slot); /* pointers are meant: NOLINT(bugprone-sizeof-expression) */
	s->slot[s->slot_n++] = slot;
	s->hooks.turn_soon(s->hooks.arg);
}

static void on_slot_gone(void *arg, struct delivery_slot *slot)
{
	struct scheduler *s = arg;
	struct job *j;
	slot_remove(s, slot);
	TAILQ_FOREACH (j, &s->jobs, link)
		if (j->state == JOB_STARTING && j->slot == slot) {
			j->slot = NULL;
			if (j->test == NULL)
				finish_local(j, "the connection was lost before the envelope left");
		}
	s->hooks.turn_soon(s->hooks.arg);
}

static void on_body(void *arg, struct delivery_job *d, bool takes_next)
{
	struct scheduler *s = arg;
	struct job *j = (struct job *)d;
	j->state = JOB_BODY;
	j->takes_next = takes_next;
	s->hooks.turn_soon(s->hooks.arg);
}

static void on_outcome(void *arg, struct delivery_job *d, const struct delivery_result *r)
{
	struct scheduler *s = arg;
	struct job *j = (struct job *)d;
	j->state = JOB_FINISHED;
	j->done_at = clock_now(s->clock);
	j->result = *r;
	snprintf(j->status, sizeof j->status, "%s", r->status);
	snprintf(j->reply, sizeof j->reply, "%s", r->reply);
	j->result.status = j->status;
	j->result.reply = j->reply;
	s->hooks.turn_soon(s->hooks.arg);
}

static void on_relay(void *arg, bool usable, const char *why, int64_t retry_in_ms)
{
	relay_news(arg, usable, why, retry_in_ms);
}

void scheduler_sink(struct scheduler *s, struct delivery_sink *out)
{
	*out = (struct delivery_sink){ s, on_slot, on_slot_gone, on_body, on_outcome, on_relay };
}
