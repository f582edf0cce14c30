/* rooms: base model rules */
/* Any bytes as text and as HTML: the own text ends, holds no control characters and no blank lines around, and is never longer than
 * what came, entities and list marks apart; taken again it does not grow. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abv/reply_text.h"

#define MUST(x)                                                                                                        \
	do {                                                                                                           \
		if (!(x))                                                                                              \
			abort();                                                                                       \
	} while (0)

static void check(const struct buf *out)
{
	const char *s = buf_text(out);
	MUST(strlen(s) == out->len);
	for (size_t i = 0; i < out->len; i++)
		MUST((unsigned char)s[i] >= 0x20 || s[i] == '\n' || s[i] == '\t');
	MUST(out->len == 0 || (s[0] != '\n' && s[out->len - 1] != '\n'));
	MUST(strstr(s, "\n\n\n") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf plain = { .data = NULL }, html = { .data = NULL }, again = { .data = NULL };
	char *text = malloc(size > 0 ? size : 1); /* exactly as long: a byte too far is seen */
	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	reply_text_plain(text, size, &plain);
	check(&plain);
	MUST(plain.len <= size);
	reply_text_plain(buf_text(&plain), plain.len, &again);
	check(&again);
	MUST(again.len <= plain.len);
	reply_text_html(text, size, &html);
	check(&html);
	reply_text_unsubscribes(text, size);
	buf_free(&plain);
	buf_free(&html);
	buf_free(&again);
	free(text);
	return 0;
}
