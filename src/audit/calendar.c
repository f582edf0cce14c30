/* Business days and send windows, anew: a day is looked at by its local date, an instant by its local time. Nothing is
 * shared with the governor's own windows; of abv/clock.h come the zones' offsets only. */
#include <stdlib.h>
#include <string.h>

#include "audit_int.h"

#define DAYS_MOST 1000 /* in a row without a business day: then there is none */

static int by_day(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static bool is_business_day(const struct window *w, int32_t day)
{
	unsigned bit = 1u << ((((int64_t)day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */

	if (!(w->weekdays & bit))
		return false;
	return !w->holiday_n || !bsearch(&day, w->holidays, w->holiday_n, sizeof day, by_day);
}

static int64_t day_floor(int64_t local)
{
	return local / CLOCK_DAY - (local % CLOCK_DAY < 0);
}

/* The local time of the day decides, and the clock between the window's own beginning and end: hours that exist twice
 * are open once. */
bool calendar_inside(const struct window *w, const struct zone *z, int64_t t)
{
	int64_t local = zone_local(z, t), day = day_floor(local), midnight = day * CLOCK_DAY;
	int64_t from = midnight + w->hours.from * CLOCK_SECOND, to = midnight + w->hours.to * CLOCK_SECOND;

	if (w->weekdays == 0x7f && !w->holiday_n && w->hours.from == 0 && w->hours.to == 86400)
		return true;
	if (!is_business_day(w, (int32_t)day) || local < from || local >= to)
		return false;
	return t >= zone_instant(z, from) && t < zone_instant(z, to);
}

/* The same local time on the n-th business day behind that of `from`. */
int64_t calendar_add(const struct window *w, const struct zone *z, int64_t from, const struct duration *d)
{
	int64_t local, day, sum;
	int32_t left = d->business_days, idle = 0;

	if (!left)
		return __builtin_add_overflow(from, d->ms, &sum) ? CLOCK_NEVER : sum;
	local = zone_local(z, from);
	day = day_floor(local);
	local -= day * CLOCK_DAY;
	while (left > 0) {
		idle = is_business_day(w, (int32_t)++day) ? 0 : idle + 1;
		left -= idle == 0;
		if (idle > DAYS_MOST)
			return CLOCK_NEVER;
	}
	return zone_instant(z, day * CLOCK_DAY + local);
}

void calendar_text(struct buf *b, const struct window *w)
{
	static const char *const name[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	bool any = false;

	for (int i = 0; i < 7; i++) {
		int last = i;

		if (!(w->weekdays >> i & 1u))
			continue;
		while (last < 6 && (w->weekdays >> (last + 1) & 1u))
			last++;
		buf_printf(b, "%s%s", any ? "," : "", name[i]);
		if (last > i)
			buf_printf(b, "-%s", name[last]);
		any = true;
		i = last;
	}
	buf_printf(b, " %02d:%02d-%02d:%02d", w->hours.from / 3600, w->hours.from / 60 % 60, w->hours.to / 3600,
		   w->hours.to / 60 % 60);
	if (w->holiday_n)
		buf_str(b, " without holidays");
}
