/* rooms: base model rules config */
/* Policies that can never be met are errors, those that are merely odd are warnings, each with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abv/config.h"
#include "config_dir.h"

struct row {
	const char *main;     /* behind BASE: from line 7 on */
	const char *cadence;  /* of the sequence, in line 3; NULL: none */
	const char *steps;    /* from line 2 on; NULL: two steps */
	const char *calendar; /* h.ics, from line 2 on; NULL: none */
	const char *expected; /* "E" or "W", then "file:line:column rule\n" */
};

#define TWO        "{ name = \"one\"; template = \"one.md\"; }, { name = \"two\"; after = \"5bd\"; template = \"two.md\"; }"
#define THIRD      TWO ",\n{ name = \"x\"; template = \"x.md\"; "
#define H          "cadence = { window = { holidays = [\"h.ics\"]; }; };\n"
#define EVENT(t)   "BEGIN:VEVENT\r\n" t "END:VEVENT\r\n"
#define DAILY      EVENT("DTSTART;VALUE=DATE:20250101\r\nRRULE:FREQ=DAILY\r\n")
#define MONDAY     EVENT("DTSTART;VALUE=DATE:20250106\r\nRRULE:FREQ=WEEKLY;BYDAY=MO\r\n")
#define CONTACT(t) "cadence = { contact = { " t " }; };\n"

static const struct row rows[] = {
	{ "", NULL, NULL, NULL, "" },

	/* windows */
	{ "cadence = { window = { hours = \"09:00-09:00\"; }; };\n", NULL, NULL, NULL, "Eabvd.conf:7:24 bad-value\n" },
	{ "cadence = { window = { hours = \"17:30-08:30\"; }; };\n", NULL, NULL, NULL, "Eabvd.conf:7:24 bad-value\n" },
	{ "cadence = { window = { days = \"\"; }; };\n", NULL, NULL, NULL, "Eabvd.conf:7:24 bad-value\n" },
	{ "", "window = { days = \"sat\"; };", NULL, NULL, "Esequences.d/a.conf:3:24 loosens\n" },
	{ "", "window = { hours = \"18:00-19:00\"; };", NULL, NULL, "Esequences.d/a.conf:3:24 loosens\n" },

	/* holidays that leave no day, or few */
	{ H, NULL, NULL, DAILY, "Eabvd.conf:7:24 contradiction\n" },
	{ H, NULL, NULL, MONDAY, "" },
	{ "cadence = { window = { days = \"mon\"; holidays = [\"h.ics\"]; }; };\n", NULL, NULL, MONDAY,
	  "Eabvd.conf:7:38 contradiction\n" },
	{ H, "window = { days = \"mon\"; };", NULL, MONDAY, "Esequences.d/a.conf:3:24 contradiction\n" },
	{ H, NULL, NULL, EVENT("DTSTART;VALUE=DATE:20260601\r\nDTEND;VALUE=DATE:20260901\r\n"),
	  "Wabvd.conf:7:24 long-closure\n" },
	{ H, NULL, NULL, EVENT("DTSTART;VALUE=DATE:20260601\r\nDTEND;VALUE=DATE:20260715\r\n"), "" },
	/* years without an open day, however they are written */
	{ H, NULL, NULL, EVENT("DTSTART;VALUE=DATE:20100101\r\nDTEND;VALUE=DATE:20500101\r\n"),
	  "Eabvd.conf:7:24 contradiction\n" },
	{ H, NULL, NULL, EVENT("DTSTART;VALUE=DATE:20260101\r\nDURATION:P1000000000W\r\n"),
	  "Eabvd.conf:7:24 contradiction\n" },

	/* calendars: what would be lost without a word has the calendar's line */
	{ H, NULL, NULL, EVENT("DTSTART;VALUE=DATE:2025XX06\r\n"), "Eh.ics:3:1 bad-calendar\n" },
	{ H, NULL, NULL, EVENT("DTSTART;VALUE=DATE:20260231\r\n"), "Eh.ics:3:1 bad-calendar\n" },
	{ H, NULL, NULL, EVENT("DTSTART;VALUE=DATE:20280229\r\n"), "" },
	{ H, NULL, NULL, EVENT("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=SOMETIMES\r\n"),
	  "Eh.ics:4:1 bad-calendar\n" },
	{ H, NULL, NULL,
	  EVENT("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20270101,2028\r\n"),
	  "Eh.ics:5:1 bad-calendar\n" },
	{ H, NULL, NULL, EVENT("SUMMARY:None\r\n"), "Eh.ics:2:1 bad-calendar\n" },
	{ H, NULL, NULL, EVENT("SUMMARY:A long\r\n  text: DTSTART:x\r\nDTSTART;VALUE=DATE:20260101\r\n"), "" },
	{ H, NULL, NULL, EVENT("DTSTART;X=\"a:b\";VALUE=DATE:20260101\r\nRDATE;VALUE=DATE:20260102,20260103\r\n"), "" },
	{ H, NULL, NULL, EVENT("DTSTART;VALUE=DATE:20260110\r\nDTEND;VALUE=DATE:20260105\r\n"),
	  "Wh.ics:4:1 bad-calendar\n" },
	{ H, NULL, NULL, EVENT("DTSTART:20260101T090000Z\r\n"), "Wabvd.conf:7:36 no-holidays\n" },
	{ H, NULL, NULL, EVENT("DTSTART;VALUE=DATE:19990101\r\n"), "Wabvd.conf:7:36 no-holidays\n" },
	{ H, NULL, NULL, "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\n",
	  "Eh.ics:1:1 bad-calendar\nEh.ics:2:1 bad-calendar\nEh.ics:4:1 bad-calendar\n" },
	{ H, NULL, NULL, EVENT("DTSTART;VALUE=DATE:20260101\r\n") "END:VEVENT\r\n", "Eh.ics:5:1 bad-calendar\n" },

	/* limits */
	{ CONTACT("limits = [\"0 per 7d\"];"), NULL, NULL, NULL, "Eabvd.conf:7:35 bad-value\n" },
	{ "cadence = { sender = { limits = [\"0 per 1d\"]; }; provider = { limits = [\"0 per 1d\"]; };\n"
	  "account = { limits = [\"0 per 1d\"]; }; };\n",
	  NULL, NULL, NULL, "Eabvd.conf:7:34 bad-value\nEabvd.conf:7:73 bad-value\nEabvd.conf:8:23 bad-value\n" },
	{ CONTACT("limits = [\"5 per 1d\", \"1 per 7d\",\n\"1 per 7d\"];"), NULL, NULL, NULL,
	  "Wabvd.conf:7:35 idle-limit\nWabvd.conf:8:1 idle-limit\n" },

	/* nobody is ever written to twice */
	{ CONTACT("min_gap = \"120d\"; limits = [];") "", NULL, NULL, NULL,
	  "Eabvd.conf:7:25 contradiction\nEabvd.conf:7:25 contradiction\nWsequences.d/a.conf:2:41 never-sent\n" },
	{ "cadence = { contact = { min_gap = \"100bd\"; limits = []; }; backoff = { max_gap = \"300d\"; }; };\n", NULL,
	  NULL, NULL, "Eabvd.conf:7:25 contradiction\nWsequences.d/a.conf:2:41 never-sent\n" },
	{ "cadence = { contact = { min_gap = \"60bd\"; limits = []; }; backoff = { max_gap = \"90d\"; }; };\n", NULL,
	  NULL, NULL, "Wabvd.conf:7:43 unreachable-ask\n" },
	{ CONTACT("limits = [\"1 per 120d\"];"), NULL, NULL, NULL,
	  "Eabvd.conf:7:25 contradiction\nWsequences.d/a.conf:2:41 never-sent\n" },
	{ CONTACT("limits = [\"1 per 119d\"];"), NULL, NULL, NULL, "Wabvd.conf:7:25 unreachable-ask\n" },
	{ "cadence = { sender = { limits = [\"1 per 120d\"]; }; };\n", NULL, NULL, NULL,
	  "Eabvd.conf:7:24 contradiction\nWsequences.d/a.conf:2:41 never-sent\n" },
	{ "cadence = { account = { limits = [\"1 per 150d\"]; }; };\n", NULL, NULL, NULL,
	  "Wabvd.conf:7:25 one-touch\n" },
	{ "cadence = { account = { min_gap = \"150d\"; }; };\n", NULL, NULL, NULL, "Wabvd.conf:7:25 one-touch\n" },
	{ "consent = { max_age = \"7d\"; };\n", NULL, NULL, NULL, "Wabvd.conf:7:13 one-touch\n" },
	{ "consent = { max_age = \"8d\"; };\n", NULL, NULL, NULL, "" },
	{ "", "contact = { min_gap = \"90bd\"; };", NULL, NULL,
	  "Esequences.d/a.conf:3:25 contradiction\nEsequences.d/a.conf:3:25 contradiction\n"
	  "Wsequences.d/a.conf:2:41 never-sent\n" },

	/* what comes too late */
	{ "cadence = { gifts_per_ask = 8; };\n", NULL, NULL, NULL,
	  "Wabvd.conf:7:13 unreachable-ask\nWabvd.conf:7:13 unreachable-ask\n" },
	{ "cadence = { sunset = { touches = 1; }; };\n", NULL, NULL, NULL,
	  "Wabvd.conf:7:24 unreachable-ask\nWsequences.d/a.conf:2:41 never-sent\n" },
	{ "", NULL, THIRD "after = \"119d\"; }", NULL, "Wsequences.d/a.conf:3:1 never-sent\n" },
	{ "", NULL, THIRD "after = \"100d\"; }", NULL, "" },
	{ "", NULL, THIRD "after = \"1d\"; expire = \"6d\"; }", NULL, "Esequences.d/a.conf:3:1 never-sent\n" },
	{ "", NULL, THIRD "after = \"1d\"; expire = \"7d\"; }", NULL, "" },
	{ "", NULL, THIRD "after = \"1bd\"; expire = \"3d\"; }", NULL, "Esequences.d/a.conf:3:1 never-sent\n" },
	{ "", NULL, THIRD "after = \"1bd\"; expire = \"4d\"; }", NULL, "" },
	{ H, NULL, THIRD "after = \"1bd\"; expire = \"3d\"; }", MONDAY, "" }, /* the holidays may make it longer */
	{ "", NULL, THIRD "expire = \"0d\"; }", NULL, "Esequences.d/a.conf:3:34 out-of-range\n" },

	/* back-off */
	{ "cadence = { backoff = { max_gap = \"2bd\"; }; };\n", NULL, NULL, NULL, "Eabvd.conf:7:25 contradiction\n" },
	{ "cadence = { backoff = { max_gap = \"2d\"; }; };\n", NULL, NULL, NULL, "Eabvd.conf:7:25 contradiction\n" },
};

/* Warm-up stands in the sender's group. */
static const struct {
	const char *warmup, *expected;
} ramps[] = {
	{ "start = 0; growth = 1.2; target = 10;", "Eabvd.conf:1:18 out-of-range\n" },
	{ "start = 5; growth = 0.9; target = 10;", "Eabvd.conf:1:29 out-of-range\n" },
	{ "start = 5; growth = 1.0; target = 10;", "Eabvd.conf:1:29 contradiction\n" },
	{ "start = 50; growth = 1.5; target = 10;", "Eabvd.conf:1:18 contradiction\n" },
	{ "start = 10; growth = 1; target = 10;", "" },
	{ "start = 1; growth = 1.2; target = 10;", "" },
	{ "start = 5; target = 10;", "Eabvd.conf:1:29 missing-key\n" },
};

static void append(struct buf *b, const struct problems *p, enum severity severity, char mark)
{
	char *found = config_dir_findings(p, severity);

	for (char *line = strtok(found, "\n"); line; line = strtok(NULL, "\n"))
		if (!strstr(line, "no-inbox") && !strstr(line, "no-sequence"))
			buf_printf(b, "%c%s\n", mark, line);
	free(found);
}

static int judge(size_t i, const char *text, const char *expected)
{
	struct problems p = { 0 };
	struct config *c = NULL;
	struct buf found = { 0 };

	int rc = config_load(config_dir_path("abvd.conf"), &c, &p);

	append(&found, &p, SEVERITY_ERROR, 'E');
	append(&found, &p, SEVERITY_WARNING, 'W');
	int bad = strcmp(buf_text(&found), expected) != 0 || (rc == 0) != (p.errors == 0);

	if (bad) {
		print_error("row %zu: %s\nexpected:\n%s\nfound:\n%s", i, text, expected, buf_text(&found));
		for (size_t k = 0; k < p.n; k++)
			print_error("  %s: %s\n", p.row[k].rule, p.row[k].message);
	}
	buf_free(&found);
	config_free(&c);
	problems_free(&p);
	return bad;
}

static int row_check(size_t i)
{
	const struct row *r = &rows[i];
	struct buf text = { 0 };

	config_dir_make();
	buf_printf(&text, BASE "%s", r->main);
	config_dir_put("abvd.conf", buf_text(&text));
	buf_clear(&text);
	buf_printf(&text, "sequence = { name = \"a\"; steps = (\n%s);\n", r->steps ? r->steps : TWO);
	if (r->cadence)
		buf_printf(&text, "cadence = { %s };\n", r->cadence);
	buf_str(&text, "};\n");
	config_dir_put("sequences.d/a.conf", buf_text(&text));
	buf_clear(&text);
	buf_printf(&text, "BEGIN:VCALENDAR\r\n%sEND:VCALENDAR\r\n", r->calendar ? r->calendar : "");
	config_dir_put("h.ics", buf_text(&text));
	int bad = judge(i, r->cadence ? r->cadence : r->main, r->expected);

	buf_free(&text);
	config_dir_remove();
	return bad;
}

static void test_policies(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		bad += row_check(i);
	assert_int_equal(bad, 0);
}

static void test_ramps(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof ramps / sizeof *ramps; i++) {
		struct buf text = { 0 };

		config_dir_make();
		/* one line: sender = { warmup = { ... }; from = ... */
		buf_printf(&text, "%s %s }; %s", "sender={warmup={", ramps[i].warmup, strchr(BASE, '{') + 1);
		config_dir_put("abvd.conf", buf_text(&text));
		bad += judge(i, ramps[i].warmup, ramps[i].expected);
		buf_free(&text);
		config_dir_remove();
	}
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_policies), cmocka_unit_test(test_ramps) };

	unsetenv("CREDENTIALS_DIRECTORY");
	return cmocka_run_group_tests_name("config_policy", tests, NULL, NULL);
}
