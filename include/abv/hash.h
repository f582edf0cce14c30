/* L0. FNV-1a, 64 bits, for tables in memory and for choices that must be the same in every run. No secret and no
 * defence. */
#ifndef ABV_HASH_H
#define ABV_HASH_H

#include <stdint.h>

#define HASH_BEGIN UINT64_C(14695981039346656037)

static inline uint64_t hash_byte(uint64_t h, unsigned char byte)
{
	return (h ^ byte) * UINT64_C(1099511628211);
}

/* Of the text behind what `h` is of, without its NUL. */
static inline uint64_t hash_text(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = hash_byte(h, (unsigned char)*s);
	return h;
}

/* With the NUL: of several texts one behind another, so that "a" "bc" is not "ab" "c". */
static inline uint64_t hash_member(uint64_t h, const char *s)
{
	return hash_byte(hash_text(h, s), '\0');
}

#endif
