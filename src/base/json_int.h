/* What writing and reading JSON share: how far a text goes without anything special. */
#ifndef BASE_JSON_INT_H
#define BASE_JSON_INT_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JSON_EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Has a 0x80 in the first of eight bytes that is a control character, a quote, a backslash or no ASCII; 0 when there is
 * none. Of the bytes behind that one it says nothing. */
static inline uint64_t json_special(uint64_t eight)
{
	uint64_t below_space = eight - JSON_EIGHT(0x20), quote = (eight ^ JSON_EIGHT('"')) - JSON_EIGHT(1),
		 backslash = (eight ^ JSON_EIGHT('\\')) - JSON_EIGHT(1), delete = (eight ^ JSON_EIGHT(0x7f)) - JSON_EIGHT(1);

	return (below_space | quote | backslash | delete | eight) & JSON_EIGHT(0x80);
}

/* How many bytes at the begin of a text stand for themselves in JSON, looked at by eights: fewer than eight that do may
 * follow. */
static inline size_t json_plain(const char *s, size_t n)
{
	uint64_t eight, special;
	size_t i = 0;

	for (; n - i >= sizeof(eight); i += sizeof(eight)) {
		memcpy(&eight, s + i, sizeof(eight));
		special = json_special(le64toh(eight));
		if (special)
			return i + (size_t)__builtin_ctzll(special) / 8;
	}
	return i;
}

#endif
