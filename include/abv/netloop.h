/* L4. The one curl_multi on the event_base, and line-based connections that libcurl opened (CURLOPT_CONNECT_ONLY): DNS, TCP, TLS
 * or STARTTLS, greeting, EHLO and SASL are libcurl's; from `on_open` on the dialogue is ours (3-sending tells why). */
#ifndef ABV_NETLOOP_H
#define ABV_NETLOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/buf.h"
#include "abv/config.h"
#include "abv/err.h"

struct event_base;
struct netloop;
struct netconn;

/* The base must outlive the loop. SIGPIPE is ignored from now on (OpenSSL writes without MSG_NOSIGNAL). NULL and err on failure. */
struct netloop *netloop_new(struct event_base *base, struct err *e);
void netloop_free(struct netloop **n); /* closes what is open, without callbacks */

enum netconn_failure {
	NETCONN_CONNECT, /* DNS, TCP, connect timeout */
	NETCONN_TLS,     /* refused, required but not offered, certificate */
	NETCONN_AUTH,    /* credentials refused, or no AUTH offered while they are configured */
	NETCONN_GREETING,/* 4yz/5yz greeting or EHLO refused: code and text in `why` */
	NETCONN_LOST,    /* close, RST, send failed after on_open */
	NETCONN_SURPRISE /* a line over line_max, NUL bytes: not our protocol */
};
const char *netconn_failure_name(enum netconn_failure f);

struct netconn_options {
	const char *scheme;          /* "smtp" "smtps" "imap" "imaps" */
	const char *host;
	int port;
	enum tls_mode tls;           /* required fails closed */
	const char *username, *password; /* "" : none */
	const char *ca_file, *helo;  /* "" : none */
	int64_t connect_timeout_ms;
	size_t line_max;             /* bytes of a line, without its end; 0: NETLINE_MAX */
};

struct netconn_handlers {
	void *arg;
	/* Ready for our dialogue. `capabilities`: the lines libcurl saw while connecting, '\n'-separated: SMTP's, EHLO's last answer;
	 * IMAP's, from the greeting on, also those before STARTTLS, which count for nothing. */
	void (*on_open)(void *arg, struct netconn *c, const char *capabilities);
	/* One line without its line end, n <= line_max. The connection may be closed inside. */
	void (*on_line)(void *arg, struct netconn *c, const char *line, size_t n);
	/* Everything queued has left. Only when the queue had to wait for the socket; never from inside netconn_send or _flush, whose
	 * caller compares their offset with netconn_written. */
	void (*on_drained)(void *arg, struct netconn *c);
	/* It failed or was lost; not called after netconn_close. code: SMTP code when one was read, else 0. The connection is freed
	 * after this returns. */
	void (*on_fail)(void *arg, struct netconn *c, enum netconn_failure f, int code, const char *why);
};

/* Options are copied. NULL and err only when nothing could be started; all else comes by on_fail, never from inside this call. */
struct netconn *netconn_open(struct netloop *n, const struct netconn_options *o, const struct netconn_handlers *h, struct err *e);

/* Queues a copy of the bytes and sends what the socket takes. Returns the stream offset behind the last of these bytes. */
int64_t netconn_send(struct netconn *c, const void *p, size_t n);

/* Collect several sends into one packet: nothing leaves between hold and the matching flush. */
void netconn_hold(struct netconn *c);
void netconn_flush(struct netconn *c);

/* Reads now what the peer has sent or that it has closed, as the loop would do in its turn: on_line and on_fail may come from inside, the
 * connection may be gone afterwards. Does nothing inside of the connection's own callbacks. */
void netconn_look(struct netconn *c);

/* Upper bound of the bytes that may have reached the peer: an offset <= this one counts as written (9-precisions, "dot written":
 * the send call that held it counted it, or failed with anything but CURLE_AGAIN). */
int64_t netconn_written(const struct netconn *c);

/* Inside on_line: the next n bytes of the stream are no lines. They are told piece by piece, as they come, never kept; then lines go
 * on. The connection may be closed inside on_bytes, whose arg is the handlers'. n 0: nothing is told. */
void netconn_read_bytes(struct netconn *c, uint64_t n, void (*on_bytes)(void *arg, struct netconn *c, const char *p, size_t n));

/* After on_open: the bytes go through TLS. */
bool netconn_is_encrypted(const struct netconn *c);

/* Lines out of a stream, apart from sockets so that it can be fuzzed under arbitrary splits. Start with zeros. */
#define NETLINE_MAX 4096 /* bytes of a line, without its end (LF or CRLF) */
struct netlines {
	struct buf begun;
	size_t max;     /* 0: NETLINE_MAX */
	uint64_t bytes; /* that are no lines and come next: may be set inside on_line */
	int (*on_bytes)(void *arg, const char *p, size_t n); /* not null while bytes is not 0; as on_line, but for pieces of them */
};
/* Calls on_line for each line that is complete, until one returns non-zero: then that is returned. -1 with *fault for a line that is
 * too long or contains a NUL; nothing may be fed after it. The struct must live while on_line runs. */
int netlines_feed(struct netlines *l, const char *p, size_t n, int (*on_line)(void *arg, const char *line, size_t n), void *arg,
                  const char **fault);
void netlines_free(struct netlines *l);

/* Closes and frees; no callback follows. With bytes not null they are sent if the socket takes them at once (QUIT). */
void netconn_close(struct netconn **c, const char *bytes);

#endif
