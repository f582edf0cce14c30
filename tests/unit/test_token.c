/* rooms: base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <string.h>

#include "abv/token.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const enum token_kind kinds[] = { TOKEN_MESSAGE, TOKEN_BOUNCE, TOKEN_REPLY, TOKEN_UNSUBSCRIBE };

static struct key fixed_key(unsigned char first)
{
	struct key k;

	for (size_t i = 0; i < KEY_BYTES; i++)
		k.byte[i] = (unsigned char)(first + i);
	return k;
}

static void test_round(void **state)
{
	static const int64_t ids[] = { 0, 1, 35, 36, 123456789, INT64_MAX, -1, INT64_MIN };
	static const char *const heads[] = {
		"0-", "1-", "z-", "10-", "21i3v9-", "1y2p0ij32e8e7-", "3w5e11264sgsf-", "1y2p0ij32e8e8-"
	};
	struct key k = fixed_key(0), other = fixed_key(1);
	char t[TOKEN_MAX], upper[TOKEN_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		for (size_t j = 0; j < COUNT(kinds); j++) {
			int64_t id = 77;
			size_t n;

			token_make(&k, kinds[j], ids[i], t);
			n = strlen(t);
			assert_memory_equal(t, heads[i], strlen(heads[i]));
			assert_int_equal(n, strlen(heads[i]) + 16);
			assert_int_equal(strspn(t, "abcdefghijklmnopqrstuvwxyz0123456789-"), n);
			assert_int_equal(token_read(&k, kinds[j], t, n, &id), 0);
			assert_int_equal(id, ids[i]);
			for (size_t c = 0; c <= n; c++)
				upper[c] = (char)toupper((unsigned char)t[c]);
			assert_int_equal(token_read(&k, kinds[j], upper, n, &id), 0);
			assert_int_equal(token_read(&other, kinds[j], t, n, &id), -1);
			assert_int_equal(token_read(&k, kinds[(j + 1) % COUNT(kinds)], t, n, &id), -1);
		}
	}
}

/* The form is kept for years in people's mailboxes: it must not change between releases. */
static void test_known(void **state)
{
	struct key k = fixed_key(0);
	char t[TOKEN_MAX], hex[DIGEST_HEX];

	(void)state;
	token_make(&k, TOKEN_BOUNCE, 123456789, t);
	assert_string_equal(t, "21i3v9-tr6dvcdpetgnvy26");
	digest_hex("abc", 3, hex);
	assert_string_equal(hex, "cf4ab791c62b8d2b2109c90275287816"); /* BLAKE2b-128 */
	digest_keyed_hex(&k, "abc", 3, hex);
	assert_string_equal(hex, "1a64be47e4729d951c302ee543f97cf3");
}

static void test_forged(void **state)
{
	static const char *const rows[] = { "",
					    "-",
					    "1",
					    "1-",
					    "1-aaaaaaaaaaaaaaaa",
					    "1-aaaaaaaaaaaaaaaaa",
					    "-aaaaaaaaaaaaaaaa",
					    "zzzzzzzzzzzzz-aaaaaaaaaaaaaaaa",
					    "zzzzzzzzzzzzzz-aaaaaaaaaaaaaaaa",
					    "1-AAAAAAAAAAAAAAA\xff",
					    "  1-aaaaaaaaaaaaaaaa" };
	struct key k = fixed_key(0);
	char t[TOKEN_MAX], bad[TOKEN_MAX + 8];
	int64_t id = 77;
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(token_read(&k, TOKEN_REPLY, rows[i], strlen(rows[i]), &id), -1);
	token_make(&k, TOKEN_REPLY, 4242, t);
	n = strlen(t);
	for (size_t i = 0; i < n; i++) /* any byte changed, any length cut */
		for (int c = 0; c < 256; c++) {
			memcpy(bad, t, n + 1);
			bad[i] = (char)c;
			if (tolower(c) != t[i])
				assert_int_equal(token_read(&k, TOKEN_REPLY, bad, n, &id), -1);
		}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(token_read(&k, TOKEN_REPLY, t, i, &id), -1);
	bad[0] = '0'; /* another spelling of the same id */
	memcpy(bad + 1, t, n + 1);
	assert_int_equal(token_read(&k, TOKEN_REPLY, bad, n + 1, &id), -1);
	assert_int_equal(id, 77);
}

static void test_keys(void **state)
{
	struct key a, b;
	char x[DIGEST_HEX], y[DIGEST_HEX];

	(void)state;
	key_generate(&a);
	key_generate(&b);
	assert_memory_not_equal(a.byte, b.byte, KEY_BYTES);
	digest_keyed_hex(&a, "x", 1, x);
	digest_keyed_hex(&b, "x", 1, y);
	assert_string_not_equal(x, y);
	digest_hex("x", 1, y);
	assert_string_not_equal(x, y);
	digest_hex("", 0, y);
	assert_int_equal(strlen(y), DIGEST_HEX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
