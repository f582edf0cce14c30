/* When two letters count as the same content: equal but for white space and case. */
#include <endian.h>
#include <string.h>

#include "abv/token.h"
#include "render_int.h"

/* Simple case folding of the scripts whose upper case lies at a fixed distance; others are compared as they are. */
static const struct fold {
	uint32_t from, to, step; /* step 1: pairs, the even one is upper case */
} fold[] = {
	{ 'A', 'Z', 32 },     { 0xc0, 0xd6, 32 },   { 0xd8, 0xde, 32 },   { 0x100, 0x12f, 1 },
	{ 0x391, 0x3a1, 32 }, { 0x3a3, 0x3ab, 32 }, { 0x400, 0x40f, 80 }, { 0x410, 0x42f, 32 },
};

static uint32_t case_fold(uint32_t c)
{
	if (c < 'A' || (c > 'Z' && c < 0x80))
		return c;
	for (size_t i = 0; i < sizeof fold / sizeof fold[0] && c >= fold[i].from; i++)
		if (c <= fold[i].to)
			return fold[i].step == 1 ? c | 1 : c + fold[i].step;
	return c;
}

/* The one character at *at; white space is a gap, what is not seen is passed over. */
static void other_add(struct buf *b, const char *text, size_t n, size_t *at, bool *gap)
{
	uint32_t c = render_utf8_next(text, n, at);
	enum value_char k = c == UTF8_BAD ? VALUE_CHAR_DROP : c == 0xa0 ? VALUE_CHAR_SPACE : render_value_char(c);

	if (k == VALUE_CHAR_SPACE)
		*gap = true;
	if (k != VALUE_CHAR_KEEP)
		return;
	if (*gap && b->len > 0)
		b->data[b->len++] = ' ';
	*gap = false;
	render_utf8_add(b, case_fold(c));
}

#define BLOCK 16
typedef unsigned char block __attribute__((vector_size(BLOCK)));

static block block_read(const char *s)
{
	block b;

	memcpy(&b, s, sizeof b);
	return b;
}

/* How many bytes from s on are visible ASCII with single spaces between, which is what letters are made of. They are written to w, folded,
 * and up to BLOCK bytes of rubbish behind them. s[0] is visible. */
static size_t words_copy(char *w, const char *s, size_t n)
{
	size_t at = 1;

	w[0] = (char)case_fold((unsigned char)s[0]);
	while (n - at >= BLOCK) {
		block b = block_read(s + at);
		block gap = (block)(b == ' ') & (block)(block_read(s + at - 1) == ' ');
		block other = (block)((b - ' ') > '~' - ' ') | gap;
		uint64_t half[2];

		b += (block)((b - 'A') <= 'Z' - 'A') & ('a' - 'A');
		memcpy(w + at, &b, sizeof b);
		memcpy(half, &other, sizeof half);
		if (half[0] != 0)
			return at + (size_t)__builtin_ctzll(le64toh(half[0])) / 8;
		if (half[1] != 0)
			return at + 8 + (size_t)__builtin_ctzll(le64toh(half[1])) / 8;
		at += BLOCK;
	}
	for (; at < n && s[at] >= ' ' && s[at] <= '~' && (s[at] != ' ' || s[at - 1] != ' '); at++)
		w[at] = (char)case_fold((unsigned char)s[at]);
	return at;
}

void render_content_digest(const char *text, size_t n, char *out)
{
	struct buf b = { 0 };
	bool gap = false;

	buf_reserve(&b, n + 1 + BLOCK); /* folding lengthens nothing: what is ASCII is written in place */
	for (size_t at = 0; at < n;) {
		if (text[at] <= ' ' || text[at] > '~') {
			other_add(&b, text, n, &at, &gap);
			continue;
		}
		if (gap && b.len > 0)
			b.data[b.len++] = ' ';
		size_t run = words_copy(b.data + b.len, text + at, n - at);
		at += run;
		gap = text[at - 1] == ' ';
		b.len += run - gap;
	}
	digest_hex(b.data, b.len, out);
	buf_free(&b);
}
