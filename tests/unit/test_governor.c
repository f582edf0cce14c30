/* rooms: base model rules */
/* The rules one by one; their interplay on random cases is in test_governor_random.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/governor.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int64_t at(const char *text)
{
	int64_t t;
	if (strcmp(text, "never") == 0)
		return CLOCK_NEVER;
	assert_int_equal(clock_parse(text, &t, NULL), 0);
	return t;
}

/* ---- a case that is sent at once: a Tuesday, 10:00 in UTC, nothing sent before ---- */

struct fixture {
	struct policy policy;
	struct sequence sequence;
	struct step step;
	struct contact contact;
	struct standing standing;
	struct history history;
	struct past_touch touch[80];
	int64_t time[80];
	struct governor_input in;
	struct verdict v;
};

#define NOW "2026-11-24T10:00:00Z"

static const char *const bases[] = { "opt_in", "customer" };

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	f->policy = (struct policy){ .window = { .weekdays = 0x1f, .hours = { 8 * 3600 + 1800, 17 * 3600 + 1800 } },
				     .backoff_factor = 1,
				     .consent_accept = bases,
				     .consent_accept_n = COUNT(bases) };
	f->contact = (struct contact){ .id = 1,
				       .email = "dana@example.com",
				       .account = "",
				       .account_name = "",
				       .first_name = "",
				       .last_name = "",
				       .title = "",
				       .timezone = "",
				       .owner = "",
				       .tags = "",
				       .consent = "opt_in",
				       .consent_source = "",
				       .consent_at = at("2026-01-01T00:00:00Z") };
	f->step = (struct step){ .name = "playbook", .template_name = "playbook.md" };
	f->history = (struct history){
		.contact = f->touch, .account = f->time, .provider = f->time, .sender = f->time, .warmup_cap = -1
	};
	f->in = (struct governor_input){ .policy = &f->policy,
					 .sequence = &f->sequence,
					 .step = &f->step,
					 .contact = &f->contact,
					 .standing = &f->standing,
					 .history = &f->history,
					 .zone = zone_utc(),
					 .enrollment_id = 7,
					 .prev_at = at("2026-11-24T09:00:00Z") };
}

static void touched(struct fixture *f, const char *when, enum touch_state state, enum kind kind)
{
	f->touch[f->history.contact_n++] = (struct past_touch){ at(when), state, kind };
}

static const struct verdict *decide(struct fixture *f, const char *now)
{
	f->sequence.policy = f->policy;
	governor_decide(&f->in, at(now), &f->v);
	return &f->v;
}

static void expect(struct fixture *f, const char *now, enum verdict_kind kind, enum reason reason, const char *until)
{
	const struct verdict *v = decide(f, now);
	char got[CLOCK_TEXT_MAX] = "never";
	int64_t want = kind == VERDICT_WAIT ? at(until) : 0;
	if (v->until != CLOCK_NEVER)
		clock_format(v->until, got);
	if (v->kind != kind || v->reason != reason || v->until != want)
		fail_msg("%s: %s %s until %s, expected %s %s until %s", now, verdict_kind_name(v->kind),
			 reason_name(v->reason), got, verdict_kind_name(kind), reason_name(reason), until);
}

static void expect_send(struct fixture *f, const char *now)
{
	expect(f, now, VERDICT_SEND, REASON_NONE, "");
}

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
	f.history.rests_on_flight = true;
	expect(&f, NOW, VERDICT_WAIT, REASON_WARMUP, "2026-11-25T00:00:00Z");
	assert_true(f.v.rests_on_flight);
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

/* ---- windows ---- */

static void test_windows(void **state)
{
	static const int32_t holiday[] = { 20781, 20782 }; /* 2026-11-24, 25 */
	static const struct {
		const char *zone;
		unsigned weekdays;
		int32_t from, to; /* minutes */
		size_t holidays;
		const char *t, *open;
	} rows[] = {
		{ "UTC", 0x1f, 510, 1050, 0, "2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z" },
		{ "UTC", 0x1f, 510, 1050, 0, "2026-11-24T08:30:00Z", "2026-11-24T08:30:00Z" },
		{ "UTC", 0x1f, 510, 1050, 0, "2026-11-24T08:29:59.999Z", "2026-11-24T08:30:00Z" },
		{ "UTC", 0x1f, 510, 1050, 0, "2026-11-24T17:30:00Z", "2026-11-25T08:30:00Z" }, /* half-open */
		{ "UTC", 0x1f, 510, 1050, 0, "2026-11-27T17:30:00Z", "2026-11-30T08:30:00Z" },
		{ "UTC", 0x1f, 510, 1050, 2, "2026-11-24T10:00:00Z", "2026-11-26T08:30:00Z" },
		{ "UTC", 0x7f, 0, 1440, 0, "2026-11-28T03:00:00Z", "2026-11-28T03:00:00Z" },
		{ "UTC", 0, 510, 1050, 0, "2026-11-24T10:00:00Z", "never" },
		{ "America/New_York", 0x1f, 510, 1050, 0, "2026-11-24T10:00:00Z", "2026-11-24T13:30:00Z" },
		{ "Asia/Tokyo", 0x1f, 510, 1050, 0, "2026-11-24T10:00:00Z", "2026-11-24T23:30:00Z" },
		/* the clocks go forward at 02:00: 02:30 does not exist, and moves to 03:30 */
		{ "America/New_York", 0x7f, 150, 300, 0, "2026-03-08T06:00:00Z", "2026-03-08T07:30:00Z" },
		{ "America/New_York", 0x7f, 120, 180, 0, "2026-03-08T06:00:00Z",
		  "2026-03-09T06:00:00Z" }, /* no such hour that day */
		{ "America/New_York", 0x7f, 60, 150, 0, "2026-03-08T07:00:00Z",
		  "2026-03-09T05:00:00Z" }, /* 03:00 is past 02:30 */
		/* the clocks go back from 02:00 to 01:00: 01:00 - 02:00 is taken once */
		{ "America/New_York", 0x7f, 60, 90, 0, "2026-11-01T05:29:00Z", "2026-11-01T05:29:00Z" },
		{ "America/New_York", 0x7f, 60, 90, 0, "2026-11-01T06:00:00Z", "2026-11-02T06:00:00Z" },
		{ "America/New_York", 0x7f, 90, 300, 0, "2026-11-01T05:45:00Z", "2026-11-01T05:45:00Z" },
		{ "America/New_York", 0x7f, 90, 300, 0, "2026-11-01T06:10:00Z",
		  "2026-11-01T06:30:00Z" }, /* 01:10 again: outside */
		{ "America/Santiago", 0x7f, 0, 360, 0, "2026-09-06T03:30:00Z",
		  "2026-09-06T04:00:00Z" }, /* midnight does not exist */
		{ "Pacific/Apia", 0x7f, 510, 1050, 0, "2011-12-30T04:00:00Z",
		  "2011-12-30T18:30:00Z" }, /* a day that never was */
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy p = { .window = { .weekdays = rows[i].weekdays,
						.hours = { rows[i].from * 60, rows[i].to * 60 },
						.holidays = holiday,
						.holiday_n = rows[i].holidays } };
		const struct zone *z = zone_find(rows[i].zone);
		assert_non_null(z);
		int64_t open = governor_window(&p, z, at(rows[i].t));
		char text[CLOCK_TEXT_MAX] = "never";
		if (open != at(rows[i].open)) {
			if (open != CLOCK_NEVER)
				clock_format(open, text);
			fail_msg("row %zu %s: %s opens %s, expected %s", i, rows[i].zone, rows[i].t, text,
				 rows[i].open);
		}
	}
	struct policy never = { 0 };
	assert_int_equal(governor_window(&never, zone_utc(), CLOCK_NEVER), CLOCK_NEVER);
}

static void test_jitter(void **state)
{
	struct fixture f;
	int64_t open = at("2026-11-25T08:30:00Z");
	bool differs = false;
	(void)state;
	setup(&f);
	for (f.in.enrollment_id = 1; f.in.enrollment_id < 200; f.in.enrollment_id++) {
		decide(&f, "2026-11-24T20:00:00Z");
		int64_t until = f.v.until;
		assert_in_range(until, open, open + CLOCK_HOUR);
		differs |= until != open;
		decide(&f, "2026-11-25T08:30:00Z"); /* and the same when it is asked in the opening itself */
		assert_true(until == open ? f.v.kind == VERDICT_SEND : f.v.until == until);
	}
	assert_true(differs);
	setup(&f);
	f.policy.window.hours.to = f.policy.window.hours.from + 40; /* a quarter of it */
	decide(&f, "2026-11-24T20:00:00Z");
	assert_in_range(f.v.until, open, open + 10000);
	setup(&f);
	f.in.prev_at = at("2026-11-25T08:31:00Z"); /* due now, in an open window: none */
	expect_send(&f, "2026-11-25T08:31:00Z");
	f.policy.window = (struct window){ .weekdays = 0x1f, .hours = { 0, 86400 } };
	f.in.prev_at = at("2026-11-24T23:50:00Z"); /* midnight between two days that are open is no opening */
	expect_send(&f, "2026-11-25T00:00:01Z");
	f.in.prev_at = at("2026-11-22T23:50:00Z"); /* a Sunday */
	decide(&f, "2026-11-22T23:50:00Z");
	assert_in_range(f.v.until, at("2026-11-23T00:00:00Z"), at("2026-11-23T01:00:00Z"));
	f.policy.window.weekdays = 0x7f; /* round the clock */
	expect_send(&f, "2026-11-22T23:50:00Z");
	f.policy.window.weekdays = 0x40; /* a Sunday whose first hour comes twice is open all the same */
	f.in.zone = zone_find("Atlantic/Azores");
	f.in.prev_at = at("2026-10-25T00:30:00Z");
	expect_send(&f, "2026-10-25T01:05:00Z");
	f.policy.window = (struct window){ .weekdays = 0 };
	expect(&f, NOW, VERDICT_WAIT, REASON_WINDOW, "never");
}

static void test_business_days(void **state)
{
	static const struct {
		const char *zone, *from;
		int32_t n;
		const char *to;
	} rows[] = {
		{ "UTC", "2026-11-24T10:00:00Z", 1, "2026-11-25T10:00:00Z" },
		{ "UTC", "2026-11-27T10:00:00Z", 1, "2026-11-30T10:00:00Z" },
		{ "UTC", "2026-11-28T10:00:00Z", 1, "2026-11-30T10:00:00Z" },
		{ "UTC", "2026-11-24T22:00:00Z", 5, "2026-12-01T22:00:00Z" },
		{ "America/New_York", "2026-03-06T15:00:00Z", 1,
		  "2026-03-09T14:00:00Z" }, /* the same local time, an hour less */
	};
	struct policy p = { .window = { .weekdays = 0x1f, .hours = { 0, 86400 } } };
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct duration d = { .business_days = rows[i].n };
		assert_int_equal(governor_add(&p, zone_find(rows[i].zone), at(rows[i].from), &d), at(rows[i].to));
	}
	struct duration day = { .ms = CLOCK_DAY }, bd = { .business_days = 1 };
	assert_int_equal(governor_add(&p, zone_utc(), at(NOW), &day), at(NOW) + CLOCK_DAY);
	assert_int_equal(governor_add(&p, zone_utc(), CLOCK_NEVER, &bd), CLOCK_NEVER);
	p.window.weekdays = 0;
	assert_int_equal(governor_add(&p, zone_utc(), at(NOW), &bd), CLOCK_NEVER);
}

static void test_zone(void **state)
{
	struct policy p = { 0 };
	struct contact c = { .timezone = "Europe/Paris" };
	(void)state;
	assert_ptr_equal(governor_zone(&p, &c), zone_find("Europe/Paris"));
	c.timezone = "Nowhere/Town";
	assert_ptr_equal(governor_zone(&p, &c), zone_utc());
	p.window.fallback = zone_find("Asia/Tokyo");
	assert_ptr_equal(governor_zone(&p, &c), p.window.fallback);
	c.timezone = "";
	assert_ptr_equal(governor_zone(&p, &c), p.window.fallback);
	c.timezone = "Europe/Paris";
	p.window.fixed = zone_utc();
	assert_ptr_equal(governor_zone(&p, &c), zone_utc());
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

/* ---- admission ---- */

static void test_admit(void **state)
{
	static const char *const tiers[] = { "gold", "silver" }, *const eu[] = { "Germany" };
	static const struct {
		struct qualify q;
		enum reason why;
	} rows[] = {
		{ { .field = "tier", .op = QUALIFY_IN, .value = tiers, .value_n = 2 }, REASON_NONE },
		{ { .field = "country", .op = QUALIFY_EQUALS, .value = eu, .value_n = 1 }, REASON_NOT_QUALIFIED },
		{ { .field = "seats", .op = QUALIFY_MIN, .number = 50 }, REASON_NONE },
		{ { .field = "seats", .op = QUALIFY_MIN, .number = 50.5 }, REASON_NOT_QUALIFIED },
		{ { .field = "seats", .op = QUALIFY_MAX, .number = 49 }, REASON_NOT_QUALIFIED },
		{ { .field = "tier", .op = QUALIFY_MIN, .number = 0 }, REASON_NOT_QUALIFIED }, /* no number */
		{ { .field = "title", .op = QUALIFY_PRESENT }, REASON_NOT_QUALIFIED },
		{ { .field = "first_name", .op = QUALIFY_PRESENT }, REASON_NONE },
	};
	struct fixture f;
	struct buf b = { 0 };
	(void)state;
	setup(&f);
	fields_add(&b, "tier", "Gold"); /* compared without case */
	fields_add(&b, "seats", "50");
	fields_add(&b, "country", "France");
	f.contact.attributes = (struct fields){ b.data, b.len };
	f.contact.first_name = "Dana";
	f.sequence.policy = f.policy;
	for (size_t i = 0; i < COUNT(rows); i++) {
		f.sequence.qualify = &rows[i].q;
		f.sequence.qualify_n = 1;
		assert_int_equal(governor_admit(&f.sequence, &f.contact, REASON_NONE, at(NOW)), rows[i].why);
	}
	assert_int_equal(governor_admit(&f.sequence, &f.contact, REASON_COMPLAINED, at(NOW)), REASON_COMPLAINED);
	buf_free(&b);
}

/* ---- a sequence may tighten, never loosen ---- */

static struct policy base_policy(void)
{
	static const int32_t holiday[] = { 20812 };
	return (struct policy){
		.contact_min_gap = { .business_days = 3 },
		.contact = { .row = { { 1, 7 * CLOCK_DAY }, { 4, 30 * CLOCK_DAY } }, .n = 2 },
		.account = { .row = { { 2, 7 * CLOCK_DAY } }, .n = 1 },
		.window = { .weekdays = 0x1f, .hours = { 30600, 63000 }, .holidays = holiday, .holiday_n = 1 },
		.backoff_factor = 1.5,
		.backoff_max_gap = { .ms = 30 * CLOCK_DAY },
		.sunset_touches = 8,
		.sunset_silence = 120 * CLOCK_DAY,
		.gifts_per_ask = 3,
		.consent_accept = bases,
		.consent_accept_n = COUNT(bases),
		.consent_max_age = 730 * CLOCK_DAY,
	};
}

static void check_loosens(const struct policy *p, const char *key)
{
	struct policy base = base_policy();
	struct loosening found[8];
	int n = policy_loosens(&base, p, found, 8);
	assert_int_equal(n, key != NULL ? 1 : 0);
	if (key != NULL) {
		assert_string_equal(found[0].key, key);
		assert_true(*found[0].text != '\0');
	}
}

static void test_loosens(void **state)
{
	static const char *const more[] = { "opt_in", "hearsay" };
	struct policy base = base_policy(), p;
	(void)state;
	check_loosens(&base, NULL);
#define LOOSENS(change, key)                                                                                           \
	p = base;                                                                                                      \
	change;                                                                                                        \
	check_loosens(&p, key)
	LOOSENS(p.contact_min_gap = (struct duration){ .business_days = 4 }, NULL);
	LOOSENS(p.contact_min_gap = (struct duration){ .business_days = 2 }, "cadence.contact.min_gap");
	LOOSENS(p.contact_min_gap = (struct duration){ .ms = 4 * CLOCK_DAY },
		"cadence.contact.min_gap"); /* Thursday to Monday: 2bd */
	LOOSENS(p.contact_min_gap = (struct duration){ .ms = 7 * CLOCK_DAY }, NULL);
	LOOSENS((p.contact.row[0] = (struct limit){ 2, 7 * CLOCK_DAY }), "cadence.contact.limits");
	LOOSENS((p.contact.row[0] = (struct limit){ 1, 9 * CLOCK_DAY }), NULL);
	LOOSENS((p.contact.row[0] = (struct limit){ 2, 9 * CLOCK_DAY }),
		NULL); /* not implied by any limit of the base */
	LOOSENS((p.account.row[0] = (struct limit){ 3, CLOCK_DAY }), "cadence.account.limits");
	LOOSENS(p.backoff_factor = 1.4, "cadence.backoff.factor");
	LOOSENS(p.backoff_max_gap.ms = 20 * CLOCK_DAY, "cadence.backoff.max_gap");
	LOOSENS(p.backoff_max_gap.ms = 0, NULL); /* grows on */
	LOOSENS(p.gifts_per_ask = 2, "cadence.gifts_per_ask");
	LOOSENS(p.sunset_touches = 0, "cadence.sunset.touches");
	LOOSENS(p.sunset_touches = 9, "cadence.sunset.touches");
	LOOSENS(p.sunset_silence = 121 * CLOCK_DAY, "cadence.sunset.silence");
	LOOSENS(p.window.weekdays = 0x3f, "cadence.window");
	LOOSENS(p.window.weekdays = 0x0e, NULL);
	LOOSENS(p.window.hours.to = 64800, "cadence.window");
	LOOSENS(p.window.fixed = zone_utc(), "cadence.window");
	LOOSENS(p.window.holiday_n = 0, "cadence.window");
	LOOSENS(p.consent_accept = more, "consent.accept");
	LOOSENS(p.consent_max_age = 0, "consent.max_age");
	base.contact.row[base.contact.n++] =
	    (struct limit){ 5, CLOCK_DAY }; /* implied by the others: no fault of the sequence */
	struct loosening none[1];
	assert_int_equal(policy_loosens(&base, &base, none, 1), 0);
#undef LOOSENS
	p = (struct policy){ .window = { .weekdays = 0x7f, .hours = { 0, 86400 } } };
	struct loosening one[1];
	assert_true(policy_loosens(&base, &p, one, 1) > 1); /* the number of all, one told */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_forbids),
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_sunset),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_after_and_retry),
		cmocka_unit_test(test_gifts),
		cmocka_unit_test(test_min_gap),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_warmup),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_business_days),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_evidence_overflows),
		cmocka_unit_test(test_admit),
		cmocka_unit_test(test_loosens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
