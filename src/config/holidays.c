/* Closed days from iCalendar files (RFC 5545), by libical: all-day events, repeated ones written out for the years that
 * matter. Timed events close no day. */
#include <libical/ical.h>
#include <stdlib.h>
#include <string.h>

#include "abv/clock.h"
#include "abv/mem.h"
#include "config_int.h"

enum { YEAR_FIRST = 2015, YEAR_LAST = 2045, DAYS_MAX = 366 * (YEAR_LAST - YEAR_FIRST + 1), OCCURRENCES_MAX = 200000 };

struct days {
	int32_t first, n; /* from YEAR_FIRST's first day to YEAR_LAST's last */
	bool closed[DAYS_MAX];
};

static int32_t day_of(struct icaltimetype t)
{
	return civil_from_ymd(t.year, t.month, t.day);
}

static void add_span(struct days *d, int32_t from, int64_t span)
{
	int64_t begin = (int64_t)from - d->first, end = begin + span;

	begin = begin < 0 ? 0 : begin;
	end = end > d->n ? d->n : end;
	if (begin < end)
		memset(d->closed + begin, true, (size_t)(end - begin));
}

static bool is_excluded(icalcomponent *event, int32_t day)
{
	for (icalproperty *p = icalcomponent_get_first_property(event, ICAL_EXDATE_PROPERTY); p;
	     p = icalcomponent_get_next_property(event, ICAL_EXDATE_PROPERTY))
		if (day_of(icalproperty_get_exdate(p)) == day)
			return true;
	return false;
}

static void add_recurrence(struct days *d, icalcomponent *event, struct icaltimetype start, int64_t span)
{
	icalproperty *p = icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY);
	icalrecur_iterator *it = icalrecur_iterator_new(icalproperty_get_rrule(p), start);

	if (!it)
		return;
	for (int i = 0; i < OCCURRENCES_MAX; i++) {
		struct icaltimetype t = icalrecur_iterator_next(it);

		if (icaltime_is_null_time(t) || t.year > YEAR_LAST)
			break;
		if (!is_excluded(event, day_of(t)))
			add_span(d, day_of(t), span);
	}
	icalrecur_iterator_free(it);
}

static void add_event(struct days *d, icalcomponent *event)
{
	icalproperty *from = icalcomponent_get_first_property(event, ICAL_DTSTART_PROPERTY);
	icalproperty *to = icalcomponent_get_first_property(event, ICAL_DTEND_PROPERTY);

	if (!from || icalcomponent_get_status(event) == ICAL_STATUS_CANCELLED)
		return;
	struct icaltimetype start = icalproperty_get_dtstart(from);

	if (!start.is_date || icaltime_is_null_time(start) || start.year < 1600 || start.year > YEAR_LAST)
		return;
	int64_t span = 1;

	if (to) {
		struct icaltimetype end = icalproperty_get_dtend(to);

		if (end.is_date && !icaltime_is_null_time(end))
			span = (int64_t)day_of(end) - day_of(start);
	} else if (icalcomponent_get_first_property(event, ICAL_DURATION_PROPERTY)) {
		struct icaldurationtype length = icalcomponent_get_duration(event);

		span = length.is_neg ? 1 : (int64_t)length.weeks * 7 + length.days + length.hours / 24;
	}
	span = span < 1 ? 1 : span;
	if (icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY))
		add_recurrence(d, event, start, span);
	else
		add_span(d, day_of(start), span);
	for (icalproperty *p = icalcomponent_get_first_property(event, ICAL_RDATE_PROPERTY); p;
	     p = icalcomponent_get_next_property(event, ICAL_RDATE_PROPERTY))
		if (icalproperty_get_rdate(p).time.is_date)
			add_span(d, day_of(icalproperty_get_rdate(p).time), span);
}

static int by_day(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return x < y ? -1 : x > y;
}

static size_t sort_once(int32_t *day, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(day, n, sizeof *day, by_day);
	for (size_t i = 0; i < n; i++)
		if (!kept || day[kept - 1] != day[i])
			day[kept++] = day[i];
	return kept;
}

static int32_t *days_list(const struct days *d, size_t *n)
{
	int32_t *list = mem_array(DAYS_MAX, sizeof *list);

	for (int32_t i = 0; i < d->n; i++)
		if (d->closed[i])
			list[(*n)++] = d->first + i;
	return list;
}

int32_t *holidays_read(const char *path, size_t *n, struct err *e)
{
	struct buf text = { 0 };
	struct days d = { .first = civil_from_ymd(YEAR_FIRST, 1, 1) };
	icalcomponent *root = NULL;
	int32_t *list = NULL;

	*n = 0;
	icalerror_set_errors_are_fatal(0);
	if (file_read(path, &text, e) < 0)
		goto out;
	root = icalparser_parse_string(buf_text(&text));
	if (!root ||
	    (icalcomponent_isa(root) != ICAL_VCALENDAR_COMPONENT && icalcomponent_isa(root) != ICAL_XROOT_COMPONENT)) {
		err_set(e, "'%s' is no iCalendar file", path);
		goto out;
	}
	d.n = civil_from_ymd(YEAR_LAST + 1, 1, 1) - d.first;
	/* several calendars in a file come under one root */
	for (icalcomponent *cal = icalcomponent_isa(root) == ICAL_VCALENDAR_COMPONENT
				      ? root
				      : icalcomponent_get_first_component(root, ICAL_VCALENDAR_COMPONENT);
	     cal; cal = cal == root ? NULL : icalcomponent_get_next_component(root, ICAL_VCALENDAR_COMPONENT))
		for (icalcomponent *event = icalcomponent_get_first_component(cal, ICAL_VEVENT_COMPONENT); event;
		     event = icalcomponent_get_next_component(cal, ICAL_VEVENT_COMPONENT))
			add_event(&d, event);
	list = days_list(&d, n);
out:
	if (root)
		icalcomponent_free(root);
	icalmemory_free_ring();
	buf_free(&text);
	return list;
}

const int32_t *holidays_join(struct owned *o, const int32_t *a, size_t an, const int32_t *b, size_t bn, size_t *n)
{
	int32_t *all = owned_alloc(o, an + bn + 1, sizeof *all);

	if (an)
		memcpy(all, a, an * sizeof *a);
	if (bn)
		memcpy(all + an, b, bn * sizeof *b);
	*n = sort_once(all, an + bn);
	return all;
}
