/* When two letters count as the same content: equal but for white space and case. */
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

/* What an ASCII byte becomes: folded when visible, ' ' for white space, 0 for what needs a look. */
static const unsigned char *plain_table(void)
{
	static unsigned char table[256];
	if (table['a'] == 0) {
		for (uint32_t c = '!'; c <= '~'; c++)
			table[c] = (unsigned char)case_fold(c);
		table[' '] = table['\n'] = table['\t'] = ' ';
	}
	return table;
}

/* The character at *at that the table does not tell; a gap is told, what is not seen is passed over. */
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

void render_content_digest(const char *text, size_t n, char *out)
{
	const unsigned char *plain = plain_table();
	struct buf b = { 0 };
	bool gap = false;

	buf_reserve(&b, n + 1); /* folding lengthens nothing: what is ASCII is written in place */
	for (size_t at = 0; at < n;) {
		unsigned char c = plain[(unsigned char)text[at]];
		char *w = b.data + b.len;

		if (c == 0) {
			other_add(&b, text, n, &at, &gap);
			continue;
		}
		for (; c != 0; c = ++at < n ? plain[(unsigned char)text[at]] : 0) {
			if (c == ' ') {
				gap = true;
				continue;
			}
			*w = ' ';
			w += gap && w > b.data;
			gap = false;
			*w++ = (char)c;
		}
		b.len = (size_t)(w - b.data);
	}
	digest_hex(b.data, b.len, out);
	buf_free(&b);
}
