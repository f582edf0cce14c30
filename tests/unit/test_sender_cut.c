/* rooms: base model rules net sender */
/* The connection is lost at every byte of the dialogue, in both directions. The relay lives in this process and knows
 * what it really got: a message whose dot reached it is never told as not sent, and one whose dot did not is never told
 * as accepted. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <sys/queue.h>

#include "sender_world.h"

#define MESSAGES 3

struct cutter {
	struct evconnlistener *listener;
	struct event_base *base;
	int port;
	bool pipelining, reset;
	size_t cut_in, cut_out; /* bytes of the first connection after which it is cut; SIZE_MAX: never */
	int conns;
	bool was_cut;
	int got[MESSAGES];      /* whole messages, with their dot, by number in the subject */
	int answered[MESSAGES]; /* 250 was written for them */
	LIST_HEAD(, cut_conn) open;
};

struct cut_conn {
	LIST_ENTRY(cut_conn) link;
	struct cutter *c;
	struct bufferevent *bev;
	bool first, data;
	bool whole; /* the last answer left whole */
	size_t in, out;
	int message;
};

static void conn_free(struct cut_conn *k)
{
	LIST_REMOVE(k, link);
	bufferevent_free(k->bev);
	free(k);
}

/* The socket is closed here and now: bufferevent_free leaves that to the loop. */
static void cut(struct cut_conn *k)
{
	struct linger rst = { 1, 0 };
	evutil_socket_t fd = bufferevent_getfd(k->bev);

	k->c->was_cut = true;
	if (k->c->reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst, sizeof rst);
	bufferevent_setfd(k->bev, -1);
	evutil_closesocket(fd);
	conn_free(k);
}

/* Writes what may be written before the cut; true when that is now. */
static bool answer(struct cut_conn *k, const char *text)
{
	size_t n = strlen(text), may = k->first && k->c->cut_out - k->out < n ? k->c->cut_out - k->out : n;

	if (write(bufferevent_getfd(k->bev), text, may) != (ssize_t)may)
		may = 0;
	k->out += may;
	k->whole = may == n;
	return k->first && k->out >= k->c->cut_out;
}

static bool line(struct cut_conn *k, const char *l)
{
	struct cutter *c = k->c;

	if (k->data) {
		if (sscanf(l, "Subject: %d", &k->message) == 1 || strcmp(l, ".") != 0)
			return false;
		k->data = false;
		c->got[k->message - 1]++;
		bool now = answer(k, "250 2.0.0 taken\r\n");

		c->answered[k->message - 1] += k->whole;
		return now;
	}
	if (strncmp(l, "EHLO", 4) == 0)
		return answer(k, c->pipelining ? "250-cut\r\n250 PIPELINING\r\n" : "250 cut\r\n");
	if (strcmp(l, "DATA") == 0) {
		k->data = true;
		return answer(k, "354 go\r\n");
	}
	return answer(k, "250 2.1.0 ok\r\n");
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct cut_conn *k = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t n;
	char *l;
	bool over = false;

	n = evbuffer_get_length(in);
	if (k->first && k->in + n >= k->c->cut_in)
		over = true;
	if (over) /* what lies behind the cut never came */
		n = k->c->cut_in - k->in;
	for (struct evbuffer_ptr end; n; n -= (size_t)end.pos + 2) {
		end = evbuffer_search(in, "\r\n", 2, NULL);
		if (end.pos < 0 || (size_t)end.pos + 2 > n)
			break;
		k->in += (size_t)end.pos + 2;
		l = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF_STRICT);
		bool now = line(k, l);

		free(l);
		if (now) {
			over = true;
			break;
		}
	}
	if (over)
		cut(k);
}

static void on_gone(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	conn_free(arg);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	struct cut_conn *k = mem_alloc(sizeof *k);

	(void)l;
	(void)sa;
	(void)len;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	k->c = arg;
	LIST_INSERT_HEAD(&k->c->open, k, link);
	k->first = k->c->conns++ == 0;
	k->bev = bufferevent_socket_new(k->c->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(k->bev, on_read, NULL, on_gone, k);
	bufferevent_enable(k->bev, EV_READ);
	if (answer(k, "220 cut\r\n"))
		cut(k);
}

static void listen_on(struct cutter *c, struct event_base *base)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof sa;

	c->base = base;
	c->listener =
	    evconnlistener_new_bind(base, on_accept, c, LEV_OPT_CLOSE_ON_FREE, 16, (struct sockaddr *)&sa, sizeof sa);
	assert_non_null(c->listener);
	getsockname(evconnlistener_get_fd(c->listener), (struct sockaddr *)&sa, &len);
	c->port = ntohs(sa.sin_port);
}

static void check(const struct cutter *c, const struct world *w)
{
	for (int i = 0; i < MESSAGES; i++) {
		const struct job *j = &w->job[i];

		assert_int_equal(j->outcomes, 1);
		switch (j->result.outcome) {
		case OUTCOME_ACCEPTED:
			assert_int_equal(c->answered[i], 1);
			assert_int_equal(c->got[i], 1);
			break;
		case OUTCOME_UNKNOWN: assert_in_range(c->got[i], 0, 1); break;
		case OUTCOME_NOT_SENT: assert_int_equal(c->got[i], 0); break;
		default: fail_msg("message %d: %s", i + 1, outcome_name(j->result.outcome));
		}
	}
}

/* Returns how many messages were told as unknown; -1 when the cut lay behind all bytes. */
static int run(size_t cut_in, size_t cut_out, bool pipelining, bool reset, bool eager)
{
	struct cutter c = { .pipelining = pipelining, .reset = reset, .cut_in = cut_in, .cut_out = cut_out };
	struct world w;
	int unknown = 0;

	world_init(&w, 0);
	w.eager = eager;
	world_open(&w);
	listen_on(&c, w.base);
	w.config.port = c.port;
	for (int i = 0; i < MESSAGES; i++)
		world_add(&w, "m", ".\r\nx\r\n");
	world_run(&w);
	check(&c, &w);
	for (int i = 0; i < MESSAGES; i++)
		unknown += w.job[i].result.outcome == OUTCOME_UNKNOWN;
	assert_in_range(unknown, 0, 1); /* one connection was lost */
	assert_true(c.was_cut || w.job[2].result.outcome == OUTCOME_ACCEPTED);
	evconnlistener_free(c.listener);
	while (!LIST_EMPTY(&c.open))
		conn_free(LIST_FIRST(&c.open));
	world_close(&w);
	return c.was_cut ? unknown : -1;
}

/* The reset is there when the word to go on comes: it is seen before the dot is written, and the message is not unknown. */
static void test_reset_before_the_body(void **state)
{
	const size_t after_354 = strlen("220 cut\r\n"
					"250-cut\r\n250 PIPELINING\r\n"
					"250 2.1.0 ok\r\n"
					"250 2.1.0 ok\r\n"
					"354 go\r\n");

	(void)state;
	assert_int_equal(run(SIZE_MAX, after_354, true, true, false), 0);
	assert_int_equal(run(SIZE_MAX, after_354, true, false, false), 0);
}

static void cut_all(void *arg)
{
	struct cutter *c = arg;

	while (!LIST_EMPTY(&c->open))
		cut(LIST_FIRST(&c->open));
}

/* The dot is let go on a connection that was reset unseen: its send fails, and nobody can say how far it got. */
static void test_send_of_the_dot_fails(void **state)
{
	struct cutter c = { .pipelining = true, .reset = true, .cut_in = SIZE_MAX, .cut_out = SIZE_MAX };
	struct world w;

	(void)state;
	world_init(&w, 0);
	w.eager = true;
	world_open(&w);
	listen_on(&c, w.base);
	w.config.port = c.port;
	w.before_hand = cut_all;
	w.before_arg = &c;
	world_add(&w, "m", ".\r\nx\r\n");
	world_add(&w, "m", ".\r\nx\r\n");
	world_run(&w);
	assert_int_equal(w.job[0].result.outcome, OUTCOME_UNKNOWN);
	assert_int_equal(w.job[1].result.outcome, OUTCOME_NOT_SENT); /* it was to follow in the same packet */
	evconnlistener_free(c.listener);
	world_close(&w);
}

/* The connection ends while the word to go on is awaited: the relay has nothing of the message, and that is known. */
static void test_lost_before_the_dot(void **state)
{
	(void)state;
	for (int reset = 0; reset <= 1; reset++)
		for (int large = 0; large <= 1; large++) {
			struct cutter c = { .pipelining = true, .reset = reset, .cut_in = SIZE_MAX, .cut_out = SIZE_MAX };
			struct buf body = { 0 };
			struct world w;

			while (body.len < (large ? 100000 : 1))
				buf_str(&body, "0123456789 0123456789 0123456789\r\n");
			world_init(&w, 0);
			world_open(&w);
			listen_on(&c, w.base);
			w.config.port = c.port;
			w.before_hand = cut_all;
			w.before_arg = &c;
			world_add(&w, "m", buf_text(&body));
			world_add(&w, "m", ".\r\nx\r\n");
			world_run(&w);
			assert_int_equal(w.job[0].result.outcome, OUTCOME_NOT_SENT);
			assert_int_equal(w.job[1].result.outcome, OUTCOME_NOT_SENT);
			evconnlistener_free(c.listener);
			world_close(&w);
			buf_free(&body);
		}
}

static void run_all(bool pipelining, bool reset, bool eager)
{
	int unknown = 0, n;
	size_t at;

	for (at = 0; (n = run(at, SIZE_MAX, pipelining, reset, eager)) >= 0; at++)
		unknown += n;
	assert_true(at > 400); /* about the dialogue's length: the cut went through all of it */
	assert_true(unknown > 0);
	unknown = 0;
	for (at = 0; (n = run(SIZE_MAX, at, pipelining, reset, eager)) >= 0; at++)
		unknown += n;
	assert_true(at > 150);
	assert_true(unknown > 0);
}

static void test_pipelined_close(void **state)
{
	(void)state;
	run_all(true, false, false);
}

static void test_pipelined_reset(void **state)
{
	(void)state;
	run_all(true, true, false);
}

static void test_pipelined_eager(void **state)
{
	(void)state;
	run_all(true, true, true);
}

static void test_steps_close(void **state)
{
	(void)state;
	run_all(false, false, false);
}

static void test_steps_reset(void **state)
{
	(void)state;
	run_all(false, true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_before_the_dot),
		cmocka_unit_test(test_reset_before_the_body), cmocka_unit_test(test_send_of_the_dot_fails),
		cmocka_unit_test(test_pipelined_close),       cmocka_unit_test(test_pipelined_reset),
		cmocka_unit_test(test_pipelined_eager),       cmocka_unit_test(test_steps_close),
		cmocka_unit_test(test_steps_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
