/* Code points, and the marks that stand for values until they are known. */
#include <string.h>

#include "render_int.h"

uint32_t render_utf8_next(const char *s, size_t n, size_t *at)
{
	const unsigned char *p = (const unsigned char *)s + *at;
	size_t left = n - *at;
	size_t more = p[0] < 0x80                   ? 0
		      : p[0] >= 0xc2 && p[0] < 0xe0 ? 1
		      : p[0] >= 0xe0 && p[0] < 0xf0 ? 2
		      : p[0] >= 0xf0 && p[0] < 0xf5 ? 3
						    : 9;
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t c;

	*at += 1;
	if (more == 0)
		return p[0];
	if (more > 3 || more >= left)
		return UTF8_BAD;
	c = p[0] & (0x3fu >> more);
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return UTF8_BAD;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return UTF8_BAD;
	*at += more;
	return c;
}

void render_utf8_add(struct buf *b, uint32_t c)
{
	char out[4];
	size_t n;

	if (c < 0x80) {
		out[0] = (char)c;
		n = 1;
	} else if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		n = 2;
	} else if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		n = 3;
	} else {
		out[0] = (char)(0xf0 | c >> 18);
		out[1] = (char)(0x80 | (c >> 12 & 0x3f));
		out[2] = (char)(0x80 | (c >> 6 & 0x3f));
		out[3] = (char)(0x80 | (c & 0x3f));
		n = 4;
	}
	buf_add(b, out, n);
}

/* Besides controls, what turns the direction of the text around it is dropped: a value must not rearrange the letter.
 */
enum value_char render_value_char(uint32_t c)
{
	if ((c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0x2028 || c == 0x2029)
		return VALUE_CHAR_SPACE;
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	    c == 0xfeff || (c >= MARK_FIRST && c <= MARK_LAST))
		return VALUE_CHAR_DROP;
	return VALUE_CHAR_KEEP;
}

bool render_is_blank(const char *s)
{
	if (s == NULL)
		return true;
	size_t n = strlen(s), at = 0;
	while (at < n)
		if (render_value_char(render_utf8_next(s, n, &at)) == VALUE_CHAR_KEEP)
			return false;
	return true;
}

void render_mark_add(struct buf *b, unsigned number, enum place p)
{
	render_utf8_add(b, MARK_FIRST + (uint32_t)number * 8 + (uint32_t)p);
}

bool render_is_mark(uint32_t c)
{
	return c >= MARK_FIRST && c <= MARK_LAST;
}

unsigned render_mark_number(uint32_t c)
{
	return (c - MARK_FIRST) / 8;
}

enum place render_mark_place(uint32_t c)
{
	return (enum place)((c - MARK_FIRST) % 8);
}

/* Plane 16 is the lead byte F4 with 80..8F behind it; in valid UTF-8 F4 leads nothing else. */
bool render_has_mark(const char *s, size_t n)
{
	return n > 0 && memchr(s, 0xf4, n) != NULL;
}

void render_add_placed(struct buf *b, const char *s, size_t n, enum place p)
{
	for (size_t at = 0; at < n;) {
		const char *mark = memchr(s + at, 0xf4, n - at);
		size_t to = mark != NULL ? (size_t)(mark - s) : n;

		buf_add(b, s + at, to - at);
		if (to < n) {
			uint32_t c = render_utf8_next(s, n, &to);
			if (render_is_mark(c))
				render_mark_add(b, render_mark_number(c), p);
		}
		at = to;
	}
}
