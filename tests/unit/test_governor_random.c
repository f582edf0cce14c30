/* rooms: base model rules */
/* Properties of the governor on random policies, histories and zones, in the months around the changes of the clocks,
 * judged by brute force that shares no code with it: what a rule forbids is counted, not computed; local time is the C
 * library's.
 *
 *   sound   what it allows breaks no rule: every cap over every half-open window, gaps, back-off, hours, weekdays,
 * holidays tight   a wait ends at the first instant that the brute force finds (a window's opening: within the jitter)
 *   steady  asked at any time before the end of the wait it gives the same end; at the end it says send
 *
 * ABV_CASES and ABV_SEED change the number of cases (200,000) and the seed (the day's, printed). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abv/governor.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define QUARTER  (15 * CLOCK_MINUTE)
#define FROM     (INT64_C(1735689600) * 1000) /* 2025-01-01 */
#define QUARTERS (8 * 366 * 96)
#define MANY     24

static uint64_t rng;

static uint64_t draw(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng * UINT64_C(2685821657736338717);
}

static int64_t up_to(int64_t n)
{
	return n <= 0 ? 0 : (int64_t)((draw() >> 11) % (uint64_t)(n + 1));
}

static bool one_in(int n)
{
	return up_to(n - 1) == 0;
}

/* ---- the zones, as the C library knows them: the offset in quarters of an hour, for every quarter of the years looked
 * at ---- */

static const char *const zone_names[] = { "UTC",
					  "America/New_York",
					  "Europe/Paris",
					  "Australia/Lord_Howe",
					  "America/Santiago",
					  "Africa/Cairo",
					  "Asia/Kathmandu",
					  "Atlantic/Azores",
					  "Asia/Tokyo",
					  "Europe/London",
					  "Pacific/Auckland",
					  "America/St_Johns" };
static int8_t offsets[COUNT(zone_names)][QUARTERS];
static const struct zone *zones[COUNT(zone_names)];
static int64_t changes[COUNT(zone_names)][16];
static int change_n[COUNT(zone_names)];

static int zones_read(void **state)
{
	(void)state;
	for (size_t z = 0; z < COUNT(zone_names); z++) {
		setenv("TZ", zone_names[z], 1);
		tzset();
		zones[z] = zone_find(zone_names[z]);
		assert_non_null(zones[z]);
		for (int i = 0; i < QUARTERS; i++) {
			time_t t = (time_t)(FROM / 1000 + i * 900);
			struct tm tm;
			localtime_r(&t, &tm);
			offsets[z][i] = (int8_t)(tm.tm_gmtoff / 900);
			if (i > 0 && offsets[z][i] != offsets[z][i - 1] && change_n[z] < 16)
				changes[z][change_n[z]++] = FROM + i * QUARTER;
		}
	}
	return 0;
}

static int64_t local_of(int z, int64_t t)
{
	int64_t i = (t - FROM) / QUARTER;
	if (i < 0 || i >= QUARTERS)
		fail_msg("outside of the table");
	return t + offsets[z][i] * QUARTER;
}

/* ---- a random case ---- */

struct fixture {
	struct policy policy;
	struct sequence sequence;
	struct step step;
	struct contact contact;
	struct standing standing;
	struct history history;
	struct past_touch touch[MANY];
	int64_t account[MANY], provider[MANY], sender[MANY];
	int32_t holiday[8];
	const char *accept[1];
	struct governor_input in;
	int z;
	int64_t now;
};

static void random_limits(struct limits *l, int none_in)
{
	l->n = one_in(none_in) ? 0 : (int)up_to(3);
	for (int i = 0; i < l->n; i++)
		l->row[i] =
		    (struct limit){ (int32_t)(1 + up_to(4)), (1 + up_to(one_in(2) ? 72 : 24 * 30)) * CLOCK_HOUR };
}

static struct duration random_gap(int days)
{
	if (one_in(3))
		return (struct duration){ 0 };
	if (one_in(2))
		return (struct duration){ .business_days = (int32_t)(1 + up_to(days)) };
	return (struct duration){ .ms = (1 + up_to(days * 24)) * CLOCK_HOUR };
}

static int by_day(const void *a, const void *b)
{
	return *(const int32_t *)a - *(const int32_t *)b;
}

static void random_window(struct fixture *f)
{
	struct window *w = &f->policy.window;
	w->weekdays = one_in(3) ? 0x7f : one_in(2) ? 0x1f : 1u + (unsigned)up_to(0x7e);
	w->hours = (struct hours){ 0, 86400 };
	if (!one_in(4)) {
		w->hours.from = (int32_t)up_to(90) * 900;
		w->hours.to = w->hours.from + 900 * (int32_t)(1 + up_to(95 - w->hours.from / 900));
	}
	w->holiday_n = one_in(2) ? 0 : (size_t)up_to((int64_t)COUNT(f->holiday));
	for (size_t i = 0; i < w->holiday_n; i++)
		f->holiday[i] = (int32_t)(f->now / CLOCK_DAY - 10 + up_to(20));
	qsort(f->holiday, w->holiday_n, sizeof *f->holiday, by_day);
	w->holidays = f->holiday;
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x < y) - (x > y);
}

/* Mostly in the last days; some in flight, a few in the future. */
static int64_t random_past(int64_t now, bool in_flight)
{
	if (in_flight && one_in(20))
		return CLOCK_NEVER;
	if (one_in(60))
		return now + up_to(2 * CLOCK_DAY);
	return now - up_to(one_in(2) ? 3 * CLOCK_DAY : 40 * CLOCK_DAY);
}

static size_t random_times(int64_t *out, size_t most, int64_t now, bool in_flight)
{
	size_t n = (size_t)up_to((int64_t)most);
	for (size_t i = 0; i < n; i++)
		out[i] = random_past(now, in_flight);
	qsort(out, n, sizeof *out, newest_first);
	return n;
}

static void random_history(struct fixture *f)
{
	struct history *h = &f->history;
	bool in_flight = one_in(3);
	h->contact = f->touch;
	h->contact_n = (size_t)up_to(one_in(3) ? MANY : 4);
	for (size_t i = 0; i < h->contact_n; i++)
		f->touch[i].at = random_past(f->now, in_flight);
	qsort(f->touch, h->contact_n, sizeof *f->touch, newest_first);
	for (size_t i = 0; i < h->contact_n; i++) {
		f->touch[i].kind = one_in(4) ? KIND_ASK : KIND_VALUE;
		f->touch[i].state = f->touch[i].at == CLOCK_NEVER ? TOUCH_HANDED
				    : one_in(5)                   ? TOUCH_UNKNOWN
								  : TOUCH_ACCEPTED;
	}
	h->account = f->account;
	h->account_n = random_times(f->account, 6, f->now, in_flight);
	h->provider = f->provider;
	h->provider_n = random_times(f->provider, 8, f->now, in_flight);
	h->sender = f->sender;
	h->sender_n = random_times(f->sender, 12, f->now, in_flight);
	h->warmup_cap = f->policy.warmup.start > 0 ? 1 + (int32_t)up_to(9) : -1;
	h->warmup_used = (int32_t)up_to(10);
	h->unanswered = (int32_t)up_to((int64_t)h->contact_n);
	if (f->policy.backoff_max_gap.ms == 0 && h->unanswered > 4) /* else it ends behind the table */
		h->unanswered = 4;
	h->first_touch_at = h->contact_n > 0 ? f->now - 40 * CLOCK_DAY - up_to(80 * CLOCK_DAY) : 0;
	h->rests_on_flight = in_flight;
}

static void random_policy(struct fixture *f)
{
	static const double factors[] = { 1, 1.5, 2, 3 };
	struct policy *p = &f->policy;
	p->contact_min_gap = random_gap(4);
	p->account_min_gap = random_gap(2);
	random_limits(&p->contact, 4);
	random_limits(&p->account, 2);
	random_limits(&p->provider, 3);
	random_limits(&p->sender, 3);
	p->warmup.start = one_in(4) ? 5 : 0;
	p->backoff_factor = factors[up_to(3)];
	p->backoff_max_gap =
	    one_in(3) ? (struct duration){ 0 } : (struct duration){ .ms = (1 + up_to(20)) * CLOCK_DAY };
	p->sunset_touches = one_in(3) ? 4 + (int32_t)up_to(8) : 0;
	p->sunset_silence = one_in(3) ? (60 + up_to(80)) * CLOCK_DAY : 0;
	p->gifts_per_ask = (int32_t)up_to(4);
	p->consent_accept = f->accept;
	p->consent_accept_n = 1;
	p->consent_max_age = one_in(3) ? (300 + up_to(430)) * CLOCK_DAY : 0;
}

static void random_case(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	f->z = (int)up_to((int64_t)COUNT(zone_names) - 1);
	f->now = FROM + 365 * CLOCK_DAY + up_to(365 * CLOCK_DAY);
	if (change_n[f->z] > 4 && !one_in(3)) /* around a change of the clocks */
		f->now = changes[f->z][2 + up_to(2)] - 5 * CLOCK_DAY + up_to(6 * CLOCK_DAY);
	if (one_in(2))
		f->now -= f->now % QUARTER;
	f->accept[0] = "opt_in";
	random_policy(f);
	random_window(f);
	f->contact = (struct contact){ .id = 1,
				       .email = "dana@example.com",
				       .account = "",
				       .account_name = "",
				       .first_name = "",
				       .last_name = "",
				       .title = "",
				       .timezone = zone_names[f->z],
				       .owner = "",
				       .tags = "",
				       .consent = "opt_in",
				       .consent_source = "",
				       .consent_at = f->now - up_to(500 * CLOCK_DAY) };
	f->step = (struct step){ .name = "first",
				 .after = random_gap(3),
				 .template_name = "",
				 .expire = one_in(6) ? (1 + up_to(30)) * CLOCK_DAY : 0 };
	random_history(f);
	if (one_in(8))
		f->standing.contact_hold = f->now - CLOCK_DAY + up_to(4 * CLOCK_DAY);
	if (one_in(8))
		f->standing.account_hold = f->now - CLOCK_DAY + up_to(4 * CLOCK_DAY);
	f->standing.sending_paused = one_in(60);
	f->sequence.policy = f->policy;
	f->in = (struct governor_input){ .policy = &f->policy,
					 .sequence = &f->sequence,
					 .step = &f->step,
					 .contact = &f->contact,
					 .standing = &f->standing,
					 .history = &f->history,
					 .zone = zones[f->z],
					 .enrollment_id = (int64_t)(draw() >> 40),
					 .prev_at = f->now - up_to(10 * CLOCK_DAY),
					 .kind = one_in(4) ? KIND_ASK : KIND_VALUE };
	if (one_in(10))
		f->in.retry_at = f->now - CLOCK_HOUR + up_to(5 * CLOCK_HOUR);
}

/* ---- brute force ---- */

static bool day_allowed(const struct fixture *f, int64_t day)
{
	const struct window *w = &f->policy.window;
	for (size_t i = 0; i < w->holiday_n; i++)
		if (w->holidays[i] == day)
			return false;
	return (w->weekdays & 1u << (day + 3) % 7) != 0;
}

static bool inside(const struct fixture *f, int64_t t)
{
	int64_t local = local_of(f->z, t), second = local % CLOCK_DAY / 1000;
	return day_allowed(f, local / CLOCK_DAY) && second >= f->policy.window.hours.from &&
	       second < f->policy.window.hours.to;
}

/* The first instant with this local time; in a gap it is moved forward by the gap. */
static int64_t instant_of(int z, int64_t local)
{
	int64_t t = local - 15 * CLOCK_HOUR, last = t;
	for (t -= t % QUARTER; t < local + 15 * CLOCK_HOUR; t += QUARTER) {
		int64_t l = local_of(z, t);
		if (l <= local && local < l + QUARTER)
			return t + (local - l);
		if (l > local)
			break;
		last = t;
	}
	return local - (local_of(z, last) - last);
}

static int64_t days_later(const struct fixture *f, int64_t t, int32_t n)
{
	int64_t local = local_of(f->z, t), day = local / CLOCK_DAY, look = 0;
	while (n > 0 && look++ < 1200)
		n -= day_allowed(f, ++day);
	return n > 0 ? CLOCK_NEVER : instant_of(f->z, day * CLOCK_DAY + local % CLOCK_DAY);
}

static int64_t later(const struct fixture *f, int64_t t, const struct duration *d)
{
	return d->business_days != 0 ? days_later(f, t, d->business_days) : t + d->ms;
}

/* A further touch at t, beside `time`: what is in flight counts as now, what is in the future as t. */
static bool limits_hold(const struct fixture *f, const struct limits *l, const int64_t *time, size_t n, int64_t t)
{
	for (int i = 0; i < l->n; i++)
		for (size_t first = 0; first <= n; first++) { /* every interval that begins with a touch and holds t */
			int64_t at = first == n ? t : time[first] == CLOCK_NEVER ? f->now : time[first];
			int32_t count = 1;
			at = at < t ? at : t;
			if (t - at >= l->row[i].per_ms)
				continue;
			for (size_t k = 0; k < n; k++) {
				int64_t x = time[k] == CLOCK_NEVER ? f->now : time[k];
				x = x < t ? x : t;
				count += x >= at && x - at < l->row[i].per_ms;
			}
			if (count > l->row[i].n)
				return false;
		}
	return true;
}

static int64_t latest(const struct fixture *f, const int64_t *time, size_t n)
{
	int64_t most = INT64_MIN;
	for (size_t i = 0; i < n; i++) {
		int64_t at = time[i] == CLOCK_NEVER ? f->now : time[i];
		most = at > most ? at : most;
	}
	return most;
}

static bool gap_holds(const struct fixture *f, const struct duration *d, int64_t at, int64_t t)
{
	return (d->ms == 0 && d->business_days == 0) || (at <= t && t >= later(f, at, d));
}

static void contact_times(const struct fixture *f, int64_t *out)
{
	for (size_t i = 0; i < f->history.contact_n; i++)
		out[i] = f->touch[i].at;
}

/* The gap that back-off asks for, as an instant; 0: none. */
static int64_t backoff_end(const struct fixture *f)
{
	const struct policy *p = &f->policy;
	if (f->history.unanswered < 2 || f->history.contact_n == 0 ||
	    (p->contact_min_gap.ms == 0 && p->contact_min_gap.business_days == 0))
		return 0;
	long double ms = (long double)p->contact_min_gap.ms, days = p->contact_min_gap.business_days;
	for (int32_t k = 1; k < f->history.unanswered; k++) {
		ms *= (long double)p->backoff_factor;
		days *= (long double)p->backoff_factor;
	}
	int64_t own[MANY], end = CLOCK_NEVER;
	contact_times(f, own);
	int64_t at = latest(f, own, f->history.contact_n);
	int64_t most = p->backoff_max_gap.ms > 0 ? at + p->backoff_max_gap.ms : CLOCK_NEVER;
	if (days > 150 || ms > (long double)(300 * CLOCK_DAY))
		return most;
	if (days > 0)
		end = days_later(f, at, (int32_t)days + ((long double)(int32_t)days < days));
	else
		end = at + (int64_t)ms;
	return end < most ? end : most;
}

static bool gifts_given(const struct fixture *f)
{
	int32_t n = 0;
	for (size_t i = 0; i < f->history.contact_n; i++) {
		if (f->touch[i].kind == KIND_ASK)
			break;
		n += f->touch[i].state == TOUCH_ACCEPTED;
	}
	return f->in.kind == KIND_VALUE || n >= f->policy.gifts_per_ask;
}

/* Everything but the window, at t. */
static bool rules_hold(const struct fixture *f, int64_t t)
{
	const struct history *h = &f->history;
	int64_t own[MANY];
	contact_times(f, own);
	if (t < later(f, f->in.prev_at, &f->step.after) || t < f->in.retry_at || t < f->standing.contact_hold ||
	    t < f->standing.account_hold)
		return false;
	if (h->contact_n > 0 &&
	    (!gap_holds(f, &f->policy.contact_min_gap, latest(f, own, h->contact_n), t) || t < backoff_end(f)))
		return false;
	if (h->account_n > 0 && !gap_holds(f, &f->policy.account_min_gap, latest(f, f->account, h->account_n), t))
		return false;
	if (h->warmup_cap >= 0 && h->warmup_used >= h->warmup_cap && t / CLOCK_DAY == f->now / CLOCK_DAY)
		return false;
	return limits_hold(f, &f->policy.contact, own, h->contact_n, t) &&
	       limits_hold(f, &f->policy.account, f->account, h->account_n, t) &&
	       limits_hold(f, &f->policy.provider, f->provider, h->provider_n, t) &&
	       limits_hold(f, &f->policy.sender, f->sender, h->sender_n, t);
}

struct candidates {
	int64_t best;
	const struct fixture *f;
};

static void try_at(struct candidates *c, int64_t t)
{
	if (t >= c->f->now && t < c->best && rules_hold(c->f, t))
		c->best = t;
}

static void try_limits(struct candidates *c, const struct limits *l, const int64_t *time, size_t n)
{
	for (int i = 0; i < l->n; i++)
		for (size_t k = 0; k < n; k++)
			try_at(c, (time[k] == CLOCK_NEVER ? c->f->now : time[k]) + l->row[i].per_ms);
}

/* The first instant >= now at which all but the window allows it. What a rule says can only change at these instants.
 */
static int64_t first_allowed(const struct fixture *f)
{
	struct candidates c = { CLOCK_NEVER, f };
	const struct history *h = &f->history;
	int64_t own[MANY];
	if (f->standing.sending_paused || !gifts_given(f))
		return CLOCK_NEVER;
	contact_times(f, own);
	try_at(&c, f->now);
	if (c.best == f->now)
		return f->now;
	try_at(&c, later(f, f->in.prev_at, &f->step.after));
	try_at(&c, f->in.retry_at);
	try_at(&c, f->standing.contact_hold);
	try_at(&c, f->standing.account_hold);
	try_at(&c, (f->now / CLOCK_DAY + 1) * CLOCK_DAY);
	if (h->contact_n > 0) {
		try_at(&c, later(f, latest(f, own, h->contact_n), &f->policy.contact_min_gap));
		int64_t end = backoff_end(f);
		if (end != CLOCK_NEVER)
			try_at(&c, end);
	}
	if (h->account_n > 0)
		try_at(&c, later(f, latest(f, f->account, h->account_n), &f->policy.account_min_gap));
	try_limits(&c, &f->policy.contact, own, h->contact_n);
	try_limits(&c, &f->policy.account, f->account, h->account_n);
	try_limits(&c, &f->policy.provider, f->provider, h->provider_n);
	try_limits(&c, &f->policy.sender, f->sender, h->sender_n);
	return c.best;
}

/* The first instant >= t inside of the window. */
static int64_t first_inside(const struct fixture *f, int64_t t)
{
	if (inside(f, t))
		return t;
	for (t += QUARTER - t % QUARTER; !inside(f, t); t += QUARTER)
		;
	return t;
}

/* The clocks change between 3 days before and after, and an edge of the window is in the hours in which they do: then a
 * time that does not exist, or exists twice, may move an edge. */
static bool edge_may_move(const struct fixture *f, int64_t t)
{
	const struct hours *h = &f->policy.window.hours;
	if ((h->from >= 5 * 3600 && h->to < 23 * 3600) || (h->from == 0 && h->to == 86400))
		return false;
	return local_of(f->z, t - 3 * CLOCK_DAY) - local_of(f->z, t + 3 * CLOCK_DAY) != -6 * CLOCK_DAY;
}

static int64_t stop_at(const struct fixture *f)
{
	int64_t end = CLOCK_NEVER, other;
	if (f->step.expire > 0)
		end = later(f, f->in.prev_at, &f->step.after) + f->step.expire;
	other = f->policy.consent_max_age > 0 ? f->contact.consent_at + f->policy.consent_max_age : CLOCK_NEVER;
	end = other < end ? other : end;
	other = f->policy.sunset_silence > 0 && f->history.first_touch_at != 0
		    ? f->history.first_touch_at + f->policy.sunset_silence
		    : CLOCK_NEVER;
	return other < end ? other : end;
}

/* ---- the properties ---- */

static int64_t case_no;

static void say(const struct fixture *f, const struct verdict *v, int64_t want, const char *what)
{
	char now[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX] = "never", brute[CLOCK_TEXT_MAX] = "never";
	clock_format(f->now, now);
	if (v->until != CLOCK_NEVER)
		clock_format(v->until, until);
	if (want != CLOCK_NEVER)
		clock_format(want, brute);
	fail_msg("case %lld: %s: %s, now %s, %s %s until %s, brute force %s, window %x %d-%d, jitter id %lld",
		 (long long)case_no, what, zone_names[f->z], now, verdict_kind_name(v->kind), reason_name(v->reason),
		 until, brute, f->policy.window.weekdays, f->policy.window.hours.from, f->policy.window.hours.to,
		 (long long)f->in.enrollment_id);
}

static bool flying(const struct fixture *f)
{
	const struct history *h = &f->history;
	return (h->contact_n > 0 && f->touch[0].at == CLOCK_NEVER) ||
	       (h->account_n > 0 && f->account[0] == CLOCK_NEVER) ||
	       (h->provider_n > 0 && f->provider[0] == CLOCK_NEVER) || (h->sender_n > 0 && f->sender[0] == CLOCK_NEVER);
}

/* Was the wait ended by a window's opening? Then the answer lies within the jitter behind it. */
static void check_tight(const struct fixture *f, const struct verdict *v)
{
	int64_t allowed = first_allowed(f), got = v->kind == VERDICT_SEND ? f->now : v->until;
	if (allowed == CLOCK_NEVER) {
		if (v->kind != VERDICT_WAIT || v->until != CLOCK_NEVER)
			say(f, v, CLOCK_NEVER, "must never be allowed");
		return;
	}
	int64_t want = first_inside(f, allowed);
	if (got == want)
		return;
	if (got < want)
		say(f, v, want, "too early");
	if (got == CLOCK_NEVER || !inside(f, got))
		say(f, v, want, "outside of the window");
	if (edge_may_move(f, got))
		return;
	/* later: only by jitter, in an opening that began behind what the rules allow (as far as they can be asked
	 * before now) */
	int64_t most = (f->policy.window.hours.to - f->policy.window.hours.from) * INT64_C(250),
		open = got - got % QUARTER;
	most = most < CLOCK_HOUR ? most : CLOCK_HOUR;
	while (open > got - CLOCK_HOUR - QUARTER && inside(f, open - 1))
		open -= QUARTER;
	if (got - open > most || inside(f, open - 1) || open < want - QUARTER * 8)
		say(f, v, want, "too late");
	bool ramp = f->history.warmup_cap >= 0 &&
		    f->history.warmup_used >= f->history.warmup_cap; /* tomorrow forgets that it waited for it */
	if (want > f->now && allowed >= open && want == allowed && !ramp)
		say(f, v, want, "jitter without an opening");
}

static void ask_at(struct fixture *f, int64_t t, struct verdict *v)
{
	int32_t used = f->history.warmup_used;
	if (t / CLOCK_DAY != f->now / CLOCK_DAY)
		f->history.warmup_used = 0;
	governor_decide(&f->in, t, v);
	f->history.warmup_used = used;
}

static void check_steady(struct fixture *f, const struct verdict *v)
{
	int64_t end = v->until < v->ends_at ? v->until : v->ends_at,
		span = end == CLOCK_NEVER ? 100 * CLOCK_DAY : end - f->now;
	struct verdict w;
	if (v->ends_at != stop_at(f))
		say(f, v, stop_at(f), "ends_at");
	for (int i = 0; i < 4; i++) {
		int64_t t = i == 0 ? f->now + span - 1 : f->now + up_to(span - 1);
		ask_at(f, t, &w);
		if (w.kind != VERDICT_WAIT || w.until != v->until || w.reason == REASON_NONE || w.evidence_n < 1 ||
		    w.evidence[0].until != w.until || w.evidence[0].reason != w.reason)
			say(f, &w, v->until, "not steady");
	}
	if (end == CLOCK_NEVER)
		return;
	ask_at(f, end, &w);
	if (end == v->ends_at ? w.kind != VERDICT_STOP && w.kind != VERDICT_SKIP : w.kind != VERDICT_SEND)
		say(f, &w, end, "at the end of the wait");
}

static size_t landed(int64_t *time, size_t n)
{
	size_t k = 0;
	while (k < n && time[k] == CLOCK_NEVER)
		k++;
	memmove(time, time + k, (n - k) * sizeof *time);
	return n - k;
}

/* If the touches in flight are refused and the answer comes earlier, the wait must have said that it rests on them. */
static void check_flight(const struct fixture *f, const struct verdict *v)
{
	struct fixture g = *f;
	struct verdict w;
	size_t k = 0;
	while (k < g.history.contact_n && g.touch[k].at == CLOCK_NEVER)
		k++;
	memmove(g.touch, g.touch + k, (g.history.contact_n - k) * sizeof *g.touch);
	g.history.contact_n -= k;
	g.history.unanswered = g.history.unanswered > (int32_t)k ? g.history.unanswered - (int32_t)k : 0;
	g.history.account_n = landed(g.account, g.history.account_n);
	g.history.provider_n = landed(g.provider, g.history.provider_n);
	g.history.sender_n = landed(g.sender, g.history.sender_n);
	g.history.contact = g.touch;
	g.history.account = g.account;
	g.history.provider = g.provider;
	g.history.sender = g.sender;
	g.in.history = &g.history;
	governor_decide(&g.in, g.now, &w);
	if ((w.kind == VERDICT_SEND || (w.kind == VERDICT_WAIT && w.until < v->until)) && !v->rests_on_flight)
		say(f, v, w.kind == VERDICT_SEND ? g.now : w.until, "does not say that it rests on a touch in flight");
}

static bool sunset_by_flight(const struct fixture *f)
{
	return f->policy.sunset_touches > 0 && f->history.unanswered >= f->policy.sunset_touches;
}

static void check_case(struct fixture *f)
{
	struct verdict v;
	int32_t settled = f->history.unanswered;
	for (size_t i = 0; i < f->history.contact_n && f->touch[i].at == CLOCK_NEVER; i++)
		settled--;
	governor_decide(&f->in, f->now, &v);
	bool ended = f->now >= stop_at(f) || (f->policy.sunset_touches > 0 && settled >= f->policy.sunset_touches);
	if (ended != (v.kind == VERDICT_STOP || v.kind == VERDICT_SKIP))
		say(f, &v, stop_at(f), "ended or not");
	if (ended)
		return;
	if (flying(f) && v.kind == VERDICT_WAIT)
		check_flight(f, &v);
	if (sunset_by_flight(f)) {
		assert_true(v.kind == VERDICT_WAIT && v.until == CLOCK_NEVER && v.rests_on_flight);
		return;
	}
	if (v.kind == VERDICT_SEND && (!rules_hold(f, f->now) || !inside(f, f->now)))
		say(f, &v, first_allowed(f), "unsound");
	check_tight(f, &v);
	if (v.kind == VERDICT_WAIT && !flying(f))
		check_steady(f, &v);
}

static int64_t number(const char *name, int64_t otherwise)
{
	const char *s = getenv(name);
	return s != NULL && *s != '\0' ? strtoll(s, NULL, 0) : otherwise;
}

static void seed(uint64_t n)
{
	rng = (n + 1) * UINT64_C(0x9E3779B97F4A7C15);
	if (rng == 0)
		rng = 1;
}

static void test_random(void **state)
{
	(void)state;
	int64_t n = number("ABV_CASES", 200000), from = number("ABV_SEED", (int64_t)time(NULL) / 86400);
	printf("%lld cases, ABV_SEED=%lld\n", (long long)n, (long long)from);
	for (case_no = 0; case_no < n; case_no++) {
		static struct fixture f;
		seed((uint64_t)from << 32 | (uint64_t)case_no); /* a case can be had again without those before it */
		random_case(&f);
		check_case(&f);
	}
}

/* A contact that gets whatever the governor allows, as early as it does: afterwards every window of every cap is
 * counted. */
static void send_many(struct fixture *f, int64_t *sent, size_t n)
{
	f->in.kind = KIND_VALUE;
	f->standing = (struct standing){ 0 };
	f->policy.sunset_touches = 0;
	f->policy.sunset_silence = f->policy.consent_max_age = f->step.expire = 0;
	f->policy.warmup.start = 0;
	f->sequence.policy = f->policy;
	f->history = (struct history){ .contact = f->touch,
				       .account = f->account,
				       .provider = f->provider,
				       .sender = f->sender,
				       .warmup_cap = -1 };
	for (size_t i = 0; i < n; i++) {
		struct verdict v;
		governor_decide(&f->in, f->now, &v);
		if (v.kind == VERDICT_WAIT) {
			if (v.until - FROM > 3 * 366 * CLOCK_DAY)
				return;
			f->now = v.until;
			governor_decide(&f->in, f->now, &v);
		}
		if (v.kind != VERDICT_SEND)
			say(f, &v, f->now, "must send");
		sent[i] = f->now;
		size_t keep = i < MANY - 1 ? i : MANY - 1;
		memmove(f->touch + 1, f->touch, keep * sizeof *f->touch);
		f->touch[0] = (struct past_touch){ f->now, TOUCH_ACCEPTED, KIND_VALUE };
		memmove(f->account + 1, f->account, keep * sizeof *f->account);
		f->account[0] = f->now;
		memcpy(f->provider, f->account, sizeof f->provider);
		memcpy(f->sender, f->account, sizeof f->sender);
		f->history.contact_n = f->history.account_n = f->history.provider_n = f->history.sender_n = keep + 1;
		f->history.unanswered = (int32_t)(i % 5);
		f->in.prev_at = f->now;
	}
}

static void count_windows(const struct limits *l, const int64_t *sent, size_t n)
{
	for (int i = 0; i < l->n; i++)
		for (size_t a = 0; a < n && sent[a] != 0; a++) {
			int32_t count = 0;
			for (size_t b = a; b < n && sent[b] != 0 && sent[b] - sent[a] < l->row[i].per_ms; b++)
				count++;
			assert_true(count <= l->row[i].n);
		}
}

static void test_caps_over_time(void **state)
{
	(void)state;
	int64_t n = number("ABV_CASES", 200000) / 100, from = number("ABV_SEED", (int64_t)time(NULL) / 86400);
	for (case_no = 0; case_no < n; case_no++) {
		static struct fixture f;
		int64_t sent[40] = { 0 };
		seed((uint64_t)from << 32 | 0x80000000u | (uint64_t)case_no);
		random_case(&f);
		send_many(&f, sent, COUNT(sent));
		count_windows(&f.policy.contact, sent, COUNT(sent));
		count_windows(&f.policy.account, sent, COUNT(sent));
		count_windows(&f.policy.provider, sent, COUNT(sent));
		count_windows(&f.policy.sender, sent, COUNT(sent));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random), cmocka_unit_test(test_caps_over_time) };
	return cmocka_run_group_tests(tests, zones_read, NULL);
}
