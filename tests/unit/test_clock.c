/* rooms: base */
/* The clock, its texts, durations, limits and civil dates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abv/clock.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOON     INT64_C(1795521600000) /* 2026-11-24T12:00:00Z */
#define BAD      INT64_MIN

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t t;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01", 0 },
		{ "2026-11-24", NOON - 12 * CLOCK_HOUR },
		{ "2026-11-24T12:00:00Z", NOON },
		{ "2026-11-24t12:00:00z", NOON },
		{ "2026-11-24T12:00:00.5Z", NOON + 500 },
		{ "2026-11-24T12:00:00.123999999Z", NOON + 123 },
		{ "2026-11-24T13:00:00+01:00", NOON },
		{ "2026-11-24T06:15:00-05:45", NOON },
		{ "2026-11-24T12:00:00-00:00", NOON },
		{ "1969-12-31T23:59:59.999Z", -1 },
		{ "2016-12-31T23:59:60Z", INT64_C(1483228800000) }, /* a leap second */
		{ "2024-02-29", INT64_C(1709164800000) },
		{ "0000-01-01", INT64_C(-62167219200000) },
		{ "9999-12-31T23:59:59.999Z", INT64_C(253402300799999) },
		{ "", BAD },
		{ "2026", BAD },
		{ "2026-11-24 12:00:00Z", BAD },
		{ "2026-11-24T12:00:00", BAD },
		{ "2026-11-24T12:00Z", BAD },
		{ "2026-11-24T12:00:00.Z", BAD },
		{ "2026-11-24T12:00:00Zx", BAD },
		{ "2026-11-24T12:00:00Z ", BAD },
		{ " 2026-11-24", BAD },
		{ "2026-11-24T", BAD },
		{ "2026-11-24T24:00:00Z", BAD },
		{ "2026-11-24T12:60:00Z", BAD },
		{ "2026-11-24T12:00:60Z", BAD },
		{ "2026-11-24T12:00:61Z", BAD },
		{ "2026-11-24T12:00:00+24:00", BAD },
		{ "2026-11-24T12:00:00+0100", BAD },
		{ "2025-02-29", BAD },
		{ "1900-02-29", BAD },
		{ "2026-04-31", BAD },
		{ "2026-13-01", BAD },
		{ "2026-00-01", BAD },
		{ "2026-01-00", BAD },
		{ "2026-1-1", BAD },
		{ "-026-01-01", BAD },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t t = BAD;

		e.text[0] = '\0';
		assert_int_equal(clock_parse(rows[i].text, &t, &e), rows[i].t == BAD ? -1 : 0);
		assert_int_equal(t, rows[i].t);
		assert_int_equal(e.text[0] != '\0', rows[i].t == BAD);
	}
}

static void test_format(void **state)
{
	static const struct {
		int64_t t;
		const char *rfc3339, *mail;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z", "Thu, 1 Jan 1970 00:00:00 +0000" },
		{ -1, "1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 +0000" },
		{ NOON - 150 * CLOCK_MINUTE + 7, "2026-11-24T09:30:00.007Z", "Tue, 24 Nov 2026 09:30:00 +0000" },
		{ CLOCK_NEVER, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 +0000" },
		{ INT64_MIN, "0000-01-01T00:00:00.000Z", "Sat, 1 Jan 0000 00:00:00 +0000" },
	};
	char out[CLOCK_TEXT_MAX + 8];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(clock_format(rows[i].t, out), rows[i].rfc3339);
		assert_string_equal(clock_format_mail(rows[i].t, out), rows[i].mail);
	}
	srandom(2);
	for (int i = 0; i < 20000; i++) {
		int64_t t = ((int64_t)random() << 15 ^ random()) % INT64_C(253402300800000), back;

		assert_int_equal(clock_parse(clock_format(t, out), &back, NULL), 0);
		assert_int_equal(back, t);
	}
}

/* The C library walks the same calendar. */
static void test_civil(void **state)
{
	(void)state;
	for (int32_t day = -800000; day < 3000000; day += 13) {
		time_t s = (time_t)day * 86400;
		struct tm tm;
		int y, m, d;

		assert_non_null(gmtime_r(&s, &tm));
		civil_to_ymd(day, &y, &m, &d);
		assert_int_equal(y, tm.tm_year + 1900);
		assert_int_equal(m, tm.tm_mon + 1);
		assert_int_equal(d, tm.tm_mday);
		assert_int_equal(civil_weekday(day), (tm.tm_wday + 6) % 7);
		assert_int_equal(civil_from_ymd(y, m, d), day);
	}
	assert_int_equal(civil_day(0), 0);
	assert_int_equal(civil_day(-1), -1);
	assert_int_equal(civil_day(-CLOCK_DAY), -1);
	assert_int_equal(civil_day(CLOCK_DAY - 1), 0);
	assert_int_equal(civil_day(CLOCK_NEVER), INT32_MAX);
}

static void test_modes(void **state)
{
	struct clock c;
	int64_t before, now;

	(void)state;
	clock_init_real(&c);
	assert_true(llabs(clock_now(&c) - (int64_t)time(NULL) * 1000) < 2000);
	assert_int_equal(clock_real_wait(&c, 0, 5000), 0);
	assert_int_equal(clock_real_wait(&c, CLOCK_NEVER, 5000), 5000);
	assert_int_equal(clock_real_wait(&c, INT64_MIN, 5000), 0);
	now = clock_real_wait(&c, clock_now(&c) + 4000, 5000);
	assert_true(now > 3000 && now <= 4000);

	clock_init_manual(&c, NOON);
	assert_int_equal(clock_now(&c), NOON);
	clock_set(&c, NOON + 1);
	assert_int_equal(clock_now(&c), NOON + 1);
	assert_int_equal(clock_real_wait(&c, NOON + 1, 5000), 0);
	assert_int_equal(clock_real_wait(&c, NOON + 2, 5000), 5000);

	clock_init_scaled(&c, 3600, NOON);
	c.start_mono -= 2000; /* two real seconds are two hours */
	before = clock_mono();
	now = clock_now(&c);
	assert_true(now >= NOON + 2 * CLOCK_HOUR);
	assert_true(now <= NOON + 2 * CLOCK_HOUR + (clock_mono() - before + 50) * 3600);
	now = clock_real_wait(&c, NOON + 12 * CLOCK_HOUR, 60000);
	assert_true(now > 5000 && now <= 10000);
	assert_int_equal(clock_real_wait(&c, NOON + 999 * CLOCK_DAY, 60000), 60000);
	assert_int_equal(clock_real_wait(&c, NOON, 60000), 0);
	clock_init_scaled(&c, 3, NOON);
	do { /* a third of a real millisecond is left: the timer waits a whole one */
		before = clock_mono();
		now = clock_real_wait(&c, NOON + (before - c.start_mono) * 3 + 1, 60000);
	} while (clock_mono() != before);
	assert_int_equal(now, 1);
}

static void test_duration(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
		int32_t bd;
		const char *out;
	} rows[] = {
		{ "0s", 0, 0, "0s" },
		{ "90s", 90 * CLOCK_SECOND, 0, "90s" },
		{ "60s", CLOCK_MINUTE, 0, "1m" },
		{ "36h", 36 * CLOCK_HOUR, 0, "36h" },
		{ "24h", CLOCK_DAY, 0, "1d" },
		{ "3d", 3 * CLOCK_DAY, 0, "3d" },
		{ "14d", 14 * CLOCK_DAY, 0, "2w" },
		{ "2w", 14 * CLOCK_DAY, 0, "2w" },
		{ "3bd", 0, 3, "3bd" },
		{ "0bd", 0, 0, "0s" },
		{ "36525d", 36525 * CLOCK_DAY, 0, "36525d" },
		{ "3155760000s", 36525 * CLOCK_DAY, 0, "36525d" },
		{ "36525bd", 0, 36525, "36525bd" },
		{ "36526d", BAD, 0, 0 },
		{ "36526bd", BAD, 0, 0 },
		{ "5218w", BAD, 0, 0 },
		{ "3155760001s", BAD, 0, 0 },
		{ "99999999999999999999s", BAD, 0, 0 },
		{ "18446744073709551617s", BAD, 0, 0 },
		{ "", BAD, 0, 0 },
		{ "5", BAD, 0, 0 },
		{ "d", BAD, 0, 0 },
		{ "-1d", BAD, 0, 0 },
		{ "+1d", BAD, 0, 0 },
		{ "1 d", BAD, 0, 0 },
		{ " 1d", BAD, 0, 0 },
		{ "1d ", BAD, 0, 0 },
		{ "1.5h", BAD, 0, 0 },
		{ "1D", BAD, 0, 0 },
		{ "1d12h", BAD, 0, 0 },
		{ "1ms", BAD, 0, 0 },
		{ "1y", BAD, 0, 0 },
		{ "0x1d", BAD, 0, 0 },
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct duration d = { 0 };
		struct err e = { "" };

		if (rows[i].ms == BAD) {
			assert_int_equal(duration_parse(rows[i].text, &d, &e), -1);
			assert_non_null(strstr(e.text, rows[i].text));
			continue;
		}
		assert_int_equal(duration_parse(rows[i].text, &d, &e), 0);
		assert_int_equal(d.ms, rows[i].ms);
		assert_int_equal(d.business_days, rows[i].bd);
		assert_string_equal(duration_format(&d, out, sizeof(out)), rows[i].out);
	}
	assert_string_equal(duration_format(&(struct duration){ .ms = 1500 }, out, sizeof(out)), "1500ms");
}

static void test_limit(void **state)
{
	static const struct {
		const char *text;
		int32_t n; /* 0: refused */
		int64_t per;
	} rows[] = {
		{ "2 per 7d", 2, 7 * CLOCK_DAY },
		{ "1  per  36h", 1, 36 * CLOCK_HOUR },
		{ "2147483647 per 1s", INT32_MAX, CLOCK_SECOND },
		{ "2147483648 per 1s", 0, 0 },
		{ "0 per 7d", 0, 0 },
		{ "2 per 0s", 0, 0 },
		{ "2 per 3bd", 0, 0 },
		{ "2 per", 0, 0 },
		{ "2 per ", 0, 0 },
		{ "per 7d", 0, 0 },
		{ "2per 7d", 0, 0 },
		{ "2 per7d", 0, 0 },
		{ "-2 per 7d", 0, 0 },
		{ " 2 per 7d", 0, 0 },
		{ "2 per 7d ", 0, 0 },
		{ "2/7d", 0, 0 },
		{ "", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct limit l = { 0 };
		struct err e = { "" };

		assert_int_equal(limit_parse(rows[i].text, &l, &e), rows[i].n ? 0 : -1);
		assert_int_equal(l.n, rows[i].n);
		assert_int_equal(l.per_ms, rows[i].per);
		assert_int_equal(e.text[0] != '\0', !rows[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_format),   cmocka_unit_test(test_civil),
		cmocka_unit_test(test_modes), cmocka_unit_test(test_duration), cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
