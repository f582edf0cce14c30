/* UTF-8 as RFC 3629 has it: what JSON and addresses must be made of. */
#ifndef BASE_UTF8_INT_H
#define BASE_UTF8_INT_H

#include <stddef.h>
#include <stdint.h>

/* The character at s, of n >= 1 bytes. Returns its length 1-4 and sets *c; 0 when it is no UTF-8, and *bad (may be
 * NULL) is how many bytes one U+FFFD stands for (Unicode's "maximal subpart", at least 1). */
size_t utf8_next(const char *s, size_t n, uint32_t *c, size_t *bad);

#endif
