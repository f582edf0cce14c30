/* L0. The one clock. An instant is an int64_t of milliseconds since 1970-01-01T00:00:00Z; 0 means "none" in fields.
 * Policy time (caps, windows, waits, rate, retry_for, expiry) is clock_now(). Protocol time (SMTP and HTTP limits, relay
 * back-off, watchdog, shutdown) is clock_mono() and is never scaled. */
#ifndef ABV_CLOCK_H
#define ABV_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/err.h"

#define CLOCK_SECOND INT64_C(1000)
#define CLOCK_MINUTE (60 * CLOCK_SECOND)
#define CLOCK_HOUR (60 * CLOCK_MINUTE)
#define CLOCK_DAY (24 * CLOCK_HOUR)
#define CLOCK_NEVER INT64_MAX /* an instant that does not come */
#define CLOCK_TEXT_MAX 32

enum clock_mode { CLOCK_REAL, CLOCK_SCALED, CLOCK_MANUAL };

struct clock {
	enum clock_mode mode;
	double scale;          /* CLOCK_SCALED: seconds of policy time in one real second */
	int64_t start_now;     /* CLOCK_SCALED: policy time at start_mono; CLOCK_MANUAL: the time */
	int64_t start_mono;
};

void clock_init_real(struct clock *c);
void clock_init_scaled(struct clock *c, double scale, int64_t now);
void clock_init_manual(struct clock *c, int64_t now);
void clock_set(struct clock *c, int64_t now); /* manual only */
int64_t clock_now(const struct clock *c);
int64_t clock_mono(void);                     /* monotonic milliseconds, no epoch */

/* Real milliseconds until policy time t, at least 0, at most max_ms: what a timer is set to. */
int64_t clock_real_wait(const struct clock *c, int64_t t, int64_t max_ms);

/* RFC 3339 "2026-11-24T09:30:00.000Z", UTC. out holds CLOCK_TEXT_MAX bytes. Returns out. */
char *clock_format(int64_t t, char *out);

/* RFC 3339 date-time with any offset, or a plain date (midnight UTC). 0 or -1. */
int clock_parse(const char *s, int64_t *t, struct err *e);

/* RFC 5322 date "Tue, 24 Nov 2026 09:30:00 +0000", UTC. out holds CLOCK_TEXT_MAX + 8 bytes. */
char *clock_format_mail(int64_t t, char *out);

/* ---- durations and limits: "90s" "36h" "3d" "2w" "3bd" "2 per 7d" ---- */

struct duration {
	int64_t ms;            /* exact part; 0 when business_days is used */
	int32_t business_days; /* 0, or a number of business days on the contact's calendar */
};

struct limit {
	int32_t n;
	int64_t per_ms;
};

int duration_parse(const char *s, struct duration *d, struct err *e);
/* The same; the error names the units that the caller takes, such as "s m h d w". */
int duration_parse_told(const char *s, const char *told, struct duration *d, struct err *e);
int limit_parse(const char *s, struct limit *l, struct err *e); /* exact units only; n >= 1 */
char *duration_format(const struct duration *d, char *out, size_t cap); /* the shortest exact form: "36h", "3bd" */

/* ---- time zones (IANA names, GLib underneath) and civil dates ---- */

struct zone; /* interned for the life of the process: compare by pointer, never freed */

/* NULL when the name is no IANA zone. "UTC" always exists. */
const struct zone *zone_find(const char *name);
const struct zone *zone_utc(void);
const char *zone_name(const struct zone *z);

/* No allocation, < 200 ns. Seconds east of UTC at the instant. */
int32_t zone_offset(const struct zone *z, int64_t t);

/* Local wall-clock milliseconds since 1970-01-01T00:00 local. */
int64_t zone_local(const struct zone *z, int64_t t);

/* The instant of a local time. One that does not exist moves forward by the gap; one that exists twice is the first. */
int64_t zone_instant(const struct zone *z, int64_t local);

/* Days since 1970-01-01 of a local time (floor), and 0 = Monday ... 6 = Sunday of such a day. */
int32_t civil_day(int64_t local);
int civil_weekday(int32_t day);
int32_t civil_from_ymd(int year, int month, int day); /* Gregorian, month 1-12 */
void civil_to_ymd(int32_t day, int *year, int *month, int *mday);

#endif
