/* What a line of the log says happened, done to the store. Policy: a touch that left is there afterwards, whatever else is missing; who
 * said no stays suppressed; where an enrollment stands follows from its touches. Waits are not kept: everybody who is active is asked
 * again, and the governor says the same as before. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/attempt.h"
#include "abv/governor.h"
#include "abv/mailaddr.h"
#include "abv/mem.h"
#include "replay_int.h"

/* ---- whom and what it is about ---- */

/* 1 and *out (caller frees), 0: the line is about nobody, -1. Somebody who was imported after the copy was made is made again. */
static int contact_of(struct replay *r, const struct line *l, struct contact **out)
{
	struct contact fresh = { .email = l->contact, .account = l->account, .account_name = "", .first_name = "", .last_name = "", .title = "",
				 .timezone = "", .owner = "", .tags = "", .consent = "", .consent_source = "" };
	enum put_result result;
	int64_t id;
	int found;

	*out = NULL;
	if (!*l->contact || *l->contact == '@')
		return 0;
	found = store_contact_by_email(r->store, l->contact, out, r->e);
	if (found || (l->type != EVENT_CONTACT_IMPORTED && !*l->sequence))
		return found;
	if (store_contact_put(r->store, &fresh, l->ts, &result, &id, r->e))
		return -1;
	r->sum->contacts++;
	return store_contact_by_id(r->store, id, out, r->e);
}

struct enrollment_search {
	const char *sequence;
	int64_t id;
};

static void enrollment_search_row(void *arg, const struct enrollment *en)
{
	struct enrollment_search *f = arg;

	if (!strcmp(en->sequence, f->sequence))
		f->id = en->id;
}

static int enroll(struct replay *r, const struct line *l, const struct contact *c, int64_t *id)
{
	const struct plan_sequence *q = plan_sequence(r->plan, l->sequence);
	int64_t due = l->ts;

	if (q && q->sequence->step_n)
		due = governor_add(&q->sequence->policy, governor_zone(&q->sequence->policy, c), l->ts, &q->sequence->step[0].after);
	/* of a sequence that the configuration lacks, the first step's name is not known: its number is */
	return store_enroll(r->store, c->id, l->sequence, q && q->sequence->step_n ? q->sequence->step[0].name : *l->step ? l->step : "1", 0, l->ts,
			    due, due, id, r->e);
}

/* 1 and *out (caller frees), 0 the line is of no sequence, -1. */
static int enrollment_of(struct replay *r, const struct line *l, const struct contact *c, struct enrollment_row **out)
{
	struct enrollment_search f = { .sequence = l->sequence };

	*out = NULL;
	if (!c || !*l->sequence)
		return 0;
	if (store_enrollments_of(r->store, c->id, enrollment_search_row, &f, r->e) || (!f.id && enroll(r, l, c, &f.id) < 0))
		return -1;
	return store_enrollment(r->store, f.id, out, r->e);
}

/* ---- touches ---- */

static int land(struct replay *r, int64_t touch)
{
	for (size_t i = 0; i < r->flight_n; i++) {
		if (r->flight[i].touch == touch)
			r->flight[i] = r->flight[--r->flight_n];
	}
	return 0;
}

/* Another touch of this enrollment, which the copy has in flight, came back without a line: it was not sent. */
static int land_others(struct replay *r, int64_t enrollment, int64_t touch)
{
	for (size_t i = 0; i < r->flight_n; i++) {
		if (r->flight[i].enrollment != enrollment || r->flight[i].touch == touch)
			continue;
		if (store_touch_set(r->store, r->flight[i].touch, TOUCH_DUE, r->now, 0, "", r->e))
			return -1;
		r->flight[i--] = r->flight[--r->flight_n];
	}
	return 0;
}

/* Through the states that it must have had. */
static int touch_to(struct replay *r, const struct line *l, const struct enrollment_row *row, enum touch_state to)
{
	int64_t handed = line_time(l, "handed_at"), reserved = handed ? handed : l->ts; /* a refusal may come before the dot */
	const struct contact *c = row->contact;
	struct touch *old = NULL, t;
	int rc = land_others(r, row->enrollment.id, l->touch) ? -1 : store_touch(r->store, l->touch, &old, r->e);

	if (rc < 0)
		return -1;
	if (old && old->state == to) { /* what the copy had at its end */
		touch_free(&old);
		return land(r, l->touch);
	}
	t = (struct touch){ .id = l->touch, .enrollment_id = row->enrollment.id, .contact_id = c->id, .account_id = c->account_id,
			    .sequence = l->sequence, .step = l->step, .kind = l->kind == KIND_ASK ? KIND_ASK : KIND_VALUE,
			    .content = line_text(l, "content"), .provider = strchr(c->email, '@') ? mailaddr_domain(c->email) : "",
			    .message_id = line_text(l, "message_id"), .smtp_reply = "" };
	if (*l->account && store_accounts_find(r->store, l->account, &t.account_id, r->e) < 0)
		rc = -1;
	else if (old && (old->state == TOUCH_RESERVED || old->state == TOUCH_HANDED))
		rc = 0;
	else
		rc = store_touch_reserve(r->store, &t, reserved, r->e);
	if (!rc && handed && !(old && old->state == TOUCH_HANDED))
		rc = store_touch_hand(r->store, l->touch, handed, r->e);
	touch_free(&old);
	if (!rc)
		rc = store_touch_set(r->store, l->touch, to, l->ts, (int)json_integer_value(json_object_get(l->json, "smtp_code")),
				     line_text(l, "smtp_reply"), r->e);
	return rc ? -1 : land(r, l->touch);
}

/* Behind the line's step; `after` runs from prev_at. Behind the last one it is completed: a `completed` line follows. */
static int advance(struct replay *r, const struct line *l, const struct enrollment_row *row, int64_t prev_at)
{
	const struct enrollment *en = &row->enrollment;
	const struct plan_sequence *q = plan_sequence(r->plan, l->sequence);
	int i = q ? sequence_step_find(q->sequence, l->step) : -1;
	size_t next = i >= 0 ? (size_t)i + 1 : (size_t)en->step_no + 1;
	int64_t due;

	if (en->state != ENROLLMENT_ACTIVE)
		return 0;
	if (!q)
		return store_enrollment_advance(r->store, en->id, l->step, en->step_no + 1, prev_at, prev_at, prev_at, r->e);
	if (next >= q->sequence->step_n)
		return store_enrollment_complete(r->store, en->id, l->ts, r->e);
	due = governor_add(&q->sequence->policy, governor_zone(&q->sequence->policy, row->contact), prev_at, &q->sequence->step[next].after);
	return store_enrollment_advance(r->store, en->id, q->sequence->step[next].name, (int32_t)next, prev_at, due, due, r->e);
}

static int sent(struct replay *r, const struct line *l, const struct enrollment_row *row)
{
	if (!l->touch || !*line_text(l, "content") || !line_time(l, "handed_at"))
		return err_set(r->e, "a touch without its number, content or handed_at");
	r->sum->touches++;
	if (touch_to(r, l, row, l->type == EVENT_SENT ? TOUCH_ACCEPTED : TOUCH_UNKNOWN) || advance(r, l, row, l->ts))
		return -1;
	return store_wake_contact(r->store, row->contact->id, l->ts, r->e); /* an ask may wait for this gift */
}

/* The setting of src/scheduler/streak.c; contact 0 takes it away. */
static int withhold(struct replay *r, int64_t touch, int64_t contact)
{
	char name[48], value[24] = "";

	(void)snprintf(name, sizeof(name), "withheld:%" PRId64, touch);
	if (contact)
		(void)snprintf(value, sizeof(value), "%" PRId64, contact);
	return store_setting_put(r->store, name, value, r->e);
}

/* The letter's content and its Message-ID are not in the line: an attempt that failed is no touch, so it does without. */
static int refused(struct replay *r, const struct line *l, const struct enrollment_row *row)
{
	bool permanent = json_is_true(json_object_get(l->json, "permanent"));

	if (!l->touch || touch_to(r, l, row, permanent ? TOUCH_REFUSED_PERM : TOUCH_REFUSED_TEMP))
		return l->touch ? -1 : err_set(r->e, "a touch without its number");
	/* for good: withheld, as src/scheduler/streak.c does it, until a line says what came of it */
	if (permanent && withhold(r, l->touch, row->contact->id))
		return -1;
	if (row->enrollment.state != ENROLLMENT_ACTIVE)
		return 0;
	if (permanent)
		return store_enrollment_wait(r->store, row->enrollment.id, REASON_HARD_BOUNCE, CLOCK_NEVER, CLOCK_NEVER, false, r->e);
	return store_enrollment_wait(r->store, row->enrollment.id, REASON_RETRY, attempt_retry_at(l->ts, 1), attempt_retry_at(l->ts, 1), false, r->e);
}

struct before {
	int64_t enrollment, touch, at;
};

static void before_row(void *arg, const struct touch *t)
{
	struct before *b = arg;

	if (t->enrollment_id == b->enrollment && t->id != b->touch && touch_state_counts(t->state) && t->at > b->at)
		b->at = t->at;
}

static int resolved(struct replay *r, const struct line *l, const struct enrollment_row *row)
{
	const char *how = line_text(l, "resolution");
	const struct enrollment *en = &row->enrollment;
	struct before b = { .enrollment = en->id, .touch = l->touch, .at = en->created_at };
	const struct plan_sequence *q = plan_sequence(r->plan, l->sequence);
	int i = q ? sequence_step_find(q->sequence, l->step) : -1;
	struct touch *t = NULL;
	int rc = store_touch(r->store, l->touch, &t, r->e);

	if (rc == 1 && t->state != TOUCH_UNKNOWN)
		rc = 0;
	if (i < 0) /* the step is gone: it goes on where the number says */
		i = en->step_no;
	if (rc == 1 && strcmp(how, "resend") != 0)
		rc = store_touch_set(r->store, t->id, strcmp(how, "drop") ? TOUCH_ACCEPTED : TOUCH_DROPPED, t->at, t->smtp_code, t->smtp_reply, r->e);
	else if (rc == 1)
		rc = store_touches_of(r->store, t->contact_id, before_row, &b, r->e) || store_touch_set(r->store, t->id, TOUCH_DUE, l->ts, 0, "", r->e)
			 ? -1
			 : store_enrollment_reactivate(r->store, en->id, t->step, i, t->id, b.at, l->ts, r->e);
	touch_free(&t);
	return rc < 0 ? -1 : 0;
}

/* ---- people ---- */

static int imported(struct replay *r, const struct line *l, const struct contact *c)
{
	struct contact next = *c;
	enum put_result result;
	int64_t id;

	next.timezone = line_text(l, "timezone");
	next.account = l->account;
	if (strcmp(next.consent, line_text(l, "consent")) != 0)
		next.consent_source = "";
	next.consent = line_text(l, "consent");
	next.consent_at = line_time(l, "consent_at");
	return store_contact_put(r->store, &next, l->ts, &result, &id, r->e) || store_wake_contact(r->store, id, l->ts, r->e) ? -1 : 0;
}

static int held(struct replay *r, const struct line *l, const struct contact *c)
{
	int64_t until = line_time(l, "until"), account = 0;
	const char *why = line_text(l, "reason");
	int found;

	until = until > l->ts ? until : 0;
	if (c)
		return store_contact_hold(r->store, c->id, until, why, r->e) || store_wake_contact(r->store, c->id, l->ts, r->e) ? -1 : 0;
	if (*l->contact) /* somebody of whom nothing but this is known */
		return 0;
	found = store_accounts_find(r->store, l->account, &account, r->e);
	if (found <= 0)
		return found;
	return store_account_hold(r->store, account, until, why, r->e) || store_wake_account(r->store, account, l->ts, r->e) ? -1 : 0;
}

/* A failure counts with the send that it is about (src/scheduler/answers.c). */
static int failure(struct replay *r, const struct line *l, enum store_hour what)
{
	struct touch *t = NULL;
	int64_t at = l->ts;

	if (l->touch && store_touch(r->store, l->touch, &t, r->e) < 0)
		return -1;
	if (t && t->at && t->at <= l->ts)
		at = t->at;
	touch_free(&t);
	return store_hour_count(r->store, at, what, 1, r->e);
}

/* A hard bounce that the relay told at once: it was a send, and what was withheld is done. */
static int refused_address(struct replay *r, const struct line *l)
{
	struct touch *t = NULL;
	int rc = store_touch(r->store, l->touch, &t, r->e);

	if (rc == 1 && t->state == TOUCH_REFUSED_PERM)
		rc = store_hour_count(r->store, l->ts, STORE_HOUR_SENDS, 1, r->e) || store_hour_count(r->store, l->ts, STORE_HOUR_BOUNCES, 1, r->e) ||
		     withhold(r, l->touch, 0) ? -1 : 0;
	touch_free(&t);
	return rc < 0 ? -1 : 0;
}

static int suppressed(struct replay *r, const struct line *l)
{
	enum reason why = reason_find(line_text(l, "reason"));

	if (store_suppress(r->store, l->contact, reason_is_suppression(why) ? why : REASON_MANUAL, line_text(l, "note"), l->ts, r->e) < 0)
		return -1;
	return why == REASON_HARD_BOUNCE && l->touch ? refused_address(r, l) : 0;
}

static int bounced(struct replay *r, const struct line *l, const struct contact *c)
{
	if (json_is_true(json_object_get(l->json, "permanent")))
		return failure(r, l, STORE_HOUR_BOUNCES);
	return c && store_soft_bounce(r->store, c->id, l->touch, l->ts, l->ts, r->e) < 0 ? -1 : 0;
}

/* The circuit breaker counts from its last pause on (the setting of src/scheduler/breaker.c). */
static int count_anew(struct replay *r, const struct line *l)
{
	int64_t n[STORE_HOUR_COUNT];
	char text[96];

	if (store_hours_sum(r->store, l->ts, n, r->e))
		return -1;
	(void)snprintf(text, sizeof(text), "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, l->ts / CLOCK_HOUR, n[0], n[1], n[2]);
	return store_setting_put(r->store, "breaker.base", text, r->e);
}

static int paused(struct replay *r, const struct line *l)
{
	const char *why = line_text(l, "reason");
	char *name = *l->sequence ? mem_printf("paused:%s", l->sequence) : mem_strdup("paused");
	int rc = store_setting_put(r->store, name, l->type == EVENT_RESUMED ? "" : *why ? why : "manual", r->e);

	free(name);
	return rc || !strstr(why, "_rate") ? rc : count_anew(r, l);
}

/* Whom the copy has is forgotten already (replay.c). Who came after it is known here by the hash alone, and is somebody up to now. */
static int forgotten(struct replay *r, const struct line *l, const struct contact *c)
{
	char hash[64];

	if (c && !c->forgotten && store_contact_forget(r->store, c->id, l->ts, hash, r->e))
		return -1;
	return store_suppress(r->store, l->contact, REASON_ERASED, "", l->ts, r->e) < 0 ? -1 : 0;
}

/* ---- */

static int stopped(struct replay *r, const struct line *l, const struct enrollment *en)
{
	enum reason why = reason_find(line_text(l, "reason"));

	if (why == REASON_REFUSED && en->touch_id && withhold(r, en->touch_id, 0)) /* not the address's fault */
		return -1;
	return store_enrollment_stop(r->store, en->id, why == REASON_COUNT || why == REASON_NONE ? REASON_MANUAL : why, l->ts, r->e) < 0 ? -1 : 0;
}

static int of_enrollment(struct replay *r, const struct line *l, const struct contact *c)
{
	struct enrollment_row *row = NULL;
	int rc = enrollment_of(r, l, c, &row);

	if (rc <= 0)
		return rc < 0 ? -1 : err_set(r->e, "%s without a contact or a sequence", event_type_name(l->type));
	rc = 0;
	switch (l->type) {
	case EVENT_SENT:
	case EVENT_UNKNOWN: rc = sent(r, l, row); break;
	case EVENT_REFUSED: rc = refused(r, l, row); break;
	case EVENT_RESOLVED: rc = resolved(r, l, row); break;
	case EVENT_SKIPPED: rc = advance(r, l, row, row->enrollment.prev_at); break;
	case EVENT_STOPPED: rc = stopped(r, l, &row->enrollment); break;
	case EVENT_COMPLETED:
		if (row->enrollment.state == ENROLLMENT_ACTIVE)
			rc = store_enrollment_complete(r->store, row->enrollment.id, l->ts, r->e);
		break;
	default: break; /* enrolled: enrollment_of has done it */
	}
	enrollment_row_free(&row);
	return rc;
}

static int effect(struct replay *r, const struct line *l, const struct contact *c)
{
	switch (l->type) {
	case EVENT_CONTACT_IMPORTED: return c ? imported(r, l, c) : 0;
	case EVENT_ENROLLED:
	case EVENT_SENT:
	case EVENT_UNKNOWN:
	case EVENT_REFUSED:
	case EVENT_RESOLVED:
	case EVENT_SKIPPED:
	case EVENT_STOPPED:
	case EVENT_COMPLETED: return of_enrollment(r, l, c);
	case EVENT_REPLIED: return c ? store_contact_engaged(r->store, c->id, l->ts, r->e) : 0;
	case EVENT_BOUNCED: return bounced(r, l, c);
	case EVENT_COMPLAINED: return failure(r, l, STORE_HOUR_COMPLAINTS);
	case EVENT_SUPPRESSED: return suppressed(r, l);
	case EVENT_UNSUPPRESSED: return store_unsuppress(r->store, l->contact, r->e) < 0 ? -1 : 0;
	case EVENT_FORGOTTEN: return forgotten(r, l, c);
	case EVENT_HELD: return held(r, l, c);
	case EVENT_PAUSED:
	case EVENT_RESUMED: return paused(r, l);
	default: return 0; /* nothing but the line */
	}
}

int replay_effect(struct replay *r, const struct line *l, int64_t *contact_id)
{
	struct contact *c = NULL;
	int rc = contact_of(r, l, &c);

	*contact_id = c ? c->id : 0;
	rc = rc < 0 ? -1 : effect(r, l, c);
	contact_free(&c);
	return rc;
}
