/* What this client writes, and what it looks for in a list of capabilities. */
#include <string.h>
#include <strings.h>

#include "imap_int.h"

void imap_capabilities(const char *list, struct imap_can *out)
{
	const struct {
		const char *name;
		bool *can;
	} row[] = {
		{ "IDLE", &out->idle },
		{ "MOVE", &out->move },
		{ "UIDPLUS", &out->uidplus },
		{ "SASL-IR", &out->sasl_ir },
		{ "AUTH=PLAIN", &out->auth_plain },
		{ "LOGINDISABLED", &out->login_disabled },
	};

	*out = (struct imap_can){ 0 };
	for (size_t n; *list; list += n + (list[n] == ' ')) {
		n = strcspn(list, " ");
		for (size_t i = 0; i < sizeof row / sizeof *row; i++)
			if (strlen(row[i].name) == n && strncasecmp(row[i].name, list, n) == 0)
				*row[i].can = true;
	}
}

bool imap_may_write(const char *text)
{
	return strpbrk(text, "\r\n") == NULL;
}

void imap_clean(char *text)
{
	for (; *text; text++) {
		if (*text == '"')
			*text = '\'';
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

void imap_quoted(struct buf *b, const char *text)
{
	buf_char(b, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_char(b, '\\');
		buf_char(b, *text);
	}
	buf_char(b, '"');
}

/* ---- base64, of bytes that come one by one ---- */

struct base64 {
	struct buf *to;
	const char *digits;
	uint32_t bits;
	int n; /* of bits that wait */
};

static void base64_byte(struct base64 *s, unsigned char c)
{
	s->bits = (s->bits << 8 | c) & 0xffff;
	for (s->n += 8; s->n >= 6; s->n -= 6)
		buf_char(s->to, s->digits[s->bits >> (s->n - 6) & 63]);
}

static void base64_end(struct base64 *s)
{
	if (s->n)
		buf_char(s->to, s->digits[s->bits << (6 - s->n) & 63]);
	s->bits = 0;
	s->n = 0;
}

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

void imap_sasl_plain(struct buf *b, const char *user, const char *password)
{
	struct base64 s = { b, ALNUM "+/", 0, 0 };
	size_t n = 2 + strlen(user) + strlen(password);

	base64_byte(&s, 0);
	for (; *user; user++)
		base64_byte(&s, (unsigned char)*user);
	base64_byte(&s, 0);
	for (; *password; password++)
		base64_byte(&s, (unsigned char)*password);
	base64_end(&s);
	for (; n % 3; n++)
		buf_char(b, '=');
}

/* ---- a mailbox's name ---- */

/* One character of UTF-8, or the byte itself where it is none. */
static uint32_t next_char(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	int more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
	uint32_t c = more ? s[0] & (0x3fU >> more) : s[0];

	for (int i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			*p += 1;
			return s[0];
		}
		c = c << 6 | (s[i] & 0x3f);
	}
	*p += more + 1;
	return c;
}

static void utf16_unit(struct base64 *s, uint32_t u)
{
	base64_byte(s, (unsigned char)(u >> 8));
	base64_byte(s, (unsigned char)u);
}

/* A run of what is not printable ASCII, behind its '&'. */
static const char *shifted(struct buf *b, const char *p)
{
	struct base64 s = { b, ALNUM "+,", 0, 0 };

	buf_char(b, '&');
	while (*p && ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)) {
		uint32_t c = next_char(&p);

		if (c >= 0x10000) {
			utf16_unit(&s, 0xd800 + ((c - 0x10000) >> 10 & 0x3ff));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		utf16_unit(&s, c);
	}
	base64_end(&s);
	buf_char(b, '-');
	return p;
}

void imap_mailbox_name(struct buf *b, const char *utf8)
{
	struct buf name = { 0 };

	while (*utf8) {
		if ((unsigned char)*utf8 < 0x20 || (unsigned char)*utf8 >= 0x7f) {
			utf8 = shifted(&name, utf8);
			continue;
		}
		buf_char(&name, *utf8);
		if (*utf8++ == '&')
			buf_char(&name, '-');
	}
	imap_quoted(b, buf_text(&name));
	buf_free(&name);
}
