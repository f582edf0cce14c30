/* Names of everything that is logged: stable, and a test holds that every value has one. */
#include <string.h>

#include "abv/model.h"

#define NAME(table, i) ((unsigned)(i) < sizeof(table) / sizeof(table)[0] && (table)[i] != NULL ? (table)[i] : "")

static const char *const verdict_row[] = { "send", "wait", "skip", "stop" };

static const char *const reason_row[] = {
	[REASON_NONE] = "",
	[REASON_UNSUBSCRIBED] = "unsubscribed",
	[REASON_COMPLAINED] = "complained",
	[REASON_HARD_BOUNCE] = "hard_bounce",
	[REASON_ERASED] = "erased",
	[REASON_MANUAL] = "manual",
	[REASON_REPLIED] = "replied",
	[REASON_NO_CONSENT] = "no_consent",
	[REASON_CONSENT_EXPIRED] = "consent_expired",
	[REASON_NOT_QUALIFIED] = "not_qualified",
	[REASON_SUNSET] = "sunset",
	[REASON_REFUSED] = "refused",
	[REASON_RETRY_EXPIRED] = "retry_expired",
	[REASON_NOT_DELIVERED] = "not_delivered",
	[REASON_SEQUENCE_REMOVED] = "sequence_removed",
	[REASON_SUPPRESSED] = "suppressed",
	[REASON_STEP_EXPIRED] = "step_expired",
	[REASON_STEP_REMOVED] = "step_removed",
	[REASON_REPEAT_CONTENT] = "repeat_content",
	[REASON_AFTER] = "after",
	[REASON_CONTACT_HOLD] = "contact_hold",
	[REASON_ACCOUNT_HOLD] = "account_hold",
	[REASON_SEQUENCE_PAUSED] = "sequence_paused",
	[REASON_SENDING_PAUSED] = "sending_paused",
	[REASON_SEQUENCE_NOT_STARTED] = "sequence_not_started",
	[REASON_GIFTS] = "gifts",
	[REASON_CONTACT_MIN_GAP] = "contact_min_gap",
	[REASON_CONTACT_LIMIT] = "contact_limit",
	[REASON_ACCOUNT_MIN_GAP] = "account_min_gap",
	[REASON_ACCOUNT_LIMIT] = "account_limit",
	[REASON_PROVIDER_LIMIT] = "provider_limit",
	[REASON_SENDER_LIMIT] = "sender_limit",
	[REASON_WARMUP] = "warmup",
	[REASON_RATE] = "rate",
	[REASON_BACKOFF] = "backoff",
	[REASON_WINDOW] = "window",
	[REASON_IN_FLIGHT] = "in_flight",
	[REASON_GATE_REFUSED] = "gate_refused",
	[REASON_UNDEFINED_PLACEHOLDER] = "undefined_placeholder",
	[REASON_PRIORITY] = "priority",
	[REASON_RELAY] = "relay",
	[REASON_RETRY] = "retry",
};
_Static_assert(sizeof reason_row / sizeof reason_row[0] == REASON_COUNT, "a reason lacks its name");

static const char *const kind_row[] = { "value", "ask" };
static const char *const enrollment_row_name[] = { "active", "completed", "stopped" };

static const char *const touch_row[] = { "due",          "reserved",     "handed",  "accepted",
					 "refused_temp", "refused_perm", "unknown", "dropped" };
_Static_assert(sizeof touch_row / sizeof touch_row[0] == TOUCH_STATE_COUNT, "a touch state lacks its name");

static const char *const event_row[] = {
	[EVENT_DAEMON_STARTED] = "daemon_started",
	[EVENT_DAEMON_STOPPED] = "daemon_stopped",
	[EVENT_CONFIG_LOADED] = "config_loaded",
	[EVENT_CONTACT_IMPORTED] = "contact_imported",
	[EVENT_ENROLLED] = "enrolled",
	[EVENT_ENROLL_REFUSED] = "enroll_refused",
	[EVENT_WAITING] = "waiting",
	[EVENT_SKIPPED] = "skipped",
	[EVENT_SENT] = "sent",
	[EVENT_REFUSED] = "refused",
	[EVENT_UNKNOWN] = "unknown",
	[EVENT_RESOLVED] = "resolved",
	[EVENT_GATE_REFUSED] = "gate_refused",
	[EVENT_BOUNCED] = "bounced",
	[EVENT_REPLIED] = "replied",
	[EVENT_AUTO_REPLIED] = "auto_replied",
	[EVENT_COMPLAINED] = "complained",
	[EVENT_NOTICE] = "notice",
	[EVENT_RECEIPT] = "receipt",
	[EVENT_CHALLENGE] = "challenge",
	[EVENT_UNSUBSCRIBED] = "unsubscribed",
	[EVENT_SUPPRESSED] = "suppressed",
	[EVENT_UNSUPPRESSED] = "unsuppressed",
	[EVENT_HELD] = "held",
	[EVENT_STOPPED] = "stopped",
	[EVENT_COMPLETED] = "completed",
	[EVENT_FORGOTTEN] = "forgotten",
	[EVENT_PAUSED] = "paused",
	[EVENT_RESUMED] = "resumed",
};
_Static_assert(sizeof event_row / sizeof event_row[0] == EVENT_TYPE_COUNT, "an event lacks its name");

const char *verdict_kind_name(enum verdict_kind v)
{
	return NAME(verdict_row, v);
}

const char *reason_name(enum reason r)
{
	return NAME(reason_row, r);
}

static int find(const char *const *row, int n, const char *name)
{
	int i = 0;
	while (i < n && strcmp(row[i], name) != 0)
		i++;
	return i;
}

bool reason_is_suppression(enum reason r)
{
	switch (r) {
	case REASON_UNSUBSCRIBED:
	case REASON_COMPLAINED:
	case REASON_HARD_BOUNCE:
	case REASON_ERASED:
	case REASON_MANUAL:
	case REASON_SUPPRESSED: return true;
	default: return false;
	}
}

enum reason reason_find(const char *name)
{
	return (enum reason)find(reason_row, REASON_COUNT, name);
}

const char *kind_name(enum kind k)
{
	return NAME(kind_row, k);
}

const char *enrollment_state_name(enum enrollment_state s)
{
	return NAME(enrollment_row_name, s);
}

const char *touch_state_name(enum touch_state s)
{
	return NAME(touch_row, s);
}

bool touch_state_counts(enum touch_state s)
{
	return s == TOUCH_ACCEPTED || s == TOUCH_UNKNOWN || s == TOUCH_RESERVED || s == TOUCH_HANDED;
}

const char *event_type_name(enum event_type t)
{
	return NAME(event_row, t);
}

enum event_type event_type_find(const char *name)
{
	return (enum event_type)find(event_row, EVENT_TYPE_COUNT, name);
}
