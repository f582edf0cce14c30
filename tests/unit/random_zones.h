/* Time zones as the C library knows them, for judging code that uses another source: the offset from UTC for every
 * quarter of an hour of the years looked at. All zones below change at quarters and by quarters. */
#ifndef RANDOM_ZONES_H
#define RANDOM_ZONES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abv/clock.h"

#define QUARTER      (15 * CLOCK_MINUTE)
#define ZONES_FROM   (INT64_C(1735689600) * 1000) /* 2025-01-01 */
#define ZONES_DAYS   (10 * 366)
#define QUARTERS     (ZONES_DAYS * 96)
#define CHANGES_MAX  24
#define CHANGES_NEAR (2 * 96)

/* Both hemispheres, changes at midnight, at noon UTC, of half an hour and of two hours, half- and quarter-hour zones.
 */
static const char *const zone_names[] = {
	"UTC",
	"America/New_York",
	"Europe/Paris",
	"Australia/Lord_Howe",
	"America/Santiago",
	"Africa/Cairo",
	"Asia/Kathmandu",
	"Atlantic/Azores",
	"Asia/Tokyo",
	"Europe/London",
	"Asia/Kolkata",
	"Pacific/Auckland",
	"America/St_Johns",
	"Pacific/Chatham",
	"Antarctica/Troll",
	"Australia/Adelaide",
};
#define ZONES ((int)(sizeof zone_names / sizeof *zone_names))

static int8_t zone_quarters[ZONES][QUARTERS];
static bool zone_restless[ZONES][QUARTERS]; /* the clocks change within two days */
static int64_t zone_change[ZONES][CHANGES_MAX];
static int zone_change_n[ZONES];
static const struct zone *zone_row[ZONES];

static inline int8_t zones_ask(int quarter)
{
	time_t t = (time_t)(ZONES_FROM / 1000 + (int64_t)quarter * 900);
	struct tm tm;

	localtime_r(&t, &tm);
	return (int8_t)(tm.tm_gmtoff / 900);
}

static inline void zones_changed(int z, int i)
{
	if (zone_change_n[z] < CHANGES_MAX)
		zone_change[z][zone_change_n[z]++] = ZONES_FROM + i * QUARTER;
	for (int k = i - CHANGES_NEAR; k < i + CHANGES_NEAR; k++)
		if (k >= 0 && k < QUARTERS)
			zone_restless[z][k] = true;
}

/* No zone changes twice in a day, so a day that ends as it began is not asked quarter by quarter. -1: a zone is
 * missing. */
static inline int zones_read(void)
{
	for (int z = 0; z < ZONES; z++) {
		setenv("TZ", zone_names[z], 1);
		tzset();
		zone_row[z] = zone_find(zone_names[z]);
		if (!zone_row[z])
			return -1;
		for (int day = 0; day < QUARTERS; day += 96) {
			int8_t first = zones_ask(day), next = zones_ask(day + 96);

			for (int i = day; i < day + 96; i++)
				zone_quarters[z][i] = first == next ? first : zones_ask(i);
		}
		for (int i = 1; i < QUARTERS; i++)
			if (zone_quarters[z][i] != zone_quarters[z][i - 1])
				zones_changed(z, i);
	}
	return 0;
}

static inline int zones_index(int64_t t)
{
	int64_t i = (t - ZONES_FROM) / QUARTER;

	if (i < 0 || i >= QUARTERS)
		abort(); /* outside of the table: the generator's fault */
	return (int)i;
}

static inline int64_t zones_local(int z, int64_t t)
{
	return t + zone_quarters[z][zones_index(t)] * QUARTER;
}

/* The first instant with this local time; in a gap it is moved forward by the gap. */
static inline int64_t zones_instant(int z, int64_t local)
{
	int64_t guess = local - zone_quarters[z][zones_index(local)] * QUARTER;

	if (!zone_restless[z][zones_index(guess)])
		return guess;
	int64_t t = local - 15 * CLOCK_HOUR, last = t;

	for (t -= t % QUARTER; t < local + 15 * CLOCK_HOUR; t += QUARTER) {
		int64_t l = zones_local(z, t);

		if (l <= local && local < l + QUARTER)
			return t + (local - l);
		if (l > local)
			break;
		last = t;
	}
	return local - (zones_local(z, last) - last);
}

#endif
