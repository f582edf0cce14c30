/* A clock that jumps. Every answer of the governor is an instant, and touches in the future count as now, so a jump sends nothing early.
 * But what was asked while the clock was wrong may wait too long: the window's opening in a month that is not, say. So after a jump of more
 * than a day everybody who waits is asked again, in slices. */
#include "abv/log.h"
#include "scheduler_int.h"

#define JUMP_MS CLOCK_DAY
#define RECHECK_ROWS 1000 /* a few milliseconds */

void jump_look(struct scheduler *s, int64_t now)
{
	int64_t mono = clock_mono();
	double scale = s->clock->mode == CLOCK_SCALED ? s->clock->scale : 1;
	double off = (double)(now - s->seen_now) - (double)(mono - s->seen_mono) * scale;
	if (s->clock->mode != CLOCK_MANUAL && s->seen_now != 0 && (off > (double)JUMP_MS || off < -(double)JUMP_MS)) {
		char a[CLOCK_TEXT_MAX], b[CLOCK_TEXT_MAX];
		log_warning("the clock jumped by %.1f days from=%s to=%s: all waits are computed anew", off / (double)CLOCK_DAY,
		            clock_format(s->seen_now, a), clock_format(now, b));
		s->recheck_after = 0;
		slots_ask_all(s, now, false);
		s->due_stale = true;
	}
	s->seen_now = now;
	s->seen_mono = mono;
}

int jump_recheck(struct scheduler *s, int64_t now, struct err *e)
{
	if (s->recheck_after < 0)
		return 0;
	int more = store_wake_some(s->store, &s->recheck_after, RECHECK_ROWS, now, e);
	if (more < 0)
		return -1;
	if (more == 0)
		s->recheck_after = -1;
	s->due_stale = true;
	return 0;
}
