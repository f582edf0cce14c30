/* A home, a store in memory, a plan, a clock that the test sets, and a delivery that does what the test says. */
#ifndef SCHEDULER_WORLD_H
#define SCHEDULER_WORLD_H

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
	const char *reply; /* NULL: "said so" */
	bool hold_body;                  /* bodies are never told as written */
	bool hold_answer;                /* dots are never answered */
	int withdrawn;
};

static struct scheduler *sched;
static bool turn_wanted;
static int64_t turn_ms;

static inline void fake_forget(struct fake *f, struct delivery_job *job)
{
	for (int i = 0; i < 16; i++)
		if (f->on_way[i] == job)
			f->on_way[i] = NULL;
	((struct fake_slot *)job->link)->busy = false;
}

static inline void fake_answer(struct fake *f, struct delivery_job *job, enum outcome o, int code, bool local)
{
	struct delivery_result r = { .outcome = o, .phase = PHASE_DOT, .code = code, .status = f->status, .reply = f->reply != NULL ? f->reply : "said so", .local = local };
	fake_forget(f, job);
	f->sink.on_outcome(f->sink.arg, job, &r);
}

static inline void fake_want(void *arg, int n)
{
	struct fake *f = arg;
	for (int i = 0; i < f->slots && n > 0; i++)
		if (!f->slot[i].busy) {
			f->slot[i].busy = true;
			n--;
			f->sink.on_slot(f->sink.arg, (struct delivery_slot *)&f->slot[i]);
		}
}

static inline void fake_start(void *arg, struct delivery_slot *slot, struct delivery_job *job)
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

static inline void fake_hand(void *arg, struct delivery_job *job, struct delivery_job *next)
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

static inline void fake_withdraw(void *arg, struct delivery_job *job)
{
	struct fake *f = arg;
	f->withdrawn++;
	fake_answer(f, job, OUTCOME_NOT_SENT, 0, true);
}

static inline void fake_give_back(void *arg, struct delivery_slot *slot)
{
	(void)arg;
	((struct fake_slot *)(void *)slot)->busy = false;
}

static inline int64_t fake_backoff(void *arg)
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

static inline void hook_committed(void *arg)
{
	(void)arg;
}

static inline void hook_soon(void *arg)
{
	(void)arg;
	turn_wanted = true;
}

static inline void hook_in(void *arg, int64_t ms)
{
	(void)arg;
	turn_wanted |= ms == 0;
	turn_ms = ms;
}

static inline void put_file(const struct world *w, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", w->dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline void put_template(const struct world *w, const char *name, const char *kind)
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

static inline void scheduler_open(struct world *w)
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

static inline void plan_open(struct world *w)
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

/* As a reload does: what stands in the files now becomes the scheduler's plan. */
static inline void plan_reload(struct world *w)
{
	struct err e = { "" };
	struct plan *old = w->plan;
	plan_open(w);
	if (scheduler_set_plan(sched, w->plan, &e) != 0)
		fail_msg("%s", e.text);
	plan_free(&old);
}

/* abvd.conf; `smtp` is what stands in that group besides, each key with its semicolon. */
static inline void put_conf(const struct world *w, const char *sender, const char *smtp, const char *cadence)
{
	char text[2048];
	snprintf(text, sizeof text,
	         "sender = { %s postal_address = \"Example Ltd\"; unsubscribe = \"mailto:u@example.com\"; };\n"
	         "smtp = { url = \"smtp://127.0.0.1:9\"; tls = \"none\"; %s };\n"
	         "cadence = { %s };\nstore = { path = \"a.db\"; }; log = { path = \"a.log\"; }; control = { socket = \"a.sock\"; };\n", sender, smtp, cadence);
	put_file(w, "abvd.conf", text);
}

#define DANA "from = \"Dana <dana@example.com>\";"
#define TWO_CONNECTIONS "connections = 2;"

static inline void world_open(struct world *w, const char *cadence, const char *steps)
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
	put_conf(w, DANA, TWO_CONNECTIONS, cadence);
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

static inline void world_close(struct world *w)
{
	char cmd[128];
	scheduler_free(&sched);
	store_close(&w->store);
	plan_free(&w->plan);
	snprintf(cmd, sizeof cmd, "rm -rf %s", w->dir);
	assert_int_equal(system(cmd), 0);
}

/* In no sequence yet. */
static inline int64_t put_person(struct world *w, const char *email, const char *account)
{
	struct err e = { "" };
	enum put_result result;
	int64_t id;
	struct contact c = { .email = email, .account = account, .account_name = "", .first_name = "Ann", .last_name = "", .title = "", .timezone = "UTC",
		             .owner = "", .tags = "", .consent = "opt_in", .consent_source = "web", .consent_at = START - CLOCK_DAY };
	assert_int_equal(store_begin(w->store, &e), 0);
	if (store_contact_put(w->store, &c, clock_now(&w->clock), &result, &id, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(store_commit_now(w->store, &e), 0);
	return id;
}

static inline void enroll(struct world *w, int64_t id, const struct plan_sequence *in)
{
	struct err e = { "" };
	struct contact *c = NULL;
	enum reason why;
	assert_int_equal(store_contact_by_id(w->store, id, &c, &e), 1);
	assert_int_equal(store_begin(w->store, &e), 0);
	if (scheduler_enroll(sched, c, in->sequence, true, &why, &e) != 1)
		fail_msg("not enrolled: %s %s", reason_name(why), e.text);
	assert_int_equal(store_commit_now(w->store, &e), 0);
	contact_free(&c);
	scheduler_wake(sched);
}

static inline int64_t put_contact(struct world *w, const char *email, const char *account)
{
	int64_t id = put_person(w, email, account);
	enroll(w, id, &w->plan->sequence[0]);
	return id;
}

/* LOCAL0@domain and so on, n of them, of one account. */
static inline void put_contacts(struct world *w, int n, const char *local, const char *domain, const char *account)
{
	for (int i = 0; i < n; i++) {
		char email[64];
		snprintf(email, sizeof email, "%s%d@%s", local, i, domain);
		put_contact(w, email, account);
	}
}

/* One person each of n companies, NAME0.example and so on; their ids into `id` if it is not NULL. */
static inline void put_companies(struct world *w, int n, const char *name, int64_t *id)
{
	for (int i = 0; i < n; i++) {
		char email[64], account[64];
		snprintf(account, sizeof account, "%s%d.example", name, i);
		snprintf(email, sizeof email, "p@%s", account);
		int64_t it = put_contact(w, email, account);
		if (id != NULL)
			id[i] = it;
	}
}

/* As `pause` and `resume` do it; "" is not paused. */
static inline void set_paused(struct world *w, const char *why)
{
	struct err e = { "" };
	assert_int_equal(store_begin(w->store, &e), 0);
	assert_int_equal(store_setting_put(w->store, "paused", why, &e), 0);
	assert_int_equal(store_commit_now(w->store, &e), 0);
	scheduler_settings_changed(sched);
}

/* The bodies that were held are told as written. */
static inline void bodies_written(struct fake *f)
{
	for (int i = 0; i < 16; i++)
		if (f->on_way[i] != NULL)
			f->sink.on_body(f->sink.arg, f->on_way[i], true);
}

/* Turns until nothing presses. */
static inline void settle(void)
{
	for (int i = 0; turn_wanted && i < 1000; i++) {
		turn_wanted = false;
		scheduler_turn(sched);
	}
	assert_false(turn_wanted);
}

static inline void go_to(struct world *w, int64_t t)
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

static inline void story_row(void *arg, const struct event *ev)
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

static inline void assert_story(struct world *w, int64_t contact, const char *expected)
{
	struct story s = { .contact = contact };
	assert_true(store_events(w->store, 0, 1000, story_row, &s, NULL) >= 0);
	assert_string_equal(buf_text(&s.text), expected);
	buf_free(&s.text);
}

#define STEP(name, after) "{ name = \"" name "\"; after = \"" after "\"; template = \"" name ".md\"; }"
#define ALWAYS "window = { days = \"mon-sun\"; hours = \"00:00-24:00\"; }; "
#define FREE ALWAYS "contact = { min_gap = \"0s\"; limits = [\"9 per 1h\"]; }; account = { limits = [\"99 per 1d\"]; }; backoff = { factor = 1.0; };"

#endif
