/* A store that cannot commit. It is told in one line when it begins, in another only when the cause changes, and when it is over. It is
 * tried again after 1 s, doubling to 8 s; one good commit does not end the back-off, because on a disk that is just full a small one
 * finds room and the next does not. Meanwhile no dot leaves and no envelope. */
#include <stdio.h>
#include <string.h>

#include "abv/log.h"
#include "scheduler_int.h"

#define FIRST_MS 1000
#define MOST_MS 8000
#define CALM_MS 10000 /* so long without a failure, and the next is the first again */

void failing_note(struct scheduler *s, const char *why)
{
	int64_t mono = clock_mono();
	if (!s->failing || strcmp(s->failed_why, why) != 0)
		log_error("the store could not commit; nothing is sent until it can: %s", why);
	snprintf(s->failed_why, sizeof s->failed_why, "%s", why);
	bool first = s->failed_wait == 0 || (!s->failing && mono - s->failed_until >= CALM_MS);
	s->failed_wait = first ? FIRST_MS : s->failed_wait * 2 < MOST_MS ? s->failed_wait * 2 : MOST_MS;
	s->failed_until = mono + s->failed_wait;
	s->failing = s->due_stale = true;
}

int64_t failing_wait(const struct scheduler *s)
{
	int64_t ms = s->failing ? s->failed_until - clock_mono() : 0;
	return ms > 0 ? ms : 0;
}

void failing_over(struct scheduler *s)
{
	if (s->failing)
		log_info("the store commits again");
	s->failing = false;
}
