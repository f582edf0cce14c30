/* L0. A list of findings in files: everything that is wrong is told at once, each with its place. */
#ifndef ABV_PROBLEM_H
#define ABV_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "abv/buf.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE };

const char *severity_name(enum severity s);

struct problem {
	char *file;  /* owned; never NULL */
	int line;    /* from 1; 0: the file as a whole */
	int column;  /* from 1; 0: unknown */
	enum severity severity;
	char *rule;  /* owned; a stable id such as "unknown-key"; never NULL */
	char *message; /* owned; one line */
};

struct problems {
	struct problem *row;
	size_t n, cap;
	size_t errors, warnings;
};

void problems_add(struct problems *p, enum severity s, const char *file, int line, int column, const char *rule,
                  const char *fmt, ...) __attribute__((format(printf, 7, 8)));
void problems_sort(struct problems *p); /* by file, line, column; stable */
void problems_free(struct problems *p);

/* `file:line:column: severity: message [rule]`; line and column are left out where they are 0. No newline. */
void problem_format(const struct problem *p, struct buf *out);

/* For "did you mean": edits (insert, delete, replace, swap of neighbours) from a to b, without regard to case; 40 when one is longer. */
int problem_distance(const char *a, size_t an, const char *b, size_t bn);

#endif
