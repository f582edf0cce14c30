/* Send windows and business days: wall-clock time in the contact's zone, so that DST is the zone's matter. A local time
 * that does not exist moves forward, one that exists twice is taken once; whatever the change of the clocks, an instant
 * whose local time is outside of the hours is never inside of the window. */
#include "abv/governor.h"
#include "rules_int.h"

#define LOOK_DAYS 800 /* a window that does not open in two years never does */

int64_t instant_add(int64_t t, int64_t ms)
{
	int64_t sum;
	return __builtin_add_overflow(t, ms, &sum) ? CLOCK_NEVER : sum;
}

const struct zone *governor_zone(const struct policy *p, const struct contact *c)
{
	if (p->window.fixed != NULL)
		return p->window.fixed;
	const struct zone *z = zone_find(c->timezone);
	if (z == NULL)
		z = p->window.fallback;
	return z != NULL ? z : zone_utc();
}

static bool is_holiday(const struct window *w, int32_t day)
{
	size_t lo = 0, hi = w->holiday_n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (w->holidays[mid] == day)
			return true;
		if (w->holidays[mid] < day)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool window_day(const struct window *w, int32_t day)
{
	return (w->weekdays >> civil_weekday(day) & 1u) != 0 && !is_holiday(w, day);
}

static bool whole_days(const struct window *w)
{
	return w->hours.from == 0 && w->hours.to == 86400;
}

bool window_always(const struct window *w)
{
	return w->weekdays == 0x7f && w->holiday_n == 0 && whole_days(w);
}

/* ---- one day's openings ---- */

/* The first instant in (lo, hi] with hi's offset; lo has another. */
static int64_t offset_change(const struct zone *z, int64_t lo, int64_t hi)
{
	int32_t behind = zone_offset(z, hi);
	while (hi - lo > 1) {
		int64_t mid = lo + (hi - lo) / 2;
		if (zone_offset(z, mid) == behind)
			hi = mid;
		else
			lo = mid;
	}
	return hi;
}

/* What of [open, close), all of one offset, has its local time in [from, to). */
static struct opening clip(const struct zone *z, int64_t open, int64_t close, int64_t from, int64_t to)
{
	int64_t offset = zone_offset(z, open) * CLOCK_SECOND;
	return (struct opening){ .open = open > from - offset ? open : from - offset,
				 .close = close < to - offset ? close : to - offset };
}

/* 0, 1 or (the clocks are set back in between) 2 openings of the day. */
static int day_openings(const struct window *w, const struct zone *z, int32_t day, struct opening out[2])
{
	int64_t from = day * CLOCK_DAY + w->hours.from * CLOCK_SECOND,
		to = day * CLOCK_DAY + w->hours.to * CLOCK_SECOND;
	int64_t open = zone_instant(z, from), close = zone_instant(z, to), change = close, last = close - 1;
	int n = 0;
	if (zone_offset(z, open) != zone_offset(z, last))
		change = offset_change(z, open, last);
	struct opening part[2] = { clip(z, open, change, from, to), clip(z, change, close, from, to) };
	for (int i = 0; i < 2; i++) {
		if (part[i].open >= part[i].close)
			continue;
		part[i].day = day;
		if (n == 1 && out[0].close == part[i].open)
			out[0].close = part[i].close;
		else
			out[n++] = part[i];
	}
	return n;
}

bool window_find(const struct window *w, const struct zone *z, int64_t t, struct opening *out)
{
	int32_t today = civil_day(zone_local(z, t));
	for (int32_t day = today; w->weekdays != 0 && day < today + LOOK_DAYS; day++) {
		struct opening o[2];
		int n = window_day(w, day) ? day_openings(w, z, day, o) : 0;
		for (int i = 0; i < n; i++)
			if (t < o[i].close) {
				*out = o[i];
				return true;
			}
	}
	return false;
}

void window_run(const struct window *w, const struct zone *z, int64_t since, struct opening *o)
{
	struct opening before[2];
	int n = since < o->open && window_day(w, o->day - 1) ? day_openings(w, z, o->day - 1, before) : 0;
	if (n > 0 && before[n - 1].close == o->open)
		o->open = before[n - 1].open;
}

int64_t governor_window(const struct policy *p, const struct zone *z, int64_t t)
{
	struct opening o;
	if (t == CLOCK_NEVER || !window_find(&p->window, z, t, &o))
		return CLOCK_NEVER;
	return t < o.open ? o.open : t;
}

/* ---- durations ---- */

int64_t governor_add(const struct policy *p, const struct zone *z, int64_t from, const struct duration *d)
{
	if (d->business_days == 0 || from == CLOCK_NEVER)
		return instant_add(from, d->ms);
	int64_t local = zone_local(z, from);
	int32_t day = civil_day(local), left = d->business_days, idle = 0;
	int64_t of_day = local - day * CLOCK_DAY;
	while (left > 0 && idle < LOOK_DAYS && p->window.weekdays != 0) {
		day++;
		if (window_day(&p->window, day)) {
			left--;
			idle = 0;
		} else {
			idle++;
		}
	}
	return left > 0 ? CLOCK_NEVER : zone_instant(z, day * CLOCK_DAY + of_day);
}
