/* JSON read where it stands (RFC 8259): tokens in their order, no tree. Every text is UTF-8 without NUL when it leaves
 * here, as it is with jansson. */
#include <string.h>

#include "abv/json.h"
#include "json_int.h"
#include "utf8_int.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

char json_scan_next(struct json_scan *s)
{
	while (s->at < s->end && is_space(*s->at))
		s->at++;
	return s->at < s->end ? *s->at : '\0';
}

bool json_scan_take(struct json_scan *s, char c)
{
	if (json_scan_next(s) != c || !c)
		return false;
	s->at++;
	return true;
}

/* ---- texts ---- */

/* Four hexadecimal digits: -1 when they are none. */
static int32_t hex4(const char *p, const char *end)
{
	int32_t v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;

		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

static char *utf8_put(char *out, uint32_t c)
{
	int more = c >= 0x10000 ? 3 : c >= 0x800 ? 2 : c >= 0x80 ? 1 : 0;
	static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };

	*out++ = (char)(lead[more] | c >> (6 * more));
	while (more--)
		*out++ = (char)(0x80 | (c >> (6 * more) & 0x3f));
	return out;
}

/* p is behind "\u". Characters beyond U+FFFF stand as two halves; a half alone is none. */
static const char *unicode(const char *p, const char *end, char **out)
{
	int32_t c = hex4(p, end), low;

	p += 4;
	if (c <= 0 || (c >= 0xdc00 && c <= 0xdfff))
		return NULL;
	if (c >= 0xd800 && c <= 0xdbff) {
		if (end - p < 2 || p[0] != '\\' || p[1] != 'u')
			return NULL;
		low = hex4(p + 2, end);
		if (low < 0xdc00 || low > 0xdfff)
			return NULL;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		p += 6;
	}
	*out = utf8_put(*out, (uint32_t)c);
	return p;
}

/* p is behind the backslash. NULL: this is no escape. */
static const char *escape(const char *p, const char *end, char **out)
{
	static const char letter[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (p == end)
		return NULL;
	if (*p == 'u')
		return unicode(p + 1, end, out);
	found = *p ? strchr(letter, *p) : NULL;
	if (!found)
		return NULL;
	*(*out)++ = meant[found - letter];
	return p + 1;
}

/* What json_plain stopped at, and is not the end of the text. */
static const char *one(struct json_scan *s, const char *p, char **out)
{
	const char *begin = *out;
	uint32_t c;
	size_t len;

	if (*p == '\\') {
		p = escape(p + 1, s->end, out);
		s->control |= p && ((unsigned char)*begin < 0x20 || *begin == 0x7f);
		return p;
	}
	len = utf8_next(p, (size_t)(s->end - p), &c, NULL);
	if (!len || c < 0x20)
		return NULL;
	s->control |= c == 0x7f;
	memcpy(*out, p, len);
	*out += len;
	return p + len;
}

bool json_scan_text(struct json_scan *s, char **text, size_t *n)
{
	const char *p;
	char *out = s->room;
	size_t plain;

	if (json_scan_next(s) != '"')
		return false;
	s->control = false;
	for (p = s->at + 1; p && p < s->end && *p != '"'; p = one(s, p, &out)) {
		plain = json_plain(p, (size_t)(s->end - p));
		memcpy(out, p, plain);
		out += plain;
		p += plain;
		if (p == s->end || *p == '"')
			break;
	}
	if (!p || p == s->end)
		return false;
	*out = '\0';
	*text = s->room;
	*n = (size_t)(out - s->room);
	s->room = out + 1;
	s->at = p + 1;
	return true;
}

/* ---- anything ---- */

/* Behind the end of a text whose first quote p is; `end` when it has none. */
static const char *behind_text(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\' && p + 1 < end;
	return p < end ? p + 1 : end;
}

void json_scan_skip(struct json_scan *s, const char **from, size_t *n)
{
	size_t depth = 0;
	const char *p;

	(void)json_scan_next(s);
	for (p = *from = s->at; p < s->end;) {
		bool closes = *p == ']' || *p == '}';

		if (!depth && (closes || *p == ',' || *p == ':' || is_space(*p)))
			break;
		depth += *p == '[' || *p == '{';
		depth -= closes;
		p = *p == '"' ? behind_text(p, s->end) : p + 1;
		if (closes && !depth)
			break;
	}
	*n = (size_t)(p - s->at);
	s->at = p;
}
