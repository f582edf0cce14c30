/* rooms: base model rules config mime render store check scheduler */
/* Notes to on_reply.notify: they leave outside cadence, are kept until they have left, and never leave twice. */
#include "scheduler_world.h"

#define SELLER "seller@example.com"

static void note(struct world *w, int64_t contact, const char *to)
{
	struct err e = { "" };
	assert_int_equal(store_begin(w->store, &e), 0);
	if (scheduler_note(sched, contact, to, "ann@acme.example answered", "Ann has answered.\n\n> caf\xc3\xa9\n", &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(store_commit_now(w->store, &e), 0);
	scheduler_wake(sched);
	settle();
}

static bool waits(struct world *w)
{
	return store_note_first(w->store) != CLOCK_NEVER;
}

/* The daemon ends without a word, and starts again. */
static void crash(struct world *w)
{
	scheduler_free(&sched);
	for (int i = 0; i < 4; i++)
		w->fake.slot[i].busy = false;
	memset(w->fake.on_way, 0, sizeof w->fake.on_way);
	scheduler_open(w);
	settle();
}

static void test_leaves(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	w.fake.hold_answer = true;
	note(&w, 1, SELLER);
	assert_int_equal(w.fake.started, 1);
	assert_string_equal(w.fake.to[0], SELLER);
	const struct message *m = w.fake.on_way[0]->message;
	assert_string_equal(m->envelope_from, "dana@example.com");
	assert_non_null(strstr(m->data, "Auto-Submitted: auto-generated\r\n"));
	assert_non_null(strstr(m->data, "Content-Type: text/plain; charset=utf-8\r\n"));
	assert_non_null(strstr(m->data, "Ann has answered.\r\n\r\n> caf=C3=A9\r\n"));
	assert_null(strstr(m->data, "multipart"));
	fake_answer(&w.fake, w.fake.on_way[0], OUTCOME_ACCEPTED, 250, false);
	settle();
	assert_false(waits(&w));
	assert_int_equal(store_event_last(w.store), 0); /* nothing of it is anybody's history */
	world_close(&w);
}

/* A pause is for the sequences; the window and caps are for contacts. */
static void test_outside_cadence(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "window = { days = \"sun\"; hours = \"00:00-00:01\"; };", STEP("one", "0d"));
	set_paused(&w, "manual");
	w.fake.slots = 1;
	note(&w, 1, SELLER);
	note(&w, 1, SELLER);
	assert_int_equal(w.fake.started, 2);
	assert_false(waits(&w));
	world_close(&w);
}

static void test_tried_for_four_days(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	w.fake.outcome = OUTCOME_REFUSED_TEMP;
	w.fake.code = 451;
	note(&w, 1, SELLER);
	assert_int_equal(w.fake.started, 1);
	assert_int_equal(scheduler_next_at(sched), START + 5 * CLOCK_MINUTE);
	go_to(&w, START + 5 * CLOCK_MINUTE - 1);
	assert_int_equal(w.fake.started, 1);
	go_to(&w, START + 5 * CLOCK_MINUTE);
	assert_int_equal(w.fake.started, 2);
	assert_int_equal(scheduler_next_at(sched), START + 15 * CLOCK_MINUTE);
	go_to(&w, START + 4 * CLOCK_DAY - 1);
	assert_int_equal(w.fake.started, 3);
	go_to(&w, START + 5 * CLOCK_DAY);
	assert_int_equal(w.fake.started, 3);
	assert_false(waits(&w));
	world_close(&w);
}

/* Lost before the dot: again. After the dot: never. */
static void test_never_twice(void **state)
{
	static const struct {
		enum outcome outcome;
		int started; /* a day later, when all goes well */
	} row[] = { { OUTCOME_NOT_SENT, 2 }, { OUTCOME_UNKNOWN, 1 }, { OUTCOME_REFUSED_PERM, 1 }, { OUTCOME_BAD_ADDRESS, 1 }, { OUTCOME_ACCEPTED, 1 } };
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct world w;
		world_open(&w, FREE, STEP("one", "0d"));
		w.fake.outcome = row[i].outcome;
		note(&w, 1, SELLER);
		w.fake.outcome = OUTCOME_ACCEPTED;
		go_to(&w, START + CLOCK_DAY);
		assert_int_equal(w.fake.started, row[i].started);
		assert_false(waits(&w));
		assert_string_equal(store_setting(w.store, "paused"), ""); /* a refusal of a note is no streak of refusals */
		world_close(&w);
	}
}

static void test_crash(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	w.fake.hold_body = true; /* the dot has not left */
	note(&w, 1, SELLER);
	w.fake.hold_body = false;
	w.fake.hold_answer = true;
	crash(&w);
	assert_int_equal(w.fake.started, 2);
	w.fake.hold_answer = false; /* now it may have */
	crash(&w);
	go_to(&w, START + CLOCK_DAY);
	assert_int_equal(w.fake.started, 2);
	assert_false(waits(&w));
	world_close(&w);
}

static void test_never_to_a_contact(void **state)
{
	struct world w;
	struct err e = { "" };
	(void)state;
	world_open(&w, FREE, STEP("one", "30d"));
	put_contact(&w, "bob@acme.example", "acme.example");
	note(&w, 1, "bob@acme.example");
	assert_int_equal(store_begin(w.store, &e), 0);
	assert_int_equal(store_suppress(w.store, "@no.example", REASON_SUPPRESSED, "", START, &e), 1);
	assert_int_equal(store_commit_now(w.store, &e), 0);
	note(&w, 1, "who@no.example");
	assert_int_equal(w.fake.started, 0);
	assert_false(waits(&w));
	world_close(&w);
}

/* What an erased person wrote does not leave, not even when it is on its way to the dot. */
static void test_forgotten(void **state)
{
	struct world w;
	struct err e = { "" };
	char hash[64];
	(void)state;
	world_open(&w, FREE, STEP("one", "30d"));
	int64_t ann = put_contact(&w, "ann@acme.example", "acme.example");
	w.fake.hold_body = true;
	note(&w, ann, SELLER);
	assert_int_equal(w.fake.started, 1);
	assert_int_equal(store_begin(w.store, &e), 0);
	assert_int_equal(store_contact_forget(w.store, ann, START, hash, &e), 0);
	assert_int_equal(store_commit_now(w.store, &e), 0);
	w.fake.sink.on_body(w.fake.sink.arg, w.fake.on_way[0], true);
	settle();
	assert_int_equal(w.fake.withdrawn, 1);
	assert_false(waits(&w));
	world_close(&w);
}

static void test_waits_for_a_connection(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	w.fake.slots = 0;
	note(&w, 1, SELLER);
	assert_int_equal(w.fake.started, 0);
	assert_true(waits(&w));
	assert_int_equal(scheduler_next_at(sched), CLOCK_NEVER); /* a connection brings a turn */
	w.fake.slots = 1;
	scheduler_wake(sched);
	settle();
	assert_int_equal(w.fake.started, 1);
	assert_false(waits(&w));
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_outside_cadence),
		cmocka_unit_test(test_tried_for_four_days),
		cmocka_unit_test(test_never_twice),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_never_to_a_contact),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_waits_for_a_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
