/* What a line says: is it of a program (an attribution, a header, "Original Message") or of a person? Doubt is for the
 * person: a line is a program's only when two independent signs agree, such as a verb of writing and a date. */
#include <string.h>

#include "reply_int.h"

#define ATTRIBUTION_WORDS 12 /* words of a name behind "schrieb" */

static const char *skip(const char *s, const char *set)
{
	return s + strspn(s, set);
}

static bool begins_with_any(const char *s, const char *const *list)
{
	for (; *list != NULL; list++)
		if (line_starts_with(s, *list))
			return true;
	return false;
}

enum header_label line_label(const char *line)
{
	const char *s = skip(line, " \t*_");
	size_t n = strcspn(s, ":*\t");
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '_'))
		n--;
	const char *end = skip(s + n, " *_\t");
	if (*end != ':' || n == 0 || n > 40)
		return LABEL_NONE;
	for (const struct label_word *w = reply_labels; w->text != NULL; w++)
		if (strlen(w->text) == n && memcmp(w->text, s, n) == 0)
			return w->label;
	return LABEL_NONE;
}

bool line_is_ruler(const char *line)
{
	const char *s = skip(line, " \t");
	size_t n = strspn(s, "-_=*~");
	return n >= 4 && *skip(s + n, " \t") == '\0';
}

enum opener line_opener(const char *line)
{
	const char *s = skip(line, " \t>");
	size_t rule = strspn(s, "-_=*~#");
	const char *end = s + strlen(s);
	s = skip(s + rule, " \t-_=*#");
	while (end > s && strchr(" \t-_=*#:", end[-1]) != NULL)
		end--;
	for (const char *const *w = reply_forwards; *w != NULL; w++)
		if (line_starts_with(s, *w) &&
		    (rule >= 2 || (line_starts_with(*w, "begin") && end - s <= 40) || (size_t)(end - s) == strlen(*w)))
			return OPENER_FORWARD;
	for (const char *const *w = reply_originals; *w != NULL; w++)
		if (line_starts_with(s, *w) && rule >= 2 && (size_t)(end - s) <= strlen(*w) + 40)
			return OPENER_ORIGINAL;
	return rule >= 2 && strstr(s, "reply above this line") != NULL ? OPENER_ORIGINAL : OPENER_NONE;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 12/01/2026, 2026-01-12, 12.1.26, 10:30, 17.45 after a date's comma counts not; a year of four digits. */
static bool has_date(const char *s)
{
	for (; *s != '\0'; s++) {
		if (!digit(*s))
			continue;
		size_t n = strspn(s, "0123456789");
		const char *p = s + n;
		if (n <= 2 && (*p == ':' || *p == 'h') && digit(p[1]) && digit(p[2]))
			return true;
		if (n == 4 && (line_starts_with(s, "19") || line_starts_with(s, "20")))
			return true;
		if (n <= 2 && strchr("./-", *p) != NULL && *p != '\0') {
			size_t m = strcspn(p + 1, "./- ");
			const char *q = p + 1 + m;
			if (m > 0 && m <= 10 && *q == *p && digit(q[1]) && digit(q[2]))
				return true;
		}
		s = p - 1;
	}
	return false;
}

bool line_has_time(const char *line)
{
	for (const char *s = strchr(line, ':'); s != NULL && *s != '\0'; s = strchr(s + 1, ':'))
		if (s > line && digit(s[-1]) && digit(s[1]) && digit(s[2]))
			return true;
	return false;
}

/* Does it begin like a date: a digit, or a weekday and then digits soon? */
static bool begins_with_date(const char *s)
{
	if (digit(*s))
		return true;
	for (const char *const *d = reply_days; *d != NULL; d++) {
		size_t n = strlen(*d);
		if (strncmp(s, *d, n) == 0 && !is_word_byte(s[n]) && s[n] != '\0' && strcspn(s + n, "0123456789") <= 20)
			return true;
	}
	return false;
}

static size_t starter(const char *s)
{
	for (const char *const *w = reply_starters; *w != NULL; w++)
		if (line_starts_with(s, *w))
			return strlen(*w);
	return 0;
}

static bool ends_with_verb(const char *s, size_t n)
{
	for (const char *const *v = reply_verbs_last; *v != NULL; v++) {
		size_t len = strlen(*v);
		if (n > len && s[n - len] == **v && memcmp(s + n - len, *v, len) == 0 &&
		    (!is_word_byte(s[n - len - 1]) || (unsigned char)**v >= 0xe0))
			return true;
	}
	return false;
}

/* A verb of writing with at most a name behind it. */
static bool has_middle_verb(const char *s)
{
	if (strnlen(s, 8) < 8)
		return false;
	for (const char *const *v = reply_verbs_middle; *v != NULL; v++) {
		const char *at = strstr(s, *v);
		if (at == NULL || (at > s && is_word_byte(at[-1])) || is_word_byte(at[strlen(*v)]))
			continue;
		int words = 0;
		for (const char *p = at; *p != '\0'; p++)
			words += *p == ' ';
		if (words <= ATTRIBUTION_WORDS)
			return true;
	}
	return false;
}

static int words_in(const char *s)
{
	int n = *s != '\0';
	for (; *s != '\0'; s++)
		n += *s == ' ';
	return n;
}

/* The parts of an attribution that its judgement rests on. */
struct attribution {
	const char *s; /* without rulers around */
	size_t n;      /* without colon and ruler at the end */
	bool colon, ruled, date, address, starts;
};

static struct attribution attribution_of(const char *line)
{
	struct attribution a = { .s = skip(line, " \t-*_\""), .n = 0 };
	size_t end = strlen(a.s);
	a.ruled = a.s - line >= 2 && a.s[-1] != '*';
	while (end > 0 && strchr(" \t-*_:\"", a.s[end - 1]) != NULL)
		a.colon |= a.s[--end] == ':';
	a.n = end;
	a.date = has_date(a.s);
	a.address = strchr(a.s, '@') != NULL;
	a.starts = starter(a.s) > 0 || begins_with_date(a.s) || (unsigned char)*a.s >= 0x80; /* other scripts */
	return a;
}

bool line_is_attribution(const char *line, bool quoted)
{
	struct attribution a = attribution_of(line);
	if (a.n < 8 || a.n > 500)
		return false;
	if (ends_with_verb(a.s, a.n)) {
		if (a.starts && a.date && (a.colon || a.address || a.ruled))
			return true;
		if (a.colon && (a.address || (quoted && words_in(a.s) <= ATTRIBUTION_WORDS)))
			return true;
		if (a.ruled && words_in(a.s) <= ATTRIBUTION_WORDS &&
		    strchr("-_", a.s[a.n + strspn(a.s + a.n, " :")]) != NULL)
			return a.s[a.n] != '\0';
		return a.starts && a.date && quoted;
	}
	if (a.colon && has_middle_verb(a.s))
		return (a.date && (a.starts || quoted || a.address)) || (a.address && quoted) ||
		       (quoted && words_in(a.s) <= ATTRIBUTION_WORDS);
	if (a.address && a.date && begins_with_date(a.s))
		return a.colon || (quoted && a.s[a.n - 1] == '>');
	if (a.colon && a.address &&
	    (line_starts_with(a.s, "quoting ") || line_starts_with(a.s, "zitat von ") || line_starts_with(a.s, "citando a ")))
		return true; /* Horde */
	/* a language not known here: a date, an address in brackets, a colon, and a quote below */
	return a.colon && a.date && a.address && quoted && strchr(a.s, '<') != NULL;
}

size_t line_attribution_inside(const char *s, bool quoted)
{
	for (size_t i = 1; i < 600 && s[i] != '\0'; i++) {
		if (s[i - 1] != ' ' && s[i - 1] != '-')
			continue;
		size_t n = starter(s + i);
		if (n == 0 || !begins_with_date(s + i + n))
			continue;
		struct attribution a = attribution_of(s + i);
		if (a.date && a.colon && line_is_attribution(s + i, quoted))
			return i;
	}
	return 0;
}

bool line_starts_attribution(const char *line)
{
	const char *s = skip(line, " \t-*_\"");
	return starter(s) > 0 || begins_with_date(s);
}

bool line_may_attribute(const char *line)
{
	size_t n = strlen(line);
	return line_starts_attribution(line) || strchr(line, '@') != NULL || has_middle_verb(line) ||
	       (n > 0 && (line[n - 1] == ':' || line[n - 1] == '-'));
}

bool line_is_mobile(const char *line)
{
	const char *s = skip(line, " \t*_-\"[(");
	/* "Sent from my desk, which is easier than my telephone": a sentence of somebody */
	bool sentence =
	    strstr(s, " is ") != NULL || strstr(s, " was ") != NULL || (*s != '\0' && s[strlen(s) - 1] == '?');
	return !sentence && begins_with_any(s, reply_mobile) && words_in(s) <= 16 && strlen(s) <= 200;
}

bool line_is_footer(const char *line)
{
	return begins_with_any(skip(line, " \t*_-\"[("), reply_footers);
}

bool line_is_closing(const char *line)
{
	const char *s = skip(line, " \t*_");
	size_t n = strcspn(s, ",!.");
	const char *after = skip(s + n, ",!. *_");
	while (n > 0 && strchr(" *_", s[n - 1]) != NULL)
		n--;
	if (*after != '\0' && words_in(after) > 3)
		return false;
	for (const char *const *c = reply_closings; *c != NULL; c++)
		if (**c == *s && strlen(*c) == n && memcmp(*c, s, n) == 0)
			return true;
	return false;
}

bool line_has_contact(const char *line)
{
	const char *s = skip(line, " \t*_|");
	size_t digits = 0, len = strlen(s);
	if (len == 0 || len > 120 || ((s[len - 1] == '?' || s[len - 1] == '!' || s[len - 1] == '.') && words_in(s) > 4))
		return false;
	if (line_starts_with(s, "http://") || line_starts_with(s, "https://") || line_starts_with(s, "www.") ||
	    line_starts_with(s, "<http"))
		return words_in(s) <= 2;
	for (size_t i = 0; i < len; i++)
		digits += digit(s[i]);
	if (words_in(s) > 10)
		return false;
	if (strchr(s, '@') != NULL || strstr(s, "www.") != NULL || strstr(s, "http") != NULL)
		return true;
	return digits >= 7 && digits <= 20 && digits * 3 >= len - strspn(s, " ") - (digits >= 9 ? digits : 0);
}
