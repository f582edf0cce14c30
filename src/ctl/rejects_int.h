/* abvctl, private: the file of `import --rejects`. */
#ifndef CTL_REJECTS_INT_H
#define CTL_REJECTS_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "abv/err.h"

struct rejects {
	const char *path; /* as it was given; NULL: nothing is kept, and every call does nothing */
	FILE *f;          /* NULL: not open */
	char *real;       /* owned: where the file is to stand */
	char *temporary;  /* owned: what is written; NULL: path itself, which is no regular file */
	bool any;         /* something was written */
};

int rejects_open(struct rejects *r, struct err *e); /* a failure is found before anything is imported */
int rejects_write(struct rejects *r, const char *p, size_t n, struct err *e); /* a row, or the header; ends its line */
int rejects_close(struct rejects *r, struct err *e); /* puts the file in its place when something was written */

#endif
