#include "abv/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/clock.h"
#include "json_int.h"
#include "utf8_int.h"

/* The letter behind the backslash; 'u' for a \u00xx; 0 when the byte goes as it is. */
static char escape_of(unsigned char c)
{
	static const char below_space[] = "uuuuuuuubtnufruuuuuuuuuuuuuuuuuu";

	if (c < 0x20)
		return below_space[c];
	if (c == '"' || c == '\\')
		return (char)c;
	return c == 0x7f ? 'u' : 0;
}

static void quote_ascii(struct buf *b, char c)
{
	static const char hex[] = "0123456789abcdef";
	char how = escape_of((unsigned char)c);

	if (how != 'u') {
		buf_add(b, (char[2]){ '\\', how }, 2);
		return;
	}
	buf_add(b, (char[6]){ '\\', 'u', '0', '0', hex[(unsigned char)c >> 4], hex[c & 15] }, 6);
}

/* The length of what goes as it is: ASCII without anything to escape. */
static size_t plain_run(const char *s, size_t n)
{
	size_t i = json_plain(s, n);

	while (i < n && (unsigned char)s[i] < 0x80 && !escape_of((unsigned char)s[i]))
		i++;
	return i;
}

void json_quote(struct buf *b, const char *s, size_t n)
{
	size_t i, from = 0, bad, len;
	uint32_t c;

	buf_reserve(b, n + 2);
	b->data[b->len++] = '"';
	for (i = plain_run(s, n); i < n; i += plain_run(s + i, n - i)) {
		len = utf8_next(s + i, n - i, &c, &bad);
		if (len > 1) {
			i += len;
			continue;
		}
		buf_add(b, s + from, i - from);
		if (len == 1)
			quote_ascii(b, s[i]);
		else
			buf_str(b, "\xef\xbf\xbd");
		i += len ? len : bad;
		from = i;
	}
	buf_add(b, s + from, i - from);
	buf_char(b, '"');
}

void json_decimal(struct buf *b, int64_t value)
{
	char text[24], *p = text + sizeof(text);
	uint64_t v = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	if (value < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

static void member(struct buf *b, const char *name)
{
	char last = '{';

	if (b->len)
		last = b->data[b->len - 1];
	if (last != '{' && last != '[')
		buf_char(b, ',');
	json_quote(b, name, strlen(name));
	buf_char(b, ':');
}

void json_add_str(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	member(b, name);
	json_quote(b, value, strlen(value));
}

void json_add_int(struct buf *b, const char *name, int64_t value)
{
	member(b, name);
	json_decimal(b, value);
}

void json_add_double(struct buf *b, const char *name, double value)
{
	char text[32], *comma;

	member(b, name);
	if (!isfinite(value)) { /* JSON has no such number */
		buf_str(b, "null");
		return;
	}
	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof(text), "%.17g", value);
	comma = strchr(text, ','); /* a library may have called setlocale() */
	if (comma)
		*comma = '.';
	buf_str(b, text);
}

void json_add_bool(struct buf *b, const char *name, bool value)
{
	member(b, name);
	buf_str(b, value ? "true" : "false");
}

void json_add_time(struct buf *b, const char *name, int64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	if (!ms)
		return;
	member(b, name);
	buf_char(b, '"');
	buf_str(b, clock_format(ms, text));
	buf_char(b, '"');
}

void json_add_raw(struct buf *b, const char *name, const char *json)
{
	if (!json)
		return;
	member(b, name);
	buf_str(b, json);
}
