/* L5. What comes back: sources that give raw messages (IMAP, Maildir; a pipe's come by the control socket's `deliver`), and what is made
 * of each: parsed, classified, matched to a touch and a contact, and its effects carried out in one transaction with the record that it
 * was processed (6-inbox). A message takes effect exactly once, whatever is killed when.
 *
 *   source ── raw bytes, cursor ──> inbox_process ── answer ──> ops->answer (the scheduler's, wired by the daemon)
 *
 * A source says where it is by a cursor text that is stored in the same transaction. INBOX_LATER leaves the message where it is: it is
 * tried again with back-off, and those behind it go on. */
#ifndef ABV_INBOX_H
#define ABV_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/answer.h"
#include "abv/buf.h"
#include "abv/classify.h"
#include "abv/clock.h"
#include "abv/config.h"
#include "abv/err.h"
#include "abv/netloop.h"
#include "abv/store.h"

#define INBOX_SIZE_MAX ((size_t)10 << 20) /* larger ones are not parsed: logged, kept where they are */

enum inbox_result {
	INBOX_DONE,  /* processed now or earlier, durable: the source may mark, move or forget it */
	INBOX_LATER  /* nothing happened (the store fails ...): again later */
};

struct inbox_ops {
	void *arg;
	int64_t (*now)(void *arg);
	const struct config *(*config)(void *arg);
	/* Inside the transaction: the effects (scheduler_answer). */
	int (*answer)(void *arg, const struct answer *a, struct err *e);
	/* Inside the transaction: a note to on_reply.notify is put into the outgoing mail, durable with it. It carries words of the contact,
	 * and is erased with them (scheduler_note). text: plain, LF line ends. */
	int (*notify)(void *arg, int64_t contact_id, const char *to, const char *subject, const char *text, struct err *e);
	/* Something was committed: the scheduler looks again, the journal copies events. */
	void (*changed)(void *arg);
};

/* ---- one message: process.c, match.c ---- */
struct inbox_report {            /* for the log, `deliver`'s answer and tests */
	enum mail_class class;   /* in the end: a reply that matches nobody is OTHER, one with an unsubscribe token UNSUBSCRIBE */
	bool repeated;           /* it was processed before: nothing was done */
	bool matched;
	int64_t contact_id, touch_id;
	char why[160];           /* how it was matched, or why not: "verp" "message-id" "references" "from" "forged token" ... */
};
/* source and cursor: see above; cursor "" : none is stored. Everything in one transaction of its own. */
enum inbox_result inbox_process(struct store *s, const struct inbox_ops *ops, const char *source, const char *bytes, size_t n, const char *cursor,
                                struct inbox_report *report, struct err *e);

/* ---- the sources, on the event loop ---- */
struct inbox;
struct inbox_hooks {
	void *arg;
	enum inbox_result (*message)(void *arg, const char *source, const char *bytes, size_t n, const char *cursor);
	/* The cursor of a source as it was stored last; "" none. */
	void (*cursor)(void *arg, const char *source, char *out, size_t cap);
	/* A cursor without a message (UIDVALIDITY changed, messages that are not fetched). */
	int (*cursor_put)(void *arg, const char *source, const char *cursor);
};
/* Opens what the configuration names (nothing: *out is an inbox that does nothing). A source that cannot be reached is tried again with
 * back-off and logged, never fatal. */
int inbox_open(struct event_base *base, struct netloop *net, const struct config *config, const struct inbox_hooks *hooks, struct inbox **out, struct err *e);
int inbox_reconfigure(struct inbox *i, const struct config *config, struct err *e);
void inbox_status(const struct inbox *i, struct buf *json); /* members: inbox[]: source, state, last error, messages */
void inbox_close(struct inbox **i);

#endif
