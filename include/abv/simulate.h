/* L7. A simulation: scheduler, governor and store (in memory) on a virtual clock, with a recipient model in the place of a relay. No
 * network, file, log or socket is touched. The same seed gives the same bytes. */
#ifndef ABV_SIMULATE_H
#define ABV_SIMULATE_H

#include <stdint.h>

#include "abv/check.h"
#include "abv/err.h"
#include "abv/model.h"

struct simulation;

/* Rates are per touch, 0-1; an answer comes 1 h to 3 d after it (9-precisions, Simulate). */
struct simulate_model {
	uint64_t seed;
	double reply, bounce, ooo, unsubscribe;
};

struct simulate_hooks {
	void *arg;
	void (*event)(void *arg, const struct event *ev); /* every event, in order of seq; valid until it returns */
};

/* Plan is borrowed. */
int simulation_new(const struct plan *plan, const struct simulate_model *m, int64_t from, const struct simulate_hooks *hooks,
                   struct simulation **out, struct err *e);
/* Rows as the control protocol's `import` takes them: {"rows":[...]}; at the virtual now. Errors come as its answer has them. */
int simulation_import(struct simulation *s, const char *json, size_t n, struct buf *answer, struct err *e);
/* Enrolls everybody who may be, in one sequence. */
int simulation_enroll(struct simulation *s, const char *sequence, struct err *e);
/* Lets the clock run to `until`: 0, or -1 (the store). */
int simulation_run(struct simulation *s, int64_t until, struct err *e);
int64_t simulation_now(const struct simulation *s);
struct scheduler *simulation_scheduler(struct simulation *s); /* to ask what comes next; borrowed */
struct store *simulation_store(struct simulation *s);
void simulation_free(struct simulation **s);

#endif
