/* L3. The audit: the invariants of the design, proven from an engagement log and the configuration alone, by brute force. It shares no
 * code with the governor, the windows or the scheduler, so that a fault of theirs cannot hide in it: what it needs of calendars it
 * computes again (zones: abv/clock.h).
 *
 * Two kinds of rules. What needs no configured figure, and what the invariants demand of everything that ever left, is always judged:
 * numbering, stops, suppressions, holds, pauses, consent, gifts, content, one acceptance a touch. Caps, gaps, back-off, windows, the order
 * of steps, `after`, `expire` and sunset are judged of touches that were handed over while the given policy was in force (the config_loaded
 * before them carries its hash); touches made under another policy are counted, not judged.
 *
 * A log that does not begin with seq 1 is judged by what it shows: what may stand before it is never held against a touch. */
#ifndef ABV_AUDIT_H
#define ABV_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "abv/config.h"

struct audit;

struct audit_violation {
	const char *file;  /* of the line that breaks it */
	int64_t line;
	int64_t seq;       /* 0: the line has none */
	const char *rule;  /* stable, one of audit_rule_at's */
	const char *text;  /* one line: who, which cap, which touches, when; may hold any character of the log's strings */
};

struct audit_sum {
	int64_t lines, touches;     /* touches: accepted and unknown ones, without those that were resent or dropped */
	int64_t contacts, accounts; /* that had touches */
	int64_t violations;
	int64_t unjudged;           /* touches whose caps and windows are not judged: made under another policy */
	int64_t first_seq;          /* above 1: older files are missing */
};

#define AUDIT_TOLD_MAX 100000 /* further violations are counted, not told */

/* The names of the rules, for documentation and its check; NULL behind the last. */
const char *audit_rule_at(int i);

/* The configuration is borrowed until audit_free. The kind of a touch is taken from the log. */
struct audit *audit_new(const struct config *c);
/* Lines in the log's order, older files first, without their newline. Damaged ones are violations ("syntax"), never fatal. `file` is
 * copied. */
void audit_line(struct audit *a, const char *file, int64_t line, const char *text, size_t n);
/* Judges all that was read. violation is called once for each, in the order of the log. Call it once. */
void audit_end(struct audit *a, void (*violation)(void *arg, const struct audit_violation *v), void *arg, struct audit_sum *sum);
void audit_free(struct audit **a);

#endif
