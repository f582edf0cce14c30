/* An SMTP relay that can misbehave on demand: for tests, and for `make try`. It never sends anything anywhere; it
 * listens on 127.0.0.1 only, prints `listening PORT` on stdout, and ends with status 0 on SIGTERM or SIGINT.
 *
 *   --port N           default: a free one
 *   --maildir DIR      writes what it accepted there, byte for byte, through tmp/ to new/
 *   --log FILE         one JSON object a line: ts conn event from to message_id subject code bytes; events: connect
 * mail rcpt data message close; a message stands there before it is answered
 *   --script FILE      lines `ADDRESS BEHAVIOUR`: the behaviour of a recipient whose local part does not name it; `*`
 * is everyone
 *   --chance LIST      `NAME[+N]=PERMILLE,...`: so many of a thousand recipients about whom nothing else is said behave so
 *   --seed N           others of the thousand
 *   --no-pipelining    does not offer PIPELINING          --no-smtputf8  does not offer SMTPUTF8
 *   --keep-refused     after a refused dot the transaction stays open, as Postfix has it with a restriction at the end
 * of data
 *   --greeting CODE    greets with CODE; from 400 on it closes then
 *   --ehlo-refuse      502 to EHLO; HELO is taken
 *   --auth USER:PASS   offers AUTH PLAIN LOGIN and takes MAIL only after it
 *   --greylist SECONDS 450 to a recipient until so long after the first attempt
 *   --latency MS       every answer, or group of pipelined answers, comes so much later
 *   --reply-limit N    421 to the MAIL after N messages of a connection
 *   --max-connections N  421 as the greeting of any further one
 *   --size N           offers SIZE N and keeps to it
 *   --exit-after N     ends after N accepted messages
 *   --help
 *
 * Behaviours, by the recipient's local part (the rows of `behaviours` below have the codes); `+N` is a number:
 *   tempfail+N  450 for the first N attempts     baduser  plain550  relaydenied   refused at RCPT      ok251  251 to
 * RCPT rcpt-354    550 to RCPT, yet 354 to DATA     baddata  tempdatacmd  refused at DATA policy  toolarge  tempdata
 * refused after the dot        421-dot  garbage-dot  longline   answers to the dot hangup-rcpt  hangup-data  hangup-dot
 * rst-dot   closed there          silent-rcpt  silent-dot   no answer slow-dot+MS  late answer     early-552  an answer
 * in the middle of the body 421-mail  tempmail  badsender   at MAIL: by the sender's local part, or a recipient's that
 * is pipelined behind it multi  answers of many lines      split  answers byte by byte
 *
 * STARTTLS is not offered: the tests that need it use a real Postfix (tests/system/postfix.sh). */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_smtp_parts.h"

static void process(struct conn *c);

/* ---- answers ---- */

static void conn_free(struct conn *c)
{
	struct linger rst = { 1, 0 };

	transcript(c, "close", 0, "", 0);
	if (c->reset)
		setsockopt(bufferevent_getfd(c->bev), SOL_SOCKET, SO_LINGER, &rst, sizeof rst);
	event_free(c->timer);
	bufferevent_free(c->bev);
	buf_free(&c->body);
	buf_free(&c->out);
	free(c);
	conns_open--;
	if (option.exit_after && accepted >= option.exit_after)
		event_base_loopexit(base, NULL);
}

static void in_ms(struct conn *c, long ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	c->paused = true;
	event_add(c->timer, &tv);
}

static void say(struct conn *c, int code, const char *text)
{
	if (c->multi)
		for (int i = 0; i < 60; i++)
			buf_printf(&c->out, "%d-%s, line %d of an answer that goes on and on\r\n", code, text, i);
	buf_printf(&c->out, "%d %s\r\n", code, text);
	if (code == 421)
		c->closing = true;
}

/* Puts out what was said; may free the connection: then true. */
static bool put_out(struct conn *c)
{
	size_t n = c->split && c->out.len ? 1 : c->out.len;

	if (n)
		bufferevent_write(c->bev, c->out.data, n);
	buf_consume(&c->out, n);
	if (c->out.len) {
		in_ms(c, 1);
		return false;
	}
	if (!c->closing)
		return false;
	if (c->reset || !evbuffer_get_length(bufferevent_get_output(c->bev))) {
		conn_free(c);
		return true;
	}
	return false; /* on_written comes */
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	c->paused = false;
	bufferevent_enable(c->bev, EV_READ);
	if (!put_out(c) && !c->paused)
		process(c);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	(void)bev;
	if (c->closing && !c->out.len)
		conn_free(c);
}

/* ---- behaviours ---- */

/* True when the behaviour took the answer's place. */
static bool misbehave(struct conn *c, enum phase at)
{
	if (!c->is || c->is->phase != at)
		return false;
	switch (c->is->what) {
	case ANSWER: say(c, c->is->code, c->is->text); return true;
	case HANGUP: c->closing = true; return true;
	case RESET: c->closing = c->reset = true; return true;
	case SILENT: c->silent = true; return true;
	case GARBAGE: buf_str(&c->out, "what do you mean?\r\n"); return true;
	case LONGLINE: buf_printf(&c->out, "250 %05000d\r\n", 0); return true;
	case SLOW:
	case TEMPFAIL:
	case RCPT_354:
	case MULTI:
	case SPLIT: break;
	}
	return false;
}

/* ---- commands ---- */

static bool address_in(const char *line, char out[ADDRESS_MAX])
{
	const char *from = strchr(line, '<'), *to = from ? strchr(from, '>') : NULL;

	if (!to || to - from >= ADDRESS_MAX)
		return false;
	snprintf(out, ADDRESS_MAX, "%.*s", (int)(to - from - 1), from + 1);
	return true;
}

static void forget_mail(struct conn *c)
{
	c->in_mail = c->take_data = c->multi = c->split = false;
	c->from[0] = c->to[0] = '\0';
	c->is = NULL;
	buf_clear(&c->body);
}

static void do_hello(struct conn *c, const char *line)
{
	bool ehlo = strncasecmp(line, "EHLO", 4) == 0;

	if (ehlo && option.ehlo_refuse) {
		say(c, 502, "5.5.1 EHLO is not known here");
		return;
	}
	if (!ehlo) {
		say(c, 250, "fake.example");
		return;
	}
	buf_str(&c->out, "250-fake.example\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n");
	if (!option.no_pipelining)
		buf_str(&c->out, "250-PIPELINING\r\n");
	if (!option.no_smtputf8)
		buf_str(&c->out, "250-SMTPUTF8\r\n");
	if (option.auth)
		buf_str(&c->out, "250-AUTH PLAIN LOGIN\r\n");
	buf_printf(&c->out, "250 SIZE %ld\r\n", option.size);
}

/* Who is behind a pipelined MAIL: behaviours at MAIL are the recipient's too. */
static void look_ahead(struct conn *c, long *n)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	char line[512], to[ADDRESS_MAX];
	ev_ssize_t got = evbuffer_copyout(in, line, sizeof line - 1);

	line[got > 0 ? got : 0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (strncasecmp(line, "RCPT TO:", 8) == 0 && address_in(line, to))
		c->is = behaviour_today(to, n);
}

static void do_mail(struct conn *c, const char *line)
{
	const char *size = strcasestr(line, " SIZE=");
	long n = 0;

	if (option.auth && !c->authenticated) {
		say(c, 530, "5.7.0 authentication required");
	} else if (c->in_mail) {
		say(c, 503, "5.5.1 nested MAIL");
	} else if (!address_in(line, c->from)) {
		say(c, 501, "5.1.7 bad sender address");
	} else if (option.reply_limit && c->messages >= option.reply_limit) {
		say(c, 421, "4.7.0 enough messages on this connection");
	} else if (option.size && size && strtol(size + 6, NULL, 10) > option.size) {
		say(c, 552, "5.3.4 message too big");
	} else {
		c->is = behaviour_of(c->from, &n);
		if (!c->is || c->is->phase != AT_MAIL)
			look_ahead(c, &n);
		transcript(c, "mail", 0, "", 0);
		if (misbehave(c, AT_MAIL))
			return;
		c->is = NULL;
		c->in_mail = true;
		say(c, 250, "2.1.0 sender ok");
	}
}

static void rcpt_code(struct conn *c, int code, const char *text)
{
	transcript(c, "rcpt", code, "", 0);
	c->take_data = code / 100 == 2 || (c->is && c->is->what == RCPT_354);
	say(c, code, text);
}

static void do_rcpt(struct conn *c, const char *line)
{
	struct recipient *r;

	if (!c->in_mail) {
		say(c, 503, "5.5.1 MAIL first");
		return;
	}
	if (!address_in(line, c->to)) {
		say(c, 501, "5.1.3 bad recipient address");
		return;
	}
	c->is = behaviour_today(c->to, &c->n);
	c->multi = c->is && c->is->what == MULTI;
	c->split = c->is && c->is->what == SPLIT;
	r = recipient_of(c->to);
	r->attempts++;
	if (option.greylist && clock_mono() - r->first < option.greylist * 1000)
		rcpt_code(c, 450, "4.2.0 greylisted");
	else if (c->is && c->is->what == TEMPFAIL && r->attempts <= c->n)
		rcpt_code(c, c->is->code, c->is->text);
	else if (c->is && c->is->phase == AT_RCPT && (c->is->what == ANSWER || c->is->what == RCPT_354))
		rcpt_code(c, c->is->code, c->is->text);
	else if (!misbehave(c, AT_RCPT))
		rcpt_code(c, 250, "2.1.5 recipient ok");
}

static void do_data(struct conn *c, const char *line)
{
	(void)line;
	if (!c->in_mail || !c->take_data) {
		say(c, 554, "5.5.1 no valid recipients");
	} else if (!misbehave(c, AT_DATA)) {
		transcript(c, "data", 354, "", 0);
		c->state = DATA;
		say(c, 354, "go ahead");
	}
}

static void do_rset(struct conn *c, const char *line)
{
	(void)line;
	forget_mail(c);
	say(c, 250, "2.0.0 forgotten");
}

static void do_noop(struct conn *c, const char *line)
{
	(void)line;
	say(c, 250, "2.0.0 ok");
}

static void do_quit(struct conn *c, const char *line)
{
	(void)line;
	say(c, 221, "2.0.0 bye");
	c->closing = true;
}

/* ---- AUTH PLAIN and LOGIN (RFC 4616) ---- */

static void check_login(struct conn *c, const char *user, const char *pass)
{
	size_t n = strlen(user);

	c->state = COMMAND;
	c->authenticated =
	    strncmp(option.auth, user, n) == 0 && option.auth[n] == ':' && strcmp(option.auth + n + 1, pass) == 0;
	say(c, c->authenticated ? 235 : 535, c->authenticated ? "2.7.0 welcome" : "5.7.8 credentials refused");
}

static void auth_line(struct conn *c, const char *line)
{
	char text[256];
	size_t n = base64_decode(line, text, sizeof text), zid = strlen(text) + 1;

	if (c->state == AUTH_USER) {
		snprintf(c->user, sizeof c->user, "%.127s", text);
		c->state = AUTH_PASS;
		say(c, 334, "UGFzc3dvcmQ6");
	} else if (c->state == AUTH_PASS) {
		check_login(c, c->user, text);
	} else if (zid < n) {
		check_login(c, text + zid, text + zid + strlen(text + zid) + 1);
	} else {
		c->state = COMMAND;
		say(c, 501, "5.5.2 cannot read that");
	}
}

static void do_auth(struct conn *c, const char *line)
{
	if (!option.auth) {
		say(c, 502, "5.5.1 no AUTH here");
	} else if (strncasecmp(line, "AUTH PLAIN", 10) == 0) {
		c->state = AUTH_PLAIN;
		if (line[10] == ' ')
			auth_line(c, line + 11);
		else
			say(c, 334, "");
	} else if (strncasecmp(line, "AUTH LOGIN", 10) == 0) {
		c->state = AUTH_USER;
		if (line[10] == ' ')
			auth_line(c, line + 11);
		else
			say(c, 334, "VXNlcm5hbWU6");
	} else {
		say(c, 504, "5.5.4 not this one");
	}
}

static const struct {
	const char *verb;
	void (*run)(struct conn *c, const char *line);
} commands[] = {
	{ "EHLO", do_hello },    { "HELO", do_hello }, { "MAIL FROM:", do_mail },
	{ "RCPT TO:", do_rcpt }, { "DATA", do_data },  { "RSET", do_rset },
	{ "NOOP", do_noop },     { "QUIT", do_quit },  { "AUTH", do_auth },
};

static void command(struct conn *c, const char *line)
{
	if (c->state != COMMAND) {
		auth_line(c, line);
		return;
	}
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strncasecmp(line, commands[i].verb, strlen(commands[i].verb)) == 0) {
			commands[i].run(c, line);
			return;
		}
	say(c, 500, "5.5.2 what?");
}

/* ---- messages ---- */

static void dot(struct conn *c)
{
	bool too_big = option.size && c->body.len > (size_t)option.size;
	char id[256], subject[256], text[64];

	c->state = COMMAND;
	header_of(&c->body, "Message-ID:", id);
	header_of(&c->body, "Subject:", subject);
	if (c->is && c->is->what == RCPT_354) {
		say(c, 554, "5.5.1 no valid recipients");
	} else if (too_big) {
		say(c, 552, "5.3.4 message too big");
	} else if (misbehave(c, AT_DOT)) {
		transcript(c, "data", c->is->code, id, c->body.len);
	} else {
		deliver(&c->body);
		c->messages++;
		accepted++;
		/* before the answer: never is less told than was taken */
		transcript_of(c, "message", 250, id, subject, c->body.len);
		snprintf(text, sizeof text, "2.0.0 ok queued as %ld", accepted);
		say(c, 250, text);
		if (c->is && c->is->what == SLOW)
			in_ms(c, c->n);
	}
	if (option.exit_after && accepted >= option.exit_after)
		c->closing = true;
	buf_clear(&c->body);
	if (c->is && c->is->phase == AT_DOT && option.keep_refused)
		return;
	bool split = c->split;
	forget_mail(c);
	c->split = split;
}

static void body_line(struct conn *c, const char *line, size_t n)
{
	if (n == 1 && *line == '.') {
		dot(c);
		return;
	}
	if (n && *line == '.') {
		line++;
		n--;
	}
	buf_add(&c->body, line, n);
	buf_add(&c->body, "\r\n", 2);
	if (c->body.len > 200 && misbehave(c, AT_BODY)) {
		c->silent = true;
		/* nothing more is read for a while, so that the body cannot end before the answer is seen, however fast the other
		 * side is */
		bufferevent_disable(c->bev, EV_READ);
		event_add(c->timer, &(struct timeval){ .tv_sec = 1 });
	}
}

/* Takes lines until an answer has to be waited for. */
static void process(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	bool said = c->out.len != 0;
	size_t n;
	char *line;

	while (!c->paused && !c->closing && !c->silent &&
	       (line = evbuffer_readln(in, &n, EVBUFFER_EOL_CRLF_STRICT)) != NULL) {
		if (c->state == DATA)
			body_line(c, line, n);
		else
			command(c, line);
		free(line);
	}
	if (c->silent)
		evbuffer_drain(in, evbuffer_get_length(in));
	if (c->paused)
		return;
	if (option.latency && c->out.len && !said)
		in_ms(c, option.latency);
	else
		put_out(c);
}

/* ---- connections ---- */

static void on_read(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	if (evbuffer_get_length(bufferevent_get_input(bev)) > LINE_MAX_BYTES && c->state != DATA && !c->paused)
		c->closing = true;
	if (!c->paused)
		process(c);
}

static void on_gone(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	conn_free(arg);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	struct conn *c = mem_alloc(sizeof *c);
	int one = 1;

	(void)l;
	(void)sa;
	(void)len;
	(void)arg;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	c->timer = event_new(base, -1, 0, on_timer, c);
	c->no = ++conns_made;
	conns_open++;
	bufferevent_setcb(c->bev, on_read, on_written, on_gone, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	transcript(c, "connect", 0, "", 0);
	if (option.max_connections && conns_open > option.max_connections)
		say(c, 421, "4.7.0 too many connections");
	else
		say(c, option.greeting, "fake.example ESMTP");
	c->closing |= option.greeting >= 400;
	put_out(c);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	event_base_loopbreak(base);
}

/* ---- the start ---- */

int main(int argc, char **argv)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof sa;
	struct evconnlistener *listener;
	struct event *sig[2];

	if (!read_options(argc, argv))
		return usage(2);
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	sa.sin_port = htons((uint16_t)option.port);
	listener = evconnlistener_new_bind(base, on_accept, NULL,
					   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, 1024,
					   (struct sockaddr *)&sa, sizeof sa);
	if (!listener || (option.script && load_script(option.script) != 0) ||
	    (option.log && !(log_file = fopen(option.log, "ae")))) {
		perror("fake_smtp");
		return 1;
	}
	if (option.maildir)
		make_maildir(option.maildir);
	sig[0] = evsignal_new(base, SIGTERM, on_signal, NULL);
	sig[1] = evsignal_new(base, SIGINT, on_signal, NULL);
	for (int i = 0; i < 2; i++)
		event_add(sig[i], NULL);
	getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&sa, &len);
	printf("listening %d\n", ntohs(sa.sin_port));
	fflush(stdout);
	event_base_dispatch(base);
	evconnlistener_free(listener);
	return 0;
}
