/* What the control socket asks of the scheduler: enroll, what is next, a test message, an unknown touch resolved, status. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "scheduler_int.h"

static int event_plain(struct scheduler *s, enum event_type type, const struct contact *c, const char *sequence, const char *step, int kind, int64_t touch,
                       const char *detail, struct err *e)
{
	struct event ev = {
		.ts = clock_now(s->clock), .type = type, .contact_id = c->id, .address = "", .account = c->account,
		.sequence = sequence, .step = step, .kind = kind, .touch_id = touch, .detail = detail,
	};
	int64_t seq;
	return store_event_add(s->store, &ev, &seq, e);
}

int scheduler_enroll(struct scheduler *s, const struct contact *c, const struct sequence *q, bool log_refusal, enum reason *why, struct err *e)
{
	int64_t now = clock_now(s->clock), id;
	*why = governor_admit(q, c, store_suppressed(s->store, c->email), now);
	if (*why != REASON_NONE) {
		struct buf d = { 0 };
		json_add_str(&d, "reason", reason_name(*why));
		int rc = log_refusal ? event_plain(s, EVENT_ENROLL_REFUSED, c, q->name, "", -1, 0, buf_text(&d), e) : 0;
		buf_free(&d);
		return rc == 0 ? 2 : -1;
	}
	int64_t due = governor_add(&q->policy, governor_zone(&q->policy, c), now, &q->step[0].after);
	int fresh = store_enroll(s->store, c->id, q->name, q->step[0].name, 0, now, due, due, &id, e);
	if (fresh <= 0)
		return fresh;
	scheduler_note_due(s, due);
	return event_plain(s, EVENT_ENROLLED, c, q->name, "", -1, 0, "", e) == 0 ? 1 : -1;
}

/* What was told stands: the scheduler asks again at that instant, and no sooner because touches of others, made since, have moved the end
 * of the wait from before an opening of the window, where a jitter is added, to somewhere inside it, where none is. */
static void keep_told(const struct enrollment *en, struct verdict *v)
{
	if (v->kind != VERDICT_WAIT || en->next_at != en->wait_until || en->next_at == CLOCK_NEVER || en->next_at <= v->until)
		return;
	v->until = en->next_at;
	v->reason = en->wait;
}

int scheduler_next(struct scheduler *s, const struct enrollment_row *row, struct next_step *out, struct err *e)
{
	struct candidate c;
	*out = (struct next_step){ 0 };
	const struct enrollment *en = &row->enrollment;
	int rc = scheduler_decide_row(s, (struct enrollment_row *)row, clock_now(s->clock), &c, e);
	if (rc >= 0) {
		out->verdict = c.verdict;
		keep_told(en, &out->verdict);
		if (rc == 0)
			out->verdict = (struct verdict){ .kind = VERDICT_WAIT, .reason = REASON_IN_FLIGHT, .until = CLOCK_NEVER };
		if (c.sequence != NULL && c.step >= 0)
			out->step = &c.sequence->sequence->step[c.step];
		bool goes_on = c.verdict.kind == VERDICT_SEND || c.verdict.kind == VERDICT_WAIT;
		if (goes_on && (en->wait == REASON_GATE_REFUSED || en->wait == REASON_UNDEFINED_PLACEHOLDER) && en->next_at == CLOCK_NEVER) {
			out->verdict = (struct verdict){ .kind = VERDICT_WAIT, .reason = en->wait, .until = CLOCK_NEVER };
			snprintf(out->note, sizeof out->note, "waits until the template or the contact changes");
		} else if (c.verdict.kind == VERDICT_SEND && !s->relay_usable) {
			out->verdict = (struct verdict){ .kind = VERDICT_WAIT, .reason = REASON_RELAY, .until = CLOCK_NEVER };
			snprintf(out->note, sizeof out->note, "the relay is not usable: %.150s", s->relay_why);
		} else if (c.verdict.kind == VERDICT_SEND && s->rate_at != 0) {
			out->verdict = (struct verdict){ .kind = VERDICT_WAIT, .reason = REASON_RATE, .until = s->rate_at };
			snprintf(out->note, sizeof out->note, "waits its turn: smtp.rate");
		}
	}
	touch_free(&c.touch); /* the row is the caller's */
	return rc < 0 ? -1 : 0;
}

int scheduler_test(struct scheduler *s, const char *sequence, const char *step, const char *to,
                   void (*done)(void *arg, const struct delivery_result *result, const char *failure), void *arg, struct err *e)
{
	const struct plan_sequence *q = plan_sequence(s->plan, sequence);
	if (q == NULL)
		return err_set(e, "no sequence '%s'", sequence);
	int i = sequence_step_find(q->sequence, step);
	if (i < 0)
		return err_set(e, "sequence '%s' has no step '%s'", sequence, step);
	char addr[MAILADDR_MAX];
	if (mailaddr_parse(to, addr, e) != 0)
		return -1;
	struct contact *known = NULL;
	struct contact self = {
		.email = addr, .account = "", .account_name = "Example Ltd", .first_name = "Alex", .last_name = "Example", .title = "",
		.timezone = "", .owner = "", .tags = "", .consent = "opt_in", .consent_source = "this is a test",
	};
	if (store_contact_by_email(s->store, addr, &known, e) < 0)
		return -1;
	struct job *j = job_new(s);
	int rc = -1;
	if (scheduler_compose_test(s, q, i, known != NULL ? known : &self, clock_now(s->clock), j, e) == COMPOSED) {
		j->state = JOB_STARTING;
		j->test = mem_alloc(sizeof *j->test);
		*j->test = (struct test_send){ done, arg };
		s->hooks.turn_soon(s->hooks.arg);
		rc = 0;
	} else {
		job_free(s, &j);
	}
	contact_free(&known);
	return rc;
}

/* ---- unknown touches ---- */

struct before {
	int64_t enrollment_id, touch_id, at;
};

static void before_row(void *arg, const struct touch *t)
{
	struct before *b = arg;
	if (t->enrollment_id == b->enrollment_id && t->id != b->touch_id && touch_state_counts(t->state) && t->at > b->at)
		b->at = t->at;
}

/* The same touch again, due, governed again: the enrollment goes back to its step, as if the step had not been sent. */
static int resend(struct scheduler *s, const struct touch *t, const struct enrollment_row *row, int64_t now, struct err *e)
{
	const struct enrollment *en = &row->enrollment;
	if (en->state == ENROLLMENT_STOPPED)
		return err_set(e, "the enrollment was stopped (%s): nothing is sent after that", reason_name(en->ended));
	const struct plan_sequence *q = plan_sequence(s->plan, t->sequence);
	int i = q != NULL ? sequence_step_find(q->sequence, t->step) : -1;
	if (i < 0)
		return err_set(e, "sequence '%s' has no step '%s' any more", t->sequence, t->step);
	if (row->contact->forgotten)
		return err_set(e, "the person was erased: nothing is sent after that");
	if (en->state == ENROLLMENT_ACTIVE && en->touch_id != 0)
		return err_set(e, "the enrollment's next step is under way; try again when it is done");
	struct before b = { .enrollment_id = en->id, .touch_id = t->id, .at = en->created_at };
	if (store_touches_of(s->store, t->contact_id, before_row, &b, e) < 0 || store_touch_set(s->store, t->id, TOUCH_DUE, now, 0, "", e) != 0)
		return -1;
	scheduler_note_due(s, now);
	return store_enrollment_reactivate(s->store, en->id, t->step, i, t->id, b.at, now, e);
}

int scheduler_resolve(struct scheduler *s, int64_t touch_id, enum unknown_action action, struct err *e)
{
	static const char *const name[] = { "accept", "resend", "drop" };
	int64_t now = clock_now(s->clock);
	struct touch *t = NULL;
	struct enrollment_row *row = NULL;
	struct buf d = { 0 };
	int rc = -1;
	if (store_touch(s->store, touch_id, &t, e) < 0)
		goto out;
	if (t == NULL || t->state != TOUCH_UNKNOWN) {
		err_set(e, "no unknown touch %lld", (long long)touch_id);
		goto out;
	}
	if (store_enrollment(s->store, t->enrollment_id, &row, e) != 1)
		goto out;
	json_add_str(&d, "resolution", name[action]);
	json_add_str(&d, "message_id", t->message_id);
	if (event_plain(s, EVENT_RESOLVED, row->contact, t->sequence, t->step, (int)t->kind, t->id, buf_text(&d), e) != 0)
		goto out;
	if (action == UNKNOWN_ACCEPT)
		rc = store_touch_set(s->store, touch_id, TOUCH_ACCEPTED, t->at, t->smtp_code, t->smtp_reply, e);
	else if (action == UNKNOWN_DROP)
		rc = store_touch_set(s->store, touch_id, TOUCH_DROPPED, t->at, t->smtp_code, t->smtp_reply, e);
	else
		rc = resend(s, t, row, now, e);
	if (rc == 0) /* gifts and caps may look different now */
		rc = store_wake_contact(s->store, t->contact_id, now, e);
	if (rc == 0 && t->account_id != 0)
		rc = store_wake_account(s->store, t->account_id, now, e);
	s->due_stale = true;
out:
	buf_free(&d);
	touch_free(&t);
	enrollment_row_free(&row);
	return rc;
}

void scheduler_status(struct scheduler *s, struct buf *b)
{
	json_add_bool(b, "paused", s->paused.all);
	if (s->paused.all)
		json_add_str(b, "paused_by", s->paused.why);
	json_add_int(b, "in_flight", job_in_flight(s));
	json_add_int(b, "asked", s->asked);
	json_add_int(b, "withheld", (int64_t)s->withheld_n);
	json_add_int(b, "due", (int64_t)(s->ready_n + s->due_n - s->due_next));
	if (s->next_due != CLOCK_NEVER)
		json_add_time(b, "next_due", s->next_due);
	json_add_bool(b, "relay_usable", s->relay_usable);
	if (!s->relay_usable)
		json_add_str(b, "relay_error", s->relay_why);
	json_add_bool(b, "store_failing", s->failing);
	if (s->failing)
		json_add_str(b, "store_error", s->failed_why);
}
