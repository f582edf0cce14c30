/* What the files of this room share: the relay that accepts everything at once, and the people who answer. */
#ifndef SIMULATE_INT_H
#define SIMULATE_INT_H

#include "abv/answer.h"
#include "abv/scheduler.h"
#include "abv/simulate.h"

/* ---- relay.c: struct delivery without a network ---- */

#define RELAY_SLOTS 64 /* messages of one group; more make fewer commits only where hundreds are due at one instant */

struct relay_slot {
	bool busy;
};

struct relay {
	struct delivery_sink sink;
	struct delivery delivery;
	struct relay_slot slot[RELAY_SLOTS];
};

void relay_open(struct relay *r); /* the sink is set by the caller, before the first message */

/* ---- recipients.c: who answers what, and when ---- */

struct reaction {
	int64_t at;
	int64_t contact_id, touch_id;
	enum answer_kind kind;
	int64_t until; /* of an absence note; 0 it names none */
};

struct recipients {
	struct simulate_model model;
	struct reaction *heap; /* owned; the earliest first */
	size_t n, cap;
};

/* A touch was accepted: what will come back of it is put on the heap. */
void recipients_touch(struct recipients *r, const struct event *sent);
int64_t recipients_next(const struct recipients *r); /* CLOCK_NEVER: nobody will answer */
/* The earliest reaction when it is due at `now`. */
bool recipients_take(struct recipients *r, int64_t now, struct reaction *out);
void recipients_free(struct recipients *r);

/* splitmix64's step and finisher: the next of a sequence, and a good mixing of x. */
uint64_t random_next(uint64_t *state);

#endif
