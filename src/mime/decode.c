/* Bytes to text. What was declared is believed as far as it goes, and each byte that it does not cover becomes U+FFFD;
 * bytes of no declared charset that are no UTF-8 are read as windows-1252, as mail programs do. */
#include <errno.h>
#include <gmime/gmime.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#include "parse_int.h"

#define REPLACEMENT "\xef\xbf\xbd"

struct span body_decode(struct arena *a, struct span s, int encoding)
{
	GMimeEncoding state;
	char *out;

	if (encoding != GMIME_CONTENT_ENCODING_BASE64 && encoding != GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE)
		return s;
	g_mime_encoding_init_decode(&state, (GMimeContentEncoding)encoding);
	out = arena_take(a, g_mime_encoding_outlen(&state, s.n) + 1);
	s.n = g_mime_encoding_flush(&state, s.p, s.n, out);
	s.p = out;
	out[s.n] = '\0';
	return s;
}

/* NUL becomes U+FFFD, CRLF and lone CR become LF. */
static size_t tidy(char *to, const char *s, size_t n)
{
	char *w = to;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\0') {
			memcpy(w, REPLACEMENT, 3);
			w += 3;
		} else if (s[i] != '\r') {
			*w++ = s[i];
		} else if (i + 1 == n || s[i + 1] != '\n') {
			*w++ = '\n';
		}
	}
	*w = '\0';
	return (size_t)(w - to);
}

static char *tidied(struct arena *a, const char *s, size_t n, size_t *len)
{
	size_t nuls = 0;
	char *out;

	for (const char *p = s; (p = memchr(p, '\0', n - (size_t)(p - s))) != NULL; p++)
		nuls++;
	out = arena_take(a, n + 2 * nuls + 1);
	*len = tidy(out, s, n);
	return out;
}

static char *utf8_repaired(struct arena *a, const char *s, size_t n, size_t *len)
{
	char *valid = g_utf8_make_valid(s, (gssize)n);
	char *out = tidied(a, valid, strlen(valid), len);

	g_free(valid);
	return out;
}

/* The five bytes that windows-1252 leaves free are no text. */
static char *windows_decode(struct arena *a, const char *s, size_t n, size_t *len)
{
	static const unsigned short high[32] = { 0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
						 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd,
						 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
						 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178 };
	char *out = arena_take(a, 3 * n + 1), *w = out;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		unsigned u = c >= 0x80 && c < 0xa0 ? high[c - 0x80] : c == 0 ? 0xfffd : c;

		if (c == '\r' && i + 1 < n && s[i + 1] == '\n')
			continue;
		w += g_unichar_to_utf8(c == '\r' ? '\n' : u, w);
	}
	*w = '\0';
	*len = (size_t)(w - out);
	return out;
}

/* What iconv cannot read is U+FFFD, a byte each. Every turn takes input or ends: a converter that does neither is
 * left. */
static GByteArray *convert(iconv_t cd, const char *s, size_t n)
{
	GByteArray *out = g_byte_array_sized_new((guint)(n + n / 2 + 16));
	char *in = (char *)s, chunk[4096];

	while (n > 0) {
		char *w = chunk;
		size_t room = sizeof chunk, before = n;
		size_t r = iconv(cd, &in, &n, &w, &room);
		int why = r == (size_t)-1 ? errno : 0;

		g_byte_array_append(out, (const guint8 *)chunk, (guint)(sizeof chunk - room));
		if (why == EILSEQ || why == EINVAL) {
			g_byte_array_append(out, (const guint8 *)REPLACEMENT, 3);
			in++;
			n--;
		} else if (before == n) {
			break;
		}
	}
	return out;
}

static bool is_utf8_name(const char *charset)
{
	return !strcasecmp(charset, "utf-8") || !strcasecmp(charset, "utf8");
}

/* Names that say nothing about bytes above 127. */
static bool is_no_charset(const char *charset)
{
	static const char *const name[] = { "us-ascii", "ascii",      "unknown-8bit", "x-unknown", "unknown",
					    "default",  "iso-8859-1", "latin1",       "8bit" };

	for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
		if (!strcasecmp(charset, name[i]))
			return true;
	return *charset == '\0';
}

static char *converted(struct arena *a, struct span s, const char *charset, size_t *len)
{
	iconv_t cd = g_mime_iconv_open("UTF-8", charset);
	GByteArray *bytes;
	char *out;

	if (cd == (iconv_t)-1) /* as iconv_open(3) says no: NOLINT(performance-no-int-to-ptr) */
		return NULL;
	bytes = convert(cd, s.p, s.n);
	(void)g_mime_iconv_close(cd);
	out = g_utf8_validate((const char *)bytes->data, (gssize)bytes->len, NULL)
		  ? tidied(a, (const char *)bytes->data, bytes->len, len)
		  : utf8_repaired(a, (const char *)bytes->data, bytes->len, len);
	g_byte_array_unref(bytes);
	return out;
}

static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((signed char)s.p[i] <= 0 || s.p[i] == 0x1b || s.p[i] == '+' || s.p[i] == '~')
			return false;
	return true;
}

/* Seven-bit bytes are themselves, but in the charsets that shift: those need ESC, '+' or '~' (ISO-2022, UTF-7, HZ). */
char *text_decode(struct arena *a, struct span s, const char *charset, size_t *len)
{
	char *out = NULL;

	if (s.n == 0) {
		*len = 0;
		return arena_copy(a, "", 0);
	}
	if (!is_utf8_name(charset) && !is_no_charset(charset) && !is_plain(s))
		out = converted(a, s, charset, len);
	if (out)
		return out;
	out = tidied(a, s.p, s.n, len);
	if (g_utf8_validate(out, (gssize)*len, NULL))
		return out;
	return is_utf8_name(charset) ? utf8_repaired(a, s.p, s.n, len) : windows_decode(a, s.p, s.n, len);
}
