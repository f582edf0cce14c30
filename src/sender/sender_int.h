/* Between smtp.c (one connection's dialogue), pool.c (which connections there are) and sender.c (what the scheduler
 * asks). */
#ifndef SENDER_SENDER_INT_H
#define SENDER_SENDER_INT_H

#include <event2/event.h>
#include <sys/queue.h>

#include "abv/sender.h"

/* ---- wire.c ---- */

struct smtp_can { /* what EHLO offered */
	bool pipelining, eightbit, smtputf8, dsn, size;
	int64_t size_max; /* 0: no limit told */
};

struct wire_refusal { /* decided here, without the relay */
	enum outcome outcome;
	const char *status;
	char text[256];
};

#define WIRE_COMMAND_MAX (MAILADDR_MAX + 160)

void wire_capabilities(const char *text, struct smtp_can *out);
/* dotted: some line begins with a dot. */
bool wire_may_leave(const struct message *m, const struct smtp_can *can, bool *dotted, struct wire_refusal *why);
size_t wire_mail(const struct delivery_job *job, const struct smtp_can *can, char out[WIRE_COMMAND_MAX]);
size_t wire_rcpt(const struct delivery_job *job, const struct smtp_can *can, char out[WIRE_COMMAND_MAX]);
int64_t wire_body(struct netconn *c, const struct message *m, bool dotted); /* the stream offset behind it */

/* ---- a connection ---- */

enum slot_state {
	SLOT_OPENING,
	SLOT_IDLE,    /* can take an envelope; nobody was told */
	SLOT_OFFERED, /* the scheduler was told */
	SLOT_BUSY,    /* in a dialogue */
	SLOT_GONE,    /* closed; its memory stays until the calls on the stack have returned */
	SLOT_STATE_COUNT
};
const char *slot_state_name(enum slot_state s);

enum awaited { AWAIT_RSET, AWAIT_MAIL, AWAIT_RCPT, AWAIT_DATA, AWAIT_DOT, AWAIT_LONE_DOT, AWAIT_COUNT };
#define AWAITED_MAX 8 /* a power of two; DOT RSET MAIL RCPT DATA at most */

enum flight_stage {
	FLIGHT_NONE,
	FLIGHT_ENVELOPE, /* its commands are under way */
	FLIGHT_BODY,     /* 354 read, the body leaves */
	FLIGHT_READY,    /* the body has left, or leaves with its dot; the scheduler's word is awaited */
	FLIGHT_DOT       /* the dot was let go: `end` tells whether it was written */
};

/* A message on a connection. job is NULL as soon as its outcome was told; replies to it may be outstanding still. */
struct flight {
	enum flight_stage stage;
	struct delivery_job *job;
	bool dotted;
	int64_t end; /* BODY, DOT: the stream offset that must be written */
};

struct delivery_slot {
	struct sender *sender;
	TAILQ_ENTRY(delivery_slot) link; /* in sender.slots[state] */
	enum slot_state state;
	struct netconn *conn; /* NULL once GONE */
	struct smtp_can can;
	struct flight now;
	struct flight behind;               /* its envelope left with now's dot */
	unsigned char awaited[AWAITED_MAX]; /* replies that are due, in order */
	unsigned awaited_first, awaited_n;
	struct smtp_reply_parser parser;
	bool rset_first;    /* after a refusal the server may still be in the old transaction */
	bool after_refusal; /* the MAIL under way was pipelined behind a dot that got no good answer */
	bool rcpt_accepted; /* this connection has accepted a RCPT */
	bool retired;       /* closed as soon as it is free: old settings, shutdown */
	bool slow;          /* silent for long: its place is free, its reply is awaited */
	bool probe;         /* opened while backing off */
	int64_t delivered;
	int64_t opened_at; /* monotonic: the attempt began */
	int64_t limit_command, limit_data, limit_dot; /* ms; the settings it was opened with */
	struct event *timer;
	int64_t armed_for;             /* when the timer fires; CLOCK_NEVER: not armed */
	int64_t waits_since, deadline; /* monotonic; CLOCK_NEVER: no limit */
	int64_t progress;              /* BODY: bytes written when last looked */
};
TAILQ_HEAD(slot_list, delivery_slot);

/* Why a connection ends. */
struct ending {
	enum attempt_phase phase; /* 0: what was under way tells */
	int code;                 /* of the reply that ended it; 0 none */
	const char *status, *text;
	bool local; /* our own wish */
	bool lost;  /* the peer closed it or said 421: no back-off after a delivery */
	bool quit;  /* say QUIT */
	bool auth_refused;
};

struct backoff {
	bool active;
	bool needs_message; /* the dialogue failed, so an open connection proves nothing yet */
	int failures;
	int64_t until;
	struct delivery_slot *probe;
	struct event *timer;
};

struct sender {
	struct event_base *base; /* borrowed, as the next three */
	struct netloop *net;
	const struct config_smtp *config;
	struct delivery_sink sink;
	struct delivery delivery;
	struct sender_pace pace;
	struct slot_list slots[SLOT_STATE_COUNT];
	int count[SLOT_STATE_COUNT];
	int slow;
	int wanted;
	int depth;   /* calls on the stack: GONE slots are freed when it is 0 */
	bool refill; /* look for slots to offer or open when the stack is empty */
	bool finishing;
	bool rset_between; /* this relay keeps a refused transaction open: RSET goes between a dot and the next MAIL */
	struct backoff backoff;
	struct sender_stats stats;
};

/* ---- smtp.c ---- */

extern const struct netconn_handlers smtp_handlers;
void smtp_start(struct delivery_slot *k, struct delivery_job *job);
void smtp_hand(struct delivery_slot *k, struct delivery_job *job, struct delivery_job *next);
void smtp_withdraw(struct delivery_slot *k, struct delivery_job *job, const char *why);
/* Ends the connection and tells the outcome of its messages. */
void smtp_end(struct delivery_slot *k, const struct ending *why);
/* Shutdown: true when it is to go on waiting for the answer to a written dot. */
bool smtp_finish(struct delivery_slot *k);
void smtp_tell(struct sender *s, struct delivery_job *job, const struct delivery_result *r);

/* ---- pool.c ---- */

void pool_enter(struct sender *s);
void pool_leave(struct sender *s);
void pool_fill(struct sender *s);
void pool_move(struct delivery_slot *k, enum slot_state to); /* fails at once on a transition that is not declared */
void pool_freed(struct delivery_slot *k);                    /* the dialogue is over: idle, offered, or closed */
void pool_failed(struct delivery_slot *k, const struct ending *why, bool in_dialogue);
void pool_proved(struct delivery_slot *k);           /* the relay took or judged a message, or let us in */
bool pool_is_surplus(const struct delivery_slot *k); /* closed as soon as it is free */
void pool_unslow(struct delivery_slot *k);
void pool_backoff_end(struct sender *s);
/* From now on the peer (or, idle, we) must do something within ms; 0: no limit. */
void pool_wait(struct delivery_slot *k, int64_t ms);
void pool_close_all(struct sender *s, enum slot_state st, const struct ending *why);
void pool_bury(struct sender *s);
void pool_silent(const struct sender *s, struct sender_stats *out); /* counts those that wait for the relay */

#endif
