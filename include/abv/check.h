/* L3. A plan: a configuration with its templates read and judged. What `abvd -n`, `abvctl check` and a (re)load use. */
#ifndef ABV_CHECK_H
#define ABV_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "abv/config.h"
#include "abv/gate.h"
#include "abv/problem.h"
#include "abv/render.h"

struct plan_step {
	struct template *template; /* owned; shared steps have their own copy */
	struct gate_result gate;   /* of the template as written */
};

struct plan_sequence {
	const struct sequence *sequence; /* in config */
	struct plan_step *step;          /* sequence->step_n rows */
	bool startable;                  /* false: the gate refuses a template; the sequence does not start */
};

struct plan {
	struct config *config;
	struct template_layout *layout;
	struct plan_sequence *sequence;  /* config->sequence_n rows, the same order */
};

/* PLAN_OK also when only warnings or gate refusals were found (problems->errors counts the gate's too). */
enum plan_status { PLAN_OK, PLAN_REFUSED };

/* Loads everything; every finding goes to `problems` with its place, gate findings too (as errors with the gate's rule id).
 * PLAN_REFUSED and *out NULL when the configuration or a template cannot be used; a template that only the gate refuses leaves
 * PLAN_OK with `startable` false. */
enum plan_status plan_load(const char *path, struct plan **out, struct problems *problems);
void plan_free(struct plan **p);

/* NULL: none. */
const struct plan_sequence *plan_sequence(const struct plan *p, const char *name);

#endif
