/* What the governor must answer, by brute force that shares no code with it: a rule is counted, not computed; the
 * window is looked at quarter by quarter; local time is the C library's. Only the jitter's hash is not known here: it
 * is asked for in a question where nothing else matters. */
#ifndef RANDOM_ORACLE_H
#define RANDOM_ORACLE_H

#include "random_decision.h"

static inline bool day_allowed(const struct fixture *f, int64_t day)
{
	const struct window *w = &f->policy.window;

	for (size_t i = 0; i < w->holiday_n; i++)
		if (w->holidays[i] == day)
			return false;
	return (w->weekdays & 1U << (day + 3) % 7) != 0;
}

/* Its local time is in the hours of an allowed day; and where the clocks change, an edge that comes twice is the first
 * and one that does not exist is moved forward. */
static inline bool inside(const struct fixture *f, int64_t t)
{
	const struct hours *h = &f->policy.window.hours;
	int64_t local = zones_local(f->z, t), day = local / CLOCK_DAY, second = local % CLOCK_DAY / 1000;

	if (!day_allowed(f, day) || second < h->from || second >= h->to)
		return false;
	return !zone_restless[f->z][zones_index(t)] ||
	       (t >= zones_instant(f->z, day * CLOCK_DAY + h->from * 1000) &&
		t < zones_instant(f->z, day * CLOCK_DAY + h->to * INT64_C(1000)));
}

/* The first instant >= t inside of the window. A closed day is jumped over, but for its last hours. */
static inline int64_t first_inside(const struct fixture *f, int64_t t)
{
	if (inside(f, t))
		return t;
	for (t += QUARTER - t % QUARTER; !inside(f, t); t += QUARTER) {
		int64_t local = zones_local(f->z, t);

		if (!day_allowed(f, local / CLOCK_DAY) && local % CLOCK_DAY < 2 * CLOCK_HOUR)
			t += 18 * CLOCK_HOUR;
	}
	return t;
}

static inline int64_t days_later(const struct fixture *f, int64_t t, int32_t n)
{
	int64_t local = zones_local(f->z, t), day = local / CLOCK_DAY, look = 0;

	while (n > 0 && look++ < 1200)
		n -= day_allowed(f, ++day);
	return n > 0 ? CLOCK_NEVER : zones_instant(f->z, day * CLOCK_DAY + local % CLOCK_DAY);
}

static inline int64_t later(const struct fixture *f, int64_t t, const struct duration *d)
{
	return d->business_days != 0 ? days_later(f, t, d->business_days) : t + d->ms;
}

/* A further touch at t, beside `time`: what is in flight counts as now, what is in the future as t. */
static inline bool limits_hold(const struct fixture *f, const struct limits *l, const int64_t *time, size_t n,
			       int64_t t)
{
	for (int i = 0; i < l->n; i++) {
		int32_t count = 1; /* in the half-open interval of this length that ends just behind t */

		for (size_t k = 0; k < n; k++) {
			int64_t x = time[k] == CLOCK_NEVER ? f->now : time[k];

			count += x > t - l->row[i].per_ms;
		}
		if (count > l->row[i].n)
			return false;
	}
	return true;
}

static inline int64_t latest(const struct fixture *f, const int64_t *time, size_t n)
{
	int64_t most = INT64_MIN;

	for (size_t i = 0; i < n; i++) {
		int64_t at = time[i] == CLOCK_NEVER ? f->now : time[i];

		most = at > most ? at : most;
	}
	return most;
}

static inline bool is_gap(const struct duration *d)
{
	return d->ms != 0 || d->business_days != 0;
}

/* From each touch: of two with no business day between them the older may have the later time of day. */
static inline int64_t gap_end(const struct fixture *f, const int64_t *time, size_t n, const struct duration *d)
{
	int64_t end = INT64_MIN;

	for (size_t i = 0; i < n; i++) {
		int64_t one = later(f, time[i] == CLOCK_NEVER ? f->now : time[i], d);

		end = one > end ? one : end;
	}
	return end;
}

static inline void contact_at(const struct fixture *f, int64_t *out)
{
	for (size_t i = 0; i < f->history.contact_n; i++)
		out[i] = f->touch[i].at;
}

/* When the gap that back-off asks for is over; 0: there is none. */
static inline int64_t backoff_end(const struct fixture *f)
{
	const struct policy *p = &f->policy;

	if (f->history.unanswered < 2 || f->history.contact_n == 0 || !is_gap(&p->contact_min_gap) ||
	    p->backoff_factor <= 1)
		return 0;
	long double ms = (long double)p->contact_min_gap.ms, days = p->contact_min_gap.business_days;

	for (int32_t k = 1; k < f->history.unanswered; k++) {
		ms *= (long double)p->backoff_factor;
		days *= (long double)p->backoff_factor;
	}
	int64_t own[MANY], end = CLOCK_NEVER;

	contact_at(f, own);
	int64_t at = latest(f, own, f->history.contact_n);
	int64_t most = p->backoff_max_gap.ms > 0 ? at + p->backoff_max_gap.ms : CLOCK_NEVER;

	if (days > 150 * 5 || ms > (long double)(900 * CLOCK_DAY))
		return most; /* longer than any that is drawn */
	if (days > 0) {
		long double whole = (long double)(int64_t)(days + 1e-9L);

		end = days_later(f, at, (int32_t)whole + (days - whole > 1e-9L));
	} else {
		end = at + (int64_t)(ms + 1e-6L);
	}
	return end < most ? end : most;
}

static inline bool gifts_given(const struct fixture *f)
{
	int32_t n = 0;

	for (size_t i = 0; i < f->history.contact_n; i++) {
		if (f->touch[i].kind == KIND_ASK)
			break;
		n += f->touch[i].state == TOUCH_ACCEPTED;
	}
	return f->in.kind == KIND_VALUE || n >= f->policy.gifts_per_ask;
}

/* Everything but the window and the warm-up, at t. */
static inline bool rules_hold(const struct fixture *f, int64_t t)
{
	const struct history *h = &f->history;
	const struct policy *p = &f->policy;
	int64_t own[MANY];

	contact_at(f, own);
	if (t < later(f, f->in.prev_at, &f->step.after) || t < f->in.retry_at || t < f->standing.contact_hold ||
	    t < f->standing.account_hold)
		return false;
	if (h->contact_n > 0 && is_gap(&p->contact_min_gap) &&
	    (t < gap_end(f, own, h->contact_n, &p->contact_min_gap) || t < backoff_end(f)))
		return false;
	if (h->account_n > 0 && is_gap(&p->account_min_gap) &&
	    t < gap_end(f, f->account, h->account_n, &p->account_min_gap))
		return false;
	return limits_hold(f, &p->contact, own, h->contact_n, t) &&
	       limits_hold(f, &p->account, f->account, h->account_n, t) &&
	       limits_hold(f, &p->provider, f->provider, h->provider_n, t) &&
	       limits_hold(f, &p->sender, f->sender, h->sender_n, t);
}

struct candidates {
	int64_t best;
	const struct fixture *f;
};

static inline void try_at(struct candidates *c, int64_t t)
{
	if (t < c->best && rules_hold(c->f, t))
		c->best = t;
}

static inline void try_limits(struct candidates *c, const struct limits *l, const int64_t *time, size_t n)
{
	for (int i = 0; i < l->n; i++)
		for (size_t k = 0; k < n; k++)
			try_at(c, (time[k] == CLOCK_NEVER ? c->f->now : time[k]) + l->row[i].per_ms);
}

/* The first instant, be it past, from which the rules allow the touch. What a rule says can only change at these. */
static inline int64_t first_allowed(const struct fixture *f)
{
	struct candidates c = { CLOCK_NEVER, f };
	const struct history *h = &f->history;
	int64_t own[MANY];

	if (f->standing.sending_paused || f->standing.sequence_paused || !gifts_given(f))
		return CLOCK_NEVER;
	contact_at(f, own);
	try_at(&c, later(f, f->in.prev_at, &f->step.after));
	try_at(&c, f->in.retry_at);
	try_at(&c, f->standing.contact_hold);
	try_at(&c, f->standing.account_hold);
	if (h->contact_n > 0) {
		try_at(&c, gap_end(f, own, h->contact_n, &f->policy.contact_min_gap));
		try_at(&c, backoff_end(f));
	}
	if (h->account_n > 0)
		try_at(&c, gap_end(f, f->account, h->account_n, &f->policy.account_min_gap));
	try_limits(&c, &f->policy.contact, own, h->contact_n);
	try_limits(&c, &f->policy.account, f->account, h->account_n);
	try_limits(&c, &f->policy.provider, f->provider, h->provider_n);
	try_limits(&c, &f->policy.sender, f->sender, h->sender_n);
	return c.best;
}

/* The jitter of this enrollment and step behind the opening of a window of this length. */
static inline int64_t jitter_asked(const struct fixture *f, int64_t length)
{
	struct fixture q = { .z = 0 };
	struct verdict v;

	q.accept[0] = f->accept[0];
	q.policy.window = (struct window){ .weekdays = 0x7f };
	q.policy.window.hours.to = (int32_t)((length < 12 * CLOCK_HOUR ? length : 12 * CLOCK_HOUR) / 1000);
	q.policy.consent_accept = q.accept;
	q.policy.consent_accept_n = 1;
	q.policy.backoff_factor = 1;
	q.sequence.policy = q.policy;
	q.contact = f->contact;
	q.history.warmup_cap = -1;
	q.in = f->in;
	q.in.policy = &q.policy;
	q.in.sequence = &q.sequence;
	q.in.contact = &q.contact;
	q.in.standing = &q.standing;
	q.in.history = &q.history;
	q.in.zone = zone_utc();
	q.in.retry_at = 0;
	q.in.kind = KIND_VALUE;
	q.in.prev_at = ORDINARY + 10 * CLOCK_HOUR;
	q.step = (struct step){ .name = f->step.name, .template_name = "" };
	q.in.step = &q.step;
	governor_decide(&q.in, q.in.prev_at, &v);
	return v.kind == VERDICT_WAIT ? v.until - (ORDINARY + 14 * CLOCK_HOUR) : -1;
}

static inline bool has_warmup_ended(const struct fixture *f)
{
	return f->policy.warmup.start > 0 && f->history.warmup_cap >= 0 &&
	       f->history.warmup_used >= f->history.warmup_cap;
}

/* The instant at which the touch goes, if nothing changes; CLOCK_NEVER. -1: the jitter is out of bounds. */
static inline int64_t goes_at(const struct fixture *f)
{
	int64_t allowed = first_allowed(f), from = allowed > f->now ? allowed : f->now;

	if (allowed == CLOCK_NEVER)
		return CLOCK_NEVER;
	if (has_warmup_ended(f) && from < (f->now / CLOCK_DAY + 1) * CLOCK_DAY)
		from = (f->now / CLOCK_DAY + 1) * CLOCK_DAY;
	int64_t at = first_inside(f, from), open = at - at % QUARTER, close = open;

	while (open > allowed && inside(f, open - 1))
		open -= QUARTER;
	if (allowed >= open)
		return at; /* it became allowed while the window was open */
	while (inside(f, close) && close < open + CLOCK_DAY)
		close += QUARTER;
	/* the window was closed when it became allowed, so the opening ended the wait: unless it is never closed */
	int64_t most = (close - open) / 4 < CLOCK_HOUR ? (close - open) / 4 : CLOCK_HOUR;
	int64_t jitter = jitter_asked(f, close - open);

	if (jitter < 0 || jitter > most)
		return -1;
	return at > open + jitter ? at : open + jitter;
}

/* ---- every rule that does not yet allow it ---- */

#define ROWS_MAX 48

struct rows {
	int64_t until[ROWS_MAX];
	int n;
	bool rests; /* on a touch in flight that one of them counts */
};

static inline void row_add(struct rows *r, const struct fixture *f, int64_t until, bool flying)
{
	if (until <= f->now || r->n == ROWS_MAX)
		return;
	r->until[r->n++] = until;
	r->rests |= flying;
}

static inline void rows_of_limits(struct rows *r, const struct fixture *f, const struct limits *l, const int64_t *time,
				  size_t n)
{
	int64_t t[MANY];
	bool flying = n > 0 && time[0] == CLOCK_NEVER;

	for (size_t i = 0; i < n; i++)
		t[i] = time[i] == CLOCK_NEVER ? f->now : time[i];
	qsort(t, n, sizeof *t, random_newest_first);
	for (int i = 0; i < l->n; i++)
		if ((size_t)l->row[i].n <= n)
			row_add(r, f, t[l->row[i].n - 1] + l->row[i].per_ms, flying);
}

static inline bool sunset_rests(const struct fixture *f);

static inline void rows_expected(struct rows *r, const struct fixture *f)
{
	const struct history *h = &f->history;
	const struct policy *p = &f->policy;
	int64_t own[MANY];
	bool flying = h->contact_n > 0 && f->touch[0].at == CLOCK_NEVER;

	contact_at(f, own);
	row_add(r, f, later(f, f->in.prev_at, &f->step.after), false);
	row_add(r, f, f->in.retry_at, false);
	row_add(r, f, f->standing.contact_hold, false);
	row_add(r, f, f->standing.account_hold, false);
	if (f->standing.sequence_paused)
		row_add(r, f, CLOCK_NEVER, false);
	if (f->standing.sending_paused)
		row_add(r, f, CLOCK_NEVER, false);
	if (sunset_rests(f))
		row_add(r, f, CLOCK_NEVER, flying);
	if (!gifts_given(f))
		row_add(r, f, CLOCK_NEVER, flying);
	if (h->contact_n > 0 && is_gap(&p->contact_min_gap)) {
		row_add(r, f, gap_end(f, own, h->contact_n, &p->contact_min_gap), flying);
		row_add(r, f, backoff_end(f), flying);
	}
	if (h->account_n > 0 && is_gap(&p->account_min_gap))
		row_add(r, f, gap_end(f, f->account, h->account_n, &p->account_min_gap),
			f->account[0] == CLOCK_NEVER);
	rows_of_limits(r, f, &p->contact, own, h->contact_n);
	rows_of_limits(r, f, &p->account, f->account, h->account_n);
	rows_of_limits(r, f, &p->provider, f->provider, h->provider_n);
	rows_of_limits(r, f, &p->sender, f->sender, h->sender_n);
	if (has_warmup_ended(f))
		row_add(r, f, (f->now / CLOCK_DAY + 1) * CLOCK_DAY, h->rests_on_flight);
}

/* ---- the ends ---- */

static inline int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t consent_end(const struct fixture *f)
{
	const struct contact *c = &f->contact;
	int64_t at = c->consent_at ? c->consent_at : c->created_at;

	return f->policy.consent_max_age ? at + f->policy.consent_max_age : CLOCK_NEVER;
}

static inline int64_t silence_over(const struct fixture *f)
{
	int64_t at = f->history.first_touch_at;

	if (!f->policy.sunset_silence || !at)
		return CLOCK_NEVER;
	return (f->contact.engaged_at > at ? f->contact.engaged_at : at) + f->policy.sunset_silence;
}

static inline int64_t expires_at(const struct fixture *f)
{
	return f->step.expire ? later(f, f->in.prev_at, &f->step.after) + f->step.expire : CLOCK_NEVER;
}

static inline int64_t changes_at(const struct fixture *f)
{
	return least(consent_end(f), least(silence_over(f), expires_at(f)));
}

static inline int32_t flying_n(const struct fixture *f)
{
	int32_t n = 0;

	for (size_t i = 0; i < f->history.contact_n; i++)
		n += f->touch[i].at == CLOCK_NEVER;
	return n;
}

/* Why it ends now, in the order of the specification; REASON_NONE. */
static inline enum reason ended_by(const struct fixture *f)
{
	if (f->standing.suppressed != REASON_NONE)
		return f->standing.suppressed;
	if (f->standing.replied)
		return REASON_REPLIED;
	if (strcmp(f->contact.consent, "opt_in") != 0)
		return REASON_NO_CONSENT;
	if (f->now >= consent_end(f))
		return REASON_CONSENT_EXPIRED;
	if (f->policy.sunset_touches && f->history.unanswered - flying_n(f) >= f->policy.sunset_touches)
		return REASON_SUNSET;
	if (f->now >= silence_over(f))
		return REASON_SUNSET;
	return f->now >= expires_at(f) ? REASON_STEP_EXPIRED : REASON_NONE;
}

/* What is in flight would be the last before the sunset: only its end tells. */
static inline bool sunset_rests(const struct fixture *f)
{
	return f->policy.sunset_touches > 0 && f->history.unanswered >= f->policy.sunset_touches;
}

#endif
