/* L0. Errors: a fixed buffer that the caller owns, so that saying what went wrong never allocates. */
#ifndef ABV_ERR_H
#define ABV_ERR_H

struct err {
	char text[512]; /* one line, no newline, NUL-terminated; "" while nothing went wrong */
};

/* Sets the text (cut at the buffer's end). Returns -1, so that a function can end with `return err_set(...)`. e may be NULL. */
int err_set(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "<fmt...>: " before the text that is there. Returns -1. e may be NULL. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
