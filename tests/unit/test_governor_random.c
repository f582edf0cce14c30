/* rooms: base model rules */
/* Properties of a single decision on random policies, histories and zones, in the days around the changes of the
 * clocks, leap days and year's ends, judged by the brute force of random_oracle.h. What comes of many decisions is in
 * test_governor_world.c.
 *
 *   exact   it stops, skips, sends or waits for the reason and until the instant that the brute force finds: so it is
 *           sound (no rule is broken) and tight (not a millisecond late)
 *   steady  asked at any time before the end of the wait it gives the same end; at the end it says send
 *   told    every row of evidence is true, the reason is the row that binds, and whether it rests on a touch in flight
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "random_oracle.h"

/* How often each kind of answer was seen: a generator that never reaches a rule proves nothing of it. */
static int64_t seen[4][REASON_COUNT], seen_restless, seen_flying, seen_future;

static bool fault(struct gen *g, const struct fixture *f, const struct verdict *v, int64_t want, const char *what)
{
	char until[CLOCK_TEXT_MAX] = "never", brute[CLOCK_TEXT_MAX] = "never";

	if (v->until != CLOCK_NEVER)
		clock_format(v->until, until);
	if (want != CLOCK_NEVER)
		clock_format(want, brute);
	gen_say(g, "%s: %s %s until %s, brute force %s\n", what, verdict_kind_name(v->kind), reason_name(v->reason),
		until, brute);
	tell_case(g, f);
	return false;
}

static void count(const struct fixture *f, const struct verdict *v)
{
	seen[v->kind][v->reason]++;
	seen_restless += zone_restless[f->z][zones_index(f->now)];
	seen_flying += is_flying(f);
	for (size_t i = 0; i < f->history.contact_n; i++)
		if (f->touch[i].at != CLOCK_NEVER && f->touch[i].at > f->now) {
			seen_future++;
			break;
		}
}

/* ---- told ---- */

static int32_t touches_from(const struct fixture *f, const int64_t *time, size_t n, int64_t from)
{
	int32_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += time[i] == CLOCK_NEVER ? f->now >= from : time[i] >= from;
	return k;
}

/* limit_n touches or more since touch_at, so it must leave the window; and no earlier one would do. */
static bool limit_is_true(const struct fixture *f, const struct evidence *e, const int64_t *time, size_t n)
{
	return e->until == e->touch_at + e->limit_ms && touches_from(f, time, n, e->touch_at) >= e->limit_n &&
	       touches_from(f, time, n, e->touch_at + 1) < e->limit_n;
}

static bool evidence_is_true(const struct fixture *f, const struct evidence *e)
{
	const struct history *h = &f->history;
	int64_t own[MANY];

	contact_at(f, own);
	if (e->until <= f->now)
		return false;
	switch (e->reason) {
	case REASON_AFTER: return e->until == later(f, f->in.prev_at, &f->step.after);
	case REASON_RETRY: return e->until == f->in.retry_at;
	case REASON_CONTACT_HOLD: return e->until == f->standing.contact_hold;
	case REASON_ACCOUNT_HOLD: return e->until == f->standing.account_hold;
	case REASON_SEQUENCE_PAUSED: return f->standing.sequence_paused && e->until == CLOCK_NEVER;
	case REASON_SENDING_PAUSED: return f->standing.sending_paused && e->until == CLOCK_NEVER;
	case REASON_IN_FLIGHT: return sunset_rests(f) && e->until == CLOCK_NEVER;
	case REASON_GIFTS: return !gifts_given(f) && e->until == CLOCK_NEVER;
	case REASON_CONTACT_MIN_GAP:
		return e->until == gap_end(f, own, h->contact_n, &f->policy.contact_min_gap) &&
		       e->until == later(f, e->touch_at, &f->policy.contact_min_gap);
	case REASON_ACCOUNT_MIN_GAP:
		return e->until == gap_end(f, f->account, h->account_n, &f->policy.account_min_gap) &&
		       e->until == later(f, e->touch_at, &f->policy.account_min_gap);
	case REASON_BACKOFF: return e->touch_at == latest(f, own, h->contact_n) && e->until == backoff_end(f);
	case REASON_CONTACT_LIMIT: return limit_is_true(f, e, own, h->contact_n);
	case REASON_ACCOUNT_LIMIT: return limit_is_true(f, e, f->account, h->account_n);
	case REASON_PROVIDER_LIMIT: return limit_is_true(f, e, f->provider, h->provider_n);
	case REASON_SENDER_LIMIT: return limit_is_true(f, e, f->sender, h->sender_n);
	case REASON_WARMUP:
		return has_warmup_ended(f) && e->until == (f->now / CLOCK_DAY + 1) * CLOCK_DAY &&
		       e->limit_n == h->warmup_cap && e->limit_ms == CLOCK_DAY;
	case REASON_WINDOW: return e->until != CLOCK_NEVER && inside(f, e->until); /* every window drawn opens */
	default: return false;
	}
}

/* The rows are those that hold it up, and if there are too many, those that do so for longest. */
static bool rows_are_all(const struct fixture *f, const struct verdict *v)
{
	struct rows r = { .n = 0 };
	int64_t told[EVIDENCE_MAX];

	rows_expected(&r, f);
	if (v->rests_on_flight != r.rests)
		return false;
	for (int i = 0; i < v->evidence_n; i++) {
		told[i] = v->evidence[i].until;
		if (v->evidence[i].reason == REASON_WINDOW)
			row_add(&r, f, told[i], false);
	}
	qsort(told, (size_t)v->evidence_n, sizeof *told, random_newest_first);
	qsort(r.until, (size_t)r.n, sizeof *r.until, random_newest_first);
	for (int i = 0; i < v->evidence_n && i < r.n; i++)
		if (told[i] != r.until[i])
			return false;
	return v->evidence_n == (r.n < EVIDENCE_MAX ? r.n : EVIDENCE_MAX);
}

static bool check_told(struct gen *g, const struct fixture *f, const struct verdict *v)
{
	for (int i = 0; i < v->evidence_n; i++)
		if (!evidence_is_true(f, &v->evidence[i]))
			return fault(g, f, v, v->evidence[i].until, reason_name(v->evidence[i].reason));
	if (v->evidence_n < 1 || v->evidence[0].reason != v->reason || v->evidence[0].until != v->until)
		return fault(g, f, v, v->until, "the reason is not the first row of evidence");
	if (v->ends_at != changes_at(f))
		return fault(g, f, v, changes_at(f), "ends_at");
	if (!rows_are_all(f, v))
		return fault(g, f, v, v->until, "rows of evidence, or rests on a touch in flight");
	return true;
}

/* ---- steady ---- */

static void ask_at(struct fixture *f, int64_t t, struct verdict *v)
{
	int32_t used = f->history.warmup_used;

	if (t / CLOCK_DAY != f->now / CLOCK_DAY)
		f->history.warmup_used = 0;
	governor_decide(&f->in, t, v);
	f->history.warmup_used = used;
}

/* Touches in flight count as now, so with one the end of a wait moves with the asking. */
static bool check_steady(struct gen *g, struct fixture *f, const struct verdict *v)
{
	int64_t end = least(v->until, v->ends_at), span = end == CLOCK_NEVER ? 100 * CLOCK_DAY : end - f->now;
	struct verdict w;

	for (int i = 0; i < 3; i++) {
		ask_at(f, i == 0 ? f->now + span - 1 : f->now + gen_up_to(g, span - 1), &w);
		if (w.kind != VERDICT_WAIT || w.until != v->until || w.reason == REASON_NONE || w.evidence_n < 1)
			return fault(g, f, &w, v->until, "not steady");
	}
	if (end == CLOCK_NEVER)
		return true;
	ask_at(f, end, &w);
	if (end == v->ends_at ? w.kind != VERDICT_STOP && w.kind != VERDICT_SKIP : w.kind != VERDICT_SEND)
		return fault(g, f, &w, end, "at the end of the wait");
	return true;
}

/* ---- in flight ---- */

static size_t landed(int64_t *time, size_t n)
{
	size_t k = 0;

	while (k < n && time[k] == CLOCK_NEVER)
		k++;
	memmove(time, time + k, (n - k) * sizeof *time);
	return n - k;
}

/* If the touches in flight are refused and the answer comes earlier, the wait must have said that it rests on them. */
static bool check_flight(struct gen *g, const struct fixture *f, const struct verdict *v)
{
	struct fixture r = *f;
	struct verdict w;
	size_t k = (size_t)flying_n(f);

	memmove(r.touch, r.touch + k, (r.history.contact_n - k) * sizeof *r.touch);
	r.history.contact_n -= k;
	r.history.unanswered = r.history.unanswered > (int32_t)k ? r.history.unanswered - (int32_t)k : 0;
	r.history.account_n = landed(r.account, r.history.account_n);
	r.history.provider_n = landed(r.provider, r.history.provider_n);
	r.history.sender_n = landed(r.sender, r.history.sender_n);
	r.history.contact = r.touch;
	r.history.account = r.account;
	r.history.provider = r.provider;
	r.history.sender = r.sender;
	r.in.history = &r.history;
	governor_decide(&r.in, r.now, &w);
	if ((w.kind == VERDICT_SEND || (w.kind == VERDICT_WAIT && w.until < v->until)) && !v->rests_on_flight)
		return fault(g, f, v, w.kind == VERDICT_SEND ? r.now : w.until,
			     "does not say that it rests on a touch in flight");
	return true;
}

/* ---- exact ---- */

static bool decision_holds(struct gen *g)
{
	static struct fixture f;
	struct verdict v;

	random_case(g, &f);
	governor_decide(&f.in, f.now, &v);
	count(&f, &v);
	enum reason end = ended_by(&f);

	if (end != REASON_NONE) {
		enum verdict_kind kind = end == REASON_STEP_EXPIRED ? VERDICT_SKIP : VERDICT_STOP;
		return (v.kind == kind && v.reason == end) || fault(g, &f, &v, f.now, reason_name(end));
	}
	if (v.kind != VERDICT_SEND && v.kind != VERDICT_WAIT)
		return fault(g, &f, &v, changes_at(&f), "ended, without a cause");
	if (v.kind == VERDICT_WAIT && !check_told(g, &f, &v))
		return false;
	if (is_flying(&f) && v.kind == VERDICT_WAIT && !check_flight(g, &f, &v))
		return false;
	if (sunset_rests(&f))
		return (v.kind == VERDICT_WAIT && v.until == CLOCK_NEVER && v.rests_on_flight) ||
		       fault(g, &f, &v, CLOCK_NEVER, "the sunset rests on a touch in flight");
	int64_t want = goes_at(&f), got = v.kind == VERDICT_SEND ? f.now : v.until;

	if (got != want)
		return fault(g, &f, &v, want, want < 0 ? "jitter out of bounds" : "not exact");
	return v.kind == VERDICT_SEND || is_flying(&f) || check_steady(g, &f, &v);
}

static void test_decisions(void **state)
{
	(void)state;
	assert_int_equal(gen_check("decisions", decision_holds, 1000000), 0);
	if (gen_setting("ABV_CASES", 1000000) < 100000 || gen_setting("ABV_CASE", -1) >= 0)
		return;
	static const enum reason waits[] = {
		REASON_AFTER,           REASON_CONTACT_HOLD,  REASON_ACCOUNT_HOLD,    REASON_SEQUENCE_PAUSED,
		REASON_SENDING_PAUSED,  REASON_GIFTS,         REASON_CONTACT_MIN_GAP, REASON_CONTACT_LIMIT,
		REASON_ACCOUNT_MIN_GAP, REASON_ACCOUNT_LIMIT, REASON_PROVIDER_LIMIT,  REASON_SENDER_LIMIT,
		REASON_WARMUP,          REASON_BACKOFF,       REASON_WINDOW,          REASON_IN_FLIGHT,
		REASON_RETRY,
	};
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
		if (seen[VERDICT_WAIT][waits[i]] < 10)
			fail_msg("%s was hardly ever the reason", reason_name(waits[i]));
	printf("decisions: %lld sent, %lld waiting for the window, %lld near a change of the clocks, %lld with touches "
	       "in flight, %lld with touches in the future\n",
	       (long long)seen[VERDICT_SEND][REASON_NONE], (long long)seen[VERDICT_WAIT][REASON_WINDOW],
	       (long long)seen_restless, (long long)seen_flying, (long long)seen_future);
	assert_true(seen[VERDICT_SEND][REASON_NONE] > 1000 && seen_restless > 1000 && seen_flying > 1000 &&
		    seen_future > 1000 && seen[VERDICT_SKIP][REASON_STEP_EXPIRED] > 100 &&
		    seen[VERDICT_STOP][REASON_SUNSET] > 100 && seen[VERDICT_STOP][REASON_CONSENT_EXPIRED] > 100);
}

/* ---- the shrinking itself ---- */

static bool no_long_limit(struct gen *g)
{
	static struct fixture f;

	random_case(g, &f);
	for (int i = 0; i < f.policy.contact.n; i++)
		if (f.policy.contact.row[i].n >= 3 && f.policy.contact.row[i].per_ms >= 9 * CLOCK_DAY) {
			gen_say(g, "%d %d %lld %zu", f.policy.contact.n, f.policy.contact.row[i].n,
				(long long)(f.policy.contact.row[i].per_ms / CLOCK_DAY), f.history.contact_n);
			return false;
		}
	return true;
}

static void test_shrinking(void **state)
{
	struct gen *g = calloc(1, sizeof *g);
	int64_t i = 0;

	(void)state;
	assert_non_null(g);
	do
		gen_seed(g, 1, i++);
	while (no_long_limit(g));
	gen_shrink(no_long_limit, g);
	assert_string_equal(g->why, "1 3 9 0"); /* one limit, 3 per 9 d, no history */
	free(g);
}

static int read_zones(void **state)
{
	(void)state;
	return zones_read();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_shrinking), cmocka_unit_test(test_decisions) };
	return cmocka_run_group_tests(tests, read_zones, NULL);
}
