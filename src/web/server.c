/* HTTP on the Unix socket, by evhttp. Policy: one request a connection. How many connections there may be, for how long and with how much, is
 * guard.c's. A verb that takes its time (`test` waits for the relay) is worked at for WORKING_MAX requests at most, the next is told so:
 * they go on when whoever asked is gone, so nothing else would bound them.
 *
 * The loop is sending's, and a verb holds it while it works: `status` is answered at once, the others have their turn one by one, small ones
 * first; and where more wait, the loop is left to the others for twice as long as the last one took. */
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
#include "guard_int.h"

#define WORKING_MAX  64
#define BODY_LIBRARY (12 * 1024 * 1024) /* evhttp's refusal is no JSON, so ours comes first */
#define HEADERS_MAX  (16 * 1024)
#define INACTIVE_S   30
#define PREFIX       "/v1/"

/* A request that waits for its turn, or that a verb has. */
struct exchange {
	struct server *server;
	struct guard *guard;
	struct evhttp_request *request; /* NULL: the connection is gone */
	char *verb;                     /* owned */
	TAILQ_ENTRY(exchange) link;     /* while it waits, in waiting[list] */
	int list;
};
TAILQ_HEAD(exchanges, exchange);

struct server {
	struct control *control;
	struct evhttp *http;
	char *path; /* owned */
	dev_t dev;  /* of the socket's file, so that only our own is unlinked */
	ino_t ino;
	struct guards guards;
	int working_n; /* requests that verbs have */
	struct exchanges waiting[2];
	struct event *next;
};

/* ---- answers ---- */

static const char *status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} row[] = { { 200, "OK" },        { 400, "Bad Request" },
		    { 404, "Not Found" }, { 405, "Method Not Allowed" },
		    { 409, "Conflict" },  { 413, "Content Too Large" },
		    { 503, "Service Unavailable" } };

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

static void exchange_free(struct exchange *x)
{
	free(x->verb);
	free(x);
}

static void on_connection_gone(struct evhttp_connection *connection, void *arg)
{
	struct exchange *x = arg;

	(void)connection;
	x->request = NULL;
	if (x->guard)
		guard_gone(x->guard);
	x->guard = NULL; /* it frees itself */
}

static void on_answer(void *arg, int status, const struct buf *body)
{
	struct exchange *x = arg;

	if (x->request) {
		evhttp_connection_set_closecb(evhttp_request_get_connection(x->request), NULL, NULL);
		if (x->guard)
			guard_answers(x->guard);
		if (status)
			send_answer(x->request, status, body->data, body->len);
	}
	x->server->working_n--;
	exchange_free(x);
}

/* ---- turns ---- */

static void work(struct exchange *x)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(x->request);
	size_t n = evbuffer_get_length(in);
	char *body = mem_grow(NULL, n + 1, 1), *verb = mem_strdup(x->verb);
	struct call *parked;

	x->server->working_n++;
	(void)evbuffer_remove(in, body, n);
	body[n] = '\0';
	if (x->guard)
		guard_works(x->guard);
	call_begin(x->server->control, verb, body, n, on_answer, x, &parked); /* x may be gone */
	free(verb);
	free(body);
}

static void turn_away(struct exchange *x, const char *why)
{
	struct evhttp_request *request = x->request;

	if (request)
		evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
	exchange_free(x);
	if (request)
		send_error(request, 503, why);
}

static void drop_waiting(void *waiting, const char *why)
{
	struct exchange *x = waiting;

	TAILQ_REMOVE(&x->server->waiting[x->list], x, link);
	turn_away(x, why);
}

static struct exchange *next_waiting(struct server *s)
{
	struct exchange *x = NULL;

	for (int i = 0; i < 2 && !x; i++)
		if ((x = TAILQ_FIRST(&s->waiting[i])) != NULL)
			TAILQ_REMOVE(&s->waiting[i], x, link);
	return x;
}

static void on_next(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	struct exchange *x = next_waiting(s);
	int64_t begin = clock_mono(), took;
	struct timeval tv;

	(void)fd, (void)what;
	if (!x)
		return;
	if (!x->request) {
		exchange_free(x);
	} else if (s->working_n >= WORKING_MAX) {
		if (x->guard)
			guard_answers(x->guard);
		turn_away(x, "too many requests are being worked at");
	} else {
		work(x);
	}
	took = 2 * (clock_mono() - begin);
	tv = (struct timeval){ took / 1000, took % 1000 * 1000 };
	if (!TAILQ_EMPTY(&s->waiting[0]) || !TAILQ_EMPTY(&s->waiting[1]))
		event_add(s->next, &tv);
}

static void wait_for_turn(struct exchange *x)
{
	static const char *const small[] = { "hold", "pause", "resume", "stop", "unknown", "unsuppress" };
	static const struct timeval at_once = { 0, 0 };
	struct server *s = x->server;

	x->list = 1;
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		if (!strcmp(x->verb, small[i]))
			x->list = 0;
	if (x->guard)
		guard_waits(x->guard, x);
	TAILQ_INSERT_TAIL(&s->waiting[x->list], x, link);
	if (!event_pending(s->next, EV_TIMEOUT, NULL))
		event_add(s->next, &at_once);
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct server *s = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	size_t n = evbuffer_get_length(evhttp_request_get_input_buffer(request));
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	struct exchange *x;

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
	x->server = s;
	x->request = request;
	x->verb = mem_strdup(path + sizeof(PREFIX) - 1);
	x->guard = guards_find(&s->guards, evhttp_connection_get_bufferevent(connection));
	evhttp_connection_set_closecb(connection, on_connection_gone, x);
	if (!strcmp(x->verb, "status"))
		work(x);
	else
		wait_for_turn(x);
}

/* ---- opening ---- */

static void server_limits(struct server *s)
{
	evhttp_set_max_headers_size(s->http, HEADERS_MAX);
	evhttp_set_max_body_size(s->http, BODY_LIBRARY);
	evhttp_set_timeout(s->http, INACTIVE_S);
	evhttp_set_allowed_methods(s->http, EVHTTP_REQ_POST | EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
						EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_bevcb(s->http, guards_newcomer, &s->guards);
	evhttp_set_gencb(s->http, on_request, s);
}

int server_open(struct control *control, const char *path, struct server **out, struct err *e)
{
	struct server *s = mem_alloc(sizeof(*s));
	struct evhttp_bound_socket *bound;
	struct stat st;
	int fd = -1;

	s->control = control;
	s->http = evhttp_new(control->base);
	s->next = event_new(control->base, -1, 0, on_next, s);
	for (int i = 0; i < 2; i++)
		TAILQ_INIT(&s->waiting[i]);
	if (guards_open(&s->guards, control->base, drop_waiting) || !s->http || !s->next) {
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
	bound = evhttp_accept_socket_with_handle(s->http, fd);
	if (!bound) {
		close(fd);
		err_set(e, "%s: no HTTP server", path);
		goto failed;
	}
	guards_listen(&s->guards, evhttp_bound_socket_get_listener(bound));
	*out = s;
	return 0;
failed:
	server_close(&s);
	return -1;
}

void server_set_deadline(struct server *s, int64_t ms)
{
	s->guards.deadline_ms = ms;
}

void server_close(struct server **sp)
{
	struct server *s = *sp;
	struct stat st;

	if (!s)
		return;
	if (s->path && !lstat(s->path, &st) && st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlink(s->path);
	if (s->http)
		evhttp_free(s->http);
	guards_close(&s->guards);
	for (struct exchange *x; (x = next_waiting(s)) != NULL;)
		exchange_free(x);
	if (s->next)
		event_free(s->next);
	free(s->path);
	free(s);
	*sp = NULL;
}
