/* One reply of the server, line by line (RFC 5321 §4.2). Strict where a mistake would assign an answer to the wrong
 * message: three digits, one code in all lines of a reply, no more than 100 lines. */
#include <string.h>

#include "abv/sender.h"

#define LINES_MAX 100

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The code, or 0 for what is no line of a reply. */
static int code_of(const char *line, size_t n)
{
	if (n < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]))
		return 0;
	if (n > 3 && line[3] != ' ' && line[3] != '-')
		return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static void add_text(struct smtp_reply *r, const char *p, size_t n)
{
	size_t at = strlen(r->text), cap = sizeof r->text - 1, i;

	if (at && n && at < cap)
		r->text[at++] = ' ';
	for (i = 0; i < n && at < cap; i++)
		if ((unsigned char)p[i] >= 0x20 && p[i] != 0x7f)
			r->text[at++] = p[i];
	/* Cut, but not inside a character of UTF-8. */
	if (i < n && is_continuation(p[i])) {
		while (at > 0 && is_continuation(r->text[at - 1]))
			at--;
		at -= at > 0;
	}
	r->text[at] = '\0';
}

enum smtp_parse smtp_reply_line(struct smtp_reply_parser *p, const char *line, size_t n)
{
	struct smtp_reply *r = &p->reply;
	int code = code_of(line, n);

	if (!p->begun) {
		r->code = code;
		r->status[0] = r->text[0] = '\0';
		r->lines = 0;
		p->begun = true;
	}
	if (!code || code != r->code || ++r->lines > LINES_MAX) {
		p->begun = false;
		return SMTP_PARSE_BAD;
	}
	if (n > 4) {
		char head[24] = "";

		memcpy(head, line + 4, n - 4 < sizeof head ? n - 4 : sizeof head - 1);
		if (!r->status[0])
			attempt_status_parse(head, r->status);
		add_text(r, line + 4, n - 4);
	}
	if (n > 3 && line[3] == '-')
		return SMTP_PARSE_MORE;
	p->begun = false;
	return SMTP_PARSE_REPLY;
}
