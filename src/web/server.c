/* HTTP on the Unix socket, by evhttp. Policy: one request a connection; whoever has not sent it, or not taken its
 * answer, within the deadline is cut off, however busily it drips (evhttp's own time-out only sees silence); no more
 * than CONNECTIONS at a time, the next is told so and closed. While a verb works, its connection has no deadline.
 *
 * evhttp tells nobody when a connection ends before it has a request. So each connection has a guard that holds a
 * reference to its bufferevent: evhttp takes its callbacks away when it lets go of one, and that is how the guard sees
 * the end. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/clock.h"
#include "abv/mem.h"
#include "control_int.h"

#define CONNECTIONS  256
#define DEADLINE_MS  INT64_C(30000)
#define TICK_MS      INT64_C(500)
#define BODY_LIBRARY (12 * 1024 * 1024) /* evhttp's refusal is no JSON, so ours comes first */
#define HEADERS_MAX  (16 * 1024)
#define INACTIVE_S   30
#define PREFIX       "/v1/"

struct exchange;

struct guard {
	struct server *server;
	struct bufferevent *bev; /* a reference of its own */
	int64_t deadline;        /* monotonic */
	bool refuse;             /* one too many */
	bool working;            /* a verb has the request */
	TAILQ_ENTRY(guard) link;
};

/* A request that a verb has. */
struct exchange {
	struct guard *guard;
	struct evhttp_request *request; /* NULL: the connection is gone */
};

struct server {
	struct control *control;
	struct evhttp *http;
	char *path; /* owned */
	dev_t dev;  /* of the socket's file, so that only our own is unlinked */
	ino_t ino;
	int64_t deadline_ms;
	struct event *tick, *arrived;
	TAILQ_HEAD(guards, guard) guards;
	int guard_n;
};

/* ---- guards ---- */

static bool guard_over(const struct guard *g)
{
	bufferevent_data_cb on_read, on_write;
	bufferevent_event_cb on_event;
	void *arg;

	bufferevent_getcb(g->bev, &on_read, &on_write, &on_event, &arg);
	return !arg;
}

static void guard_free(struct guard *g)
{
	TAILQ_REMOVE(&g->server->guards, g, link);
	g->server->guard_n--;
	bufferevent_decref(g->bev);
	free(g);
}

static void guard_cut(struct guard *g)
{
	(void)shutdown(bufferevent_getfd(g->bev), SHUT_RDWR); /* evhttp reads the end and lets go */
}

static void sweep(struct server *s)
{
	struct guard *g = TAILQ_FIRST(&s->guards), *next;

	for (; g; g = next) {
		next = TAILQ_NEXT(g, link);
		if (guard_over(g))
			guard_free(g);
	}
}

static void tick_soon(struct server *s)
{
	int64_t ms = s->deadline_ms / 4 < TICK_MS ? s->deadline_ms / 4 : TICK_MS;
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	event_add(s->tick, &tv);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	struct guard *g;
	int64_t now = clock_mono();

	(void)fd, (void)what;
	sweep(s);
	for (g = TAILQ_FIRST(&s->guards); g; g = TAILQ_NEXT(g, link)) {
		if (!g->working && now >= g->deadline)
			guard_cut(g);
	}
	if (s->guard_n)
		tick_soon(s);
}

/* evhttp asks for a connection's bufferevent before it gives it the descriptor: what needs that is done a moment later.
 */
static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
	struct server *s = arg;
	struct guard *g;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	if (!bev)
		return NULL;
	g = mem_alloc(sizeof(*g));
	g->server = s;
	g->bev = bev;
	g->deadline = clock_mono() + s->deadline_ms;
	bufferevent_incref(bev);
	if (s->guard_n >= CONNECTIONS)
		sweep(s);
	g->refuse = s->guard_n >= CONNECTIONS;
	TAILQ_INSERT_TAIL(&s->guards, g, link);
	s->guard_n++;
	if (g->refuse)
		event_active(s->arrived, EV_TIMEOUT, 0);
	if (!event_pending(s->tick, EV_TIMEOUT, NULL))
		tick_soon(s);
	return bev;
}

static void on_arrived(evutil_socket_t fd, short what, void *arg)
{
	static const char body[] = "{\"error\":\"too many connections\"}";
	struct server *s = arg;
	struct guard *g;
	char text[256];
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
			 "Connection: close\r\n\r\n%s",
			 sizeof(body) - 1, body);

	(void)fd, (void)what;
	for (g = TAILQ_FIRST(&s->guards); g; g = TAILQ_NEXT(g, link)) {
		if (!g->refuse)
			continue;
		g->refuse = false;
		(void)send(bufferevent_getfd(g->bev), text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
		guard_cut(g);
	}
}

static struct guard *guard_of(struct server *s, struct evhttp_request *request)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
	struct guard *g;

	for (g = TAILQ_FIRST(&s->guards); g; g = TAILQ_NEXT(g, link)) {
		if (g->bev == bev)
			break;
	}
	return g;
}

/* ---- answers ---- */

static const char *status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} row[] = { { 200, "OK" },        { 400, "Bad Request" },
		    { 404, "Not Found" }, { 405, "Method Not Allowed" },
		    { 409, "Conflict" },  { 413, "Content Too Large" } };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (row[i].status == status)
			return row[i].text;
	}
	return "Internal Server Error";
}

static void send_answer(struct evhttp_request *request, int status, const char *body, size_t n)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *out = evbuffer_new();

	evbuffer_add(out, body, n);
	evhttp_add_header(headers, "Content-Type", "application/json");
	evhttp_add_header(headers, "Connection", "close");
	if (status == 405)
		evhttp_add_header(headers, "Allow", "POST");
	evhttp_send_reply(request, status, status_text(status), out);
	evbuffer_free(out);
}

static void send_error(struct evhttp_request *request, int status, const char *text)
{
	char body[128];

	send_answer(request, status, body, (size_t)snprintf(body, sizeof(body), "{\"error\":\"%s\"}", text));
}

static void on_connection_gone(struct evhttp_connection *connection, void *arg)
{
	struct exchange *x = arg;

	(void)connection;
	x->request = NULL;
	x->guard = NULL; /* it frees itself */
}

static void on_answer(void *arg, int status, const struct buf *body)
{
	struct exchange *x = arg;

	if (x->request) {
		evhttp_connection_set_closecb(evhttp_request_get_connection(x->request), NULL, NULL);
		if (x->guard) {
			x->guard->working = false;
			x->guard->deadline = clock_mono() + x->guard->server->deadline_ms;
		}
		if (status)
			send_answer(x->request, status, body->data, body->len);
	}
	free(x);
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct server *s = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	size_t n = evbuffer_get_length(in);
	struct exchange *x;
	struct call *parked;
	char *body;

	if (evhttp_request_get_command(request) != EVHTTP_REQ_POST) {
		send_error(request, 405, "POST /v1/VERB");
		return;
	}
	if (!path || strncmp(path, PREFIX, sizeof(PREFIX) - 1) != 0) {
		send_error(request, 404, "POST /v1/VERB");
		return;
	}
	if (n > call_body_max(path + sizeof(PREFIX) - 1)) {
		send_error(request, 413, n > MESSAGE_MAX ? "the message is longer than 10 MB" : "the request is longer than 4 MB");
		return;
	}
	x = mem_alloc(sizeof(*x));
	x->request = request;
	x->guard = guard_of(s, request);
	if (x->guard)
		x->guard->working = true;
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_connection_gone, x);
	body = mem_grow(NULL, n + 1, 1);
	(void)evbuffer_copyout(in, body, n);
	body[n] = '\0';
	call_begin(s->control, path + sizeof(PREFIX) - 1, body, n, on_answer, x, &parked);
	free(body);
}

/* ---- opening ---- */

static void server_limits(struct server *s)
{
	evhttp_set_max_headers_size(s->http, HEADERS_MAX);
	evhttp_set_max_body_size(s->http, BODY_LIBRARY);
	evhttp_set_timeout(s->http, INACTIVE_S);
	evhttp_set_allowed_methods(s->http, EVHTTP_REQ_POST | EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
						EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_bevcb(s->http, on_connection, s);
	evhttp_set_gencb(s->http, on_request, s);
}

int server_open(struct control *control, const char *path, struct server **out, struct err *e)
{
	struct server *s = mem_alloc(sizeof(*s));
	struct stat st;
	int fd = -1;

	s->control = control;
	s->deadline_ms = DEADLINE_MS;
	TAILQ_INIT(&s->guards);
	s->http = evhttp_new(control->base);
	s->tick = event_new(control->base, -1, 0, on_tick, s);
	s->arrived = event_new(control->base, -1, 0, on_arrived, s);
	if (!s->http || !s->tick || !s->arrived) {
		err_set(e, "%s: no HTTP server", path);
		goto failed;
	}
	server_limits(s);
	fd = socket_listen(path, e);
	if (fd < 0)
		goto failed;
	s->path = mem_strdup(path);
	if (!lstat(path, &st)) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
	}
	if (evhttp_accept_socket(s->http, fd)) {
		close(fd);
		err_set(e, "%s: no HTTP server", path);
		goto failed;
	}
	*out = s;
	return 0;
failed:
	server_close(&s);
	return -1;
}

void server_set_deadline(struct server *s, int64_t ms)
{
	s->deadline_ms = ms;
}

void server_close(struct server **sp)
{
	struct server *s = *sp;
	struct guard *g, *next;
	struct stat st;

	if (!s)
		return;
	if (s->path && !lstat(s->path, &st) && st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlink(s->path);
	if (s->http)
		evhttp_free(s->http);
	for (g = TAILQ_FIRST(&s->guards); g; g = next) {
		next = TAILQ_NEXT(g, link);
		guard_free(g);
	}
	if (s->tick)
		event_free(s->tick);
	if (s->arrived)
		event_free(s->arrived);
	free(s->path);
	free(s);
	*sp = NULL;
}
