/* L2. The cadence governor (4-cadence): policy + history + now -> send, wait until, skip or stop, with the reason. Pure: no I/O, no
 * clock, no allocation, < 2 us for a history of 32 touches. A wait is sound and tight: with no new touch, asking before `until`
 * says wait, and at `until` says send. */
#ifndef ABV_GOVERNOR_H
#define ABV_GOVERNOR_H

#include "abv/model.h"
#include "abv/verdict.h"

/* A touch of the contact as caps, gifts and back-off see it. */
struct past_touch {
	int64_t at;               /* in flight: CLOCK_NEVER (counts as now) */
	enum touch_state state;
	enum kind kind;
};

/* Newest first. Only touches that count (touch_state_counts), cut at a length that no rule of the policy looks beyond. */
struct history {
	const struct past_touch *contact; size_t contact_n;   /* all enrollments of the contact; up to HISTORY_CONTACT_MAX */
	const int64_t *account; size_t account_n;             /* times; in flight: CLOCK_NEVER, first */
	const int64_t *provider; size_t provider_n;           /* only filled when the policy has provider limits */
	const int64_t *sender; size_t sender_n;               /* only filled when the policy has sender limits */
	int32_t warmup_cap;       /* today's cap of the ramp; -1: no ramp */
	int32_t warmup_used;      /* counted touches of this UTC day */
	int64_t first_touch_at;   /* of the contact; 0 none: sunset's silence runs from it */
	int32_t unanswered;       /* counted touches since the last engagement: sunset and back-off */
	bool rests_on_flight;     /* any of the above is in flight */
};
#define HISTORY_CONTACT_MAX 1024 /* the configuration refuses a contact limit above 1000 */

/* What is known about the contact beside its touches. */
struct standing {
	enum reason suppressed;   /* REASON_NONE, or why (UNSUBSCRIBED COMPLAINED HARD_BOUNCE ERASED MANUAL) */
	int64_t contact_hold;     /* 0, or until; CLOCK_NEVER: until lifted */
	int64_t account_hold;
	bool replied;             /* a human reply since the enrollment began */
	bool sequence_paused, sending_paused;
};

struct governor_input {
	const struct policy *policy;     /* the sequence's */
	const struct sequence *sequence; /* for qualification */
	const struct step *step;
	const struct contact *contact;
	const struct standing *standing;
	const struct history *history;
	const struct zone *zone;         /* the contact's, already resolved (governor_zone) */
	int64_t enrollment_id;           /* jitter is a hash of enrollment and step */
	int64_t prev_at;                 /* previous touch of this enrollment, or the enrollment itself */
	int64_t retry_at;                /* a refused_temp touch: not before; else 0 */
	enum kind kind;                  /* of the step's template */
};

/* The zone that windows and business days of this contact use. */
const struct zone *governor_zone(const struct policy *p, const struct contact *c);

void governor_decide(const struct governor_input *in, int64_t now, struct verdict *out);

/* After a touch at `at` (unanswered counts it; first_touch_at is `at` when it was the first): the instant from which the contact is
 * released or its consent is over, whatever the next step's time is. CLOCK_NEVER: none. */
int64_t governor_ends_at(const struct policy *p, const struct contact *c, int64_t first_touch_at, int32_t unanswered, int64_t at);

/* When `after` is over (business days on the contact's calendar: the same local time on the n-th following allowed day). */
int64_t governor_add(const struct policy *p, const struct zone *z, int64_t from, const struct duration *d);

/* When a step is skipped for good, whose previous touch of the enrollment (the first: the enrollment) was at prev_at. CLOCK_NEVER: never. */
int64_t governor_expiry(const struct policy *p, const struct zone *z, const struct step *step, int64_t prev_at);

/* The first instant >= t inside the window; t itself when it is inside or the window never closes. CLOCK_NEVER: never opens. */
int64_t governor_window(const struct policy *p, const struct zone *z, int64_t t);

/* May this contact be enrolled now? REASON_NONE, or suppression / NO_CONSENT / CONSENT_EXPIRED / NOT_QUALIFIED / SUNSET. */
enum reason governor_admit(const struct sequence *s, const struct contact *c, enum reason suppressed, int64_t now);

#endif
