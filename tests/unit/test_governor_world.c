/* rooms: base model rules */
/* What comes of many decisions: contacts in several sequences, driven by the governor alone.
 *
 *   caps     afterwards every half-open window of every cap is counted, every gap, gift and hour looked at; also when
 * the clock steps back and forth and when nothing runs for a month order    whoever is asked, whenever and in whatever
 * order, the touches are the same: only at its own `until` (as the scheduler does), everybody at every event, or
 * everybody in a random order before anything is reserved twins    of equal enrollments of a contact it is no matter
 * which comes first ends     everybody completes, stops or waits for a stated reason; nothing is asked for ever
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "random_world.h"

static int64_t sent, asked;

/* ---- ways to run a world ---- */

enum asking { OWN_TIME, EVERYBODY, ANY_ORDER };

struct way {
	enum asking asking;
	bool last_first; /* of those that are due at the same time */
	bool clock_steps;
};

static bool is_before(const struct participant *p, int i, const struct participant *q, int k, const struct way *way)
{
	if (p->due_at != q->due_at)
		return p->due_at < q->due_at;
	return way->last_first ? i > k : i < k;
}

/* Of those not yet asked in this turn, the one whose step is due for longest; -1. */
static int pick(const struct world *w, const bool *open, const struct way *way)
{
	int best = -1;

	for (int i = 0; i < w->enrollment_n; i++)
		if (open[i] && (best < 0 || is_before(&w->row[i], i, &w->row[best], best, way)))
			best = i;
	return best;
}

static void act(struct world *w, int i)
{
	struct participant *p = &w->row[i];

	asked++;
	switch (p->last.kind) {
	case VERDICT_SEND:
		sent++;
		world_reserve(w, i);
		break;
	case VERDICT_SKIP: world_advance(p); break;
	case VERDICT_STOP: p->active = false; break;
	case VERDICT_WAIT: break;
	}
}

/* Asks in some order without reserving, then lets those go that may, each after being asked again. */
static void ask_any_order(struct world *w, bool *open)
{
	for (int k = 0; k < w->enrollment_n; k++) {
		int i = (int)(((uint64_t)k + world_hash(w, w->now, 0, 0)) % (uint64_t)w->enrollment_n);

		if (!open[i])
			continue;
		world_ask(w, &w->row[i]);
		if (w->row[i].last.kind == VERDICT_WAIT)
			open[i] = false;
	}
}

static void turn(struct world *w, const struct way *way)
{
	bool open[ENROLLMENTS_MAX];

	for (int i = 0; i < w->enrollment_n; i++) {
		const struct participant *p = &w->row[i];

		open[i] = p->active && p->flight < 0 && (way->asking != OWN_TIME || p->next_at <= w->now);
		if (open[i])
			w->row[i].due_at = governor_add(&p->sequence.policy, zone_row[w->z[p->contact]], p->prev_at,
							&p->step[p->at_step].after);
	}
	if (way->asking == ANY_ORDER)
		ask_any_order(w, open);
	for (int i; (i = pick(w, open, way)) >= 0;) {
		open[i] = false;
		world_ask(w, &w->row[i]);
		act(w, i);
	}
}

/* A step of the clock: everybody is asked anew. */
static void step_clock(struct gen *g, struct world *w)
{
	if (!gen_one_in(g, 6))
		return;
	if (gen_one_in(g, 4))
		w->now += 31 * CLOCK_DAY;
	else
		w->now += gen_up_to(g, 6 * CLOCK_DAY) - 3 * CLOCK_DAY;
	for (int i = 0; i < w->enrollment_n; i++)
		w->row[i].next_at = w->now;
}

static void tell_world(struct gen *g, const struct world *w)
{
	char decided[CLOCK_TEXT_MAX], at[CLOCK_TEXT_MAX];

	for (int i = 0; i < w->record_n; i++) {
		const struct record *r = &w->record[i];

		gen_say(g, "  contact %d enrollment %d step %d: %s, decided %s, at %s, %s\n", r->contact, r->enrollment,
			r->step, kind_name(r->kind), clock_format(r->decided, decided), clock_format(r->at, at),
			touch_state_name(r->state));
	}
	tell_case(g, &w->base);
}

/* False: it goes on for ever. */
static bool run(struct gen *g, struct world *w, const struct way *way)
{
	int64_t end = w->now + WORLD_DAYS * CLOCK_DAY;

	for (int i = 0; i < w->enrollment_n; i++)
		w->row[i].next_at = w->now;
	for (int n = 0; n < EVENTS_MAX; n++) {
		int64_t next = world_next(w);

		if (next == CLOCK_NEVER || w->now > end || next > end)
			return true;
		w->now = next > w->now ? next : w->now;
		if (way->clock_steps)
			step_clock(g, w);
		world_happens(w);
		turn(w, way);
	}
	gen_say(g, "after %d events it still goes on\n", EVENTS_MAX);
	tell_world(g, w);
	return false;
}

/* ---- caps: counted afterwards ---- */

enum whose { OF_CONTACT, OF_ACCOUNT, OF_ALL };

static bool shares(const struct world *w, const struct record *a, const struct record *b, enum whose whose)
{
	return whose == OF_ALL || a->contact == b->contact || (whose == OF_ACCOUNT && w->same_account);
}

/* Every half-open window that begins with a touch. */
static bool limits_kept(const struct world *w, const struct limits *l, enum whose whose)
{
	for (int i = 0; i < l->n; i++)
		for (int a = 0; a < w->record_n; a++) {
			const struct record *first = &w->record[a];
			int32_t n = 0;

			for (int b = 0; b < w->record_n && touch_state_counts(first->state); b++) {
				const struct record *r = &w->record[b];

				n += touch_state_counts(r->state) && shares(w, first, r, whose) && r->at >= first->at &&
				     r->at - first->at < l->row[i].per_ms;
			}
			if (n > l->row[i].n)
				return false;
		}
	return true;
}

/* What a sequence asks for beyond the installation's policy is judged when its own touch was decided. */
static bool own_limits_kept(const struct world *w, const struct record *r)
{
	const struct limits *l = &w->row[r->enrollment].sequence.policy.contact;

	for (int i = 0; i < l->n; i++) {
		int32_t n = 1;

		for (const struct record *b = w->record; b < r; b++)
			n += b->contact == r->contact && touch_state_counts(b->state) &&
			     b->at > r->decided - l->row[i].per_ms;
		if (n > l->row[i].n)
			return false;
	}
	return true;
}

static bool gaps_kept(const struct world *w, const struct record *r)
{
	struct fixture f = w->base;
	const struct policy *p = &w->row[r->enrollment].sequence.policy;

	f.z = w->z[r->contact];
	f.policy = *p;
	f.policy.window.holidays = w->base.policy.window.holidays;
	for (const struct record *b = w->record; b < r; b++) {
		if (!touch_state_counts(b->state))
			continue;
		if (b->contact == r->contact && is_gap(&p->contact_min_gap) &&
		    r->decided < later(&f, b->at, &p->contact_min_gap))
			return false;
		if (shares(w, b, r, OF_ACCOUNT) && is_gap(&p->account_min_gap) &&
		    r->decided < later(&f, b->at, &p->account_min_gap))
			return false;
	}
	return inside(&f, r->decided);
}

/* Value touches known to be accepted when it was decided, whatever their time (the clock steps), since the last ask
 * that had or may have reached the contact by then; one that was in flight is the last. */
static bool gifts_kept(const struct world *w, const struct record *r)
{
	int64_t ask_at = INT64_MIN;
	int ask_no = -1;
	int32_t n = 0;

	if (r->kind == KIND_VALUE)
		return true;
	for (const struct record *b = w->record; b < r; b++) {
		bool flew = b->landed_no > r->decided_no;
		int64_t at = flew ? CLOCK_NEVER : b->at;

		if (b->contact == r->contact && b->kind == KIND_ASK && (flew || touch_state_counts(b->state)) &&
		    at >= ask_at) {
			ask_at = at;
			ask_no = (int)(b - w->record);
		}
	}
	for (int i = 0; i < (int)(r - w->record); i++) {
		const struct record *b = &w->record[i];

		n += b->contact == r->contact && b->kind == KIND_VALUE && b->state == TOUCH_ACCEPTED &&
		     b->landed_no < r->decided_no && (b->at > ask_at || (b->at == ask_at && i > ask_no));
	}
	return n >= w->row[r->enrollment].sequence.policy.gifts_per_ask;
}

static bool warmup_kept(const struct world *w)
{
	for (int a = 0; a < w->record_n && w->base.policy.warmup.start > 0; a++) {
		int32_t n = 0;

		for (int b = 0; b < w->record_n; b++)
			n += touch_state_counts(w->record[b].state) &&
			     w->record[b].at / CLOCK_DAY == w->record[a].at / CLOCK_DAY;
		if (n > 3) /* the ramp's 2, and one that was decided before midnight and landed behind it */
			return false;
	}
	return true;
}

static const char *broken(const struct world *w)
{
	const struct policy *p = &w->base.policy;

	if (!limits_kept(w, &p->contact, OF_CONTACT))
		return "a contact's limit";
	if (!limits_kept(w, &p->account, OF_ACCOUNT))
		return "an account's limit";
	if (!limits_kept(w, &p->provider, OF_ALL) || !limits_kept(w, &p->sender, OF_ALL))
		return "the provider's or sender's limit";
	if (!warmup_kept(w))
		return "the warm-up";
	for (int i = 0; i < w->record_n; i++) {
		const struct record *r = &w->record[i];

		if (!touch_state_counts(r->state))
			continue;
		if (!own_limits_kept(w, r))
			return "a sequence's own limit";
		if (!gaps_kept(w, r))
			return "a gap, or the window";
		if (!gifts_kept(w, r))
			return "an ask without its gifts";
	}
	return NULL;
}

static const char *unaccounted(const struct world *w)
{
	for (int i = 0; i < w->enrollment_n; i++) {
		const struct participant *p = &w->row[i];

		/* one that is due was not asked before the world ended; what is said of it is of before its last touch */
		if (p->active && p->flight < 0 && p->next_at > w->now && (p->last.kind != VERDICT_WAIT || p->last.reason == REASON_NONE))
			return "somebody neither ended nor waits for a reason";
	}
	return NULL;
}

static bool judge(struct gen *g, const struct world *w)
{
	const char *what = broken(w);

	what = what ? what : unaccounted(w);
	if (!what)
		return true;
	gen_say(g, "broken: %s\n", what);
	tell_world(g, w);
	return false;
}

static bool caps_hold(struct gen *g)
{
	static struct world w;
	struct way way = { .clock_steps = gen_one_in(g, 2) };

	random_world(g, &w, false);
	return run(g, &w, &way) && judge(g, &w);
}

/* ---- order ---- */

static bool is_same(const struct world *a, const struct world *b, bool who)
{
	if (a->record_n != b->record_n)
		return false;
	for (int i = 0; i < a->record_n; i++) {
		const struct record *r = &a->record[i], *s = &b->record[i];

		if (r->decided != s->decided || r->at != s->at || r->contact != s->contact || r->state != s->state ||
		    r->kind != s->kind || r->step != s->step || (who && r->enrollment != s->enrollment))
			return false;
	}
	return true;
}

static bool run_both(struct gen *g, const struct world *w, const struct way *a, const struct way *b, bool who)
{
	static struct world x, y;

	world_copy(&x, w);
	world_copy(&y, w);
	if (!run(g, &x, a) || !run(g, &y, b))
		return false;
	if (is_same(&x, &y, who))
		return true;
	gen_say(g, "asked in two ways:\n");
	tell_world(g, &x);
	tell_world(g, &y);
	return false;
}

static bool order_holds(struct gen *g)
{
	static struct world w;
	const struct way own = { .asking = OWN_TIME }, everybody = { .asking = EVERYBODY },
			 any = { .asking = ANY_ORDER };

	random_world(g, &w, false);
	/* round the clock: in the hour behind an opening a new touch may take the jitter's place, and then it matters
	 * whether one was asked in between */
	world_window(&w, (struct window){ .weekdays = 0x7f, .hours = { 0, 86400 } });
	return run_both(g, &w, &own, &everybody, true) && run_both(g, &w, &own, &any, true);
}

static bool twins_hold(struct gen *g)
{
	static struct world w;
	const struct way first = { .asking = OWN_TIME }, last = { .asking = OWN_TIME, .last_first = true };

	random_world(g, &w, true);
	return run_both(g, &w, &first, &last, false);
}

static void test_caps(void **state)
{
	(void)state;
	assert_int_equal(gen_check("caps over time", caps_hold, 40000), 0);
}

static void test_order(void **state)
{
	(void)state;
	assert_int_equal(gen_check("order of asking", order_holds, 20000), 0);
}

static void test_twins(void **state)
{
	(void)state;
	assert_int_equal(gen_check("equal enrollments", twins_hold, 20000), 0);
	printf("worlds: %lld questions, %lld touches\n", (long long)asked, (long long)sent);
}

static int read_zones(void **state)
{
	(void)state;
	return zones_read();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_caps), cmocka_unit_test(test_order),
					    cmocka_unit_test(test_twins) };
	return cmocka_run_group_tests(tests, read_zones, NULL);
}
