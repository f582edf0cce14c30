/* rooms: base model rules config */
/* abvctl's parts that need no daemon: the command line, two settings out of any configuration, tables, the log's lines
 * in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "../../src/ctl/logline.c"
#include "../../src/ctl/options.c"
#include "../../src/ctl/out.c"
#include "../../src/ctl/settings.c"
#include "../../src/ctl/table.c"
#include "config_dir.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int run(struct ctl *c)
{
	(void)c;
	return 0;
}

static const struct ctl_command commands[] = {
	{ "import",
	  "FILE",
	  "imports",
	  "",
	  { { "rejects", "FILE", "keeps" }, { "force", NULL, "forces" } },
	  1,
	  1,
	  true,
	  run },
	{ "gate", "FILE...", "judges", "More.", { { 0 } }, 0, -1, false, run },
	{ NULL, NULL, NULL, NULL, { { 0 } }, 0, 0, false, NULL },
};

/* "command|socket|config|json|args|given", or "E" and the error. */
static void test_options(void **state)
{
	static const struct {
		const char *argv[8];
		const char *told;
	} rows[] = {
		{ { "import", "f.csv" }, "import|||0|f.csv," },
		{ { "--socket", "/s", "--json", "import", "f.csv" }, "import|/s||1|f.csv," },
		{ { "import", "f.csv", "--config=c", "--json" }, "import||c|1|f.csv," },
		{ { "import", "--rejects", "r", "f.csv", "--force" }, "import|||0|f.csv,rejects=r,force=," },
		{ { "import", "--rejects=a", "--rejects=b", "-" }, "import|||0|-,rejects=a,rejects=b," },
		{ { "gate", "--", "--json", "-x" }, "gate|||0|--json,-x," },
		{ { "gate", "a", "b", "c" }, "gate|||0|a,b,c," },
		{ { "import", "--help" }, "import|||0|" },
		{ { "--version" }, "|||0|" },
		{ { NULL }, "Eno command is given" },
		{ { "--json" }, "Eno command is given" },
		{ { "frob" }, "Eunknown command 'frob'" },
		{ { "import" }, "Eimport: too few arguments; usage: abvctl import FILE" },
		{ { "import", "a", "b" }, "Eimport: unexpected argument 'b'" },
		{ { "import", "a", "--bogus" }, "Eunknown option '--bogus' of import" },
		{ { "--rejects", "r", "import", "a" }, "Eunknown option '--rejects'" },
		{ { "gate", "--rejects", "r" }, "Eunknown option '--rejects' of gate" },
		{ { "import", "a", "--rejects" }, "E--rejects needs FILE" },
		{ { "import", "a", "--rejects=" }, "E--rejects needs FILE, not an empty text" },
		{ { "import", "a", "--force=yes" }, "E--force takes no value" },
		{ { "import", "a", "-f" }, "Eunknown option '-f'" },
		{ { "--socket" }, "E--socket needs PATH" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *argv[9] = { (char *)(uintptr_t) "abvctl" };
		struct buf b = { 0 };
		struct err e = { "" };
		struct ctl c;
		int argc = 1;

		for (; argc < 9 && rows[i].argv[argc - 1]; argc++)
			argv[argc] = (char *)(uintptr_t)rows[i].argv[argc - 1];
		if (ctl_parse(&c, commands, argc, argv, &e) < 0) {
			buf_printf(&b, "E%s", e.text);
		} else {
			buf_printf(&b, "%s|%s|%s|%d|", c.command ? c.command->name : "", c.socket ? c.socket : "",
				   c.config ? c.config : "", c.json);
			for (int k = 0; k < c.arg_n; k++)
				buf_printf(&b, "%s,", c.arg[k]);
			for (int k = 0; k < c.given_n; k++)
				buf_printf(&b, "%s=%s,", c.given[k].option->name, c.given[k].value);
		}
		assert_string_equal(buf_text(&b), rows[i].told);
		ctl_end(&c);
		buf_free(&b);
	}
}

static void test_help(void **state)
{
	struct buf b = { 0 };

	(void)state;
	ctl_help(commands, &b);
	assert_non_null(strstr(buf_text(&b), "\n  import      imports\n"));
	assert_non_null(strstr(buf_text(&b), "\n  --socket PATH         "));
	buf_clear(&b);
	ctl_command_help(&commands[0], &b);
	assert_string_equal(buf_text(&b), "usage: abvctl import FILE\n\nimports\n\nOptions:\n"
					  "  --rejects FILE        keeps\n  --force               forces\n");
	buf_clear(&b);
	ctl_command_help(&commands[1], &b);
	assert_string_equal(buf_text(&b), "usage: abvctl gate FILE...\n\njudges\n\nMore.\n");
	buf_free(&b);
}

static void test_scan(void **state)
{
	static const struct {
		const char *text, *told; /* NULL: not found */
	} rows[] = {
		{ "control = { socket = \"/a\"; };", "/a" },
		{ "control : { socket : \"/a\" }", "/a" },
		{ "control={socket=\"/a\"", "/a" },
		{ "x = 1; control = { other = ( \"}\", { socket = \"/no\"; } ); socket = \"/a\"; };", "/a" },
		{ "# control = { socket = \"/no\"; };\n/* control = { socket = \"/no\"; } */ // control = { socket = "
		  "\"/no\"; }\n"
		  "control = { socket = \"/a\"; };",
		  "/a" },
		{ "s = \"control = { socket = \\\"/no\\\"; }\"; control = { socket = \"/a\\\\b\"; };", "/a\\b" },
		{ "other = { control = { socket = \"/no\"; }; socket = \"/no\"; };", NULL },
		{ "socket = \"/no\";", NULL },
		{ "control = \"x\"; y = { socket = \"/no\"; };", NULL },
		{ "control = { }; y = { socket = \"/no\"; };", NULL },
		{ "control = { socket = 3; }; y = { socket = \"/no\"; };", NULL },
		{ "control = { socket = \"/a\" # cut\n \"/b\"; };", "/a/b" },
		{ "control = { broken [[[ = ; socket = \"/no\"; };", NULL },
		{ "smtp = { url = ; tls = nonsense }; control = { socket = \"/a\"; };", "/a" },
		{ "control = { socket = \"/open", "/open" },
		{ "", NULL },
		{ "/* open", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out = { 0 };
		int rc = setting_scan(rows[i].text, "control", "socket", &out);

		assert_int_equal(rc, rows[i].told ? 0 : -1);
		if (rows[i].told)
			assert_string_equal(buf_text(&out), rows[i].told);
		buf_free(&out);
	}
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(config_dir_path(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* A whole configuration, one with an error elsewhere, one that says nothing, none. */
static void test_find(void **state)
{
	struct buf out = { 0 }, want = { 0 };
	struct err e = { "" };
	struct ctl c = { 0 };

	(void)state;
	config_dir_make();
	c.config = config_dir_path("abvd.conf");
	buf_printf(&want, "%s/control.sock", config_dir);
	write_file("abvd.conf", BASE);
	assert_int_equal(setting_find(&c, "control", "socket", "/fallback", &out, &e), 0);
	assert_string_equal(buf_text(&out), buf_text(&want));
	write_file("abvd.conf", BASE "smtp = nonsense; cadence = { bogus = 1; };\n");
	assert_int_equal(setting_find(&c, "control", "socket", "/fallback", &out, &e), 0);
	assert_string_equal(buf_text(&out), buf_text(&want));
	buf_clear(&want);
	buf_printf(&want, "%s/engagement.jsonl", config_dir);
	assert_int_equal(setting_find(&c, "log", "path", "/fallback", &out, &e), 0);
	assert_string_equal(buf_text(&out), buf_text(&want));
	write_file("abvd.conf", "nothing = 1;\n");
	assert_int_equal(setting_find(&c, "control", "socket", "/fallback", &out, &e), 0);
	assert_string_equal(buf_text(&out), "/fallback");
	c.config = config_dir_path("none.conf");
	assert_int_equal(setting_find(&c, "control", "socket", "/fallback", &out, &e), -1);
	assert_non_null(strstr(e.text, "none.conf': No such file"));
	assert_int_equal(remove(config_dir_path("abvd.conf")), 0);
	assert_int_equal(rmdir(config_dir), 0);
	buf_free(&out);
	buf_free(&want);
}

static void test_table(void **state)
{
	static const char *const head[] = { "NAME", "STATE", "WHY", NULL };
	struct buf out = { 0 };
	struct table t;

	(void)state;
	table_open(&t, head);
	assert_int_equal(table_rows(&t), 0);
	table_add(&t, "Zo\xc3\xab");
	table_add_colour(&t, "on", '2');
	table_add(&t, "a \033[31mtrick\x9b\xc2\x9b");
	table_add(&t, "longer-name");
	table_add(&t, "off");
	table_add(&t, NULL);
	assert_int_equal(table_rows(&t), 2);
	table_format(&t, false, &out);
	assert_string_equal(buf_text(&out), "NAME         STATE  WHY\n"
					    "Zo\xc3\xab          on     a ?[31mtrick\x9b?\n"
					    "longer-name  off\n");
	buf_clear(&out);
	table_format(&t, true, &out);
	assert_non_null(strstr(buf_text(&out), "\033[1mNAME\033[0m         "));
	assert_non_null(strstr(buf_text(&out), "\033[32mon\033[0m     "));
	table_free(&t);
	buf_free(&out);
}

static void test_times(void **state)
{
	static const struct {
		const char *tz, *in, *plain, *zoned;
	} rows[] = {
		{ "Europe/Paris", "2026-11-24T08:00:00.000Z", "Tue 2026-11-24 09:00",
		  "Tue 2026-11-24 09:00 Europe/Paris" },
		{ "America/New_York", "2026-07-01T02:30:00Z", "Tue 2026-06-30 22:30",
		  "Tue 2026-06-30 22:30 America/New_York" },
		{ "XYZ-2", "2026-11-24T08:00:00.000Z", "Tue 2026-11-24 10:00", "Tue 2026-11-24 10:00 XYZ" },
		{ "UTC", "soon\n", "soon?", "soon?" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b = { 0 };

		assert_int_equal(setenv("TZ", rows[i].tz, 1), 0);
		tzset();
		out_time(&b, rows[i].in, false);
		assert_string_equal(buf_text(&b), rows[i].plain);
		buf_clear(&b);
		out_time(&b, rows[i].in, true);
		assert_string_equal(buf_text(&b), rows[i].zoned);
		buf_free(&b);
	}
}

#define SENT                                                                                                           \
	"{\"seq\":7,\"ts\":\"2026-11-24T09:30:00.500Z\",\"event\":\"sent\",\"contact\":\"ann@acme.example\","          \
	"\"account\":\"acme\",\"sequence\":"                                                                           \
	"\"course\",\"step\":\"one\",\"kind\":\"ask\",\"touch\":3,\"message_id\":\"x@y\",\"smtp_code\":250,\"smtp_"    \
	"reply\":\"2.0.0 ok\\u001b[1m\"}"
#define WAITS                                                                                                          \
	"{\"seq\":8,\"ts\":\"2026-11-24T09:31:00Z\",\"event\":\"waiting\",\"contact\":\"ann@acme.example\","           \
	"\"sequence\":\"course\",\"step\":"                                                                            \
	"\"two\",\"reason\":\"contact_limit\",\"until\":\"2026-12-01T09:30:00Z\"}"
#define LOADED                                                                                                         \
	"{\"seq\":1,\"ts\":\"2026-11-24T09:00:00Z\",\"event\":\"config_loaded\",\"policy\":\"abc\",\"scale\":1.0}"
#define GATED                                                                                                          \
	"{\"seq\":9,\"ts\":\"2026-11-24T09:32:00Z\",\"event\":\"gate_refused\",\"findings\":[{\"rule\":\"r1\","        \
	"\"message\":\"m1\"},{"                                                                                        \
	"\"rule\":\"r2\",\"message\":\"m2\"}]}"

static void test_log_line(void **state)
{
	static const char *const sent[] = { "sent" };
	static const char *const two[] = { "waiting", "config_loaded" };
	static const struct {
		struct log_filter filter;
		const char *line;
		enum log_take take;
		const char *text;
	} rows[] = {
		{ { 0 },
		  SENT,
		  LOG_TAKE,
		  "2026-11-24 09:30:00  sent              ann@acme.example  course/one (ask)  250 2.0.0 ok?[1m\n" },
		{ { 0 },
		  WAITS,
		  LOG_TAKE,
		  "2026-11-24 09:31:00  waiting           ann@acme.example  course/two  contact_limit  until Tue "
		  "2026-12-01 09:30\n" },
		{ { 0 }, LOADED, LOG_TAKE, "2026-11-24 09:00:00  config_loaded     policy=abc  scale=1\n" },
		{ { 0 }, GATED, LOG_TAKE, "2026-11-24 09:32:00  gate_refused      m1 [r1]; m2 [r2]\n" },
		{ { .contact = "ann@acme.example" }, SENT, LOG_TAKE, NULL },
		{ { .contact = "ben@acme.example" }, SENT, LOG_SKIP, NULL },
		{ { .contact = "ann@acme.example" }, LOADED, LOG_SKIP, NULL },
		{ { .sequence = "course" }, SENT, LOG_TAKE, NULL },
		{ { .sequence = "cours" }, SENT, LOG_SKIP, NULL },
		{ { .event = sent, .event_n = 1 }, SENT, LOG_TAKE, NULL },
		{ { .event = sent, .event_n = 1 }, WAITS, LOG_SKIP, NULL },
		{ { .event = two, .event_n = 2 }, LOADED, LOG_TAKE, NULL },
		{ { .since = INT64_C(1795512600500) }, SENT, LOG_TAKE, NULL },
		{ { .since = INT64_C(1795512600501) }, SENT, LOG_SKIP, NULL },
		{ { 0 }, "{\"seq\":7", LOG_BAD, NULL },
		{ { 0 }, "[]", LOG_BAD, NULL },
		{ { 0 }, "", LOG_BAD, NULL },
	};

	(void)state;
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b = { 0 };
		struct log_seen seen;

		assert_int_equal(log_line(&rows[i].filter, rows[i].line, strlen(rows[i].line), &seen, false,
					  rows[i].text ? &b : NULL),
				 rows[i].take);
		if (rows[i].text)
			assert_string_equal(buf_text(&b), rows[i].text);
		if (rows[i].line == (const char *)SENT)
			assert_int_equal(seen.seq, 7);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),  cmocka_unit_test(test_help),  cmocka_unit_test(test_scan),
		cmocka_unit_test(test_find),     cmocka_unit_test(test_table), cmocka_unit_test(test_times),
		cmocka_unit_test(test_log_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
