/* L7. A simulation: scheduler, governor and store (in memory) on a virtual clock, with a recipient model in the place of a relay. No
 * network, file, log or socket is touched. The same plan, calls and seed give the same events, byte for byte.
 *
 * Acceptance takes no time. What a person answers to a touch depends on the seed, the address, the sequence and the step only, so that
 * another policy moves answers in time but does not deal them anew. Answers that fall on one instant with a touch come first. */
#ifndef ABV_SIMULATE_H
#define ABV_SIMULATE_H

#include <stdint.h>

#include "abv/buf.h"
#include "abv/check.h"
#include "abv/err.h"
#include "abv/model.h"

struct scheduler;
struct simulation;
struct store;

/* Rates are per touch, 0-1, and independent of each other, but that nothing else comes from an address that bounces. An answer comes
 * 1 h to 3 d after its touch (9-precisions, Simulate). Bounces say that the address is bad; two of three absence notes say until when,
 * 1 to 14 days ahead. */
struct simulate_model {
	uint64_t seed;
	double reply, bounce, ooo, unsubscribe;
};

struct simulate_hooks {
	void *arg;
	/* Every event after its commit, in order of seq; valid until it returns. It must not call into the simulation. */
	void (*event)(void *arg, const struct event *ev);
};

/* Plan is borrowed. The first event is config_loaded, at `from`. */
int simulation_new(const struct plan *plan, const struct simulate_model *m, int64_t from, const struct simulate_hooks *hooks,
                   struct simulation **out, struct err *e);
void simulation_free(struct simulation **s);

/* Rows as the control protocol's `import` takes them: {"rows":[...]}, at the virtual now; answer is its answer. -1: the request was
 * refused as a whole. */
int simulation_import(struct simulation *s, const char *json, size_t n, struct buf *answer, struct err *e);
/* Enrolls everybody who may be, in one sequence, at the virtual now. */
int simulation_enroll(struct simulation *s, const char *sequence, struct err *e);

/* Lets the clock run until everything up to and at `until` has happened; it stands there then. -1: the store failed. */
int simulation_run(struct simulation *s, int64_t until, struct err *e);

int64_t simulation_now(const struct simulation *s);
struct scheduler *simulation_scheduler(struct simulation *s); /* to ask what comes next; borrowed */
struct store *simulation_store(struct simulation *s);         /* to read; borrowed */

#endif
