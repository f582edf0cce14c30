/* abvctl, private: a line of the engagement log: is it wanted, and how do people read it. */
#ifndef CTL_LOGLINE_INT_H
#define CTL_LOGLINE_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "abv/buf.h"

struct log_filter {
	int64_t since;            /* ms; 0: from the beginning */
	const char *contact;      /* folded; NULL: any */
	const char *sequence;     /* NULL: any */
	const char *const *event; /* event_n names; none: any */
	int event_n;
};

struct log_seen {
	int64_t seq, ts; /* of the line; 0 where it has none */
};

enum log_take { LOG_SKIP, LOG_TAKE, LOG_BAD };

/* Judges a line without its newline, and with LOG_TAKE and `text` (else NULL) appends it in words, ending in a newline.
 * `seen` is set also for lines that are skipped. */
enum log_take log_line(const struct log_filter *f, const char *line, size_t n, struct log_seen *seen, bool colour,
		       struct buf *text);

#endif
