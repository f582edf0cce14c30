/* L6. The scheduler: due -> governor -> render -> gate -> reserve -> send -> record. It owns the order of commits:
 * `reserved` before an envelope leaves, `handed` before a final dot, results before anything that rests on them; one group commit
 * a turn carries the results of the last group, the hand-overs of this one and the reservations of the next. */
#ifndef ABV_SCHEDULER_H
#define ABV_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "abv/answer.h"
#include "abv/buf.h"
#include "abv/check.h"
#include "abv/clock.h"
#include "abv/delivery.h"
#include "abv/err.h"
#include "abv/store.h"
#include "abv/web.h"

struct scheduler;

struct scheduler_hooks {
	void *arg;
	void (*committed)(void *arg);              /* events may wait for the journal */
	/* Calls scheduler_turn soon: after the sockets that are ready now (group), or in ms at the latest. */
	void (*turn_soon)(void *arg);
	void (*turn_in)(void *arg, int64_t real_ms);
};

/* Store, clock, plan and delivery are borrowed. Recovers what a crash left: handed -> unknown, reserved -> due. */
int scheduler_new(struct store *store, const struct clock *clock, const struct plan *plan, const struct scheduler_hooks *hooks,
                  struct scheduler **out, struct err *e);
void scheduler_free(struct scheduler **s);

void scheduler_sink(struct scheduler *s, struct delivery_sink *out);         /* what the delivery reports to */
void scheduler_set_delivery(struct scheduler *s, const struct delivery *d);
/* After a reload: everyone in flight goes on by step name; what waited is asked again. */
int scheduler_set_plan(struct scheduler *s, const struct plan *plan, struct err *e);

void scheduler_turn(struct scheduler *s);      /* one group: never blocks but for the commit */
/* Policy time of the next turn that would do something if nothing came from outside; now or earlier: at once; CLOCK_NEVER: only a
 * change helps. For whoever moves the clock by hand: the hook turn_in caps its waits. Valid after a turn. */
int64_t scheduler_next_at(const struct scheduler *s);
void scheduler_wake(struct scheduler *s);      /* something changed in the store */
void scheduler_settings_changed(struct scheduler *s);

/* What happened from now on could not all be recorded (a disk is nearly full, the engagement log cannot be written): nothing is reserved,
 * nothing is handed over, bodies under way are withdrawn (due again); results go on being recorded. */
void scheduler_hold(struct scheduler *s, bool held);

/* Shutdown: no more reservations; results go on being recorded. idle: nothing in flight is left. */
void scheduler_finish(struct scheduler *s);
bool scheduler_idle(const struct scheduler *s);

/* Parts of struct control_ops (abv/web.h tells what they do). */
int scheduler_enroll(struct scheduler *s, const struct contact *c, const struct sequence *q, bool log_refusal, enum reason *why, struct err *e);
int scheduler_next(struct scheduler *s, const struct enrollment_row *row, struct next_step *out, struct err *e);
int scheduler_explain(struct scheduler *s, const struct enrollment_row *row, struct explanation *out, struct err *e);
int scheduler_test(struct scheduler *s, const char *sequence, const char *step, const char *to,
                   void (*done)(void *arg, const struct delivery_result *result, const char *failure), void *arg, struct err *e);
int scheduler_resolve(struct scheduler *s, int64_t touch_id, enum unknown_action action, struct err *e);
/* Inside the caller's transaction: the effects of what came back, each with its event. An answer that names a touch in doubt resolves it
 * (mail that comes back proves that it was delivered). 0, -1. */
int scheduler_answer(struct scheduler *s, const struct answer *a, struct err *e);
/* Behind that transaction, whether it was committed or rolled back: what is held in memory of it is read again. */
void scheduler_answered(struct scheduler *s);
/* Inside the caller's transaction: a note to an operator (never to a contact) is queued, durable with it; it leaves outside cadence, is
 * tried for four days, and never sent twice. It is erased when the contact is forgotten. */
int scheduler_note(struct scheduler *s, int64_t contact_id, const char *to, const char *subject, const char *text, struct err *e);
void scheduler_status(struct scheduler *s, struct buf *json);

#endif
