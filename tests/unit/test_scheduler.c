/* rooms: base model rules config mime render store check scheduler */
/* The scheduler against a real store and real templates, with a delivery that does what the test says, on a clock that the test sets. */
#include "scheduler_world.h"

/* ---- tests ---- */

static void test_steps_in_order(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d") ", " STEP("two", "2d") ", " STEP("three", "3d"));
	int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	assert_int_equal(w.fake.started, 1);
	go_to(&w, START + 2 * CLOCK_DAY - 1);
	assert_int_equal(w.fake.started, 1); /* exactly the duration later, not a millisecond before */
	go_to(&w, START + 2 * CLOCK_DAY);
	assert_int_equal(w.fake.started, 2);
	go_to(&w, START + 30 * CLOCK_DAY);
	assert_story(&w, id, "enrolled sent:one sent:two sent:three completed");
	assert_int_equal(turn_ms, 60000); /* nothing ahead: the longest sleep */
	world_close(&w);
}

static void test_account_cap_in_one_group(void **state)
{
	struct world w;
	int sent = 0;
	(void)state;
	world_open(&w, ALWAYS, STEP("one", "0d"));
	w.fake.slots = 4;
	for (int i = 0; i < 4; i++) {
		char email[64];
		snprintf(email, sizeof email, "p%d@acme.example", i);
		put_contact(&w, email, "acme.example");
	}
	settle();
	assert_int_equal(w.fake.started, 2); /* account 2 per 7d, though four connections were free in the same turn */
	go_to(&w, START + 7 * CLOCK_DAY - 1);
	assert_int_equal(w.fake.started, 2);
	go_to(&w, START + 7 * CLOCK_DAY);
	sent = w.fake.started;
	assert_int_equal(sent, 4);
	world_close(&w);
}

static void test_ask_waits_for_gifts(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE "gifts_per_ask = 2;", STEP("one", "0d") ", " STEP("two", "1d") ", " STEP("ask", "1d"));
	w.fake.outcome = OUTCOME_UNKNOWN; /* counts as a touch, never as a gift */
	w.fake.code = 0;
	int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	w.fake.outcome = OUTCOME_ACCEPTED;
	w.fake.code = 250;
	go_to(&w, START + CLOCK_DAY);
	go_to(&w, START + 2 * CLOCK_DAY);
	assert_story(&w, id, "enrolled unknown sent:two waiting:gifts");
	struct err e = { "" };
	assert_int_equal(store_begin(w.store, &e), 0);
	if (scheduler_resolve(sched, 1, UNKNOWN_ACCEPT, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(store_commit_now(w.store, &e), 0);
	scheduler_wake(sched);
	settle();
	assert_story(&w, id, "enrolled unknown sent:two waiting:gifts resolved sent:ask completed");
	world_close(&w);
}

static void test_outcomes(void **state)
{
	static const struct {
		enum outcome outcome;
		int code;
		const char *status, *story;
	} row[] = {
		{ OUTCOME_ACCEPTED, 250, "", "enrolled sent:one completed" },
		{ OUTCOME_UNKNOWN, 0, "", "enrolled unknown completed" },
		{ OUTCOME_REFUSED_TEMP, 451, "4.3.0", "enrolled refused waiting:retry" },
		{ OUTCOME_BAD_ADDRESS, 550, "5.1.1", "enrolled refused suppressed:hard_bounce stopped:hard_bounce" },
		{ OUTCOME_REFUSED_PERM, 554, "5.7.1", "enrolled refused stopped:refused" },
		{ OUTCOME_REFUSED_CONTENT, 552, "5.3.4", "enrolled refused stopped:refused" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct world w;
		world_open(&w, FREE, STEP("one", "0d"));
		w.fake.outcome = row[i].outcome;
		w.fake.code = row[i].code;
		w.fake.status = row[i].status;
		int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
		settle();
		assert_story(&w, id, row[i].story);
		world_close(&w);
	}
}

static void test_retry_is_the_same_touch(void **state)
{
	struct world w;
	struct err e = { "" };
	struct touch *t = NULL;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	w.fake.outcome = OUTCOME_REFUSED_TEMP;
	w.fake.code = 450;
	int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	go_to(&w, START + 5 * CLOCK_MINUTE - 1);
	assert_int_equal(w.fake.started, 1);
	go_to(&w, START + 5 * CLOCK_MINUTE);
	assert_int_equal(w.fake.started, 2);
	w.fake.outcome = OUTCOME_ACCEPTED;
	w.fake.code = 250;
	go_to(&w, START + 15 * CLOCK_MINUTE);
	assert_story(&w, id, "enrolled refused waiting:retry refused sent:one completed");
	assert_int_equal(store_touch(w.store, 1, &t, &e), 1);
	assert_int_equal(t->attempts, 3);
	assert_int_equal(t->state, TOUCH_ACCEPTED);
	touch_free(&t);
	world_close(&w);
}

static void test_retry_ends(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	w.fake.outcome = OUTCOME_REFUSED_TEMP;
	w.fake.code = 450;
	int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	for (int h = 0; h < 24 * 5; h += 1)
		go_to(&w, START + h * CLOCK_HOUR);
	struct story s = { .contact = id };
	store_events(w.store, 0, 1000, story_row, &s, NULL);
	assert_non_null(strstr(buf_text(&s.text), "stopped:retry_expired"));
	assert_null(strstr(strstr(buf_text(&s.text), "stopped"), "refused "));
	buf_free(&s.text);
	world_close(&w);
}

static void test_suppressed_before_the_dot(void **state)
{
	struct world w;
	struct err e = { "" };
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	w.fake.hold_body = true;
	put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	assert_int_equal(w.fake.started, 1);
	assert_int_equal(store_begin(w.store, &e), 0);
	assert_int_equal(store_suppress(w.store, "ann@acme.example", REASON_UNSUBSCRIBED, "", START, &e), 1);
	assert_int_equal(store_commit_now(w.store, &e), 0);
	for (int i = 0; i < 16; i++)
		if (w.fake.on_way[i] != NULL)
			w.fake.sink.on_body(w.fake.sink.arg, w.fake.on_way[i], true);
	settle();
	assert_int_equal(w.fake.withdrawn, 1);
	assert_story(&w, 0, "enrolled stopped:unsubscribed");
	world_close(&w);
}

static void test_recovery(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d") ", " STEP("two", "1d"));
	w.fake.hold_answer = true;
	int64_t a = put_contact(&w, "ann@acme.example", "acme.example");
	settle(); /* handed, unanswered */
	w.fake.hold_body = true;
	int64_t b = put_contact(&w, "ben@acme.example", "acme.example");
	settle(); /* reserved */
	assert_int_equal(w.fake.started, 2);
	scheduler_free(&sched); /* as a crash would: the store is all that is left */
	w.fake.hold_answer = w.fake.hold_body = false;
	memset(w.fake.slot, 0, sizeof w.fake.slot);
	scheduler_open(&w);
	settle();
	assert_story(&w, a, "enrolled unknown");
	assert_story(&w, b, "enrolled sent:one");
	go_to(&w, START + CLOCK_DAY);
	assert_story(&w, a, "enrolled unknown sent:two completed");
	world_close(&w);
}

/* The first outcome after the operator resumed carries out what was withheld, whatever it is. */
static void three_refusals(enum outcome then, int code, int accepted)
{
	struct world w;
	struct err e = { "" };
	world_open(&w, FREE, STEP("one", "0d"));
	w.fake.slots = 1;
	w.fake.outcome = OUTCOME_BAD_ADDRESS;
	w.fake.code = 550;
	w.fake.status = "5.1.1";
	for (int i = 0; i < 5; i++) {
		char email[64], account[64];
		snprintf(account, sizeof account, "a%d.example", i);
		snprintf(email, sizeof email, "p@%s", account);
		put_contact(&w, email, account);
	}
	settle();
	assert_int_equal(w.fake.started, 3);
	assert_story(&w, 0, "enrolled enrolled enrolled enrolled enrolled refused refused refused paused:relay_refusals");
	w.fake.outcome = then;
	w.fake.code = code;
	w.fake.status = "";
	assert_int_equal(store_begin(w.store, &e), 0);
	assert_int_equal(store_setting_put(w.store, "paused", "", &e), 0);
	assert_int_equal(store_commit_now(w.store, &e), 0);
	scheduler_settings_changed(sched);
	settle();
	assert_int_equal(w.fake.started, 5);
	struct store_counts counts;
	assert_int_equal(store_counts(w.store, &counts, &e), 0);
	assert_int_equal(counts.suppressions, 3);
	assert_int_equal(counts.touches[TOUCH_ACCEPTED], accepted);
	world_close(&w);
}

static void test_three_refusals_pause(void **state)
{
	(void)state;
	three_refusals(OUTCOME_ACCEPTED, 250, 2);
	three_refusals(OUTCOME_REFUSED_TEMP, 451, 0);
}

static void test_edit_reaches_people_in_flight(void **state)
{
	struct world w;
	struct err e = { "" };
	struct plan *old;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d") ", " STEP("two", "9d") ", " STEP("three", "1d"));
	int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	put_file(&w, "sequences.d/course.conf", "sequence = { name = \"course\"; steps = ( " STEP("one", "0d") ", " STEP("three", "2d") " ); };\n");
	old = w.plan;
	plan_open(&w);
	assert_int_equal(scheduler_set_plan(sched, w.plan, &e), 0);
	plan_free(&old);
	settle();
	go_to(&w, START + 2 * CLOCK_DAY);
	assert_story(&w, id, "enrolled sent:one skipped:step_removed sent:three completed");
	world_close(&w);
}

static void test_rate(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	/* the configuration's own key, applied through a reload as a user would */
	char text[512];
	snprintf(text, sizeof text,
	         "sender = { from = \"Dana <dana@example.com>\"; postal_address = \"Example Ltd\"; unsubscribe = \"mailto:u@example.com\"; };\n"
	         "smtp = { url = \"smtp://127.0.0.1:9\"; tls = \"none\"; rate = \"2 per 1m\"; };\ncadence = { %s };\n"
	         "store = { path = \"a.db\"; }; log = { path = \"a.log\"; }; control = { socket = \"a.sock\"; };\n", FREE);
	put_file(&w, "abvd.conf", text);
	struct plan *old = w.plan;
	struct err e = { "" };
	plan_open(&w);
	assert_int_equal(scheduler_set_plan(sched, w.plan, &e), 0);
	plan_free(&old);
	for (int i = 0; i < 5; i++) {
		char email[64], account[64];
		snprintf(account, sizeof account, "a%d.example", i);
		snprintf(email, sizeof email, "p@%s", account);
		put_contact(&w, email, account);
	}
	settle();
	assert_int_equal(w.fake.started, 2);
	go_to(&w, START + CLOCK_MINUTE - 1);
	assert_int_equal(w.fake.started, 2);
	go_to(&w, START + CLOCK_MINUTE);
	assert_int_equal(w.fake.started, 4);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps_in_order),
		cmocka_unit_test(test_account_cap_in_one_group),
		cmocka_unit_test(test_ask_waits_for_gifts),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_retry_is_the_same_touch),
		cmocka_unit_test(test_retry_ends),
		cmocka_unit_test(test_suppressed_before_the_dot),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_three_refusals_pause),
		cmocka_unit_test(test_edit_reaches_people_in_flight),
		cmocka_unit_test(test_rate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
