/* What is written when something happened. Policy:
 *
 * - An acceptance, or an unknown, moves the enrollment to its next step from that instant on. Cause before effect: sent, completed.
 * - A refusal for now keeps the same touch and asks the governor again after its back-off; past retry_for the enrollment stops.
 * - A bad address suppresses the contact and ends all its enrollments; any other refusal for good ends this enrollment only.
 * - What was not sent is due again at once: the relay backs off, not the contact.
 * - A hard bounce's suppression may be withheld for a while: streak.c.
 */
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/log.h"
#include "abv/mem.h"
#include "scheduler_int.h"

void scheduler_note_due(struct scheduler *s, int64_t next_at)
{
	if (next_at < s->next_due)
		s->next_due = next_at;
}

static void detail_reason(struct buf *b, enum reason why, int64_t until)
{
	if (until != CLOCK_NEVER)
		json_add_time(b, "until", until);
	json_add_str(b, "reason", reason_name(why));
}

int record_event(struct scheduler *s, enum event_type type, const struct enrollment *en, struct whose who, int kind, int64_t touch, int64_t ts,
                 struct buf *detail, struct err *e)
{
	struct event ev = {
		.ts = ts, .type = type, .contact_id = en->contact_id, .address = who.email, .account = who.account,
		.sequence = en->sequence, .step = en->step, .kind = kind, .touch_id = touch, .detail = buf_text(detail),
	};
	int64_t seq;
	int rc = store_event_add(s->store, &ev, &seq, e);
	buf_free(detail);
	return rc;
}

int record_wait(struct scheduler *s, const struct candidate *c, const struct verdict *v, int64_t now, struct err *e)
{
	const struct enrollment *en = &c->row->enrollment;
	/* Asked again at `until`, or earlier where the answer turns into an end: a step that waits for gifts still expires. */
	int64_t next = v->ends_at > now && v->ends_at < v->until ? v->ends_at : v->until;
	const char *slot;
	if (slot_of(c, v, &slot)) {
		int64_t end = v->ends_at > now ? v->ends_at : CLOCK_NEVER;
		if (store_enrollment_line_up(s->store, en->id, v->reason, v->until, end, slot, e) != 0)
			return -1;
		slots_note(s, en->sequence, slot, v->until, v->rests_on_flight);
		scheduler_note_due(s, end);
	} else {
		if (store_enrollment_wait(s->store, en->id, v->reason, v->until, next, v->rests_on_flight, e) != 0)
			return -1;
		scheduler_note_due(s, next);
	}
	if (en->wait == v->reason || v->reason == REASON_AFTER || v->reason == REASON_NONE)
		return 0; /* told already; or not due yet, which is no wait of a due step */
	struct buf d = { 0 };
	detail_reason(&d, v->reason, v->until > now ? v->until : 0);
	return record_event(s, EVENT_WAITING, en, whose(c->row->contact), -1, en->touch_id, now, &d, e);
}

int record_stop(struct scheduler *s, const struct enrollment *en, enum reason why, int64_t now, struct err *e)
{
	int was = store_enrollment_stop(s->store, en->id, why, now, e);
	if (was <= 0)
		return was;
	struct contact *c = NULL;
	if (store_contact_by_id(s->store, en->contact_id, &c, e) < 0)
		return -1;
	struct buf d = { 0 };
	detail_reason(&d, why, 0);
	int rc = record_event(s, EVENT_STOPPED, en, whose(c), -1, 0, now, &d, e);
	contact_free(&c);
	return rc;
}

int record_advance(struct scheduler *s, const struct enrollment *en, const struct contact *c, const char *step, int32_t step_no, int64_t at, int64_t now,
                   int64_t ends_at, struct err *e)
{
	const struct plan_sequence *ps = plan_sequence(s->plan, en->sequence);
	if (ps == NULL) { /* gone from the configuration meanwhile: it waits behind this step, should the sequence come back */
		return store_enrollment_advance(s->store, en->id, step, step_no + 1, at, at, at, e);
	}
	const struct sequence *q = ps->sequence;
	int i = sequence_step_find(q, step);
	size_t next = i >= 0 ? (size_t)i + 1 : (size_t)step_no; /* a removed step's place was taken by the one behind it */
	if (next >= q->step_n) {
		struct buf none = { 0 };
		if (store_enrollment_complete(s->store, en->id, now, e) != 0)
			return -1;
		return record_event(s, EVENT_COMPLETED, en, whose(c), -1, 0, now, &none, e);
	}
	int64_t due = governor_add(&q->policy, governor_zone(&q->policy, c), at, &q->step[next].after), next_at = ends_at < due ? ends_at : due;
	scheduler_note_due(s, next_at);
	return store_enrollment_advance(s->store, en->id, q->step[next].name, (int32_t)next, at, due, next_at, e);
}

int record_skip(struct scheduler *s, const struct candidate *c, enum reason why, int64_t now, struct err *e)
{
	const struct enrollment *en = &c->row->enrollment;
	struct buf d = { 0 };
	detail_reason(&d, why, 0);
	if (record_event(s, EVENT_SKIPPED, en, whose(c->row->contact), -1, 0, now, &d, e) != 0)
		return -1;
	/* `after` of the next step runs from the previous touch still: a skipped step is no touch. */
	return record_advance(s, en, c->row->contact, en->step, en->step_no, en->prev_at, now, CLOCK_NEVER, e);
}

int record_refused_content(struct scheduler *s, const struct candidate *c, enum reason why, const struct buf *findings, int64_t now, struct err *e)
{
	const struct enrollment *en = &c->row->enrollment;
	if (store_enrollment_wait(s->store, en->id, why, CLOCK_NEVER, CLOCK_NEVER, false, e) != 0)
		return -1;
	if (en->wait == why)
		return 0;
	struct buf d = { 0 };
	const char *who = c->sequence != NULL && c->step >= 0 ? template_vouched_by(c->sequence->step[c->step].template) : "";
	json_add_str(&d, "reason", reason_name(why));
	json_add_raw(&d, "findings", buf_text(findings));
	if (*who != '\0') /* in vain: nobody vouches for what a hard rule refuses */
		json_add_str(&d, "vouched", who);
	return record_event(s, EVENT_GATE_REFUSED, en, whose(c->row->contact), -1, 0, now, &d, e);
}

/* ---- gifts: an ask that waits for value touches is asked again when one is accepted ---- */

struct gift_wait {
	int64_t id[16];
	int n;
};

static void gift_row(void *arg, const struct enrollment *en)
{
	struct gift_wait *g = arg;
	if (en->state == ENROLLMENT_ACTIVE && en->wait == REASON_GIFTS && g->n < (int)(sizeof g->id / sizeof g->id[0]))
		g->id[g->n++] = en->id;
}

static int wake_gifts(struct scheduler *s, int64_t contact_id, int64_t now, struct err *e)
{
	struct gift_wait g = { .n = 0 };
	if (store_enrollments_of(s->store, contact_id, gift_row, &g, e) < 0)
		return -1;
	for (int i = 0; i < g.n; i++) {
		if (store_enrollment_wait(s->store, g.id[i], REASON_GIFTS, CLOCK_NEVER, now, false, e) != 0)
			return -1;
		scheduler_note_due(s, now);
	}
	return 0;
}

/* ---- outcomes ---- */

static void detail_smtp(struct buf *b, const struct job *j)
{
	json_add_time(b, "handed_at", j->handed_at);
	if (j->result.code != 0)
		json_add_int(b, "smtp_code", j->result.code);
	json_add_str(b, "smtp_reply", j->reply);
}

static int event_job(struct scheduler *s, enum event_type type, const struct job *j, int64_t ts, struct buf *d, struct err *e)
{
	struct enrollment en = { .contact_id = j->contact_id, .sequence = j->sequence, .step = j->step };
	/* the account as of the send, the address as it is */
	return record_event(s, type, &en, (struct whose){ j->row->contact->email, j->account }, (int)j->kind, j->delivery.touch_id, ts, d, e);
}

static int outcome_sent(struct scheduler *s, const struct job *j, const struct enrollment_row *row, struct err *e)
{
	bool unknown = j->result.outcome == OUTCOME_UNKNOWN;
	int64_t at = unknown ? j->dot_at : j->done_at;
	if (store_touch_set(s->store, j->delivery.touch_id, unknown ? TOUCH_UNKNOWN : TOUCH_ACCEPTED, at, j->result.code, j->reply, e) != 0)
		return -1;
	rate_note(&s->rate, at);
	struct buf d = { 0 };
	json_add_str(&d, "message_id", j->message_id);
	json_add_str(&d, "content", j->content);
	if (*j->vouched != '\0')
		json_add_str(&d, "vouched", j->vouched);
	detail_smtp(&d, j);
	if (event_job(s, unknown ? EVENT_UNKNOWN : EVENT_SENT, j, at, &d, e) != 0)
		return -1;
	const struct plan_sequence *q = plan_sequence(s->plan, j->sequence);
	int64_t ends_at = q != NULL ? governor_ends_at(&q->sequence->policy, row->contact, j->first_touch_at != 0 ? j->first_touch_at : at, j->unanswered + 1, at)
	                            : CLOCK_NEVER;
	if (row->enrollment.state == ENROLLMENT_ACTIVE && record_advance(s, &row->enrollment, row->contact, j->step, j->step_no, at, at, ends_at, e) != 0)
		return -1;
	return !unknown && s->asks && j->kind == KIND_VALUE ? wake_gifts(s, j->contact_id, at, e) : 0;
}

static int outcome_refused_temp(struct scheduler *s, const struct job *j, const struct enrollment_row *row, int64_t now, struct err *e)
{
	struct touch *t = NULL;
	if (store_touch_set(s->store, j->delivery.touch_id, TOUCH_REFUSED_TEMP, j->done_at, j->result.code, j->reply, e) != 0)
		return -1;
	struct buf d = { 0 };
	json_add_bool(&d, "permanent", false);
	detail_smtp(&d, j);
	if (event_job(s, EVENT_REFUSED, j, j->done_at, &d, e) != 0)
		return -1;
	if (row->enrollment.state != ENROLLMENT_ACTIVE)
		return 0;
	int rc = store_touch(s->store, j->delivery.touch_id, &t, e);
	if (rc <= 0)
		return rc;
	if (attempt_retry_over(now, t->first_at, t->attempts, s->plan->config->smtp.retry_for)) {
		rc = record_stop(s, &row->enrollment, REASON_RETRY_EXPIRED, now, e);
	} else {
		int64_t until = attempt_retry_at(j->done_at, t->attempts);
		struct verdict v = { .kind = VERDICT_WAIT, .reason = REASON_RETRY, .until = until };
		struct candidate c = { .row = (struct enrollment_row *)row };
		rc = record_wait(s, &c, &v, now, e);
	}
	touch_free(&t);
	return rc;
}

struct stop_list {
	struct scheduler *s;
	int64_t now;
	enum reason why;
	int rc;
	struct err *e;
	int64_t *id;
	size_t n;
};

static void stop_row(void *arg, const struct enrollment *en)
{
	struct stop_list *l = arg;
	if (en->state == ENROLLMENT_ACTIVE) {
		l->id = mem_grow(l->id, l->n + 1, sizeof *l->id);
		l->id[l->n++] = en->id;
	}
}

/* Read first, then written, because a cursor must not see its own changes. */
int record_stop_all(struct scheduler *s, int64_t contact_id, enum reason why, int64_t now, struct err *e)
{
	struct stop_list l = { 0 };
	int rc = store_enrollments_of(s->store, contact_id, stop_row, &l, e) < 0 ? -1 : 0;
	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		struct enrollment_row *row = NULL;
		rc = store_enrollment(s->store, l.id[i], &row, e) < 0 ? -1 : 0;
		if (rc == 0 && row != NULL)
			rc = record_stop(s, &row->enrollment, why, now, e);
		enrollment_row_free(&row);
	}
	free(l.id);
	return rc;
}

static int outcome_refused_perm(struct scheduler *s, const struct job *j, const struct enrollment_row *row, int64_t now, struct err *e)
{
	if (store_touch_set(s->store, j->delivery.touch_id, TOUCH_REFUSED_PERM, j->done_at, j->result.code, j->reply, e) != 0)
		return -1;
	struct buf d = { 0 };
	json_add_bool(&d, "permanent", true);
	if (*j->status != '\0')
		json_add_str(&d, "status", j->status);
	detail_smtp(&d, j);
	if (event_job(s, EVENT_REFUSED, j, j->done_at, &d, e) != 0)
		return -1;
	if (j->result.outcome != OUTCOME_BAD_ADDRESS)
		return record_stop(s, &row->enrollment, REASON_REFUSED, now, e);
	return streak_withhold(s, j, row, e);
}

static int outcome_not_sent(struct scheduler *s, const struct job *j, const struct enrollment_row *row, int64_t now, struct err *e)
{
	if (store_touch_set(s->store, j->delivery.touch_id, TOUCH_DUE, now, j->result.code, j->reply, e) != 0)
		return -1;
	if (row->enrollment.state != ENROLLMENT_ACTIVE)
		return 0;
	if (!j->result.local) {
		s->failed[s->failed_at] = j->enrollment_id;
		s->failed_at = (s->failed_at + 1) % FAILED_MAX;
		s->due_stale = true;
	}
	struct verdict v = { .kind = VERDICT_WAIT, .reason = j->result.local ? row->enrollment.wait : REASON_RELAY, .until = now };
	struct candidate c = { .row = (struct enrollment_row *)row };
	return record_wait(s, &c, &v, now, e);
}

/* What waited resting on this touch is asked again now that it has ended. Caps of the provider and the sender rest on anybody's. */
static int wake_resting(struct scheduler *s, const struct job *j, int64_t now, struct err *e)
{
	int n = store_wake_flight(s->store, s->shared_caps ? 0 : j->contact_id, j->account_id, now, e);
	if (n > 0)
		scheduler_note_due(s, now);
	slots_ask_all(s, now, true);
	return n < 0 ? -1 : 0;
}

static int record_outcome(struct scheduler *s, struct job *j, int64_t now, struct err *e)
{
	int rc = job_row(s, j, NULL, e);
	const struct enrollment_row *row = j->row;
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(e, "enrollment %lld of touch %lld is gone", (long long)j->enrollment_id, (long long)j->delivery.touch_id);
	if (row->contact->forgotten) /* meanwhile: replies name the address */
		*j->reply = '\0';
	switch (j->result.outcome) {
	case OUTCOME_ACCEPTED:
	case OUTCOME_UNKNOWN: rc = outcome_sent(s, j, row, e); break;
	case OUTCOME_REFUSED_TEMP: rc = outcome_refused_temp(s, j, row, now, e); break;
	case OUTCOME_BAD_ADDRESS:
	case OUTCOME_REFUSED_PERM:
	case OUTCOME_REFUSED_CONTENT: rc = outcome_refused_perm(s, j, row, now, e); break;
	case OUTCOME_NOT_SENT:
	case OUTCOME_COUNT: rc = outcome_not_sent(s, j, row, now, e); break;
	}
	if (rc == 0)
		rc = wake_resting(s, j, now, e);
	if (rc == 0)
		j->state = JOB_RECORDED;
	return rc;
}

int record_finished(struct scheduler *s, int64_t now, struct err *e)
{
	struct job *j;
	TAILQ_FOREACH (j, &s->jobs, link) {
		if (j->state != JOB_FINISHED || j->test != NULL)
			continue;
		if (j->note_id != 0) {
			if (note_finished(s, j, now, e) != 0)
				return -1;
			continue;
		}
		if (streak_before(s, now, e) != 0 || record_outcome(s, j, now, e) != 0 || streak_after(s, j, now, e) != 0)
			return -1;
	}
	return streak_rest(s, now, e);
}

/* ---- after a crash ---- */

int record_unknown(struct scheduler *s, const struct touch *t, int64_t at, struct err *e)
{
	struct enrollment_row *row = NULL;
	if (store_touch_set(s->store, t->id, TOUCH_UNKNOWN, at, 0, "abvd ended between the final dot and its reply", e) != 0)
		return -1;
	int rc = store_enrollment(s->store, t->enrollment_id, &row, e);
	if (rc <= 0)
		return rc;
	struct enrollment en = { .contact_id = t->contact_id, .sequence = t->sequence, .step = t->step };
	struct buf d = { 0 };
	json_add_str(&d, "message_id", t->message_id);
	json_add_str(&d, "content", t->content);
	json_add_time(&d, "handed_at", t->handed_at);
	rc = record_event(s, EVENT_UNKNOWN, &en, whose(row->contact), (int)t->kind, t->id, at, &d, e);
	if (rc == 0 && row->enrollment.state == ENROLLMENT_ACTIVE)
		rc = record_advance(s, &row->enrollment, row->contact, t->step, row->enrollment.step_no, at, at, CLOCK_NEVER, e);
	enrollment_row_free(&row);
	return rc;
}

struct id_list {
	int64_t *id;
	size_t n;
};

static void id_row(void *arg, const struct touch *t)
{
	struct id_list *l = arg;
	l->id = mem_grow(l->id, l->n + 1, sizeof *l->id);
	l->id[l->n++] = t->id;
}

static int recover_touch(struct scheduler *s, int64_t id, int64_t now, struct err *e)
{
	struct touch *t = NULL;
	struct enrollment_row *row = NULL;
	int rc = store_touch(s->store, id, &t, e);
	if (rc <= 0)
		return rc;
	if (t->state == TOUCH_HANDED) {
		rc = record_unknown(s, t, t->handed_at, e);
	} else {
		rc = store_touch_set(s->store, id, TOUCH_DUE, now, 0, "", e);
		if (rc == 0 && store_enrollment(s->store, t->enrollment_id, &row, e) == 1 && row->enrollment.state == ENROLLMENT_ACTIVE)
			rc = store_enrollment_wait(s->store, t->enrollment_id, row->enrollment.wait, now, now, false, e);
		enrollment_row_free(&row);
	}
	touch_free(&t);
	return rc;
}

/* handed -> unknown: the dot may have left; reserved -> due: it cannot have (9-precisions, Attempts). */
int record_recovery(struct scheduler *s, struct err *e)
{
	static const enum touch_state left[] = { TOUCH_HANDED, TOUCH_RESERVED };
	int64_t now = clock_now(s->clock);
	size_t told[2] = { 0, 0 };
	if (store_begin(s->store, e) != 0)
		return -1;
	for (int k = 0; k < 2; k++) {
		struct id_list l = { 0 };
		int rc = store_touches_in(s->store, left[k], id_row, &l, e) < 0 ? -1 : 0;
		for (size_t i = 0; rc == 0 && i < l.n; i++)
			rc = recover_touch(s, l.id[i], now, e);
		told[k] = l.n;
		free(l.id);
		if (rc != 0) {
			store_rollback(s->store);
			return -1;
		}
	}
	if (told[0] + told[1] > 0) {
		log_warning("recovered after an unclean end unknown=%zu due_again=%zu%s", told[0], told[1], told[0] > 0 ? " (see `abvctl unknown`)" : "");
		if (store_wake_flight(s->store, 0, 0, now, e) < 0) {
			store_rollback(s->store);
			return -1;
		}
	}
	return store_commit_now(s->store, e);
}
