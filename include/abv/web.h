/* L5. The control socket: JSON over HTTP/1.1 on a Unix socket (evhttp), mode 0660. `POST /v1/VERB` with one JSON object, answered
 * with one JSON object; a refusal is `{"error": "..."}` with 400 (input), 404 (no such contact, sequence ...), 409 (refused by a rule),
 * 413 (body over 4 MB; a message over 10 MB), 500 (store), 503 (too many connections). The verbs and their members: src/web/PROTOCOL.md.
 *
 * What a verb changes is committed before its answer leaves. Rooms of this level do not know each other: what a verb needs of the
 * scheduler, the sender or the journal comes through `struct control_ops`, wired by the daemon. */
#ifndef ABV_WEB_H
#define ABV_WEB_H

#include <stdbool.h>
#include <stdint.h>

#include "abv/buf.h"
#include "abv/check.h"
#include "abv/clock.h"
#include "abv/delivery.h"
#include "abv/err.h"
#include "abv/explain.h"
#include "abv/store.h"

struct event_base;
struct control;

enum unknown_action { UNKNOWN_ACCEPT, UNKNOWN_RESEND, UNKNOWN_DROP };

/* What happens next with one enrollment, and why. */
struct next_step {
	const struct step *step;   /* NULL: the sequence is gone from the configuration */
	struct verdict verdict;
	char note[192];            /* what the verdict cannot say: "relay backs off", "gate: ..."; "" none */
};

/* One thing that would have a step go earlier, and what the governor would say then. */
struct change {
	enum reason reason;            /* the rule that it takes away */
	char text[EXPLAIN_TEXT_MAX];   /* explain_sentence */
	bool with_previous;            /* together with those before it; alone it would change nothing */
	bool asked;                    /* `then` holds */
	struct verdict then;
	int64_t expected;              /* of a gift: when the next value touch goes; 0 unknown */
};

/* Another step that goes first, of the contact or of a colleague in its account, so that this one waits again behind its touch. */
struct ahead {
	char contact[MAILADDR_MAX];    /* "" : there is none */
	char sequence[128], step[128];
	int64_t at;
	int32_t priority;
	int n;                         /* so many go first, this is the last of them */
	bool by_priority;              /* both are due at once: a higher priority would turn it round */
	struct verdict then;           /* of this one, behind those touches */
};

#define CHANGES_MAX EVIDENCE_MAX
struct explanation {
	struct next_step next;
	const struct sequence *sequence; /* NULL: gone from the configuration */
	const struct zone *zone;         /* of its window; NULL likewise */
	const char *zone_from;           /* "contact", "default_timezone" or "window.timezone" */
	int kind;                        /* of the step's template; -1: not known */
	struct change change[CHANGES_MAX]; /* the deciding rule's first, then others that alone would have it go earlier */
	int change_n;
	struct ahead ahead;
	enum reason letter;              /* as things are, the letter itself would not leave: GATE_REFUSED, UNDEFINED_PLACEHOLDER,
	                                  * REPEAT_CONTENT; NONE: it would */
	char letter_text[EXPLAIN_TEXT_MAX];
};

struct control_ops {
	void *arg;
	const struct plan *(*plan)(void *arg);            /* the current one; valid until the next turn of the loop */
	int64_t (*now)(void *arg);
	/* Something was committed: the scheduler looks again, the journal copies events. */
	void (*changed)(void *arg);
	/* Inside the caller's transaction: enrolls (with its event). 1 enrolled, 0 was already, 2 refused (*why; enroll_refused is
	 * logged when `log_refusal`), -1 error. */
	int (*enroll)(void *arg, const struct contact *c, const struct sequence *s, bool log_refusal, enum reason *why, struct err *e);
	/* The governor's answer for an active enrollment at `now`; read-only. */
	int (*next)(void *arg, const struct enrollment_row *row, struct next_step *out, struct err *e);
	/* The same with what would have to change; read-only. */
	int (*explain)(void *arg, const struct enrollment_row *row, struct explanation *out, struct err *e);
	/* Sends the real message to `to`, outside cadence and history. done is called once, later or at once; result NULL: err text. */
	int (*test)(void *arg, const char *sequence, const char *step, const char *to,
	            void (*done)(void *done_arg, const struct delivery_result *result, const char *failure), void *done_arg, struct err *e);
	/* Inside the caller's transaction, with its events. */
	int (*resolve)(void *arg, int64_t touch_id, enum unknown_action action, struct err *e);
	/* Outside a transaction: removes the person from the engagement log's files. */
	int (*forget_log)(void *arg, const char *address, const char *hash, struct buf *left, struct err *e);
	/* Outside a transaction: a received message is processed, as abv/inbox.h says, in one of its own. 0: that is durable, and `json` has
	 * members that tell of it; -1: nothing happened, it is to be delivered again. */
	int (*deliver)(void *arg, const char *bytes, size_t n, struct buf *json, struct err *e);
	/* Members for `status`, written with abv/json.h into an open object: sender, scheduler, journal. */
	void (*status)(void *arg, struct buf *json);
	/* Copies of settings that the scheduler holds in memory (pauses) were changed in the store. */
	void (*settings_changed)(void *arg);
};

/* Binds `path`.new under umask 0117, listens, renames to path (a stale socket is replaced; one that is listened on is an error). Ops
 * are copied. A `forget` whose log lines a crash or an error left is finished first (ops->forget_log). base NULL: no socket, for
 * control_handle only. */
int control_open(struct event_base *base, const char *path, struct store *store, const struct control_ops *ops, struct control **out, struct err *e);
void control_close(struct control **c); /* unlinks the socket; open requests are dropped */

/* Until when a request must be read, and its answer taken: 30 s of monotonic time unless set. For tests. */
void control_set_deadline(struct control *c, int64_t ms);

/* The verbs' names, for the client's completion and its check; NULL behind the last. */
const char *control_verb_at(int i);

/* One request without a socket (fuzzing, tests): the verb's answer. Returns the HTTP status. Verbs that answer later (test, enroll in
 * slices) run to their end or answer 409 here. */
int control_handle(struct control *c, const char *verb, const char *body, size_t n, struct buf *answer);

#endif
