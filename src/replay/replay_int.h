/* What replay.c and effects.c share. */
#ifndef REPLAY_INT_H
#define REPLAY_INT_H

#include <jansson.h>

#include "abv/buf.h"
#include "abv/replay.h"

/* A touch that was in flight when the store was copied. */
struct flight {
	int64_t touch, enrollment;
};

struct replay {
	struct store *store;
	const struct plan *plan;
	struct replay_sum *sum;
	int64_t now;         /* for what has no time of its own: that of the last line */
	struct flight *flight;
	size_t flight_n;
	char **hash;         /* of persons forgotten since; owned */
	size_t hash_n;
	int64_t done;        /* seq of the last line done, or looked at */
	int in_transaction;  /* lines */
	struct err *e;
};

/* A line of the log, understood. Texts are the JSON value's. */
struct line {
	const json_t *json;
	int64_t seq, ts, touch;
	enum event_type type;
	int kind; /* -1 none */
	const char *contact, *account, *sequence, *step;
};
const char *line_text(const struct line *l, const char *member); /* "" when absent */
int64_t line_time(const struct line *l, const char *member);     /* 0 when absent */

/* effects.c: does to the store what the line says happened. *contact_id: whom it is about (0 nobody). 0, -1. */
int replay_effect(struct replay *r, const struct line *l, int64_t *contact_id);

#endif
