/* rooms: base */
/* Paths and the folders that they lie in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abv/folder.h"
#include "abv/hash.h"

static void test_folder_of(void **state)
{
	static const struct {
		const char *path, *folder;
	} rows[] = {
		{ "abvd.db", "." },
		{ "/abvd.db", "/" },
		{ "/var/lib/abvd/abvd.db", "/var/lib/abvd" },
		{ "here/abvd.db", "here" },
		{ "./abvd.db", "." },
		{ "../abvd.db", ".." },
		{ "/var/lib/abvd/", "/var/lib/abvd" },
		{ "", "." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *folder = folder_of(rows[i].path);

		assert_string_equal(folder, rows[i].folder);
		free(folder);
	}
}

static void test_folder_sync(void **state)
{
	struct err e = { "" };

	(void)state;
	assert_int_equal(folder_sync("/etc/passwd", &e), 0);
	assert_int_equal(folder_sync("passwd", &e), 0);
	assert_int_equal(folder_sync("/no such folder/passwd", &e), -1);
	assert_string_equal(e.text, "/no such folder: No such file or directory");
	assert_int_equal(folder_sync("/etc/passwd/passwd", &e), -1);
	assert_string_equal(e.text, "/etc/passwd: Not a directory");
}

/* The published values: seeds and jitter must be the same in every run and on every machine. */
static void test_hash(void **state)
{
	(void)state;
	assert_true(hash_text(HASH_BEGIN, "") == UINT64_C(0xcbf29ce484222325));
	assert_true(hash_text(HASH_BEGIN, "a") == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(hash_text(HASH_BEGIN, "foobar") == UINT64_C(0x85944171f73967e8));
	assert_true(hash_byte(hash_text(HASH_BEGIN, "fooba"), 'r') == hash_text(HASH_BEGIN, "foobar"));
	assert_true(hash_member(hash_member(HASH_BEGIN, "a"), "bc") != hash_member(hash_member(HASH_BEGIN, "ab"), "c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folder_of),
		cmocka_unit_test(test_folder_sync),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
