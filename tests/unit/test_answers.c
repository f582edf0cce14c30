/* rooms: base model rules config mime render store check scheduler */
/* What comes back takes its effect: stop, hold, suppress, in one transaction with its events; and the circuit breaker. */
#include "scheduler_world.h"

/* Two colleagues at one company and a stranger; everybody got the first of two steps. */
struct people {
	struct world w;
	int64_t ann, bob, eve;
};

static void people_open(struct people *p)
{
	world_open(&p->w, FREE, STEP("one", "0d") ", " STEP("two", "2d"));
	p->ann = put_contact(&p->w, "ann@acme.example", "acme.example");
	p->bob = put_contact(&p->w, "bob@acme.example", "acme.example");
	p->eve = put_contact(&p->w, "eve@other.example", "other.example");
	settle();
	assert_int_equal(p->w.fake.started, 3);
}

struct touch_of {
	int64_t id;
};

static void touch_row(void *arg, const struct touch *t)
{
	((struct touch_of *)arg)->id = t->id;
}

static int64_t touch_of(struct world *w, int64_t contact)
{
	struct touch_of t = { 0 };
	assert_int_equal(store_touches_of(w->store, contact, touch_row, &t, NULL), 0);
	return t.id;
}

static void answer(struct world *w, struct answer a)
{
	struct err e = { "" };
	a.status = a.status != NULL ? a.status : "";
	a.subject = a.subject != NULL ? a.subject : "";
	a.text = a.text != NULL ? a.text : "";
	a.via = a.via != NULL ? a.via : "";
	assert_int_equal(store_begin(w->store, &e), 0);
	if (scheduler_answer(sched, &a, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(store_commit_now(w->store, &e), 0);
	scheduler_wake(sched);
	settle();
}

static void test_effects(void **state)
{
	static const struct {
		struct answer a;
		const char *ann, *bob; /* their stories a month later */
	} row[] = {
		{ { .kind = ANSWER_REPLY, .subject = "Re: x", .text = "Thanks" }, "enrolled sent:one replied stopped:replied",
		  "enrolled sent:one waiting:account_hold sent:two completed" },
		{ { .kind = ANSWER_AUTO_REPLY, .until = START + 5 * CLOCK_DAY }, "enrolled sent:one auto_replied held:out_of_office waiting:contact_hold sent:two completed",
		  "enrolled sent:one sent:two completed" },
		{ { .kind = ANSWER_AUTO_REPLY, .until = START - CLOCK_DAY }, "enrolled sent:one auto_replied sent:two completed", "enrolled sent:one sent:two completed" },
		{ { .kind = ANSWER_BOUNCE, .permanent = true, .status = "5.1.1" }, "enrolled sent:one bounced suppressed:hard_bounce stopped:hard_bounce",
		  "enrolled sent:one sent:two completed" },
		{ { .kind = ANSWER_BOUNCE, .status = "4.2.2" }, "enrolled sent:one bounced sent:two completed", "enrolled sent:one sent:two completed" },
		{ { .kind = ANSWER_COMPLAINT }, "enrolled sent:one complained suppressed:complained stopped:complained", "enrolled sent:one sent:two completed" },
		{ { .kind = ANSWER_UNSUBSCRIBE, .via = "mailto" }, "enrolled sent:one unsubscribed suppressed:unsubscribed stopped:unsubscribed",
		  "enrolled sent:one sent:two completed" },
		{ { .kind = ANSWER_NOTICE, .status = "4.4.1" }, "enrolled sent:one notice sent:two completed", "enrolled sent:one sent:two completed" },
		{ { .kind = ANSWER_RECEIPT }, "enrolled sent:one receipt sent:two completed", "enrolled sent:one sent:two completed" },
		{ { .kind = ANSWER_CHALLENGE }, "enrolled sent:one challenge sent:two completed", "enrolled sent:one sent:two completed" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct people p;
		people_open(&p);
		struct answer a = row[i].a;
		a.contact_id = p.ann;
		a.touch_id = touch_of(&p.w, p.ann);
		clock_set(&p.w.clock, START + CLOCK_HOUR);
		answer(&p.w, a);
		for (int day = 1; day <= 30; day++)
			go_to(&p.w, START + day * CLOCK_DAY);
		assert_story(&p.w, p.ann, row[i].ann);
		assert_story(&p.w, p.bob, row[i].bob);
		assert_story(&p.w, p.eve, "enrolled sent:one sent:two completed");
		world_close(&p.w);
	}
}

/* The account's hold is exactly on_reply.account_hold, the contact's until the date; a longer hold stays. */
static void test_holds_are_exact(void **state)
{
	struct people p;
	(void)state;
	people_open(&p);
	clock_set(&p.w.clock, START + CLOCK_HOUR);
	answer(&p.w, (struct answer){ .kind = ANSWER_REPLY, .contact_id = p.ann });
	answer(&p.w, (struct answer){ .kind = ANSWER_AUTO_REPLY, .contact_id = p.eve, .until = START + 9 * CLOCK_DAY });
	answer(&p.w, (struct answer){ .kind = ANSWER_AUTO_REPLY, .contact_id = p.eve }); /* no date: 7 days, which is less */
	go_to(&p.w, START + 9 * CLOCK_DAY - 1);
	assert_int_equal(p.w.fake.started, 3);
	go_to(&p.w, START + 9 * CLOCK_DAY);
	assert_int_equal(p.w.fake.started, 4);
	go_to(&p.w, START + CLOCK_HOUR + 14 * CLOCK_DAY - 1);
	assert_int_equal(p.w.fake.started, 4);
	go_to(&p.w, START + CLOCK_HOUR + 14 * CLOCK_DAY);
	assert_int_equal(p.w.fake.started, 5);
	world_close(&p.w);
}

static void test_three_soft_bounces(void **state)
{
	struct people p;
	(void)state;
	people_open(&p);
	int64_t touch = touch_of(&p.w, p.ann);
	for (int i = 0; i < 4; i++) /* of one touch: one */
		answer(&p.w, (struct answer){ .kind = ANSWER_BOUNCE, .contact_id = p.ann, .touch_id = touch, .status = "4.2.2" });
	assert_int_equal(store_suppressed(p.w.store, "ann@acme.example"), REASON_NONE);
	clock_set(&p.w.clock, START + CLOCK_HOUR);
	answer(&p.w, (struct answer){ .kind = ANSWER_BOUNCE, .contact_id = p.ann, .status = "4.2.2" });
	clock_set(&p.w.clock, START + 30 * CLOCK_DAY); /* the first is 30 days old now: outside */
	answer(&p.w, (struct answer){ .kind = ANSWER_BOUNCE, .contact_id = p.ann, .status = "4.2.2" });
	assert_int_equal(store_suppressed(p.w.store, "ann@acme.example"), REASON_NONE);
	clock_set(&p.w.clock, START + 30 * CLOCK_DAY + CLOCK_MINUTE);
	answer(&p.w, (struct answer){ .kind = ANSWER_BOUNCE, .contact_id = p.ann, .status = "4.2.2" });
	assert_int_equal(store_suppressed(p.w.store, "ann@acme.example"), REASON_HARD_BOUNCE);
	world_close(&p.w);
}

/* Mail that comes back proves that a touch in doubt was delivered. */
static void test_resolves_unknown(void **state)
{
	struct world w;
	struct touch *t = NULL;
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	w.fake.outcome = OUTCOME_UNKNOWN;
	w.fake.code = 0;
	int64_t ann = put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	int64_t touch = touch_of(&w, ann);
	answer(&w, (struct answer){ .kind = ANSWER_BOUNCE, .contact_id = ann, .touch_id = touch, .permanent = true, .status = "5.1.1" });
	assert_story(&w, ann, "enrolled unknown completed resolved bounced suppressed:hard_bounce");
	assert_int_equal(store_touch(w.store, touch, &t, NULL), 1);
	assert_int_equal(t->state, TOUCH_ACCEPTED);
	assert_int_equal(t->at, START);
	touch_free(&t);
	world_close(&w);
}

/* ---- the circuit breaker ---- */

static void crowd(struct world *w, int64_t *id, int n)
{
	put_companies(w, n, "c", id);
	settle();
	assert_int_equal(w->fake.started, n);
}

static void bounce(struct world *w, int64_t contact)
{
	answer(w, (struct answer){ .kind = ANSWER_BOUNCE, .contact_id = contact, .permanent = true, .status = "5.1.1" });
}

static void test_breaker(void **state)
{
	struct world w;
	int64_t id[100];
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	crowd(&w, id, 49);
	for (int i = 0; i < 5; i++) /* 49 sends are too few to tell, whatever comes back */
		bounce(&w, id[i]);
	assert_string_equal(store_setting(w.store, "paused"), "");
	world_close(&w);

	world_open(&w, FREE, STEP("one", "0d"));
	crowd(&w, id, 100);
	for (int i = 0; i < 4; i++)
		bounce(&w, id[i]);
	assert_string_equal(store_setting(w.store, "paused"), "");
	bounce(&w, id[4]); /* 5 of 100 */
	assert_string_equal(store_setting(w.store, "paused"), "bounce_rate");
	/* resumed: what was seen then does not count again */
	set_paused(&w, "");
	bounce(&w, id[5]);
	assert_string_equal(store_setting(w.store, "paused"), "");
	world_close(&w);

	world_open(&w, FREE, STEP("one", "0d"));
	crowd(&w, id, 60);
	clock_set(&w.clock, START + 7 * CLOCK_DAY); /* a week later nothing of it counts */
	for (int i = 0; i < 10; i++)
		bounce(&w, id[i]);
	assert_string_equal(store_setting(w.store, "paused"), "");
	clock_set(&w.clock, START + 7 * CLOCK_DAY - CLOCK_HOUR);
	answer(&w, (struct answer){ .kind = ANSWER_COMPLAINT, .contact_id = id[20] }); /* 1 of 60 is more than 0.1 % */
	assert_string_equal(store_setting(w.store, "paused"), "bounce_rate");
	world_close(&w);
}

/* Nothing comes back any more, but the share is too high: the fiftieth send is the last. */
static void test_breaker_at_the_fiftieth(void **state)
{
	struct world w;
	int64_t id[49];
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	crowd(&w, id, 49);
	for (int i = 0; i < 5; i++)
		bounce(&w, id[i]);
	for (int i = 0; i < 4; i++) {
		char domain[] = "later0.example", email[] = "p@later0.example";
		domain[5] = email[7] = (char)('0' + i);
		put_contact(&w, email, domain);
		settle();
	}
	assert_string_equal(store_setting(w.store, "paused"), "bounce_rate");
	assert_int_equal(w.fake.started, 50);
	world_close(&w);
}

/* 4 of 150, and then 90 of the 150 are older than seven days: 4 of 60. */
static void test_breaker_when_sends_leave(void **state)
{
	struct world w;
	int64_t id[90];
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	crowd(&w, id, 90);
	clock_set(&w.clock, START + 2 * CLOCK_DAY);
	put_companies(&w, 60, "later", NULL);
	settle();
	for (int i = 0; i < 4; i++)
		bounce(&w, id[i]);
	assert_string_equal(store_setting(w.store, "paused"), "");
	clock_set(&w.clock, START + 8 * CLOCK_DAY);
	put_contact(&w, "p@last.example", "last.example");
	settle();
	assert_string_equal(store_setting(w.store, "paused"), "bounce_rate");
	assert_int_equal(w.fake.started, 150);
	world_close(&w);
}

/* A failure counts with the send that it is about: what comes back late from a large day is not held against a small one. */
static void test_breaker_counts_by_send(void **state)
{
	struct world w;
	int64_t id[100];
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	crowd(&w, id, 100);
	clock_set(&w.clock, START + 3 * CLOCK_DAY);
	for (int i = 0; i < 4; i++)
		answer(&w, (struct answer){ .kind = ANSWER_BOUNCE, .contact_id = id[i], .touch_id = touch_of(&w, id[i]), .permanent = true, .status = "5.1.1" });
	assert_string_equal(store_setting(w.store, "paused"), "");
	clock_set(&w.clock, START + 7 * CLOCK_DAY + CLOCK_HOUR);
	put_companies(&w, 60, "later", NULL);
	settle();
	assert_int_equal(w.fake.started, 160);
	assert_string_equal(store_setting(w.store, "paused"), "");
	world_close(&w);
}

static void test_complaint_breaks(void **state)
{
	struct world w;
	int64_t id[50];
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	crowd(&w, id, 50);
	answer(&w, (struct answer){ .kind = ANSWER_COMPLAINT, .contact_id = id[0] });
	assert_string_equal(store_setting(w.store, "paused"), "complaint_rate");
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_effects),
		cmocka_unit_test(test_holds_are_exact),
		cmocka_unit_test(test_three_soft_bounces),
		cmocka_unit_test(test_resolves_unknown),
		cmocka_unit_test(test_breaker),
		cmocka_unit_test(test_breaker_at_the_fiftieth),
		cmocka_unit_test(test_breaker_when_sends_leave),
		cmocka_unit_test(test_breaker_counts_by_send),
		cmocka_unit_test(test_complaint_breaks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
