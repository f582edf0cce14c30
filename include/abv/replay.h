/* L6. A store that is an older copy (a backup) catches up with the engagement log: what happened after it was copied is done to it again,
 * line by line, so that nobody gets anything twice. What no line tells is lost and said so: of contacts imported since, all but address,
 * account, time zone and consent; where received mail was read to; notes to on_reply.notify. */
#ifndef ABV_REPLAY_H
#define ABV_REPLAY_H

#include "abv/check.h"
#include "abv/store.h"

struct replay_sum {
	int64_t lines, touches;  /* done */
	int64_t contacts;        /* made anew, without their attributes */
	int64_t forgotten;       /* erased again */
	int64_t from, to;        /* seqs; to 0: the store was not behind */
	int64_t ends_at;         /* time of the last line; 0 there is none */
};

/* All lines behind the store's last event must be there, and follow each other; else -1, and the store stays as it was. Works in
 * transactions of some hundred lines and can be begun again after a crash. Afterwards, also when there was nothing to do, sending is paused (setting "paused"): what left
 * in the log's last moments may not stand in it, and an operator decides. */
int replay_log(struct store *s, const struct plan *plan, const char *log_path, struct replay_sum *out, struct err *e);

#endif
