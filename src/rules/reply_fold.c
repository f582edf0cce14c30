/* Folding: one form of a text in which all languages' tables are written, so that accents left out, capitals and
 * typographic characters make no difference. What is no UTF-8 is kept byte by byte. */
#include <string.h>

#include "reply_int.h"

/* U+00C0 - U+017F; a space: stays as it is. */
static const char latin[] = "aaaaaaaceeeeiiiidnooooo*ouuuuypsaaaaaaaceeeeiiiidnooooo/ouuuuypy"  /* 00C0 */
			    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"  /* 0100 */
			    "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs"; /* 0140 */

/* Length of the character at s, and its code point; a byte that begins none: 1 and 0. */
static size_t next_char(const char *s, size_t n, uint32_t *c)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len = u[0] < 0x80                   ? 1
		     : u[0] >= 0xc2 && u[0] < 0xe0 ? 2
		     : (u[0] & 0xf0) == 0xe0       ? 3
		     : (u[0] & 0xf8) == 0xf0       ? 4
						   : 0;
	*c = 0;
	if (len == 0 || len > n)
		return 1;
	uint32_t v = len == 1 ? u[0] : u[0] & (0xffU >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 1;
		v = v << 6 | (u[i] & 0x3f);
	}
	*c = v;
	return len;
}

/* ASCII for a typographic character; NULL none. */
static const char *ascii_for(uint32_t c)
{
	if (c >= 0x2000 && c <= 0x200a)
		return " ";
	switch (c) {
	case 0xa0:
	case 0x202f:
	case 0x205f:
	case 0x3000: return " ";
	case 0x2010:
	case 0x2011:
	case 0x2012:
	case 0x2013:
	case 0x2014:
	case 0x2015:
	case 0x2212: return "-";
	case 0x2018:
	case 0x2019:
	case 0x201a:
	case 0xb4:
	case '`': return "'";
	case 0xab:
	case 0xbb:
	case 0x201c:
	case 0x201d:
	case 0x201e: return "\"";
	case 0xaa: return "a"; /* ordinals: 1.ª, 1º */
	case 0xba:
	case 0xb0: return "o";
	case 0xdf: return "ss";
	case 0xc6:
	case 0xe6: return "ae";
	case 0x152:
	case 0x153: return "oe";
	case 0xff1a: return ":";
	default: return NULL;
	}
}

void fold_text(const char *s, size_t n, struct buf *out)
{
	buf_reserve(out, n);
	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t len = next_char(s + i, n - i, &c);
		const char *as = ascii_for(c);
		if (as != NULL)
			buf_str(out, as);
		else if (c >= 'A' && c <= 'Z')
			buf_char(out, (char)(c + 32));
		else if (c >= 0xc0 && c <= 0x17f)
			buf_char(out, latin[c - 0xc0]);
		else if (!(c >= 0x300 && c <= 0x36f)) /* accents that stand alone: decomposed letters */
			buf_add(out, s + i, len);
		i += len;
	}
}

static bool unseen(uint32_t c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f || (c >= 0x80 && c < 0xa0) || c == 0xad ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) ||
	       c == 0xfeff;
}

void clean_text(const char *s, size_t n, struct buf *out)
{
	buf_reserve(out, n);
	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t len = next_char(s + i, n - i, &c);
		if (s[i] == '\n' || (s[i] == '\r' && (i + 1 >= n || s[i + 1] != '\n')))
			buf_char(out, '\n');
		else if (c == 0xa0 || c == 0x202f)
			buf_char(out, ' ');
		else if (s[i] != '\0' && s[i] != '\r' && !(c != 0 && unseen(c)))
			buf_add(out, s + i, len);
		i += len;
	}
}

bool line_starts_with(const char *s, const char *prefix)
{
	for (; *prefix != '\0'; s++, prefix++) /* most tries end at the first byte */
		if (*s != *prefix)
			return false;
	return true;
}

bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}
