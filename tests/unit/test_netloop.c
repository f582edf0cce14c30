/* rooms: base model rules net */
/* A connection's queue: order and offsets when the socket takes only a part, holding, and closing inside callbacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <string.h>

#include "abv/buf.h"
#include "abv/netloop.h"

#define PIECES 400
#define PIECE  40000

struct peer {
	struct event_base *base;
	struct evconnlistener *listener;
	struct bufferevent *bev;
	struct netloop *net;
	struct netconn *conn;
	int port;
	size_t got, bad;
	int lines, drained, failed;
	enum netconn_failure failure;
	int64_t offset;
	bool greeted;
};

/* Byte i of the stream. */
static char byte_at(size_t i)
{
	return (char)('a' + (i / 7 + i / 40000) % 26);
}

static void peer_reads(struct bufferevent *bev, void *arg)
{
	struct peer *p = arg;
	char chunk[65536];
	size_t n;

	if (!p->greeted) {
		evbuffer_drain(bufferevent_get_input(bev), 65536);
		p->greeted = true;
		bufferevent_disable(bev, EV_READ); /* reads no more until the client's queue is full */
		bufferevent_write(bev, "250 peer\r\n", 10);
		return;
	}
	while ((n = bufferevent_read(bev, chunk, sizeof chunk)) > 0)
		for (size_t i = 0; i < n; i++)
			p->bad += chunk[i] != byte_at(p->got++);
	if (p->got == (size_t)PIECES * PIECE)
		bufferevent_write(bev, "250 one\r\n250 two\r\n250 three\r\n", 30);
}

static void peer_gone(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	((struct peer *)arg)->bev = NULL;
	bufferevent_free(bev);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	struct peer *p = arg;

	(void)l;
	(void)sa;
	(void)len;
	p->bev = bufferevent_socket_new(p->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(p->bev, peer_reads, NULL, peer_gone, p);
	bufferevent_enable(p->bev, EV_READ | EV_WRITE);
	bufferevent_write(p->bev, "220 peer\r\n", 10);
}

static void on_open(void *arg, struct netconn *c, const char *capabilities)
{
	struct peer *p = arg;
	static char piece[PIECE];

	assert_string_equal(capabilities, "peer\n");
	netconn_hold(c);
	for (int k = 0; k < PIECES; k++) {
		for (size_t i = 0; i < PIECE; i++)
			piece[i] = byte_at((size_t)k * PIECE + i);
		p->offset = netconn_send(c, piece, PIECE);
		assert_int_equal(p->offset, (int64_t)(k + 1) * PIECE);
		if (k == 0)
			assert_int_equal(netconn_written(c), 0);
		if (k == PIECES / 2)
			netconn_flush(c); /* the rest is queued behind what the socket did not take */
	}
	assert_in_range(netconn_written(c), 1, p->offset - 1);
	bufferevent_enable(p->bev, EV_READ);
}

static void on_line(void *arg, struct netconn *c, const char *line, size_t n)
{
	struct peer *p = arg;

	assert_int_equal(n, strlen(line) ? strcspn(line, "\r\n") : 0);
	if (++p->lines == 2) {
		netconn_close(&c, "QUIT\r\n"); /* the third line is never told */
		event_base_loopbreak(p->base);
	}
}

static void on_drained(void *arg, struct netconn *c)
{
	struct peer *p = arg;

	p->drained++;
	assert_int_equal(netconn_written(c), p->offset);
}

static void on_fail(void *arg, struct netconn *c, enum netconn_failure f, int code, const char *why)
{
	struct peer *p = arg;

	(void)code;
	assert_true(*why != 0);
	p->failed++;
	p->failure = f;
	netconn_close(&c, NULL); /* harmless: it is freed afterwards anyway */
	event_base_loopbreak(p->base);
}

static void prepare(struct peer *p)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof sa;
	struct err e;

	*p = (struct peer){ 0 };
	p->base = event_base_new();
	p->net = netloop_new(p->base, &e);
	p->listener =
	    evconnlistener_new_bind(p->base, on_accept, p, LEV_OPT_CLOSE_ON_FREE, 4, (struct sockaddr *)&sa, sizeof sa);
	assert_non_null(p->listener);
	getsockname(evconnlistener_get_fd(p->listener), (struct sockaddr *)&sa, &len);
	p->port = ntohs(sa.sin_port);
}

static void start(struct peer *p, int64_t timeout)
{
	struct netconn_options o = { .scheme = "smtp",
				     .host = "127.0.0.1",
				     .port = p->port,
				     .tls = TLS_NONE,
				     .username = "",
				     .password = "",
				     .ca_file = "",
				     .helo = "us",
				     .connect_timeout_ms = timeout };
	struct netconn_handlers h = { p, on_open, on_line, on_drained, on_fail };
	struct err e;

	p->conn = netconn_open(p->net, &o, &h, &e);
	assert_non_null(p->conn);
	assert_int_equal(p->failed, 0); /* never from inside */
}

static void finish(struct peer *p)
{
	netloop_free(&p->net);
	if (p->bev)
		bufferevent_free(p->bev);
	if (p->listener)
		evconnlistener_free(p->listener);
	event_base_free(p->base);
}

static void test_queue(void **state)
{
	struct peer p;

	(void)state;
	prepare(&p);
	start(&p, 20000);
	event_base_dispatch(p.base);
	assert_int_equal(p.got, (size_t)PIECES * PIECE);
	assert_int_equal(p.bad, 0);
	assert_int_equal(p.lines, 2);
	assert_true(p.drained >= 1);
	assert_int_equal(p.failed, 0);
	finish(&p);
}

static void test_refused(void **state)
{
	struct peer p;

	(void)state;
	prepare(&p);
	evconnlistener_free(p.listener);
	p.listener = NULL;
	start(&p, 20000);
	event_base_dispatch(p.base);
	assert_int_equal(p.failed, 1);
	assert_int_equal(p.failure, NETCONN_CONNECT);
	finish(&p);
}

/* A server that accepts and says nothing. */
static void test_silent(void **state)
{
	struct peer p;

	(void)state;
	prepare(&p);
	evconnlistener_disable(p.listener); /* the kernel connects, nobody answers */
	start(&p, 50);
	event_base_dispatch(p.base);
	assert_int_equal(p.failed, 1);
	assert_int_equal(p.failure, NETCONN_CONNECT);
	finish(&p);
}

static void test_freed_while_opening(void **state)
{
	struct peer p;

	(void)state;
	prepare(&p);
	start(&p, 20000);
	start(&p, 20000);
	event_base_loop(p.base, EVLOOP_ONCE);
	finish(&p);
	assert_int_equal(p.failed, 0);
}

static void test_names(void **state)
{
	(void)state;
	for (int f = NETCONN_CONNECT; f <= NETCONN_SURPRISE; f++)
		assert_true(*netconn_failure_name((enum netconn_failure)f) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_silent), cmocka_unit_test(test_freed_while_opening),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
