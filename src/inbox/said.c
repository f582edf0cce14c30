/* What strangers wrote, made fit for the log and for a note: bounded, without controls. The note is plain text and quotes the person's own
 * words only, so that nothing that the message carried (files, links behind other words, HTML) reaches whoever reads it. */
#include <string.h>

#include "inbox_int.h"

/* Bytes of the UTF-8 character at s; 0: it is none. */
static size_t character(const unsigned char *s, size_t n)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* Controls of C0 and C1, and the marks that turn the direction of what follows (U+202A-E, U+2066-9): they make a text look like another. */
static bool is_control(const unsigned char *s, size_t len)
{
	if (len == 1)
		return s[0] < 0x20 || s[0] == 0x7f;
	if (len == 2)
		return s[0] == 0xc2 && s[1] < 0xa0;
	return len == 3 && s[0] == 0xe2 && ((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) || (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));
}

void said_clean(struct buf *out, const char *text, size_t n, size_t max, bool lines)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t start = out->len;
	for (size_t i = 0; i < n;) {
		size_t len = character(s + i, n - i);
		const char *put = text + i;
		size_t put_n = len;
		if (len == 0) {
			put = "\xef\xbf\xbd";
			put_n = 3;
			len = 1;
		} else if (is_control(s + i, len) && !(lines && (s[i] == '\n' || s[i] == '\t'))) {
			put = " ";
			put_n = 1;
		}
		if (out->len - start + put_n > max)
			break;
		if (!(s[i] == '\r' && lines)) /* of CRLF the LF stays */
			buf_add(out, put, put_n);
		i += len;
	}
	while (out->len > start && strchr(" \n\t", out->data[out->len - 1]) != NULL)
		out->data[--out->len] = '\0';
}

static void quoted(struct buf *out, const char *said)
{
	while (*said != '\0') {
		size_t n = strcspn(said, "\n");
		buf_str(out, "> ");
		buf_add(out, said, n);
		buf_char(out, '\n');
		said += n + (said[n] == '\n');
	}
}

void said_note(struct buf *subject, struct buf *text, const struct contact *c, const struct touch *t, const char *writer, const char *said_subject,
                const char *said)
{
	const char *who = *writer != '\0' ? writer : c->email;
	bool named = *c->first_name != '\0' || *c->last_name != '\0';
	buf_printf(subject, "%s answered", who);
	if (t != NULL)
		buf_printf(subject, " %s", t->sequence);
	buf_str(text, named ? c->first_name : "");
	buf_printf(text, "%s%s%s%s%s", *c->first_name != '\0' && *c->last_name != '\0' ? " " : "", c->last_name, named ? " <" : "", c->email, named ? ">" : "");
	buf_printf(text, "%s%s", *c->account != '\0' ? " of " : "", c->account);
	if (*writer != '\0')
		buf_printf(text, " was answered for by %s.\n", writer);
	else
		buf_str(text, " has answered.\n");
	if (t != NULL)
		buf_printf(text, "The answer is to step %s of sequence %s.\n", t->step, t->sequence);
	buf_str(text, "All sequences of this person have ended.\n\n");
	buf_printf(text, "Subject: %s\n\n", said_subject);
	quoted(text, *said != '\0' ? said : "(no text of their own)");
	buf_printf(text, "\nTo reply, find the message in your mailbox or write to %s.\nDo not reply to this note: nobody but abvd would read it.\n", who);
}
