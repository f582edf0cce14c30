/* rooms: base */
/* A contacts file becomes batches: which rows, in which lines, what is refused and why; the same for any size of its
 * pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <time.h>

#include "../../src/ctl/csv.c"
#include "../../src/ctl/csv_header.c"
#include "../../src/ctl/csv_text.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BOM      "\xef\xbb\xbf"

/* What came out, as text: a row a line, "LINE name=value ..." or "LINE ! error", batches parted by "--". */
struct told {
	struct buf text;
	size_t batches, biggest_rows, biggest_json;
	int stop_at; /* the batch that the sink refuses; 0 none */
};

static void tell_row(struct buf *b, const json_t *row)
{
	const char *name;
	json_t *value;

	buf_printf(b, "%d", (int)json_integer_value(json_object_get(row, "line")));
	json_object_foreach ((json_t *)(uintptr_t)row, name, value)
		if (json_is_string(value))
			buf_printf(b, " %s=%s", name, json_string_value(value));
	buf_char(b, '\n');
}

static int take(void *arg, struct csv_batch *b)
{
	struct told *t = arg;
	json_t *all = json_loadb(buf_text(&b->json), b->json.len, JSON_REJECT_DUPLICATES, NULL), *row;
	const json_t *rows = json_object_get(all, "rows");
	size_t k = 0;

	assert_non_null(all);
	assert_int_equal(json_array_size(rows), b->good);
	for (size_t i = 0; i < b->n; i++) {
		if (b->row[i].error) {
			buf_printf(&t->text, "%ld ! %s\n", b->row[i].line, b->row[i].error);
			continue;
		}
		row = json_array_get(rows, k++);
		assert_int_equal(json_integer_value(json_object_get(row, "line")), b->row[i].line);
		tell_row(&t->text, row);
	}
	assert_int_equal(k, b->good);
	json_decref(all);
	t->batches++;
	t->biggest_rows = b->n > t->biggest_rows ? b->n : t->biggest_rows;
	t->biggest_json = b->json.len > t->biggest_json ? b->json.len : t->biggest_json;
	return t->stop_at && t->batches == (size_t)t->stop_at ? -1 : 0;
}

static int read_text(struct told *t, const char *text, size_t n, size_t piece_size, struct err *e)
{
	struct csv_reader *r = csv_open(take, t);
	int rc = 0;

	for (size_t at = 0; at < n && rc == 0; at += piece_size) {
		size_t most = n - at < piece_size ? n - at : piece_size;
		char *copy = mem_alloc(most); /* so that a sanitizer sees a read behind the piece */

		memcpy(copy, text + at, most);
		rc = csv_feed(r, copy, most, e);
		free(copy);
	}
	if (rc == 0)
		rc = csv_end(r, e);
	csv_close(&r);
	return rc;
}

#define TEXT(s) s, sizeof(s) - 1

static void test_rows(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *told; /* rows, or the error that ends it all */
	} rows[] = {
		{ TEXT("email,first_name\na@x.example,Ann\nb@x.example,Ben\n"),
		  "2 email=a@x.example first_name=Ann\n3 email=b@x.example first_name=Ben\n" },
		{ TEXT("email\r\na@x.example\r\nb@x.example\r\n"), "2 email=a@x.example\n3 email=b@x.example\n" },
		{ TEXT("email\ra@x.example\rb@x.example\r"), "2 email=a@x.example\n3 email=b@x.example\n" },
		{ TEXT(BOM "email\na@x.example"), "2 email=a@x.example\n" },
		{ TEXT("\"email\",note\n\"a@x.example\",\"said \"\"no\"\", then yes\"\n"),
		  "2 email=a@x.example note=said \"no\", then yes\n" },
		/* A quoted newline makes a row longer than a line; the next row's number counts lines, not rows. */
		{ TEXT("email,note\na@x.example,\"one\ntwo\r\nthree\"\nb@x.example,x\n"),
		  "2 email=a@x.example note=one\ntwo\r\nthree\n5 email=b@x.example note=x\n" },
		{ TEXT("\n\r\nemail\n\n\na@x.example\n\n"), "6 email=a@x.example\n" },
		{ TEXT("email,a b\n x@y.example , spaces stay \n"), "2 email= x@y.example  a b= spaces stay \n" },
		{ TEXT(" Email ,FIRST_NAME,Team Size\na@x.example,A,3\n"),
		  "2 email=a@x.example first_name=A Team Size=3\n" },
		{ TEXT("email,n\na@x.example\nb@x.example,1,2\nc@x.example,\n,\n"),
		  "2 ! the row has 1 column, the header 2\n3 ! the row has 3 columns, the header 2\n"
		  "4 email=c@x.example n=\n" },
		{ TEXT("email,n\na@x.example,\xff\nb@x.example,\xc3\xa9\nc@x.example,\xed\xa0\x80\nd@x.example,"
		       "\xf0\x9f\x98\x80\n"),
		  "2 ! the row is no UTF-8\n3 email=b@x.example n=\xc3\xa9\n4 ! the row is no UTF-8\n"
		  "5 email=d@x.example n=\xf0\x9f\x98\x80\n" },
		{ TEXT("email\na\0b@x.example\nb@x.example\n"), "2 ! the row holds a NUL byte\n3 email=b@x.example\n" },
		/* A wrong quote costs its own line only. */
		{ TEXT("email,n\na@x.example,\"open\nb@x.example,1\nc@x.example,\"open"),
		  "2 ! a quoted field is not closed\n3 email=b@x.example n=1\n4 ! a quoted field is not closed\n" },
		{ TEXT("email,n\r\na@x.example,\"open\r\nb@x.example,1\r\n"),
		  "2 ! a quoted field is not closed\n3 email=b@x.example n=1\n" },
		{ TEXT("email,n\na@x.example,\"open\nb@x.example,\"1, 2\"\nc@x.example,3\n"),
		  "2 ! a quoted field goes on behind its closing quote\n3 email=b@x.example n=1, 2\n4 "
		  "email=c@x.example n=3\n" },
		{ TEXT("email,n\na@x.example,5\" disk\nb@x.example,\"x\"y\nc@x.example,1\n"),
		  "2 email=a@x.example n=5\" disk\n3 ! a quoted field goes on behind its closing quote\n4 "
		  "email=c@x.example n=1\n" },
		{ TEXT("email,n\na@x.example,\"x\"y\"\nb@x.example,1\n"),
		  "2 ! a quoted field goes on behind its closing quote\n3 email=b@x.example n=1\n" },
		{ TEXT("email,n\na@x.example,\"one\ntwo\",3\nb@x.example,1\n"),
		  "2 ! the row has 3 columns, the header 2\n3 email=two\" n=3\n4 email=b@x.example n=1\n" },
		{ TEXT("email"), "" },
		{ TEXT(""), "E1: the file is empty: a header row is required" },
		{ TEXT("\n\n"), "E1: the file is empty: a header row is required" },
		{ TEXT(BOM), "E1: the file is empty: a header row is required" },
		{ TEXT("name\nx\n"), "E1: the header row has no column 'email', only 'name'" },
		{ TEXT("Name,E-Mail,,\nx\n"), "E1: the header row has no column 'email', only 'Name', 'E-Mail'" },
		{ TEXT("email,,x\n"), "E1: column 2 of the header has no name" },
		/* spreadsheets: other separators, empty columns behind the last one, empty rows */
		{ TEXT("email;first_name;note\na@x.example;Ann;one, two\n"),
		  "E1: the columns are parted by ';': save with commas" },
		{ TEXT("sep=;\nemail;n\n"), "E1: the columns are parted by ';': save with commas" },
		{ TEXT("email\tn\na@x.example\tAnn\n"), "E1: the columns are parted by tabs: save with commas" },
		{ TEXT("email,n;m\na@x.example,1\n"), "2 email=a@x.example n;m=1\n" },
		{ TEXT("email,n,,\na@x.example,1,,\nb@x.example,2\nc@x.example,3,,x\nd@x.example,4,,,\n"),
		  "2 email=a@x.example n=1\n3 email=b@x.example n=2\n"
		  "4 ! column 4 holds a value, and has no name in the header\n5 ! the row has 5 columns, the header "
		  "4\n" },
		{ TEXT(",,\n\"\",\nemail,n,\r\n,,\r\na@x.example,1,\r\n,\r\n\"\",\"\",\r\n,,,,,\r\nb@x.example,2,\r\n,"
		       ","),
		  "5 email=a@x.example n=1\n9 email=b@x.example n=2\n" },
		{ TEXT("email,x,y,X\n"), "E1: the header names a column twice: 'X'" },
		{ TEXT("email,Email\n"), "E1: the header names a column twice: 'email'" },
		{ TEXT("email,line\n"), "E1: a column may not have the reserved name 'line'" },
		{ TEXT("email,n\xff\n"), "E1: the file is no UTF-8 text" },
		{ TEXT("\xff\xfe"
		       "e\0m\0"),
		  "E1: the file is UTF-16; save it as UTF-8" },
		{ TEXT("\n\n\"email,x\n"), "E3: a quoted field of the header is not closed" },
		/* an empty field with a wrong quote is no empty row */
		{ TEXT("email,n\n\"\"x,\nb@x.example,1\n"),
		  "2 ! a quoted field goes on behind its closing quote\n3 email=b@x.example n=1\n" },
		{ TEXT("\"email;x\n"), "E1: a quoted field of the header is not closed" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t size = 1; size <= rows[i].n + 1; size++) {
			struct told t = { 0 };
			struct err e = { "" };
			int rc = read_text(&t, rows[i].text, rows[i].n, size, &e);

			if (*rows[i].told == 'E') {
				assert_int_equal(rc, -1);
				assert_string_equal(e.text, rows[i].told + 1);
			} else {
				assert_int_equal(rc, 0);
				assert_string_equal(buf_text(&t.text), rows[i].told);
			}
			buf_free(&t.text);
		}
	}
}

static void test_misspelt(void **state)
{
	static const struct {
		const char *header, *told;
	} rows[] = {
		{ "email,firstname,consent_date,Last Name\n",
		  "firstname: first_name, consent_date: consent_at, Last Name: last_name, " },
		{ "email,email2,first_name,firstname\n", "" }, /* there beside the one it looks like */
		{ "email,tag,size,industry,employees,note,Titel,acount\n", "Titel: title, acount: account, " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct told t = { 0 };
		struct buf b = { 0 };
		struct err e = { "" };
		struct csv_reader *r = csv_open(take, &t);
		const char *name, *near;

		assert_int_equal(csv_feed(r, rows[i].header, strlen(rows[i].header), &e), 0);
		assert_int_equal(csv_end(r, &e), 0);
		for (size_t at = 0; (name = csv_misspelt(r, &at, &near)) != NULL;)
			buf_printf(&b, "%s: %s, ", name, near);
		assert_string_equal(buf_text(&b), rows[i].told);
		assert_int_equal(csv_header_line(r), 1);
		csv_close(&r);
		buf_free(&b);
		buf_free(&t.text);
	}
}

/* Not more than a transaction should take, whatever the rows are like. */
static void test_batches(void **state)
{
	static const struct {
		size_t rows, width; /* of the second column */
		size_t batches;
	} rows[] = {
		{ 1, 1, 1 }, { 1000, 1, 1 }, { 1001, 1, 2 }, { 2500, 10, 3 }, { 100, 60000, 7 }, { 30, 120000, 4 }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct told t = { 0 };
		struct buf text = { 0 };
		struct err e = { "" };

		buf_str(&text, "email,note\n");
		for (size_t k = 0; k < rows[i].rows; k++) {
			buf_printf(&text, "p%zu@x.example,", k);
			for (size_t w = 0; w < rows[i].width; w++)
				buf_char(&text, 'x');
			buf_char(&text, '\n');
		}
		assert_int_equal(read_text(&t, text.data, text.len, 65536, &e), 0);
		assert_int_equal(t.batches, rows[i].batches);
		assert_true(t.biggest_rows <= CSV_BATCH_ROWS && t.biggest_json < (size_t)4 << 20);
		buf_free(&text);
		buf_free(&t.text);
	}
}

/* A quote that is never closed costs its line, not the rest of the file; a line without end costs no memory. */
static void test_endless_quote(void **state)
{
	static const size_t sizes[] = { 1000, 4096, 1000000 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct told t = { 0 };
		struct buf text = { 0 };
		struct err e = { "" };

		buf_str(&text, "email,note\na@x.example,\"open\n");
		for (int k = 0; k < 20000; k++)
			buf_printf(&text, "p%d@x.example,note\n", k);
		assert_int_equal(read_text(&t, text.data, text.len, sizes[i], &e), 0);
		assert_int_equal(
		    strncmp(buf_text(&t.text), "2 ! a quoted field is not closed\n3 email=p0@x.example", 52), 0);
		assert_non_null(strstr(buf_text(&t.text), "email=p19999@x.example"));
		buf_clear(&text);
		buf_clear(&t.text);
		buf_str(&text, "email\n");
		for (int k = 0; k < 300000; k++)
			buf_char(&text, 'x');
		buf_str(&text, "\nb@x.example\n");
		assert_int_equal(read_text(&t, text.data, text.len, sizes[i], &e), 0);
		assert_string_equal(buf_text(&t.text), "2 ! the row is longer than 128 KiB\n3 email=b@x.example\n");
		buf_free(&text);
		buf_free(&t.text);
	}
}

/* The bytes of bad rows are kept, with what ends them, and the header without its BOM. */
static int keep(void *arg, struct csv_batch *b)
{
	csv_row_refuse(b, 3, "no address");
	csv_row_refuse(b, 4, "told already: the first error stays");
	csv_row_refuse(b, 99, "no such line");
	for (size_t i = 0; i < b->n; i++)
		if (b->row[i].error)
			buf_printf(arg, "[%ld-%ld %s|%.*s]", b->row[i].line, b->row[i].last, b->row[i].error,
				   (int)b->row[i].raw_len, b->raw.data + b->row[i].raw);
	return 0;
}

static void test_raw(void **state)
{
	static const char text[] = BOM "email,n\na@x.example,1\n\"b\",\"x\ny\"\nonly one\r\n\n";
	struct buf told = { 0 };
	struct csv_reader *r;
	struct err e = { "" };
	size_t n;

	(void)state;
	r = csv_open(keep, &told);
	assert_null(csv_header(r, &n));
	assert_int_equal(csv_feed(r, text, sizeof text - 1, &e), 0);
	assert_int_equal(csv_end(r, &e), 0);
	assert_string_equal(csv_header(r, &n), "email,n\n");
	assert_int_equal(n, 8);
	csv_close(&r);
	assert_null(r);
	/* Line 4 is the second of the row that begins in 3. */
	assert_string_equal(buf_text(&told),
			    "[3-4 no address|\"b\",\"x\ny\"\n][5-5 the row has 1 column, the header 2|only one\r]");
	buf_free(&told);
}

static void test_sink_stops(void **state)
{
	struct told t = { .stop_at = 2 };
	struct buf text = { 0 };
	struct err e = { "" };

	(void)state;
	buf_str(&text, "email\n");
	for (int i = 0; i < 5000; i++)
		buf_printf(&text, "p%d@x.example\n", i);
	assert_int_equal(read_text(&t, text.data, text.len, 4096, &e), -1);
	assert_int_equal(t.batches, 2);
	assert_string_equal(e.text, "");
	buf_free(&text);
	buf_free(&t.text);
}

/* Each line is read about twice, not once for each line in front of it. */
static void test_wrong_quotes_everywhere(void **state)
{
	static const char *const field[] = { "\"Bob\" Smith", "\"open", "\"a\" \"b" };
	struct timespec a, b;

	(void)state;
	for (size_t i = 0; i < COUNT(field); i++) {
		struct told t = { 0 };
		struct buf text = { 0 };
		struct err e = { "" };

		buf_str(&text, "email,note,n\n");
		for (int k = 0; k < 20000; k++)
			buf_printf(&text, "p%d@x.example,%s,1\n", k, field[i]);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
		assert_int_equal(read_text(&t, text.data, text.len, 65536, &e), 0);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
		assert_true(b.tv_sec - a.tv_sec < 5);
		assert_int_equal(strncmp(buf_text(&t.text), "2 ! a quoted field ", 19), 0);
		assert_non_null(strstr(buf_text(&t.text), "\n20001 ! a quoted field "));
		buf_free(&text);
		buf_free(&t.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_misspelt),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_endless_quote),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_sink_stops),
		cmocka_unit_test(test_wrong_quotes_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
