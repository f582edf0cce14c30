/* One curl_multi on the event loop. libcurl tells which sockets and which timeout it waits for; connections that are
 * through are its property still, but their sockets are watched by netconn.c. */
#include "netloop_int.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"

/* libcurl closes the least recently used connection when it holds more; ours are all in use. */
#define CONNECTIONS_MAX 65536L

static void look_for_finished(struct netloop *n)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(n->multi, &left)) != NULL) {
		struct netconn *c = NULL;
		CURLcode result = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		netconn_connected(c, result); /* m is invalid from here on */
	}
}

static void on_socket_ready(evutil_socket_t fd, short what, void *arg)
{
	struct netloop *n = arg;
	int running, flags = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	curl_multi_socket_action(n->multi, fd, flags, &running);
	look_for_finished(n);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct netloop *n = arg;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(n->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	look_for_finished(n);
}

static int curl_wants_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct netloop *n = arg;
	struct event *ev = socket_arg;
	short flags = EV_PERSIST;

	(void)easy;
	if (ev)
		event_free(ev);
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(n->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		flags |= EV_READ;
	if (what & CURL_POLL_OUT)
		flags |= EV_WRITE;
	ev = event_new(n->base, fd, flags, on_socket_ready, n);
	curl_multi_assign(n->multi, fd, ev);
	return ev && event_add(ev, NULL) == 0 ? 0 : -1;
}

/* From inside libcurl: only the timer is set here, libcurl must not be called again. */
static int curl_wants_timer(CURLM *multi, long ms, void *arg)
{
	struct netloop *n = arg;
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	(void)multi;
	if (ms < 0)
		return event_del(n->timer);
	return event_add(n->timer, &tv);
}

struct netloop *netloop_new(struct event_base *base, struct err *e)
{
	struct netloop *n;
	struct sigaction was;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(e, "libcurl cannot be set up");
		return NULL;
	}
	/* OpenSSL writes to sockets that the peer may have closed. */
	if (sigaction(SIGPIPE, NULL, &was) == 0 && was.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
	n = mem_alloc(sizeof *n);
	n->base = base;
	LIST_INIT(&n->conns);
	n->multi = curl_multi_init();
	n->timer = event_new(base, -1, 0, on_timer, n);
	if (!n->multi || !n->timer) {
		err_set(e, "libcurl's multi handle or its timer cannot be set up");
		netloop_free(&n);
		return NULL;
	}
	curl_multi_setopt(n->multi, CURLMOPT_SOCKETFUNCTION, curl_wants_socket);
	curl_multi_setopt(n->multi, CURLMOPT_SOCKETDATA, n);
	curl_multi_setopt(n->multi, CURLMOPT_TIMERFUNCTION, curl_wants_timer);
	curl_multi_setopt(n->multi, CURLMOPT_TIMERDATA, n);
	curl_multi_setopt(n->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
	return n;
}

void netloop_free(struct netloop **np)
{
	struct netloop *n = *np;
	struct netconn *c;

	if (!n)
		return;
	while ((c = LIST_FIRST(&n->conns)) != NULL)
		netconn_close(&c, NULL);
	if (n->multi)
		curl_multi_cleanup(n->multi);
	if (n->timer)
		event_free(n->timer);
	free(n);
	*np = NULL;
	curl_global_cleanup();
}
