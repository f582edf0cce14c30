/* rooms: base model rules config mime render store check scheduler */
/* What the scheduler makes of what the relay answered, or did not: retries, stops, refusals in a row, and what a crash left. */
#include "scheduler_world.h"

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
	bodies_written(&w.fake);
	settle();
	assert_int_equal(w.fake.withdrawn, 1);
	assert_story(&w, 0, "enrolled stopped:unsubscribed");
	world_close(&w);
}

static void find_reply(void *arg, const struct event *ev)
{
	*(bool *)arg |= strstr(ev->detail, "said so") != NULL;
}

static void reply_of_touch(void *arg, const struct touch *t)
{
	*(bool *)arg |= *t->smtp_reply != '\0';
}

/* Relays name the address in their replies: one that comes when the person is forgotten already is not kept. */
static void test_forgotten_before_the_reply(void **state)
{
	static const enum outcome outcome[] = { OUTCOME_ACCEPTED, OUTCOME_UNKNOWN, OUTCOME_REFUSED_TEMP, OUTCOME_BAD_ADDRESS, OUTCOME_REFUSED_PERM,
	                                        OUTCOME_NOT_SENT };
	(void)state;
	for (size_t i = 0; i < sizeof outcome / sizeof outcome[0]; i++) {
		struct world w;
		struct err e = { "" };
		char hash[64];
		bool kept = false;
		world_open(&w, FREE, STEP("one", "0d"));
		w.fake.hold_answer = true;
		int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
		settle();
		assert_int_equal(store_begin(w.store, &e), 0);
		assert_int_equal(store_contact_forget(w.store, id, START, hash, &e), 0);
		assert_int_equal(store_commit_now(w.store, &e), 0);
		for (int k = 0; k < 16; k++)
			if (w.fake.on_way[k] != NULL)
				fake_answer(&w.fake, w.fake.on_way[k], outcome[i], 550, false);
		settle();
		assert_true(store_events(w.store, 0, 1000, find_reply, &kept, NULL) >= 0);
		assert_false(kept);
		assert_int_equal(store_touches_of(w.store, id, reply_of_touch, &kept, &e), 0);
		assert_false(kept);
		world_close(&w);
	}
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

/* Relays name the address in their replies: the pause concerns everybody, and tells none. */
static void paused_names_nobody(void *arg, const struct event *ev)
{
	if (ev->type != EVENT_PAUSED)
		return;
	assert_string_equal(strstr(ev->detail, "\"smtp_reply\""), "\"smtp_reply\":\"5.1.1 ... no such user\"");
	++*(int *)arg;
}

/* The first outcome after the operator resumed carries out what was withheld, whatever it is. */
static void three_refusals(enum outcome then, int code, int accepted)
{
	int paused = 0;
	struct world w;
	struct err e = { "" };
	world_open(&w, FREE, STEP("one", "0d"));
	w.fake.slots = 1;
	w.fake.outcome = OUTCOME_BAD_ADDRESS;
	w.fake.code = 550;
	w.fake.status = "5.1.1";
	w.fake.reply = "5.1.1 <p@a2.example>: no such user";
	put_companies(&w, 5, "a", NULL);
	settle();
	assert_int_equal(w.fake.started, 3);
	assert_story(&w, 0, "enrolled enrolled enrolled enrolled enrolled refused refused refused paused:relay_refusals");
	assert_true(store_events(w.store, 0, 1000, paused_names_nobody, &paused, &e) > 0);
	assert_int_equal(paused, 1);
	w.fake.outcome = then;
	w.fake.code = code;
	w.fake.status = "";
	set_paused(&w, "");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_retry_is_the_same_touch),
		cmocka_unit_test(test_retry_ends),
		cmocka_unit_test(test_suppressed_before_the_dot),
		cmocka_unit_test(test_forgotten_before_the_reply),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_three_refusals_pause),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
