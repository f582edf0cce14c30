#include "utf8_int.h"

size_t utf8_next(const char *s, size_t n, uint32_t *c, size_t *bad)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned char low = 0x80,
		      high = 0xbf; /* what the second byte may be: no overlong form, surrogate, or above U+10FFFF */
	size_t len, i;

	if (u[0] < 0x80) {
		*c = u[0];
		return 1;
	}
	len = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
	if (u[0] == 0xe0)
		low = 0xa0;
	else if (u[0] == 0xed)
		high = 0x9f;
	else if (u[0] == 0xf0)
		low = 0x90;
	else if (u[0] == 0xf4)
		high = 0x8f;
	*c = u[0] & (0x7fU >> len);
	i = 1;
	if (u[0] >= 0xc2 && u[0] <= 0xf4) {
		for (; i < len && i < n && u[i] >= low && u[i] <= high; i++) {
			*c = *c << 6 | (u[i] & 0x3f);
			low = 0x80;
			high = 0xbf;
		}
		if (i == len)
			return len;
	}
	if (bad)
		*bad = i;
	return 0;
}
