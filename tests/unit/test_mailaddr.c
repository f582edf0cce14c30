/* rooms: base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "abv/mailaddr.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define X10      "xxxxxxxxxx"
#define X60      X10 X10 X10 X10 X10 X10
#define L60      X60 "." X60 "." X60 "."

static void test_parse(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
	} rows[] = {
		{ "ann@example.com", "ann@example.com" },
		{ "Ann.O'Neil+List@Mail.Example.COM", "ann.o'neil+list@mail.example.com" },
		{ " \tann@example.com\t ", "ann@example.com" },
		{ "a!#$%&'*+-/=?^_`{|}~b@example.com", "a!#$%&'*+-/=?^_`{|}~b@example.com" },
		{ "1@1.example", "1@1.example" },
		{ "a@xn--bcher-kva.example", "a@xn--bcher-kva.example" },
		{ "Zo\xc3\x8b@b\xc3\xbc"
		  "cher.example",
		  "zo\xc3\x8b@b\xc3\xbc"
		  "cher.example" }, /* only ASCII folds */
		{ X60 "xxxx@e.com", X60 "xxxx@e.com" },
		{ X60 "xxxxx@e.com", NULL },
		{ "a@" X60 "xxx.com", "a@" X60 "xxx.com" },
		{ "a@" X60 "xxxx.com", NULL },
		{ X60 "@" L60 "yyyyyy.com", X60 "@" L60 "yyyyyy.com" }, /* 254 */
		{ X60 "@" L60 "yyyyyyy.com", NULL },
		{ "", NULL },
		{ " ", NULL },
		{ "ann", NULL },
		{ "@", NULL },
		{ "@example.com", NULL },
		{ "ann@", NULL },
		{ "ann@localhost", NULL },
		{ "ann@example.com.", NULL },
		{ "ann@.example.com", NULL },
		{ "ann@example..com", NULL },
		{ "ann@-example.com", NULL },
		{ "ann@example-.com", NULL },
		{ "ann@exa_mple.com", NULL },
		{ "ann@192.0.2.1", NULL },
		{ "ann@[192.0.2.1]", NULL },
		{ "ann@example.123", NULL },
		{ ".ann@example.com", NULL },
		{ "ann.@example.com", NULL },
		{ "an..n@example.com", NULL },
		{ "a@b@example.com", NULL },
		{ "\"ann\"@example.com", NULL },
		{ "an n@example.com", NULL },
		{ "ann@exam ple.com", NULL },
		{ "ann@example.com\r\nRCPT TO:<x@example.com>", NULL },
		{ "ann@example.com\n", NULL },
		{ "\rann@example.com", NULL },
		{ "an\tn@example.com", NULL },
		{ "ann\x7f@example.com", NULL },
		{ "<ann@example.com>", NULL },
		{ "ann(x)@example.com", NULL },
		{ "ann,bob@example.com", NULL },
		{ "ann@example.com,bob@example.com", NULL },
		{ "an\\n@example.com", NULL },
		{ "\xff@example.com", NULL },
		{ "a\xc0\xaf@example.com", NULL },
		{ "a\xe2\x80\xae"
		  "b@example.com",
		  NULL }, /* turns the text round */
		{ "a\xc2\x85"
		  "b@example.com",
		  NULL }, /* a C1 control: a new line to some */
		{ "a\xc2\xa0"
		  "b@example.com",
		  NULL }, /* a space that is none */
		{ "a@exam\xe2\x80\x8bple.com", NULL },
		{ "a@example\xe3\x80\x82"
		  "com.example",
		  NULL }, /* a dot to IDNA */
	};
	char out[MAILADDR_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { "" };

		if (!rows[i].out) {
			if (mailaddr_parse(rows[i].in, out, &e) != -1)
				fail_msg("accepted: %s", rows[i].in);
			assert_true(e.text[0]);
			continue;
		}
		if (mailaddr_parse(rows[i].in, out, &e) != 0)
			fail_msg("refused: %s", e.text);
		assert_string_equal(out, rows[i].out);
	}
}

static void test_mailbox(void **state)
{
	static const struct {
		const char *in, *name, *addr; /* addr NULL: refused */
	} rows[] = {
		{ "Dana Reyes <dana@example.com>", "Dana Reyes", "dana@example.com" },
		{ "Dana@Example.com", "", "Dana@Example.com" },
		{ "<dana@example.com>", "", "dana@example.com" },
		{ "  Dana \t Reyes<dana@example.com> ", "Dana Reyes", "dana@example.com" },
		{ "\"Reyes, Dana\" <dana@example.com>", "Reyes, Dana", "dana@example.com" },
		{ "\"Dana \\\"D\\\" \\\\ Reyes\" <dana@example.com>", "Dana \"D\" \\ Reyes", "dana@example.com" },
		{ "\"Dana <boss>\" <dana@example.com>", "Dana <boss>", "dana@example.com" },
		{ "Dr. \"Dana\" R. <dana@example.com>", "Dr. Dana R.", "dana@example.com" },
		{ "Zo\xc3\xab O'Neil & Co <z@example.com>", "Zo\xc3\xab O'Neil & Co", "z@example.com" },
		{ "\"\" <dana@example.com>", "", "dana@example.com" },
		{ "\"  \" <dana@example.com>", "  ", "dana@example.com" },
		{ "", "", NULL },
		{ "Dana", "", NULL },
		{ "Dana <>", "", NULL },
		{ "Dana < dana@example.com >", "", NULL },
		{ "Dana dana@example.com>", "", NULL },
		{ "Dana <dana@example.com", "", NULL },
		{ "Dana <dana@example.com> x", "", NULL },
		{ "Dana <a@example.com>, Bob <b@example.com>", "", NULL },
		{ "Reyes, Dana <dana@example.com>", "", NULL },
		{ "Dana (boss) <dana@example.com>", "", NULL },
		{ "\"Dana <dana@example.com>", "", NULL },
		{ "\"Dana\\\" <dana@example.com>", "", NULL },
		{ "Dana\r\nBcc: x <dana@example.com>", "", NULL },
		{ "\"Dana\r\nBcc: x\" <dana@example.com>", "", NULL },
		{ "\"Dana\\\n\" <dana@example.com>", "", NULL },
		{ "Dana\x7f <dana@example.com>", "", NULL },
		{ "Dana\xff <dana@example.com>", "", NULL },
		{ "Dana\xc2\x85 <dana@example.com>", "", NULL },
		{ "Dana <dana@example.com\r\n>", "", NULL },
		{ X60 X60 X60 X60 X10 "12345 <a@example.com>", X60 X60 X60 X60 X10 "12345", "a@example.com" }, /* 255 */
		{ X60 X60 X60 X60 X10 "123456 <a@example.com>", "", NULL },
	};
	char name[256], addr[MAILADDR_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { "" };
		int r = mailaddr_parse_mailbox(rows[i].in, name, addr, &e);

		if ((r == 0) != (rows[i].addr != NULL))
			fail_msg("'%s': %d %s", rows[i].in, r, e.text);
		if (r < 0)
			continue;
		assert_string_equal(name, rows[i].name);
		assert_string_equal(addr, rows[i].addr);
	}
}

static void test_parts(void **state)
{
	(void)state;
	assert_string_equal(mailaddr_domain("ann@example.com"), "example.com");
	assert_string_equal(mailaddr_domain("a@b@example.com"), "example.com");
	assert_string_equal(mailaddr_domain("ann"), "");
	assert_true(mailaddr_is_ascii("ann@example.com"));
	assert_false(mailaddr_is_ascii("ann@ex\xc3\xa4mple.com"));
}

static void test_account(void **state)
{
	static const struct {
		const char *addr, *account; /* "": none */
	} rows[] = {
		{ "ann@acme.com", "acme.com" },
		{ "ann@mail.acme.co.uk", "acme.co.uk" },
		{ "ann@a.b.c.acme.example", "acme.example" },
		{ "ann@acme.com.br", "acme.com.br" },
		{ "ann@b\xc3\xbc"
		  "cher.de",
		  "b\xc3\xbc"
		  "cher.de" },
		{ "ann@www.xn--bcher-kva.de", "xn--bcher-kva.de" },
		{ "ann@co.uk", "" },
		{ "ann@com", "" },
		{ "ann", "" },
		{ "ann@gmail.com", "" },
		{ "ann@GMAIL.com", "" },
		{ "ann@mail.gmail.com", "" },
		{ "ann@163.com", "" },
		{ "ann@web.de", "" },
		{ "ann@blueyonder.co.uk", "" },
		{ "ann@yahoo.com", "" },
		{ "ann@yahoo.fr", "" },
		{ "ann@yahoo.co.jp", "" },
		{ "ann@hotmail.co.uk", "" },
		{ "ann@outlook.com.br", "" },
		{ "ann@live.nl", "" },
		{ "ann@gmx.at", "" },
		{ "ann@gmx.net", "" },
		{ "ann@yandex.com.tr", "" },
		{ "ann@mail.yahoo.de", "" },
		{ "ann@yahoo.acme.com", "acme.com" }, /* a host of Acme's */
		{ "ann@outlook.acme.fr", "acme.fr" },
		{ "ann@live.agency", "live.agency" },
		{ "ann@live.tv", "live.tv" },
		{ "ann@notgmail.com", "notgmail.com" },
		{ "ann@gmail.com.acme.com", "acme.com" },
		{ "ann@yahoo-inc.com", "yahoo-inc.com" },
		{ "ann@alive.com", "alive.com" },
		{ "ann@yah.fr", "yah.fr" },
	};
	char out[MAILADDR_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(mailaddr_account(rows[i].addr, out), *rows[i].account ? 0 : 1);
		assert_string_equal(out, rows[i].account);
	}
}

/* The table is searched by halves: its first, its last, and some between must be found. */
static void test_freemail(void **state)
{
	static const char *const free_ones[] = { "126.com",     "ziggo.nl",   "aol.com",     "proton.me",
						 "qq.com",      "mail.ru",    "orange.fr",   "libero.it",
						 "t-online.de", "icloud.com", "zohomail.com" };
	static const char *const others[] = { "",           "com",   ".",     "example.com", "microsoft.com",
					      "google.com", "0.com", "zzz.zz" };

	(void)state;
	for (size_t i = 0; i < COUNT(free_ones); i++)
		if (!mailaddr_is_freemail(free_ones[i]))
			fail_msg("%s", free_ones[i]);
	for (size_t i = 0; i < COUNT(others); i++)
		assert_false(mailaddr_is_freemail(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),   cmocka_unit_test(test_mailbox),  cmocka_unit_test(test_parts),
		cmocka_unit_test(test_account), cmocka_unit_test(test_freemail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
