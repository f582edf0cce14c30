/* What a row's bytes are like, whatever libcsv made of them: text, quotes, lines, names of columns. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "abv/mem.h"
#include "abv/problem.h"
#include "csv_int.h"

/* Columns with a meaning of their own are found whatever their case; every other name is an attribute, as it is
 * written. */
static const char *const known_column[] = { "email",   "first_name",     "last_name", "account",
					    "title",   "timezone",       "owner",     "tags",
					    "consent", "consent_source", "consent_at" };

/* RFC 3629. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
	static const struct {
		unsigned char from, to, second_from, second_to, length;
	} form[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof form / sizeof form[0]; i++) {
		size_t length = form[i].length;

		if (*s < form[i].from || *s > form[i].to)
			continue;
		if (n < length || s[1] < form[i].second_from || s[1] > form[i].second_to)
			return 0;
		for (size_t k = 2; k < length; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return length;
	}
	return 0;
}

static bool is_utf8(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i = 0, length;
	uint64_t eight;

	while (i < n) {
		if (n - i >= sizeof eight) {
			memcpy(&eight, s + i, sizeof eight);
			if (!(eight & UINT64_C(0x8080808080808080))) {
				i += sizeof eight;
				continue;
			}
		}
		length = s[i] < 0x80 ? 1 : utf8_length(s + i, n - i);
		if (!length)
			return false;
		i += length;
	}
	return true;
}

bool csv_is_text(const char *s, size_t n)
{
	return !memchr(s, '\0', n) && is_utf8(s, n);
}

/* Behind a quoted field's closing quote comes a comma or the end; libcsv would go on inside the quotes. */
void csv_quotes_feed(struct csv_quotes *q, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end && !q->lost) {
		const char *found;

		switch (q->at) {
		case QUOTES_BEGIN:
			q->at = *p == '"' ? QUOTES_INSIDE : QUOTES_PLAIN;
			p += *p == '"';
			break;
		case QUOTES_PLAIN:
			found = memchr(p, ',', (size_t)(end - p));
			q->at = found ? QUOTES_BEGIN : QUOTES_PLAIN;
			p = found ? found + 1 : end;
			break;
		case QUOTES_INSIDE:
			found = memchr(p, '"', (size_t)(end - p));
			q->at = found ? QUOTES_CLOSED : QUOTES_INSIDE;
			p = found ? found + 1 : end;
			break;
		case QUOTES_CLOSED:
			q->lost = *p != '"' && *p != ',' && *p != '\r' && *p != '\n';
			q->at = *p == '"' ? QUOTES_INSIDE : QUOTES_BEGIN;
			p++;
			break;
		}
	}
}

bool csv_is_well_quoted(const char *p, size_t n)
{
	struct csv_quotes q = { 0 };

	csv_quotes_feed(&q, p, n);
	return !q.lost;
}

/* Up to and with the first line end; all when there is none. */
size_t csv_first_line(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\n' || p[i] == '\r')
			return i + 1 + (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n');
	return n;
}

/* Without the white space around. */
char *csv_column_name(const char *p, size_t n)
{
	while (n && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	for (size_t i = 0; i < sizeof known_column / sizeof known_column[0]; i++)
		if (strlen(known_column[i]) == n && !strncasecmp(known_column[i], p, n))
			return mem_strdup(known_column[i]);
	return mem_strndup(p ? p : "", n);
}

const char *csv_column_near(const char *name)
{
	const char *near = NULL;
	size_t n = strlen(name);
	int best = n > 6 ? 3 : 2;

	for (size_t i = 0; i < sizeof known_column / sizeof known_column[0] && n > 4; i++) {
		int distance = problem_distance(name, n, known_column[i], strlen(known_column[i]));

		if (distance == 0)
			return NULL;
		if (distance < best) {
			best = distance;
			near = known_column[i];
		}
	}
	return near;
}

char csv_separator(const char *header, size_t n)
{
	size_t comma = 0, semicolon = 0, tab = 0;

	for (size_t i = 0; i < n; i++) {
		comma += header[i] == ',';
		semicolon += header[i] == ';';
		tab += header[i] == '\t';
	}
	if (semicolon > comma && semicolon >= tab)
		return ';';
	return tab > comma ? '\t' : ',';
}
