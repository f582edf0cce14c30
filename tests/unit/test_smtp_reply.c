/* rooms: base model rules net sender */
/* Replies line by line, and lines out of a stream under every split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "abv/buf.h"
#include "abv/sender.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *in;   /* what the server sends */
	const char *told; /* code|status|lines|text, a line each; `bad` or `fault` ends it */
} rows[] = {
	{ "250 ok\r\n", "250||1|ok\n" },
	{ "250 2.1.0 ok\r\n", "250|2.1.0|1|2.1.0 ok\n" },
	{ "250\r\n", "250||1|\n" },
	{ "250 \r\n", "250||1|\n" },
	{ "250 ok\n", "250||1|ok\n" },
	{ "250-one\r\n250-two\r\n250 three\r\n", "250||3|one two three\n" },
	{ "550-5.1.1 no\r\n550 5.1.1 really\r\n", "550|5.1.1|2|5.1.1 no 5.1.1 really\n" },
	{ "550-the mailbox\r\n550 5.1.1 is unknown\r\n", "550|5.1.1|2|the mailbox 5.1.1 is unknown\n" },
	{ "250 ok\r\n354 go\r\n", "250||1|ok\n354||1|go\n" },
	{ "550 5.1.10 null MX\r\n", "550|5.1.10|1|5.1.10 null MX\n" },
	{ "550 5.1.1\r\n", "550|5.1.1|1|5.1.1\n" },
	{ "550 5.1.1.1 x\r\n", "550||1|5.1.1.1 x\n" },
	{ "550 3.1.1 x\r\n", "550||1|3.1.1 x\n" },
	{ "550 a\x01\x1b[31mb\tc\x7f\r\n", "550||1|a[31mbc\n" },
	{ "199 no\r\n", "bad\n" },
	{ "600 no\r\n", "bad\n" },
	{ "25 no\r\n", "bad\n" },
	{ "2500 no\r\n", "bad\n" },
	{ "abc\r\n", "bad\n" },
	{ "\r\n", "bad\n" },
	{ " 250 ok\r\n", "bad\n" },
	{ "250_ok\r\n", "bad\n" },
	{ "250-one\r\n251 two\r\n", "bad\n" },
	{ "250-one\r\ntwo\r\n", "bad\n" },
	{ "250 ok\r\nHTTP/1.1 200 OK\r\n", "250||1|ok\nbad\n" },
	{ "250 half", "" },
};

struct reading {
	struct netlines lines;
	struct smtp_reply_parser parser;
	struct buf told;
};

static int on_line(void *arg, const char *line, size_t n)
{
	struct reading *r = arg;
	const struct smtp_reply *p = &r->parser.reply;

	switch (smtp_reply_line(&r->parser, line, n)) {
	case SMTP_PARSE_MORE: break;
	case SMTP_PARSE_REPLY: buf_printf(&r->told, "%d|%s|%d|%s\n", p->code, p->status, p->lines, p->text); break;
	case SMTP_PARSE_BAD: buf_str(&r->told, "bad\n"); return 1;
	}
	return 0;
}

static void feed(struct reading *r, const char *in, size_t n, size_t cut)
{
	const char *fault;
	int rc = netlines_feed(&r->lines, in, cut < n ? cut : n, on_line, r, &fault);

	if (rc == 0 && cut < n)
		rc = netlines_feed(&r->lines, in + cut, n - cut, on_line, r, &fault);
	if (rc < 0)
		buf_str(&r->told, "fault\n");
	netlines_free(&r->lines);
}

static void expect(const char *in, size_t n, const char *told)
{
	for (size_t cut = 0; cut <= n; cut++) {
		struct reading r = { 0 };

		buf_str(&r.told, "");
		feed(&r, in, n, cut);
		assert_string_equal(buf_text(&r.told), told);
		buf_free(&r.told);
	}
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		expect(rows[i].in, strlen(rows[i].in), rows[i].told);
	expect("250 a\0b\r\n", 9, "fault\n");
}

static void test_limits(void **state)
{
	struct buf in = { 0 }, told = { 0 };

	(void)state;
	for (int i = 0; i < 99; i++)
		buf_str(&in, "250-\r\n");
	buf_str(&in, "250 x\r\n");
	expect(in.data, in.len, "250||100|x\n");
	buf_clear(&in);
	for (int i = 0; i < 100; i++)
		buf_str(&in, "250-\r\n");
	buf_str(&in, "250 x\r\n");
	expect(in.data, in.len, "bad\n");
	buf_clear(&in);
	buf_printf(&in, "250 %04092d\r\n", 0);
	buf_printf(&told, "250||1|%0511d\n", 0);
	expect(in.data, in.len, told.data);
	buf_clear(&in);
	buf_printf(&in, "250 %04093d\r\n", 0);
	expect(in.data, in.len, "fault\n");
	buf_clear(&in);
	buf_printf(&in, "250 %05000d", 0); /* no end at all */
	expect(in.data, in.len, "fault\n");
	buf_free(&in);
	buf_free(&told);
}

/* A text that is cut stays UTF-8. */
static void test_cut_text(void **state)
{
	(void)state;
	for (int before = 500; before < 520; before++) {
		struct smtp_reply_parser p = { 0 };
		char line[600];
		int n = snprintf(line, sizeof line, "250 %0*d\xe2\x82\xac\xe2\x82\xac tail", before, 0);
		size_t len, kept;

		assert_int_equal(smtp_reply_line(&p, line, (size_t)n), SMTP_PARSE_REPLY);
		len = strlen(p.reply.text);
		kept = len > (size_t)before ? len - (size_t)before : 0;
		assert_true(len <= 511 && len >= 508 - 8);
		assert_true(kept == 0 || kept == 3 || kept >= 6);
		if (before <= 508)
			assert_true(kept >= 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_limits),
					    cmocka_unit_test(test_cut_text) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
