/* What is wrong in a calendar, with its line: libical leaves out what it cannot read, or moves the 31st of February to
 * March, and mail would go on a day that was meant to be closed. */
#include <libical/ical.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_int.h"

enum { NEST_MAX = 16 };

struct calendar {
	struct reader *r;
	const char *path;
	size_t errors;
	struct {
		char name[32];
		int line;
	} nest[NEST_MAX];
	int depth;
	int32_t start, end; /* days of the event; INT32_MIN: none */
	int end_line;
};

static void tell(struct calendar *c, enum severity severity, int line, const char *fmt, const char *what)
{
	struct spot at = { c->path, line, 1 };

	c->errors += severity == SEVERITY_ERROR;
	reader_tell(c->r, severity, at, "bad-calendar", fmt, what);
}

static bool digits(const char *s, size_t n, int *value)
{
	*value = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		*value = *value * 10 + (s[i] - '0');
	}
	return true;
}

/* A date, or a date and time, of which the date is looked at. INT32_MIN: neither. */
static int32_t read_date(const char *s, size_t n)
{
	int year, month, day, time, y, m, d;

	if (n < 8 || !digits(s, 4, &year) || !digits(s + 4, 2, &month) || !digits(s + 6, 2, &day) || month < 1 ||
	    month > 12 || day < 1)
		return INT32_MIN;
	if (n > 8 && (n < 15 || n > 16 || s[8] != 'T' || !digits(s + 9, 6, &time) || (n == 16 && s[15] != 'Z')))
		return INT32_MIN;
	int32_t civil = civil_from_ymd(year, month, day);

	civil_to_ymd(civil, &y, &m, &d);
	return y == year && m == month && d == day ? civil : INT32_MIN;
}

/* One date or several; of a period the begin. The last one, INT32_MIN after telling. */
static int32_t check_dates(struct calendar *c, int line, const char *value)
{
	int32_t day = INT32_MIN;

	for (const char *p = value;; p++) {
		size_t n = strcspn(p, ","), begin = strcspn(p, ",/");

		day = read_date(p, begin);
		if (day == INT32_MIN) {
			tell(c, SEVERITY_ERROR, line, "'%.60s' is no date", value);
			return day;
		}
		p += n;
		if (!*p)
			return day;
	}
}

static void event_begin(struct calendar *c)
{
	c->start = c->end = INT32_MIN;
	c->end_line = 0;
}

static void event_end(struct calendar *c, int line)
{
	if (c->start == INT32_MIN)
		tell(c, SEVERITY_ERROR, line, "this event has no %s: it closes no day", "DTSTART");
	else if (c->end != INT32_MIN && c->end < c->start)
		tell(c, SEVERITY_WARNING, c->end_line, "this event ends before it begins: it is taken as one day%s",
		     "");
}

static void nest(struct calendar *c, int line, bool begin, const char *name)
{
	if (begin) {
		if (c->depth == NEST_MAX) {
			tell(c, SEVERITY_ERROR, line, "BEGIN:%.30s: nested too deep", name);
			return;
		}
		snprintf(c->nest[c->depth].name, sizeof c->nest[0].name, "%.31s", name);
		c->nest[c->depth++].line = line;
		if (!strcasecmp(name, "VEVENT"))
			event_begin(c);
		return;
	}
	if (!c->depth || strcasecmp(c->nest[c->depth - 1].name, name) != 0) {
		tell(c, SEVERITY_ERROR, line, "END:%.30s closes nothing that is open", name);
		return;
	}
	c->depth--;
	if (!strcasecmp(name, "VEVENT"))
		event_end(c, c->nest[c->depth].line);
}

/* NAME;PARAMETER="a:b";...:VALUE. NULL: no property. */
static const char *value_of(const char *text)
{
	bool quoted = false;

	for (; *text && (quoted || *text != ':'); text++)
		quoted ^= *text == '"';
	return *text ? text + 1 : NULL;
}

static void line_check(struct calendar *c, int line, const char *text)
{
	static const char *const dates[] = { "DTSTART", "DTEND", "EXDATE", "RDATE" };
	size_t n = strcspn(text, ";:");
	const char *value = value_of(text);

	if (!value)
		return;
	if ((n == 5 && !strncasecmp(text, "BEGIN", n)) || (n == 3 && !strncasecmp(text, "END", n))) {
		nest(c, line, n == 5, value);
		return;
	}
	if (!c->depth || strcasecmp(c->nest[c->depth - 1].name, "VEVENT") != 0)
		return;
	for (int i = 0; i < 4; i++) {
		if (strlen(dates[i]) != n || strncasecmp(text, dates[i], n) != 0)
			continue;
		int32_t day = check_dates(c, line, value);

		if (i == 0)
			c->start = day == INT32_MIN ? 0 : day; /* told already */
		else if (i == 1) {
			c->end = day;
			c->end_line = line;
		}
	}
	if (n == 5 && !strncasecmp(text, "RRULE", n) &&
	    icalrecurrencetype_from_string(value).freq == ICAL_NO_RECURRENCE)
		tell(c, SEVERITY_ERROR, line, "'%.60s' is no rule of repetition", value);
}

/* Lines that begin with a blank continue the one before (RFC 5545, 3.1). */
static void lines_check(struct calendar *c, const char *p)
{
	struct buf logical = { 0 };
	int line = 0, first = 1;

	while (*p) {
		size_t n = strcspn(p, "\n"), kept = n && p[n - 1] == '\r' ? n - 1 : n;
		bool goes_on = line > 0 && (*p == ' ' || *p == '\t');

		line++;
		if (!goes_on) {
			line_check(c, first, buf_text(&logical));
			buf_clear(&logical);
			first = line;
		}
		buf_add(&logical, p + (goes_on && kept ? 1 : 0), kept - (goes_on && kept ? 1 : 0));
		p += n + (p[n] == '\n');
	}
	line_check(c, first, buf_text(&logical));
	buf_free(&logical);
}

size_t calendar_check(struct reader *r, const char *path)
{
	struct calendar c = { .r = r, .path = path };
	struct buf text = { 0 };

	icalerror_set_errors_are_fatal(0);
	if (file_read(path, &text, NULL) == 0)
		lines_check(&c, buf_text(&text));
	while (c.depth > 0) {
		c.depth--;
		tell(&c, SEVERITY_ERROR, c.nest[c.depth].line, "BEGIN:%.30s is never closed", c.nest[c.depth].name);
	}
	buf_free(&text);
	return c.errors;
}
