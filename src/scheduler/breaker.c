/* The circuit breaker (4-cadence): with 50 sends or more in 7 days, sending pauses at 5 % hard bounces or 0.1 % complaints, and says so;
 * a relay's or a provider's patience is lost in hours and won back in months. Seven days are the last 168 hours that have begun.
 *
 * When it has paused, counting begins anew: whoever resumes has looked, and what was seen then isn't held against what comes after. */
#include <inttypes.h>
#include <stdio.h>

#include "abv/json.h"
#include "abv/log.h"
#include "scheduler_int.h"

#define BREAKER_WITHIN (7 * CLOCK_DAY - CLOCK_HOUR) /* and the hour that has begun */
#define BREAKER_SENDS 50
#define BASE "breaker.base" /* setting: "HOUR SENDS BOUNCES COMPLAINTS", what that hour had when sending was paused last */

static int counted(struct scheduler *s, int64_t now, int64_t n[STORE_HOUR_COUNT], struct err *e)
{
	int64_t hour = 0, base[STORE_HOUR_COUNT] = { 0 }, since = now - BREAKER_WITHIN;
	int read = sscanf(store_setting(s->store, BASE), "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64, &hour, &base[0], &base[1], &base[2]);
	bool based = read == 4 && hour * CLOCK_HOUR >= since / CLOCK_HOUR * CLOCK_HOUR;
	if (store_hours_sum(s->store, based ? hour * CLOCK_HOUR : since, n, e) != 0)
		return -1;
	for (int i = 0; based && i < STORE_HOUR_COUNT; i++)
		n[i] -= base[i];
	return 0;
}

static int base_set(struct scheduler *s, int64_t now, struct err *e)
{
	int64_t n[STORE_HOUR_COUNT];
	char text[96];
	if (store_hours_sum(s->store, now, n, e) != 0)
		return -1;
	snprintf(text, sizeof text, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, now / CLOCK_HOUR, n[0], n[1], n[2]);
	return store_setting_put(s->store, BASE, text, e);
}

static int trip(struct scheduler *s, const char *why, const char *what, int64_t bad, int64_t sends, int64_t now, struct err *e)
{
	log_error("sending paused: %" PRId64 " %s%s among %" PRId64 " sends in 7 days; see `abvctl log --event bounced --event refused --event complained`, then `abvctl resume`",
	          bad, what, bad == 1 ? "" : "s", sends);
	if (base_set(s, now, e) != 0 || store_setting_put(s->store, "paused", why, e) != 0)
		return -1;
	s->paused.all = true; /* for the rest of this turn too; a commit that fails reads it anew */
	struct buf d = { 0 };
	json_add_str(&d, "reason", why);
	json_add_int(&d, "sends", sends);
	json_add_int(&d, what[0] == 'h' ? "bounces" : "complaints", bad);
	struct enrollment none = { .sequence = "", .step = "" };
	return record_event(s, EVENT_PAUSED, &none, whose(NULL), -1, 0, now, &d, e);
}

static int judge(struct scheduler *s, int64_t now, struct err *e)
{
	int64_t n[STORE_HOUR_COUNT];
	if (counted(s, now, n, e) != 0)
		return -1;
	s->breaker_idle = n[STORE_HOUR_BOUNCES] <= 0 && n[STORE_HOUR_COMPLAINTS] <= 0;
	if (n[STORE_HOUR_SENDS] < BREAKER_SENDS)
		return 0;
	if (n[STORE_HOUR_BOUNCES] * 20 >= n[STORE_HOUR_SENDS])
		return trip(s, PAUSED_BY_BOUNCES, "hard bounce", n[STORE_HOUR_BOUNCES], n[STORE_HOUR_SENDS], now, e);
	if (n[STORE_HOUR_COMPLAINTS] * 1000 >= n[STORE_HOUR_SENDS])
		return trip(s, PAUSED_BY_COMPLAINTS, "complaint", n[STORE_HOUR_COMPLAINTS], n[STORE_HOUR_SENDS], now, e);
	return 0;
}

int breaker_count(struct scheduler *s, enum store_hour what, int64_t at, int64_t now, struct err *e)
{
	if (store_hour_count(s->store, at, what, 1, e) != 0)
		return -1;
	s->breaker_idle = false;
	return s->paused.all ? 0 : judge(s, now, e);
}

int breaker_look(struct scheduler *s, int64_t now, struct err *e)
{
	return s->paused.all || s->breaker_idle ? 0 : judge(s, now, e);
}
