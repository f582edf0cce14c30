/* L3. The audit: the invariants of the design, proven from an engagement log and the configuration alone, by brute force. It shares no
 * code with the governor, the windows or the scheduler, so that a fault of theirs cannot hide in it: what it needs of calendars it
 * computes again (zones: abv/clock.h). */
#ifndef ABV_AUDIT_H
#define ABV_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "abv/buf.h"
#include "abv/config.h"
#include "abv/err.h"

struct audit;

struct audit_violation {
	const char *file;  /* of the line that breaks it */
	int64_t line;
	int64_t seq;       /* 0: the line has none */
	const char *rule;  /* stable: "seq" "contact_limit" "contact_min_gap" "account_limit" "window" "gifts" "content" "consent" "after_reply" ... */
	const char *text;  /* one line: who, which cap, which touches, when */
};

struct audit_sum {
	int64_t lines, touches, contacts, accounts, violations;
	int64_t unjudged;  /* touches that stand before the last config_loaded with this policy: their caps and windows are not judged */
};

/* The configuration is borrowed until audit_free. kind of each step is taken from the log. */
struct audit *audit_new(const struct config *c);
/* Lines in the log's order, older files first. Damaged ones are violations ("syntax"), never fatal. */
void audit_line(struct audit *a, const char *file, int64_t line, const char *text, size_t n);
/* Judges all that was read. violation is called once for each, in the order of the log. */
void audit_end(struct audit *a, void (*violation)(void *arg, const struct audit_violation *v), void *arg, struct audit_sum *sum);
void audit_free(struct audit **a);

#endif
