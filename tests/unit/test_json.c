/* rooms: base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FFFD     "\xef\xbf\xbd"

static void test_quote(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *out;
	} rows[] = {
		{ "", 0, "\"\"" },
		{ "plain", 5, "\"plain\"" },
		{ "a\"b\\c/", 6, "\"a\\\"b\\\\c/\"" },
		{ "\b\f\n\r\t\v\x1f\x7f", 8, "\"\\b\\f\\n\\r\\t\\u000b\\u001f\\u007f\"" },
		{ "a\0b", 3, "\"a\\u0000b\"" },
		{ "Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80", 13, "\"Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80\"" },
		{ "\xff", 1, "\"" FFFD "\"" },
		{ "a\x80z", 3, "\"a" FFFD "z\"" },
		{ "\xc0\xaf", 2, "\"" FFFD FFFD "\"" },                   /* overlong */
		{ "\xed\xa0\x80", 3, "\"" FFFD FFFD FFFD "\"" },          /* a surrogate */
		{ "\xf4\x90\x80\x80", 4, "\"" FFFD FFFD FFFD FFFD "\"" }, /* above U+10FFFF */
		{ "\xe2\x82", 2, "\"" FFFD "\"" },                        /* cut */
		{ "\xe2\x82z", 3, "\"" FFFD "z\"" },
		{ "\xe0\x80\x80", 3, "\"" FFFD FFFD FFFD "\"" },
		{ "\xf0\x9f\x98\"", 4, "\"" FFFD "\\\"\"" },
		{ "\xe2\x82\xac", 2, "\"" FFFD "\"" }, /* n ends it, not the NUL */
	};
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		json_quote(&b, rows[i].in, rows[i].n);
		assert_string_equal(buf_text(&b), rows[i].out);
	}
	buf_free(&b);
}

/* Whatever the bytes are, another reader takes the line. */
static void test_any_bytes(void **state)
{
	struct buf b = { 0 };
	unsigned char bytes[24];

	(void)state;
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		json_t *j;

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (unsigned char)(random() % 3 ? 0x80 + random() % 0x80 : random() % 256);
		buf_clear(&b);
		buf_char(&b, '[');
		json_quote(&b, (const char *)bytes, (size_t)random() % (sizeof(bytes) + 1));
		buf_char(&b, ']');
		j = json_loadb(b.data, b.len, JSON_ALLOW_NUL, NULL);
		assert_non_null(j);
		json_decref(j);
	}
	buf_free(&b);
}

static void test_members(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_char(&b, '{');
	json_add_str(&b, "none", NULL);
	json_add_time(&b, "never", 0);
	json_add_raw(&b, "nothing", NULL);
	json_add_str(&b, "s", "x{");
	json_add_int(&b, "least", INT64_MIN);
	json_add_double(&b, "half", 0.5);
	json_add_double(&b, "third", 1.0 / 3);
	json_add_double(&b, "tenth", 0.1);
	json_add_double(&b, "nan", NAN);
	json_add_bool(&b, "yes", true);
	json_add_bool(&b, "no", false);
	json_add_time(&b, "t", INT64_C(1795512600123));
	json_add_raw(&b, "list", "[1]");
	buf_char(&b, '}');
	assert_string_equal(buf_text(&b),
			    "{\"s\":\"x{\",\"least\":-9223372036854775808,\"half\":0.5,\"third\":0.33333333333333331,"
			    "\"tenth\":0.1,\"nan\":null,\"yes\":true,\"no\":false,\"t\":\"2026-11-24T09:30:00.123Z\","
			    "\"list\":[1]}");
	buf_clear(&b);
	json_add_int(&b, "n", 1);
	json_add_int(&b, "m", 2);
	assert_string_equal(buf_text(&b), "\"n\":1,\"m\":2");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
