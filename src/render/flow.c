/* Paragraphs of the text part. */
#include "render_int.h"

static size_t columns(const char *s, size_t n)
{
	size_t c = 0;
	for (size_t i = 0; i < n; i++)
		c += ((unsigned char)s[i] & 0xc0) != 0x80;
	return c;
}

static bool is_gap(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

void flow_add(struct buf *out, const char *s, size_t n, const char *first, size_t first_len, const char *rest,
	      size_t rest_len, char underline)
{
	size_t column = 0, widest = 0;
	bool open = false, begun = false;

	for (size_t at = 0; at < n;) {
		size_t end = at, width = 0;

		if (is_gap(s[at])) {
			if (s[at++] == '\n' && open) {
				buf_char(out, '\n');
				open = false;
			}
			continue;
		}
		for (; end < n && !is_gap(s[end]); end++)
			width += ((unsigned char)s[end] & 0xc0) != 0x80;
		if (open && column + 1 + width > FLOW_WIDTH) {
			buf_char(out, '\n');
			open = false;
		}
		if (open) {
			buf_char(out, ' ');
			column++;
		} else {
			buf_add(out, begun ? rest : first, begun ? rest_len : first_len);
			column = begun ? columns(rest, rest_len) : columns(first, first_len);
			open = begun = true;
		}
		buf_add(out, s + at, end - at);
		column += width;
		widest = column > widest ? column : widest;
		at = end;
	}
	if (open)
		buf_char(out, '\n');
	if (begun && underline != '\0') {
		size_t indent = columns(rest, rest_len);
		widest = widest > indent ? widest - indent : 0;
		buf_add(out, rest, rest_len);
		for (size_t i = 0; i < (widest < 3 ? 3 : widest < FLOW_WIDTH ? widest : FLOW_WIDTH); i++)
			buf_char(out, underline);
		buf_char(out, '\n');
	}
}
