/* The cadence governor. Every rule gives the first instant from which it allows the touch, and that instant doesn't
 * depend on when it is asked (touches in flight apart, which count as now). The latest of them is when the touch
 * becomes allowed; the window then moves it to its next opening, where every rule still allows it. So a wait is sound
 * and tight by construction.
 *
 * A touch recorded in the future is never ignored: at any time before its own it counts as now, so that nothing is
 * allowed until its own time plus the rule's; that is the instant given. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "abv/hash.h"
#include "rules_int.h"

struct work {
	const struct governor_input *in;
	int64_t now;
	struct verdict *out;
	int64_t allowed;  /* the latest of the rules so far */
	int64_t tomorrow; /* today's share of the warm-up is used up: not before; else 0. Apart, because tomorrow
			     doesn't know it */
	enum reason binding;
};

/* When there are more rows than room, the one that ends first is the least interesting. */
static void evidence_add(struct verdict *v, const struct evidence *e)
{
	if (v->evidence_n < EVIDENCE_MAX) {
		v->evidence[v->evidence_n++] = *e;
		return;
	}
	int least = 0;
	for (int i = 1; i < EVIDENCE_MAX; i++)
		if (v->evidence[i].until < v->evidence[least].until)
			least = i;
	if (v->evidence[least].until < e->until)
		v->evidence[least] = *e;
}

/* One rule allows from `until` on. */
static void rule(struct work *w, const struct evidence *e)
{
	if (e->until > w->now)
		evidence_add(w->out, e);
	if (e->until > w->allowed) {
		w->allowed = e->until;
		w->binding = e->reason;
	}
}

static void rule_at(struct work *w, enum reason why, int64_t until)
{
	rule(w, &(struct evidence){ .reason = why, .until = until });
}

/* Times of past touches, newest first, those in flight before all others. */
struct times {
	const void *row;
	size_t stride, n;
};

static int64_t time_at(const struct times *t, size_t i)
{
	int64_t at;
	memcpy(&at, (const char *)t->row + t->stride * i, sizeof at);
	return at;
}

static struct times contact_times(const struct history *h)
{
	_Static_assert(offsetof(struct past_touch, at) == 0, "a row begins with its time");
	return (struct times){ h->contact, sizeof *h->contact, h->contact_n };
}

/* The n-th newest (from 1, at most t->n). In flight counts as now, so what lies in the future comes before it. */
static int64_t newest(const struct work *w, const struct times *t, size_t n)
{
	size_t flying = 0, ahead = 0;
	while (flying < t->n && time_at(t, flying) == CLOCK_NEVER)
		flying++;
	while (flying + ahead < t->n && time_at(t, flying + ahead) > w->now)
		ahead++;
	if (n <= ahead)
		return time_at(t, flying + n - 1);
	return n <= ahead + flying ? w->now : time_at(t, n - 1);
}

/* A rule that runs from past touches: if one of them is in flight, its end may shorten the wait. */
static void rule_past(struct work *w, const struct times *t, const struct evidence *e)
{
	if (e->until > w->now && t->n > 0 && time_at(t, 0) == CLOCK_NEVER)
		w->out->rests_on_flight = true;
	rule(w, e);
}

/* ---- stop and skip ---- */

static int64_t silence_end_of(const struct policy *p, const struct contact *c, int64_t first)
{
	if (p->sunset_silence <= 0 || first == 0)
		return CLOCK_NEVER;
	return instant_add(first > c->engaged_at ? first : c->engaged_at, p->sunset_silence);
}

static int64_t silence_end(const struct governor_input *in)
{
	return silence_end_of(in->policy, in->contact, in->history->first_touch_at);
}

int64_t governor_ends_at(const struct policy *p, const struct contact *c, int64_t first_touch_at, int32_t unanswered, int64_t at)
{
	int64_t silence = silence_end_of(p, c, first_touch_at), consent = admit_consent_end(p, c);
	if (p->sunset_touches > 0 && unanswered >= p->sunset_touches)
		return at;
	return silence < consent ? silence : consent;
}

/* Touches in flight may yet be refused: they hold a further touch up, but release nobody. */
static int32_t in_flight(const struct history *h)
{
	int32_t n = 0;
	while ((size_t)n < h->contact_n && h->contact[n].at == CLOCK_NEVER)
		n++;
	return n;
}

static enum reason stop_reason(const struct governor_input *in, int64_t now)
{
	const struct policy *p = in->policy;
	if (in->standing->suppressed != REASON_NONE)
		return in->standing->suppressed;
	if (in->standing->replied)
		return REASON_REPLIED;
	enum reason why = governor_admit(in->sequence, in->contact, REASON_NONE, now);
	if (why != REASON_NONE)
		return why;
	if (p->sunset_touches > 0 && in->history->unanswered - in_flight(in->history) >= p->sunset_touches)
		return REASON_SUNSET;
	return now >= silence_end(in) ? REASON_SUNSET : REASON_NONE;
}

/* When the step is skipped for good; `due` is when its `after` is over. */
static int64_t expiry(const struct step *step, int64_t due)
{
	return step->expire > 0 ? instant_add(due, step->expire) : CLOCK_NEVER;
}

int64_t governor_expiry(const struct policy *p, const struct zone *z, const struct step *step, int64_t prev_at)
{
	return step->expire > 0 ? instant_add(governor_add(p, z, prev_at, &step->after), step->expire) : CLOCK_NEVER;
}

static int64_t ends_at(const struct governor_input *in, int64_t due)
{
	int64_t end = expiry(in->step, due), other = silence_end(in);
	end = end < other ? end : other;
	other = admit_consent_end(&in->sequence->policy, in->contact);
	return end < other ? end : other;
}

/* ---- waits ---- */

static void holds(struct work *w)
{
	const struct standing *s = w->in->standing;
	const struct history *h = w->in->history;
	struct times t = contact_times(h);
	rule_at(w, REASON_CONTACT_HOLD, s->contact_hold);
	rule_at(w, REASON_ACCOUNT_HOLD, s->account_hold);
	if (s->sequence_paused)
		rule_at(w, REASON_SEQUENCE_PAUSED, CLOCK_NEVER);
	if (s->sending_paused)
		rule_at(w, REASON_SENDING_PAUSED, CLOCK_NEVER);
	if (w->in->policy->sunset_touches > 0 && h->unanswered >= w->in->policy->sunset_touches)
		rule_past(w, &t, &(struct evidence){ .reason = REASON_IN_FLIGHT, .until = CLOCK_NEVER });
}

/* An ask needs its value touches, accepted since the last ask (or ever). Only an acceptance helps, so the wait has no
 * time. */
static void gifts(struct work *w)
{
	const struct history *h = w->in->history;
	int32_t given = 0, wanted = w->in->policy->gifts_per_ask;
	struct times t = contact_times(h);
	if (w->in->kind != KIND_ASK)
		return;
	for (size_t i = 0; i < h->contact_n && h->contact[i].kind != KIND_ASK; i++)
		given += h->contact[i].state == TOUCH_ACCEPTED;
	if (given < wanted)
		rule_past(w, &t, &(struct evidence){ .reason = REASON_GIFTS, .until = CLOCK_NEVER });
}

/* At most n in every half-open interval of the limit's length: the n-th newest must have left it. */
static void limit_rule(struct work *w, enum reason why, const struct limits *l, const struct times *t)
{
	for (int i = 0; i < l->n; i++) {
		const struct limit *x = &l->row[i];
		if (t->n < (size_t)x->n)
			continue;
		int64_t at = newest(w, t, (size_t)x->n);
		rule_past(w, t, &(struct evidence){ why, instant_add(at, x->per_ms), x->n, x->per_ms, at });
	}
}

#define LONGEST_DAY (2 * CLOCK_DAY) /* 25 hours where the clocks go back by one, 26 at Troll, and a country may change its zone */

/* Business days later is the same local time on that day: of two touches with no business day between them the older may
 * have the later time of day (a colleague in another zone on a Sunday; the hour that the clocks repeat), and then it is
 * the one that ends the gap. Further back the ends are days earlier, each at most LONGEST_DAY long. */
static void gap_rule(struct work *w, enum reason why, const struct duration *gap, const struct times *t)
{
	if (t->n == 0 || (gap->ms == 0 && gap->business_days == 0))
		return;
	int64_t at = newest(w, t, 1), until = governor_add(w->in->policy, w->in->zone, at, gap);
	for (size_t i = 2; gap->business_days != 0 && i <= t->n; i++) {
		int64_t older = newest(w, t, i), end = governor_add(w->in->policy, w->in->zone, older, gap);
		if (until - end > LONGEST_DAY)
			break;
		if (end > until) {
			until = end;
			at = older;
		}
	}
	rule_past(w, t, &(struct evidence){ .reason = why, .until = until, .touch_at = at });
}

/* Today's cap; tomorrow (a UTC day) has its own. */
static void warmup(struct work *w)
{
	const struct history *h = w->in->history;
	if (w->in->policy->warmup.start <= 0 || h->warmup_cap < 0 || h->warmup_used < h->warmup_cap)
		return;
	w->out->rests_on_flight |= h->rests_on_flight;
	w->tomorrow = (civil_day(w->now) + 1) * CLOCK_DAY;
	evidence_add(w->out, &(struct evidence){ REASON_WARMUP, w->tomorrow, h->warmup_cap, CLOCK_DAY, 0 });
}

static void caps(struct work *w)
{
	const struct policy *p = w->in->policy;
	const struct history *h = w->in->history;
	struct times contact = contact_times(h), account = { h->account, sizeof *h->account, h->account_n };
	gap_rule(w, REASON_CONTACT_MIN_GAP, &p->contact_min_gap, &contact);
	limit_rule(w, REASON_CONTACT_LIMIT, &p->contact, &contact);
	gap_rule(w, REASON_ACCOUNT_MIN_GAP, &p->account_min_gap, &account);
	limit_rule(w, REASON_ACCOUNT_LIMIT, &p->account, &account);
	limit_rule(w, REASON_PROVIDER_LIMIT, &p->provider,
		   &(struct times){ h->provider, sizeof *h->provider, h->provider_n });
	limit_rule(w, REASON_SENDER_LIMIT, &p->sender, &(struct times){ h->sender, sizeof *h->sender, h->sender_n });
	warmup(w);
}

#define GAP_MOST_MS   1e15
#define GAP_MOST_DAYS 3660.0

/* After the k-th touch in a row without engagement the gap is min_gap x factor^(k-1), at most max_gap (0: no most). */
static void backoff(struct work *w)
{
	const struct policy *p = w->in->policy;
	const struct history *h = w->in->history;
	int32_t k = h->unanswered;
	if (k < 2 || p->backoff_factor <= 1 || h->contact_n == 0 ||
	    (p->contact_min_gap.ms == 0 && p->contact_min_gap.business_days == 0))
		return;
	/* the last digits of a product of binary fractions must not make 11 days of 10 x 1.1 */
	double by = fmin(pow(p->backoff_factor, k - 1), GAP_MOST_MS),
	       ms = floor((double)p->contact_min_gap.ms * by + 1e-6);
	double days = ceil((double)p->contact_min_gap.business_days * by - 1e-6);
	struct times t = contact_times(h);
	int64_t at = newest(w, &t, 1), most = CLOCK_NEVER;
	if (p->backoff_max_gap.ms != 0 || p->backoff_max_gap.business_days != 0)
		most = governor_add(p, w->in->zone, at, &p->backoff_max_gap);
	struct duration gap = { .ms = ms < GAP_MOST_MS ? (int64_t)ms : (int64_t)GAP_MOST_MS,
				.business_days = (int32_t)(days < GAP_MOST_DAYS ? days : GAP_MOST_DAYS) };
	int64_t until = most;
	if (at + (gap.business_days - 3) * CLOCK_DAY <
	    most) /* else n business days, n days at least, are surely longer */
		until = governor_add(p, w->in->zone, at, &gap);
	until = until < most ? until : most;
	rule_past(w, &t, &(struct evidence){ .reason = REASON_BACKOFF, .until = until, .touch_at = at });
}

/* ---- window ---- */

/* 0 ... min(60 min, a quarter of the window): the same on every run for this enrollment and step (FNV-1a). */
static int64_t jitter(const struct governor_input *in, int64_t length)
{
	uint64_t h = HASH_BEGIN;
	int64_t most = length / 4 < CLOCK_HOUR ? length / 4 : CLOCK_HOUR;
	for (int i = 0; i < 8; i++)
		h = hash_byte(h, (unsigned char)((uint64_t)in->enrollment_id >> (8 * i)));
	h = hash_text(h, in->step->name);
	h ^= h >> 32; /* neighbouring ids differ in the high bits */
	return (int64_t)(h % (uint64_t)(most + 1));
}

/* The opening that the rules end in, or the next. False: there is none, and that is the answer. */
static bool find_opening(struct work *w, int64_t t, struct opening *o)
{
	const struct window *win = &w->in->policy->window;
	if (window_find(win, w->in->zone, t, o)) {
		window_run(win, w->in->zone, w->allowed, o);
		return true;
	}
	rule_at(w, REASON_WINDOW, CLOCK_NEVER);
	return false;
}

/* In the opening in which it became allowed the touch goes at that moment. In any later one the opening ended the wait,
 * so it goes at the opening plus its jitter, at whichever moment before that it is asked. */
static void window(struct work *w)
{
	int64_t t = w->allowed > w->now ? w->allowed : w->now;
	struct opening o = { 0 };
	t = t > w->tomorrow ? t : w->tomorrow;
	if (t != CLOCK_NEVER && !window_always(&w->in->policy->window) && find_opening(w, t, &o) && w->allowed < o.open)
		rule_at(w, REASON_WINDOW, o.open + jitter(w->in, o.close - o.open));
	if (w->tomorrow > w->allowed) {
		w->allowed = w->tomorrow;
		w->binding = REASON_WARMUP;
	}
}

/* ---- the verdict ---- */

static void binding_first(struct verdict *v)
{
	for (int i = 0; i < v->evidence_n; i++)
		if (v->evidence[i].reason == v->reason && v->evidence[i].until == v->until) {
			struct evidence first = v->evidence[i];
			memmove(&v->evidence[1], &v->evidence[0], (size_t)i * sizeof first);
			v->evidence[0] = first;
			return;
		}
}

void governor_decide(const struct governor_input *in, int64_t now, struct verdict *out)
{
	struct work w = { .in = in, .now = now, .out = out };
	enum reason why = stop_reason(in, now);
	*out = (struct verdict){ .kind = VERDICT_STOP, .reason = why };
	if (why != REASON_NONE)
		return;
	int64_t due = governor_add(in->policy, in->zone, in->prev_at, &in->step->after);
	if (now >= expiry(in->step, due)) {
		*out = (struct verdict){ .kind = VERDICT_SKIP, .reason = REASON_STEP_EXPIRED };
		return;
	}
	rule_at(&w, REASON_AFTER, due);
	rule_at(&w, REASON_RETRY, in->retry_at);
	holds(&w);
	gifts(&w);
	caps(&w);
	backoff(&w);
	window(&w);
	if (w.allowed <= now) {
		*out = (struct verdict){ .kind = VERDICT_SEND };
		return;
	}
	out->kind = VERDICT_WAIT;
	out->reason = w.binding;
	out->until = w.allowed;
	out->ends_at = ends_at(in, due);
	binding_first(out);
}
