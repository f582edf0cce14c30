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
	put_contacts(&w, 4, "p", "acme.example", "acme.example");
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

static void test_edit_reaches_people_in_flight(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d") ", " STEP("two", "9d") ", " STEP("three", "1d"));
	int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	put_file(&w, "sequences.d/course.conf", "sequence = { name = \"course\"; steps = ( " STEP("one", "0d") ", " STEP("three", "2d") " ); };\n");
	plan_reload(&w);
	settle();
	go_to(&w, START + 2 * CLOCK_DAY);
	assert_story(&w, id, "enrolled sent:one skipped:step_removed sent:three completed");
	world_close(&w);
}

static void ts_row(void *arg, const struct event *ev)
{
	*(int64_t *)arg = ev->ts;
}

static int64_t last_event_ts(struct world *w)
{
	int64_t ts = 0;
	assert_true(store_events(w->store, 0, 1000, ts_row, &ts, NULL) > 0);
	return ts;
}

struct last {
	int64_t id;
	char *message_id;
	size_t cap;
};

static void last_row(void *arg, const struct touch *t)
{
	struct last *l = arg;
	l->id = t->id;
	snprintf(l->message_id, l->cap, "%s", t->message_id);
}

static int64_t last_touch(struct world *w, int64_t contact, char *message_id, size_t cap)
{
	struct last l = { 0, message_id, cap };
	assert_int_equal(store_touches_of(w->store, contact, last_row, &l, NULL), 0);
	return l.id;
}

static void resolve(struct world *w, int64_t touch, enum unknown_action how, const char *error)
{
	struct err e = { "" };
	assert_int_equal(store_begin(w->store, &e), 0);
	int rc = scheduler_resolve(sched, touch, how, &e);
	assert_string_equal(e.text, error);
	assert_int_equal(rc, *error == '\0' ? 0 : -1);
	if (rc == 0)
		assert_int_equal(store_commit_now(w->store, &e), 0);
	else
		store_rollback(w->store);
}

/* The last step's touch in doubt completes its sequence; the operator may send it again all the same. */
static void test_resend_of_a_last_step(void **state)
{
	struct world w;
	char first[256], again[256];
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	w.fake.outcome = OUTCOME_UNKNOWN;
	w.fake.code = 0;
	int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	assert_story(&w, id, "enrolled unknown completed");
	int64_t touch = last_touch(&w, id, first, sizeof first);
	w.fake.outcome = OUTCOME_ACCEPTED;
	w.fake.code = 250;
	resolve(&w, touch, UNKNOWN_RESEND, "");
	scheduler_wake(sched);
	settle();
	assert_story(&w, id, "enrolled unknown completed resolved sent:one completed");
	assert_int_equal(last_touch(&w, id, again, sizeof again), touch);
	assert_string_equal(first, again);
	world_close(&w);
}

/* A touch keeps its Message-ID, whatever the sender's address is at the next try. */
static void test_message_id_stays(void **state)
{
	struct world w;
	char first[256], again[256];
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	w.fake.outcome = OUTCOME_REFUSED_TEMP;
	w.fake.code = 451;
	int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	last_touch(&w, id, first, sizeof first);
	put_conf(&w, "from = \"dana@other.example\";", TWO_CONNECTIONS, FREE);
	plan_reload(&w);
	w.fake.outcome = OUTCOME_ACCEPTED;
	w.fake.code = 250;
	go_to(&w, START + CLOCK_HOUR);
	assert_story(&w, id, "enrolled refused waiting:retry sent:one completed");
	last_touch(&w, id, again, sizeof again);
	assert_string_equal(first, again);
	id = put_contact(&w, "bob@third.example", "third.example"); /* whose touch is new */
	settle();
	last_touch(&w, id, again, sizeof again);
	assert_non_null(strstr(again, "@other.example"));
	assert_null(strstr(first, "@other.example"));
	world_close(&w);
}

/* Invariant 6: what a contact got in one sequence is skipped in another, and the skip's own time stands in the log. */
static void test_no_content_twice(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	put_file(&w, "sequences.d/other.conf", "sequence = { name = \"other\"; priority = -1; steps = ( { name = \"same\"; after = \"1d\"; template = \"copy.md\"; } ); };\n");
	put_template(&w, "copy", "value");
	struct buf b = { 0 }; /* the same letter under another subject */
	char path[256];
	snprintf(path, sizeof path, "%s/templates/one.md", w.dir);
	assert_int_equal(buf_read_file(&b, path, 1 << 20), 0);
	buf_str(&b, "");
	char *text = mem_printf("Subject: Quite another subject\n%s", strchr(buf_text(&b), '\n') + 1);
	put_file(&w, "templates/copy.md", text);
	free(text);
	buf_free(&b);
	plan_reload(&w);
	int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	enroll(&w, id, plan_sequence(w.plan, "other"));
	go_to(&w, START + CLOCK_DAY);
	assert_story(&w, id, "enrolled sent:one completed enrolled skipped:repeat_content completed");
	assert_int_equal(w.fake.started, 1);
	assert_int_equal(last_event_ts(&w), START + CLOCK_DAY);
	world_close(&w);
}

/* A body that took so long that the window has closed: no dot, and it goes when the window opens. */
static void test_window_closes_before_the_dot(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, "contact = { min_gap = \"0s\"; limits = [\"9 per 1h\"]; }; backoff = { factor = 1.0; };", STEP("one", "0d"));
	clock_set(&w.clock, START + 9 * CLOCK_HOUR + 29 * CLOCK_MINUTE); /* 17:29 */
	w.fake.hold_body = true;
	put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	assert_int_equal(w.fake.started, 1);
	clock_set(&w.clock, START + 9 * CLOCK_HOUR + 30 * CLOCK_MINUTE); /* 17:30: half-open */
	w.fake.hold_body = false;
	w.fake.sink.on_body(w.fake.sink.arg, w.fake.on_way[0], true);
	settle();
	assert_int_equal(w.fake.withdrawn, 1);
	go_to(&w, START + 24 * CLOCK_HOUR);
	assert_int_equal(w.fake.started, 1);
	go_to(&w, START + 26 * CLOCK_HOUR);
	assert_int_equal(w.fake.started, 2);
	world_close(&w);
}

/* The clock stands: the body is under way while the configuration is loaded again. */
static void reload_before_the_dot(const char *cadence, int withdrawn, int64_t goes_at)
{
	struct world w;
	world_open(&w, FREE, STEP("one", "0d") ", " STEP("two", "1h"));
	int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	w.fake.hold_body = true;
	go_to(&w, START + CLOCK_HOUR);
	assert_int_equal(w.fake.started, 2);
	put_conf(&w, "from = \"dana@example.com\";", "", cadence);
	plan_reload(&w);
	w.fake.hold_body = false;
	bodies_written(&w.fake);
	settle();
	assert_int_equal(w.fake.withdrawn, withdrawn);
	go_to(&w, goes_at - 1);
	assert_story(&w, id, withdrawn ? "enrolled sent:one waiting:contact_min_gap" : "enrolled sent:one sent:two completed");
	go_to(&w, goes_at);
	assert_story(&w, id, withdrawn ? "enrolled sent:one waiting:contact_min_gap sent:two completed" : "enrolled sent:one sent:two completed");
	world_close(&w);
}

static void test_policy_changes_before_the_dot(void **state)
{
	(void)state;
	reload_before_the_dot(ALWAYS "contact = { min_gap = \"2d\"; limits = [\"9 per 1h\"]; }; account = { limits = [\"99 per 1d\"]; }; backoff = { factor = 1.0; };", 1,
	                      START + 2 * CLOCK_DAY);
	reload_before_the_dot(FREE, 0, START + CLOCK_DAY); /* what is no policy may change */
}

/* A step that has expired while its body was on its way is skipped like any other. */
static void test_expires_before_the_dot(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, "{ name = \"one\"; template = \"one.md\"; expire = \"1h\"; }, " STEP("two", "1d"));
	w.fake.hold_body = true;
	int64_t ann = put_contact(&w, "ann@acme.example", "acme.example");
	go_to(&w, START + CLOCK_HOUR - 1);
	assert_non_null(w.fake.on_way[0]);
	w.fake.hold_body = false;
	w.fake.sink.on_body(w.fake.sink.arg, w.fake.on_way[0], true);
	go_to(&w, START + CLOCK_HOUR);
	assert_int_equal(w.fake.withdrawn, 1);
	assert_story(&w, ann, "enrolled skipped:step_expired");
	go_to(&w, START + CLOCK_DAY);
	assert_story(&w, ann, "enrolled skipped:step_expired sent:two completed");
	world_close(&w);
}

static void test_rate(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	/* the configuration's own key, applied through a reload as a user would */
	put_conf(&w, DANA, "rate = \"2 per 1m\";", FREE);
	plan_reload(&w);
	put_companies(&w, 5, "a", NULL);
	settle();
	assert_int_equal(w.fake.started, 2);
	go_to(&w, START + CLOCK_MINUTE - 1);
	assert_int_equal(w.fake.started, 2);
	go_to(&w, START + CLOCK_MINUTE);
	assert_int_equal(w.fake.started, 4);
	world_close(&w);
}

static void count_waiting(void *arg, const struct event *ev)
{
	*(int *)arg += ev->type == EVENT_WAITING;
}

/* More are due than one list holds, and none may go: all of them are told so now, not at some later turn. */
static void test_more_wait_than_fit(void **state)
{
	struct world w;
	int n = 0, rows = 0, seen = 0;
	(void)state;
	world_open(&w, "account = { limits = [\"9999 per 1d\"]; };", STEP("one", "0d"));
	clock_set(&w.clock, START - 2 * CLOCK_DAY); /* a Saturday */
	put_contacts(&w, 4200, "p", "a.example", "a.example");
	settle();
	while ((rows = store_events(w.store, seen, 1000, count_waiting, &n, NULL)) > 0)
		seen += rows;
	assert_int_equal(n, 4200);
	assert_true(scheduler_next_at(sched) > clock_now(&w.clock));
	world_close(&w);
}

/* What a clock that is moved by hand should be moved to. */
static void test_next_at(void **state)
{
	struct world w;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d") ", " STEP("two", "2d"));
	assert_true(scheduler_next_at(sched) <= START); /* nothing was read yet */
	settle();
	assert_true(scheduler_next_at(sched) == CLOCK_NEVER);
	put_contact(&w, "ann@acme.example", "acme.example");
	assert_true(scheduler_next_at(sched) <= START);
	settle();
	assert_int_equal(scheduler_next_at(sched), START + 2 * CLOCK_DAY);
	go_to(&w, START + 2 * CLOCK_DAY);
	assert_true(scheduler_next_at(sched) == CLOCK_NEVER);
	world_close(&w);
}

static void told(void *arg, const char *text)
{
	(void)arg;
	fail_msg("%s", text);
}

/* Steps that change places: one that was sent stands behind the next again. With its old words it is skipped, with others sent, and the
 * store is none the worse for it. */
static void test_steps_change_places(void **state)
{
	struct world w;
	struct err e = { "" };
	struct store_file *f = NULL;
	char path[256];
	(void)state;
	world_open(&w, FREE, STEP("one", "0d") ", " STEP("two", "1d") ", " STEP("three", "1d"));
	scheduler_free(&sched);
	store_close(&w.store);
	snprintf(path, sizeof path, "%s/a.db", w.dir);
	assert_int_equal(store_open(path, &w.store, &e), STORE_OK);
	scheduler_open(&w);
	int64_t id = put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	go_to(&w, START + CLOCK_DAY);
	put_template(&w, "four", "value");
	put_file(&w, "sequences.d/course.conf",
	         "sequence = { name = \"course\"; steps = ( " STEP("three", "2d") ", " STEP("one", "1d") ", { name = \"two\"; after = \"1d\"; template = \"four.md\"; } ); };\n");
	plan_reload(&w);
	for (int day = 2; day < 7; day++)
		go_to(&w, START + day * CLOCK_DAY);
	assert_story(&w, id, "enrolled sent:one sent:two sent:three skipped:repeat_content sent:two completed");
	scheduler_free(&sched);
	store_close(&w.store);
	assert_int_equal(store_file_open(path, true, &f, &e), STORE_OK);
	store_file_check(f, true, told, NULL);
	store_file_close(&f);
	plan_free(&w.plan);
	snprintf(path, sizeof path, "rm -rf %s", w.dir);
	assert_int_equal(system(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps_in_order),
		cmocka_unit_test(test_account_cap_in_one_group),
		cmocka_unit_test(test_ask_waits_for_gifts),
		cmocka_unit_test(test_edit_reaches_people_in_flight),
		cmocka_unit_test(test_resend_of_a_last_step),
		cmocka_unit_test(test_message_id_stays),
		cmocka_unit_test(test_no_content_twice),
		cmocka_unit_test(test_window_closes_before_the_dot),
		cmocka_unit_test(test_policy_changes_before_the_dot),
		cmocka_unit_test(test_expires_before_the_dot),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_more_wait_than_fit),
		cmocka_unit_test(test_next_at),
		cmocka_unit_test(test_steps_change_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
