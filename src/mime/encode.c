/* Bodies in 7 bits. A dot or "From " at the start of a line is encoded too: nothing on the way has a reason to touch
 * the line. */
#include <stdint.h>
#include <string.h>

#include "abv/mem.h"
#include "mime_int.h"

#define LINE_MAX_QP 75 /* and the '=' of a soft break */

static const char hex[] = "0123456789ABCDEF";

bool mime_base64_is_shorter(const char *s, size_t n)
{
	size_t high = 0, i = 0;
	for (; i + 8 <= n; i += 8) {
		uint64_t eight;
		memcpy(&eight, s + i, sizeof eight);
		eight &= UINT64_C(0x8080808080808080);
		if (eight != 0)
			high += (size_t)__builtin_popcountll(eight);
	}
	for (; i < n; i++)
		high += (unsigned char)s[i] >> 7;
	return high > n / 6; /* n + 2 high > 4/3 n */
}

static const unsigned char *literal_table(void)
{
	static unsigned char table[256];
	if (table['a'] == 0) {
		memset(&table[' '], 1, '~' - ' ' + 1);
		table['='] = 0;
		table['\t'] = 1;
	}
	return table;
}

static char *octet_write(char *w, unsigned char c)
{
	*w++ = '=';
	*w++ = hex[c >> 4];
	*w++ = hex[c & 15];
	return w;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One line without its end. */
static char *line_write(char *w, const char *s, size_t n)
{
	const unsigned char *literal = literal_table();
	const char *start = w;                                 /* of the line written */
	size_t body = n > 0 && is_blank(s[n - 1]) ? n - 1 : n; /* white space at the end is encoded */

	for (size_t i = 0; i < n;) {
		size_t room = LINE_MAX_QP - (size_t)(w - start), run = 0;
		bool touched = w == start && (s[i] == '.' || (n - i >= 5 && memcmp(s + i, "From ", 5) == 0));
		size_t most = touched || i >= body ? 0 : room < body - i ? room : body - i;

		while (run < most && literal[(unsigned char)s[i + run]])
			run++;
		memcpy(w, s + i, run);
		w += run;
		i += run;
		if (i == n)
			break;
		if (run == room || room - run < 3) {
			*w++ = '=';
			*w++ = '\r';
			*w++ = '\n';
			start = w;
		} else if (touched || i == body || !literal[(unsigned char)s[i]]) {
			w = octet_write(w, (unsigned char)s[i++]);
		}
	}
	return w;
}

void mime_quoted_add(struct buf *out, const char *s, size_t n)
{
	size_t most = 3 * n + 3 * (3 * n / (LINE_MAX_QP - 2) + 1) + 16;

	buf_reserve(out, most + n); /* n: an LF becomes CRLF */
	char *w = out->data + out->len;
	for (size_t at = 0; at < n;) {
		const char *lf = memchr(s + at, '\n', n - at);
		size_t end = lf != NULL ? (size_t)(lf - s) : n;
		size_t len = end - at;

		w = line_write(w, s + at, len > 0 && lf != NULL && s[end - 1] == '\r' ? len - 1 : len);
		if (lf != NULL) {
			*w++ = '\r';
			*w++ = '\n';
		}
		at = end + (lf != NULL);
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
