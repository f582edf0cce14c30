/* L5. The SMTP dialogue (RFC 5321), pipelined (RFC 2920), over connections of abv/netloop.h. Implements abv/delivery.h for one
 * relay: opens and closes connections, backs off, and tells what is known after each event. */
#ifndef ABV_SENDER_H
#define ABV_SENDER_H

#include "abv/config.h"
#include "abv/delivery.h"
#include "abv/err.h"
#include "abv/netloop.h"

struct event_base;
struct sender;

/* Config is borrowed until sender_reconfigure or sender_free. The sink's callbacks go to the scheduler. */
struct sender *sender_new(struct event_base *base, struct netloop *net, const struct config_smtp *config,
                          const struct delivery_sink *sink, struct err *e);
void sender_free(struct sender **s); /* closes everything; outcomes that are still open are NOT reported */

const struct delivery *sender_delivery(struct sender *s);

/* New settings: idle connections are closed, those under way finish with the old ones; a back-off ends. The old configuration may
 * be freed afterwards. */
void sender_reconfigure(struct sender *s, const struct config_smtp *config);

/* Shutdown: no new connections; connections whose dot is unwritten are closed (their jobs end NOT_SENT, local). Jobs whose dot is
 * written go on waiting for their reply. */
void sender_finish(struct sender *s);
/* Gives up on the replies still missing: their jobs end UNKNOWN. */
void sender_abandon(struct sender *s);

/* Protocol time of the pool, in ms: the defaults are 9-precisions'; tests make it shorter. */
struct sender_pace {
	int64_t idle;          /* an idle connection gets QUIT: 10 s */
	int64_t slow;          /* a silent connection frees its place: 60 s */
	int64_t backoff_first, backoff_most; /* 1 s doubling to 8 s, jittered by a fifth */
	int64_t backoff_auth;  /* after an AUTH refusal: 5 min */
};
void sender_pace_default(struct sender_pace *p);
void sender_set_pace(struct sender *s, const struct sender_pace *p);

struct sender_stats {
	int open, idle, busy;
	int64_t connections, messages, bytes; /* since the start */
	bool backing_off;
	int64_t backoff_left_ms;
	int silent;             /* connections on which the relay has been owing an answer for 5 s or longer */
	int64_t silent_ms;      /* and the longest */
	char last_error[256];   /* "" none */
	int64_t refused;        /* messages that the relay refused, for now or for good, since it accepted one */
	char last_refusal[256]; /* what it said to the last of them */
};
void sender_stats(const struct sender *s, struct sender_stats *out);

/* One reply of the server, gathered from its lines; separate from sockets so that it can be fuzzed under arbitrary splits. */
struct smtp_reply {
	int code;             /* 200-599 */
	char status[16];      /* enhanced status code or "" */
	char text[512];       /* lines joined by ' ', controls removed, cut */
	int lines;
};
struct smtp_reply_parser { struct smtp_reply reply; bool begun; };
enum smtp_parse { SMTP_PARSE_MORE, SMTP_PARSE_REPLY, SMTP_PARSE_BAD };
/* One line without its line end. BAD: no reply (syntax, codes that differ between lines, more than 100 lines): close. */
enum smtp_parse smtp_reply_line(struct smtp_reply_parser *p, const char *line, size_t n);

#endif
