/* rooms: base model rules config mime render store check scheduler */
/* The scheduler against a real store and real templates, with a delivery that does what the test says, on a clock that the test sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/mem.h"
#include "abv/scheduler.h"

#define START INT64_C(1767600000000) /* 2026-01-05T08:00:00Z, a Monday */

/* ---- a delivery by script ---- */

struct fake_slot {
	bool busy;
};

struct fake {
	struct delivery_sink sink;
	struct delivery delivery;
	struct fake_slot slot[4];
	int slots;                       /* how many may be open */
	struct delivery_job *on_way[16]; /* started, not answered */
	bool handed[16];
	char to[512][64];                /* envelopes that were started, in order */
	int started;
	enum outcome outcome;            /* for every message, unless `hold_body` */
	int code;
	const char *status;
	bool hold_body;                  /* bodies are never told as written */
	bool hold_answer;                /* dots are never answered */
	int withdrawn;
};

static struct scheduler *sched;
static bool turn_wanted;
static int64_t turn_ms;

static void fake_forget(struct fake *f, struct delivery_job *job)
{
	for (int i = 0; i < 16; i++)
		if (f->on_way[i] == job)
			f->on_way[i] = NULL;
	((struct fake_slot *)job->link)->busy = false;
}

static void fake_answer(struct fake *f, struct delivery_job *job, enum outcome o, int code, bool local)
{
	struct delivery_result r = { .outcome = o, .phase = PHASE_DOT, .code = code, .status = f->status, .reply = "said so", .local = local };
	fake_forget(f, job);
	f->sink.on_outcome(f->sink.arg, job, &r);
}

static void fake_want(void *arg, int n)
{
	struct fake *f = arg;
	for (int i = 0; i < f->slots && n > 0; i++)
		if (!f->slot[i].busy) {
			f->slot[i].busy = true;
			n--;
			f->sink.on_slot(f->sink.arg, (struct delivery_slot *)&f->slot[i]);
		}
}

static void fake_start(void *arg, struct delivery_slot *slot, struct delivery_job *job)
{
	struct fake *f = arg;
	snprintf(f->to[f->started++], sizeof f->to[0], "%s", job->message->envelope_to);
	job->link = slot;
	for (int i = 0; i < 16; i++)
		if (f->on_way[i] == NULL) {
			f->on_way[i] = job;
			break;
		}
	bool before_dot = f->outcome == OUTCOME_NOT_SENT || f->outcome == OUTCOME_BAD_ADDRESS || f->outcome == OUTCOME_REFUSED_PERM;
	if (before_dot)
		fake_answer(f, job, f->outcome, f->code, false);
	else if (!f->hold_body)
		f->sink.on_body(f->sink.arg, job, true);
}

static void fake_hand(void *arg, struct delivery_job *job, struct delivery_job *next)
{
	struct fake *f = arg;
	struct delivery_slot *slot = job->link;
	if (!f->hold_answer)
		fake_answer(f, job, f->outcome, f->code, false);
	if (next != NULL) {
		((struct fake_slot *)(void *)slot)->busy = true;
		fake_start(f, slot, next);
	}
}

static void fake_withdraw(void *arg, struct delivery_job *job)
{
	struct fake *f = arg;
	f->withdrawn++;
	fake_answer(f, job, OUTCOME_NOT_SENT, 0, true);
}

static void fake_give_back(void *arg, struct delivery_slot *slot)
{
	(void)arg;
	((struct fake_slot *)(void *)slot)->busy = false;
}

static int64_t fake_backoff(void *arg)
{
	(void)arg;
	return 0;
}

/* ---- a home, a store, a plan ---- */

struct world {
	char dir[64];
	struct plan *plan;
	struct store *store;
	struct clock clock;
	struct fake fake;
};

static void hook_committed(void *arg)
{
	(void)arg;
}

static void hook_soon(void *arg)
{
	(void)arg;
	turn_wanted = true;
}

static void hook_in(void *arg, int64_t ms)
{
	(void)arg;
	turn_wanted |= ms == 0;
	turn_ms = ms;
}

static void put_file(const struct world *w, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", w->dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void put_template(const struct world *w, const char *name, const char *kind)
{
	char file[64], text[2048];
	snprintf(file, sizeof file, "templates/%s.md", name);
	snprintf(text, sizeof text,
	         "Subject: Worksheet %s for {{first_name}}\nKind: %s\n\nHello {{first_name}},\n\nthree steps of the worksheet %s brought 40 teams from nine weeks to five:\n\n"
	         "1. Name one owner for each data source before the first call; 31 of 40 teams lost two weeks here.\n"
	         "2. Export a sample of 200 rows and load it on day one, so that field mapping is settled early.\n"
	         "3. Measure the time from login to the first report; below 12 minutes people come back by themselves.\n\n"
	         "The worksheet with all formulas: https://example.com/worksheet-%s\n%s",
	         name, kind, name, name, strcmp(kind, "ask") == 0 ? "\nWould you like to see a demo next week? Book a call with us.\n" : "");
	put_file(w, file, text);
}

static void scheduler_open(struct world *w)
{
	struct err e = { "" };
	struct scheduler_hooks hooks = { NULL, hook_committed, hook_soon, hook_in };
	if (scheduler_new(w->store, &w->clock, w->plan, &hooks, &sched, &e) != 0)
		fail_msg("%s", e.text);
	scheduler_sink(sched, &w->fake.sink);
	w->fake.delivery = (struct delivery){ &w->fake, fake_want, fake_start, fake_hand, fake_withdraw, fake_give_back, fake_backoff };
	scheduler_set_delivery(sched, &w->fake.delivery);
	turn_wanted = true;
}

static void plan_open(struct world *w)
{
	char path[256];
	struct problems p = { 0 };
	snprintf(path, sizeof path, "%s/abvd.conf", w->dir);
	if (plan_load(path, &w->plan, &p) != PLAN_OK || p.errors > 0) {
		struct buf b = { 0 };
		for (size_t i = 0; i < p.n; i++) {
			problem_format(&p.row[i], &b);
			buf_char(&b, '\n');
		}
		fail_msg("%s", buf_text(&b));
	}
	problems_free(&p);
}

static void world_open(struct world *w, const char *cadence, const char *steps)
{
	char text[2048];
	struct err e = { "" };
	*w = (struct world){ .dir = "/tmp/abv-scheduler-XXXXXX" };
	w->fake.slots = 2;
	w->fake.outcome = OUTCOME_ACCEPTED;
	w->fake.code = 250;
	w->fake.status = "";
	assert_non_null(mkdtemp(w->dir));
	snprintf(text, sizeof text, "%s/templates", w->dir);
	mkdir(text, 0700);
	snprintf(text, sizeof text, "%s/sequences.d", w->dir);
	mkdir(text, 0700);
	snprintf(text, sizeof text,
	         "sender = { from = \"Dana <dana@example.com>\"; postal_address = \"Example Ltd\"; unsubscribe = \"mailto:u@example.com\"; };\n"
	         "smtp = { url = \"smtp://127.0.0.1:9\"; tls = \"none\"; connections = 2; };\n"
	         "cadence = { %s };\nstore = { path = \"a.db\"; }; log = { path = \"a.log\"; }; control = { socket = \"a.sock\"; };\n", cadence);
	put_file(w, "abvd.conf", text);
	snprintf(text, sizeof text, "sequence = { name = \"course\"; steps = ( %s ); };\n", steps);
	put_file(w, "sequences.d/course.conf", text);
	static const char *const value[] = { "one", "two", "three" };
	for (int i = 0; i < 3; i++)
		put_template(w, value[i], "value");
	put_template(w, "ask", "ask");
	plan_open(w);
	clock_init_manual(&w->clock, START);
	if (store_open(":memory:", &w->store, &e) != STORE_OK)
		fail_msg("%s", e.text);
	scheduler_open(w);
}

static void world_close(struct world *w)
{
	char cmd[128];
	scheduler_free(&sched);
	store_close(&w->store);
	plan_free(&w->plan);
	snprintf(cmd, sizeof cmd, "rm -rf %s", w->dir);
	assert_int_equal(system(cmd), 0);
}

static int64_t put_contact(struct world *w, const char *email, const char *account)
{
	struct err e = { "" };
	enum put_result result;
	int64_t id;
	struct contact *stored = NULL;
	struct contact c = { .email = email, .account = account, .account_name = "", .first_name = "Ann", .last_name = "", .title = "", .timezone = "UTC",
		             .owner = "", .tags = "", .consent = "opt_in", .consent_source = "web", .consent_at = START - CLOCK_DAY };
	enum reason why;
	assert_int_equal(store_begin(w->store, &e), 0);
	if (store_contact_put(w->store, &c, clock_now(&w->clock), &result, &id, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(store_contact_by_id(w->store, id, &stored, &e), 1);
	if (scheduler_enroll(sched, stored, w->plan->sequence[0].sequence, true, &why, &e) != 1)
		fail_msg("not enrolled: %s %s", reason_name(why), e.text);
	assert_int_equal(store_commit_now(w->store, &e), 0);
	contact_free(&stored);
	scheduler_wake(sched);
	return id;
}

/* Turns until nothing presses. */
static void settle(void)
{
	for (int i = 0; turn_wanted && i < 1000; i++) {
		turn_wanted = false;
		scheduler_turn(sched);
	}
	assert_false(turn_wanted);
}

static void go_to(struct world *w, int64_t t)
{
	clock_set(&w->clock, t);
	turn_wanted = true;
	settle();
}

/* ---- reading the log ---- */

struct story {
	struct buf text;
	int64_t contact; /* 0: everybody */
};

static void story_row(void *arg, const struct event *ev)
{
	struct story *s = arg;
	const char *reason = strstr(ev->detail, "\"reason\":\"");
	if (s->contact != 0 && ev->contact_id != s->contact)
		return;
	buf_printf(&s->text, "%s%s", s->text.len > 0 ? " " : "", event_type_name(ev->type));
	if (*ev->step != '\0' && ev->type == EVENT_SENT)
		buf_printf(&s->text, ":%s", ev->step);
	if (reason != NULL)
		buf_printf(&s->text, ":%.*s", (int)strcspn(reason + 10, "\""), reason + 10);
}

static void assert_story(struct world *w, int64_t contact, const char *expected)
{
	struct story s = { .contact = contact };
	assert_true(store_events(w->store, 0, 1000, story_row, &s, NULL) >= 0);
	assert_string_equal(buf_text(&s.text), expected);
	buf_free(&s.text);
}

#define STEP(name, after) "{ name = \"" name "\"; after = \"" after "\"; template = \"" name ".md\"; }"
#define ALWAYS "window = { days = \"mon-sun\"; hours = \"00:00-24:00\"; }; "
#define FREE ALWAYS "contact = { min_gap = \"0s\"; limits = [\"9 per 1h\"]; }; account = { limits = [\"99 per 1d\"]; }; backoff = { factor = 1.0; };"

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
