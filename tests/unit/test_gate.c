/* rooms: base model rules */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/rules/gate_int.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct gate_result judge_as(const char *subject, const char *text, enum kind kind, bool is_template)
{
	struct gate_input in = { .subject = subject,
				 .text = text,
				 .text_len = strlen(text),
				 .kind = kind,
				 .is_template = is_template,
				 .first_line = 1 };
	struct gate_result r;
	gate_judge(&in, &r);
	return r;
}

static struct gate_result judge(const char *text)
{
	return judge_as("", text, KIND_VALUE, false);
}

static const struct gate_finding *finding(const struct gate_result *r, const char *rule)
{
	for (int i = 0; i < r->finding_n; i++)
		if (strcmp(r->finding[i].rule, rule) == 0)
			return &r->finding[i];
	return NULL;
}

/* Letters of our own making. None of them says anything to anybody. */
static const char *const empty[] = {
	"Hi Dana,\n\njust checking in to see if you had a chance to read my last e-mail.\n\nBest,\nSam",
	"Bumping this to the top of your inbox!",
	"Circling back on this. Any thoughts?",
	"Did you see my last e-mail? I know things get busy.",
	"Any thoughts?",
	"Hello Dana, wanted to follow up on my note from last week. Did it reach you?\n\nThanks\nSam",
	"Giving this a gentle nudge in case it got buried. Let me know either way!",
	"Still interested? If not I will close your file on Friday.",
	"Hi!\n\nHope you had a lovely weekend. I haven't heard back from you, so I thought I'd try once more. When "
	"would be a good time to talk?",
	"Is this still on your radar? Happy to jump on a quick call.",
	"Hi Dana, popping back into your inbox. Where do things stand on your side?",
	"Have you had time to think it over? No rush at all, whenever suits you.",
	"Sorry to bother you again. Should I assume that you are not interested?",
	"Dear Dana,\n\nI hope this message finds you well. I would love to connect and hear more about your plans. Are "
	"you free on Tuesday?\n\nKind regards,\n"
	"Sam Ortiz\nAccount Executive\nExample GmbH\n+49 30 1234567",
	"Merry Christmas and a happy new year to you and your family!",
	"Hi Dana,\n\nany update?\n\nOn Mon, 2 Nov 2026 at 10:00, Sam wrote:\n> Set max_connections to 40 and restart; "
	"the pool of the ORM holds 10 per "
	"worker,\n> so four workers use all of it.",
	"<html><body><p>Hi Dana,</p><p>just <b>following up</b> on my previous "
	"email.</p><p>Best,<br>Sam</p></body></html>",
	"<p>Touching base.</p><style>p { color: red; font: 12px serif; margin: 4px } a { b: c }</style>",
	"Any update?\n\n> Set max_connections to 40 and restart; the pool of the ORM holds 10 per worker,\n> so four "
	"workers use all of it.",
	"Any update?\n\n-----Original Message-----\nSet max_connections to 40 and restart; the pool of the ORM holds "
	"10 per worker.",
	"",
	"   \n\n",
	"Hi {{first_name}},\n\njust wanted to check in with you about {{topic}}.\n\n{{sender}}",
	"Following up on my mail of 3 March, 9 March and 14 March. Did you receive them?",
	"Thank you for your time on Tuesday, it was great to meet you. Looking forward to speaking soon!",
	"We are a leading provider of solutions for companies like yours. Our customers love us. Would you be open to "
	"a demo?",
};

/* Short, but the reader has something afterwards. */
static const char *const useful[] = {
	"Hi Dana,\n\nyes, it runs on ARM: set --arch arm64 and restart the agent.\n\nSam",
	"The import fails because the file is UTF-16. Save it as UTF-8 and it goes through.",
	"Following up on your question about the limit: SPF allows ten DNS look-ups, includes count, and yours has "
	"thirteen. Flatten the two of the CRM "
	"first; they alone cost five.",
	"Dana, the price list you asked for: 1 to 9 seats 12 EUR, 10 to 49 seats 9 EUR, from 50 seats 7 EUR a month, "
	"all without a minimum term.",
	"Run this before the upgrade:\n\n```\npg_dump -Fc app > app.dump\npg_restore --list app.dump | wc "
	"-l\n```\n\nThe second line must print more than 100.",
	"1. Export Users > Last active.\n2. Remove who hasn't logged in since Easter.\n3. Turn contractors into "
	"guests.",
	"Hi Dana, here is the benchmark we spoke about, with the raw data and the scripts to repeat it: "
	"https://example.com/benchmarks/2026-invoices",
	"Heads-up: the certificate of shop.example.com expires on 3 December, and the renewal job on that host has "
	"failed since 12 November.",
	"Checking in with the figure I promised: of 40 teams, the median needed 11 days to the first invoice; those "
	"who imported open records only "
	"needed 6.",
	"<p>Hi Dana,</p><p>turn off <code>innodb_flush_log_at_trx_commit</code> only on the replica; on the primary "
	"you lose a second of orders.</p>",
	"Dana, soup must drop from 135 to 70 degrees within two hours and to 41 within four more. Add a column to the "
	"log at two hours.",
	"Dana, the prices you asked for, per month and without a minimum term; above 34 seats the second row is the "
	"cheaper one:\n\n| seats | price |\n|---|---|\n| 10 | 90 |\n| 50 | 350 |\n",
	"Dear Dana,\n\nthe inspector reads page two first. Put the calibration dates there, oldest on top, and sign "
	"each line; a stamp is not enough.\n\nSam",
};

static void test_empty(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(empty); i++) {
		struct gate_result r = judge_as("", empty[i], KIND_VALUE, true);
		if (r.verdict != GATE_EMPTY || r.pass || r.finding_n < 1)
			fail_msg("judged %s (%.2f): %s", gate_verdict_name(r.verdict), r.score, empty[i]);
		r = judge_as("", empty[i], KIND_ASK, true);
		assert_false(r.pass); /* an ask must carry something, too */
	}
}

static void test_useful(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(useful); i++) {
		struct gate_result r = judge(useful[i]);
		if (r.verdict == GATE_EMPTY)
			fail_msg("judged empty (%s): %s", r.finding[0].message, useful[i]);
		assert_true(r.pass);
	}
}

/* What is around a letter makes it no better, and no worse. */
static void test_around(void **state)
{
	static const char before[] = "Dear Ms Reyes,\n\n";
	static const char after[] = "\n\nKind regards,\nSam Ortiz\nHead of Partner Success\nExample GmbH, Lindenstraße "
				    "4, 10969 Berlin\n+49 30 1234567\n\n"
				    "You are receiving this because you attended our webinar. Unsubscribe here.\n";
	char text[2048];
	(void)state;
	for (size_t i = 0; i < COUNT(empty); i++) {
		if (strstr(empty[i], "wrote:") != NULL || strstr(empty[i], "Original") != NULL || *empty[i] == '<')
			continue;
		snprintf(text, sizeof text, "%s%s%s", before, empty[i], after);
		if (judge_as("", text, KIND_VALUE, true).verdict != GATE_EMPTY)
			fail_msg("a signature gives it substance: %s", text);
	}
	for (size_t i = 0; i < COUNT(useful); i++) {
		snprintf(text, sizeof text, "%s%s%s", before, useful[i], after);
		if (*useful[i] != '<' && judge(text).verdict == GATE_EMPTY)
			fail_msg("a signature takes its substance: %s", text);
	}
}

static const char substance[] = "Name one person who may decide about settings; two owners cost a week each time they "
				"disagree. Write down the one task that must "
				"work by day 30, with a number. Export the old data before anybody edits it, and count "
				"the rows. Import the open records "
				"only.\n\n";

static void test_asks(void **state)
{
	static const struct {
		const char *end;
		enum gate_verdict verdict;
	} rows[] = {
		{ "", GATE_VALUE },
		{ "Let me know if anything is unclear, happy to help.", GATE_VALUE },
		{ "Would you be open to a call next week?", GATE_ASK },
		{ "Could we schedule a demo for your team?", GATE_ASK },
		{ "Please confirm the order by Friday.", GATE_ASK },
		{ "Could you introduce me to whoever signs?", GATE_ASK },
		{ "What does your calendar look like on Thursday?", GATE_ASK },
	};
	char text[1024];
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof text, "%s%s", substance, rows[i].end);
		struct gate_result value = judge(text), ask = judge_as("", text, KIND_ASK, false);
		if (value.verdict != rows[i].verdict)
			fail_msg("%s: judged %s", rows[i].end, gate_verdict_name(value.verdict));
		assert_int_equal(value.pass, rows[i].verdict == GATE_VALUE);
		assert_true(ask.pass);
	}
}

static void test_placeholders(void **state)
{
	static const struct {
		const char *text;
		bool is_template, found;
		int line, column;
	} rows[] = {
		{ "Hello {{first_name}},\n\n", false, true, 1, 7 },
		{ "Hello,\n\nat {{account}} ", false, true, 3, 4 },
		{ "Hello {{first_name}},\n\n", true, false, 0, 0 },
		{ "Write `{{ name }}` in the template. ", false, false, 0, 0 },
		{ "```\n{{ name }}\n```\n", false, false, 0, 0 },
		{ "{{{raw}}} ", false, true, 1, 1 },
		{ "A brace {{ that never\ncloses ", false, false, 0, 0 },
	};
	char text[1024];
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof text, "%s%s", rows[i].text, substance);
		struct gate_result r = judge_as("", text, KIND_VALUE, rows[i].is_template);
		const struct gate_finding *f = finding(&r, "undefined-placeholder");
		assert_int_equal(f != NULL, rows[i].found);
		assert_int_equal(r.pass, !rows[i].found);
		assert_int_equal(r.verdict, GATE_VALUE); /* it refuses, and leaves the verdict */
		if (f != NULL) {
			assert_int_equal(f->line, rows[i].line);
			assert_int_equal(f->column, rows[i].column);
		}
	}
}

static void test_subject(void **state)
{
	static const struct {
		const char *subject;
		bool in_thread, found;
	} rows[] = { { "Re: our call", false, true },      { "RE: RE: prices", false, true },
		     { "Fwd: invoice", false, true },      { "  re: x", false, true },
		     { "Re: our call", true, false },      { "Re-bid of the contract", false, false },
		     { "Regarding Monday", false, false }, { "", false, false } };
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gate_input in = { .subject = rows[i].subject,
					 .text = substance,
					 .text_len = sizeof substance - 1,
					 .in_thread = rows[i].in_thread };
		struct gate_result r;
		gate_judge(&in, &r);
		assert_int_equal(finding(&r, "fake-reply") != NULL, rows[i].found);
		assert_int_equal(r.pass, !rows[i].found);
		assert_int_equal(r.verdict, GATE_VALUE);
	}
}

static void test_images(void **state)
{
	static const char *const rows[] = { "![Our spring offer](https://example.com/a.png)",
					    "<p><img src=\"a.png\" alt=\"Everything 30 % off\"></p>",
					    "Hi Dana,\n\n![](https://example.com/a.png)\n\nSam" };
	char text[1024];
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gate_result r = judge(rows[i]);
		assert_int_equal(r.verdict, GATE_EMPTY);
		assert_non_null(finding(&r, "image-only"));
		snprintf(text, sizeof text, "%s\n\n%s", rows[i], substance);
		assert_int_equal(judge(text).verdict, GATE_VALUE);
	}
}

static void test_warnings(void **state)
{
	char text[1024];
	(void)state;
	snprintf(text, sizeof text, "%sLast chance: the offer ends tonight.", substance);
	struct gate_result r = judge(text);
	assert_non_null(finding(&r, "false-urgency"));
	assert_true(r.pass);
	snprintf(
	    text, sizeof text,
	    "%sWould you be open to a call? Could you introduce me to your CFO? Please confirm by Friday. Book a demo.",
	    substance);
	r = judge_as("", text, KIND_ASK, false);
	assert_non_null(finding(&r, "too-many-asks"));
	assert_true(r.pass);
	snprintf(text, sizeof text, "Hi [First Name],\n\n%s", substance);
	r = judge(text);
	assert_non_null(finding(&r, "foreign-placeholder"));
	assert_int_equal(finding(&r, "foreign-placeholder")->column, 4);
	assert_true(r.pass);
}

static void test_findings_have_places(void **state)
{
	struct gate_input in = {
		.subject = "", .text = "Hello,\n\n  bumping this.\n", .text_len = 24, .first_line = 5
	};
	struct gate_result r;
	(void)state;
	gate_judge(&in, &r);
	assert_int_equal(r.finding[0].line, 7);
	assert_int_equal(r.finding[0].column, 3);
	in.first_line = 0; /* not given */
	gate_judge(&in, &r);
	assert_int_equal(r.finding[0].line, 3);
}

static void test_rules_are_listed(void **state)
{
	int n = 0;
	(void)state;
	for (const struct gate_rule *r; (r = gate_rule_at(n)) != NULL; n++) {
		assert_true(strspn(r->name, "abcdefghijklmnopqrstuvwxyz-") == strlen(r->name) && *r->name != '\0');
		assert_true(strlen(r->help) > 10);
		for (int k = 0; k < n; k++)
			assert_string_not_equal(gate_rule_at(k)->name, r->name);
	}
	assert_true(n >= 7);
	assert_null(gate_rule_at(-1));
	for (size_t i = 0; i < COUNT(empty); i++) {
		struct gate_result g = judge(empty[i]);
		for (int k = 0; k < g.finding_n; k++) {
			bool known = false;
			for (int j = 0; j < n; j++)
				known |= strcmp(gate_rule_at(j)->name, g.finding[k].rule) == 0;
			assert_true(known);
		}
	}
}

/* The table is searched by first word, the lists by halves. */
static void test_language_data(void **state)
{
	(void)state;
	for (const struct gate_language *l = gate_languages; l->name != NULL; l++) {
		char last[64] = "", word[64];
		for (size_t i = 0; i < l->phrase_n; i++) {
			const char *p = l->phrase[i].text;
			size_t n = strcspn(p, " ");
			assert_true(n > 0 && n < sizeof word && (l->phrase[i].what & ~(unsigned)PHRASE_BEGIN) != 0);
			memcpy(word, p, n);
			word[n] = '\0';
			if (strcmp(last, word) > 0 || strpbrk(word, "|~*,.?!^") != NULL || strstr(p, "  ") != NULL ||
			    p[strlen(p) - 1] == ' ')
				fail_msg("\"%s\" behind \"%s\"", p, last);
			strcpy(last, word);
		}
		for (int list = 0; list < LIST_COUNT; list++) {
			const char *const *row = l->list[list];
			assert_non_null(row[0]);
			for (size_t i = 0; row[i] != NULL; i++) {
				assert_true(*row[i] != '\0' && row[i][strlen(row[i]) - 1] != '\t');
				assert_true(i == 0 || strcmp(row[i - 1], row[i]) < 0);
				for (const char *c = row[i]; *c != '\0'; c++)
					assert_true(*c >= ' ' && *c <= '~' && !(*c >= 'A' && *c <= 'Z'));
			}
		}
	}
	assert_string_equal(gate_languages[0].name, "en");
}

static void test_long_texts(void **state)
{
	size_t n = 400000;
	char *text = malloc(n + 1);
	(void)state;
	assert_non_null(text);
	memset(text, 'a', n); /* one word */
	text[n] = '\0';
	judge(text);
	for (size_t i = 0; i < n; i++)
		text[i] = i % 6 == 5 ? ' ' : 'b';
	assert_int_equal(judge(text).verdict, GATE_VALUE);
	for (size_t i = 0; i < n; i++)
		text[i] = "x. "[i % 3];
	judge(text);
	for (size_t i = 0; i < n; i++)
		text[i] = "{{"[i % 2];
	judge(text);
	for (size_t i = 0; i < n; i++)
		text[i] = "<a"[i % 2];
	judge(text);
	free(text);
}

/* Each text is read once, whatever it is made of (how fast: tests/bench/bench_gate_text.c). */
static void test_marks(void **state)
{
	static const char *const unit[] = { "!",  "?",  ".", "\"", "a.", ". ",  "{{",  "![", "![](", "<", "&",
					    "- ", "*_", "'", "]",  "&#", "<p>", "<a ", "> ", "[[",   "`", "<!--" };
	static char text[1 << 18];
	(void)state;
	for (size_t i = 0; i < COUNT(unit); i++) {
		size_t n = strlen(unit[i]);
		for (size_t k = 0; k + 1 < sizeof text; k++)
			text[k] = unit[i][k % n];
		judge(text);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--rules") == 0) { /* for tests/docs_gate.sh */
		for (int i = 0; gate_rule_at(i) != NULL; i++)
			puts(gate_rule_at(i)->name);
		return 0;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_useful),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_asks),
		cmocka_unit_test(test_placeholders),
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_findings_have_places),
		cmocka_unit_test(test_rules_are_listed),
		cmocka_unit_test(test_language_data),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_marks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
