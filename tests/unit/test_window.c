/* rooms: base model rules */
/* Send windows, jitter, business days and zones, where the clocks change above all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "governor_fixture.h"

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

/* Far ahead it is looked, but not for ever. */
static void test_looks_ahead(void **state)
{
	int32_t closed[900], today = civil_day(at(NOW));
	struct policy p = { .window = {
				.weekdays = 0x7f, .hours = { 0, 86400 }, .holidays = closed, .holiday_n = 799 } };
	struct duration day = { .business_days = 1 };
	(void)state;
	for (int i = 0; i < 900; i++)
		closed[i] = today + i;
	assert_int_equal(governor_window(&p, zone_utc(), at(NOW)), (today + 799) * CLOCK_DAY);
	p.window.holiday_n = 800;
	assert_int_equal(governor_window(&p, zone_utc(), at(NOW)), CLOCK_NEVER);
	assert_int_equal(governor_add(&p, zone_utc(), at(NOW), &day), at(NOW) + 800 * CLOCK_DAY);
	struct duration two = { .business_days = 2 };
	p.window.holidays = closed + 2; /* a day in between is open: it is counted anew */
	p.window.holiday_n = 799;
	assert_int_equal(governor_add(&p, zone_utc(), at(NOW), &two), at(NOW) + 801 * CLOCK_DAY);
	p.window.holidays = closed;
	p.window.holiday_n = 801;
	assert_int_equal(governor_add(&p, zone_utc(), at(NOW), &day), CLOCK_NEVER);
}

static void test_jitter(void **state)
{
	struct fixture f;
	int64_t open = at("2026-11-25T08:30:00Z");
	int64_t most = 0;
	(void)state;
	setup(&f);
	for (f.in.enrollment_id = 1; f.in.enrollment_id < 200; f.in.enrollment_id++) {
		decide(&f, "2026-11-24T20:00:00Z");
		int64_t until = f.v.until;
		assert_in_range(until, open, open + CLOCK_HOUR);
		most = until - open > most ? until - open : most;
		decide(&f, "2026-11-25T08:30:00Z"); /* and the same when it is asked in the opening itself */
		assert_true(until == open ? f.v.kind == VERDICT_SEND : f.v.until == until);
	}
	assert_in_range(most, 57 * CLOCK_MINUTE, CLOCK_HOUR); /* the whole hour is used */
	setup(&f);
	f.policy.window.hours.to = f.policy.window.hours.from + 40; /* a quarter of it */
	for (f.in.enrollment_id = 1, most = 0; f.in.enrollment_id < 200; f.in.enrollment_id++) {
		decide(&f, "2026-11-24T20:00:00Z");
		assert_in_range(f.v.until, open, open + 10000);
		most = f.v.until - open > most ? f.v.until - open : most;
	}
	assert_in_range(most, 9500, 10000);
	/* every bit of the enrollment and the step's name tell in it */
	int64_t other[65];
	for (int i = 0; i <= 64; i++) {
		setup(&f);
		f.in.enrollment_id = i < 64 ? (int64_t)(UINT64_C(1) << i) : 0;
		decide(&f, "2026-11-24T20:00:00Z");
		other[i] = f.v.until;
		for (int k = 0; k < i; k++)
			assert_int_not_equal(other[i], other[k]);
	}
	f.step.name = "playbooks";
	decide(&f, "2026-11-24T20:00:00Z");
	assert_int_not_equal(f.v.until, other[64]);
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
	/* from 01:00 on, and the clocks jump from midnight to 01:00: between Saturday and Sunday it stays open */
	f.policy.window = (struct window){ .weekdays = 0x7f, .hours = { 3600, 86400 } };
	f.in.prev_at = at("2026-03-29T00:59:59Z");
	expect_send(&f, "2026-03-29T01:00:01Z");
	f.policy.window.weekdays = 0x5f; /* but for a Saturday that is closed */
	decide(&f, "2026-03-29T01:00:00Z");
	assert_in_range(f.v.until, at("2026-03-29T01:00:00Z") + 1, at("2026-03-29T02:00:00Z"));
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
	assert_int_equal(governor_add(&p, zone_utc(), CLOCK_NEVER, &day), CLOCK_NEVER);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),       cmocka_unit_test(test_looks_ahead), cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_business_days), cmocka_unit_test(test_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
