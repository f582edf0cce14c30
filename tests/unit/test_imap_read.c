/* rooms: base model rules config net inbox */
/* Responses out of lines and literals, cut anywhere; what is written; what waits, and the cursor below it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/inbox/imap_int.h"
#include "abv/clock.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct reading {
	struct netlines lines;
	struct imap_reader reader;
	struct buf told;
};

static void tell(struct reading *d)
{
	static const char *const word[] = { "other",   "ok",         "no",     "bad",  "bye",
					    "preauth", "capability", "exists", "fetch" };
	static const char *const body[] = { "", " nil", " body=", " cut" };
	const struct imap_response *r = &d->reader.response;

	buf_printf(&d->told, "%s%s %s", r->kind == IMAP_TAGGED ? r->tag : "",
		   r->kind == IMAP_CONTINUE ? "+"
		   : r->kind                ? ""
					    : "*",
		   word[r->word]);
	if (*r->code)
		buf_printf(&d->told, " [%s]", r->code);
	if (*r->text)
		buf_printf(&d->told, " '%s'", r->text);
	if (r->number && r->word == IMAP_EXISTS)
		buf_printf(&d->told, " %u", r->number);
	if (r->uid)
		buf_printf(&d->told, " uid=%u", r->uid);
	if (r->has_size)
		buf_printf(&d->told, " size=%llu", (unsigned long long)r->size);
	buf_str(&d->told, body[r->body]);
	if (r->body == IMAP_BODY_WHOLE)
		for (size_t i = 0; i < d->reader.body.len; i++)
			buf_printf(&d->told, (unsigned char)d->reader.body.data[i] < 0x20 ? "<%02x>" : "%c",
				   d->reader.body.data[i]);
	buf_str(&d->told, "\n");
}

static int on_bytes(void *arg, const char *p, size_t n)
{
	imap_reader_bytes(&((struct reading *)arg)->reader, p, n);
	return 0;
}

static int on_line(void *arg, const char *line, size_t n)
{
	struct reading *d = arg;

	switch (imap_reader_line(&d->reader, line, n)) {
	case IMAP_READ_MORE:
		d->lines.bytes = d->reader.literal;
		d->lines.on_bytes = on_bytes;
		return 0;
	case IMAP_READ_RESPONSE: tell(d); return 0;
	case IMAP_READ_BAD: break;
	}
	buf_printf(&d->told, "bad: %s\n", d->reader.fault);
	return 1;
}

static void feed(struct reading *d, const char *p, size_t n)
{
	const char *fault;
	char *copy = malloc(n ? n : 1); /* so that a sanitizer sees what is read behind it */

	assert_non_null(copy);
	memcpy(copy, p, n);
	if (netlines_feed(&d->lines, copy, n, on_line, d, &fault) < 0)
		buf_printf(&d->told, "fault: %s\n", fault);
	free(copy);
}

static void reading_free(struct reading *d)
{
	netlines_free(&d->lines);
	imap_reader_free(&d->reader);
	buf_free(&d->told);
}

static const struct {
	const char *said, *expected;
} row[] = {
	{ "* OK [UIDVALIDITY 5] valid\r\n", "* ok [UIDVALIDITY 5] 'valid'\n" },
	{ "* OK [CAPABILITY A B]\r\n", "* ok [CAPABILITY A B]\n" },
	{ "* OK Still here\r\n", "* ok 'Still here'\n" },
	{ "* BYE shutting down {5}\r\n", "* bye 'shutting down {5}'\n" },
	{ "a1 NO [TRYCREATE] no such\n", "a1 no [TRYCREATE] 'no such'\n" },
	{ "a1 OK\r\na2 BAD x\r\n", "a1 ok\na2 bad 'x'\n" },
	{ "+ \r\n+\r\n+ idling\r\n", "+ other\n+ other\n+ other 'idling'\n" },
	{ "* CAPABILITY IMAP4rev1 IDLE\r\n", "* capability 'IMAP4rev1 IDLE'\n" },
	{ "* 12 EXISTS\r\n* 3 EXPUNGE\r\n* 0 RECENT\r\n", "* exists 12\n* other\n* other\n" },
	{ "* exists\r\n* 99999999999 EXISTS\r\n", "* other\n* other\n" },
	{ "* FLAGS (\\Seen)\r\n\r\n* LIST () \"/\" {3}\r\na b\r\n", "* other\n* other\n* other\n" },
	{ "* 1 FETCH (UID 7 RFC822.SIZE 99)\r\n", "* fetch uid=7 size=99\n" },
	{ "* 1 fetch (rfc822.size 99 uid 7)\r\n", "* fetch uid=7 size=99\n" },
	{ "* 1 FETCH (UID 7 BODY[] {5}\r\na\r\nb\n)\r\n", "* fetch uid=7 body=a<0d><0a>b<0a>\n" },
	{ "* 1 FETCH (UID 7 BODY[] {0}\r\n)\r\n", "* fetch uid=7 body=\n" },
	{ "* 1 FETCH (BODY[] {3+}\r\n{3} UID 7)\r\n", "* fetch uid=7 body={3}\n" },
	{ "* 1 FETCH (UID 7 BODY[] NIL)\r\n", "* fetch uid=7 nil\n" },
	{ "* 1 FETCH (UID 7 BODY[] \"a \\\"b\\\\\")\r\n", "* fetch uid=7 body=a \"b\\\n" },
	{ "* 1 FETCH (UID 7 BODY[] \"\")\r\n", "* fetch uid=7 body=\n" },
	{ "* 1 FETCH (UID 7 BODY[]<0> {1}\r\nx)\r\n", "* fetch uid=7 body=x\n" },
	{ "* 1 FETCH (FLAGS (\\Seen (x \"y)\")) ENVELOPE ({3}\r\n)) NIL) BODY[] {1}\r\nx UID 7)\r\n",
	  "* fetch uid=7 body=x\n" },
	{ "* 1 FETCH (BODY[HEADER.FIELDS (A B)] {2}\r\nab UID 7 BODY[] {1}\r\nx)\r\n", "* fetch uid=7 body=x\n" },
	{ "* 1 FETCH (BODY[HEADER.FIELDS ({1}\r\nx)] {2}\r\nab UID 7)\r\n", "* fetch\n" },
	{ "* 1 FETCH (BODY[TEXT] {5}\r\nUID 9 UID 7)\r\n", "* fetch uid=7\n" },
	{ "* 1 FETCH (UID 7 BODY[] {1}\r\nx BODY[] {1}\r\ny)\r\n", "* fetch uid=7 body=x\n" },
	{ "* 1 FETCH (UID 99999999999)\r\n* 1 FETCH UID 7\r\n* 1 FETCH (UID\r\n* 1 FETCH (UID 7 BODY[] \"x\r\n",
	  "* fetch\n* fetch\n* fetch\n* fetch uid=7\n" },
	{ "* 1 FETCH (UID 7 BODY[] {10485761}\r\n", "" },
	{ "* 1 FETCH (UID 7 BODY[] {99999999999}\r\n", "bad: the server sent a literal of no possible length\n" },
	{ "* 1 FETCH (UID 7 BODY[] {-1}\r\n* 2 FETCH (UID 8 X {}\r\n", "* fetch uid=7\n* fetch uid=8\n" },
	{ "* SEARCH\r\nx\r\n x\r\n", "* other\nx other\n other\n" },
	{ "* X \1\1 {1}\r\n\1 y\r\n", "* other\n" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		size_t n = strlen(row[i].said);

		for (size_t cut = 0; cut <= n; cut++) {
			struct reading d = { .lines.max = IMAP_TEXT_MAX, .reader.want_body = true };

			feed(&d, row[i].said, cut);
			feed(&d, row[i].said + cut, n - cut);
			if (strcmp(buf_text(&d.told), row[i].expected) != 0)
				fail_msg("%s\ncut at %zu gives\n%s", row[i].said, cut, buf_text(&d.told));
			reading_free(&d);
		}
	}
}

static void test_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct reading d = { .lines.max = IMAP_TEXT_MAX, .reader.want_body = true };

		for (const char *p = row[i].said; *p; p++)
			feed(&d, p, 1);
		assert_string_equal(buf_text(&d.told), row[i].expected);
		reading_free(&d);
	}
}

/* A literal of 100 MB, wanted or not, and a line without end: nothing of it is kept. */
static void test_bounds(void **state)
{
	static char piece[100000];
	struct reading d = { .lines.max = IMAP_TEXT_MAX, .reader.want_body = true };

	(void)state;
	memset(piece, 'x', sizeof piece);
	feed(&d, "* 1 FETCH (UID 7 BODY[] {100000000}\r\n", 37);
	for (int i = 0; i < 1000; i++) {
		feed(&d, piece, sizeof piece);
		assert_int_equal(d.reader.body.len, 0);
	}
	feed(&d, ")\r\n", 3);
	assert_string_equal(buf_text(&d.told), "* fetch uid=7 cut\n");
	d.reader.want_body = false;
	feed(&d, "* 1 FETCH (UID 7 BODY[] {100000}\r\n", 34);
	feed(&d, piece, sizeof piece);
	assert_int_equal(d.reader.body.len, 0);
	feed(&d, ")\r\n", 3);
	feed(&d, piece, sizeof piece);
	assert_non_null(strstr(buf_text(&d.told), "\nfault: the server sent a line that is too long\n"));
	assert_true(d.lines.begun.cap < 200000);
	reading_free(&d);

	/* a response of many lines and literals has an end as well */
	d = (struct reading){ .lines.max = IMAP_TEXT_MAX };
	for (int i = 0; i < 100000 && !strstr(buf_text(&d.told), "bad"); i++)
		feed(&d, "* X y {0}\r\n", 11);
	assert_string_equal(buf_text(&d.told), "bad: the server sent a response that is too long\n");
	reading_free(&d);
}

static void test_codes(void **state)
{
	uint32_t n = 1;

	(void)state;
	assert_true(imap_code_number("uidnext 77", "UIDNEXT", &n));
	assert_int_equal(n, 77);
	assert_false(imap_code_number("UIDNEXT", "UIDNEXT", &n));
	assert_false(imap_code_number("UIDNEXT x", "UIDNEXT", &n));
	assert_false(imap_code_number("UIDNEXTS 1", "UIDNEXT", &n));
	assert_false(imap_code_is("TRYCREATES", "TRYCREATE"));
	assert_true(imap_code_is("TRYCREATE", "TRYCREATE"));
}

static void test_written(void **state)
{
	static const struct {
		const char *name, *wire;
	} name[] = {
		{ "INBOX", "\"INBOX\"" },
		{ "a&b \"c\\", "\"a&-b \\\"c\\\\\"" },
		{ "Entw\xc3\xbcrfe", "\"Entw&APw-rfe\"" },
		{ "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
		  "\"~peter/mail/&U,BTFw-/&ZeVnLIqe-\"" },
		{ "\xf0\x9f\x98\x80", "\"&2D3eAA-\"" },
		{ "\xc3", "\"&AMM-\"" },
	};
	struct imap_can can;
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(name); i++) {
		imap_mailbox_name(&b, name[i].name);
		assert_string_equal(b.data, name[i].wire);
		buf_clear(&b);
	}
	imap_sasl_plain(&b, "dana", "secret");
	assert_string_equal(b.data, "AGRhbmEAc2VjcmV0");
	buf_clear(&b);
	imap_sasl_plain(&b, "a", "b");
	assert_string_equal(b.data, "AGEAYg==");
	buf_clear(&b);
	imap_sasl_plain(&b, "u", "pa");
	assert_string_equal(b.data, "AHUAcGE=");
	buf_free(&b);
	imap_capabilities("IMAP4rev1 idle AUTH=PLAINX MOVE", &can);
	assert_true(can.idle && can.move && !can.auth_plain && !can.uidplus && !can.login_disabled);
	assert_false(imap_may_write("a\rb"));
	assert_true(imap_may_write("a b"));
}

static void test_cursor(void **state)
{
	static const char *const wrong[] = {
		"", "1", "1:", ":1", "1:2 ", "-1:2", "1:2:3", "4294967296:1", "1: 2", "x:1"
	};
	uint32_t validity, uid;

	(void)state;
	assert_true(imap_cursor_parse("4294967295:0", &validity, &uid));
	assert_int_equal(validity, UINT32_MAX);
	assert_int_equal(uid, 0);
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_false(imap_cursor_parse(wrong[i], &validity, &uid));
}

static void test_later(void **state)
{
	struct inbox_pace p = { .retry_first = 10, .retry_most = 35 };
	struct imap_later l = { .n = 0 };

	(void)state;
	assert_int_equal(imap_later_next(&l), CLOCK_NEVER);
	assert_int_equal(imap_later_cursor(&l, 4, 5), 5);
	assert_true(imap_later_add(&l, 5, false, 100, &p));
	assert_int_equal(imap_later_due(&l, 109), 0);
	assert_int_equal(imap_later_due(&l, 110), 5);
	assert_int_equal(imap_later_cursor(&l, 5, 6), 4);
	assert_int_equal(imap_later_cursor(&l, 9, 5), 9); /* done itself */
	assert_true(imap_later_add(&l, 5, true, 100, &p));
	assert_int_equal(imap_later_next(&l), 120);
	assert_true(imap_later_add(&l, 5, true, 100, &p));
	assert_int_equal(imap_later_next(&l), 135);
	assert_int_equal(imap_later_refused(&l, 5), 2);
	assert_true(imap_later_add(&l, 3, false, 0, &p));
	assert_int_equal(imap_later_cursor(&l, 9, 5), 2);
	imap_later_remove(&l, 3);
	imap_later_remove(&l, 77);
	for (uint32_t u = 100; l.n < IMAP_LATER_MAX; u++)
		assert_true(imap_later_add(&l, u, false, 0, &p));
	assert_false(imap_later_add(&l, 99, false, 0, &p));
	assert_true(imap_later_add(&l, 100, false, 0, &p));
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < IMAP_STATE_COUNT; i++)
		assert_true(*imap_state_name((enum imap_state)i) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),  cmocka_unit_test(test_byte_by_byte), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_codes), cmocka_unit_test(test_written),      cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_later), cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("imap_read", tests, NULL, NULL);
}
