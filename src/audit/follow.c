/* What can be said of a message by the lines before its own: was it allowed to leave when its final dot left
 * (`handed_at`)? Refused messages were handed over too, and are judged as the others; they are no touches. */
#include <stdlib.h>
#include <string.h>

#include "abv/mailaddr.h"
#include "abv/mem.h"
#include "abv/model.h"
#include "audit_int.h"

/* ---- touches by id ---- */

static uint32_t touch_slot(const struct audit *a, int64_t id)
{
	uint64_t h = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t i = (uint32_t)(h >> 32) & (a->touch_slots - 1);

	while (a->touch_slot[i] && a->touch[a->touch_slot[i] - 1].id != id)
		i = (i + 1) & (a->touch_slots - 1);
	return i;
}

static struct arrival *touch_find(struct audit *a, int64_t id)
{
	uint32_t at = id && a->touch_slots ? a->touch_slot[touch_slot(a, id)] : 0;

	return at ? &a->touch[at - 1] : NULL;
}

static void touch_keep(struct audit *a, const struct arrival *t)
{
	GROW(a->touch, a->touch_n, a->touch_cap);
	a->touch[a->touch_n++] = *t;
	if (a->touch_n * 2 > a->touch_slots) {
		a->touch_slots = a->touch_slots ? a->touch_slots * 2 : 128;
		free(a->touch_slot);
		a->touch_slot = mem_array(a->touch_slots, sizeof *a->touch_slot);
		for (uint32_t i = 0; i < a->touch_n; i++)
			if (a->touch[i].id)
				a->touch_slot[touch_slot(a, a->touch[i].id)] = i + 1; /* the last one of an id */
	} else if (t->id) {
		a->touch_slot[touch_slot(a, t->id)] = a->touch_n;
	}
}

/* ---- telling ---- */

static void tell_touch(struct audit *a, enum rule rule, const struct arrival *t, const char *what)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s: touch %lld (%s, %s), handed over at ", names_text(&a->people, t->person), (long long)t->id,
		   names_text(&a->sequences, t->sequence), names_text(&a->steps, t->step));
	when_text(&b, t->handed_at);
	tell(a, rule, &t->place, "%s, %s", buf_text(&b), what);
	buf_free(&b);
}

static void tell_since(struct audit *a, enum rule rule, const struct arrival *t, const char *what, int64_t when)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s ", what);
	when_text(&b, when);
	tell_touch(a, rule, t, buf_text(&b));
	buf_free(&b);
}

/* ---- stops, holds, pauses ---- */

static const char *forbidden_text(enum rule rule)
{
	switch (rule) {
	case RULE_AFTER_UNSUBSCRIBE: return "although the contact unsubscribed at";
	case RULE_AFTER_COMPLAINT: return "although the contact complained at";
	case RULE_AFTER_HARD_BOUNCE: return "although the address was known to bounce since";
	case RULE_FORGOTTEN: return "although the contact was forgotten at";
	default: return "although the address was suppressed at";
	}
}

static bool stop_judge(struct audit *a, const struct arrival *t)
{
	const struct person *p = person_at(a, t->person);
	const struct enrolled *e = enrolled_find(a, t->person, t->sequence);
	const struct span *s = span_over(a, p->spans, t->handed_at, 0);

	if (!s && a->domains && p->domain) {
		char *domain = mem_printf("@%s", names_text(&a->words, p->domain));
		uint32_t all = names_find(&a->people, domain);

		s = all ? span_over(a, person_at(a, all)->spans, t->handed_at, 0) : NULL;
		free(domain);
	}
	if (s)
		tell_since(a, s->rule, t, forbidden_text(s->rule), s->from);
	if (e && e->replied && e->replied < t->handed_at)
		tell_since(a, RULE_AFTER_REPLY, t, "although the contact replied at", e->replied);
	else if (!s && e && e->refused && e->refused < t->handed_at)
		tell_since(a, RULE_AFTER_REFUSAL, t, "although the relay had refused for good at", e->refused);
	else if (!s && e && e->stopped && e->stopped < t->handed_at)
		tell_since(a, RULE_AFTER_STOP, t, "although the enrollment was stopped at", e->stopped);
	else if (e && e->completed && e->completed < t->handed_at)
		tell_since(a, RULE_AFTER_COMPLETION, t, "although the enrollment was completed at", e->completed);
	return !s;
}

static void hold_judge(struct audit *a, const struct arrival *t)
{
	const struct span *s = span_over(a, person_at(a, t->person)->holds, t->handed_at, 0);

	if (s)
		tell_since(a, RULE_CONTACT_HOLD, t, "although the contact was held until", s->to);
	s = span_over(a, account_span(a, t->account), t->handed_at, t->person);
	if (s)
		tell_since(a, RULE_ACCOUNT_HOLD, t, "although the account's contacts were held until", s->to);
	s = span_over(a, pause_span(a, 0), t->handed_at, 0);
	if (s)
		tell_since(a, RULE_PAUSED, t, "although all sending was paused at", s->from);
	s = t->sequence ? span_over(a, pause_span(a, t->sequence), t->handed_at, 0) : NULL;
	if (s)
		tell_since(a, RULE_PAUSED, t, "although the sequence was paused at", s->from);
}

/* ---- consent ---- */

/* After `forget` a basis stays in the log only when it is one word of ours. */
static bool basis_may_be_gone(const char *who, const struct policy *p)
{
	for (size_t i = 0; i < p->consent_accept_n; i++) {
		const char *s = p->consent_accept[i];

		if (s[strspn(s, "abcdefghijklmnopqrstuvwxyz_0123456789")] && !strncmp(who, "hash:", 5))
			return true;
	}
	return false;
}

static bool accepts(const struct policy *p, const char *basis)
{
	for (size_t i = 0; i < p->consent_accept_n; i++)
		if (!strcmp(p->consent_accept[i], basis))
			return true;
	return false;
}

static void consent_judge(struct audit *a, const struct arrival *t, const struct policy *p)
{
	const struct person *who = person_at(a, t->person);
	const struct facts *f = person_facts(who, t->handed_at);
	const char *basis = names_text(&a->words, f->consent);
	int64_t since = f->consent_at ? f->consent_at : who->first_import, end;
	struct buf b = { 0 };

	if (!who->first_import) {
		if (!a->partial)
			tell_touch(a, RULE_CONSENT, t, "although the contact was never imported");
		return;
	}
	if (!*basis && basis_may_be_gone(names_text(&a->people, t->person), p))
		return;
	if (!*basis || !accepts(p, basis)) {
		buf_printf(&b, "although %s%s is no accepted basis of consent", *basis ? "" : "none", basis);
		tell_touch(a, RULE_CONSENT, t, buf_text(&b));
		buf_free(&b);
		return;
	}
	/* The import that made the record may stand in a file that is gone. */
	if (!p->consent_max_age || (!f->consent_at && a->partial))
		return;
	if (!__builtin_add_overflow(since, p->consent_max_age, &end) && t->handed_at >= end)
		tell_since(a, RULE_CONSENT, t, "although the consent ran out at", end);
}

/* ---- the enrollment's steps ---- */

static void order_judge(struct audit *a, const struct arrival *t, const struct enrolled *e, int step)
{
	const struct sequence *q = sequence_of(a, t->sequence);
	struct buf b = { 0 };

	if (e->expected < 0 || e->epoch != a->epoch || step == e->expected)
		return;
	if (e->expected < (int32_t)q->step_n)
		buf_printf(&b, "although step '%s' comes next", q->step[e->expected].name);
	else
		buf_str(&b, "although the last step was sent or skipped");
	tell_touch(a, RULE_ORDER, t, buf_text(&b));
	buf_free(&b);
}

/* `after` runs from the previous touch, the first one's from the enrollment; `expire` from the end of `after`. */
static void time_judge(struct audit *a, const struct arrival *t, const struct enrolled *e, const struct policy *p,
		       const struct step *step)
{
	char after[32];
	struct buf b = { 0 };
	int64_t due, end;

	if (!e->last_at)
		return;
	due = calendar_add(&p->window, zone_at(a, p, t->person, t->handed_at), e->last_at, &step->after);
	if (t->handed_at < due) {
		buf_printf(&b, "earlier than %s after ", duration_format(&step->after, after, sizeof after));
		when_text(&b, e->last_at);
		buf_str(&b, ", which is");
		tell_since(a, RULE_AFTER, t, buf_text(&b), due);
	} else if (step->expire && !__builtin_add_overflow(due, step->expire, &end) && t->handed_at >= end) {
		buf_printf(&b, "although step '%s' expired at", step->name);
		tell_since(a, RULE_EXPIRE, t, buf_text(&b), end);
	}
	buf_free(&b);
}

static void step_judge(struct audit *a, const struct arrival *t, const struct enrolled *e, const struct policy *p)
{
	const struct sequence *q = sequence_of(a, t->sequence);
	int step = q ? sequence_step_find(q, names_text(&a->steps, t->step)) : -1;

	if (step < 0)
		return;
	order_judge(a, t, e, step);
	time_judge(a, t, e, p, &q->step[step]);
}

static void window_judge(struct audit *a, const struct arrival *t, const struct policy *p)
{
	static const char *const day[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
	const struct zone *z = zone_at(a, p, t->person, t->handed_at);
	int64_t local = zone_local(z, t->handed_at), of_day = (local % CLOCK_DAY + CLOCK_DAY) % CLOCK_DAY;
	struct buf b = { 0 };

	if (calendar_inside(&p->window, z, t->handed_at))
		return;
	buf_printf(&b, "%s %02d:%02d:%02d.%03d in %s, is outside of the window ", day[civil_weekday(civil_day(local))],
		   (int)(of_day / CLOCK_HOUR), (int)(of_day / CLOCK_MINUTE % 60), (int)(of_day / CLOCK_SECOND % 60),
		   (int)(of_day % CLOCK_SECOND), zone_name(z));
	calendar_text(&b, &p->window);
	tell_touch(a, RULE_WINDOW, t, buf_text(&b));
	buf_free(&b);
}

/* ---- the lines ---- */

/* Was the given policy in force when it was handed over? A touch that a crash left is told after the next start. */
static bool is_judged(const struct audit *a, int64_t handed_at)
{
	uint32_t i = a->load_n;

	while (i > 0 && a->load[i - 1].ts > handed_at)
		i--;
	return i > 0 && a->load[i - 1].given;
}

static void double_judge(struct audit *a, const struct arrival *t)
{
	const struct arrival *old = touch_find(a, t->id);

	if (!old || (old->gone && !old->dropped))
		return;
	tell(a, RULE_DOUBLE, &t->place, "%s: touch %lld (%s, %s) was %s already, by seq %lld",
	     names_text(&a->people, t->person), (long long)t->id, names_text(&a->sequences, t->sequence),
	     names_text(&a->steps, t->step),
	     old->dropped                        ? "dropped"
	     : old->delivery == DELIVERY_UNKNOWN ? "delivered or unknown"
						 : "accepted",
	     (long long)old->place.seq);
}

static void touch_read(struct audit *a, const struct line *l, enum delivery d, struct arrival *t)
{
	*t = (struct arrival){ .place = l->place,
			       .ts = l->ts,
			       .handed_at = l->handed_at,
			       .accepted_at = d == DELIVERY_SENT ? l->ts : CLOCK_NEVER,
			       .id = l->touch,
			       .person = l->person,
			       .account = l->account,
			       .sequence = l->sequence,
			       .step = l->step,
			       .ask = !strcmp(l->kind, kind_name(KIND_ASK)),
			       .has_content = *l->content != '\0',
			       .delivery = d };
	if (!t->handed_at && d != DELIVERY_REFUSED)
		t->handed_at = l->ts; /* told as missing; the best that is known */
	if (t->has_content) {
		char hex[DIGEST_HEX];

		digest_hex(l->content, strlen(l->content), hex);
		for (size_t i = 0; i < sizeof t->content; i++) {
			char byte[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

			t->content[i] = (unsigned char)strtoul(byte, NULL, 16);
		}
	}
	t->judged = t->handed_at && is_judged(a, t->handed_at);
}

/* The enrollment goes on from here. */
static void enrollment_move(struct audit *a, const struct arrival *t, struct enrolled *e)
{
	const struct sequence *q = sequence_of(a, t->sequence);
	int step = q ? sequence_step_find(q, names_text(&a->steps, t->step)) : -1;

	e->before_at = e->last_at;
	e->last_at = t->ts;
	e->last_touch = t->id;
	e->expected = step < 0 ? -1 : step + 1;
	e->epoch = a->epoch;
}

static void enrollment_judge(struct audit *a, const struct arrival *t, struct enrolled *e)
{
	if (e->began || e->told || a->partial)
		return;
	tell(a, RULE_ENROLLMENT, &t->place,
	     "%s: touch %lld belongs to sequence '%s', in which the contact was never enrolled",
	     names_text(&a->people, t->person), (long long)t->id, names_text(&a->sequences, t->sequence));
	e->told = true;
}

/* Before the dot only the recipient can be refused as unknown; behind it the relay speaks of the content. */
static void refusal_take(struct audit *a, const struct line *l, struct enrolled *e)
{
	if (!l->permanent)
		return;
	e->refused = e->refused ? e->refused : l->ts;
	if (!l->handed_at)
		people_refused(a, l);
}

void follow_touch(struct audit *a, const struct line *l, enum delivery d)
{
	const struct policy *p = policy_of(a, l->sequence);
	struct enrolled *e;
	struct arrival t;

	if (!l->person)
		return; /* told as missing */
	touch_read(a, l, d, &t);
	e = enrolled_get(a, l->person, l->sequence);
	enrollment_judge(a, &t, e);
	if (t.handed_at) {
		if (d != DELIVERY_REFUSED)
			double_judge(a, &t);
		if (stop_judge(a, &t))
			consent_judge(a, &t, p);
		hold_judge(a, &t);
		if (t.judged) {
			step_judge(a, &t, e, p);
			window_judge(a, &t, p);
		}
	}
	if (d == DELIVERY_REFUSED) {
		refusal_take(a, l, e);
	} else {
		enrollment_move(a, &t, e);
		touch_keep(a, &t);
	}
}

/* A resent touch is the enrollment's next step again, as if it had never been sent. */
static void resend(struct audit *a, const struct arrival *t, uint32_t epoch)
{
	struct enrolled *e = enrolled_get(a, t->person, t->sequence);
	const struct sequence *q = sequence_of(a, t->sequence);

	if (e->last_touch == t->id)
		e->last_at = e->before_at;
	e->completed = 0;
	e->expected = q ? sequence_step_find(q, names_text(&a->steps, t->step)) : -1;
	e->epoch = epoch;
}

void follow_resolved(struct audit *a, const struct line *l)
{
	struct arrival *t = touch_find(a, l->touch);

	if (!l->touch || (!t && a->partial))
		return;
	if (!t || t->delivery != DELIVERY_UNKNOWN || t->gone || t->accepted_at != CLOCK_NEVER) {
		tell(a, RULE_RESOLVED, &l->place, "touch %lld is resolved (%s), but it is not unknown",
		     (long long)l->touch, l->resolution);
	} else if (!strcmp(l->resolution, "accept")) {
		t->accepted_at = l->ts;
	} else if (!strcmp(l->resolution, "drop") || !strcmp(l->resolution, "resend")) {
		t->gone = l->place.at;
		t->dropped = *l->resolution == 'd';
		if (!t->dropped)
			resend(a, t, a->epoch);
	} else {
		tell(a, RULE_MEMBER, &l->place, "\"resolution\" is none of accept, resend, drop");
	}
}
