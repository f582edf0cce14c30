/* L0. Writing JSON into a buffer (RFC 8259). The hot path writes an event per message; a tree of values would cost more
 * than the message. Reading JSON is jansson's, in the rooms that may use it. */
#ifndef ABV_JSON_H
#define ABV_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/buf.h"

/* "..." with escapes; bytes that are no UTF-8 become U+FFFD, so that a line is always valid JSON. */
void json_quote(struct buf *b, const char *s, size_t n);

/* A member of an object: writes `,` first unless b is empty or ends in '{' or '['. A NULL string writes nothing. */
void json_add_str(struct buf *b, const char *name, const char *value);
void json_add_int(struct buf *b, const char *name, int64_t value);
void json_add_double(struct buf *b, const char *name, double value);
void json_add_bool(struct buf *b, const char *name, bool value);
void json_add_time(struct buf *b, const char *name, int64_t ms);   /* RFC 3339, UTC, milliseconds; writes nothing for 0 */
void json_add_raw(struct buf *b, const char *name, const char *json);

#endif
