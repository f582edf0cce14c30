/* What the tests of the inbox's sources share: an inbox on a loop, and a store of messages that fails when it is told.
 */
#ifndef TEST_INBOX_WORLD_H
#define TEST_INBOX_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/inbox/source_int.h"
#include "abv/buf.h"
#include "abv/clock.h"
#include "abv/inbox.h"
#include "abv/mem.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SLOW_MS  20000 /* a test that takes longer has failed */

struct got {
	char *bytes;
	size_t n;
	int64_t at; /* clock_mono */
};

struct inbox_world {
	struct event_base *base;
	struct netloop *net;
	struct inbox *inbox;
	struct config config;
	struct inbox_pace pace;
	struct inbox_hooks hooks;
	struct event *tick, *limit;
	struct got *got; /* distinct messages that were done */
	int got_n, calls, repeated;
	char cursor[64];
	const char *later_text; /* messages with it come later, `later` times more (-1: always) */
	int later;
	bool (*until)(struct inbox_world *w);
	void *arg;
	bool timed_out;
	const char *what; /* the row, for messages */
};

static inline bool world_has(const struct inbox_world *w, const char *bytes, size_t n)
{
	for (int i = 0; i < w->got_n; i++)
		if (w->got[i].n == n && memcmp(w->got[i].bytes, bytes, n) == 0)
			return true;
	return false;
}

static inline bool bytes_contain(const char *bytes, size_t n, const char *text)
{
	return memmem(bytes, n, text, strlen(text)) != NULL;
}

static inline enum inbox_result world_message(void *arg, const char *source, const char *bytes, size_t n,
					      const char *cursor)
{
	struct inbox_world *w = arg;

	assert_non_null(source);
	assert_int_equal(bytes[n], 0);
	w->calls++;
	if (w->later_text && w->later && bytes_contain(bytes, n, w->later_text)) {
		w->later -= w->later > 0;
		return INBOX_LATER;
	}
	if (*cursor)
		snprintf(w->cursor, sizeof w->cursor, "%s", cursor);
	if (world_has(w, bytes, n)) {
		w->repeated++;
		return INBOX_DONE;
	}
	w->got = mem_grow(w->got, (size_t)w->got_n + 1, sizeof *w->got);
	w->got[w->got_n].bytes = mem_alloc(n + 1);
	memcpy(w->got[w->got_n].bytes, bytes, n);
	w->got[w->got_n].n = n;
	w->got[w->got_n++].at = clock_mono();
	return INBOX_DONE;
}

static inline void world_cursor(void *arg, const char *source, char *out, size_t cap)
{
	(void)source;
	snprintf(out, cap, "%s", ((struct inbox_world *)arg)->cursor);
}

static inline int world_cursor_put(void *arg, const char *source, const char *cursor)
{
	(void)source;
	snprintf(((struct inbox_world *)arg)->cursor, 64, "%s", cursor);
	return 0;
}

static inline void world_tick(evutil_socket_t fd, short what, void *arg)
{
	struct inbox_world *w = arg;

	(void)fd;
	(void)what;
	if (w->until(w))
		event_base_loopbreak(w->base);
}

static inline void world_limit(evutil_socket_t fd, short what, void *arg)
{
	struct inbox_world *w = arg;

	(void)fd;
	(void)what;
	w->timed_out = true;
	event_base_loopbreak(w->base);
}

static inline void world_init(struct inbox_world *w)
{
	static const char *empty = "";
	struct config_inbox *c = &w->config.inbox;
	struct err e;

	memset(w, 0, sizeof *w);
	c->imap_url = c->imap_username = c->imap_password = c->imap_after = c->imap_host = c->imap_mailbox =
	    c->imap_ca_file = c->maildir = empty;
	inbox_pace_default(&w->pace);
	w->pace.backoff_first = 20;
	w->pace.backoff_most = 100;
	w->pace.backoff_auth = 100;
	w->pace.retry_first = 30;
	w->pace.retry_most = 200;
	w->pace.poll = 50;
	w->pace.absent = 50;
	w->pace.settle = 100;
	w->hooks = (struct inbox_hooks){ w, world_message, world_cursor, world_cursor_put };
	w->base = event_base_new();
	w->net = netloop_new(w->base, &e);
	assert_non_null(w->net);
	w->tick = event_new(w->base, -1, EV_PERSIST, world_tick, w);
	w->limit = event_new(w->base, -1, 0, world_limit, w);
}

static inline void world_imap(struct inbox_world *w, const char *host, int port, bool implicit, const char *user,
			      const char *password)
{
	struct config_inbox *c = &w->config.inbox;

	c->imap_url = "imap";
	c->imap_host = host;
	c->imap_port = port;
	c->imap_implicit_tls = implicit;
	c->imap_mailbox = "INBOX";
	c->imap_username = user;
	c->imap_password = password;
	c->imap_tls = TLS_NONE;
}

static inline void world_open(struct inbox_world *w)
{
	struct err e;

	assert_int_equal(inbox_open(w->base, w->net, &w->config, &w->hooks, &w->inbox, &e), 0);
	inbox_set_pace(w->inbox, &w->pace);
}

static inline void world_run(struct inbox_world *w, bool (*until)(struct inbox_world *w))
{
	struct timeval tick = { 0, 2000 }, tv = { SLOW_MS / 1000, 0 };

	w->until = until;
	w->timed_out = false;
	event_add(w->tick, &tick);
	event_add(w->limit, &tv);
	event_base_dispatch(w->base);
	event_del(w->tick);
	event_del(w->limit);
	if (w->timed_out) {
		struct buf b = { 0 };

		inbox_status(w->inbox, &b);
		fail_msg("%s too slow: %d messages, %d calls, cursor %s, %s", w->what ? w->what : "", w->got_n,
			 w->calls, w->cursor, buf_text(&b));
	}
}

/* The inbox's status says this text. */
static inline bool world_says(const struct inbox_world *w, const char *text)
{
	struct buf b = { 0 };
	bool is;

	buf_char(&b, '{');
	inbox_status(w->inbox, &b);
	is = strstr(b.data, text) != NULL;
	buf_free(&b);
	return is;
}

static inline void world_forget(struct inbox_world *w)
{
	for (int i = 0; i < w->got_n; i++)
		free(w->got[i].bytes);
	free(w->got);
	w->got = NULL;
	w->got_n = w->calls = w->repeated = 0;
}

static inline void world_close(struct inbox_world *w)
{
	inbox_close(&w->inbox);
	netloop_free(&w->net);
	event_free(w->tick);
	event_free(w->limit);
	event_base_free(w->base);
	world_forget(w);
}

#endif
