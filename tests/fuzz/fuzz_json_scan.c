/* rooms: base */
/* Any bytes, read by tokens and by jansson: both take the same texts for the same, and a value ends where jansson says. What
 * is written for a text is read as that text. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/mem.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_written(const char *text, size_t n, bool control)
{
	struct buf b = { 0 };
	struct json_scan s;
	char *again;
	size_t m;

	json_quote(&b, text, n);
	s = (struct json_scan){ .at = b.data, .end = b.data + b.len, .room = mem_alloc(b.len) };
	must(json_scan_text(&s, &again, &m) && m == n && !memcmp(again, text, n) && s.control == control && s.at == s.end);
	free(again);
	buf_free(&b);
}

/* The bytes as one value. */
static void check_value(const char *body, size_t n)
{
	json_t *tree = json_loadb(body, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	char *room = mem_alloc(n + 1), *text = NULL;
	struct json_scan s = { .at = body, .end = body + n, .room = room };
	const char *from;
	bool control = false;
	size_t len = 0, skipped;

	if (json_scan_text(&s, &text, &len)) {
		bool whole = !json_scan_next(&s) && s.at == s.end;

		must(whole == json_is_string(tree));
		must(!whole || (len == json_string_length(tree) && !memcmp(text, json_string_value(tree), len + 1)));
		for (size_t i = 0; i < len; i++)
			control |= (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
		must(s.control == control && s.room == room + len + 1);
		check_written(text, len, control);
	} else {
		must(!json_is_string(tree));
	}
	s = (struct json_scan){ .at = body, .end = body + n };
	json_scan_skip(&s, &from, &skipped);
	must(from >= body && from + skipped == s.at && s.at <= s.end);
	if (tree) {
		json_t *again = json_loadb(from, skipped, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

		must(json_equal(tree, again) && !json_scan_next(&s) && s.at == s.end);
		json_decref(again);
	}
	json_decref(tree);
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body = mem_alloc(size ? size : 1), *quoted = mem_alloc(size + 2);

	if (size)
		memcpy(body, data, size); /* as long as it is: nothing readable behind */
	check_value(body, size);
	quoted[0] = quoted[size + 1] = '"';
	if (size)
		memcpy(quoted + 1, data, size);
	check_value(quoted, size + 2);
	free(body);
	free(quoted);
	return 0;
}
