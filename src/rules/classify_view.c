/* The folded view of a message. */
#include <string.h>
#include <strings.h>

#include "classify_int.h"

/* ---- folding ---- */

struct sink {
	char *to;
	size_t n, cap;
};

static void put(struct sink *o, char c)
{
	if (o->n + 1 >= o->cap)
		return;
	if (c == '\n') {
		while (o->n > 0 && o->to[o->n - 1] == ' ')
			o->n--;
		if (o->n >= 2 && o->to[o->n - 1] == '\n' && o->to[o->n - 2] == '\n')
			return;
	} else if (c == ' ' && (o->n == 0 || o->to[o->n - 1] == ' ' || o->to[o->n - 1] == '\n')) {
		return;
	}
	o->to[o->n++] = c;
}

/* The character at s, folded, into the sink; how many bytes it took. Two-byte letters stay two bytes. */
static size_t fold_one(struct sink *o, const char *s, size_t n)
{
	unsigned char a = (unsigned char)s[0], b = n > 1 ? (unsigned char)s[1] : 0;

	if (a < 0x80) {
		put(o, a >= 'A' && a <= 'Z' ? (char)(a - 'A' + 'a') : a == '\t' || a == '\r' ? ' ' : (char)a);
		return 1;
	}
	if (a == 0xc2 && b == 0xa0) {
		put(o, ' ');
		return 2;
	}
	if (a == 0xe2 && b == 0x80 && n > 2 && ((unsigned char)s[2] == 0x98 || (unsigned char)s[2] == 0x99)) {
		put(o, '\'');
		return 3;
	}
	if (o->n + 3 >= o->cap)
		return n;
	if ((a == 0xc3 && b >= 0x80 && b <= 0x9e && b != 0x97) || (a == 0xd0 && b >= 0x90 && b <= 0x9f)) {
		b = (unsigned char)(b + 0x20);
	} else if (a == 0xd0 && b >= 0xa0 && b <= 0xaf) {
		a = 0xd1;
		b = (unsigned char)(b - 0x20);
	}
	put(o, (char)a);
	if (n > 1 && (b & 0xc0) == 0x80)
		put(o, (char)b);
	return n > 1 && (b & 0xc0) == 0x80 ? 2 : 1;
}

size_t fold_copy(char *to, size_t cap, const char *s, size_t n)
{
	struct sink o = { to, 0, cap };

	for (size_t i = 0; i < n;)
		i += fold_one(&o, s + i, n - i);
	to[o.n] = '\0';
	return o.n;
}

/* ---- HTML ---- */

static bool tag_is(const char *s, size_t n, const char *name)
{
	size_t len = strlen(name);

	return n > len && !strncasecmp(s, name, len) && strchr(" >/\t\r\n", s[len]);
}

/* What stands behind the element that begins at s and whose content nobody reads. */
static size_t element_skip(const char *s, size_t n, const char *close)
{
	const char *end = strcasestr(s, close);

	return end && end < s + n ? (size_t)(end - s) : n;
}

static bool tag_breaks(const char *s, size_t n)
{
	/* clang-format off */
	static const char *const name[] = {
		"br", "p", "div", "tr", "li", "h1", "h2", "h3", "table", "ul", "hr", "pre", "blockquote"
	};
	/* clang-format on */

	if (n > 0 && *s == '/') {
		s++;
		n--;
	}
	for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
		if (tag_is(s, n, name[i]))
			return true;
	return false;
}

static size_t entity_fold(struct sink *o, const char *s, size_t n)
{
	static const struct {
		const char *name, *text;
	} row[] = { { "&nbsp;", " " },
		    { "&lt;", "<" },
		    { "&gt;", ">" },
		    { "&amp;", "&" },
		    { "&quot;", "\"" },
		    { "&#39;", "'" },
		    { "&apos;", "'" },
		    { "&#64;", "@" },
		    { "&rsquo;", "'" },
		    { "&#8217;", "'" },
		    { "&#160;", " " },
		    { "&eacute;", "\xc3\xa9" },
		    { "&egrave;", "\xc3\xa8" },
		    { "&agrave;", "\xc3\xa0" },
		    { "&uuml;", "\xc3\xbc" },
		    { "&auml;", "\xc3\xa4" },
		    { "&ouml;", "\xc3\xb6" },
		    { "&szlig;", "\xc3\x9f" },
		    { "&aacute;", "\xc3\xa1" },
		    { "&iacute;", "\xc3\xad" },
		    { "&oacute;", "\xc3\xb3" },
		    { "&ccedil;", "\xc3\xa7" },
		    { "&atilde;", "\xc3\xa3" } };

	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		size_t len = strlen(row[i].name);

		if (len > n || strncasecmp(s, row[i].name, len) != 0)
			continue;
		for (const char *p = row[i].text; *p; p++)
			put(o, *p);
		return len;
	}
	put(o, '&');
	return 1;
}

/* Text in angle brackets that is an address is no tag: broken HTML of mail systems has it. */
static size_t tag_fold(struct sink *o, const char *s, size_t n)
{
	const char *close = memchr(s, '>', n < 2000 ? n : 2000);
	size_t len = close ? (size_t)(close - s) + 1 : 1;
	const char *at = memchr(s, '@', len);

	if (!close || (at && !memchr(s, ' ', len) && !memchr(s, '=', len))) {
		put(o, '<');
		return 1;
	}
	if (len > 2 && tag_breaks(s + 1, len - 1))
		put(o, '\n');
	else if (tag_is(s + 1, n - 1, "style"))
		return element_skip(s, n, "</style");
	else if (tag_is(s + 1, n - 1, "script"))
		return element_skip(s, n, "</script");
	else if (tag_is(s + 1, n - 1, "title"))
		return element_skip(s, n, "</title");
	else if (tag_is(s + 1, n - 1, "td") || tag_is(s + 1, n - 1, "/td"))
		put(o, ' ');
	return len;
}

static void html_fold(struct sink *o, const char *s, size_t n)
{
	for (size_t i = 0; i < n && o->n + 1 < o->cap;) {
		if (s[i] == '<')
			i += tag_fold(o, s + i, n - i);
		else if (s[i] == '&')
			i += entity_fold(o, s + i, n - i);
		else if (s[i] == '\n')
			i += fold_one(o, " ", 1);
		else
			i += fold_one(o, s + i, n - i);
	}
	put(o, '\n');
}

static void text_fold(struct sink *o, const char *s, size_t n)
{
	for (size_t i = 0; i < n && o->n + 1 < o->cap;)
		i += fold_one(o, s + i, n - i);
	put(o, '\n');
}

/* ---- where the returned message begins ---- */

/* At the beginning of a line; leading dashes, equal signs and stars are passed over before. */
/* clang-format off */
static const char *const ruled[] = {
	"this is a copy of", "original message", "below this line is a copy of", "the header of the original",
	"the headers of the original", "unsent message", "returned message", "returned mail follows",
	"message header", "header of the original", "headers of the original", "a copy of your message",
	"copy of the original", "start of the original", "start of returned", "start of message",
	"the original message", "your original message", "your message follows", "forwarded message",
	"message contents follow", "message text follows", "returned content", "contenu du message",
	"message d'origine", "mensaje original", "mensagem original", "messaggio originale",
	"oorspronkelijk bericht", "message header follows", "rest of your message",
	"included is a copy of the message header", "text of your message", "headers of your message",
	"ursprüngliche nachricht", "original text", "non-delivered information", "undelivered message"
};
static const char *const headers_begin[] = {
	"received: from ", "received: by ", "received:from ", "received: (", "return-path: <", "return-path:<",
	"dkim-signature:", "arc-seal:", "x-received: by", "x-google-smtp-source:", "content-type: message/rfc822",
	"content-type: text/rfc822-headers", "mime-version: 1.0", "delivered-to: "
};
/* clang-format on */

static bool begins_returned(const char *line)
{
	const char *s = line + strspn(line, "-=*_+> #[");

	for (size_t i = 0; s > line + 1 && i < sizeof ruled / sizeof ruled[0]; i++)
		if (!strncmp(s, ruled[i], strlen(ruled[i])))
			return true;
	for (size_t i = 0; i < sizeof headers_begin / sizeof headers_begin[0]; i++)
		if (!strncmp(line, headers_begin[i], strlen(headers_begin[i])))
			return true;
	return !strncmp(line, "message headers follow", 22) || !strncmp(line, "original message follows", 24) ||
	       !strncmp(line, "the original message follows", 28) || !strncmp(line, "original message headers", 24) ||
	       !strncmp(line, "the following is a copy of", 26) || !strncmp(line, "original headers", 16) ||
	       !strncmp(line, "original message header", 23);
}

static size_t own_length(const struct view *v)
{
	const char *line = v->text;

	while (*line) {
		const char *lf = strchr(line, '\n');

		if (line > v->text && begins_returned(line))
			return (size_t)(line - v->text);
		if (!lf)
			break;
		line = lf + 1;
	}
	return v->n;
}

/* ---- the whole ---- */

bool is_inside_message(const struct mail *m, size_t part)
{
	for (size_t i = 0; i < part; i++)
		if (m->part[i].end > part && !strncmp(m->part[i].type, "message/", 8))
			return true;
	return false;
}

static bool is_blank(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr(" \t\r\n", s[i]) || s[i] == '\0')
			return false;
	return true;
}

/* HTML is read where there is no plain text with something in it. */
static void body_fold(const struct mail *m, struct sink *o)
{
	bool plain = false;

	for (size_t i = 0; i < m->part_n; i++) {
		const struct mail_part *p = &m->part[i];
		bool html = !strcmp(p->type, "text/html");

		if (strncmp(p->type, "text/", 5) != 0 || !strcmp(p->type, "text/rfc822-headers") ||
		    is_blank(p->text, p->text_len) || (html && plain) || is_inside_message(m, i))
			continue;
		if (html)
			html_fold(o, p->text, p->text_len);
		else
			text_fold(o, p->text, p->text_len);
		plain = plain || !html;
	}
	o->to[o->n] = '\0';
}

const char *value_of(const struct mail *m, const char *name)
{
	const char *v = mail_get(m, name);

	return v ? v : "";
}

/* Local parts, and words of display names, behind which no person is. */
static bool is_daemon(const char *from)
{
	/* clang-format off */
	static const char *const word[] = {
		"mailer-daemon", "mailerdaemon", "mailer_daemon", "mailer daemon", "mail-daemon", "mail daemon",
		"maildaemon", "mdaemon@", "postmaster", "post_master", "postmast", "poostmaster", "mail delivery",
		"mail deliver system", "mail.delivery.system", "mail-delivery", "maildelivery",
		"delivery subsystem", "delivery-subsystem", "system administrator", "mail administrator",
		"mail system", "mailsystem", "ndr administrator", "microsoft exchange", "microsoftexchange",
		"interscan", "mail router", "mailrouter", "internet mail", "mail transfer", "mta@", "smtp gateway",
		"e-mail interconnect", "daemon@", "undeliverable", "non-delivery", "returned mail", "mailadmin",
		"mail-admin", "mailgateway", "mail gateway", "mailmarshal", "smtp server", "amazonses.com",
		"sns.amazonaws.com", "mailsweeper"
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof word / sizeof word[0]; i++)
		if (strstr(from, word[i]))
			return true;
	return !strncmp(from, "root@", 5) || strstr(from, " bounce@") || strstr(from, " bounces@") ||
	       !strncmp(from, "bounce@", 7);
}

/* The null return path, or what stands for it. A mailing list's ("list-bounces@") does not. */
static bool is_null_path(const struct mail *m)
{
	/* clang-format off */
	static const char *const local[] = {
		"mailer-daemon", "mailer_daemon", "mailerdaemon", "postmaster@", "mail-daemon", "maildaemon",
		"mdaemon@", "null@"
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
		if (!strncmp(m->return_path, local[i], strlen(local[i])))
			return true;
	return m->has_return_path && *m->return_path == '\0';
}

void view_make(const struct mail *m, struct view *v)
{
	struct sink o = { v->text, 0, sizeof v->text };
	size_t n;

	v->m = m;
	body_fold(m, &o);
	v->n = o.n;
	for (size_t i = 0; i <= v->n; i++)
		v->flat[i] = v->text[i] == '\n' ? ' ' : v->text[i];
	v->own = own_length(v);
	(void)fold_copy(v->subject, sizeof v->subject, m->subject, strlen(m->subject));
	n = fold_copy(v->from, sizeof v->from / 2, m->from_name, strlen(m->from_name));
	v->from[n++] = ' ';
	if (n == 1)
		n = 0;
	n += fold_copy(v->from + n, sizeof v->from - n, m->from, strlen(m->from));
	if (n < 2) /* "MAILER-DAEMON <>", "<MAILER-DAEMON>" */
		(void)fold_copy(v->from, sizeof v->from, value_of(m, "from"), strlen(value_of(m, "from")));
	v->daemon = is_daemon(v->from);
	v->null_path = is_null_path(m);
}

bool view_says(const struct view *v, const char *phrase)
{
	return text_find(v->flat, v->own, phrase) != NULL;
}

bool view_says_any(const struct view *v, const char *const *phrase)
{
	for (size_t i = 0; i < LIST_MAX && phrase[i]; i++)
		if (view_says(v, phrase[i]))
			return true;
	return false;
}
