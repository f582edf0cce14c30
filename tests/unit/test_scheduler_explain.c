/* rooms: base model rules config mime render store check scheduler */
/* What `explain` says of real enrollments in a real store, under a real plan; touches are written into the store, nothing is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abv/mem.h"
#include "abv/scheduler.h"
#include "config_dir.h"

#define NOW INT64_C(1795510200000) /* 2026-11-24T08:50:00Z, a Tuesday */
#define DAY CLOCK_DAY

#define ALWAYS "window = { days = \"mon-sun\"; hours = \"00:00-24:00\"; };"
#define LETTER(n)                                                                                                                          \
	"three steps of the worksheet " n " brought 40 teams from nine weeks to five:\n\n"                                                 \
	"1. Name one owner for each data source before the first call; 31 of 40 teams lost two weeks here.\n"                              \
	"2. Export a sample of 200 rows and load it on day one, so that field mapping is settled early.\n"                                 \
	"3. Measure the time from login to the first report; below 12 minutes people come back by themselves.\n\n"                         \
	"The worksheet with all formulas: https://example.com/worksheet-" n "\n"
#define VALUE(n) "Subject: Worksheet " n "\nKind: value\n\nHello,\n\n" LETTER(n)
#define ASK      "Subject: Worksheet\nKind: ask\n\nHello,\n\n" LETTER("ask") "\nWould you like to see a demo next week? Book a call with us.\n"

struct world {
	struct store *store;
	struct plan *plan;
	struct clock clock;
	struct scheduler *sched;
	struct err e;
	int64_t ann, touch;
	struct explanation x;
};

static void hook(void *arg)
{
	(void)arg;
}

static void hook_in(void *arg, int64_t ms)
{
	(void)arg, (void)ms;
}

static void world_open(struct world *w, const char *cadence, const char *steps)
{
	char text[1024];
	struct problems p = { 0 };
	struct scheduler_hooks hooks = { NULL, hook, hook, hook_in };
	*w = (struct world){ .touch = 0 };
	config_dir_make();
	snprintf(text, sizeof text, BASE "cadence = { " ALWAYS " %s };\n", cadence);
	config_dir_put("abvd.conf", text);
	snprintf(text, sizeof text, "sequence = { name = \"course\"; steps = ( %s ); };", steps);
	config_dir_put("sequences.d/course.conf", text);
	config_dir_put("sequences.d/letters.conf", "sequence = { name = \"letters\"; priority = 5; steps = ( { name = \"june\"; template = "
						   "\"june.md\"; }, { name = \"july\"; after = \"1d\"; template = \"july.md\"; } ); };");
	config_dir_put("templates/one.md", VALUE("one"));
	config_dir_put("templates/june.md", VALUE("june"));
	config_dir_put("templates/july.md", VALUE("july"));
	config_dir_put("templates/budget.md", VALUE("budget") "Your budget is {{budget}}.\n");
	config_dir_put("templates/empty.md", "Subject: Hello\nKind: value\n\nJust checking in.\n");
	config_dir_put("templates/ask.md", ASK);
	if (plan_load(config_dir_path("abvd.conf"), &w->plan, &p) != PLAN_OK)
		fail_msg("%s", config_dir_findings(&p, SEVERITY_ERROR));
	problems_free(&p);
	clock_init_manual(&w->clock, NOW);
	assert_int_equal(store_open(":memory:", &w->store, &w->e), STORE_OK);
	if (scheduler_new(w->store, &w->clock, w->plan, &hooks, &w->sched, &w->e) != 0)
		fail_msg("%s", w->e.text);
}

static void world_close(struct world *w)
{
	scheduler_free(&w->sched);
	store_close(&w->store);
	plan_free(&w->plan);
	config_dir_remove();
}

static void begin(struct world *w)
{
	assert_int_equal(store_begin(w->store, &w->e), 0);
}

static void commit(struct world *w)
{
	assert_int_equal(store_commit_now(w->store, &w->e), 0);
}

static int64_t put(struct world *w, const char *email)
{
	struct contact c = { .email = email, .account = "acme", .account_name = "", .first_name = "Ann", .last_name = "", .title = "",
			     .timezone = "", .owner = "", .tags = "", .consent = "opt_in", .consent_source = "", .consent_at = NOW - 400 * DAY };
	enum put_result r;
	int64_t id = 0;
	begin(w);
	assert_int_equal(store_contact_put(w->store, &c, NOW - 300 * DAY, &r, &id, &w->e), 0);
	commit(w);
	return id;
}

static int64_t enroll(struct world *w, int64_t contact, const char *sequence, const char *step, int no, int64_t due)
{
	int64_t id = 0;
	begin(w);
	assert_int_equal(store_enroll(w->store, contact, sequence, step, no, NOW - 100 * DAY, due, due, &id, &w->e), 1);
	commit(w);
	return id;
}

/* In a sequence of its own that has ended. */
static void touched(struct world *w, int64_t contact, enum kind kind, int64_t when)
{
	struct contact *c = NULL;
	char sequence[16];
	int64_t id = ++w->touch;
	snprintf(sequence, sizeof sequence, "past%lld", (long long)id);
	int64_t enrollment = enroll(w, contact, sequence, "one", 0, when);
	assert_int_equal(store_contact_by_id(w->store, contact, &c, &w->e), 1);
	begin(w);
	struct touch t = { .id = id, .enrollment_id = enrollment, .contact_id = contact, .account_id = c->account_id, .sequence = "course",
			   .step = "one", .kind = kind, .content = "", .provider = "acme.example", .message_id = "m" };
	assert_int_equal(store_touch_reserve(w->store, &t, when, &w->e), 0);
	assert_int_equal(store_touch_hand(w->store, id, when, &w->e), 0);
	assert_int_equal(store_touch_set(w->store, id, TOUCH_ACCEPTED, when, 250, "", &w->e), 0);
	assert_int_equal(store_enrollment_complete(w->store, enrollment, when, &w->e), 0);
	commit(w);
	contact_free(&c);
}

static const struct explanation *explain(struct world *w, int64_t enrollment)
{
	struct enrollment_row *row = NULL;
	assert_int_equal(store_enrollment(w->store, enrollment, &row, &w->e), 1);
	if (scheduler_explain(w->sched, row, &w->x, &w->e) != 0)
		fail_msg("%s", w->e.text);
	enrollment_row_free(&row);
	return &w->x;
}

/* "text -> send", "text -> wait 12h contact_limit" of a change */
static void expect_change(const struct explanation *x, int i, const char *want)
{
	const struct change *c = &x->change[i];
	char got[EXPLAIN_TEXT_MAX + 128];
	assert_true(i < x->change_n);
	snprintf(got, sizeof got, "%s%s%s", c->with_previous ? "and " : "", c->text, c->asked ? " -> " : "");
	if (c->asked && c->then.kind == VERDICT_WAIT && c->then.until != CLOCK_NEVER)
		snprintf(got + strlen(got), 64, "%s +%lldh", reason_name(c->then.reason), (long long)((c->then.until - NOW) / CLOCK_HOUR));
	else if (c->asked)
		snprintf(got + strlen(got), 64, "%s%s", verdict_kind_name(c->then.kind), reason_name(c->then.reason));
	assert_string_equal(got, want);
}

#define STEP(name, more) "{ name = \"" name "\"; template = \"" name ".md\"; " more " }"

static void test_limits_with_their_sources(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "contact = { min_gap = \"1d\"; limits = [\"1 per 7d\"]; };", STEP("one", ""));
	int64_t ann = put(&w, "ann@acme.example"), id = enroll(&w, ann, "course", "one", 0, NOW - DAY);
	touched(&w, ann, KIND_VALUE, NOW - CLOCK_HOUR);
	const struct explanation *x = explain(&w, id);
	assert_int_equal(x->next.verdict.reason, REASON_CONTACT_LIMIT);
	assert_int_equal(x->kind, KIND_VALUE);
	assert_string_equal(x->zone_from, "default_timezone");
	assert_int_equal(x->letter, REASON_NONE);
	expect_change(x, 0, "without cadence.contact.limits 1 per 7d (abvd.conf:7) -> contact_min_gap +23h");
	assert_int_equal(x->change_n, 1);
	world_close(&w);
}

/* Two limits that end together: neither alone would help, and that is said. */
static void test_together(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "contact = { min_gap = \"1d\"; limits = [\"1 per 7d\"]; }; account = { limits = [\"1 per 7d\"]; };", STEP("one", ""));
	int64_t ann = put(&w, "ann@acme.example"), id = enroll(&w, ann, "course", "one", 0, NOW - DAY);
	touched(&w, ann, KIND_VALUE, NOW - CLOCK_HOUR);
	const struct explanation *x = explain(&w, id);
	expect_change(x, 0, "without cadence.contact.limits 1 per 7d (abvd.conf:7) -> account_limit +167h");
	expect_change(x, 1, "and without cadence.account.limits 1 per 7d (abvd.conf:7) -> contact_min_gap +23h");
	assert_int_equal(x->change_n, 2);
	world_close(&w);
}

static void test_gifts_and_where_they_come_from(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "gifts_per_ask = 1; contact = { min_gap = \"2d\"; limits = [\"9 per 7d\"]; };", STEP("one", "") ", " STEP("ask", ""));
	int64_t ann = put(&w, "ann@acme.example"), id = enroll(&w, ann, "course", "ask", 1, NOW - DAY);
	touched(&w, ann, KIND_ASK, NOW - DAY);
	const struct explanation *x = explain(&w, id);
	assert_int_equal(x->kind, KIND_ASK);
	expect_change(x, 0, "1 more accepted value touch (0 of cadence.gifts_per_ask 1 since the last ask); no other active sequence of the "
			    "contact has a value step next: enroll it in one that gives -> contact_min_gap +24h");
	enroll(&w, ann, "letters", "june", 0, NOW - DAY);
	x = explain(&w, id);
	expect_change(x, 0, "1 more accepted value touch (0 of cadence.gifts_per_ask 1 since the last ask); the next value step is june in "
			    "sequence letters -> contact_min_gap +24h");
	assert_int_equal(x->change[0].expected, NOW + DAY);
	/* a colleague's value step is sooner, and no gift to this contact */
	enroll(&w, put(&w, "bob@acme.example"), "letters", "june", 0, NOW - DAY);
	assert_int_equal(explain(&w, id)->change[0].expected, NOW + DAY);
	world_close(&w);
}

/* The other sequence has the higher priority and is due at the same instant. */
static void test_behind_the_other_sequence(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "contact = { min_gap = \"2d\"; limits = []; }; account = { limits = []; }; backoff = { factor = 1.0; };", STEP("one", ""));
	int64_t ann = put(&w, "ann@acme.example"), id = enroll(&w, ann, "course", "one", 0, NOW - DAY), other = enroll(&w, ann, "letters", "june", 0, NOW);
	touched(&w, ann, KIND_VALUE, NOW - DAY);
	const struct explanation *x = explain(&w, id);
	assert_string_equal(x->ahead.sequence, "letters");
	assert_string_equal(x->ahead.step, "june");
	assert_int_equal(x->ahead.at, NOW + DAY);
	assert_int_equal(x->ahead.priority, 5);
	assert_true(x->ahead.by_priority);
	assert_int_equal(x->ahead.then.until, NOW + 3 * DAY);
	x = explain(&w, other); /* nobody is before that one */
	assert_string_equal(x->ahead.contact, "");
	world_close(&w);
}

/* The other sequence has the lower priority, but its time is before. */
static void test_behind_an_earlier_step(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "contact = { min_gap = \"2d\"; limits = []; }; account = { limits = []; };", STEP("one", ""));
	int64_t ann = put(&w, "ann@acme.example"), id = enroll(&w, ann, "letters", "july", 1, NOW - DAY), other = enroll(&w, ann, "course", "one", 0, NOW - DAY);
	begin(&w);
	assert_int_equal(store_enrollment_advance(w.store, id, "july", 1, NOW - DAY / 2, NOW + DAY / 2, NOW + DAY / 2, &w.e), 0);
	commit(&w);
	const struct explanation *x = explain(&w, id);
	assert_int_equal(x->next.verdict.until, NOW + DAY / 2);
	assert_string_equal(x->ahead.sequence, "course");
	assert_int_equal(x->ahead.at, NOW);
	assert_false(x->ahead.by_priority);
	assert_int_equal(x->ahead.then.until, NOW + 2 * DAY);
	assert_string_equal(explain(&w, other)->ahead.contact, "");
	world_close(&w);
}

/* Two places in the account, two colleagues before: the second takes the last place. */
static void test_behind_colleagues(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "contact = { min_gap = \"0s\"; limits = []; };", STEP("one", ""));
	int64_t bob = put(&w, "bob@acme.example"), eve = put(&w, "eve@acme.example"), ann = put(&w, "ann@acme.example");
	enroll(&w, bob, "course", "one", 0, NOW - 2 * DAY);
	int64_t id = enroll(&w, ann, "course", "one", 0, NOW - DAY);
	assert_string_equal(explain(&w, id)->ahead.contact, ""); /* one place is left */
	enroll(&w, eve, "letters", "june", 0, NOW - CLOCK_HOUR);
	const struct explanation *x = explain(&w, id);
	assert_int_equal(x->next.verdict.kind, VERDICT_SEND);
	assert_string_equal(x->ahead.contact, "bob@acme.example");
	assert_int_equal(x->ahead.n, 2);
	assert_string_equal(reason_name(x->ahead.then.reason), "account_limit");
	assert_int_equal(x->ahead.then.until, NOW + 7 * DAY);
	world_close(&w);
}

/* Two colleagues want the place that becomes free in an hour; only one of them gets it, so the next one, in two hours, is hers. */
static void test_rivals_of_each_other(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "contact = { min_gap = \"0s\"; limits = [\"1 per 7d\"]; };", STEP("one", ""));
	int64_t ann = put(&w, "ann@acme.example"), carl = put(&w, "carl@acme.example");
	touched(&w, carl, KIND_VALUE, NOW - 7 * DAY + CLOCK_HOUR);
	touched(&w, ann, KIND_VALUE, NOW - 7 * DAY + 2 * CLOCK_HOUR);
	enroll(&w, put(&w, "bob@acme.example"), "course", "one", 0, NOW - 2 * DAY);
	enroll(&w, put(&w, "eve@acme.example"), "course", "one", 0, NOW - 2 * DAY);
	int64_t id = enroll(&w, ann, "letters", "june", 0, NOW - DAY);
	const struct explanation *x = explain(&w, id);
	assert_int_equal(x->next.verdict.until, NOW + 2 * CLOCK_HOUR);
	assert_string_equal(x->ahead.contact, "");
	id = enroll(&w, ann, "course", "one", 0, NOW); /* the last of all: behind eve, or her own letter */
	x = explain(&w, id);
	assert_string_equal(x->ahead.contact, "ann@acme.example");
	assert_string_equal(x->ahead.sequence, "letters");
	assert_int_equal(x->ahead.n, 2);
	assert_int_equal(x->ahead.then.until, NOW + 7 * DAY + 2 * CLOCK_HOUR);
	world_close(&w);
}

/* A letter that would not leave is told before its time comes. */
static void test_the_letter(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "", STEP("budget", ""));
	int64_t id = enroll(&w, put(&w, "ann@acme.example"), "course", "budget", 0, NOW + 2 * DAY);
	const struct explanation *x = explain(&w, id);
	assert_int_equal(x->letter, REASON_UNDEFINED_PLACEHOLDER);
	assert_non_null(strstr(x->letter_text, "placeholder 'budget' has no value"));
	begin(&w); /* the scheduler has found that out */
	assert_int_equal(store_enrollment_wait(w.store, id, REASON_UNDEFINED_PLACEHOLDER, CLOCK_NEVER, CLOCK_NEVER, false, &w.e), 0);
	commit(&w);
	x = explain(&w, id);
	assert_int_equal(x->next.verdict.reason, REASON_UNDEFINED_PLACEHOLDER);
	assert_non_null(strstr(x->change[0].text, "template budget.md needs a value or a fallback (budget.md: placeholder 'budget'"));
	world_close(&w);
}

static void test_a_sequence_that_does_not_start(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "", STEP("one", "") ", " STEP("empty", ""));
	const struct explanation *x = explain(&w, enroll(&w, put(&w, "ann@acme.example"), "course", "one", 0, NOW));
	assert_int_equal(x->next.verdict.reason, REASON_SEQUENCE_NOT_STARTED);
	assert_non_null(strstr(x->change[0].text, "template empty.md needs another text ("));
	world_close(&w);
}

static void test_holds_and_pauses(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "", STEP("one", ""));
	int64_t ann = put(&w, "ann@acme.example"), id = enroll(&w, ann, "course", "one", 0, NOW - DAY);
	begin(&w);
	assert_int_equal(store_contact_hold(w.store, ann, NOW + 9 * DAY, "on leave", &w.e), 0);
	assert_int_equal(store_account_hold(w.store, 1, NOW + 5 * DAY, "bob answered", &w.e), 0);
	commit(&w);
	expect_change(explain(&w, id), 0, "`abvctl hold ann@acme.example --until 2000-01-01` lifts the contact's hold (on leave) -> account_hold +120h");
	begin(&w);
	assert_int_equal(store_contact_hold(w.store, ann, 0, "", &w.e), 0);
	commit(&w);
	expect_change(explain(&w, id), 0, "without the account's hold (bob answered): on_reply.account_hold (14d) sets it when a colleague answers -> send");
	begin(&w);
	assert_int_equal(store_setting_put(w.store, "paused", "1", &w.e), 0);
	assert_int_equal(store_setting_put(w.store, "paused:course", "1", &w.e), 0);
	commit(&w);
	scheduler_settings_changed(w.sched);
	const struct explanation *x = explain(&w, id);
	expect_change(x, 0, "`abvctl resume course` -> waitsending_paused");
	expect_change(x, 1, "and `abvctl resume` -> account_hold +120h");
	world_close(&w);
}

static void test_removed(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "", STEP("one", ""));
	int64_t ann = put(&w, "ann@acme.example");
	expect_change(explain(&w, enroll(&w, ann, "old", "one", 0, NOW)), 0, "put sequence old back into sequences.d, or end it: `abvctl stop ann@acme.example old`");
	expect_change(explain(&w, enroll(&w, ann, "course", "gone", 0, NOW)), 0, "put step gone back into sequence course; as it is, the enrollment goes on with the next");
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits_with_their_sources),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_gifts_and_where_they_come_from),
		cmocka_unit_test(test_behind_the_other_sequence),
		cmocka_unit_test(test_behind_an_earlier_step),
		cmocka_unit_test(test_behind_colleagues),
		cmocka_unit_test(test_rivals_of_each_other),
		cmocka_unit_test(test_the_letter),
		cmocka_unit_test(test_a_sequence_that_does_not_start),
		cmocka_unit_test(test_holds_and_pauses),
		cmocka_unit_test(test_removed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
