/* Characters as a reader sees them. Accents go, so that a phrase is found with and without them; letters of another
 * script, styled letters and characters that cannot be seen are told apart, because a phrase may be hidden with them:
 * whether that was done is decided for each word (gate_line.c). */
#include <string.h>

#include "gate_int.h"

uint32_t gate_char_next(const char *s, const char *end, size_t *n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)s;
	size_t len = *u < 0x80 ? 1 : *u < 0xc2 ? 0 : *u < 0xe0 ? 2 : *u < 0xf0 ? 3 : *u < 0xf5 ? 4 : 0;
	uint32_t c = len == 1 ? *u : len == 0 ? 0 : *u & (0xffu >> (len + 1));
	bool bad = len == 0 || (size_t)(end - s) < len;
	for (size_t i = 1; !bad && i < len; i++) {
		bad = (u[i] & 0xc0) != 0x80;
		c = c << 6 | (u[i] & 0x3fu);
	}
	bad = bad || c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000);
	*n = bad ? 1 : len;
	return bad ? GATE_CHAR_BAD : c;
}

/* From U+00C0 to U+017F; '.' has no base letter. */
static const char base[] = "AAAAAA.CEEEEIIIIDNOOOOO.OUUUUY..aaaaaa.ceeeeiiii.nooooo.ouuuuy.y"
			   "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi..JjKk.LlLlLl."
			   ".LlNnNnNn...OoOoOo..RrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

/* Sorted by character. */
static const struct twin {
	uint16_t c;
	char to;
	unsigned char kind;
} twins[] = {
	/* clang-format off */
	{ 0x0251, 'a', CHAR_STYLED }, { 0x0261, 'g', CHAR_STYLED }, { 0x0262, 'g', CHAR_STYLED }, { 0x0269, 'i', CHAR_TWIN },
	{ 0x026a, 'i', CHAR_STYLED }, { 0x0274, 'n', CHAR_STYLED }, { 0x0280, 'r', CHAR_STYLED }, { 0x028f, 'y', CHAR_STYLED },
	{ 0x0299, 'b', CHAR_STYLED }, { 0x029c, 'h', CHAR_STYLED }, { 0x029f, 'l', CHAR_STYLED },
	/* Greek */
	{ 0x0391, 'A', CHAR_TWIN_GREEK }, { 0x0392, 'B', CHAR_TWIN_GREEK }, { 0x0395, 'E', CHAR_TWIN_GREEK },
	{ 0x0396, 'Z', CHAR_TWIN_GREEK }, { 0x0397, 'H', CHAR_TWIN_GREEK }, { 0x0399, 'I', CHAR_TWIN_GREEK },
	{ 0x039a, 'K', CHAR_TWIN_GREEK }, { 0x039c, 'M', CHAR_TWIN_GREEK }, { 0x039d, 'N', CHAR_TWIN_GREEK },
	{ 0x039f, 'O', CHAR_TWIN_GREEK }, { 0x03a1, 'P', CHAR_TWIN_GREEK }, { 0x03a4, 'T', CHAR_TWIN_GREEK },
	{ 0x03a5, 'Y', CHAR_TWIN_GREEK }, { 0x03a7, 'X', CHAR_TWIN_GREEK }, { 0x03b1, 'a', CHAR_TWIN_GREEK },
	{ 0x03b5, 'e', CHAR_TWIN_GREEK }, { 0x03b9, 'i', CHAR_TWIN_GREEK }, { 0x03ba, 'k', CHAR_TWIN_GREEK },
	{ 0x03bd, 'v', CHAR_TWIN_GREEK }, { 0x03bf, 'o', CHAR_TWIN_GREEK }, { 0x03c1, 'p', CHAR_TWIN_GREEK },
	{ 0x03c4, 't', CHAR_TWIN_GREEK }, { 0x03c5, 'u', CHAR_TWIN_GREEK }, { 0x03c7, 'x', CHAR_TWIN_GREEK },
	{ 0x03f2, 'c', CHAR_TWIN_GREEK }, { 0x03f3, 'j', CHAR_TWIN_GREEK },
	/* Cyrillic */
	{ 0x0405, 'S', CHAR_TWIN }, { 0x0406, 'I', CHAR_TWIN }, { 0x0408, 'J', CHAR_TWIN },
	{ 0x0410, 'A', CHAR_TWIN }, { 0x0412, 'B', CHAR_TWIN_LOOSELY }, { 0x0415, 'E', CHAR_TWIN },
	{ 0x041a, 'K', CHAR_TWIN_LOOSELY }, { 0x041c, 'M', CHAR_TWIN_LOOSELY }, { 0x041d, 'H', CHAR_TWIN_LOOSELY },
	{ 0x041e, 'O', CHAR_TWIN }, { 0x0420, 'P', CHAR_TWIN }, { 0x0421, 'C', CHAR_TWIN },
	{ 0x0422, 'T', CHAR_TWIN_LOOSELY }, { 0x0423, 'Y', CHAR_TWIN_LOOSELY }, { 0x0425, 'X', CHAR_TWIN },
	{ 0x0430, 'a', CHAR_TWIN }, { 0x0432, 'b', CHAR_TWIN_LOOSELY }, { 0x0433, 'r', CHAR_TWIN_LOOSELY },
	{ 0x0435, 'e', CHAR_TWIN }, { 0x043a, 'k', CHAR_TWIN_LOOSELY }, { 0x043c, 'm', CHAR_TWIN_LOOSELY },
	{ 0x043d, 'h', CHAR_TWIN_LOOSELY }, { 0x043e, 'o', CHAR_TWIN }, { 0x043f, 'n', CHAR_TWIN_LOOSELY },
	{ 0x0440, 'p', CHAR_TWIN }, { 0x0441, 'c', CHAR_TWIN }, { 0x0442, 't', CHAR_TWIN_LOOSELY },
	{ 0x0443, 'y', CHAR_TWIN }, { 0x0445, 'x', CHAR_TWIN }, { 0x044c, 'b', CHAR_TWIN_LOOSELY },
	{ 0x0450, 'e', CHAR_TWIN }, { 0x0451, 'e', CHAR_TWIN_LOOSELY }, { 0x0455, 's', CHAR_TWIN },
	{ 0x0456, 'i', CHAR_TWIN }, { 0x0457, 'i', CHAR_TWIN_LOOSELY }, { 0x0458, 'j', CHAR_TWIN },
	{ 0x0475, 'v', CHAR_TWIN }, { 0x04ae, 'Y', CHAR_TWIN }, { 0x04af, 'y', CHAR_TWIN },
	{ 0x04ba, 'h', CHAR_TWIN }, { 0x04bb, 'h', CHAR_TWIN }, { 0x04c0, 'I', CHAR_TWIN }, { 0x04cf, 'l', CHAR_TWIN },
	{ 0x0501, 'd', CHAR_TWIN }, { 0x051a, 'Q', CHAR_TWIN }, { 0x051b, 'q', CHAR_TWIN },
	{ 0x051c, 'W', CHAR_TWIN }, { 0x051d, 'w', CHAR_TWIN },
	/* Armenian */
	{ 0x0555, 'O', CHAR_TWIN }, { 0x0563, 'q', CHAR_TWIN_LOOSELY }, { 0x0566, 'q', CHAR_TWIN_LOOSELY },
	{ 0x0570, 'h', CHAR_TWIN }, { 0x0578, 'n', CHAR_TWIN }, { 0x057d, 'u', CHAR_TWIN }, { 0x0581, 'g', CHAR_TWIN },
	{ 0x0585, 'o', CHAR_TWIN },
	/* small capitals */
	{ 0x1d00, 'a', CHAR_STYLED }, { 0x1d04, 'c', CHAR_STYLED }, { 0x1d05, 'd', CHAR_STYLED }, { 0x1d07, 'e', CHAR_STYLED },
	{ 0x1d0a, 'j', CHAR_STYLED }, { 0x1d0b, 'k', CHAR_STYLED }, { 0x1d0d, 'm', CHAR_STYLED }, { 0x1d0f, 'o', CHAR_STYLED },
	{ 0x1d18, 'p', CHAR_STYLED }, { 0x1d1b, 't', CHAR_STYLED }, { 0x1d1c, 'u', CHAR_STYLED }, { 0x1d20, 'v', CHAR_STYLED },
	{ 0x1d21, 'w', CHAR_STYLED }, { 0x1d22, 'z', CHAR_STYLED },
	/* letters among the symbols; the holes of the mathematical alphabets */
	{ 0x2010, '-', CHAR_SIGN }, { 0x2011, '-', CHAR_SIGN }, { 0x2012, '-', CHAR_SIGN }, { 0x2013, '-', CHAR_SIGN },
	{ 0x2014, '-', CHAR_SIGN }, { 0x2018, '\'', CHAR_SIGN }, { 0x2019, '\'', CHAR_SIGN }, { 0x201b, '\'', CHAR_SIGN },
	{ 0x201c, '"', CHAR_SIGN }, { 0x201d, '"', CHAR_SIGN }, { 0x2022, '*', CHAR_SIGN }, { 0x2026, '.', CHAR_SIGN },
	{ 0x2032, '\'', CHAR_SIGN }, { 0x2102, 'C', CHAR_STYLED }, { 0x210a, 'g', CHAR_STYLED }, { 0x210b, 'H', CHAR_STYLED },
	{ 0x210c, 'H', CHAR_STYLED }, { 0x210d, 'H', CHAR_STYLED }, { 0x210e, 'h', CHAR_STYLED }, { 0x2110, 'I', CHAR_STYLED },
	{ 0x2111, 'I', CHAR_STYLED }, { 0x2112, 'L', CHAR_STYLED }, { 0x2113, 'l', CHAR_STYLED }, { 0x2115, 'N', CHAR_STYLED },
	{ 0x2119, 'P', CHAR_STYLED }, { 0x211a, 'Q', CHAR_STYLED }, { 0x211b, 'R', CHAR_STYLED }, { 0x211c, 'R', CHAR_STYLED },
	{ 0x211d, 'R', CHAR_STYLED }, { 0x2124, 'Z', CHAR_STYLED }, { 0x2128, 'Z', CHAR_STYLED }, { 0x212c, 'B', CHAR_STYLED },
	{ 0x212d, 'C', CHAR_STYLED }, { 0x212f, 'e', CHAR_STYLED }, { 0x2130, 'E', CHAR_STYLED }, { 0x2131, 'F', CHAR_STYLED },
	{ 0x2133, 'M', CHAR_STYLED }, { 0x2134, 'o', CHAR_STYLED }, { 0x2139, 'i', CHAR_STYLED }, { 0x2170, 'i', CHAR_STYLED },
	{ 0x2174, 'v', CHAR_STYLED }, { 0x2179, 'x', CHAR_STYLED }, { 0x217c, 'l', CHAR_STYLED }, { 0x217d, 'c', CHAR_STYLED },
	{ 0x217e, 'd', CHAR_STYLED }, { 0x217f, 'm', CHAR_STYLED }, { 0x2212, '-', CHAR_SIGN },
	{ 0xa730, 'f', CHAR_STYLED }, { 0xa731, 's', CHAR_STYLED },
	/* clang-format on */
};

/* Alphabets that follow ours letter by letter. */
static const struct alphabet {
	uint32_t from, to;
	char first;
	unsigned char every; /* so many letters, then it begins anew; capitals come first when it is 52 */
} alphabets[] = {
	{ 0x249c, 0x24b5, 'a', 26 },   { 0x24b6, 0x24e9, 'A', 52 },   { 0xff21, 0xff3a, 'A', 26 },
	{ 0xff41, 0xff5a, 'a', 26 },   { 0x1d400, 0x1d6a3, 'A', 52 }, { 0x1d7ce, 0x1d7ff, '0', 10 },
	{ 0x1f130, 0x1f149, 'A', 26 }, { 0x1f150, 0x1f169, 'A', 26 }, { 0x1f170, 0x1f189, 'A', 26 },
};

static const struct range {
	uint32_t from, to;
	enum char_kind kind;
} ranges[] = {
	{ 0x0300, 0x0333, CHAR_MARK },      { 0x0334, 0x0338, CHAR_OVERLAY },   { 0x0339, 0x034e, CHAR_MARK },
	{ 0x034f, 0x034f, CHAR_INVISIBLE }, { 0x0350, 0x036f, CHAR_MARK },      { 0x061c, 0x061c, CHAR_INVISIBLE },
	{ 0x115f, 0x1160, CHAR_INVISIBLE }, { 0x17b4, 0x17b5, CHAR_INVISIBLE }, { 0x180b, 0x180f, CHAR_INVISIBLE },
	{ 0x1ab0, 0x1aff, CHAR_MARK },      { 0x1dc0, 0x1dff, CHAR_MARK },      { 0x200b, 0x200f, CHAR_INVISIBLE },
	{ 0x202a, 0x202c, CHAR_INVISIBLE }, { 0x202d, 0x202e, CHAR_TURN },      { 0x2060, 0x206f, CHAR_INVISIBLE },
	{ 0x20d0, 0x20ff, CHAR_OVERLAY },   { 0x2000, 0x2e7f, CHAR_SIGN },      { 0x3000, 0x3004, CHAR_SIGN },
	{ 0x3164, 0x3164, CHAR_INVISIBLE }, { 0xfe00, 0xfe0f, CHAR_INVISIBLE }, { 0xfe20, 0xfe2f, CHAR_MARK },
	{ 0xfeff, 0xfeff, CHAR_INVISIBLE }, { 0xffa0, 0xffa0, CHAR_INVISIBLE }, { 0xe0000, 0xe0fff, CHAR_INVISIBLE },
	{ 0x10000, 0x10ffff, CHAR_SIGN },
};

static const struct twin *twin_find(uint32_t c)
{
	size_t lo = 0, hi = sizeof twins / sizeof twins[0];
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (twins[mid].c < c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < sizeof twins / sizeof twins[0] && twins[lo].c == c ? &twins[lo] : NULL;
}

enum char_kind gate_char_kind(uint32_t c, char *to)
{
	*to = ' ';
	if (c == 0xad)
		return CHAR_HYPHEN;
	if (c < 0xc0) /* Latin-1 signs and the hard space; degrees and micrometers stand in words */
		return c == 0xb0 || c == 0xb5 ? CHAR_LETTER : CHAR_SIGN;
	if (c < 0x180) {
		if (c == 0xdf)
			return CHAR_SHARP_S;
		*to = base[c - 0xc0];
		return *to == '.' ? CHAR_LETTER : CHAR_ACCENTED;
	}
	if (c <= 0xffff) {
		const struct twin *t = twin_find(c);
		if (t != NULL) {
			*to = t->to;
			return (enum char_kind)t->kind;
		}
	}
	for (size_t i = 0; i < sizeof alphabets / sizeof alphabets[0]; i++)
		if (c >= alphabets[i].from && c <= alphabets[i].to) {
			unsigned k = (c - alphabets[i].from) % alphabets[i].every;
			*to = k < 26 ? (char)(alphabets[i].first + (char)k) : (char)('a' + (char)(k - 26));
			return CHAR_STYLED;
		}
	if (c >= 0xff01 && c <= 0xff5e) { /* fullwidth digits and signs */
		*to = (char)(c - 0xfee0);
		return CHAR_SIGN;
	}
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return ranges[i].kind;
	return CHAR_LETTER;
}
