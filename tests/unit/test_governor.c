/* rooms: base model rules */
/* The rules one by one; windows and time are in test_window.c, random cases in test_governor_random.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "governor_fixture.h"

static void test_nothing_forbids(void **state)
{
	struct fixture f;
	(void)state;
	setup(&f);
	expect_send(&f, NOW);
	assert_int_equal(f.v.evidence_n, 0);
}

static void test_stops(void **state)
{
	static const enum reason suppressed[] = { REASON_UNSUBSCRIBED, REASON_COMPLAINED, REASON_HARD_BOUNCE,
						  REASON_ERASED, REASON_MANUAL };
	static const struct qualify seats = { .field = "seats", .op = QUALIFY_PRESENT };
	struct fixture f;
	(void)state;
	for (size_t i = 0; i < COUNT(suppressed); i++) {
		setup(&f);
		f.standing.suppressed = suppressed[i];
		f.standing.replied = true; /* the stronger reason is told */
		expect(&f, NOW, VERDICT_STOP, suppressed[i], "");
	}
	setup(&f);
	f.standing.replied = true;
	f.standing.sending_paused = true; /* a stop doesn't wait for a hold */
	expect(&f, NOW, VERDICT_STOP, REASON_REPLIED, "");
	setup(&f);
	f.contact.consent = "purchased_list";
	expect(&f, NOW, VERDICT_STOP, REASON_NO_CONSENT, "");
	f.contact.consent = "";
	expect(&f, NOW, VERDICT_STOP, REASON_NO_CONSENT, "");
	setup(&f);
	f.contact.forgotten = true;
	expect(&f, NOW, VERDICT_STOP, REASON_ERASED, "");
	setup(&f);
	f.policy.consent_max_age = 30 * CLOCK_DAY;
	f.contact.consent_at = at(NOW) - 30 * CLOCK_DAY;
	expect(&f, NOW, VERDICT_STOP, REASON_CONSENT_EXPIRED, "");
	f.contact.consent_at++;
	expect_send(&f, NOW);
	f.contact.consent_at = 0; /* a basis without its date is as old as our record of it */
	f.contact.created_at = at(NOW) - 31 * CLOCK_DAY;
	expect(&f, NOW, VERDICT_STOP, REASON_CONSENT_EXPIRED, "");
	setup(&f);
	f.sequence.qualify = &seats;
	f.sequence.qualify_n = 1;
	expect(&f, NOW, VERDICT_STOP, REASON_NOT_QUALIFIED, "");
}

static void test_sunset(void **state)
{
	struct fixture f;
	(void)state;
	setup(&f);
	f.policy.sunset_touches = 3;
	f.history.unanswered = 3;
	touched(&f, "2026-10-01T10:00:00Z", TOUCH_ACCEPTED, KIND_VALUE);
	expect(&f, NOW, VERDICT_STOP, REASON_SUNSET, "");
	f.touch[0].at = CLOCK_NEVER; /* the third may yet be refused */
	expect(&f, NOW, VERDICT_WAIT, REASON_IN_FLIGHT, "never");
	assert_true(f.v.rests_on_flight);
	setup(&f);
	f.policy.sunset_silence = 120 * CLOCK_DAY;
	f.history.first_touch_at = at(NOW) - 120 * CLOCK_DAY;
	expect(&f, NOW, VERDICT_STOP, REASON_SUNSET, "");
	f.contact.engaged_at = at(NOW) - 119 * CLOCK_DAY; /* silence counts from the later */
	expect_send(&f, NOW);
	setup(&f); /* the least there is */
	f.policy.sunset_touches = f.history.unanswered = 1;
	expect(&f, NOW, VERDICT_STOP, REASON_SUNSET, "");
	touched(&f, "never", TOUCH_HANDED, KIND_VALUE);
	expect(&f, NOW, VERDICT_WAIT, REASON_IN_FLIGHT, "never");
	f.history.unanswered = 2;    /* the other one is older than the history that is seen */
	f.touch[1].at = CLOCK_NEVER; /* no part of it */
	expect(&f, NOW, VERDICT_STOP, REASON_SUNSET, "");
	setup(&f);
	f.policy.sunset_silence = 1;
	f.history.first_touch_at = at(NOW) - 1;
	expect(&f, NOW, VERDICT_STOP, REASON_SUNSET, "");
	setup(&f);
	f.policy.sunset_silence = 120 * CLOCK_DAY;
	f.history.first_touch_at = 0; /* never written to: no silence */
	f.contact.engaged_at = at(NOW) - 300 * CLOCK_DAY;
	expect_send(&f, NOW);
}

static void test_expiry(void **state)
{
	struct fixture f;
	(void)state;
	setup(&f);
	f.step.after.ms = CLOCK_HOUR; /* due at 10:00 */
	f.step.expire = 2 * CLOCK_DAY;
	expect_send(&f, "2026-11-26T09:59:59.999Z");
	expect(&f, "2026-11-26T10:00:00Z", VERDICT_SKIP, REASON_STEP_EXPIRED, "");
	f.step.expire = 1;
	expect_send(&f, "2026-11-24T10:00:00Z");
	expect(&f, "2026-11-24T10:00:00.001Z", VERDICT_SKIP, REASON_STEP_EXPIRED, "");
	f.step.expire = 2 * CLOCK_DAY;
	f.standing.sending_paused = true;
	expect(&f, NOW, VERDICT_WAIT, REASON_SENDING_PAUSED, "never");
	assert_int_equal(f.v.ends_at, at("2026-11-26T10:00:00Z")); /* nobody is stranded in a pause */
	f.step.expire = 0;
	expect(&f, NOW, VERDICT_WAIT, REASON_SENDING_PAUSED, "never");
	assert_int_equal(f.v.ends_at, CLOCK_NEVER);
}

static void test_holds(void **state)
{
	struct fixture f;
	(void)state;
	setup(&f);
	f.standing.contact_hold = at("2026-11-25T11:00:00Z");
	f.standing.account_hold = at("2026-11-24T12:00:00Z");
	expect(&f, NOW, VERDICT_WAIT, REASON_CONTACT_HOLD, "2026-11-25T11:00:00Z");
	assert_int_equal(f.v.evidence_n, 2);
	assert_int_equal(f.v.evidence[0].reason, REASON_CONTACT_HOLD);
	assert_int_equal(f.v.evidence[1].reason, REASON_ACCOUNT_HOLD);
	f.standing.account_hold = CLOCK_NEVER;
	expect(&f, NOW, VERDICT_WAIT, REASON_ACCOUNT_HOLD, "never");
	setup(&f); /* of rules that end together the first in the order of the specification is told */
	f.standing.contact_hold = f.standing.account_hold = at("2026-11-25T11:00:00Z");
	expect(&f, NOW, VERDICT_WAIT, REASON_CONTACT_HOLD, "2026-11-25T11:00:00Z");
	assert_int_equal(f.v.evidence[1].reason, REASON_ACCOUNT_HOLD);
	setup(&f);
	f.standing.contact_hold = at(NOW); /* exactly then it is over */
	expect_send(&f, NOW);
	f.standing.sequence_paused = true;
	expect(&f, NOW, VERDICT_WAIT, REASON_SEQUENCE_PAUSED, "never");
}

static void test_after_and_retry(void **state)
{
	struct fixture f;
	(void)state;
	setup(&f);
	f.step.after.business_days = 3; /* from Tuesday 09:00 */
	expect(&f, NOW, VERDICT_WAIT, REASON_AFTER, "2026-11-27T09:00:00Z");
	f.step.after.business_days = 4;
	expect(&f, NOW, VERDICT_WAIT, REASON_AFTER, "2026-11-30T09:00:00Z");
	setup(&f);
	f.in.retry_at = at("2026-11-24T10:05:00Z");
	expect(&f, NOW, VERDICT_WAIT, REASON_RETRY, "2026-11-24T10:05:00Z");
	expect_send(&f, "2026-11-24T10:05:00Z");
}

static void test_gifts(void **state)
{
	struct fixture f;
	(void)state;
	setup(&f);
	f.policy.gifts_per_ask = 2;
	f.in.kind = KIND_ASK;
	expect(&f, NOW, VERDICT_WAIT, REASON_GIFTS, "never");
	touched(&f, "2026-11-10T10:00:00Z", TOUCH_ACCEPTED, KIND_VALUE);
	touched(&f, "2026-11-09T10:00:00Z", TOUCH_UNKNOWN, KIND_VALUE); /* never a gift */
	expect(&f, NOW, VERDICT_WAIT, REASON_GIFTS, "never");
	assert_false(f.v.rests_on_flight);
	touched(&f, "2026-11-08T10:00:00Z", TOUCH_ACCEPTED, KIND_VALUE);
	expect_send(&f, NOW);
	f.touch[1] = (struct past_touch){ at("2026-11-09T10:00:00Z"), TOUCH_UNKNOWN, KIND_ASK }; /* but an ask */
	expect(&f, NOW, VERDICT_WAIT, REASON_GIFTS, "never");
	f.touch[0].at = CLOCK_NEVER;
	f.touch[0].state = TOUCH_HANDED;
	expect(&f, NOW, VERDICT_WAIT, REASON_GIFTS, "never");
	assert_true(f.v.rests_on_flight);
	f.in.kind = KIND_VALUE;
	expect_send(&f, NOW);
}

static void test_min_gap(void **state)
{
	struct fixture f;
	(void)state;
	setup(&f);
	f.policy.contact_min_gap.ms = 36 * CLOCK_HOUR;
	touched(&f, "2026-11-23T14:00:00Z", TOUCH_ACCEPTED, KIND_VALUE);
	f.in.prev_at = at("2026-11-20T14:00:00Z");
	expect(&f, NOW, VERDICT_WAIT, REASON_WINDOW,
	       "2026-11-25T08:42:20.901Z"); /* 02:00 is closed: the opening, and its jitter */
	assert_int_equal(f.v.evidence[1].reason, REASON_CONTACT_MIN_GAP);
	assert_int_equal(f.v.evidence[1].until, at("2026-11-25T02:00:00Z"));
	assert_int_equal(f.v.evidence[1].touch_at, at("2026-11-23T14:00:00Z"));
	f.policy.contact_min_gap.ms = 24 * CLOCK_HOUR;
	expect(&f, NOW, VERDICT_WAIT, REASON_CONTACT_MIN_GAP, "2026-11-24T14:00:00Z");
	expect(&f, "2026-11-24T13:59:59.999Z", VERDICT_WAIT, REASON_CONTACT_MIN_GAP, "2026-11-24T14:00:00Z");
	expect_send(&f, "2026-11-24T14:00:00Z"); /* exactly the duration later */
	f.touch[0].at = CLOCK_NEVER;
	expect(&f, NOW, VERDICT_WAIT, REASON_CONTACT_MIN_GAP, "2026-11-25T10:00:00Z");
	assert_true(f.v.rests_on_flight);
	f.touch[0].at = at("2026-11-24T11:00:00Z"); /* in the future: at any time before it counts as now */
	expect(&f, NOW, VERDICT_WAIT, REASON_CONTACT_MIN_GAP, "2026-11-25T11:00:00Z");
	assert_false(f.v.rests_on_flight);
}

static void test_limits(void **state)
{
	static const struct {
		enum reason reason;
		size_t policy, list, n;
	} rows[] = {
		{ REASON_ACCOUNT_LIMIT, offsetof(struct policy, account), offsetof(struct history, account),
		  offsetof(struct history, account_n) },
		{ REASON_PROVIDER_LIMIT, offsetof(struct policy, provider), offsetof(struct history, provider),
		  offsetof(struct history, provider_n) },
		{ REASON_SENDER_LIMIT, offsetof(struct policy, sender), offsetof(struct history, sender),
		  offsetof(struct history, sender_n) },
	};
	struct fixture f;
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		setup(&f);
		struct limits *l = (struct limits *)((char *)&f.policy + rows[i].policy);
		*l = (struct limits){ .row = { { 3, 30 * CLOCK_DAY }, { 2, CLOCK_DAY } }, .n = 2 };
		f.time[0] = at("2026-11-24T09:30:00Z");
		f.time[1] = at("2026-11-23T11:00:00Z");
		*(size_t *)((char *)&f.history + rows[i].n) = 2;
		expect(&f, NOW, VERDICT_WAIT, rows[i].reason, "2026-11-24T11:00:00Z");
		assert_int_equal(f.v.evidence[0].limit_n, 2);
		assert_int_equal(f.v.evidence[0].limit_ms, CLOCK_DAY);
		assert_int_equal(f.v.evidence[0].touch_at, at("2026-11-23T11:00:00Z"));
		f.time[0] = CLOCK_NEVER; /* the wait counts it, though another touch gives the time */
		expect(&f, NOW, VERDICT_WAIT, rows[i].reason, "2026-11-24T11:00:00Z");
		assert_true(f.v.rests_on_flight);
		*(size_t *)((char *)&f.history + rows[i].n) = 1;
		expect_send(&f, NOW);
		assert_false(f.v.rests_on_flight);
	}
	setup(&f);
	f.policy.contact = (struct limits){ .row = { { 1, 7 * CLOCK_DAY } }, .n = 1 };
	touched(&f, "2026-11-17T11:30:00Z", TOUCH_ACCEPTED, KIND_VALUE);
	expect(&f, NOW, VERDICT_WAIT, REASON_CONTACT_LIMIT, "2026-11-24T11:30:00Z");
	f.policy.contact =
	    (struct limits){ .row = { { 1, 7 * CLOCK_DAY }, { 2, 8 * CLOCK_DAY }, { 1, CLOCK_DAY } }, .n = 3 };
	touched(&f, "2026-11-16T11:30:00Z", TOUCH_ACCEPTED, KIND_VALUE);
	expect(&f, NOW, VERDICT_WAIT, REASON_CONTACT_LIMIT, "2026-11-24T11:30:00Z");
	assert_int_equal(f.v.evidence_n, 2);
	assert_int_equal(f.v.evidence[0].limit_n, 1); /* both end then: in the configuration's order */
	assert_int_equal(f.v.evidence[1].limit_n, 2);
}

static void test_warmup(void **state)
{
	struct fixture f;
	(void)state;
	setup(&f);
	f.policy.warmup.start = 20;
	f.policy.window = (struct window){ .weekdays = 0x7f, .hours = { 0, 86400 } };
	f.history.warmup_cap = 24;
	f.history.warmup_used = 23;
	expect_send(&f, NOW);
	f.history.warmup_used = 24;
	expect(&f, NOW, VERDICT_WAIT, REASON_WARMUP, "2026-11-25T00:00:00Z");
	assert_int_equal(f.v.evidence[0].limit_n, 24);
	assert_int_equal(f.v.evidence[0].touch_at, 0);
	f.history.rests_on_flight = true;
	expect(&f, NOW, VERDICT_WAIT, REASON_WARMUP, "2026-11-25T00:00:00Z");
	assert_true(f.v.rests_on_flight);
	f.standing.contact_hold = at("2026-11-25T00:00:00Z"); /* ends with the day: the first rule is told */
	expect(&f, NOW, VERDICT_WAIT, REASON_CONTACT_HOLD, "2026-11-25T00:00:00Z");
	f.standing.contact_hold = 0;
	f.policy.warmup.start = 1; /* the smallest ramp, and a day without a share */
	f.history.warmup_cap = f.history.warmup_used = 0;
	expect(&f, NOW, VERDICT_WAIT, REASON_WARMUP, "2026-11-25T00:00:00Z");
	f.policy.warmup.start = 0; /* the ramp was taken out of the configuration */
	expect_send(&f, NOW);
	f.policy.warmup.start = 1;
	f.history.warmup_cap = -1; /* or its figures are not known */
	expect_send(&f, NOW);
}

static void test_backoff(void **state)
{
	static const struct {
		struct duration gap;
		double factor;
		struct duration most;
		int32_t unanswered;
		const char *until;
	} rows[] = {
		{ { CLOCK_DAY, 0 }, 1.5, { 0, 0 }, 2, "2026-11-20T02:00:00Z" },
		{ { CLOCK_DAY, 0 }, 1.5, { 0, 0 }, 3, "2026-11-20T20:00:00Z" },
		{ { CLOCK_DAY, 0 }, 2, { 0, 0 }, 4, "2026-11-26T14:00:00Z" },
		{ { CLOCK_DAY, 0 }, 2, { 3 * CLOCK_DAY, 0 }, 9, "2026-11-21T14:00:00Z" },
		{ { 0, 3 }, 1.5, { 0, 0 }, 2, "2026-11-25T14:00:00Z" },  /* 4.5: five */
		{ { 0, 10 }, 1.1, { 0, 0 }, 2, "2026-12-03T14:00:00Z" }, /* eleven, not twelve */
		{ { 0, 50 }, 1.1, { 0, 0 }, 2, "2027-02-03T14:00:00Z" }, /* 55, though the product is a little more */
		{ { CLOCK_HOUR, 0 }, 1.2, { 0, 0 }, 4, "2026-11-18T15:43:40.800Z" }, /* and here a little less */
		{ { 0, 3 }, 10, { 30 * CLOCK_DAY, 0 }, 2000000000, "2026-12-18T14:00:00Z" },
	};
	struct fixture f;
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		setup(&f);
		f.in.prev_at = 0;
		f.policy.contact_min_gap = rows[i].gap;
		f.policy.backoff_factor = rows[i].factor;
		f.policy.backoff_max_gap = rows[i].most;
		f.history.unanswered = rows[i].unanswered;
		touched(&f, "2026-11-18T14:00:00Z", TOUCH_ACCEPTED, KIND_VALUE);
		decide(&f, "2026-11-18T14:00:00Z");
		bool seen = false;
		for (int k = 0; k < f.v.evidence_n; k++)
			seen |= f.v.evidence[k].reason == REASON_BACKOFF && f.v.evidence[k].until == at(rows[i].until);
		if (!seen)
			fail_msg("row %zu", i);
		f.history.unanswered = 1; /* engagement resets it */
		decide(&f, "2026-11-18T14:00:00Z");
		for (int k = 0; k < f.v.evidence_n; k++)
			assert_int_not_equal(f.v.evidence[k].reason, REASON_BACKOFF);
	}
}

/* Nobody answers for ever and no longest gap is given: the gap still ends, at a bound. */
static void test_backoff_bounds(void **state)
{
	struct fixture f;
	struct duration days = { .business_days = 3660 };
	(void)state;
	setup(&f);
	f.policy.window = (struct window){ .weekdays = 0x1f, .hours = { 0, 86400 } };
	f.policy.backoff_factor = 10;
	f.history.unanswered = INT32_MAX;
	touched(&f, "2026-11-18T14:00:00Z", TOUCH_ACCEPTED, KIND_VALUE);
	f.policy.contact_min_gap = (struct duration){ .business_days = 3 };
	expect(&f, NOW, VERDICT_WAIT, REASON_BACKOFF, "2040-11-28T14:00:00Z");
	assert_int_equal(f.v.until, governor_add(&f.policy, zone_utc(), f.touch[0].at, &days));
	f.policy.window.weekdays = 0x7f;
	f.policy.contact_min_gap = (struct duration){ .ms = CLOCK_DAY };
	decide(&f, NOW);
	assert_int_equal(f.v.until, f.touch[0].at + INT64_C(1000000000000000));
}

/* More rules than rows of evidence: the binding one is told whatever its place. */
static void test_evidence_overflows(void **state)
{
	struct fixture f;
	(void)state;
	setup(&f);
	f.policy.window = (struct window){ .weekdays = 0x7f, .hours = { 0, 86400 } };
	for (int i = 0; i < LIMITS_MAX; i++) {
		f.policy.contact.row[i] = (struct limit){ 1, (i + 1) * CLOCK_DAY };
		f.policy.account.row[i] = (struct limit){ 1, (i + 1) * CLOCK_DAY };
	}
	f.policy.contact.n = f.policy.account.n = LIMITS_MAX;
	f.policy.sender = (struct limits){ .row = { { 1, 20 * CLOCK_DAY } }, .n = 1 };
	touched(&f, NOW, TOUCH_ACCEPTED, KIND_VALUE);
	f.time[0] = at(NOW);
	f.history.account_n = f.history.sender_n = 1;
	expect(&f, NOW, VERDICT_WAIT, REASON_SENDER_LIMIT, "2026-12-14T10:00:00Z");
	assert_int_equal(f.v.evidence_n, EVIDENCE_MAX);
	assert_int_equal(f.v.evidence[0].reason, REASON_SENDER_LIMIT);
}

/* Business days later is the same local time of that day. A colleague in another zone was written to on a Sunday; of two touches with no
 * business day between them the older one may have the later time of day, and then its gap is the longer one. */
static void test_gap_over_closed_days(void **state)
{
	static const struct {
		const char *touch[3]; /* newest first */
		const char *until;
		int binding;          /* which touch the evidence names */
	} row[] = {
		{ { "2026-11-22T09:00:00Z", "2026-11-21T12:00:00Z", NULL }, "2026-11-24T12:00:00Z", 1 },                   /* Sunday, Saturday */
		{ { "2026-11-22T13:00:00Z", "2026-11-21T12:00:00Z", NULL }, "2026-11-24T13:00:00Z", 0 },
		{ { "2026-11-22T09:00:00Z", "2026-11-22T08:00:00Z", "2026-11-21T15:00:00Z" }, "2026-11-24T15:00:00Z", 2 }, /* not only the next one */
		{ { "2026-11-22T09:00:00Z", "2026-11-20T15:00:00Z", NULL }, "2026-11-24T15:00:00Z", 1 },                   /* Friday: Saturday and Sunday are none */
		{ { "2026-11-23T09:00:00Z", "2026-11-20T15:00:00Z", NULL }, "2026-11-25T09:00:00Z", 0 },                   /* Monday is one: Friday's ended before */
	};
	struct fixture f;
	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		setup(&f);
		f.policy.account_min_gap.business_days = 2;
		for (int k = 0; k < 3 && row[i].touch[k] != NULL; k++)
			f.time[f.history.account_n++] = at(row[i].touch[k]);
		expect(&f, "2026-11-23T09:30:00Z", VERDICT_WAIT, REASON_ACCOUNT_MIN_GAP, row[i].until);
		assert_int_equal(f.v.evidence[0].touch_at, at(row[i].touch[row[i].binding]));
		f.policy.account_min_gap = (struct duration){ .ms = 3 * CLOCK_DAY }; /* exact time has no such turn */
		decide(&f, "2026-11-23T09:30:00Z");
		assert_int_equal(f.v.evidence[0].touch_at, at(row[i].touch[0]));
	}
}

/* A day of 26 hours (Troll turns its clocks back by two): from 00:30 to 23:59 of it are more than 24, but no business day lies between. */
static void test_gap_ends_on_a_long_day(void **state)
{
	static const char *const touch[] = { "2027-10-28T21:15:00Z", "2027-10-27T22:30:00Z", "2027-10-27T21:59:00Z" }; /* 23:15, 00:30, 23:59 there */
	struct fixture f;
	(void)state;
	setup(&f);
	f.in.zone = zone_find("Antarctica/Troll");
	f.policy.window = (struct window){ .weekdays = 0x60, .hours = { 0, 86400 } };
	f.policy.account_min_gap.business_days = 2;
	for (size_t k = 0; k < COUNT(touch); k++)
		f.time[f.history.account_n++] = at(touch[k]);
	expect(&f, "2027-10-29T09:30:00Z", VERDICT_WAIT, REASON_ACCOUNT_MIN_GAP, "2027-10-31T23:59:00Z");
	assert_int_equal(f.v.evidence[0].touch_at, at(touch[2]));
}

static void test_ends_at(void **state)
{
	struct fixture f;
	int64_t first = at("2026-11-01T10:00:00Z"), now = at(NOW);
	(void)state;
	setup(&f);
	assert_int_equal(governor_ends_at(&f.policy, &f.contact, first, 9, now), CLOCK_NEVER);
	f.policy.sunset_touches = 1;
	assert_int_equal(governor_ends_at(&f.policy, &f.contact, first, 0, now), CLOCK_NEVER);
	assert_int_equal(governor_ends_at(&f.policy, &f.contact, first, 1, now), now);
	f.policy.sunset_touches = 8;
	assert_int_equal(governor_ends_at(&f.policy, &f.contact, first, 7, now), CLOCK_NEVER);
	assert_int_equal(governor_ends_at(&f.policy, &f.contact, first, 8, now), now);
	f.policy.sunset_silence = 120 * CLOCK_DAY;
	assert_int_equal(governor_ends_at(&f.policy, &f.contact, first, 1, now), first + 120 * CLOCK_DAY);
	f.contact.engaged_at = first + CLOCK_DAY;
	assert_int_equal(governor_ends_at(&f.policy, &f.contact, first, 1, now), first + 121 * CLOCK_DAY);
	f.policy.consent_max_age = 365 * CLOCK_DAY;
	assert_int_equal(governor_ends_at(&f.policy, &f.contact, first, 1, now), at("2027-01-01T00:00:00Z"));
}

/* As asked at the dot: the same instant as the decision's. */
static void test_expiry_of_a_step(void **state)
{
	struct fixture f;
	int64_t now = at("2026-01-06T10:00:00Z");
	(void)state;
	setup(&f);
	const struct zone *z = governor_zone(&f.policy, &f.contact);
	f.step.after = (struct duration){ .ms = CLOCK_DAY };
	f.step.expire = 0;
	assert_int_equal(governor_expiry(&f.policy, z, &f.step, now), CLOCK_NEVER);
	f.step.expire = 1;
	assert_int_equal(governor_expiry(&f.policy, z, &f.step, now), now + CLOCK_DAY + 1);
	f.step.expire = 2 * CLOCK_DAY;
	assert_int_equal(governor_expiry(&f.policy, z, &f.step, now), now + 3 * CLOCK_DAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_forbids),
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_sunset),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_expiry_of_a_step),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_after_and_retry),
		cmocka_unit_test(test_gifts),
		cmocka_unit_test(test_min_gap),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_warmup),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_backoff_bounds),
		cmocka_unit_test(test_evidence_overflows),
		cmocka_unit_test(test_gap_over_closed_days),
		cmocka_unit_test(test_gap_ends_on_a_long_day),
		cmocka_unit_test(test_ends_at),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
