/* One mailbox over IMAP: opened by libcurl (DNS, TCP, TLS or STARTTLS), from there on our dialogue. Policy:
 *
 * - libcurl is given no credentials, we log in ourselves: its choice of a mechanism ends with an error where a server
 *   offers GSSAPI or CRAM-MD5 beside PLAIN, and a server that cannot look now is to it a password that is refused.
 * - Its CAPABILITY is asked again: what was said before STARTTLS counts for nothing.
 * - `tls = "required"` fails closed, twice: libcurl's, and ours before the password leaves.
 * - A session that fails is opened again after 1 s, doubling to 5 min, jittered; 5 min after a refused login. One that
 *   held a minute, or brought a message, was no failure.
 * - A server has a minute to say something and ten to end a command; both are monotonic and ours.
 */
#include <assert.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "abv/clock.h"
#include "abv/json.h"
#include "abv/log.h"
#include "abv/mem.h"
#include "imap_int.h"

static const char *const state_name[] = { "down", "opening", "busy", "idle", "waiting" };
_Static_assert(sizeof state_name / sizeof state_name[0] == IMAP_STATE_COUNT, "a state lacks its name");

const char *imap_state_name(enum imap_state st)
{
	return (unsigned)st < IMAP_STATE_COUNT ? state_name[st] : "";
}

/* from -> permitted next states */
#define BIT(s) (1U << (s))
static const unsigned edge[IMAP_STATE_COUNT] = {
	[IMAP_DOWN] = BIT(IMAP_OPENING),
	[IMAP_OPENING] = BIT(IMAP_BUSY) | BIT(IMAP_DOWN),
	[IMAP_BUSY] = BIT(IMAP_BUSY) | BIT(IMAP_IDLING) | BIT(IMAP_WAITING) | BIT(IMAP_DOWN),
	[IMAP_IDLING] = BIT(IMAP_BUSY) | BIT(IMAP_WAITING) | BIT(IMAP_DOWN),
	[IMAP_WAITING] = BIT(IMAP_BUSY) | BIT(IMAP_DOWN),
};

void imap_move(struct imap *s, enum imap_state to)
{
	assert(edge[s->state] & BIT(to));
	s->state = to;
}

/* ---- the end of a session, and the next ---- */

static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

static int64_t jittered(int64_t ms)
{
	return ms + (int64_t)arc4random_uniform((uint32_t)(ms / 5 * 2 + 1)) - ms / 5;
}

void imap_end(struct imap *s, bool refused, const char *fmt, ...)
{
	int64_t wait;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(s->error, sizeof s->error, fmt, ap);
	va_end(ap);
	imap_clean(s->error);
	imap_work_lost(s);
	if (s->opened && clock_mono() - s->opened >= s->pace->settled)
		s->failures = 0;
	wait = refused ? s->pace->backoff_auth
		       : source_backoff(s->pace->backoff_first, s->failures, s->pace->backoff_most);
	wait = jittered(wait);
	s->failures++;
	s->opened = s->selected = 0;
	s->command = IMAP_CMD_NONE;
	s->list_n = s->list_at = 0;
	imap_move(s, IMAP_DOWN);
	netconn_close(&s->conn, NULL);
	imap_reader_free(&s->reader);
	memset(&s->reader, 0, sizeof s->reader);
	event_del(s->limit);
	source_timer_set(s->wake, wait);
	log_warning("inbox source=%s lost error=\"%s\" again_in=%.1fs", s->source, s->error, (double)wait / 1000);
}

/* ---- commands ---- */

void imap_limit(struct imap *s, bool on)
{
	s->begun = s->heard = clock_mono();
	if (on)
		source_timer_set(s->limit, s->pace->silence);
	else
		event_del(s->limit);
}

void imap_send(struct imap *s, enum imap_command c, struct buf *text)
{
	struct buf line = { 0 };

	(void)snprintf(s->tag, sizeof s->tag, "a%u", ++s->tags);
	buf_printf(&line, "%s ", s->tag);
	buf_add(&line, buf_text(text), text->len);
	buf_str(&line, "\r\n");
	imap_move(s, IMAP_BUSY);
	s->command = c;
	imap_limit(s, true);
	netconn_send(s->conn, line.data, line.len);
	wipe(&line);
	wipe(text);
}

void imap_command(struct imap *s, enum imap_command c, const char *fmt, ...)
{
	struct buf text = { 0 };
	char line[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	buf_str(&text, line);
	imap_send(s, c, &text);
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct imap *s = arg;
	int64_t now = clock_mono(), silent = s->heard + s->pace->silence, end = s->begun + s->pace->command;

	(void)fd;
	(void)what;
	if (now >= end)
		imap_end(s, false, "the server did not come to an end within the time limit");
	else if (now >= silent)
		imap_end(s, false, "the server did not answer within the time limit");
	else
		source_timer_set(s->limit, (silent < end ? silent : end) - now);
}

/* ---- login and SELECT ---- */

void imap_select(struct imap *s)
{
	struct buf text = { 0 };

	/* Looking only: not even \Recent changes. */
	buf_str(&text, s->after == IMAP_AFTER_NOTHING ? "EXAMINE " : "SELECT ");
	imap_mailbox_name(&text, s->mailbox);
	s->seen_validity = s->uidnext = 0;
	imap_send(s, IMAP_CMD_SELECT, &text);
}

static void login(struct imap *s)
{
	struct buf text = { 0 };

	if (s->tls == TLS_REQUIRED && !netconn_is_encrypted(s->conn)) {
		imap_end(s, false, "TLS is required, and the connection has none");
	} else if (!*s->username || !imap_may_write(s->username) || !imap_may_write(s->password)) {
		imap_end(s, true, "the server wants a login, and there is none that could be sent");
	} else if (s->can.auth_plain) {
		buf_str(&text, "AUTHENTICATE PLAIN");
		s->plain_waits = !s->can.sasl_ir;
		if (s->can.sasl_ir) {
			buf_char(&text, ' ');
			imap_sasl_plain(&text, s->username, s->password);
		}
		imap_send(s, IMAP_CMD_LOGIN, &text);
	} else if (s->can.login_disabled) {
		imap_end(s, true, "the server offers neither LOGIN nor AUTH=PLAIN%s",
			 netconn_is_encrypted(s->conn) ? "" : " without TLS");
	} else {
		buf_str(&text, "LOGIN ");
		imap_quoted(&text, s->username);
		buf_char(&text, ' ');
		imap_quoted(&text, s->password);
		imap_send(s, IMAP_CMD_LOGIN, &text);
	}
}

static void capability_done(struct imap *s, const struct imap_response *r)
{
	if (r->word != IMAP_OK)
		imap_end(s, false, "CAPABILITY was refused: %s", r->text);
	else if (s->logged_in)
		imap_select(s);
	else
		login(s);
}

/* The server cannot look now; it did not refuse the password (RFC 5530). */
static bool is_passing(const char *code)
{
	return imap_code_is(code, "UNAVAILABLE") || imap_code_is(code, "INUSE") || imap_code_is(code, "LIMIT") ||
	       imap_code_is(code, "SERVERBUG");
}

static void login_done(struct imap *s, const struct imap_response *r)
{
	s->plain_waits = false;
	if (r->word != IMAP_OK) {
		imap_end(s, !is_passing(r->code), "the login was refused: %s", r->text);
		return;
	}
	s->logged_in = true;
	if (s->capabilities_known)
		imap_select(s);
	else
		imap_command(s, IMAP_CMD_CAPABILITY, "CAPABILITY");
}

static void plain_goes_on(struct imap *s)
{
	struct buf text = { 0 };

	s->plain_waits = false;
	imap_sasl_plain(&text, s->username, s->password);
	buf_str(&text, "\r\n");
	netconn_send(s->conn, text.data, text.len);
	wipe(&text);
}

static void select_done(struct imap *s, const struct imap_response *r)
{
	if (r->word != IMAP_OK)
		imap_end(s, false, "the mailbox %s cannot be opened: %s", s->mailbox, r->text);
	else if (!s->seen_validity)
		imap_end(s, false, "the mailbox %s has no UIDVALIDITY", s->mailbox);
	else
		imap_selected(s);
}

/* ---- what the server says ---- */

static void untagged(struct imap *s, const struct imap_response *r)
{
	const char *list = r->word == IMAP_CAPABILITY ? r->text : NULL;

	if (r->word == IMAP_BYE) {
		imap_end(s, false, "the server said goodbye: %s", r->text);
		return;
	}
	if (!list && imap_code_is(r->code, "CAPABILITY"))
		list = r->code + strlen("CAPABILITY");
	if (list) {
		imap_capabilities(list + (*list == ' '), &s->can);
		s->capabilities_known = true;
	}
	if (s->command == IMAP_CMD_SELECT && r->word == IMAP_OK) {
		(void)imap_code_number(r->code, "UIDVALIDITY", &s->seen_validity);
		(void)imap_code_number(r->code, "UIDNEXT", &s->uidnext);
	}
	imap_work_untagged(s, r);
}

static void tagged(struct imap *s, const struct imap_response *r)
{
	enum imap_command c = s->command;

	if (strcasecmp(r->tag, "DONE") == 0)
		return; /* the server had ended IDLE by itself, and takes our word for a command */
	if (strcmp(r->tag, s->tag) != 0 || c == IMAP_CMD_NONE ||
	    (r->word != IMAP_OK && r->word != IMAP_NO && r->word != IMAP_BAD)) {
		imap_end(s, false, "the server answered something that was not asked");
		return;
	}
	if (imap_code_is(r->code, "CAPABILITY")) {
		imap_capabilities(r->code + strlen("CAPABILITY "), &s->can);
		s->capabilities_known = true;
	}
	s->command = IMAP_CMD_NONE;
	imap_limit(s, false);
	switch (c) {
	case IMAP_CMD_CAPABILITY: capability_done(s, r); break;
	case IMAP_CMD_LOGIN: login_done(s, r); break;
	case IMAP_CMD_SELECT: select_done(s, r); break;
	default: s->command = c; imap_work_done(s, r);
	}
}

static void responded(struct imap *s, const struct imap_response *r)
{
	if (r->kind == IMAP_TAGGED)
		tagged(s, r);
	else if (r->kind == IMAP_UNTAGGED)
		untagged(s, r);
	else if (s->command == IMAP_CMD_LOGIN && s->plain_waits)
		plain_goes_on(s);
	else if (s->command == IMAP_CMD_IDLE)
		imap_work_continue(s);
	else if (s->command == IMAP_CMD_LOGIN) /* a challenge behind what was said: "*" ends it (RFC 3501 6.2.2) */
		netconn_send(s->conn, "*\r\n", 3);
}

/* ---- from the connection ---- */

static void on_bytes(void *arg, struct netconn *c, const char *p, size_t n)
{
	struct imap *s = arg;

	(void)c;
	s->heard = clock_mono();
	imap_reader_bytes(&s->reader, p, n);
}

static void on_line(void *arg, struct netconn *c, const char *line, size_t n)
{
	struct imap *s = arg;

	s->heard = clock_mono();
	switch (imap_reader_line(&s->reader, line, n)) {
	case IMAP_READ_MORE: netconn_read_bytes(c, s->reader.literal, on_bytes); break;
	case IMAP_READ_RESPONSE: responded(s, &s->reader.response); break;
	case IMAP_READ_BAD: imap_end(s, false, "%s", s->reader.fault); break;
	}
}

static void on_open(void *arg, struct netconn *c, const char *capabilities)
{
	struct imap *s = arg;

	(void)c;
	s->opened = clock_mono();
	s->logged_in = strncasecmp(capabilities, "* PREAUTH", 9) == 0;
	s->capabilities_known = false;
	imap_command(s, IMAP_CMD_CAPABILITY, "CAPABILITY");
}

static void on_drained(void *arg, struct netconn *c)
{
	(void)arg;
	(void)c;
}

static void on_fail(void *arg, struct netconn *c, enum netconn_failure f, int code, const char *why)
{
	struct imap *s = arg;

	(void)c;
	(void)code;
	imap_end(s, false, "%s: %s", netconn_failure_name(f), why);
}

static void open_session(struct imap *s)
{
	struct netconn_options o = { .scheme = s->implicit_tls ? "imaps" : "imap",
				     .host = s->host,
				     .port = s->port,
				     .tls = s->tls,
				     .username = "",
				     .password = "",
				     .ca_file = s->ca_file,
				     .helo = "",
				     .connect_timeout_ms = s->pace->connect,
				     .line_max = IMAP_TEXT_MAX };
	struct netconn_handlers h = { s, on_open, on_line, on_drained, on_fail };
	struct err e = { "" };

	imap_move(s, IMAP_OPENING);
	s->conn = netconn_open(s->net, &o, &h, &e);
	if (!s->conn)
		imap_end(s, false, "%s", e.text);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct imap *s = arg;

	(void)fd;
	(void)what;
	if (s->state == IMAP_DOWN)
		open_session(s);
	else
		imap_work_wake(s);
}

/* ---- life ---- */

struct imap *imap_new(struct event_base *base, struct netloop *net, const struct config_inbox *c,
		      const struct inbox_hooks *hooks, const struct inbox_pace *pace)
{
	struct imap *s = mem_alloc(sizeof *s);
	const char *folder = strncmp(c->imap_after, "move:", 5) == 0 ? c->imap_after + 5 : NULL;

	s->base = base;
	s->net = net;
	s->hooks = *hooks;
	s->pace = pace;
	s->url = mem_strdup(c->imap_url);
	s->host = mem_strdup(c->imap_host);
	s->mailbox = mem_strdup(c->imap_mailbox);
	s->username = mem_strdup(c->imap_username);
	s->password = mem_strdup(c->imap_password);
	s->ca_file = mem_strdup(c->imap_ca_file);
	s->after_text = mem_strdup(c->imap_after);
	s->port = c->imap_port;
	s->implicit_tls = c->imap_implicit_tls;
	s->tls = c->imap_tls;
	s->after = folder ? IMAP_AFTER_MOVE : *c->imap_after ? IMAP_AFTER_SEEN : IMAP_AFTER_NOTHING;
	/* Of the port as well: on one host there may be two servers whose UIDVALIDITY is the same. */
	s->source = mem_printf("imap:%s@%s:%d/%s", s->username, s->host, s->port, s->mailbox);
	s->limit = event_new(base, -1, 0, on_limit, s);
	s->wake = event_new(base, -1, 0, on_wake, s);
	source_timer_set(s->wake, 0);
	return s;
}

bool imap_is_configured_as(const struct imap *s, const struct config_inbox *c)
{
	return strcmp(s->url, c->imap_url) == 0 && strcmp(s->username, c->imap_username) == 0 &&
	       strcmp(s->password, c->imap_password) == 0 && strcmp(s->ca_file, c->imap_ca_file) == 0 &&
	       strcmp(s->after_text, c->imap_after) == 0 && s->tls == c->imap_tls;
}

void imap_status(const struct imap *s, struct buf *json)
{
	json_add_str(json, "source", s->source);
	json_add_str(json, "state", imap_state_name(s->state));
	json_add_str(json, "error", s->error);
	json_add_int(json, "messages", s->messages);
	json_add_int(json, "later", s->later.n);
}

static void say_goodbye(struct imap *s)
{
	char text[64];

	/* IDLE is ended first: what stands between is no command (RFC 2177). */
	(void)snprintf(text, sizeof text, "%sa%u LOGOUT\r\n", s->state == IMAP_IDLING ? "DONE\r\n" : "", ++s->tags);
	netconn_close(&s->conn, s->state == IMAP_IDLING || s->state == IMAP_WAITING ? text : NULL);
}

void imap_free(struct imap **sp)
{
	struct imap *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	say_goodbye(s);
	event_free(s->limit);
	event_free(s->wake);
	imap_reader_free(&s->reader);
	buf_free(&s->body);
	explicit_bzero(s->password, strlen(s->password));
	for (char **p = (char *[]){ s->url, s->host, s->mailbox, s->username, s->password, s->ca_file, s->after_text,
				    s->source, NULL };
	     *p; p++)
		free(*p);
	free(s);
}
