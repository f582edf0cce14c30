/* The send window: days, hours, zones, holidays; and lists of words. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_int.h"

/* 0 = Monday; -1 when it is no day. Advances *p. */
static int read_day(const char **p)
{
	static const char *const names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

	for (int i = 0; i < 7; i++)
		if (!strncasecmp(*p, names[i], 3)) {
			*p += 3;
			return i;
		}
	return -1;
}

static const char *skip_blank(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

/* "mon-fri", "mon,wed,fri", "sat-mon,thu" -> bits; 0 when it cannot be read. */
static unsigned read_days(const char *p)
{
	unsigned days = 0;

	for (;;) {
		p = skip_blank(p);
		int from = read_day(&p), to = from;

		p = skip_blank(p);
		if (*p == '-') {
			p = skip_blank(p + 1);
			to = read_day(&p);
			p = skip_blank(p);
		}
		if (from < 0 || to < 0 || (*p && *p != ','))
			return 0;
		for (int d = from;; d = (d + 1) % 7) {
			days |= 1U << d;
			if (d == to)
				break;
		}
		if (!*p)
			return days;
		p++;
	}
}

int set_days(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *text = setting_text(r, s, false);
	unsigned days = text ? read_days(text) : 0;

	(void)o;
	if (!text)
		return -1;
	if (!days)
		return reader_fail(r, s, "bad-value", "'days' must be like \"mon-fri\" or \"mon,wed,fri\"");
	((struct window *)at)->weekdays = days;
	return 0;
}

/* "08:30" -> seconds; -1. Advances *p. */
static int32_t read_clock(const char **p)
{
	const char *s = *p;
	int hour = 0, n = 0;

	while (n < 2 && isdigit((unsigned char)s[n]))
		hour = hour * 10 + (s[n++] - '0');
	if (!n || s[n] != ':' || !isdigit((unsigned char)s[n + 1]) || !isdigit((unsigned char)s[n + 2]))
		return -1;
	int minute = (s[n + 1] - '0') * 10 + (s[n + 2] - '0');

	*p = s + n + 3;
	return minute > 59 || hour > 24 || (hour == 24 && minute) ? -1 : (hour * 60 + minute) * 60;
}

int set_hours(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *text = setting_text(r, s, false);

	(void)o;
	if (!text)
		return -1;
	const char *p = skip_blank(text);
	struct hours h;

	h.from = read_clock(&p);
	p = skip_blank(p);
	if (h.from < 0 || *p != '-')
		return reader_fail(r, s, "bad-value", "'hours' must be like \"08:30-17:30\"");
	p = skip_blank(p + 1);
	h.to = read_clock(&p);
	if (h.to < 0 || *skip_blank(p))
		return reader_fail(r, s, "bad-value", "'hours' must be like \"08:30-17:30\"");
	if (h.from >= h.to)
		return reader_fail(r, s, "bad-value",
				   "'hours' must end later on the same day: this window never opens");
	*(struct hours *)at = h;
	return 0;
}

static const struct zone *read_zone(struct reader *r, const config_setting_t *s, const char *text)
{
	const struct zone *z = zone_find(text);

	if (!z)
		reader_say(r, s, "bad-value", "'%s': '%.80s' is no IANA time zone such as \"Europe/Paris\"",
			   config_setting_name(s), text);
	return z;
}

int set_zone(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *text = setting_text(r, s, false);
	const struct zone *z = text ? read_zone(r, s, text) : NULL;

	(void)o;
	if (!z)
		return -1;
	*(const struct zone **)at = z;
	return 0;
}

int set_timezone(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *text = setting_text(r, s, false);

	if (!text)
		return -1;
	if (strcmp(text, "contact") != 0)
		return set_zone(r, o, s, at);
	*(const struct zone **)at = NULL;
	return 0;
}

int set_holidays(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	struct window *w = at;
	const char *const *name = NULL;
	size_t n = 0;
	const int32_t *all = NULL;
	size_t all_n = 0;
	int rc = 0;

	(void)o;
	if (setting_texts(r, s, &name, &n) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *member = config_setting_get_elem((config_setting_t *)s, (unsigned)i);
		const char *path = path_beside(r->owned, setting_spot(r, member).file, name[i]);
		struct err e = { "" };
		size_t days_n = 0;

		if (calendar_check(r, path) > 0) {
			rc = -1;
			continue;
		}
		int32_t *days = holidays_read(path, &days_n, &e);

		if (!days) {
			rc = reader_fail(r, member, "missing-file", "%s", e.text);
			continue;
		}
		if (!days_n)
			reader_tell(r, SEVERITY_WARNING, setting_spot(r, member), "no-holidays",
				    "'%s' holds no all-day event of the years 2015 to 2045", path);
		all = holidays_join(r->owned, all, all_n, days, days_n, &all_n);
		free(days);
	}
	if (rc == 0) {
		w->holidays = all;
		w->holiday_n = all_n;
	}
	return rc;
}

/* Words are compared folded: consent bases and domains. */
static const char *const *fold_words(struct reader *r, const char *const *word, size_t n)
{
	const char **row = owned_alloc(r->owned, n + 1, sizeof *row);

	for (size_t i = 0; i < n; i++) {
		char *copy = (char *)owned_text(r->owned, word[i]);

		for (char *p = copy; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		row[i] = copy;
	}
	return row;
}

/* A word that is nobody's basis stops people for good once it is loaded, so a slip of the pen is worth a warning. */
static void known_bases(struct reader *r, const config_setting_t *s, const char *const *word, size_t n)
{
	static const char *const known[] = { "opt_in", "customer", "inquiry" };

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < sizeof known / sizeof *known && strcmp(known[k], word[i]) != 0)
			k++;
		if (k == sizeof known / sizeof *known)
			reader_tell(r, SEVERITY_WARNING, setting_spot(r, s), "own-basis",
				    "'%s' is none of opt_in, customer, inquiry; it is taken as a basis of your own",
				    word[i]);
	}
}

int set_accept(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *const *word = NULL;
	size_t n = 0;

	if (setting_texts(r, s, &word, &n) < 0)
		return -1;
	if (!n)
		return reader_fail(r, s, "bad-value", "'%s' is empty", config_setting_name(s));
	word = fold_words(r, word, n);
	if (o->place == AT_ALIAS) {
		((struct account_alias *)at)->domain = word;
		((struct account_alias *)at)->domain_n = n;
	} else {
		known_bases(r, s, word, n);
		((struct policy *)at)->consent_accept = word;
		((struct policy *)at)->consent_accept_n = n;
	}
	return 0;
}
