/* rooms: base model rules config render check */
/* Configuration and templates together: what refuses the whole, what keeps one sequence from starting, what is clean.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abv/check.h"
#include "abv/mem.h"
#include "config_dir.h"

#define VALUE_TEXT                                                                                                     \
	"Hello {{#first_name}}{{first_name}}{{/first_name}}{{^first_name}}there{{/first_name}},\n\n"                   \
	"here is how teams cut the time from contract to first use. Export the old data before anybody edits it and "  \
	"count the\n"                                                                                                  \
	"rows; name one owner who may decide about settings; choose five daily users for a pilot, and import only "    \
	"open records.\n"                                                                                              \
	"After two weeks compare ten records field by field. If more than 2 % are wrong, fix the mapping first.\n\n"
#define VALUE(n)  "Subject: Guide " n "\nKind: value\n\n" VALUE_TEXT "1. Step " n " is to write the numbers down.\n"
#define ASK       "Subject: Together?\nKind: ask\n\n" VALUE_TEXT "Would you book a meeting for a demo?\n"
#define EMPTY     "Subject: Hello\nKind: value\n\nHi,\n\njust checking in. Any thoughts?\n"
#define STEP(n)   "{ name = \"" n "\"; template = \"" n ".md\"; }"
#define SEQ(text) "sequence = { name = \"s\";\nsteps = (\n" text ") ; };"

#define OPEN       "Subject: Hello\nKind: value\n\nHi {{first_name,\n"
#define BROKEN     "templates/broken.md:4:4 placeholder-syntax\n"
#define EMPTY_WORD "templates/empty.md:6:1 filler-followup\n"
/* the renderer tells this of the file as a whole */
#define LAYOUT_WORD "templates/layout.html:1:1 layout\n"

struct row {
	const char *sequence;
	enum plan_status status;
	bool startable;
	const char *expected; /* errors: "file:line:column rule\n" */
	const char *main;     /* behind BASE, from line 7 on; NULL: nothing */
	const char *layout;   /* templates/layout.html; NULL: none */
};

static const struct row rows[] = {
	{ SEQ(STEP("v1") ",\n" STEP("v2") ",\n" STEP("v3") ",\n" STEP("ask")), PLAN_OK, true, "", NULL, NULL },
	{ SEQ(STEP("v1") ",\n" STEP("v2") ",\n" STEP("ask")), PLAN_REFUSED, false,
	  "sequences.d/s.conf:5:1 unreachable-ask\n", NULL, NULL },
	{ SEQ(STEP("ask")), PLAN_REFUSED, false, "sequences.d/s.conf:3:1 unreachable-ask\n", NULL, NULL },
	{ SEQ(STEP("v1") ",\n" STEP("v2") ",\n" STEP("v3") ",\n" STEP(
	      "ask") ",\n{ name = \"again\"; template = \"ask2.md\"; }"),
	  PLAN_REFUSED, false, "sequences.d/s.conf:7:1 unreachable-ask\n", NULL, NULL },
	{ SEQ(STEP("v1") ",\n" STEP("none")), PLAN_REFUSED, false, "sequences.d/s.conf:4:18 missing-file\n", NULL,
	  NULL },
	{ SEQ(STEP("v1") ",\n{ name = \"copy\"; template = \"v1.md\"; }"), PLAN_OK, false,
	  "sequences.d/s.conf:4:1 repeat-content\n", NULL, NULL },
	{ SEQ(STEP("v1") ",\n{ name = \"copy\"; template = \"v1copy.md\"; }"), PLAN_OK, false,
	  "sequences.d/s.conf:4:1 repeat-content\n", NULL, NULL },
	{ "sequence = { name = 3; };", PLAN_REFUSED, false,
	  "sequences.d/s.conf:1:1 missing-key\nsequences.d/s.conf:1:14 wrong-type\n", NULL, NULL },

	/* the configuration is wrong, and the templates are judged all the same */
	{ SEQ(STEP("empty") ",\n" STEP("none") ",\n" STEP("broken")), PLAN_REFUSED, false,
	  "abvd.conf:7:1 unknown-key\nsequences.d/s.conf:4:18 missing-file\n" BROKEN EMPTY_WORD, "foo = 1;\n", NULL },
	{ SEQ(STEP("v1") ",\n" STEP("ask")), PLAN_REFUSED, false,
	  "abvd.conf:7:1 unknown-key\nsequences.d/s.conf:4:1 unreachable-ask\n", "foo = 1;\n", NULL },
	{ SEQ(STEP("broken")), PLAN_REFUSED, false, "abvd.conf:7:1 syntax\n" BROKEN, "foo = ;\n", NULL },
	/* a step that was refused: its template is judged, told once, and nothing is said of asks without it */
	{ SEQ("{ name = \"x\"; template = \"broken.md\"; foo = 1; },\n{ name = \"y\"; after = 3; template = "
	      "\"broken.md\"; },\n{ name = \"z\"; after = 3; template = \"none.md\"; },\n" STEP("ask")),
	  PLAN_REFUSED, false,
	  "sequences.d/s.conf:3:39 unknown-key\nsequences.d/s.conf:4:15 wrong-type\nsequences.d/s.conf:5:15 "
	  "wrong-type\nsequences.d/s.conf:5:26 missing-file\n" BROKEN,
	  NULL, NULL },
	{ SEQ("{ name = \"x\"; template = \"broken.md\"; foo = 1; },\n" STEP("broken")), PLAN_REFUSED, false,
	  "sequences.d/s.conf:3:39 unknown-key\n" BROKEN, NULL, NULL },
	/* sequences without a name, or with another's */
	{ "sequence = ( { steps = (\n" STEP("broken") "); },\n{ name = \"s\"; steps = (" STEP(
	      "v1") "); },\n{ name = \"s\"; steps = (\n" STEP("none") "); } );",
	  PLAN_REFUSED, false,
	  "sequences.d/s.conf:1:14 missing-key\nsequences.d/s.conf:4:3 duplicate-sequence\nsequences.d/s.conf:5:18 "
	  "missing-file\n" BROKEN,
	  NULL, NULL },
	/* how many gifts an ask needs is not known */
	{ SEQ(STEP("ask")), PLAN_REFUSED, false, "abvd.conf:7:13 wrong-type\n",
	  "cadence = { gifts_per_ask = \"0\"; };\n", NULL },
	{ "sequence = { name = \"s\"; cadence = { gifts_per_ask = 4; };\nsteps = (\n" STEP("ask") "); };", PLAN_REFUSED,
	  false, "abvd.conf:7:13 wrong-type\nsequences.d/s.conf:3:1 unreachable-ask\n",
	  "cadence = { gifts_per_ask = \"0\"; };\n", NULL },
	/* nor does a wrong layout hide a wrong template */
	{ SEQ(STEP("broken")), PLAN_REFUSED, false, BROKEN LAYOUT_WORD, NULL,
	  "<p>{{{body}}} {{reason_why}} {{postal_address}}</p>" },
};

static void put_all(void)
{
	config_dir_put("abvd.conf", BASE);
	config_dir_put("templates/broken.md", OPEN);
	config_dir_put("templates/v1.md", VALUE("one"));
	config_dir_put("templates/v1copy.md", VALUE("one"));
	config_dir_put("templates/v2.md", VALUE("two"));
	config_dir_put("templates/v3.md", VALUE("three"));
	config_dir_put("templates/ask.md", ASK);
	config_dir_put("templates/ask2.md", ASK "Or answer with a date.\n");
	config_dir_put("templates/empty.md", EMPTY);
}

static char *errors_of(const struct problems *p)
{
	struct buf b = { 0 };
	size_t n = strlen(config_dir);

	for (size_t i = 0; i < p->n; i++)
		if (p->row[i].severity == SEVERITY_ERROR)
			buf_printf(&b, "%s:%d:%d %s\n", p->row[i].file + n + 1, p->row[i].line, p->row[i].column,
				   p->row[i].rule);
	return buf_take(&b);
}

static void print_all(const struct problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct buf b = { 0 };

		problem_format(&p->row[i], &b);
		print_error("  %s\n", buf_text(&b));
		buf_free(&b);
	}
}

/* Each finding, warnings too, as file:line:column. */
static bool has_places(const struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->row[i].line < 1 || p->row[i].column < 1)
			return false;
	return p->n > 0;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct problems p = { 0 };
		struct plan *plan = NULL;

		config_dir_make();
		put_all();
		config_dir_put("sequences.d/s.conf", rows[i].sequence);
		if (rows[i].main) {
			char *text = mem_printf("%s%s", BASE, rows[i].main);

			config_dir_put("abvd.conf", text);
			free(text);
		}
		if (rows[i].layout)
			config_dir_put("templates/layout.html", rows[i].layout);
		enum plan_status status = plan_load(config_dir_path("abvd.conf"), &plan, &p);
		char *found = errors_of(&p);
		bool good = status == rows[i].status && (plan != NULL) == (status == PLAN_OK) &&
			    !strcmp(found, rows[i].expected) && has_places(&p) &&
			    (!plan || plan_sequence(plan, "s")->startable == rows[i].startable);

		if (!good) {
			print_error("row %zu: status %d\n%s\n", i, (int)status, rows[i].sequence);
			print_all(&p);
		}
		free(found);
		plan_free(&plan);
		assert_null(plan);
		problems_free(&p);
		config_dir_remove();
		assert_true(good);
	}
}

/* The gate refuses one template: that sequence does not start, the others do, and the finding is in the template. */
static void test_gate(void **state)
{
	struct problems p = { 0 };
	struct plan *plan = NULL;
	bool told = false;

	(void)state;
	config_dir_make();
	put_all();
	config_dir_put("sequences.d/s.conf",
		       "sequence = ( { name = \"bad\"; steps = ( " STEP(
			   "empty") " ); },\n"
				    "{ name = \"worse\"; steps = ( " STEP("empty") " ); },\n"
										   "{ name = \"good\"; steps = ( " STEP(
										       "v1") " ); } );");
	assert_int_equal(plan_load(config_dir_path("abvd.conf"), &plan, &p), PLAN_OK);
	assert_false(plan_sequence(plan, "bad")->startable);
	assert_false(plan_sequence(plan, "worse")->startable);
	assert_true(plan_sequence(plan, "good")->startable);
	assert_true(plan_sequence(plan, "good")->step[0].gate.pass);
	assert_null(plan_sequence(plan, "none"));
	assert_true(p.errors > 0);
	for (size_t i = 0; i < p.n; i++) {
		assert_true(p.row[i].severity != SEVERITY_ERROR ||
			    !strcmp(p.row[i].file, config_dir_path("templates/empty.md")));
		told |= p.row[i].line == 6;
		for (size_t j = 0; j < i; j++)
			assert_false(!strcmp(p.row[i].file, p.row[j].file) && p.row[i].line == p.row[j].line &&
				     p.row[i].column == p.row[j].column && !strcmp(p.row[i].rule, p.row[j].rule));
	}
	assert_true(told);
	plan_free(&plan);
	problems_free(&p);
	config_dir_remove();
}

/* The row about this rule, or NULL. */
static const struct problem *problem_of(const struct problems *p, const char *rule)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->row[i].rule, rule))
			return &p->row[i];
	return NULL;
}

#define LONG                                                                                                           \
	VALUE_TEXT                                                                                                     \
	"Write the numbers down and compare them with those of the month before; send them to the owner of "           \
	"each source. What changed by more than a tenth has a reason that somebody can name, or the export is "        \
	"wrong.\n"
#define OTHER                                                                                                          \
	"The price of a seat falls with their number: nine euros from ten on, seven from fifty on. Contractors who "   \
	"log "                                                                                                         \
	"in once a quarter are guests and cost nothing. Move them before the renewal, which counts the seats of the "  \
	"day; "                                                                                                        \
	"the list of who logged in when is under Export, in the column Last active.\n"

/* Near-equal letters: what they share, with the other one's name. */
static void test_repeats(void **state)
{
	static const struct {
		const char *first, *second;
		bool between; /* in two sequences */
		int severity; /* -1: no finding */
		bool startable;
	} cases[] = {
		{ "Hi,\n\n" LONG, "Hello {{first_name}},\n\n" LONG "\nBest,\nSam\n", false, SEVERITY_ERROR, false },
		{ LONG,
		  LONG "Nothing else is needed, and it has never failed in the ten years that we have done it so; "
		       "the eleventh will show whether that was luck, and you will be told in this place.\n",
		  false, SEVERITY_WARNING, true },
		{ LONG, OTHER, false, -1, true },
		{ "Dear Ms Reyes,\n\n" LONG "\nKind regards,\nSam Ortiz\nHead of Partner Success\n",
		  "Dear Ms Reyes,\n\n" OTHER "\nKind regards,\nSam Ortiz\nHead of Partner Success\n", false, -1, true },
		{ LONG, LONG, true, SEVERITY_WARNING, true },
		{ LONG, OTHER, true, -1, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct problems p = { 0 };
		struct plan *plan = NULL;
		char *one = mem_printf("Subject: One\n\n%s", cases[i].first),
		     *two = mem_printf("Subject: Two\n\n%s", cases[i].second);

		config_dir_make();
		config_dir_put("abvd.conf", BASE);
		config_dir_put("templates/v1.md", one);
		config_dir_put("templates/v2.md", two);
		config_dir_put("sequences.d/s.conf", cases[i].between
							 ? "sequence = ( { name = \"s\"; steps = ( " STEP(
							       "v1") " ); },\n{ name = "
								     "\"t\"; steps = ( " STEP("v2") " ); } );"
							 : SEQ(STEP("v1") ",\n" STEP("v2")));
		assert_int_equal(plan_load(config_dir_path("abvd.conf"), &plan, &p), PLAN_OK);
		const struct problem *found = problem_of(&p, "repeat-content");

		if ((found ? (int)found->severity : -1) != cases[i].severity) {
			print_all(&p);
			fail_msg("case %zu", i);
		}
		assert_int_equal(plan_sequence(plan, "s")->startable, cases[i].startable);
		assert_true(!found || (strstr(found->message, "v1.md") && strstr(found->message, " %")));
		assert_true(!found || !cases[i].between || strstr(found->file, "templates/v2.md"));
		plan_free(&plan);
		problems_free(&p);
		config_dir_remove();
		free(one);
		free(two);
	}
}

/* Two sequences may share a template: it is no copy of itself. A chain of many alike between sequences: each is told.
 */
static void test_repeats_of_many(void **state)
{
	struct problems p = { 0 };
	struct plan *plan = NULL;
	struct buf conf = { 0 };
	int told = 0;

	(void)state;
	config_dir_make();
	config_dir_put("abvd.conf", BASE);
	buf_str(&conf, "sequence = (");
	for (int i = 0; i < 12; i++) {
		char *name = mem_printf("templates/t%d.md", i);

		config_dir_put(name, "Subject: x\n\n" LONG);
		free(name);
		buf_printf(&conf, "%s{ name = \"s%d\"; steps = ({ name = \"a\"; template = \"t%d.md\"; }); }",
			   i ? "," : "", i, i);
	}
	config_dir_put("templates/p0.md", "Subject: x\n\n" OTHER);
	config_dir_put("templates/p1.md",
		       "Subject: x\n\n" OTHER "Nothing else is needed, and it has never failed in ten years.\n");
	buf_str(&conf, ",{ name = \"pair\"; steps = (" STEP("p0") "," STEP("p1") "); }");
	buf_str(&conf, ",{ name = \"shares\"; steps = ({ name = \"a\"; template = \"t0.md\"; }); });");
	config_dir_put("sequences.d/s.conf", buf_text(&conf));
	assert_int_equal(plan_load(config_dir_path("abvd.conf"), &plan, &p), PLAN_OK);
	for (size_t i = 0; i < p.n; i++)
		told += !strcmp(p.row[i].rule, "repeat-content");
	assert_int_equal(told, 11 + 1); /* those of one sequence once, as its steps */
	assert_int_equal(p.errors, 0);
	buf_free(&conf);
	plan_free(&plan);
	problems_free(&p);
	config_dir_remove();
}

/* Who vouches: passes what only the judgement refuses, nothing that a rule refuses. */
static void test_vouched(void **state)
{
#define BY "Vouched-By: Dana Reyes, answers the question of the webinar\n"
	static const struct {
		const char *text;
		bool startable;
		const char *rule, *note;
	} cases[] = {
		{ "Subject: a\n\n" VALUE_TEXT "Would you book a call?\n", false, "not-its-kind", NULL },
		{ "Subject: a\n" BY "\n" VALUE_TEXT "Would you book a call?\n", true, "not-its-kind",
		  "vouched for by Dana Reyes, answers the question of the webinar" },
		{ "Subject: a\n" BY "\nJust checking in. Any thoughts?\n", false, "filler-followup",
		  "nobody can vouch" },
		{ "Subject: Re: a\n" BY "\n" VALUE_TEXT "Would you book a call?\n", false, "fake-reply",
		  "nobody can vouch" },
		{ "Subject: a\n" BY "\n" VALUE_TEXT, true, "vouched", "it would pass without" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct problems p = { 0 };
		struct plan *plan = NULL;

		config_dir_make();
		config_dir_put("abvd.conf", BASE);
		config_dir_put("templates/v1.md", cases[i].text);
		config_dir_put("sequences.d/s.conf", SEQ(STEP("v1")));
		assert_int_equal(plan_load(config_dir_path("abvd.conf"), &plan, &p), PLAN_OK);
		const struct problem *note = problem_of(&p, "vouched");

		if (!problem_of(&p, cases[i].rule) || plan_sequence(plan, "s")->startable != cases[i].startable) {
			print_all(&p);
			fail_msg("case %zu", i);
		}
		assert_int_equal(p.errors > 0, !cases[i].startable);
		assert_int_equal(note != NULL, cases[i].note != NULL);
		assert_true(!note || (note->severity == SEVERITY_NOTE && strstr(note->message, cases[i].note)));
		assert_int_equal(plan_sequence(plan, "s")->step[0].gate.vouched, i == 1);
		plan_free(&plan);
		problems_free(&p);
		config_dir_remove();
	}
}

/* What is shipped: etc/ with templates/ beside it gives no finding but that there is no inbox. */
static void test_shipped(void **state)
{
	struct problems p = { 0 };
	struct plan *plan = NULL;
	char path[512];

	(void)state;
	snprintf(path, sizeof path, "%s/../../etc/abvd.conf", TEST_DATA);
	enum plan_status status = plan_load(path, &plan, &p);

	if (status != PLAN_OK || p.n != 1)
		print_all(&p);
	assert_int_equal(status, PLAN_OK);
	assert_int_equal(p.errors, 0);
	assert_int_equal(p.n, 1);
	assert_string_equal(p.row[0].rule, "no-inbox");
	assert_int_equal(plan->config->sequence_n, 1);
	assert_true(plan->sequence[0].startable);
	assert_int_equal(template_kind(plan->sequence[0].step[3].template), KIND_ASK);
	plan_free(&plan);
	problems_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),    cmocka_unit_test(test_gate),
		cmocka_unit_test(test_repeats), cmocka_unit_test(test_repeats_of_many),
		cmocka_unit_test(test_vouched), cmocka_unit_test(test_shipped),
	};

	unsetenv("CREDENTIALS_DIRECTORY");
	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
