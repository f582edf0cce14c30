#ifndef ABV_RULES_INT_H
#define ABV_RULES_INT_H

#include "abv/governor.h"

/* One stretch of time in which the window is open: [open, close). */
struct opening {
	int64_t open, close;
	int32_t day; /* civil day it belongs to */
};

bool window_day(const struct window *w, int32_t day); /* is this civil day a business day? */
bool window_always(const struct window *w);           /* open round the clock, every day */

/* The stretch that is open at t, or opens first after it. False: it never opens. */
bool window_find(const struct window *w, const struct zone *z, int64_t t, struct opening *out);

/* Days may follow each other without a pause: whole ones, or where the clocks jump over the hours between. Then `open` moves
 * back to the opening of the day before. No further, however long the run is: a jitter behind that one is over too. */
void window_run(const struct window *w, const struct zone *z, int64_t since, struct opening *o);

int64_t instant_add(int64_t t, int64_t ms); /* stops at CLOCK_NEVER */

/* NO_CONSENT, CONSENT_EXPIRED or NONE. */
enum reason admit_consent(const struct policy *p, const struct contact *c, int64_t now);
/* From which instant consent is expired; CLOCK_NEVER: it does not expire. */
int64_t admit_consent_end(const struct policy *p, const struct contact *c);

#endif
