/* L2. What the scheduler asks of whatever delivers messages, and what it is told: implemented by the sender (SMTP) and by the
 * simulation's recipient model. All calls come from the one thread.
 *
 * The order for one message:   scheduler: start(slot, job)        after `reserved` is committed
 *                              delivery:  on_body(job)            body written, or ready to leave with the dot, which is kept back
 *                              scheduler: hand(job, next)         after `handed` is committed: the dot leaves, and with it the
 *                                                                 next job's envelope when pipelining
 *                                     or  withdraw(job)           no dot: the connection is closed; answered by NOT_SENT
 *                              delivery:  on_outcome(job, ...)    exactly once per started job, whatever happens
 * Callbacks may come from inside start/hand/withdraw; the scheduler only takes notes in them and works in its own turn. */
#ifndef ABV_DELIVERY_H
#define ABV_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "abv/attempt.h"
#include "abv/model.h"

struct delivery_slot; /* a connection that can take an envelope; opaque */

/* One message on its way. Allocated and owned by the scheduler; valid until on_outcome returns. */
struct delivery_job {
	int64_t touch_id;
	const struct message *message; /* valid until on_outcome */
	void *link;                    /* delivery's own: set in start/hand, NULL before */
};

struct delivery_result {
	enum outcome outcome;
	enum attempt_phase phase;
	int code;            /* 0 when none was read */
	const char *status;  /* enhanced status or "" */
	const char *reply;   /* the reply's text, lines joined by ' ', controls removed; what happened when code is 0 */
	bool local;          /* the cause is our own withdraw or shutdown: no relay's fault, no back-off */
};

/* To the scheduler. */
struct delivery_sink {
	void *arg;
	void (*on_slot)(void *arg, struct delivery_slot *slot);       /* ready for an envelope now; asked again by want() */
	void (*on_slot_gone)(void *arg, struct delivery_slot *slot);  /* an offered, unused slot was lost */
	void (*on_body)(void *arg, struct delivery_job *job, bool takes_next); /* takes_next: hand() may carry another envelope */
	void (*on_outcome)(void *arg, struct delivery_job *job, const struct delivery_result *result);
	void (*on_relay)(void *arg, bool usable, const char *why, int64_t retry_in_ms); /* back-off began (false) or ended (true) */
};

/* From the scheduler. */
struct delivery {
	void *arg;
	/* So many messages could go: opens connections as policy and back-off allow and offers slots; 0: nothing is due (idle
	 * connections are closed after 10 s). Cheap; called every turn. */
	void (*want)(void *arg, int messages);
	void (*start)(void *arg, struct delivery_slot *slot, struct delivery_job *job);
	void (*hand)(void *arg, struct delivery_job *job, struct delivery_job *next); /* next may be NULL */
	void (*withdraw)(void *arg, struct delivery_job *job);
	void (*give_back)(void *arg, struct delivery_slot *slot); /* offered, nothing to send: idle */
	int64_t (*backoff_until_mono)(void *arg); /* 0, or the monotonic time until which no connection is opened */
};

#endif
