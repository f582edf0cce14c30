/* An IMAP server inside the test, on the same loop: a mailbox of texts, and everything a server may do wrong. It writes
 * at most `piece` bytes a turn, can put garbage between its answers, and hangs up after any byte. */
#ifndef TEST_IMAP_FAKE_H
#define TEST_IMAP_FAKE_H

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

#include "inbox_world.h"

#define FAKE_MAX 3000

struct fake_message {
	uint32_t uid;
	const char *text;
	size_t n;
	bool gone, seen, deleted, copied;
	long long size; /* told instead of n; 0: n */
};

struct fake {
	struct event_base *base;
	struct event *accept, *readable, *write;
	int listener, fd, port;
	/* the mailbox */
	uint32_t validity, uidnext;
	struct fake_message message[FAKE_MAX];
	int n;
	const char *capabilities, *greeting;
	/* what it does wrong */
	size_t piece;        /* bytes a turn; 0: all */
	long hang_up_after;  /* bytes of a connection; -1 never */
	const char *between; /* before every answer */
	const char *(*instead)(struct fake *f, const char *verb,
			       const char *line); /* NULL: the usual answer; %s is the tag */
	bool deaf;                                /* says nothing */
	void *arg;
	/* what happened */
	int connections, commands, logins, fetches, lists, idles, stores, changes;
	char last[4096];
	struct buf said; /* all lines */
	/* the connection */
	struct buf in, out;
	size_t out_at;
	long written;
	char idle_tag[32];
	bool idling, plain_waits;
	char plain_tag[32];
};

static inline void fake_add(struct fake *f, uint32_t uid, const char *text, size_t n)
{
	assert_true(f->n < FAKE_MAX);
	f->message[f->n++] = (struct fake_message){ .uid = uid, .text = text, .n = n };
	if (uid >= f->uidnext)
		f->uidnext = uid + 1;
}

static inline void fake_hang_up(struct fake *f)
{
	if (f->fd < 0)
		return;
	event_free(f->readable);
	event_free(f->write);
	f->readable = f->write = NULL;
	close(f->fd);
	f->fd = -1;
	buf_free(&f->in);
	buf_free(&f->out);
	f->out_at = 0;
	f->idling = f->plain_waits = false;
}

static inline void fake_on_write(evutil_socket_t fd, short what, void *arg)
{
	struct fake *f = arg;
	size_t left = f->out.len - f->out_at, n = f->piece && f->piece < left ? f->piece : left;
	bool end = f->hang_up_after >= 0 && f->written + (long)n >= f->hang_up_after;
	ssize_t sent;

	(void)what;
	if (end)
		n = (size_t)(f->hang_up_after - f->written);
	sent = n ? send(fd, f->out.data + f->out_at, n, MSG_NOSIGNAL) : 0;
	if (sent < 0 && errno != EAGAIN) {
		fake_hang_up(f);
		return;
	}
	if (sent > 0) {
		f->written += sent;
		f->out_at += (size_t)sent;
	}
	if (end && sent == (ssize_t)n) {
		fake_hang_up(f);
		return;
	}
	if (f->out_at < f->out.len)
		event_add(f->write, NULL);
	else
		buf_clear(&f->out), f->out_at = 0;
}

static inline void fake_write(struct fake *f, const char *p, size_t n)
{
	if (f->fd < 0 || f->deaf)
		return;
	buf_add(&f->out, p, n);
	event_add(f->write, NULL);
}

static inline void fake_say(struct fake *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline void fake_say(struct fake *f, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_reserve(&b, 8192);
	b.len = (size_t)vsnprintf(b.data, b.cap, fmt, ap);
	va_end(ap);
	fake_write(f, b.data, b.len);
	buf_free(&b);
}

/* ---- commands ---- */

static inline bool fake_in_set(const char *set, uint32_t uid, uint32_t highest)
{
	char *end;
	unsigned long a = strtoul(set, &end, 10), b = a;

	if (*end == ':')
		b = end[1] == '*' ? (a > highest ? a : highest) : strtoul(end + 1, NULL, 10);
	if (*end == ':' && end[1] == '*' && a > highest)
		a = highest; /* "n:*" always holds the last one */
	return uid >= a && uid <= b;
}

static inline uint32_t fake_highest(const struct fake *f)
{
	uint32_t most = 0;

	for (int i = 0; i < f->n; i++)
		if (!f->message[i].gone && f->message[i].uid > most)
			most = f->message[i].uid;
	return most;
}

static inline void fake_fetch(struct fake *f, const char *set, const char *what)
{
	bool body = strstr(what, "BODY.PEEK[]") != NULL;

	uint32_t highest = fake_highest(f);

	body ? f->fetches++ : f->lists++;
	for (int i = 0; i < f->n; i++) {
		struct fake_message *m = &f->message[i];

		if (m->gone || !fake_in_set(set, m->uid, highest))
			continue;
		if (!body) {
			fake_say(f, "* %d FETCH (UID %u RFC822.SIZE %lld)\r\n", i + 1, m->uid,
				 m->size ? m->size : (long long)m->n);
			continue;
		}
		fake_say(f, "* %d FETCH (UID %u BODY[] {%zu}\r\n", i + 1, m->uid, m->n);
		fake_write(f, m->text, m->n);
		fake_say(f, ")\r\n");
	}
}

static inline void fake_change(struct fake *f, const char *verb, const char *set, const char *what)
{
	f->changes++;
	for (int i = 0; i < f->n; i++) {
		struct fake_message *m = &f->message[i];

		if (m->gone || !fake_in_set(set, m->uid, fake_highest(f)))
			continue;
		m->seen |= strstr(what, "\\Seen") != NULL;
		m->deleted |= strstr(what, "\\Deleted") != NULL;
		m->copied |= strcmp(verb, "COPY") == 0 || strcmp(verb, "MOVE") == 0;
		if (strcmp(verb, "MOVE") == 0 || (strcmp(verb, "EXPUNGE") == 0 && m->deleted)) {
			m->gone = true;
			fake_say(f, "* %d EXPUNGE\r\n", i + 1);
		}
	}
}

static inline void fake_uid(struct fake *f, const char *tag, const char *rest)
{
	char verb[16] = "", set[64] = "";
	int at = 0;

	sscanf(rest, "%15s %63s %n", verb, set, &at);
	if (strcmp(verb, "FETCH") == 0)
		fake_fetch(f, set, rest + at);
	else
		fake_change(f, verb, set, rest + at);
	fake_say(f, "%s OK done\r\n", tag);
}

static inline void fake_select(struct fake *f, const char *tag)
{
	fake_say(f,
		 "* FLAGS (\\Seen)\r\n* %d EXISTS\r\n* OK [UIDVALIDITY %u] .\r\n* OK [UIDNEXT %u] .\r\n%s OK "
		 "[READ-WRITE] selected\r\n",
		 f->n, f->validity, f->uidnext, tag);
}

static inline void fake_answer(struct fake *f, const char *tag, const char *verb, const char *rest, const char *line)
{
	const char *other = f->instead ? f->instead(f, verb, line) : NULL;

	if (f->between && (*f->between != '+' || *tag != 'A')) /* libcurl, whose tags those are, takes no + */
		fake_say(f, "%s", f->between);
	if (f->fd < 0)
		return;
	if (other) {
		/* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): the tests' own */
		char text[8192];
		const char *at = strstr(other, "%s");

		snprintf(text, sizeof text, "%.*s%s%s", at ? (int)(at - other) : (int)strlen(other), other,
			 at ? tag : "", at ? at + 2 : "");
		fake_say(f, "%s", text);
	} else if (strcmp(verb, "CAPABILITY") == 0) {
		fake_say(f, "* CAPABILITY %s\r\n%s OK\r\n", f->capabilities, tag);
	} else if (strcmp(verb, "AUTHENTICATE") == 0 && !strchr(rest, ' ')) {
		snprintf(f->plain_tag, sizeof f->plain_tag, "%s", tag);
		f->plain_waits = true;
		fake_say(f, "+ \r\n");
	} else if (strcmp(verb, "LOGIN") == 0 || strcmp(verb, "AUTHENTICATE") == 0) {
		f->logins++;
		fake_say(f, "%s OK in\r\n", tag);
	} else if (strcmp(verb, "SELECT") == 0 || strcmp(verb, "EXAMINE") == 0) {
		fake_select(f, tag);
	} else if (strcmp(verb, "UID") == 0) {
		fake_uid(f, tag, rest);
	} else if (strcmp(verb, "IDLE") == 0) {
		f->idles++;
		f->idling = true;
		snprintf(f->idle_tag, sizeof f->idle_tag, "%s", tag);
		fake_say(f, "+ idling\r\n");
	} else {
		fake_say(f, "%s OK\r\n", tag);
	}
}

static inline void fake_line(struct fake *f, const char *line)
{
	char tag[32] = "", verb[32] = "";
	int at = 0;

	snprintf(f->last, sizeof f->last, "%s", line);
	buf_printf(&f->said, "%s\n", line);
	if (!f->idling && strcmp(line, "DONE") == 0) {
		fake_say(f, "DONE BAD what\r\n");
		return;
	}
	if (f->idling && strcmp(line, "DONE") == 0) {
		f->idling = false;
		fake_say(f, "%s OK idled\r\n", f->idle_tag);
		return;
	}
	if (f->plain_waits) {
		f->plain_waits = false;
		f->logins++;
		fake_say(f, "%s OK in\r\n", f->plain_tag);
		return;
	}
	f->commands++;
	sscanf(line, "%31s %31s %n", tag, verb, &at);
	fake_answer(f, tag, verb, line + at, line);
}

static inline void fake_on_read(evutil_socket_t fd, short what, void *arg)
{
	struct fake *f = arg;
	char chunk[8192];
	ssize_t n = recv(fd, chunk, sizeof chunk, 0);
	char *end;

	(void)what;
	if (n <= 0) {
		fake_hang_up(f);
		return;
	}
	buf_add(&f->in, chunk, (size_t)n);
	while (f->fd >= 0 && f->in.len && (end = memchr(f->in.data, '\n', f->in.len)) != NULL) {
		size_t len = (size_t)(end - f->in.data);
		char *line = mem_strndup(f->in.data, len);

		if (len && line[len - 1] == '\r')
			line[len - 1] = '\0';
		buf_consume(&f->in, len + 1);
		fake_line(f, line);
		free(line);
	}
}

static inline void fake_on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct fake *f = arg;
	int one = 1;

	(void)what;
	fake_hang_up(f);
	f->fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(f->fd >= 0);
	setsockopt(f->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	f->connections++;
	f->written = 0;
	f->readable = event_new(f->base, f->fd, EV_READ | EV_PERSIST, fake_on_read, f);
	f->write = event_new(f->base, f->fd, EV_WRITE, fake_on_write, f);
	event_add(f->readable, NULL);
	fake_say(f, "%s\r\n", f->greeting);
}

static inline void fake_start(struct fake *f, struct event_base *base)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof sa;

	memset(f, 0, sizeof *f);
	f->base = base;
	f->fd = -1;
	f->hang_up_after = -1;
	f->validity = 5;
	f->uidnext = 1;
	f->greeting = "* OK [CAPABILITY IMAP4rev1] hello";
	f->capabilities = "IMAP4rev1 SASL-IR AUTH=PLAIN IDLE MOVE UIDPLUS";
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(f->listener, 8), 0);
	assert_int_equal(getsockname(f->listener, (struct sockaddr *)&sa, &len), 0);
	f->port = ntohs(sa.sin_port);
	f->accept = event_new(base, f->listener, EV_READ | EV_PERSIST, fake_on_accept, f);
	event_add(f->accept, NULL);
}

static inline void fake_stop(struct fake *f)
{
	fake_hang_up(f);
	event_free(f->accept);
	buf_free(&f->said);
	close(f->listener);
}

#endif
