/* What the files of this room share: a call (one request and its answer), the verbs' table, and how answers are
 * written. */
#ifndef CONTROL_INT_H
#define CONTROL_INT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "abv/buf.h"
#include "abv/mailaddr.h"
#include "abv/store.h"
#include "abv/web.h"

struct call;
struct event;
struct server;

/* ---- calls: call.c ---- */

#define CALL_LATER 0 /* instead of a status: the call answers itself, by call_finish */

struct control {
	struct store *store;
	struct control_ops ops;
	struct event_base *base;        /* NULL without a loop (control_handle only) */
	struct server *server;          /* NULL likewise */
	TAILQ_HEAD(calls, call) parked; /* that answer later */
	struct backup *backup;          /* that is under way; NULL none */
	int64_t backups;                /* begun since the start: their ids */
};

struct call {
	struct control *control;
	struct store *store;
	const struct control_ops *ops;
	const struct verb *verb;
	int64_t now;
	json_t *in;     /* the request's object; NULL when the body is a message, or rows */
	const char *body; /* the request's bytes, while the verb runs */
	size_t body_n;
	struct buf out; /* the answer's members, without the braces */
	struct err err; /* of a refusal */
	bool keep;      /* commit, although the answer is a refusal */
	bool wrote;     /* something was committed */

	/* later: */
	int (*step)(struct call *c);                                  /* the next slice: CALL_LATER or the status */
	void (*reply)(void *arg, int status, const struct buf *body); /* once; status 0: there will be no answer */
	void *reply_arg;
	bool parked, awaited; /* awaited: a callback will come, so the call must outlive the control */
	struct event *timer;
	TAILQ_ENTRY(call) link;

	/* verbs' own, between their functions */
	struct bulk *bulk;          /* enroll in slices; owned */
	char address[MAILADDR_MAX]; /* forget; suppress: "@domain" */
	int64_t after;              /* suppress: contacts with greater ids are still to come */
	enum reason why;            /* suppress */
	int stopped;                /* suppress */
	char hash[64];
	int status; /* test: the outcome, when it came at once */
};

/* Runs a verb. The answer goes to reply, at once or later. */
void call_begin(struct control *control, const char *verb, const char *body, size_t n,
		void (*reply)(void *arg, int status, const struct buf *body), void *reply_arg, struct call **parked);
void call_finish(struct call *c, int status); /* answers and frees */
void call_drop(struct call *c);               /* whoever asked is gone: the work goes on, the answer goes nowhere */
void call_close(struct call *c);              /* the control ends */

int call_refuse(struct call *c, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4))); /* returns status */
int call_failed(struct call *c);           /* the store's error stands in err: 500 */
/* What run does is committed when it returns 200 (or CALL_LATER), else undone; its status, or 500. For verbs that do not run inside a
 * transaction. */
int call_transaction(struct call *c, int (*run)(void *arg), void *arg);

/* ---- members of the request; checked before the verb runs, so what is there has its type ---- */
enum member_type {
	MEMBER_TEXT,
	MEMBER_INTEGER,
	MEMBER_BOOL,
	MEMBER_ROWS,   /* the first member: the verb reads the request itself */
	MEMBER_MESSAGE /* the only member: the request's body is the message itself, no JSON */
};
struct member {
	const char *name;
	enum member_type type;
	bool required;
};
/* Reads and checks the request as an object with the verb's members: 200 or a refusal. Done before the verb runs, except
 * with MEMBER_ROWS. */
int call_object(struct call *c);
const char *call_text(const struct call *c, const char *name); /* "" when absent */
bool call_bool(const struct call *c, const char *name);
int64_t call_integer(const struct call *c, const char *name, int64_t absent);
/* 200 and the contact (caller frees), or a refusal. */
int call_contact(struct call *c, struct contact **out);
/* 200 and the sequence of the plan, or a refusal. */
int call_sequence(struct call *c, const struct plan_sequence **out);
bool text_is_clean(const char *s); /* no control characters */

/* ---- the verbs ---- */
#define MEMBERS_MAX 4
struct verb {
	const char *name;
	bool writes;                  /* runs inside a transaction that is committed with status 200 or CALL_LATER */
	int (*run)(struct call *c);   /* the status, or CALL_LATER */
	int (*after)(struct call *c); /* after the commit: the status */
	struct member member[MEMBERS_MAX + 1];
};
extern const struct verb control_verbs[]; /* by name; the last has none */

/* A verb in slices goes on for so long before the loop has its turn; so many rows lie between two looks at the clock. */
#define SLICE_MS   20
#define SLICE_ROWS 32

#define BODY_MAX    ((size_t)4 << 20)
#define MESSAGE_MAX ((size_t)10 << 20) /* of a verb that takes a message */
size_t call_body_max(const char *verb);

int verb_backup(struct call *c);
int verb_config(struct call *c);
int verb_deliver(struct call *c);
int verb_enroll(struct call *c);
int verb_explain(struct call *c);
int verb_export(struct call *c);
int verb_forget(struct call *c);
int verb_forget_after(struct call *c);
int verb_hold(struct call *c);
int verb_import(struct call *c);
int verb_pause(struct call *c);
int verb_pause_after(struct call *c);
int verb_queue(struct call *c);
int verb_resume(struct call *c);
int verb_show(struct call *c);
int verb_status(struct call *c);
int verb_stop(struct call *c);
int verb_suppress(struct call *c);
int verb_test(struct call *c);
int verb_unknown(struct call *c);
int verb_unsuppress(struct call *c);

/* Log files that a crash or an error left with a forgotten person in them. */
void forget_resume(struct control *control);
void bulk_free(struct bulk **b);
void backup_free(struct backup **b);

/* ---- what verbs do alike: contact.c ---- */
/* An event at now. c or address may be NULL; sequence, step and detail "". */
int call_event(struct call *c, enum event_type type, const struct contact *contact, const char *address,
	       const char *sequence, const char *step, const char *detail);
/* Ends the active enrollments of a contact, of one sequence or (NULL) of all, with their events. Adds to *n. 0, -1. */
int contact_stop(struct call *c, const struct contact *contact, const char *sequence, enum reason why, int *n);
/* Seen: enrollments of the sequence in any state. -1 on error. */
int contact_enrollments(struct call *c, int64_t contact_id, const char *sequence);

/* ---- verb_show.c: what verbs about a contact share ---- */
/* A member that is an array: what `add` writes for each enrollment of the contact, in the order of enrolling. 0, -1. */
int answer_enrollments(struct call *c, const char *name, const struct contact *contact,
		       int (*add)(struct call *c, const struct enrollment_row *row));
int answer_standing(struct call *c, const struct contact *contact); /* suppression and holds */

/* ---- answers: answer.c ---- */
void answer_open(struct buf *b, const char *name, char bracket);      /* a member that is an array or an object */
void answer_element(struct buf *b, char bracket);                     /* the next element of an array */
void answer_text(struct buf *b, const char *name, const char *value); /* nothing for "" */
void answer_time(struct buf *b, const char *name, int64_t t);         /* nothing for 0 and for never */
void answer_refused(struct buf *b, const int64_t refused[REASON_COUNT]); /* {reason: how many} of enrollments */
void answer_contact(struct buf *b, const struct contact *c);
void answer_enrollment(struct buf *b, const struct enrollment *en);
void answer_touch(struct buf *b, const struct touch *t);
void answer_event(struct buf *b, const struct event *ev);
void answer_evidence(struct buf *b, const struct evidence *ev);
void answer_next(struct buf *b, const struct next_step *next);

/* ---- server.c: HTTP on the Unix socket ---- */
int server_open(struct control *control, const char *path, struct server **out, struct err *e);
void server_close(struct server **s);
void server_set_deadline(struct server *s, int64_t ms);

/* ---- socket.c ---- */
/* A listening socket at path (see abv/web.h): the descriptor, -1. */
int socket_listen(const char *path, struct err *e);

#endif
