/* Bodies in 7 bits. A dot or "From " at the start of a line is encoded too: nothing on the way has a reason to touch
 * the line. */
#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "abv/mem.h"
#include "mime_int.h"

#define LINE_MAX_QP 75 /* and the '=' of a soft break */

static const char hex[] = "0123456789ABCDEF";

/* Sixteen octets at a time: most of a letter goes as it is, and this is where a message's time went. */
#define BLOCK 16
typedef unsigned char block __attribute__((vector_size(BLOCK)));
struct marks { /* of a block: 0xff where something is so, the first octet lowest */
	uint64_t low, high;
};

static block block_read(const char *s)
{
	block b;

	memcpy(&b, s, sizeof b);
	return b;
}

static struct marks marks_of(block b)
{
	struct marks m;
	uint64_t half[2];

	memcpy(half, &b, sizeof half);
	m.low = le64toh(half[0]);
	m.high = le64toh(half[1]);
	return m;
}

bool mime_base64_is_shorter(const char *s, size_t n)
{
	size_t high = 0, i = 0;

	for (; i + 4 * BLOCK <= n; i += 4 * BLOCK) {
		block any = block_read(s + i) | block_read(s + i + BLOCK) | block_read(s + i + 2 * BLOCK) |
			    block_read(s + i + 3 * BLOCK);
		struct marks m = marks_of(any);
		if (((m.low | m.high) & UINT64_C(0x8080808080808080)) == 0)
			continue;
		for (size_t k = i; k < i + 4 * BLOCK; k++)
			high += (unsigned char)s[k] >> 7;
	}
	for (; i < n; i++)
		high += (unsigned char)s[i] >> 7;
	return high > n / 6; /* n + 2 high > 4/3 n */
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_literal(char c)
{
	return (c >= ' ' && c <= '~' && c != '=') || c == '\t';
}

/* How many octets from s on, of the n that there are, go as they are, at most `most`. They are written to w, and up to BLOCK octets of
 * rubbish behind them. */
static size_t literal_copy(char *w, const char *s, size_t n, size_t most)
{
	size_t at = 0;

	while (at < most) {
		if (n - at >= BLOCK) {
			block b = block_read(s + at);
			block other = (block)((b - ' ') > '~' - ' ') | (block)(b == '=');
			struct marks m = marks_of(other);

			memcpy(w + at, &b, sizeof b);
			if ((m.low | m.high) == 0) {
				at += BLOCK;
				continue;
			}
			at += m.low != 0 ? (size_t)__builtin_ctzll(m.low) / 8 : 8 + (size_t)__builtin_ctzll(m.high) / 8;
			if (at >= most || s[at] != '\t')
				break;
		} else if (!is_literal(s[at])) {
			break;
		}
		w[at] = s[at];
		at++;
	}
	return at < most ? at : most;
}

static char *octet_write(char *w, unsigned char c)
{
	*w++ = '=';
	*w++ = hex[c >> 4];
	*w++ = hex[c & 15];
	return w;
}

static char *soft_break(char *w)
{
	*w++ = '=';
	*w++ = '\r';
	*w++ = '\n';
	return w;
}

static bool line_ends(const char *s, size_t n)
{
	return n == 0 || *s == '\n' || (n > 1 && s[0] == '\r' && s[1] == '\n');
}

/* Lines of the text, each beginning where the last one ended; `start` is where the line under way begins in what is written. */
void mime_quoted_add(struct buf *out, const char *s, size_t n)
{
	size_t most = 3 * n + 3 * (3 * n / (LINE_MAX_QP - 2) + 1) + n; /* n: an LF becomes CRLF */
	const char *end = s + n;

	buf_reserve(out, most + BLOCK + LINE_MAX_QP);
	char *w = out->data + out->len, *start = w;
	for (;;) {
		if (w == start && s < end && (*s == '.' || (end - s >= 5 && memcmp(s, "From ", 5) == 0)))
			w = octet_write(w, (unsigned char)*s++);
		size_t left = (size_t)(end - s), room = (size_t)(LINE_MAX_QP - (w - start));
		size_t run = literal_copy(w, s, left, room < left ? room : left);
		w += run;
		s += run;
		if (line_ends(s, (size_t)(end - s))) {
			if (w > start && is_blank(w[-1])) { /* white space at the end of a line is encoded */
				w--;
				if (w - start > LINE_MAX_QP - 3)
					w = soft_break(w);
				w = octet_write(w, (unsigned char)s[-1]);
			}
			if (s == end)
				break;
			s += *s == '\r' ? 2 : 1;
			*w++ = '\r';
			*w++ = '\n';
			start = w;
		} else if (w - start > LINE_MAX_QP - 3) {
			start = w = soft_break(w);
		} else {
			w = octet_write(w, (unsigned char)*s++);
		}
	}
	out->len = (size_t)(w - out->data);
	*w = '\0';
}

size_t mime_base64_encode(char *out, const char *s, size_t n)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *w = out;

	for (size_t i = 0; i < n; i += 3) {
		unsigned a = (unsigned char)s[i], b = i + 1 < n ? (unsigned char)s[i + 1] : 0,
			 c = i + 2 < n ? (unsigned char)s[i + 2] : 0;
		*w++ = digit[a >> 2];
		*w++ = digit[(a & 3) << 4 | b >> 4];
		*w++ = i + 1 < n ? digit[(b & 15) << 2 | c >> 6] : '=';
		*w++ = i + 2 < n ? digit[c & 63] : '=';
	}
	return (size_t)(w - out);
}

void mime_base64_add(struct buf *out, const char *s, size_t n)
{
	struct buf canonical = { 0 };

	buf_reserve(&canonical, 2 * n + 1);
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n' && (i == 0 || s[i - 1] != '\r'))
			canonical.data[canonical.len++] = '\r';
		canonical.data[canonical.len++] = s[i];
	}
	buf_reserve(out, canonical.len / 57 * 78 + 96);
	for (size_t at = 0; at < canonical.len; at += 57) {
		size_t len = canonical.len - at < 57 ? canonical.len - at : 57;
		out->len += mime_base64_encode(out->data + out->len, canonical.data + at, len);
		out->data[out->len++] = '\r';
		out->data[out->len++] = '\n';
	}
	buf_free(&canonical);
}
