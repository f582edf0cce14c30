/* What keeps values in their place: HTML-escaped in HTML, percent-encoded in URLs, one line and no controls everywhere.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "render_int.h"

static const char *html_entity(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

/* For each ASCII byte: may it stand as it is in a value at this place? The rest goes the long way. */
#define PLAIN_TEXT 1
#define PLAIN_HTML 2
#define PLAIN_PART 4 /* unreserved (RFC 3986 2.3) */
#define PLAIN_URL  8 /* reserved and unreserved, and '%', without what HTML gives a meaning */
static unsigned char plain_class(unsigned char c)
{
	bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
	unsigned r = 0;

	if (c <= ' ' || c >= 0x7f)
		return 0;
	r |= PLAIN_TEXT;
	if (html_entity((char)c) == NULL)
		r |= PLAIN_HTML;
	if (alnum || strchr("-._~", c) != NULL)
		r |= PLAIN_PART;
	if (alnum || strchr("-._~:/?#@!$()*+,;=%", c) != NULL)
		r |= PLAIN_URL;
	return (unsigned char)r;
}

static const unsigned char *plain_table(void)
{
	static unsigned char table[256];
	if (table['a'] == 0)
		for (unsigned c = 1; c < 256; c++)
			table[c] = plain_class((unsigned char)c);
	return table;
}

static const unsigned char plain_bit[PLACE_COUNT] = {
	[PLACE_TEXT] = PLAIN_TEXT,     [PLACE_SUBJECT] = PLAIN_TEXT, [PLACE_HTML] = PLAIN_HTML,
	[PLACE_URL_PART] = PLAIN_PART, [PLACE_URL_HTML] = PLAIN_URL, [PLACE_URL_TEXT] = PLAIN_URL,
};

static void percent_add(struct buf *b, const char *s, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < n; i++) {
		char out[3] = { '%', hex[(unsigned char)s[i] >> 4], hex[(unsigned char)s[i] & 15] };
		buf_add(b, out, 3);
	}
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncasecmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_url(enum place p)
{
	return p == PLACE_URL_PART || p == PLACE_URL_HTML || p == PLACE_URL_TEXT;
}

static void char_add(struct buf *b, uint32_t c, const char *s, size_t n, enum place p)
{
	if (c == UTF8_BAD) {
		s = "\xef\xbf\xbd";
		n = 3;
	}
	if (p == PLACE_HTML || (p == PLACE_URL_HTML && c == '&')) {
		const char *entity = n == 1 ? html_entity(*s) : NULL;
		if (entity != NULL)
			buf_str(b, entity);
		else
			buf_add(b, s, n);
	} else if (is_url(p) && !(p == PLACE_URL_TEXT && c == '&')) {
		percent_add(b, s, n);
	} else {
		buf_add(b, s, n);
	}
}

/* White space around a value goes, within it a run is one space. */
enum gap { GAP_START, GAP_NONE, GAP_OPEN };

static void gap_add(struct buf *b, enum gap *gap, enum place p)
{
	if (*gap == GAP_OPEN)
		char_add(b, ' ', " ", 1, p);
	*gap = GAP_NONE;
}

/* What goes as it is from s on, up to the NUL: in a text, the single spaces between words as well. */
static size_t plain_length(const char *s, enum place p)
{
	const unsigned char *table = plain_table();
	unsigned char bit = plain_bit[p];
	bool words = !is_url(p);
	size_t n = 0;

	for (;; n++) {
		while ((table[(unsigned char)s[n]] & bit) != 0)
			n++;
		if (!words || s[n] != ' ' || (table[(unsigned char)s[n + 1]] & bit) == 0)
			return n;
	}
}

void render_value_add(struct buf *b, const char *s, enum place p)
{
	const unsigned char *table = plain_table();
	size_t n = strlen(s), at = 0;
	enum gap gap = GAP_START;

	if ((p == PLACE_URL_HTML || p == PLACE_URL_TEXT) && !starts_with(s, "https://") && !starts_with(s, "http://") &&
	    !starts_with(s, "mailto:"))
		p = PLACE_URL_PART; /* no URL: then it must not become one of another scheme */
	while (at < n) {
		size_t from = at;
		uint32_t c = (unsigned char)s[at];
		if ((table[c] & plain_bit[p]) != 0) {
			gap_add(b, &gap, p);
			at += plain_length(s + at, p);
			buf_add(b, s + from, at - from);
			continue;
		}
		c = render_utf8_next(s, n, &at);
		enum value_char k = c == UTF8_BAD ? VALUE_CHAR_KEEP : render_value_char(c);
		if (k == VALUE_CHAR_SPACE || (k == VALUE_CHAR_DROP && p == PLACE_SUBJECT))
			gap = gap == GAP_START ? GAP_START : GAP_OPEN;
		if (k != VALUE_CHAR_KEEP)
			continue;
		gap_add(b, &gap, p);
		char_add(b, c, s + from, at - from, p);
	}
}

void render_html_escape(struct buf *b, const char *s, size_t n)
{
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		const char *entity = html_entity(s[i]);
		if (entity == NULL)
			continue;
		buf_add(b, s + from, i - from);
		buf_str(b, entity);
		from = i + 1;
	}
	buf_add(b, s + from, n - from);
}

void render_html_add(struct buf *b, const char *s, size_t n)
{
	struct buf placed = { 0 };

	render_add_placed(&placed, s, n, PLACE_HTML);
	render_html_escape(b, buf_text(&placed), placed.len);
	buf_free(&placed);
}

void render_url_add(struct buf *b, const char *url, enum place start)
{
	const unsigned char *table = plain_table();
	size_t n = strlen(url), at = 0;

	while (at < n) {
		size_t from = at;
		uint32_t c = render_utf8_next(url, n, &at);
		if (render_is_mark(c))
			render_mark_add(b, render_mark_number(c), from == 0 ? start : PLACE_URL_PART);
		else if (c < 0x80 && (table[c] & PLAIN_URL) != 0)
			buf_char(b, (char)c);
		else
			char_add(b, c, url + from, at - from, start);
	}
}

bool render_url_is_safe(const char *url)
{
	static const char *const scheme[] = { "http:", "https:", "mailto:", "tel:" };
	for (size_t i = 0; i < sizeof scheme / sizeof scheme[0]; i++)
		if (starts_with(url, scheme[i]))
			return true;
	return url[strcspn(url, ":/?#")] != ':';
}

/* The code point of "&#...;" at s, or 0 when there is none. */
static unsigned long reference_read(const char *s)
{
	bool hex = s[2] == 'x' || s[2] == 'X';
	const char *digits = s + (hex ? 3 : 2);
	size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");

	if (n == 0 || n > 8 || digits[n] != ';')
		return 0;
	return strtoul(digits, NULL, hex ? 16 : 10);
}

void render_references_defuse(struct buf *b)
{
	struct buf out = { 0 };
	const char *s = buf_text(b), *from = s, *at = s;

	while ((at = strstr(at, "&#")) != NULL) {
		unsigned long c = reference_read(at);
		at++;
		if (c == 0 || c == '\n' || c == '\t' ||
		    (c <= 0x10ffff && render_value_char((uint32_t)c) == VALUE_CHAR_KEEP) || c == ' ')
			continue;
		buf_add(&out, from, (size_t)(at - from));
		buf_str(&out, "amp;");
		from = at;
	}
	if (from != s) {
		buf_str(&out, from);
		buf_clear(b);
		buf_add(b, out.data, out.len);
	}
	buf_free(&out);
}
