/* Reading one date. What may be something else (a time, a telephone number, a version, "24/7") is no date; what is
 * often something else ("12.1", "the 12th") is weak: a date only behind a cue. */
#include <string.h>

#include "return_int.h"

#define AHEAD_DAYS 180

int named_at(const struct note *n, size_t i, const struct named_number *list, size_t *len)
{
	for (; list->text != NULL; list++) {
		*len = words_match(n->s, n->w, i, n->n, list->text);
		if (*len > 0)
			return list->n;
	}
	*len = 0;
	return 0;
}

bool is_at(const struct note *n, size_t i, const char *const *list, size_t *len)
{
	*len = i < n->n ? words_match_any(n->s, n->w, i, n->n, list) : 0;
	return *len > 0;
}

bool ends_at(const struct note *n, size_t i, const char *const *list, size_t *from)
{
	for (size_t k = i > 4 ? i - 4 : 0; k < i; k++) {
		if (n->w[k].sentence != n->w[i - 1].sentence)
			continue;
		for (const char *const *p = list; *p != NULL; p++)
			if (words_match(n->s, n->w, k, i, *p) == i - k) {
				*from = k;
				return true;
			}
	}
	return false;
}

/* What stands between word i and the next. */
static const char *gap(const struct note *n, size_t i, size_t *len)
{
	const char *s = n->s + n->w[i].at + n->w[i].len;
	*len = i + 1 < n->n ? (size_t)(n->s + n->w[i + 1].at - s) : strlen(s);
	return s;
}

/* The one separator between numbers i and i + 1, a space behind it allowed; '\0' another. */
static char separator(const struct note *n, size_t i)
{
	size_t len;
	const char *s = gap(n, i, &len);
	if (i + 1 >= n->n || n->w[i + 1].number < 0 || len == 0 || len > 2 || strchr("./-", *s) == NULL)
		return '\0';
	return len == 1 || (s[1] == ' ' && *s == '.') ? *s : '\0';
}

/* The gap is a dash, with spaces or not: a range. */
static bool dashed(const struct note *n, size_t i)
{
	size_t len;
	const char *s = gap(n, i, &len);
	size_t k = 0;
	while (k < len && (s[k] == ' ' || s[k] == '.' || s[k] == ','))
		k++;
	return k < len && s[k] == '-' && strspn(s + k, "- ") == len - k;
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

/* The civil day; a missing year (0) is the one in which it comes next. False: no such day. */
static bool day_of(const struct note *n, int year, int month, int mday, int32_t *day)
{
	int y, m, d;
	civil_to_ymd(n->today, &y, &m, &d);
	if (month < 1 || month > 12 || mday < 1)
		return false;
	if (year > 0 && year < 100)
		year += 2000;
	int at = year != 0 ? year : y;
	if (at < y - 1 || at > y + 2 || mday > month_days(at, month))
		return false;
	*day = civil_from_ymd(at, month, mday);
	if (year == 0 && *day < n->today) {
		if (mday > month_days(y + 1, month))
			return false;
		*day = civil_from_ymd(y + 1, month, mday);
	}
	return true;
}

static bool plausible(const struct note *n, int32_t day)
{
	return day >= n->today && day <= n->today + AHEAD_DAYS;
}

/* Which of a, b is the day? What only one reading allows; else the one that comes soon; else the language's. */
static bool day_month(const struct note *n, int a, int b, int year, char sep, int32_t *day)
{
	int32_t day_first = 0, month_first = 0;
	bool df = day_of(n, year, b, a, &day_first), mf = sep != '.' && day_of(n, year, a, b, &month_first);
	if (!df && !mf)
		return false;
	if (df && mf && plausible(n, day_first) != plausible(n, month_first))
		mf = plausible(n, month_first);
	else if (df && mf)
		mf = n->month_first;
	*day = mf ? month_first : day_first;
	return true;
}

static bool is_year(const struct note *n, size_t i)
{
	return i < n->n && n->w[i].len == 4 && n->w[i].number >= 2000 && n->w[i].number < 2100;
}

static bool is_time(const struct note *n, size_t end)
{
	size_t len;
	return is_at(n, end, clock_words, &len) || (end > 0 && n->w[end - 1].after == ':');
}

/* Is number i no part of something longer? A dash may stand before the end of a range: "12.-16.1.", "12/1-16/1". */
static bool may_begin(const struct note *n, size_t i)
{
	if (n->w[i].before == '-' && i > 0 && n->w[i - 1].number >= 0)
		return n->w[i - 1].after == '.' || n->w[i - 1].after == ' ' || (i > 1 && separator(n, i - 2) == '/');
	return strchr("./-:+@#,", n->w[i].before) == NULL;
}

/* 2026-01-12, 12/01/2026, 12.1.26, 12.1., 12/1 */
static bool numeric(const struct note *n, size_t i, struct found *f)
{
	char sep = separator(n, i), second = sep != '\0' ? separator(n, i + 1) : '\0';
	if (sep == '\0' || !may_begin(n, i))
		return false;
	int a = n->w[i].number, b = n->w[i + 1].number, c = second != '\0' ? n->w[i + 2].number : 0;
	bool three = second == sep && (n->w[i + 2].len == 4 || n->w[i + 2].len == 2 || is_year(n, i));
	f->end = i + (three ? 3 : 2);
	if (second != '\0' && !three && !(sep == '.' && second == '-'))
		return false;
	if (three && f->end < n->n && strchr("./-", n->w[f->end - 1].after) != NULL &&
	    separator(n, f->end - 1) != '\0' && second != '-' && n->w[f->end - 1].after != '-')
		return false; /* 1.2.3.4 */
	if (is_time(n, f->end) && !three)
		return false;
	if (three && is_year(n, i))
		return day_of(n, a, b, c, &f->day);
	if (n->w[i].len > 2 || n->w[i + 1].len > 2 || (!three && (sep == '-' || (a == 24 && b == 7))))
		return false;
	int year = three ? c : 0;
	if (!three && is_year(n, i + 2) && n->w[i + 1].after == '.')
		year = n->w[i + 2].number, f->end++;
	f->weak = !three && year == 0 && !(sep == '.' && n->w[i + 1].after == '.');
	return day_month(n, a, b, year, sep, &f->day);
}

/* A day's number and what may follow it: "12", "12th", "12.", "1er"; words taken, 0 none. */
static size_t day_number(const struct note *n, size_t i)
{
	size_t len;
	if (i >= n->n || n->w[i].number < 1 || n->w[i].number > 31 || n->w[i].len > 2)
		return 0;
	bool joined = i + 1 < n->n && n->w[i + 1].at == n->w[i].at + n->w[i].len;
	if (!joined)
		return 1;
	return is_at(n, i + 1, ordinals, &len) ? 2 : 0;
}

/* A year behind a date: "2026", ", 2026", "de 2026". */
static int year_behind(const struct note *n, size_t *end)
{
	size_t len = 0;
	if (is_year(n, *end))
		return n->w[(*end)++].number;
	if (is_at(n, *end, date_links, &len) && is_year(n, *end + len)) {
		*end += len + 1;
		return n->w[*end - 1].number;
	}
	return 0;
}

/* "12 January", "12th of January 2026", "12 de enero de 2026" */
static bool day_then_month(const struct note *n, size_t i, struct found *f)
{
	size_t taken = day_number(n, i), len = 0;
	if (taken == 0 || strchr(":/@+", n->w[i].before) != NULL)
		return false;
	f->end = i + taken;
	if (is_at(n, f->end, date_links, &len))
		f->end += len;
	int month = named_at(n, f->end, month_names, &len);
	if (len == 0)
		return false;
	f->end += len;
	return day_of(n, year_behind(n, &f->end), month, n->w[i].number, &f->day);
}

/* "January 12th, 2026"; "July 10-31", "Jan 12 to 16" are ranges */
static bool month_then_day(const struct note *n, size_t i, struct found *f)
{
	size_t len, more;
	int month = named_at(n, i, month_names, &len);
	if (len == 0)
		return false;
	f->end = i + len;
	if (words_match(n->s, n->w, f->end, n->n, "the") > 0)
		f->end++;
	size_t taken = day_number(n, f->end), at = f->end;
	if (taken == 0 || is_time(n, at + taken))
		return false;
	f->end += taken;
	size_t second = f->end;
	if (!dashed(n, f->end - 1))
		second = is_at(n, f->end, range_words, &len) ? f->end + len : 0;
	more = second > 0 ? day_number(n, second) : 0;
	if (more > 0 && named_at(n, second + more, month_names, &len) == 0 && !is_time(n, second + more) &&
	    n->w[second].number > n->w[at].number && separator(n, second) == '\0') {
		at = second;
		f->end = second + more;
		f->range = true;
	}
	return day_of(n, year_behind(n, &f->end), month, n->w[at].number, &f->day);
}

static bool exact_date(const struct note *n, size_t i, struct found *f)
{
	if (n->w[i].number >= 0)
		return numeric(n, i, f) || day_then_month(n, i, f);
	return month_then_day(n, i, f);
}

/* "the 12th", "am 12.", "le 12": the next such day of a month. */
static bool bare_day(const struct note *n, size_t i, struct found *f)
{
	size_t taken = day_number(n, i), from;
	if (taken == 0 || is_time(n, i + taken) || separator(n, i) != '\0')
		return false;
	if (taken == 1 && !(ends_at(n, i, day_articles, &from) && !n->english))
		return false;
	size_t len;
	named_at(n, i + taken, unit_names, &len);
	if (len > 0 || (i + taken < n->n && named_at(n, i + taken, month_names, &len) > 0))
		return false;
	int y, m, d;
	civil_to_ymd(n->today, &y, &m, &d);
	f->end = i + taken;
	f->weak = true;
	if (n->w[i].number <= d)
		m = m % 12 + 1, y += m == 1;
	return day_of(n, y, m, n->w[i].number, &f->day);
}

/* A weekday's name, and the date that may follow it. */
static bool weekday(const struct note *n, size_t i, struct found *f)
{
	size_t len, skipped;
	int day = named_at(n, i, weekday_names, &len);
	if (len == 0)
		return false;
	size_t next = i + len;
	if (words_match(n->s, n->w, next, n->n, "feira") > 0)
		next++;
	size_t at = next;
	if (at < n->n && is_at(n, at, day_articles, &skipped))
		at += skipped;
	for (; at < n->n && at >= next; at = at > next ? next : n->n) { /* with the article skipped, then without */
		struct found date = { .from = i };
		if (n->w[at].sentence == n->w[i].sentence && (exact_date(n, at, &date) || bare_day(n, at, &date))) {
			*f = date;
			return true;
		}
	}
	if (day > 6 || n->w[i].len < 4)
		return false;
	f->end = next;
	f->weekday = true;
	f->day = n->today + 1 + (day - civil_weekday(n->today + 1) + 7) % 7;
	if (is_at(n, f->end, next_week, &len) || ends_at(n, i, next_week, &skipped)) {
		f->day = n->today - civil_weekday(n->today) + 7 + day;
		f->end += len;
	}
	return true;
}

/* "until March 2027", "bis März 2027": the first of the month. A month without its year names no day. */
static bool month_of_year(const struct note *n, size_t i, struct found *f)
{
	size_t len, link = 0;
	int month = named_at(n, i, month_names, &len);

	if (len == 0)
		return false;
	is_at(n, i + len, date_links, &link);
	size_t year = i + len + link;
	if (year >= n->n || n->w[year].sentence != n->w[i].sentence || n->w[year].len != 4 || n->w[year].number < 2000)
		return false;
	f->day = civil_from_ymd(n->w[year].number, month, 1);
	f->end = year + 1;
	f->whole = f->weak = true;
	return true;
}

static bool whole(const struct note *n, size_t i, struct found *f)
{
	size_t len, month_len;
	int y, m, d;
	if (is_at(n, i, whole_week, &len)) {
		f->day = n->today - civil_weekday(n->today) + 7;
	} else if (is_at(n, i, whole_month, &len)) {
		civil_to_ymd(n->today, &y, &m, &d);
		f->day = civil_from_ymd(m == 12 ? y + 1 : y, m % 12 + 1, 1);
	} else if (words_match(n->s, n->w, i, n->n, "end|ende|fin|finales|final|fine|eind|einde|fim|late") > 0) {
		size_t link = 0;
		is_at(n, i + 1, date_links, &link);
		m = named_at(n, i + 1 + link, month_names, &month_len);
		len = 1 + link + month_len;
		if (month_len == 0 || !day_of(n, 0, m % 12 + 1, 1, &f->day))
			return false;
	} else {
		return false;
	}
	f->end = i + len;
	f->whole = true;
	return true;
}

/* "morgen" is also a morning, "mañana" too. */
static bool relative(const struct note *n, size_t i, struct found *f)
{
	size_t len;
	int days = named_at(n, i, relative_names, &len);
	bool doubtful = len == 1 && words_match(n->s, n->w, i, n->n, "morgen|manana") > 0;
	if (len == 0 ||
	    (doubtful && i > 0 &&
	     words_match(n->s, n->w, i - 1, n->n, "guten|goeden|goede|la|esta|heute|heden|jeden|am|den|der") > 0))
		return false;
	size_t weekday_len = 0;
	if (doubtful && i > 0 && named_at(n, i - 1, weekday_names, &weekday_len) >= 0 && weekday_len > 0)
		return false;
	f->end = i + len;
	f->day = n->today + days;
	f->whole = days == 0;
	f->day += days == 0;
	return true;
}

/* "in two weeks", "pendant 10 jours" */
static bool duration(const struct note *n, size_t i, struct found *f)
{
	size_t len = 1, unit_len, from;
	int count = n->w[i].number >= 0 ? n->w[i].number : named_at(n, i, number_names, &len);
	if (len == 0 || count < 1 || count > 99)
		return false;
	int unit = named_at(n, i + len, unit_names, &unit_len);
	if (unit_len == 0) { /* "next": the prossime due settimane, the two next weeks */
		return false;
	}
	f->end = i + len + unit_len;
	if (!ends_at(n, i, cue_duration, &from) || ends_at(n, i, cue_within, &from) || is_at(n, f->end, cue_ago, &len))
		return false;
	f->day = n->today + count * unit;
	f->day_count = true;
	return true;
}

/* Does a range's start stand before word i, parted by a dash or "to"? */
static bool range_before(const struct note *n, size_t i)
{
	size_t k = i, from = i, len;
	if (ends_at(n, i, day_articles, &from) && from > 0)
		k = ends_at(n, from, range_words, &len) ? from : i;
	if (k == 0 || n->w[k - 1].sentence != n->w[i].sentence)
		return false;
	if (ends_at(n, k, range_words, &from))
		k = from;
	else if (!dashed(n, k - 1))
		return false;
	if (k == 0)
		return false;
	const struct word *w = &n->w[k - 1];
	bool number = w->number >= 1 && (w->number <= 31 || w->len == 4);
	bool suffix =
	    k >= 2 && n->w[k - 2].number >= 1 && n->w[k - 2].number <= 31 && n->w[k - 2].at + n->w[k - 2].len == w->at;
	bool after_number = k >= 2 && n->w[k - 2].number >= 1;
	if (w->len < 4 && !after_number) /* "I am out until": no October in Portuguese */
		return number;
	return number || suffix || named_at(n, k - 1, month_names, &len) > 0 ||
	       (named_at(n, k - 1, weekday_names, &len) <= 6 && len > 0);
}

bool date_at(const struct note *n, size_t i, struct found *f)
{
	*f = (struct found){ .from = i };
	if (duration(n, i, f))
		return true;
	*f = (struct found){ .from = i };
	bool is = exact_date(n, i, f);
	if (!is) {
		*f = (struct found){ .from = i };
		is = weekday(n, i, f) || whole(n, i, f) || month_of_year(n, i, f) || relative(n, i, f);
	}
	if (!is) {
		*f = (struct found){ .from = i };
		is = bare_day(n, i, f);
	}
	if (is && !f->range)
		f->range = range_before(n, i);
	return is;
}
