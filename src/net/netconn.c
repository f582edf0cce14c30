/* A connection: opened by libcurl, then read and written line by line. Policy:
 *
 * - `tls = "required"` fails closed, certificates are always verified, and credentials that could not be used are a
 * failure: libcurl itself goes on without them.
 * - A connection that libcurl never attached is pruned after 118 s and its descriptor reused: it is attached at once.
 * - libcurl closes the socket on curl_multi_remove_handle: the events that watch it are deleted before.
 * - A server that sends without end does not hold the loop: after some bytes the others have their turn.
 * - The owner may close a connection inside any of its callbacks; the memory goes when the last of them has returned.
 */
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "abv/mem.h"
#include "netloop_int.h"

#define READ_BYTES   16384
#define READ_TURN    ((size_t)262144) /* bytes read before others have their turn */
#define QUEUE_KEPT   65536            /* bytes of memory that an empty queue keeps */
#define KEEPALIVE_S    5
#define KEEPALIVE_MOST 127 /* the kernel's maximum: 10.6 minutes */
#define SYN_AGAIN      2   /* after 1 and 3 s; refused after 7 */
#define NEVER_PRUNED 2000000L         /* seconds; libcurl stores milliseconds in places */

static const char *const failure_name[] = { "connect", "tls", "auth", "greeting", "lost", "surprise" };
_Static_assert(sizeof failure_name / sizeof failure_name[0] == NETCONN_SURPRISE + 1, "a failure lacks its name");

const char *netconn_failure_name(enum netconn_failure f)
{
	return (unsigned)f <= NETCONN_SURPRISE ? failure_name[f] : "";
}

/* ---- the end ---- */

static void event_drop(struct event **ev)
{
	if (*ev)
		event_free(*ev);
	*ev = NULL;
}

static void release(struct netconn *c)
{
	if (c->state != NETCONN_CLOSED || c->busy)
		return;
	buf_free(&c->capabilities);
	netlines_free(&c->in);
	buf_free(&c->out);
	buf_free(&c->more);
	free(c);
}

static void shut(struct netconn *c)
{
	if (c->state == NETCONN_CLOSED)
		return;
	c->state = NETCONN_CLOSED;
	event_drop(&c->readable);
	event_drop(&c->writable);
	event_drop(&c->later);
	LIST_REMOVE(c, link);
	curl_multi_remove_handle(c->loop->multi, c->easy);
	curl_easy_cleanup(c->easy);
	c->easy = NULL;
}

static void fail(struct netconn *c, enum netconn_failure f, int code, const char *why)
{
	if (c->state == NETCONN_CLOSED)
		return;
	c->busy++;
	c->handlers.on_fail(c->handlers.arg, c, f, code, why);
	c->busy--;
	shut(c);
}

void netconn_close(struct netconn **cp, const char *bytes)
{
	struct netconn *c = *cp;
	size_t n;

	*cp = NULL;
	if (!c)
		return;
	if (bytes && c->state == NETCONN_OPEN && c->written == c->queued)
		(void)curl_easy_send(c->easy, bytes, strlen(bytes), &n);
	shut(c);
	release(c);
}

/* ---- reading ---- */

static bool is_gone(const struct netconn *c)
{
	return c->state == NETCONN_CLOSED;
}

static int take_line(void *arg, const char *line, size_t n)
{
	struct netconn *c = arg;

	c->handlers.on_line(c->handlers.arg, c, line, n);
	return is_gone(c);
}

static void take(struct netconn *c, const char *p, size_t n)
{
	const char *fault;

	if (netlines_feed(&c->in, p, n, take_line, c, &fault) < 0)
		fail(c, NETCONN_SURPRISE, 0, fault);
}

static int take_bytes(void *arg, const char *p, size_t n)
{
	struct netconn *c = arg;

	c->on_bytes(c->handlers.arg, c, p, n);
	return is_gone(c);
}

void netconn_read_bytes(struct netconn *c, uint64_t n,
			void (*on_bytes)(void *arg, struct netconn *c, const char *p, size_t n))
{
	c->on_bytes = on_bytes;
	c->in.on_bytes = take_bytes;
	c->in.bytes = n;
}

bool netconn_is_encrypted(const struct netconn *c)
{
	return c->tls;
}

/* Until CURLE_AGAIN. Without TLS a short read says the same: the loop tells again when there is more. */
static void read_all(struct netconn *c)
{
	static const struct timeval at_once = { 0, 0 };
	char chunk[READ_BYTES];
	size_t n, all = 0;
	CURLcode rc;

	for (; !is_gone(c); all += n) {
		if (all >= READ_TURN && c->state == NETCONN_OPEN) {
			event_add(c->later, &at_once); /* TLS may hold the rest: the socket would not tell */
			return;
		}
		n = 0;
		rc = curl_easy_recv(c->easy, chunk, sizeof chunk, &n);
		if (rc == CURLE_AGAIN)
			return;
		if (rc != CURLE_OK) {
			fail(c, NETCONN_LOST, 0, "the connection broke");
		} else if (!n) {
			fail(c, NETCONN_LOST, 0, "the server closed the connection");
		} else {
			take(c, chunk, n);
			if (n < sizeof chunk && !c->tls)
				return;
		}
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct netconn *c = arg;

	(void)fd;
	(void)what;
	c->busy++;
	read_all(c);
	c->busy--;
	release(c);
}

/* TLS keeps nothing of its own: what had come was read to its end, or `later` is on its way. A reset that is seen here reads as a close
 * afterwards, which says the same. */
void netconn_look(struct netconn *c)
{
	char byte;

	if (c->state != NETCONN_OPEN || c->busy)
		return;
	if (recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	on_readable(c->fd, EV_READ, c);
}

/* ---- writing ---- */

static void send_failed(struct netconn *c)
{
	/* Nobody knows how much of it arrived. */
	c->written += (int64_t)(c->out.len - c->out_at);
	c->state = NETCONN_FAILING;
	event_active(c->later, EV_TIMEOUT, 0);
}

static void push(struct netconn *c)
{
	CURLcode rc;
	size_t n;

	while (c->state == NETCONN_OPEN && c->out_at < c->out.len) {
		n = 0;
		rc = curl_easy_send(c->easy, c->out.data + c->out_at, c->out.len - c->out_at, &n);
		if (rc == CURLE_AGAIN) {
			c->blocked = true;
			event_add(c->writable, NULL);
			return;
		}
		if (rc != CURLE_OK) {
			send_failed(c);
			return;
		}
		c->blocked = false;
		c->written += (int64_t)n;
		c->out_at += n;
		if (c->out_at < c->out.len)
			continue;
		if (c->out.cap > QUEUE_KEPT)
			buf_free(&c->out);
		buf_clear(&c->out);
		c->out_at = 0;
		if (c->more.len) {
			struct buf b = c->out;

			c->out = c->more;
			c->more = b;
		}
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct netconn *c = arg;

	(void)fd;
	(void)what;
	c->busy++;
	push(c);
	if (c->state == NETCONN_OPEN && c->written == c->queued)
		c->handlers.on_drained(c->handlers.arg, c);
	c->busy--;
	release(c);
}

int64_t netconn_send(struct netconn *c, const void *p, size_t n)
{
	c->queued += (int64_t)n;
	if (c->state != NETCONN_OPEN)
		return c->queued; /* lost: on_fail is on its way */
	buf_add(c->blocked ? &c->more : &c->out, p, n);
	if (!c->held && !c->blocked)
		push(c);
	return c->queued;
}

void netconn_hold(struct netconn *c)
{
	c->held = true;
}

void netconn_flush(struct netconn *c)
{
	c->held = false;
	if (!c->blocked)
		push(c);
}

int64_t netconn_written(const struct netconn *c)
{
	return c->written;
}

/* ---- opening ---- */

static void note_smtp(struct netconn *c, const char *p, size_t n)
{
	if (n < 3 || !isdigit((unsigned char)p[0]) || !isdigit((unsigned char)p[1]) || !isdigit((unsigned char)p[2]))
		return;
	c->code = (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
	if (c->code == 235)
		c->authenticated = true;
	/* A greeting and the answer to STARTTLS come before an EHLO: what was offered before them no longer counts. */
	if (c->code == 220)
		buf_clear(&c->capabilities);
	if (c->code != 250 || n < 4)
		return;
	buf_add(&c->capabilities, p + 4, n - 4);
	buf_char(&c->capabilities, '\n');
}

static size_t on_header(char *p, size_t size, size_t count, void *arg)
{
	struct netconn *c = arg;
	size_t all = size * count, n = all;

	while (n && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	if (!n)
		return all;
	snprintf(c->said, sizeof c->said, "%.*s", (int)n, p);
	if (c->smtp) {
		note_smtp(c, p, n);
	} else {
		buf_add(&c->capabilities, p, n);
		buf_char(&c->capabilities, '\n');
	}
	return all;
}

/* CONNECT_ONLY transfers nothing; should libcurl ever write a body, it must not go to stdout. */
static size_t on_body(char *p, size_t size, size_t count, void *arg)
{
	(void)p;
	(void)arg;
	return size * count;
}

static void connect_failed(struct netconn *c, CURLcode rc)
{
	bool spoke = c->code >= 400 && c->code <= 599;
	char why[sizeof c->said + CURL_ERROR_SIZE + 64];

	netwhy_text(c, rc, why, sizeof why);
	fail(c, netwhy_failure(c, rc), spoke ? c->code : 0, why);
}

static void watch(struct netconn *c)
{
	c->readable = event_new(c->loop->base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(c->loop->base, c->fd, EV_WRITE, on_writable, c);
	event_add(c->readable, NULL);
}

static void opened(struct netconn *c)
{
	const struct curl_tlssessioninfo *tls = NULL;
	char early[1024];
	size_t n = 0;
	CURLcode rc = curl_easy_recv(c->easy, early, sizeof early, &n);

	if (curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &c->fd) != CURLE_OK || c->fd == CURL_SOCKET_BAD ||
	    (rc != CURLE_OK && rc != CURLE_AGAIN) || (rc == CURLE_OK && !n)) {
		fail(c, NETCONN_GREETING, 0, "the server closed the connection after its greeting");
		return;
	}
	c->tls = curl_easy_getinfo(c->easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls && tls->internals;
	event_del(c->later);
	watch(c);
	c->state = NETCONN_OPEN;
	c->handlers.on_open(c->handlers.arg, c, buf_text(&c->capabilities));
	buf_free(&c->capabilities);
	if (!is_gone(c) && n)
		take(c, early, n);
	if (!is_gone(c) && c->tls)
		read_all(c);
}

void netconn_connected(struct netconn *c, CURLcode rc)
{
	c->busy++;
	if (rc != CURLE_OK)
		connect_failed(c, rc);
	else if (c->smtp && c->has_login && !c->authenticated)
		fail(c, NETCONN_AUTH, 0, "credentials are configured, but the server offers no AUTH");
	else
		opened(c);
	c->busy--;
	release(c);
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	struct netconn *c = arg;
	char why[sizeof c->said + sizeof c->host + 64];

	(void)fd;
	(void)what;
	c->busy++;
	if (c->state == NETCONN_OPENING) {
		netwhy_late(c, why, sizeof why);
		fail(c, c->said[0] ? NETCONN_GREETING : NETCONN_CONNECT, 0, why);
	} else if (c->state == NETCONN_FAILING) {
		/* Its last words: a 421 says more than a broken pipe. */
		read_all(c);
		fail(c, NETCONN_LOST, 0, "the connection broke while sending");
	} else if (c->state == NETCONN_OPEN) {
		read_all(c);
	}
	c->busy--;
	release(c);
}

static char *url_of(struct netconn *c, const struct netconn_options *o)
{
	bool v6 = strchr(o->host, ':') != NULL;
	char *helo = *o->helo ? curl_easy_escape(c->easy, o->helo, 0) : NULL;
	char *url = mem_printf("%s://%s%s%s:%d/%s", o->scheme, v6 ? "[" : "", o->host, v6 ? "]" : "", o->port,
			       helo ? helo : "");

	curl_free(helo);
	return url;
}

static long ssl_level(enum tls_mode m)
{
	switch (m) {
	case TLS_NONE: return CURLUSESSL_NONE;
	case TLS_OPPORTUNISTIC: return CURLUSESSL_TRY;
	case TLS_REQUIRED: break;
	}
	return CURLUSESSL_ALL;
}

/* A peer that is gone sends nothing. Where it has come back without its memory, the next packet of ours shows it: one goes out every
 * few seconds. While it is away that costs nothing, and breaks nothing before the dialogue's own limits (ten minutes): its answer may
 * still come. A connection that is not even refused is begun anew soon rather than asked for at growing intervals. */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype type)
{
	static const struct {
		int level, name, value;
	} row[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_MOST },
		{ IPPROTO_TCP, TCP_SYNCNT, SYN_AGAIN },
	};

	(void)arg;
	(void)type;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		(void)setsockopt(fd, row[i].level, row[i].name, &row[i].value, sizeof row[i].value);
	return CURL_SOCKOPT_OK;
}

static void set_always(struct netconn *c)
{
	curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps,imap,imaps");
	curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c->easy, CURLOPT_MAXAGE_CONN, NEVER_PRUNED);
	curl_easy_setopt(c->easy, CURLOPT_MAXLIFETIME_CONN, 0L);
	curl_easy_setopt(c->easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(c->easy, CURLOPT_PROXY, ""); /* not what the environment says */
	curl_easy_setopt(c->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L); /* the system's resolver knows how long a name holds */
	/* A lookup that is given up on is left to its thread: libcurl would wait for it, and the loop with it. */
	curl_easy_setopt(c->easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(c->easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(c->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
	curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
}

/* What the options say; a setting that libcurl does not take must not be lost silently. */
static CURLcode set_options(struct netconn *c, const struct netconn_options *o)
{
	char *url = url_of(c, o);
	CURLcode rc = curl_easy_setopt(c->easy, CURLOPT_URL, url);

	free(url);
	set_always(c);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c->easy, CURLOPT_USE_SSL, ssl_level(o->tls));
	if (rc == CURLE_OK && *o->ca_file)
		rc = curl_easy_setopt(c->easy, CURLOPT_CAINFO, o->ca_file);
	if (rc == CURLE_OK && *o->username)
		rc = curl_easy_setopt(c->easy, CURLOPT_USERNAME, o->username);
	if (rc == CURLE_OK && *o->username)
		rc = curl_easy_setopt(c->easy, CURLOPT_PASSWORD, o->password);
	/* Our own timer covers the whole of it; libcurl shares its own out among a host's addresses. */
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_timeout_ms);
	return rc;
}

struct netconn *netconn_open(struct netloop *n, const struct netconn_options *o, const struct netconn_handlers *h,
			     struct err *e)
{
	struct timeval tv = { o->connect_timeout_ms / 1000, o->connect_timeout_ms % 1000 * 1000 };
	struct netconn *c = mem_alloc(sizeof *c);
	CURLcode rc;

	c->loop = n;
	c->handlers = *h;
	c->fd = CURL_SOCKET_BAD;
	c->smtp = strncmp(o->scheme, "smtp", 4) == 0;
	c->in.max = o->line_max;
	c->port = o->port;
	snprintf(c->host, sizeof c->host, "%s", o->host);
	c->has_login = *o->username != '\0';
	c->easy = curl_easy_init();
	c->later = event_new(n->base, -1, 0, on_later, c);
	LIST_INSERT_HEAD(&n->conns, c, link);
	rc = c->easy && c->later ? set_options(c, o) : CURLE_FAILED_INIT;
	if (rc == CURLE_OK && curl_multi_add_handle(n->multi, c->easy) != CURLM_OK)
		rc = CURLE_FAILED_INIT;
	if (rc != CURLE_OK) {
		err_set(e, "no connection to %s can be started: %s", o->host, curl_easy_strerror(rc));
		netconn_close(&c, NULL);
		return NULL;
	}
	event_add(c->later, &tv);
	return c;
}
