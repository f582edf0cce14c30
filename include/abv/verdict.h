/* L1. A verdict and its reason: why something is sent, waits, is skipped or stops. Reasons are stable names: they stand in the
 * engagement log (`reason`), in `abvctl explain`, `queue` and `show`. */
#ifndef ABV_VERDICT_H
#define ABV_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

enum verdict_kind {
	VERDICT_SEND,
	VERDICT_WAIT, /* until an instant, or until something changes (until == CLOCK_NEVER) */
	VERDICT_SKIP, /* this step only: the enrollment goes on with the next */
	VERDICT_STOP  /* the enrollment ends */
};

enum reason {
	REASON_NONE,
	/* stop: the contact or the operator said no */
	REASON_UNSUBSCRIBED, REASON_COMPLAINED, REASON_HARD_BOUNCE, REASON_ERASED, REASON_MANUAL,
	REASON_REPLIED, REASON_NO_CONSENT, REASON_CONSENT_EXPIRED, REASON_NOT_QUALIFIED, REASON_SUNSET,
	REASON_REFUSED,            /* the relay refused for good */
	REASON_RETRY_EXPIRED,      /* refused for now, longer than retry_for */
	REASON_NOT_DELIVERED,      /* an unknown touch that the operator dropped */
	REASON_SEQUENCE_REMOVED,
	REASON_SUPPRESSED,         /* any suppression, where the cause is not told apart */
	/* skip */
	REASON_STEP_EXPIRED, REASON_STEP_REMOVED, REASON_REPEAT_CONTENT,
	/* wait */
	REASON_AFTER,              /* the step's own `after` */
	REASON_CONTACT_HOLD, REASON_ACCOUNT_HOLD, REASON_SEQUENCE_PAUSED, REASON_SENDING_PAUSED, REASON_SEQUENCE_NOT_STARTED,
	REASON_GIFTS,
	REASON_CONTACT_MIN_GAP, REASON_CONTACT_LIMIT, REASON_ACCOUNT_MIN_GAP, REASON_ACCOUNT_LIMIT,
	REASON_PROVIDER_LIMIT, REASON_SENDER_LIMIT, REASON_WARMUP, REASON_RATE,
	REASON_BACKOFF, REASON_WINDOW,
	REASON_IN_FLIGHT,          /* another touch of this enrollment is on its way */
	REASON_GATE_REFUSED, REASON_UNDEFINED_PLACEHOLDER,
	REASON_PRIORITY,           /* another enrollment of the contact that is due goes first */
	REASON_RELAY,              /* the relay cannot be reached or has asked for patience */
	REASON_RETRY,              /* refused for now; the same touch is tried again */
	REASON_COUNT
};

const char *verdict_kind_name(enum verdict_kind v); /* "send" "wait" "skip" "stop" */
const char *reason_name(enum reason r);             /* "contact_limit" ...; "" for REASON_NONE */
bool reason_is_suppression(enum reason r);          /* one that store_suppressed can give */
enum reason reason_find(const char *name);          /* REASON_COUNT when unknown */

#define EVIDENCE_MAX 8

/* One rule that was asked, and the instant from which it allows the touch. Of a limit: which one and what filled it. */
struct evidence {
	enum reason reason;
	int64_t until;      /* CLOCK_NEVER: nothing but a change helps */
	int32_t limit_n;    /* limits: "limit_n per limit_ms"; else 0 */
	int64_t limit_ms;
	int64_t touch_at;   /* the touch that must leave the window, or that the gap runs from; 0 when none */
};

struct verdict {
	enum verdict_kind kind;
	enum reason reason;   /* of a wait: the rule that gives `until`; of a send: REASON_NONE */
	int64_t until;        /* VERDICT_WAIT only */
	int64_t ends_at;      /* VERDICT_WAIT: without a change, the answer becomes STOP or SKIP here (consent runs out, sunset, step's
	                       * expiry), so ask again at the earlier of `until` and this; CLOCK_NEVER: it stays a wait */
	bool rests_on_flight; /* the wait counts a touch in flight: it is asked again when that ends */
	struct evidence evidence[EVIDENCE_MAX];
	int evidence_n;
};

#endif
