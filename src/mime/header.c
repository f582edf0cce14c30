/* Header texts: what is plain stays plain and readable; the rest becomes encoded words of UTF-8, cut between
 * characters. */
#include <string.h>

#include "mime_int.h"

#define FOLD_AT      76
#define LINE_MOST    998
#define WORD_CONTENT 48 /* of an encoded word: with its 12 of frame it fits behind any of our header names */
#define ATOM_MOST    60 /* an unbroken word longer than this is encoded, so that it can be folded */

int mime_header_add(struct buf *out, const char *name, const char *value, struct err *e)
{
	size_t n = strlen(value), column = strlen(name) + 2;

	buf_str(out, name);
	buf_add(out, ": ", 2);
	if (column + n <= FOLD_AT) {
		buf_add(out, value, n);
		buf_add(out, "\r\n", 2);
		return 0;
	}
	for (size_t at = 0; at < n;) {
		size_t gap = strspn(value + at, " ");
		size_t len = gap + strcspn(value + at + gap, " ");

		if (at > 0 && column + len > FOLD_AT) {
			buf_add(out, "\r\n", 2);
			column = 0;
		}
		buf_add(out, value + at, len);
		column += len;
		at += len;
		if (column > LINE_MOST)
			return err_set(e, "header %s: a word is too long for a line", name);
	}
	buf_add(out, "\r\n", 2);
	return 0;
}

/* ---- encoded words ---- */

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_plain_in_q(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("!*+-/", c) != NULL);
}

static size_t q_width(char c)
{
	return is_plain_in_q(c) || c == ' ' ? 1 : 3;
}

static size_t char_length(const char *s, size_t n)
{
	size_t len = 1;
	while (len < n && ((unsigned char)s[len] & 0xc0) == 0x80)
		len++;
	return len;
}

static size_t q_length(const char *s, size_t n)
{
	size_t width = 0;
	for (size_t i = 0; i < n; i++)
		width += q_width(s[i]);
	return width;
}

static void q_add(struct buf *out, const char *s, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < n; i++) {
		char octet[3] = { '=', hex[(unsigned char)s[i] >> 4], hex[(unsigned char)s[i] & 15] };
		if (s[i] == ' ')
			buf_char(out, '_');
		else if (is_plain_in_q(s[i]))
			buf_char(out, s[i]);
		else
			buf_add(out, octet, 3);
	}
}

/* How much of s goes into one word: whole characters. In base64 a cut without padding is preferred, because readers are
 * about that join the words first and stop at the '=' (GMime does). */
static size_t word_cut(const char *s, size_t n, bool base64)
{
	size_t len = 0, width = 0, even = 0;

	while (len < n) {
		size_t c = char_length(s + len, n - len);
		width = base64 ? 4 * ((len + c + 2) / 3) : width + q_length(s + len, c);
		if (width > WORD_CONTENT && len > 0)
			return base64 && even > 0 ? even : len;
		len += c;
		if (len % 3 == 0)
			even = len;
	}
	return len;
}

/* s as a row of encoded words; the spaces between those are not part of the text (RFC 2047 6.2). */
static void words_encode(struct buf *out, const char *s, size_t n)
{
	bool base64 = q_length(s, n) > 4 * ((n + 2) / 3);

	for (size_t at = 0; at < n;) {
		size_t len = word_cut(s + at, n - at, base64);
		buf_str(out, at > 0 ? " =?UTF-8?" : "=?UTF-8?");
		buf_str(out, base64 ? "B?" : "Q?");
		if (base64) {
			buf_reserve(out, 4 * (len / 3 + 1));
			out->len += mime_base64_encode(out->data + out->len, s + at, len);
		} else {
			q_add(out, s + at, len);
		}
		buf_str(out, "?=");
		at += len;
	}
}

static bool is_ascii(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] >= 0x80)
			return false;
	return true;
}

static bool word_is_plain(const char *s, size_t n)
{
	return n <= ATOM_MOST && is_ascii(s, n) && memmem(s, n, "=?", 2) == NULL;
}

/* From the first word that needs it to the last one, all is encoded: what stands between two encoded words would lose
 * its spaces. */
void mime_text_encode(struct buf *out, const char *s)
{
	size_t n = strlen(s), from = n, to = 0;

	if (word_is_plain(s, n)) { /* words of it as well */
		buf_add(out, s, n);
		return;
	}
	for (size_t at = 0; at < n;) {
		size_t gap = strspn(s + at, " ");
		size_t len = strcspn(s + at + gap, " ");
		if (!word_is_plain(s + at + gap, len)) {
			from = from < n ? from : at + gap;
			to = at + gap + len;
		}
		at += gap + len;
	}
	if (from == n) {
		buf_add(out, s, n);
		return;
	}
	buf_add(out, s, from);
	words_encode(out, s + from, to - from);
	buf_add(out, s + to, n - to);
}

static bool is_atext(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

void mime_phrase_encode(struct buf *out, const char *s)
{
	size_t n = strlen(s);
	bool plain = true, atoms = true;

	for (size_t at = 0; at < n;) {
		size_t len = strcspn(s + at, " ");
		plain = plain && word_is_plain(s + at, len) && (len > 0 || at == 0);
		for (size_t i = 0; i < len; i++)
			atoms = atoms && is_atext(s[at + i]);
		at += len + (s[at + len] == ' ');
	}
	if (!plain) {
		words_encode(out, s, n);
	} else if (atoms) {
		buf_add(out, s, n);
	} else {
		buf_char(out, '"');
		for (size_t i = 0; i < n; i++) {
			if (s[i] == '"' || s[i] == '\\')
				buf_char(out, '\\');
			buf_char(out, s[i]);
		}
		buf_char(out, '"');
	}
}
