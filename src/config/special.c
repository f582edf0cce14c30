/* Options whose value is more than its type says: addresses, URLs, the window, files that are read at once. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/mem.h"
#include "config_int.h"

#define URL_MAX 900 /* a line of a message ends at 998 bytes, and a URL cannot be folded */

static const char *const tls_names[] = {
	[TLS_REQUIRED] = "required", [TLS_OPPORTUNISTIC] = "opportunistic", [TLS_NONE] = "none"
};

const char *tls_mode_name(enum tls_mode m)
{
	return tls_names[m];
}

int set_tls(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *text = setting_text(r, s, false);

	(void)o;
	for (size_t i = 0; text && i < sizeof tls_names / sizeof *tls_names; i++)
		if (!strcmp(text, tls_names[i])) {
			*(enum tls_mode *)at = (enum tls_mode)i;
			return 0;
		}
	if (!text)
		return -1;
	return reader_fail(r, s, "bad-value", "'tls' must be \"required\", \"opportunistic\" or \"none\"");
}

/* ---- addresses ---- */

static bool is_ascii(const char *s)
{
	while (*s && !(*s & 0x80))
		s++;
	return !*s;
}

int set_from(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	struct config_sender *sender = at;
	struct err e = { "" };
	const char *text = setting_text(r, s, false);
	char name[256], addr[MAILADDR_MAX];

	(void)o;
	if (!text)
		return -1;
	if (mailaddr_parse_mailbox(text, name, addr, &e) < 0)
		return reader_fail(r, s, "bad-value", "'from': %s", e.text);
	if (!is_ascii(strrchr(addr, '@'))) /* else no letter could be composed */
		return reader_fail(
		    r, s, "bad-value",
		    "'from': the domain stands in every Message-ID, which is ASCII: write it as xn--...");
	memcpy(sender->from_name, name, sizeof name);
	memcpy(sender->from_addr, addr, sizeof addr);
	return 0;
}

/* A bare address. AT_CONFIG fields are arrays, but on_reply.notify is a pointer. */
int set_mailbox(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	struct err e = { "" };
	const char *text = setting_text(r, s, false);
	char name[256], addr[MAILADDR_MAX] = "";
	bool optional = o->fallback != NULL;

	if (!text)
		return -1;
	if (*text || !optional) {
		if (mailaddr_parse_mailbox(text, name, addr, &e) < 0)
			return reader_fail(r, s, "bad-value", "'%s': %s", config_setting_name(s), e.text);
		if (*name)
			return reader_fail(r, s, "bad-value", "'%s' must be an address without a name",
					   config_setting_name(s));
	}
	if (optional)
		*(const char **)at = owned_text(r->owned, addr);
	else
		memcpy(at, addr, sizeof addr);
	return 0;
}

int set_unsubscribe(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	struct err e = { "" };
	const char *text = setting_text(r, s, false);
	char addr[MAILADDR_MAX];

	(void)o;
	if (!text)
		return -1;
	if (text[strcspn(text, " <>\"")])
		return reader_fail(r, s, "bad-value",
				   "'unsubscribe' must be one URL, without spaces, quotes or angle brackets");
	if (!is_ascii(text))
		return reader_fail(
		    r, s, "bad-value",
		    "'unsubscribe' must be ASCII: percent-encode the rest, and write the host as xn--...");
	if (strlen(text) > URL_MAX)
		return reader_fail(r, s, "out-of-range",
				   "'unsubscribe' is a word of a header and can be %d bytes long; this is %zu", URL_MAX,
				   strlen(text));
	if (!strncasecmp(text, "mailto:", 7)) {
		char *to = mem_strndup(text + 7, strcspn(text + 7, "?"));
		int rc = mailaddr_parse(to, addr, &e);

		free(to);
		if (rc < 0)
			return reader_fail(r, s, "bad-value", "'unsubscribe': %s", e.text);
	} else if (strncasecmp(text, "https://", 8) != 0 || !isalnum((unsigned char)text[8])) {
		return reader_fail(r, s, "bad-value", "'unsubscribe' must be a mailto: or https: URL");
	}
	*(const char **)at = owned_text(r->owned, text);
	return 0;
}

/* ---- URLs ---- */

static bool host_is_valid(const char *h)
{
	unsigned char addr[16];

	if (strchr(h, ':'))
		return inet_pton(AF_INET6, h, addr) == 1;
	if (!isalnum((unsigned char)*h) || strlen(h) > 253)
		return false;
	return h[strspn(h, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")] == '\0';
}

static bool host_is_loopback(const char *h)
{
	unsigned char a[16];
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	static const unsigned char one[16] = { [15] = 1 };

	if (!strcasecmp(h, "localhost") || !strcasecmp(h, "localhost."))
		return true;
	if (inet_pton(AF_INET, h, a) == 1)
		return a[0] == 127;
	if (inet_pton(AF_INET6, h, a) == 1)
		return !memcmp(a, one, 16) || (!memcmp(a, mapped, 12) && a[12] == 127);
	return false;
}

struct url {
	bool secure; /* the second scheme */
	const char *host;
	int port;         /* 0: not given */
	const char *path; /* behind the '/', "" */
};

/* SCHEME://HOST[:PORT][/PATH]; userinfo is refused: a password in there would be seen in logs. */
static int url_read(struct reader *r, const config_setting_t *s, const char *text, const char *plain,
		    const char *secure, struct url *u)
{
	size_t pn = strlen(plain), sn = strlen(secure);

	u->secure = !strncasecmp(text, secure, sn) && !strncmp(text + sn, "://", 3);
	if (!u->secure && (strncasecmp(text, plain, pn) != 0 || strncmp(text + pn, "://", 3) != 0))
		return reader_fail(r, s, "bad-value", "'url' must begin with %s:// or %s://", plain, secure);
	const char *p = text + (u->secure ? sn : pn) + 3;
	size_t n = strcspn(p, "/");
	const char *authority = owned_textn(r->owned, p, n);

	u->path = owned_text(r->owned, p[n] ? p + n + 1 : "");
	u->port = 0;
	if (strchr(authority, '@'))
		return reader_fail(r, s, "bad-value",
				   "'url' must not hold a user or a password: use username and password_file");
	const char *colon, *host_end;

	if (*authority == '[') {
		const char *close = strchr(authority, ']');

		if (!close || (close[1] && close[1] != ':'))
			return reader_fail(r, s, "bad-value", "'url': an IPv6 address stands in [ ]");
		colon = close[1] ? close + 1 : NULL;
		host_end = close;
		authority++;
	} else {
		colon = strchr(authority, ':');
		host_end = colon ? colon : authority + strlen(authority);
	}
	u->host = owned_textn(r->owned, authority, (size_t)(host_end - authority));
	if (!host_is_valid(u->host))
		return reader_fail(r, s, "bad-value", "'url': '%.80s' is no host name or address", u->host);
	if (colon) {
		char *end;
		long port = isdigit((unsigned char)colon[1]) ? strtol(colon + 1, &end, 10) : 0;

		if (port < 1 || port > 65535 || *end)
			return reader_fail(r, s, "bad-value", "'url': the port must be 1 to 65535");
		u->port = (int)port;
	}
	return 0;
}

int set_smtp_url(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	struct config_smtp *smtp = at;
	const char *text = setting_text(r, s, false);
	struct url u;

	(void)o;
	if (!text || url_read(r, s, text, "smtp", "smtps", &u) < 0)
		return -1;
	if (*u.path)
		return reader_fail(r, s, "bad-value", "'url' of a relay has no path; the name in EHLO is smtp.helo");
	smtp->url = owned_text(r->owned, text);
	smtp->host = u.host;
	smtp->port = u.port ? u.port : u.secure ? 465 : 587;
	smtp->implicit_tls = u.secure;
	smtp->loopback = host_is_loopback(u.host);
	return 0;
}

/* %XX (RFC 5092) of a mailbox's name. False: a digit is missing, or it would be a control character. */
static bool percent_decode(char *p)
{
	static const char hex[] = "0123456789abcdef";
	char *to = p;

	for (; *p; p++, to++) {
		const char *a, *b;

		*to = *p;
		if (*p != '%')
			continue;
		a = p[1] ? strchr(hex, tolower((unsigned char)p[1])) : NULL;
		b = a && p[2] ? strchr(hex, tolower((unsigned char)p[2])) : NULL;
		if (!b || a - hex < 2)
			return false;
		*to = (char)((a - hex) * 16 + (b - hex));
		p += 2;
	}
	*to = '\0';
	return true;
}

int set_imap_url(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	struct config_inbox *in = at;
	const char *text = setting_text(r, s, false);
	struct url u;
	char *mailbox;
	bool valid;

	(void)o;
	if (!text || (*text && url_read(r, s, text, "imap", "imaps", &u) < 0))
		return -1;
	in->imap_url = owned_text(r->owned, text);
	if (!*text)
		return 0;
	mailbox = mem_strdup(*u.path ? u.path : "INBOX");
	valid = percent_decode(mailbox);
	in->imap_mailbox = owned_text(r->owned, mailbox);
	free(mailbox);
	if (!valid)
		return reader_fail(r, s, "bad-value", "'url': a %% of the mailbox's name begins no %%XX");
	in->imap_host = u.host;
	in->imap_port = u.port ? u.port : u.secure ? 993 : 143;
	in->imap_implicit_tls = u.secure;
	in->imap_loopback = host_is_loopback(u.host);
	return 0;
}

int set_imap_after(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *text = setting_text(r, s, false);

	(void)o;
	if (!text)
		return -1;
	if (*text && strcmp(text, "seen") != 0 && (strncmp(text, "move:", 5) != 0 || !text[5]))
		return reader_fail(r, s, "bad-value", "'after' must be \"seen\" or \"move:FOLDER\"");
	*(const char **)at = owned_text(r->owned, text);
	return 0;
}

int set_host(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *text = setting_text(r, s, false);

	(void)o;
	if (!text)
		return -1;
	if (*text && (strchr(text, ':') || !host_is_valid(text)))
		return reader_fail(r, s, "bad-value", "'%s': '%.80s' is no host name", config_setting_name(s), text);
	*(const char **)at = owned_text(r->owned, text);
	return 0;
}

/* ---- files ---- */

const char *secret_read(struct owned *o, const char *path, bool *others_can_read, struct err *e)
{
	struct stat st;
	struct buf text = { 0 };
	const char *secret = NULL;

	*others_can_read = stat(path, &st) == 0 && (st.st_mode & S_IROTH);
	if (file_read(path, &text, e) < 0)
		goto out;
	while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
		text.data[--text.len] = '\0';
	if (!text.len)
		err_set(e, "'%s' holds no password", path);
	else if (memchr(text.data, '\n', text.len) || text.len > 4096)
		err_set(e, "'%s' holds more than one line", path);
	else
		secret = owned_textn(o, text.data, text.len);
out:
	if (text.data)
		explicit_bzero(text.data, text.cap);
	buf_free(&text);
	return secret;
}

int set_password(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *path = NULL;
	struct err e = { "" };
	bool others = false;

	if (set_path(r, o, s, &path) < 0)
		return -1;
	const char *secret = secret_read(r->owned, path, &others, &e);

	if (!secret)
		return reader_fail(r, s, "missing-file", "%s", e.text);
	if (others)
		reader_tell(r, SEVERITY_WARNING, setting_spot(r, s), "readable-secret",
			    "'%s' can be read by every user: chmod o-r", path);
	*(const char **)at = secret;
	return 0;
}

int set_readable(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *path = NULL;

	if (set_path(r, o, s, &path) < 0)
		return -1;
	if (*path && access(path, R_OK) < 0)
		return reader_fail(r, s, "missing-file", "cannot read '%s': %s", path, strerror(errno));
	*(const char **)at = path;
	return 0;
}
