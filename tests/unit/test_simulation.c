/* rooms: base model rules config mime render store check journal web scheduler simulate */
/* The simulation: a small calendar that was reckoned by hand, the same bytes from the same seed, and a year in which
 * what the scheduler says comes next is held against what then happens. */
#include "simulate_world.h"

static int setup(void **state)
{
	(void)state;
	config_dir_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	config_dir_remove();
	return 0;
}

/* ---- by hand ---- */

static void story_row(void *arg, const struct event *ev)
{
	char at[CLOCK_TEXT_MAX];
	const char *reason = strstr(ev->detail, "\"reason\":\"");

	if (ev->type != EVENT_SENT && ev->type != EVENT_COMPLETED && ev->type != EVENT_WAITING)
		return;
	clock_format(ev->ts, at);
	buf_printf(arg, "%.5s %.12s %s %.3s", at + 5, at + 11, event_type_name(ev->type), ev->address);
	if (ev->type == EVENT_SENT)
		buf_printf(arg, " %s", ev->step);
	if (reason)
		buf_printf(arg, " %.*s", (int)strcspn(reason + 10, "\""), reason + 10);
	buf_char(arg, '\n');
}

/* January 2026: the 5th is a Monday. One touch a day for the account; gaps in days and business days over weekends. */
static void test_calendar(void **state)
{
	struct buf story = { 0 };
	struct sim_world w = { .event = story_row, .arg = &story };
	struct simulate_model m = { 0 };

	(void)state;
	sim_config("window = { days = \"mon-fri\"; hours = \"09:00-17:00\"; }; gifts_per_ask = 2; "
		   "contact = { min_gap = \"0s\"; limits = [\"1 per 1h\"]; }; "
		   "account = { limits = [\"1 per 1d\"]; }; backoff = { factor = 1.0; };");
	sim_sequence("course", "enroll = \"on_import\";", "one 0d, two 3bd, three! 7d, four 2bd");
	sim_open(&w, &m, MONDAY);
	sim_import(&w, "{\"email\":\"ann@acme.example\",\"first_name\":\"Ann\",\"consent\":\"opt_in\"},"
		       "{\"email\":\"bob@acme.example\",\"first_name\":\"Bob\",\"consent\":\"opt_in\"}");
	sim_run(&w, MONDAY + 60 * CLOCK_DAY);
	/* bob is told to wait while ann's letter is on its way */
	assert_string_equal(buf_text(&story), "01-05 10:00:00.000 waiting bob account_limit\n"
					      "01-05 10:00:00.000 sent ann one\n"
					      "01-06 10:00:00.000 sent bob one\n"
					      "01-08 10:00:00.000 sent ann two\n"
					      "01-09 10:00:00.000 sent bob two\n"
					      "01-15 10:00:00.000 sent ann three\n"
					      "01-16 10:00:00.000 sent bob three\n"
					      "01-19 10:00:00.000 sent ann four\n"
					      "01-19 10:00:00.000 completed ann\n"
					      "01-20 10:00:00.000 sent bob four\n"
					      "01-20 10:00:00.000 completed bob\n");
	buf_free(&story);
	sim_close(&w);
}

/* ---- many people ---- */

static const char *const zone_of[] = { "Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Sydney" };

/* Contacts of so many accounts, whose mailboxes are at `providers` domains; every other one has the tag "data". */
static void people_import(struct sim_world *w, int n, int accounts, int providers)
{
	struct buf rows = { 0 };

	for (int i = 0; i < n; i++)
		buf_printf(
		    &rows,
		    "%s{\"email\":\"p%d@mail%d.example\",\"first_name\":\"P%d\",\"account\":\"Company %d\","
		    "\"timezone\":\"%s\",\"tags\":\"%s\",\"consent\":\"opt_in\",\"consent_at\":\"2025-%02d-10\"}",
		    i ? "," : "", i, i % providers, i, i % accounts, zone_of[i % accounts % 4], i % 2 ? "data" : "",
		    1 + i % 12);
	sim_import(w, buf_text(&rows));
	buf_free(&rows);
}

static void year_sequences(void)
{
	sim_sequence("course", "priority = 10; enroll = \"on_import\";",
		     "one 0d, two 5bd, three 5bd, offer! 7bd 30d, five 10d");
	sim_sequence("data", "priority = 5; enroll = \"tag:data\";", "one 2d, two 6d, three 3bd 9d, ask! 4d");
	sim_sequence("letters", "enroll = \"on_import\"; cadence = { contact = { limits = [\"1 per 20d\"]; }; };",
		     "one 20d, two 30d, three 30d, four 30d, five 30d, six 30d, seven 30d");
}

static const struct simulate_model lively = {
	.seed = 7, .reply = 0.03, .bounce = 0.004, .ooo = 0.06, .unsubscribe = 0.01
};

/* The lines of a run of `days`, of people who behave by m, with a cadence. Caller frees. */
static char *run_lines(const struct simulate_model *m, const char *cadence, int days)
{
	struct sim_world w = { .event = NULL };
	char *lines;

	sim_config(cadence);
	year_sequences();
	sim_open(&w, m, MONDAY);
	people_import(&w, 60, 20, 20);
	sim_run(&w, MONDAY + days * CLOCK_DAY);
	lines = buf_take(&w.lines);
	sim_close(&w);
	return lines;
}

static void test_seed(void **state)
{
	struct simulate_model other = lively, none = { .seed = 7 };
	char *a = run_lines(&lively, "", 200), *b = run_lines(&lively, "", 200), *c, *d;

	(void)state;
	assert_string_equal(a, b);
	assert_non_null(strstr(a, "\"event\":\"replied\""));
	assert_non_null(strstr(a, "\"event\":\"auto_replied\""));
	other.seed = 8;
	c = run_lines(&other, "", 200);
	assert_string_not_equal(a, c);
	d = run_lines(&none, "", 200);
	assert_null(strstr(d, "\"event\":\"replied\""));
	assert_null(strstr(d, "\"event\":\"auto_replied\""));
	assert_null(strstr(d, "\"event\":\"bounced\""));
	assert_null(strstr(d, "\"event\":\"unsubscribed\""));
	free(a);
	free(b);
	free(c);
	free(d);
}

/* ---- answers by step, whatever the policy ---- */

enum { SENT = 1, REPLY = 2, AWAY = 4, BOUNCE = 8, UNSUBSCRIBE = 16 };
struct deeds {
	unsigned char of[64][3]
			[8]; /* contact, sequence, step: what happened; SENT only when answers had time to come */
	int64_t end;
};

static unsigned deed(enum event_type t)
{
	switch (t) {
	case EVENT_SENT: return SENT;
	case EVENT_REPLIED: return REPLY;
	case EVENT_AUTO_REPLIED: return AWAY;
	case EVENT_BOUNCED: return BOUNCE;
	case EVENT_UNSUBSCRIBED: return UNSUBSCRIBE;
	default: return 0;
	}
}

static void deed_row(void *arg, const struct event *ev)
{
	static const char *const sequence[] = { "course", "data", "letters" };
	struct deeds *d = arg;
	unsigned what = deed(ev->type);

	if (!what || (what == SENT && ev->ts > d->end - 3 * CLOCK_DAY))
		return;
	for (int q = 0; q < 3; q++)
		for (int i = 0; i < 7 && !strcmp(ev->sequence, sequence[q]); i++) {
			static const char *const step[] = { "one", "two", "three", "four", "five", "six", "seven" };

			if (!strcmp(ev->step, step[i]))
				d->of[ev->contact_id][q][i] |= (unsigned char)what;
		}
}

/* Another cadence moves touches and so answers in time, but who answers what to which step stays. */
static void test_answers_stay(void **state)
{
	static const char *const cadence[] = {
		"", "contact = { limits = [\"1 per 9d\"]; }; account = { limits = [\"9 per 1d\"]; };"
	};
	struct deeds d[2] = { 0 };
	int both = 0, answered = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sim_world w = { .event = deed_row, .arg = &d[i] };

		d[i].end = MONDAY + 250 * CLOCK_DAY;
		sim_config(cadence[i]);
		year_sequences();
		sim_open(&w, &lively, MONDAY);
		people_import(&w, 60, 20, 20);
		sim_run(&w, d[i].end);
		sim_close(&w);
	}
	for (int k = 0; k < 64 * 3 * 8; k++) {
		unsigned a = (&d[0].of[0][0][0])[k], b = (&d[1].of[0][0][0])[k];

		if (!(a & SENT) || !(b & SENT))
			continue;
		assert_int_equal(a, b);
		both++;
		answered += a != SENT;
	}
	assert_true(both > 200);
	assert_true(answered > 10);
}

/* ---- what is said to come next, and what comes ---- */

#define ASKED 120 /* instants in the year at which everybody is asked about */

struct guess {
	int64_t contact, asked_at, at; /* at: CLOCK_NEVER: nothing without a change */
	int64_t latest;                /* an end may be noticed when the step is due only */
	enum verdict_kind kind, then;  /* then: SEND, or SKIP for what ends it (a stop, too) */
	enum reason reason;
	char account[32], sequence[16], step[16], provider[32];
};

struct oracle {
	struct sim_world *w;
	bool providers;     /* touches to the same provider intervene */
	struct guess *open; /* owned */
	size_t n, cap;
	int sent, ended, late, at_once, overtaken, by_reason[REASON_COUNT];
	struct {
		int64_t id[2048];
		size_t n;
	} active;
};

static void guess_fail(const struct guess *g, const struct event *ev, const char *why)
{
	char asked[CLOCK_TEXT_MAX], at[CLOCK_TEXT_MAX], ts[CLOCK_TEXT_MAX];

	fail_msg("%s: contact %lld %s/%s, asked %s: %s %s until %s; then %s %s/%s at %s", why, (long long)g->contact,
		 g->sequence, g->step, clock_format(g->asked_at, asked), verdict_kind_name(g->kind),
		 reason_name(g->reason), g->at == CLOCK_NEVER ? "never" : clock_format(g->at, at),
		 ev ? event_type_name(ev->type) : "nothing", ev ? ev->sequence : "", ev ? ev->step : "",
		 ev ? clock_format(ev->ts, ts) : "the end");
}

/* Does the event change what was said of g? A wait that is told changes nothing. */
static bool concerns(const struct oracle *o, const struct guess *g, const struct event *ev)
{
	const char *at = strchr(ev->address, '@');

	if (ev->type == EVENT_WAITING)
		return false;
	if (ev->contact_id == g->contact || ev->type == EVENT_PAUSED)
		return true;
	if (*ev->account && !strcmp(ev->account, g->account))
		return true;
	return o->providers && ev->type == EVENT_SENT && at && !strcmp(at + 1, g->provider);
}

/* Its own event: true, and the guess is right, or the test fails. */
static bool fulfils(struct oracle *o, const struct guess *g, const struct event *ev)
{
	bool own = ev->contact_id == g->contact && !strcmp(ev->sequence, g->sequence);

	if (!own || (ev->type != EVENT_SENT && ev->type != EVENT_SKIPPED && ev->type != EVENT_STOPPED))
		return false;
	if (ev->type == EVENT_STOPPED && (ev->ts < g->at || g->then == VERDICT_SEND))
		return false; /* an answer's doing, or another sequence's: it concerns all the same */
	if (ev->ts < g->at || ev->ts > g->latest || (ev->type == EVENT_SENT) != (g->then == VERDICT_SEND) ||
	    (ev->type != EVENT_STOPPED && strcmp(ev->step, g->step) != 0))
		guess_fail(g, ev, "it was said otherwise");
	o->late += ev->ts > g->at;
	if (g->then != VERDICT_SEND)
		o->ended++;
	else if (g->kind == VERDICT_SEND)
		o->at_once++;
	else
		o->sent++;
	o->by_reason[g->reason]++;
	return true;
}

static void oracle_event(void *arg, const struct event *ev)
{
	struct oracle *o = arg;
	size_t keep = 0;

	for (size_t i = 0; i < o->n; i++) {
		const struct guess *g = &o->open[i];

		if (ev->ts > g->latest)
			guess_fail(g, ev, "nothing came when it should have");
		if (fulfils(o, g, ev))
			continue;
		if (concerns(o, g, ev)) {
			o->overtaken++;
			continue;
		}
		o->open[keep++] = *g;
	}
	o->n = keep;
}

static void active_row(void *arg, const struct enrollment *en, const char *email)
{
	struct oracle *o = arg;

	(void)email;
	assert_true(o->active.n < sizeof o->active.id / sizeof o->active.id[0]);
	o->active.id[o->active.n++] = en->id;
}

static void ask_one(struct oracle *o, int64_t id, bool rested)
{
	struct simulation *s = o->w->sim;
	struct enrollment_row *row = NULL;
	struct next_step next;
	struct err e = { "" };

	assert_int_equal(store_enrollment(simulation_store(s), id, &row, &e), 1);
	if (scheduler_next(simulation_scheduler(s), row, &next, &e) != 0)
		fail_msg("%s", e.text);
	const struct verdict *v = &next.verdict;
	struct guess g = { .contact = row->contact->id,
			   .asked_at = simulation_now(s),
			   .kind = v->kind,
			   .then = VERDICT_SEND,
			   .reason = v->reason,
			   .at = v->until };
	snprintf(g.account, sizeof g.account, "%s", row->contact->account);
	snprintf(g.sequence, sizeof g.sequence, "%s", row->enrollment.sequence);
	snprintf(g.step, sizeof g.step, "%s", row->enrollment.step);
	snprintf(g.provider, sizeof g.provider, "%s", strchr(row->contact->email, '@') + 1);
	if (v->kind == VERDICT_SEND)
		g.at = g.asked_at;
	if (v->kind == VERDICT_STOP || v->kind == VERDICT_SKIP) {
		g.at = g.asked_at;
		g.then = VERDICT_SKIP;
	}
	if (rested && v->kind == VERDICT_SEND)
		guess_fail(&g, NULL, "the scheduler rests, and somebody may be sent to");
	if (v->kind == VERDICT_WAIT && v->ends_at <= v->until && v->ends_at != CLOCK_NEVER) {
		g.at = v->ends_at;
		g.then = VERDICT_SKIP;
	}
	g.latest = g.then == VERDICT_SKIP && row->enrollment.next_at > g.at ? row->enrollment.next_at : g.at;
	enrollment_row_free(&row);
	if (v->rests_on_flight)
		return;
	if (rested)
		assert_true(g.latest > g.asked_at);
	if (o->n == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 1024;
		o->open = mem_grow(o->open, o->cap, sizeof *o->open);
	}
	o->open[o->n++] = g;
}

static void ask_all(struct oracle *o, bool rested)
{
	o->active.n = 0;
	assert_true(store_queue(simulation_store(o->w->sim), 2048, active_row, o, NULL) >= 0);
	for (size_t i = 0; i < o->active.n; i++)
		ask_one(o, o->active.id[i], rested);
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void year(const char *cadence, bool providers, struct oracle *o)
{
	struct sim_world w = { .event = oracle_event, .arg = o };
	int64_t when[ASKED], end = MONDAY + 365 * CLOCK_DAY;
	uint64_t x = 88172645463325252u; /* xorshift64 */

	*o = (struct oracle){ .w = &w, .providers = providers };
	sim_config(cadence);
	year_sequences();
	sim_open(&w, &lively, MONDAY);
	people_import(&w, 300, 60, 8);
	ask_all(o, false); /* before the first turn: some may be sent to at once */
	for (int i = 0; i < ASKED; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		when[i] = MONDAY + (int64_t)(x % (uint64_t)(i % 3 ? 200 * CLOCK_DAY : end - MONDAY));
	}
	qsort(when, ASKED, sizeof when[0], by_time);
	for (int i = 0; i < ASKED; i++) {
		sim_run(&w, when[i]);
		ask_all(o, true);
	}
	sim_run(&w, end);
	for (size_t i = 0; i < o->n; i++)
		if (o->open[i].latest <= end)
			guess_fail(&o->open[i], NULL, "nothing came when it should have");
	free(o->open);
	sim_close(&w);
}

static void told(const struct oracle *o)
{
	print_message("sent when said %d, ended %d (%d of them when the step was due), at once %d, overtaken %d;",
		      o->sent, o->ended, o->late, o->at_once, o->overtaken);
	for (int i = 0; i < REASON_COUNT; i++)
		if (o->by_reason[i])
			print_message(" %s %d", *reason_name((enum reason)i) ? reason_name((enum reason)i) : "send",
				      o->by_reason[i]);
	print_message("\n");
}

/* A year under a cadence: so many that were sent exactly when it was said, and each of the reasons among what was said
 * of them. */
static void next_is_what_comes(const char *cadence, bool providers, int least, const enum reason *met, size_t met_n)
{
	struct oracle *o = mem_alloc(sizeof *o);

	year(cadence, providers, o);
	told(o);
	assert_true(o->sent >= least && o->at_once > 0);
	for (size_t i = 0; i < met_n; i++)
		if (o->by_reason[met[i]] == 0)
			fail_msg("nobody was sent to when a wait for %s ended", reason_name(met[i]));
	free(o);
}

#define MET(...) (const enum reason[]){ __VA_ARGS__ }, sizeof((enum reason[]){ __VA_ARGS__ }) / sizeof(enum reason)

static void test_next_is_what_comes(void **state)
{
	(void)state;
	next_is_what_comes("", false, 1000,
			   MET(REASON_AFTER, REASON_WINDOW, REASON_ACCOUNT_LIMIT, REASON_BACKOFF, REASON_ACCOUNT_HOLD));
}

static void test_next_of_a_contact(void **state)
{
	(void)state;
	next_is_what_comes(
	    "account = { limits = [\"50 per 1d\"]; }; contact = { limits = [\"1 per 7d\", \"3 per 30d\"]; }; "
	    "backoff = { factor = 1.1; };",
	    false, 1000, MET(REASON_AFTER, REASON_WINDOW, REASON_CONTACT_LIMIT, REASON_BACKOFF, REASON_CONTACT_HOLD));
}

static void test_next_behind_providers(void **state)
{
	(void)state;
	next_is_what_comes("provider = { limits = [\"3 per 1d\"]; }; account = { limits = [\"5 per 7d\"]; };", true,
			   200, MET(REASON_PROVIDER_LIMIT));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_calendar),          T(test_seed),
		T(test_answers_stay),      T(test_next_is_what_comes),
		T(test_next_of_a_contact), T(test_next_behind_providers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
