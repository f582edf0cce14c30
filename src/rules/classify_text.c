#include <string.h>
#include <strings.h>

#include "classify_int.h"

bool text_begins(const char *s, const char *with)
{
	return !strncasecmp(s, with, strlen(with));
}

bool text_contains(const char *s, const char *what)
{
	return strcasestr(s, what) != NULL;
}

const char *text_find(const char *s, size_t n, const char *what)
{
	return memmem(s, n, what, strlen(what));
}

void text_set(char *to, size_t cap, const char *s, size_t n)
{
	if (n >= cap)
		n = cap - 1;
	memcpy(to, s, n);
	to[n] = '\0';
}

void text_put(char *to, size_t cap, const char *s)
{
	text_set(to, cap, s, strlen(s));
}

/* The bytes of a mark that texts in Chinese and Japanese set around addresses without a space: U+3000-U+3015, and the
 * full-width U+FF00-U+FF1F; 0: it is none. No address of RFC 6531 that is in use has one. */
static size_t wide_mark(const char *s, const char *end)
{
	const unsigned char *u = (const unsigned char *)s;

	if (end - s < 3)
		return 0;
	if (u[0] == 0xe3 && u[1] == 0x80 && u[2] <= 0x95)
		return 3;
	return u[0] == 0xef && u[1] == 0xbc && (u[2] <= 0x8f || u[2] >= 0x9a) && u[2] <= 0x9f ? 3 : 0;
}

size_t text_wide_mark_before(const char *begin, const char *s)
{
	return s - begin >= 3 ? wide_mark(s - 3, s) : 0;
}

static bool is_local_char(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && !strchr("<>()[]\\,;:\"@|", c);
}

static bool is_domain_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
	       c == '_' || (unsigned char)c >= 0x80;
}

/* Where the local part in front of the '@' begins; a quoted one is taken with its quotes. */
static const char *local_begin(const char *s, const char *at)
{
	const char *b = at;

	if (at - s >= 3 && at[-1] == '"') {
		for (b = at - 2; b > s && *b != '"' && at - b < 70; b--)
			;
		return *b == '"' && b < at - 2 ? b : at;
	}
	while (b > s && is_local_char(b[-1]) && text_wide_mark_before(s, b) == 0)
		b--;
	while (b < at && strchr("'`.-=*/", *b) &&
	       b[1] != '?') /* "'ann@example.com'", "->ann@example.com"; not "=?utf-8?" */
		b++;
	return b;
}

static const char *domain_end(const char *domain, const char *end)
{
	const char *e = domain;

	if (e < end && *e == '[') {
		while (e < end && *e != ']' && *e != '\n')
			e++;
		return e < end && *e == ']' ? e + 1 : domain;
	}
	while (e < end && is_domain_char(*e) && wide_mark(e, end) == 0)
		e++;
	while (e > domain && strchr(".-_", e[-1]))
		e--;
	return e;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool address_find(const char *s, size_t n, char out[256], const char **end)
{
	const char *stop = s + n;

	for (const char *at = s; (at = memchr(at, '@', (size_t)(stop - at))) != NULL; at++) {
		const char *b = local_begin(s, at), *e = domain_end(at + 1, stop);

		if (b == at || e == at + 1 || e - b > 254 || (stop - e > 1 && e[0] == '"' && e[1] == '@'))
			continue;
		for (size_t i = 0; i < (size_t)(e - b); i++)
			out[i] = lower(b[i]);
		out[e - b] = '\0';
		if (end)
			*end = e;
		return true;
	}
	out[0] = '\0';
	return false;
}

/* The same, where the address must stand at s; quotes and brackets around it are passed over. */
bool address_at(const char *s, size_t n, char out[256], const char **end)
{
	size_t skip = 0, len;
	const char *e;

	while (skip < n && skip < 3 && strchr("<\"'([", s[skip]) &&
	       !(s[skip] == '"' && memchr(s + skip + 1, '"', n - skip - 1) &&
		 ((const char *)memchr(s + skip + 1, '"', n - skip - 1))[1] == '@'))
		skip++;
	if (n - skip > 7 && text_begins(s + skip, "mailto:"))
		skip += 7;
	if (n - skip > 5 && text_begins(s + skip, "smtp:"))
		skip += 5;
	s += skip;
	n -= skip;
	len = 0;
	if (n > 0 && *s == '"')
		len = 1 + strcspn(s + 1, "\"\n") + 1;
	else
		while (len < n && is_local_char(s[len]))
			len++;
	if (len == 0 || len >= n || s[len] != '@')
		return false;
	e = domain_end(s + len + 1, s + n);
	if (!address_find(s, (size_t)(e - s), out, NULL))
		return false;
	while (e < s + n && skip-- > 0 && strchr(">\"')]", *e))
		e++;
	*end = e;
	return true;
}
