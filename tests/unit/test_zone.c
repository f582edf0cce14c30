/* rooms: base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abv/clock.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int64_t at(const char *text)
{
	int64_t t;

	assert_int_equal(clock_parse(text, &t, NULL), 0);
	return t;
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool known;
	} rows[] = {
		{ "UTC", true },
		{ "Europe/Paris", true },
		{ "America/Argentina/Buenos_Aires", true },
		{ "America/Port-au-Prince", true },
		{ "Etc/GMT+5", true },
		{ "", false },
		{ "Europe", false }, /* a directory */
		{ "Europe/Atlantis", false },
		{ "europe/paris", false },
		{ "Europe/Paris ", false },
		{ "Europe/Paris\n", false },
		{ "../zoneinfo/Europe/Paris", false },
		{ "Europe/../Europe/Paris", false },
		{ "/usr/share/zoneinfo/Europe/Paris", false },
		{ ":Europe/Paris", false },
		{ "right/Europe/Paris", false },
		{ "posix/Europe/Paris", false },
		{ "localtime", false },
		{ "posixrules", false },
		{ "XYZ-7", false }, /* a POSIX rule */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", false },
		{ "+01:00", false },
		{ "Z", false },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct zone *z = zone_find(rows[i].name);

		assert_int_equal(z != NULL, rows[i].known);
		if (!z)
			continue;
		assert_string_equal(zone_name(z), rows[i].name);
		assert_ptr_equal(zone_find(rows[i].name), z);
	}
	assert_ptr_equal(zone_utc(), zone_find("UTC"));
}

static void test_offsets(void **state)
{
	static const struct {
		const char *zone, *instant;
		int minutes;
	} rows[] = {
		{ "UTC", "2026-06-01", 0 },
		{ "Europe/Paris", "2026-03-29T00:59:59.999Z", 60 },
		{ "Europe/Paris", "2026-03-29T01:00:00Z", 120 },
		{ "Europe/Paris", "2026-10-25T00:59:59.999Z", 120 },
		{ "Europe/Paris", "2026-10-25T01:00:00Z", 60 },
		{ "Europe/Dublin", "2026-07-01", 60 }, /* its winter is "daylight saving" of -1 h */
		{ "Europe/Dublin", "2026-12-01", 0 },
		{ "America/New_York", "2026-03-08T06:59:59Z", -300 },
		{ "America/New_York", "2026-03-08T07:00:00Z", -240 },
		{ "America/Sao_Paulo", "2019-02-16T00:00:00Z", -120 },
		{ "America/Sao_Paulo", "2026-12-15T00:00:00Z", -180 }, /* no summer time since 2019 */
		{ "Asia/Kathmandu", "2026-06-01T00:00:00Z", 345 },
		{ "Australia/Lord_Howe", "2026-01-01T00:00:00Z", 660 },
		{ "Australia/Lord_Howe", "2026-06-01T00:00:00Z", 630 },
		{ "Pacific/Apia", "2011-12-30T09:59:59Z", -600 },
		{ "Pacific/Apia", "2011-12-30T10:00:00Z", 840 },
		{ "Asia/Kolkata", "1999-01-01", 330 }, /* before the table */
		{ "Europe/Paris", "1945-09-16T00:59:59.999Z", 120 },
		{ "Europe/Paris", "1945-09-16T01:00:00Z", 60 },
		{ "Europe/Paris", "1976-08-01", 120 },
		{ "Europe/Paris", "2100-07-01", 120 }, /* behind it */
		{ "Europe/Paris", "2100-12-01", 60 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct zone *z = zone_find(rows[i].zone);
		int64_t t = at(rows[i].instant);

		assert_non_null(z);
		assert_int_equal(zone_offset(z, t), rows[i].minutes * 60);
		assert_int_equal(zone_local(z, t), t + rows[i].minutes * CLOCK_MINUTE);
	}
	assert_int_equal(zone_local(zone_find("Europe/Paris"), CLOCK_NEVER), CLOCK_NEVER);
	assert_int_equal(zone_instant(zone_find("America/New_York"), CLOCK_NEVER), CLOCK_NEVER);
}

/* The local time is written as if it were UTC. */
static void test_instants(void **state)
{
	static const struct {
		const char *zone, *local, *instant;
	} rows[] = {
		{ "UTC", "2026-03-29T02:30:00Z", "2026-03-29T02:30:00Z" },
		{ "Europe/Paris", "2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z" },
		{ "Europe/Paris", "2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z" }, /* reads 03:00 */
		{ "Europe/Paris", "2026-03-29T02:30:00Z", "2026-03-29T01:30:00Z" }, /* reads 03:30 */
		{ "Europe/Paris", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z" },
		{ "Europe/Paris", "2026-10-25T01:59:59Z", "2026-10-24T23:59:59Z" },
		{ "Europe/Paris", "2026-10-25T02:00:00Z", "2026-10-25T00:00:00Z" }, /* the first of two */
		{ "Europe/Paris", "2026-10-25T02:59:59Z", "2026-10-25T00:59:59Z" },
		{ "Europe/Paris", "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z" },
		{ "America/New_York", "2026-03-08T02:30:00Z", "2026-03-08T07:30:00Z" },
		{ "America/New_York", "2026-11-01T01:30:00Z", "2026-11-01T05:30:00Z" },
		{ "America/Sao_Paulo", "2018-11-04T00:00:00Z", "2018-11-04T03:00:00Z" }, /* midnight did not exist */
		{ "America/Sao_Paulo", "2026-11-01T00:00:00Z", "2026-11-01T03:00:00Z" },
		{ "Asia/Kathmandu", "2026-11-24T09:00:00Z", "2026-11-24T03:15:00Z" },
		{ "Australia/Lord_Howe", "2026-10-04T02:10:00Z", "2026-10-03T15:40:00Z" }, /* a gap of 30 minutes */
		{ "Australia/Lord_Howe", "2026-10-04T02:30:00Z", "2026-10-03T15:30:00Z" },
		{ "Australia/Lord_Howe", "2026-04-05T01:45:00Z", "2026-04-04T14:45:00Z" },
		{ "Australia/Lord_Howe", "2026-04-05T02:00:00Z", "2026-04-04T15:30:00Z" },
		{ "Pacific/Apia", "2011-12-29T23:59:59Z", "2011-12-30T09:59:59Z" },
		{ "Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-30T22:00:00Z" }, /* the day that was left out */
		{ "Pacific/Apia", "2011-12-31T00:00:00Z", "2011-12-30T10:00:00Z" },
		{ "Pacific/Apia", "2011-12-31T05:00:00Z", "2011-12-30T15:00:00Z" },
	};
	char got[CLOCK_TEXT_MAX], want[CLOCK_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct zone *z = zone_find(rows[i].zone);

		assert_non_null(z);
		clock_format(zone_instant(z, at(rows[i].local)), got);
		assert_string_equal(got, clock_format(at(rows[i].instant), want));
	}
}

/* The C library reads the same files by other code: any zone, any instant of the files' own transitions. Behind 2037
 * both go by the rule at a file's end, and GLib 2.74 misreads Dublin's, whose winter time is written as a negative
 * summer time. */
static void test_against_libc(void **state)
{
	FILE *f = fopen("/usr/share/zoneinfo/tzdata.zi", "re");
	char line[512], name[128];
	int zones = 0;

	(void)state;
	if (!f) {
		print_message("SKIPPED: no /usr/share/zoneinfo/tzdata.zi\n");
		skip();
	}
	srandom(3);
	while (fgets(line, sizeof(line), f)) {
		const struct zone *z;

		if (sscanf(line, "Z %127s", name) != 1 || !strcmp(name, "Factory"))
			continue;
		z = zone_find(name);
		assert_non_null(z);
		setenv("TZ", name, 1);
		tzset();
		zones++;
		for (int i = 0; i < 1000; i++) {
			time_t s = (time_t)random() % INT64_C(2145916800); /* 1970 - 2037 */
			int64_t t = (int64_t)s * 1000 + random() % 1000, local, first;
			struct tm tm;

			assert_non_null(localtime_r(&s, &tm));
			if (zone_offset(z, t) != tm.tm_gmtoff)
				fail_msg("%s at %lld: %d, libc %ld", name, (long long)s, zone_offset(z, t),
					 tm.tm_gmtoff);
			local = zone_local(z, t);
			first = zone_instant(z, local);
			assert_true(first <= t); /* itself, or the first of two */
			assert_int_equal(zone_local(z, first), local);
		}
	}
	unsetenv("TZ");
	fclose(f);
	assert_true(zones > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_instants),
		cmocka_unit_test(test_against_libc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
