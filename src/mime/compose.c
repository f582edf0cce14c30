/* Messages, the same bytes for the same touch. What no header may hold (a line end, an address with syntax in it) is
 * refused: it would be somebody else's header. Letters have no Auto-Submitted: RFC 3834 marks automatic answers and
 * notices with it, and answering systems then keep silent; a sequence is mail that a person planned, and its
 * out-of-office answers are wanted (they hold the sequence). Notes to the operator have it. */
#include <glib.h>
#include <string.h>

#include "abv/clock.h"
#include "abv/mime.h"
#include "abv/token.h"
#include "mime_int.h"

#define VALUE_USUAL 500 /* bytes of a header's value; longer ones grow */

struct composer {
	struct buf *out;
	struct buf value; /* of the header under way */
	struct buf clean;
	struct err *e;
};

static int refuse(const struct composer *c, const char *name, const char *why)
{
	return err_set(c->e, "header %s %s", name, why);
}

static void clean_end(struct composer *c)
{
	while (c->clean.len > 0 && c->clean.data[c->clean.len - 1] == ' ')
		c->clean.data[--c->clean.len] = '\0';
}

/* Nothing but ASCII without controls, as most texts are. */
static bool is_printable(const char *s)
{
	while (*s >= ' ' && *s <= '~')
		s++;
	return *s == '\0';
}

/* UTF-8 without controls, trimmed, in c->clean. */
static int text_clean(struct composer *c, const char *name, const char *s)
{
	char *valid = NULL;

	if (is_printable(s)) {
		buf_clear(&c->clean);
		while (*s == ' ')
			s++;
		buf_str(&c->clean, s);
		clean_end(c);
		return 0;
	}
	if (strpbrk(s, "\r\n") != NULL)
		return refuse(c, name, "holds a line end");
	if (!g_utf8_validate(s, -1, NULL))
		s = valid = g_utf8_make_valid(s, -1);
	buf_clear(&c->clean);
	s += strspn(s, " \t");
	buf_str(&c->clean, s);
	g_free(valid);
	for (size_t i = 0; i < c->clean.len; i++)
		if ((unsigned char)c->clean.data[i] < ' ' || c->clean.data[i] == 0x7f)
			c->clean.data[i] = ' ';
	clean_end(c);
	return 0;
}

/* Visible ASCII; `spaces` between words when allowed. */
static bool is_visible(const char *s, bool spaces)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
			if (!spaces || *s != ' ')
				return false;
	return true;
}

/* An addr-spec that holds no syntax of a header. Bytes of UTF-8 are let through: such an address goes over SMTPUTF8
 * only. */
static bool address_is_fit(const char *s)
{
	const char *at = strrchr(s, '@');

	if (at == NULL || at == s || at[1] == '\0' || (!is_printable(s) && !g_utf8_validate(s, -1, NULL)))
		return false;
	for (const char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	return s[strcspn(s, "<>()[]\\,;:\"")] == '\0';
}

static int header_write(struct composer *c, const char *name)
{
	return mime_header_add(c->out, name, buf_text(&c->value), c->e);
}

static int mailbox_add(struct composer *c, const char *name, const char *phrase, const char *addr)
{
	if (!address_is_fit(addr))
		return refuse(c, name, "holds no address that a header can carry");
	if (text_clean(c, name, phrase) < 0)
		return -1;
	buf_clear(&c->value);
	if (c->clean.len > 0) {
		mime_phrase_encode(&c->value, c->clean.data);
		buf_str(&c->value, " <");
	}
	buf_str(&c->value, addr);
	if (c->clean.len > 0)
		buf_char(&c->value, '>');
	return header_write(c, name);
}

static int subject_add(struct composer *c, const char *subject)
{
	if (text_clean(c, "Subject", subject) < 0)
		return -1;
	if (c->clean.len == 0)
		return refuse(c, "Subject", "is empty");
	buf_clear(&c->value);
	mime_text_encode(&c->value, c->clean.data);
	return header_write(c, "Subject");
}

/* Ids and URLs: visible ASCII, in angle brackets of ours when `bracket`. */
static int visible_add(struct composer *c, const char *name, const char *s, bool spaces, bool bracket)
{
	if (*s == '\0')
		return 0;
	const char *text = s;
	while (*text == ' ')
		text++;
	if (!is_visible(s, spaces) || *text == '\0' || (bracket && strpbrk(s, "<>") != NULL))
		return refuse(c, name, "holds what it cannot carry");
	buf_clear(&c->value);
	buf_str(&c->value, bracket ? "<" : "");
	buf_str(&c->value, text);
	buf_str(&c->value, bracket ? ">" : "");
	return header_write(c, name);
}

/* Names of sequences and steps are free text; here they are labels. */
static int label_add(struct composer *c, const char *name, const char *s, const char *also, bool bracket)
{
	if (*s == '\0')
		return 0;
	if (text_clean(c, name, s) < 0)
		return -1;
	buf_clear(&c->value);
	buf_str(&c->value, bracket ? "<" : "");
	for (const char *p = c->clean.data; *p != '\0'; p++) {
		if (((unsigned char)*p & 0xc0) != 0x80) /* one '-' a character */
			buf_char(&c->value, g_ascii_isalnum(*p) || strchr(also, *p) != NULL ? *p : '-');
	}
	buf_str(&c->value, bracket ? ">" : "");
	return header_write(c, name);
}

static int headers_add(struct composer *c, const struct mime_headers *h)
{
	char date[CLOCK_TEXT_MAX + 8];

	if (mailbox_add(c, "From", h->from_name, h->from_addr) < 0 ||
	    mailbox_add(c, "To", h->to_name, h->to_addr) < 0 ||
	    (*h->reply_to != '\0' && mailbox_add(c, "Reply-To", "", h->reply_to) < 0) || subject_add(c, h->subject) < 0)
		return -1;
	if (*h->message_id == '\0' || strchr(h->message_id, '@') == NULL)
		return refuse(c, "Message-ID", "is missing");
	buf_printf(c->out, "Date: %s\r\n", clock_format_mail(h->date, date));
	if (visible_add(c, "Message-ID", h->message_id, false, true) < 0 ||
	    visible_add(c, "In-Reply-To", h->in_reply_to, true, false) < 0 ||
	    visible_add(c, "References", h->references, true, false) < 0 ||
	    visible_add(c, "List-Unsubscribe", h->list_unsubscribe, true, false) < 0)
		return -1;
	if (h->one_click && strstr(h->list_unsubscribe, "<https:") != NULL)
		buf_str(c->out, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
	if (h->automatic)
		buf_str(c->out, "Auto-Submitted: auto-generated\r\n");
	return label_add(c, "List-Id", h->list_id, ".-_", true) < 0 ||
		       label_add(c, "Feedback-ID", h->feedback_id, ".-_:", false) < 0
		   ? -1
		   : 0;
}

static void text_add(struct buf *out, const char *type, const char *s, size_t n)
{
	bool base64 = mime_base64_is_shorter(s, n);

	buf_str(out, "Content-Type: text/");
	buf_str(out, type);
	buf_str(out, "; charset=utf-8\r\nContent-Transfer-Encoding: ");
	buf_str(out, base64 ? "base64\r\n\r\n" : "quoted-printable\r\n\r\n");
	if (base64)
		mime_base64_add(out, s, n);
	else
		mime_quoted_add(out, s, n);
	buf_str(out, "\r\n");
}

static void part_add(struct buf *out, const char *boundary, const char *type, const char *s, size_t n)
{
	buf_str(out, "--=_");
	buf_str(out, boundary);
	buf_str(out, "\r\n");
	text_add(out, type, s, n);
}

/* The boundary cannot stand in a part: '=' is followed by '_' neither in quoted-printable nor in base64. */
static void body_add(struct buf *out, const struct mime_headers *h, const char *text, size_t text_len, const char *html,
		     size_t html_len)
{
	char boundary[DIGEST_HEX];

	if (html == NULL) {
		buf_str(out, "MIME-Version: 1.0\r\n");
		text_add(out, "plain", text, text_len);
		return;
	}
	digest_hex(h->message_id, strlen(h->message_id), boundary);
	buf_str(out, "MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary=\"=_");
	buf_str(out, boundary);
	buf_str(out, "\"\r\n\r\n");
	part_add(out, boundary, "plain", text, text_len);
	part_add(out, boundary, "html", html, html_len);
	buf_str(out, "--=_");
	buf_str(out, boundary);
	buf_str(out, "--\r\n");
}

int mime_compose(const struct mime_headers *h, const char *text, size_t text_len, const char *html, size_t html_len,
		 struct buf *out, struct err *e)
{
	struct composer c = { .out = out, .e = e };
	size_t before = out->len;
	int r;

	buf_reserve(&c.value, VALUE_USUAL);
	buf_reserve(&c.clean, VALUE_USUAL);
	r = headers_add(&c, h);

	if (r == 0) {
		body_add(out, h, text, text_len, html, html_len);
	} else {
		out->len = before;
		if (out->data != NULL)
			out->data[before] = '\0';
	}
	buf_free(&c.value);
	buf_free(&c.clean);
	return r;
}
