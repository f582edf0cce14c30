/* rooms: base */
/* Buffers, memory, errors, findings and the service's own log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/buf.h"
#include "abv/err.h"
#include "abv/log.h"
#include "abv/mem.h"
#include "abv/problem.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_buf(void **state)
{
	struct buf b = { 0 };
	char *taken;

	(void)state;
	assert_string_equal(buf_text(&b), "");
	buf_add(&b, "", 0);
	assert_non_null(b.data);
	buf_str(&b, "one ");
	buf_char(&b, '2');
	buf_printf(&b, " %s %0200d", "three", 4);
	assert_int_equal(b.len, 4 + 1 + 7 + 200);
	assert_int_equal(strlen(buf_text(&b)), b.len);
	buf_consume(&b, 4);
	assert_memory_equal(b.data, "2 three 000", 11);
	assert_int_equal(strlen(b.data), b.len);
	buf_consume(&b, 100000);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_text(&b), "");
	for (int i = 0; i < 5000; i++)
		buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 15000);
	assert_memory_equal(b.data + 14997, "a\0b", 4);
	buf_clear(&b);
	assert_string_equal(buf_text(&b), "");
	assert_true(b.cap >= 15000);
	buf_str(&b, "mine");
	taken = buf_take(&b);
	assert_string_equal(taken, "mine");
	assert_null(b.data);
	free(taken);
	taken = buf_take(&b);
	assert_string_equal(taken, "");
	free(taken);
	buf_free(&b);
	buf_free(&b);
}

static void test_read_file(void **state)
{
	static const struct {
		size_t size, max;
		int error;
	} rows[] = { { 0, 0, 0 },       { 1, 0, EFBIG },       { 10, 10, 0 },
		     { 11, 10, EFBIG }, { 100000, 100000, 0 }, { 100001, 100000, EFBIG } };
	char path[] = "/tmp/abv-test-XXXXXX", fill[1000];
	struct buf b = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	memset(fill, 'x', sizeof(fill));
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		for (size_t left = rows[i].size, n; left; left -= n) {
			n = left < sizeof(fill) ? left : sizeof(fill);
			assert_int_equal(write(fd, fill, n), n);
		}
		buf_clear(&b);
		buf_str(&b, "before");
		errno = 0;
		assert_int_equal(buf_read_file(&b, path, rows[i].max), rows[i].error ? -1 : 0);
		if (rows[i].error)
			assert_int_equal(errno, rows[i].error);
		assert_int_equal(b.len, 6 + (rows[i].error ? 0 : rows[i].size));
		assert_int_equal(strlen(b.data), b.len);
	}
	close(fd);
	unlink(path);
	assert_int_equal(buf_read_file(&b, path, 10), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(buf_read_file(&b, "/tmp", 10), -1);
	assert_int_equal(errno, EISDIR);
	buf_free(&b);
}

static void test_mem(void **state)
{
	char *s = mem_printf("%d-%s", 7, "seven");
	int *p = mem_array(4, sizeof(*p));

	(void)state;
	assert_string_equal(s, "7-seven");
	free(s);
	assert_null(mem_strdup(NULL));
	s = mem_strndup("abcdef", 3);
	assert_string_equal(s, "abc");
	free(s);
	for (int i = 0; i < 4; i++)
		assert_int_equal(p[i], 0);
	p = mem_grow(p, 1000, sizeof(*p));
	p[999] = 1;
	free(p);
	free(mem_grow(NULL, 0, 8));
	free(mem_alloc(0));
}

static void test_err(void **state)
{
	struct err e = { "" };
	char big[2000];

	(void)state;
	assert_int_equal(err_set(NULL, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
	assert_int_equal(err_set(&e, "row %d\r\nof a file", 3), -1);
	assert_string_equal(e.text, "row 3  of a file");
	assert_int_equal(err_wrap(&e, "import of '%s'", "a.csv"), -1);
	assert_string_equal(e.text, "import of 'a.csv': row 3  of a file");
	err_set(&e, "again: %s", e.text);
	assert_string_equal(e.text, "again: import of 'a.csv': row 3  of a file");
	memset(big, 'b', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	err_wrap(&e, "%s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	err_set(&e, "%s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	err_wrap(&e, "first");
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_memory_equal(e.text, "first: bbb", 10);
}

static void test_problems(void **state)
{
	static const struct {
		const char *file;
		int line, column;
		enum severity severity;
		const char *rule, *text, *expected;
	} rows[] = { /* in the order of `expected` once sorted; added backwards but for the equal ones */
		     { "a.conf", 0, 0, SEVERITY_NOTE, "r1", "whole", "a.conf: note: whole [r1]" },
		     { "a.conf", 2, 0, SEVERITY_WARNING, "r2", "line", "a.conf:2: warning: line [r2]" },
		     { "a.conf", 2, 9, SEVERITY_ERROR, "r3", "place", "a.conf:2:9: error: place [r3]" },
		     { "a.conf", 10, 1, SEVERITY_ERROR, "r4", "two\nlines", "a.conf:10:1: error: two lines [r4]" },
		     { "b.conf", 1, 1, SEVERITY_ERROR, "r5", "other", "b.conf:1:1: error: other [r5]" }
	};
	struct problems p = { 0 };
	struct buf b = { 0 };

	(void)state;
	for (size_t i = COUNT(rows); i-- > 0;)
		problems_add(&p, rows[i].severity, rows[i].file, rows[i].line, rows[i].column, rows[i].rule, "%s",
			     rows[i].text);
	for (int i = 0; i < 20; i++)
		problems_add(&p, SEVERITY_NOTE, "z", 1, 1, "same", "%d", i);
	assert_int_equal(p.errors, 3);
	assert_int_equal(p.warnings, 1);
	problems_sort(&p);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		problem_format(&p.row[i], &b);
		assert_string_equal(buf_text(&b), rows[i].expected);
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(atoi(p.row[COUNT(rows) + (size_t)i].message), i);
	problems_add(&p, SEVERITY_ERROR, "after", 0, 0, "sort", "still grows");
	assert_int_equal(p.n, COUNT(rows) + 21);
	problems_free(&p);
	problems_free(&p);
	buf_free(&b);
}

static void say_all(void)
{
	log_error("peer said=%s", "a\r\nb\033[2J");
	log_warning("w");
	log_info("i");
	log_debug("d");
}

/* What log_*() writes to stderr when that is a file, with JOURNAL_STREAM as it would be set under systemd, or
 * another's. */
static void logged(enum log_level most, int journal, struct buf *out)
{
	char path[] = "/tmp/abv-test-XXXXXX", stream[64];
	int fd = mkstemp(path), saved = dup(STDERR_FILENO);
	struct stat st;

	assert_true(fd >= 0 && saved >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + (journal < 0));
	if (journal)
		setenv("JOURNAL_STREAM", stream, 1);
	dup2(fd, STDERR_FILENO);
	log_open(most);
	say_all();
	dup2(saved, STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	buf_clear(out);
	assert_int_equal(buf_read_file(out, path, 4096), 0);
	unlink(path);
	close(fd);
	close(saved);
}

static void test_log(void **state)
{
	struct buf b = { 0 };

	(void)state;
	logged(LOG_LEVEL_DEBUG, 1, &b);
	assert_string_equal(buf_text(&b), "<3>peer said=a  b [2J\n<4>w\n<6>i\n<7>d\n");
	logged(LOG_LEVEL_WARNING, 1, &b);
	assert_string_equal(buf_text(&b), "<3>peer said=a  b [2J\n<4>w\n");
	for (int journal = -1; journal <= 0; journal++) { /* another's stream is as none */
		logged(LOG_LEVEL_ERROR, journal, &b);
		assert_int_equal(b.data[0], '2');
		assert_int_equal(b.data[10], 'T');
		assert_string_equal(strchr(b.data, ' '), " error peer said=a  b [2J\n");
	}
	buf_free(&b);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(severity_name(SEVERITY_ERROR), "error");
	assert_string_equal(severity_name(SEVERITY_WARNING), "warning");
	assert_string_equal(severity_name(SEVERITY_NOTE), "note");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf),   cmocka_unit_test(test_read_file), cmocka_unit_test(test_mem),
		cmocka_unit_test(test_err),   cmocka_unit_test(test_problems),  cmocka_unit_test(test_log),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
