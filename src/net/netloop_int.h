/* Between netloop.c (the multi handle on the event loop) and netconn.c (a connection's life). */
#ifndef NET_NETLOOP_INT_H
#define NET_NETLOOP_INT_H

#include <curl/curl.h>
#include <event2/event.h>
#include <sys/queue.h>

#include "abv/buf.h"
#include "abv/netloop.h"

struct netloop {
	struct event_base *base; /* borrowed */
	CURLM *multi;
	struct event *timer;
	LIST_HEAD(netconn_list, netconn) conns;
};

enum netconn_state {
	NETCONN_OPENING, /* libcurl connects, greets and authenticates */
	NETCONN_OPEN,    /* the dialogue is the owner's */
	NETCONN_FAILING, /* a send failed: what the peer said before is still read, then on_fail; never inside the
			    owner's call */
	NETCONN_CLOSED   /* only its memory is left, until the calls on the stack have returned */
};

struct netconn {
	struct netloop *loop;
	LIST_ENTRY(netconn) link;
	struct netconn_handlers handlers;
	enum netconn_state state;
	int busy; /* calls on the stack that still look at this struct */
	CURL *easy;
	curl_socket_t fd;
	struct event *readable, *writable;
	struct event *later; /* OPENING: the connect timeout; OPEN: more is to be read; FAILING: made active at once */
	char host[256]; /* what was asked for, for messages */
	int port;
	bool smtp;
	bool tls; /* reads go on until CURLE_AGAIN: TLS keeps bytes of its own */
	bool has_login, authenticated;
	struct buf capabilities;
	int code;       /* the last reply's while opening */
	char said[256]; /* and its text */
	char error[CURL_ERROR_SIZE];
	struct netlines in;
	void (*on_bytes)(void *arg, struct netconn *c, const char *p, size_t n);
	struct buf out;  /* being sent from out_at on: must not move while blocked */
	struct buf more; /* queued while `out` must not move */
	size_t out_at;
	bool held;
	bool blocked; /* CURLE_AGAIN: the same pointer and length are to be tried again */
	int64_t queued, written;
};

/* The connect attempt ended. The connection may be gone afterwards. */
void netconn_connected(struct netconn *c, CURLcode result);

/* ---- netwhy.c: why it did not come about ---- */
enum netconn_failure netwhy_failure(const struct netconn *c, CURLcode rc);
void netwhy_text(struct netconn *c, CURLcode rc, char *out, size_t cap);
void netwhy_late(struct netconn *c, char *out, size_t cap); /* the connect timeout came */

#endif
