/* rooms: base model rules config mime render store check scheduler */
/* Waiting lists: a full provider holds up nobody else, each place costs a look, priority decides who takes it; and enrollments of one
 * contact keep their rank whatever their jitters say. */
#include "scheduler_world.h"

#define WIDE ALWAYS "contact = { min_gap = \"0s\"; limits = [\"9 per 1h\"]; }; account = { limits = [\"999 per 1d\"]; }; backoff = { factor = 1.0; }; "

static int64_t asked(void)
{
	struct buf b = { 0 };
	buf_char(&b, '{');
	scheduler_status(sched, &b);
	const char *at = strstr(buf_text(&b), "\"asked\":");
	assert_non_null(at);
	int64_t n = strtoll(at + 8, NULL, 10);
	buf_free(&b);
	return n;
}

static int sent_to(const struct fake *f, const char *provider)
{
	int n = 0;
	for (int i = 0; i < f->started; i++)
		n += strstr(f->to[i], provider) != NULL;
	return n;
}

static void test_full_provider(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, WIDE "provider = { limits = [\"4 per 1h\"]; };", STEP("one", "0d"));
	put_contacts(&w, 200, "a", "big.example", "");
	put_contacts(&w, 3, "b", "small.example", "");
	settle();
	assert_int_equal(sent_to(&w.fake, "@big.example"), 4);
	assert_int_equal(sent_to(&w.fake, "@small.example"), 3); /* not behind the others */
	int64_t before = asked();
	go_to(&w, START + CLOCK_HOUR - 1);
	assert_int_equal(sent_to(&w.fake, "@big.example"), 4);
	for (int hour = 1; hour < 50; hour++) {
		go_to(&w, START + hour * CLOCK_HOUR);
		assert_int_equal(sent_to(&w.fake, "@big.example"), 4 + 4 * hour); /* as many as the limit lets, at once */
	}
	assert_int_equal(w.fake.started, 203);
	assert_in_range(asked() - before, 196, 4 * 196); /* not all that wait, at every place: that would be 5,000 */
	for (int i = 1; i < 200; i++) { /* the older due time first */
		char email[64];
		snprintf(email, sizeof email, "a%d@big.example", i);
		int k = 0;
		while (strcmp(w.fake.to[k], email) != 0)
			k++;
		assert_true(k >= i && k <= i + 3);
	}
	world_close(&w);
}

static void test_sender_and_warmup(void **state)
{
	static const char *const cadence[] = { "sender = { limits = [\"10 per 1d\"]; };", "" };
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct world w;
		char text[1024];
		snprintf(text, sizeof text, "%s%s", WIDE, cadence[i]);
		world_open(&w, text, STEP("one", "0d"));
		if (i == 1) { /* 10, then 20, then 40 a UTC day */
			plan_free(&w.plan);
			scheduler_free(&sched);
			put_conf(&w, DANA " warmup = { start = 10; growth = 2.0; target = 40; };", TWO_CONNECTIONS, WIDE);
			plan_open(&w);
			scheduler_open(&w);
		}
		put_contacts(&w, 60, "a", "big.example", "");
		settle();
		assert_int_equal(w.fake.started, 10);
		int64_t before = asked();
		go_to(&w, START + 15 * CLOCK_HOUR);
		assert_int_equal(asked(), before); /* nobody is looked at in between */
		go_to(&w, START + 16 * CLOCK_HOUR); /* midnight UTC */
		assert_int_equal(w.fake.started, i == 0 ? 10 : 30);
		go_to(&w, START + CLOCK_DAY);
		assert_int_equal(w.fake.started, i == 0 ? 20 : 30);
		go_to(&w, START + 40 * CLOCK_HOUR);
		assert_int_equal(w.fake.started, i == 0 ? 20 : 60);
		assert_in_range(asked() - before, 1, 200);
		world_close(&w);
	}
}

/* What stands in a list survives a restart and a change of what it waits for. */
static void test_lists_survive(void **state)
{
	struct world w;
	struct err e = { "" };
	(void)state;
	world_open(&w, WIDE "provider = { limits = [\"1 per 1h\"]; };", STEP("one", "0d"));
	put_contacts(&w, 6, "a", "big.example", "");
	settle();
	assert_int_equal(w.fake.started, 1);
	scheduler_free(&sched);
	scheduler_open(&w);
	settle();
	assert_int_equal(w.fake.started, 1);
	go_to(&w, START + CLOCK_HOUR);
	assert_int_equal(w.fake.started, 2);
	/* one of the list is stopped, one suppressed: the places go to the others */
	struct contact *c = NULL;
	assert_int_equal(store_contact_by_email(w.store, "a2@big.example", &c, &e), 1);
	assert_int_equal(store_begin(w.store, &e), 0);
	assert_true(store_suppress(w.store, "a3@big.example", REASON_MANUAL, "", clock_now(&w.clock), &e) == 1);
	assert_int_equal(store_contact_hold(w.store, c->id, CLOCK_NEVER, "manual", &e), 0);
	assert_int_equal(store_commit_now(w.store, &e), 0);
	contact_free(&c);
	go_to(&w, START + 2 * CLOCK_HOUR);
	assert_int_equal(w.fake.started, 3);
	assert_string_equal(w.fake.to[2], "a4@big.example");
	/* an unknown touch that was not delivered gives its place back at once */
	w.fake.outcome = OUTCOME_UNKNOWN;
	w.fake.code = 0;
	go_to(&w, START + 3 * CLOCK_HOUR);
	assert_int_equal(w.fake.started, 4);
	world_close(&w);
}

/* A place that is held by a message on its way is free again when that is refused. */
static void test_rests_on_flight(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, WIDE "provider = { limits = [\"1 per 1h\"]; };", STEP("one", "0d"));
	put_contacts(&w, 3, "a", "big.example", "");
	w.fake.hold_answer = true;
	settle();
	assert_int_equal(w.fake.started, 1);
	clock_set(&w.clock, START + CLOCK_SECOND);
	fake_answer(&w.fake, w.fake.on_way[0], OUTCOME_REFUSED_CONTENT, 554, false);
	w.fake.hold_answer = false;
	settle();
	assert_int_equal(w.fake.started, 2);
	go_to(&w, START + CLOCK_HOUR + CLOCK_SECOND - 1);
	assert_int_equal(w.fake.started, 2);
	go_to(&w, START + CLOCK_HOUR + CLOCK_SECOND);
	assert_int_equal(w.fake.started, 3);
	world_close(&w);
}

/* ---- two sequences ---- */

static void second_sequence(struct world *w, int priority)
{
	char text[512];
	snprintf(text, sizeof text, "sequence = { name = \"other\"; priority = %d; steps = ( " STEP("two", "0d") " ); };\n", priority);
	put_file(w, "sequences.d/other.conf", text);
	plan_reload(w);
}

/* A place goes to the higher priority, also when that came later. */
static void test_priority_in_lists(void **state)
{
	struct world w;
	int64_t id[8];
	(void)state;
	world_open(&w, WIDE "provider = { limits = [\"1 per 1h\"]; };", STEP("one", "0d"));
	second_sequence(&w, 10);
	for (int i = 0; i < 8; i++) {
		char email[64];
		snprintf(email, sizeof email, "p%d@big.example", i);
		id[i] = put_person(&w, email, "");
		if (i < 4)
			enroll(&w, id[i], plan_sequence(w.plan, "course"));
	}
	settle();
	assert_int_equal(w.fake.started, 1); /* p1 p2 p3 stand in the list */
	clock_set(&w.clock, START + CLOCK_MINUTE);
	for (int i = 4; i < 8; i++)
		enroll(&w, id[i], plan_sequence(w.plan, "other"));
	settle();
	assert_int_equal(w.fake.started, 1);
	for (int hour = 1; hour < 8; hour++)
		go_to(&w, START + hour * CLOCK_HOUR);
	static const char *const order[] = { "p0@", "p4@", "p5@", "p6@", "p7@", "p1@", "p2@", "p3@" };
	assert_int_equal(w.fake.started, 8);
	for (int i = 0; i < 8; i++)
		assert_memory_equal(w.fake.to[i], order[i], 3);
	world_close(&w);
}

/* Both wait for the window, which spreads them by their own jitters: the higher priority goes first all the same. */
static void test_priority_in_window(void **state)
{
	(void)state;
	int yielded = 0;
	for (int day = 0; day < 12; day++) {
		struct world w;
		world_open(&w, "contact = { min_gap = \"1d\"; limits = [\"1 per 1d\"]; }; account = { limits = [\"99 per 1d\"]; }; backoff = { factor = 1.0; }; ",
		           STEP("one", "0d"));
		second_sequence(&w, day % 2 == 0 ? 10 : -10);
		put_contacts(&w, day * 3, "x", "filler.example", ""); /* other ids, other jitters */
		clock_set(&w.clock, START - CLOCK_HOUR); /* 07:00, before the window */
		int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
		enroll(&w, id, &w.plan->sequence[1]);
		settle();
		for (int64_t t = START; t < START + 8 * CLOCK_DAY; t += CLOCK_MINUTE * 7)
			go_to(&w, t);
		struct story s = { .contact = 0 };
		assert_true(store_events(w.store, 0, 5000, story_row, &s, NULL) >= 0);
		yielded += strstr(buf_text(&s.text), "waiting:priority") != NULL;
		buf_free(&s.text);
		struct story ann = { .contact = id };
		assert_true(store_events(w.store, 0, 5000, story_row, &ann, NULL) >= 0);
		const char *a = strstr(buf_text(&ann.text), "sent:one"), *o = strstr(buf_text(&ann.text), "sent:two");
		assert_true(a != NULL && o != NULL);
		assert_int_equal(a < o, day % 2 != 0);
		buf_free(&ann.text);
		world_close(&w);
	}
	assert_true(yielded > 0); /* else the jitters never asked for it */
}

/* What was asked while the clock was a month ahead is asked again when it is right: it would wait for that month's window else. */
static void test_clock_jump(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "contact = { min_gap = \"0s\"; limits = [\"9 per 1h\"]; }; backoff = { factor = 1.0; };", STEP("one", "0d"));
	clock_init_scaled(&w.clock, 1, START - CLOCK_HOUR); /* Monday 07:00 */
	put_contacts(&w, 20, "a", "acme.example", "");
	settle();
	assert_true(store_due_first(w.store, "course", START) < START + 2 * CLOCK_HOUR);
	w.clock.start_now += 40 * CLOCK_DAY + 3 * CLOCK_HOUR; /* a Saturday */
	turn_wanted = true;
	settle();
	assert_int_equal(w.fake.started, 0);
	assert_true(store_due_first(w.store, "course", 0) > START + 40 * CLOCK_DAY);
	w.clock.start_now -= 40 * CLOCK_DAY + 3 * CLOCK_HOUR;
	turn_wanted = true;
	settle();
	assert_int_equal(w.fake.started, 0);
	assert_in_range(store_due_first(w.store, "course", 0), START + 30 * CLOCK_MINUTE, START + 2 * CLOCK_HOUR);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_provider),   cmocka_unit_test(test_sender_and_warmup), cmocka_unit_test(test_lists_survive),
		cmocka_unit_test(test_rests_on_flight), cmocka_unit_test(test_priority_in_lists), cmocka_unit_test(test_priority_in_window),
		cmocka_unit_test(test_clock_jump),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
