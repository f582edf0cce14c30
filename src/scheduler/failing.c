/* A store that cannot commit. It is tried again after 1 s, doubling to 8 s; one good commit does not end the back-off, because on a disk
 * that is just full, or can be written but not read, a small commit goes through and the next does not. Meanwhile no dot leaves and no
 * envelope. It is told in one line when it begins, in another only when the cause changes, and in one when it has been over for a moment. */
#include <stdio.h>
#include <string.h>

#include "abv/log.h"
#include "scheduler_int.h"

#define FIRST_MS 1000
#define MOST_MS 8000
#define CALM_MS 10000 /* so long without a failure, and the next is the first again */
#define OVER_MS 1000  /* so long, and it is told to be over */

void failing_note(struct scheduler *s, const char *why)
{
	int64_t mono = clock_mono();
	if (!s->failed_told || strcmp(s->failed_why, why) != 0)
		log_error("the store could not commit; nothing is sent until it can: %s", why);
	snprintf(s->failed_why, sizeof s->failed_why, "%s", why);
	bool first = s->failed_wait == 0 || (!s->failing && mono - s->failed_until >= CALM_MS);
	s->failed_wait = first ? FIRST_MS : s->failed_wait * 2 < MOST_MS ? s->failed_wait * 2 : MOST_MS;
	s->failed_until = mono + s->failed_wait;
	s->failing = s->due_stale = s->failed_told = true;
}

int64_t failing_wait(const struct scheduler *s)
{
	int64_t ms = s->failing ? s->failed_until - clock_mono() : 0;
	return ms > 0 ? ms : 0;
}

int64_t failing_tell(struct scheduler *s)
{
	if (!s->failed_told || s->failing)
		return CLOCK_NEVER;
	int64_t ms = s->failed_until + OVER_MS - clock_mono();
	if (ms > 0)
		return ms;
	log_info("the store commits again");
	s->failed_told = false;
	return CLOCK_NEVER;
}
