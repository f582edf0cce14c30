/* One enrollment: what the store knows of it, asked of the governor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/attempt.h"
#include "abv/mem.h"
#include "scheduler_int.h"

void pause_clear(struct pause_set *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->sequence[i]);
	free(p->sequence);
	*p = (struct pause_set){ 0 };
}

static void pause_row(void *arg, const char *name, const char *value)
{
	struct pause_set *p = arg;
	if (*value == '\0')
		return;
	if (strcmp(name, "paused") == 0) {
		p->all = true;
		p->refusals = strcmp(value, PAUSED_BY_REFUSALS) == 0;
		snprintf(p->why, sizeof p->why, "%s", value);
	} else if (strncmp(name, "paused:", 7) == 0) {
		p->sequence = mem_grow(p->sequence, p->n + 1, sizeof *p->sequence);
		p->sequence[p->n++] = mem_strdup(name + 7);
	}
}

void pause_load(struct scheduler *s)
{
	pause_clear(&s->paused);
	store_settings(s->store, "paused", pause_row, &s->paused, NULL);
}

bool pause_has(const struct pause_set *p, const char *sequence)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->sequence[i], sequence) == 0)
			return true;
	return false;
}

void candidate_free(struct candidate *c)
{
	enrollment_row_free(&c->row);
	touch_free(&c->touch);
	*c = (struct candidate){ 0 };
}

static void wait_for_change(struct verdict *v, enum reason why)
{
	*v = (struct verdict){ .kind = VERDICT_WAIT, .reason = why, .until = CLOCK_NEVER };
}

/* A touch in flight answers by itself; until then nothing is asked. */
static bool touch_in_flight(const struct touch *t)
{
	return t->state == TOUCH_RESERVED || t->state == TOUCH_HANDED;
}

int scheduler_asked(struct scheduler *s, const struct candidate *c, int64_t now, struct asked *a, struct err *e)
{
	const struct enrollment *en = &c->row->enrollment;
	const struct sequence *q = c->sequence->sequence;
	a->standing = (struct standing){ 0 };
	if (store_standing(s->store, c->row->contact, &a->standing, e) != 0)
		return -1;
	a->standing.sending_paused = s->paused.all;
	a->standing.sequence_paused = pause_has(&s->paused, q->name);
	if (store_history(s->store, &q->policy, c->row->contact, en->touch_id, now, &a->history, e) != 0)
		return -1;
	a->in = (struct governor_input){
		.policy = &q->policy,
		.sequence = q,
		.step = &q->step[c->step],
		.contact = c->row->contact,
		.standing = &a->standing,
		.history = &a->history,
		.zone = governor_zone(&q->policy, c->row->contact),
		.enrollment_id = en->id,
		.prev_at = en->prev_at,
		.kind = template_kind(c->sequence->step[c->step].template),
	};
	if (c->touch != NULL && c->touch->state == TOUCH_REFUSED_TEMP)
		a->in.retry_at = attempt_retry_at(c->touch->at, c->touch->attempts);
	return 0;
}

static int governor_ask(struct scheduler *s, struct candidate *c, int64_t now, struct err *e)
{
	struct asked a;
	if (scheduler_asked(s, c, now, &a, e) != 0)
		return -1;
	governor_decide(&a.in, now, &c->verdict);
	c->first_touch_at = a.history.first_touch_at;
	c->unanswered = a.history.unanswered;
	return 0;
}

static int decide_row(struct scheduler *s, struct enrollment_row *row, int64_t now, struct candidate *c, struct err *e)
{
	const struct enrollment *en = &row->enrollment;
	*c = (struct candidate){ .row = row, .step = -1 };
	if (en->touch_id != 0) {
		int found = store_touch(s->store, en->touch_id, &c->touch, e);
		if (found < 0)
			return -1;
		if (found == 1 && touch_in_flight(c->touch))
			return 0;
	}
	c->sequence = plan_sequence(s->plan, en->sequence);
	if (c->sequence == NULL) {
		wait_for_change(&c->verdict, REASON_SEQUENCE_REMOVED);
		return 1;
	}
	c->step = sequence_step_find(c->sequence->sequence, en->step);
	if (c->step < 0) {
		c->verdict = (struct verdict){ .kind = VERDICT_SKIP, .reason = REASON_STEP_REMOVED };
		return 1;
	}
	if (streak_withholds(s, row->contact->id)) {
		wait_for_change(&c->verdict, REASON_HARD_BOUNCE);
		return 1;
	}
	if (!c->sequence->startable) {
		wait_for_change(&c->verdict, REASON_SEQUENCE_NOT_STARTED);
		return 1;
	}
	return governor_ask(s, c, now, e) == 0 ? 1 : -1;
}

int scheduler_decide_row(struct scheduler *s, struct enrollment_row *row, int64_t now, struct candidate *c, struct err *e)
{
	int rc = decide_row(s, row, now, c, e);
	return rc == 1 && rank_yield(s, c, now, e) != 0 ? -1 : rc;
}

int scheduler_decide_plain(struct scheduler *s, int64_t enrollment_id, int64_t now, bool ask_early, struct candidate *c, struct err *e)
{
	*c = (struct candidate){ 0 };
	struct enrollment_row *row = NULL;
	int found = store_enrollment(s->store, enrollment_id, &row, e);
	if (found <= 0)
		return found;
	if (row->enrollment.state != ENROLLMENT_ACTIVE || (!ask_early && row->enrollment.next_at > now)) {
		enrollment_row_free(&row);
		return 0;
	}
	int r = decide_row(s, row, now, c, e);
	if (r <= 0)
		candidate_free(c);
	return r;
}

int scheduler_decide(struct scheduler *s, int64_t enrollment_id, int64_t now, bool ask_early, struct candidate *c, struct err *e)
{
	int rc = scheduler_decide_plain(s, enrollment_id, now, ask_early, c, e);
	if (rc == 1 && rank_yield(s, c, now, e) != 0) {
		candidate_free(c);
		return -1;
	}
	return rc;
}

/* A step that a reload has taken away meanwhile is sent: it was there when it was decided on. */
static bool has_expired(const struct sequence *q, const struct job *j, int64_t now)
{
	int k = sequence_step_find(q, j->step);
	return k >= 0 && governor_expiry(&q->policy, governor_zone(&q->policy, j->row->contact), &q->step[k], j->row->enrollment.prev_at) <= now;
}

int scheduler_may_hand(struct scheduler *s, struct job *j, int64_t now, bool *yes, struct err *e)
{
	struct standing st = { 0 };
	bool fresh;
	*yes = false;
	const struct plan_sequence *q = plan_sequence(s->plan, j->sequence);
	int found = job_row(s, j, &fresh, e);
	if (found <= 0 || q == NULL || j->outdated)
		return found < 0 ? -1 : 0;
	const struct contact *c = j->row->contact;
	const struct policy *p = &q->sequence->policy;
	if (!fresh || now - j->reserved_at > CLOCK_MINUTE) { /* a consent may run out meanwhile; what people say changes the version */
		if (store_standing(s->store, c, &st, e) != 0)
			return -1;
		if (j->row->enrollment.state != ENROLLMENT_ACTIVE || st.contact_hold > now || st.account_hold > now)
			return 0;
		if (governor_admit(q->sequence, c, st.suppressed, now) != REASON_NONE)
			return 0;
	}
	if (!q->startable || s->paused.all || pause_has(&s->paused, j->sequence))
		return 0;
	*yes = governor_window(p, governor_zone(p, c), now) == now && !has_expired(q->sequence, j, now);
	return 0;
}
