/* L0. Writing JSON into a buffer, and reading it token by token (RFC 8259). The hot paths write an event a message and
 * read an object a contact; a tree of values would cost more than the message or the contact. Otherwise reading JSON is
 * jansson's, in the rooms that may use it. */
#ifndef ABV_JSON_H
#define ABV_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/buf.h"

/* "..." with escapes; bytes that are no UTF-8 become U+FFFD, so that a line is always valid JSON. */
void json_quote(struct buf *b, const char *s, size_t n);

void json_decimal(struct buf *b, int64_t value);

/* A member of an object: writes `,` first unless b is empty or ends in '{' or '['. A NULL string writes nothing. */
void json_add_str(struct buf *b, const char *name, const char *value);
void json_add_int(struct buf *b, const char *name, int64_t value);
void json_add_double(struct buf *b, const char *name, double value);
void json_add_bool(struct buf *b, const char *name, bool value);
void json_add_time(struct buf *b, const char *name, int64_t ms);   /* RFC 3339, UTC, milliseconds; writes nothing for 0 */
void json_add_raw(struct buf *b, const char *name, const char *json);

/* ---- reading ---- */

/* A text of JSON that is read from its begin. It knows tokens; what may follow what is its user's. */
struct json_scan {
	const char *at, *end; /* what is still to be read */
	char *room;           /* where the next text goes; as many bytes as the JSON has are enough for all of them */
	bool control;         /* the last text has a control character */
};

/* The next byte that is no white space, which stays to be read; '\0' at the end. */
char json_scan_next(struct json_scan *s);
/* Takes the next byte that is no white space if it is c. */
bool json_scan_take(struct json_scan *s, char c);
/* Takes a "text": decoded, with a NUL behind, in room; n is without it. False, and nothing is taken: there is none, or not
 * a right one (no UTF-8, a control character, a wrong escape, a \u0000). */
bool json_scan_text(struct json_scan *s, char **text, size_t *n);
/* Takes a value of whatever kind, unlooked at: where it ends is told by brackets and quotes alone. */
void json_scan_skip(struct json_scan *s, const char **from, size_t *n);

#endif
