/* What the relay's state is, for those who ask, and for the log without a storm of lines. */
#include <stdio.h>
#include <string.h>

#include "abv/log.h"
#include "scheduler_int.h"

#define RELAY_STILL_MS (10 * CLOCK_MINUTE)
#define RELAY_AGAIN_MS CLOCK_MINUTE /* it was usable in between */

/* Digits aside: ports, times and queue numbers change with every attempt. */
static bool same_trouble(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, "0123456789");
		b += strspn(b, "0123456789");
		if (*a != *b || *a == '\0')
			return *a == *b;
	}
}

/* A relay may be away for days, or come and go every second: the same trouble is told once, and then from time to time; of every
 * attempt only `-v` tells. What was not told needs no end either. */
static void tell_down(struct scheduler *s, const char *why, int64_t retry_in_ms)
{
	int64_t now = clock_mono(), rest = s->relay_usable ? RELAY_AGAIN_MS : RELAY_STILL_MS;
	const char *how = s->relay_usable ? "not" : "still not";
	if (same_trouble(why, s->relay_told_why) && now - s->relay_told_at < rest) {
		log_debug("the relay is %s usable; trying again in %lld ms: %s", how, (long long)retry_in_ms, why);
		return;
	}
	log_warning("the relay is %s usable; trying again in %lld ms: %s", how, (long long)retry_in_ms, why);
	s->relay_told = true;
	s->relay_told_at = now;
	snprintf(s->relay_told_why, sizeof s->relay_told_why, "%s", why);
}

static void tell_up(struct scheduler *s)
{
	if (s->relay_told)
		log_info("the relay is usable again");
	else
		log_debug("the relay is usable again");
	s->relay_told = false;
}

void relay_news(struct scheduler *s, bool usable, const char *why, int64_t retry_in_ms)
{
	if (!usable)
		tell_down(s, why, retry_in_ms);
	else if (!s->relay_usable)
		tell_up(s);
	s->relay_usable = usable;
	snprintf(s->relay_why, sizeof s->relay_why, "%s", usable ? "" : why);
	s->tests_failed = !usable; /* they are ended in the turn: this may be called from inside the loop over the jobs */
	s->hooks.turn_soon(s->hooks.arg);
}
