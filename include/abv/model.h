/* L1. What the domain is made of: plain structs, no behaviour but names and field access. Strings are never NULL unless a field
 * says so; "" means absent. Instants are milliseconds (abv/clock.h), 0 means none. */
#ifndef ABV_MODEL_H
#define ABV_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/buf.h"
#include "abv/clock.h"
#include "abv/mailaddr.h"
#include "abv/verdict.h"

enum kind { KIND_VALUE, KIND_ASK };
const char *kind_name(enum kind k); /* "value" "ask" */

/* Other columns of the import: name NUL value NUL name NUL value NUL ... in the CSV's order. */
struct fields {
	const char *data; /* may be NULL when len is 0 */
	size_t len;
};
const char *fields_get(const struct fields *f, const char *name); /* NULL when absent */
/* Steps through: *at starts at 0; false at the end. */
bool fields_next(const struct fields *f, size_t *at, const char **name, const char **value);
void fields_add(struct buf *b, const char *name, const char *value);

struct contact {
	int64_t id;          /* 0: not stored yet */
	int64_t account_id;  /* 0: no account (free-mail) */
	const char *email;   /* folded; "hash:..." once forgotten */
	const char *account; /* the account's key: registrable domain or the name given; "" without one */
	const char *account_name; /* as written in the import, for letters; "" : use account */
	const char *first_name, *last_name, *title, *timezone, *owner, *tags; /* tags joined by ';' */
	const char *consent; /* the recorded basis, folded: "opt_in" "customer" ...; "" none. The policy's list decides which count. */
	const char *consent_source;
	int64_t consent_at;
	struct fields attributes;
	int64_t engaged_at;  /* last reply; 0 never */
	int64_t created_at;
	bool forgotten;
};

/* email first_name last_name account title timezone owner tags consent consent_source, else an attribute; `account` gives
 * account_name or account. NULL when there is no such field, "" when it is empty. */
const char *contact_field(const struct contact *c, const char *name);
/* The field that `name` is probably a misspelling of; NULL: it is a field, or near to none (then an attribute's name). */
const char *contact_field_near(const char *name);
bool contact_has_tag(const struct contact *c, const char *tag);

enum enrollment_state {
	ENROLLMENT_ACTIVE,    /* step_* name the step to send next */
	ENROLLMENT_COMPLETED,
	ENROLLMENT_STOPPED
};
const char *enrollment_state_name(enum enrollment_state s);

struct enrollment {
	int64_t id, contact_id, account_id;
	const char *sequence;
	enum enrollment_state state;
	const char *step;    /* name of the step to send next */
	int32_t step_no;     /* its index when written: where to go on if the step was removed */
	int64_t prev_at;     /* time of the previous touch (enrollment's for the first): `after` runs from it */
	int64_t due_at;      /* when `after` was over: order among those due, and what `expire` runs from */
	int64_t next_at;     /* when to ask again; CLOCK_NEVER: only a change helps or a touch is in flight */
	enum reason wait;    /* the reason last told in the log; REASON_NONE when it is simply due */
	int64_t wait_until;
	int64_t touch_id;    /* the step's touch when one exists (being retried or in flight), else 0 */
	enum reason ended;   /* why it stopped */
	int64_t created_at;
};

/* The attempt's durable states; edges in abv/attempt.h. */
enum touch_state {
	TOUCH_DUE,          /* exists, nothing delivered, to be tried (again) */
	TOUCH_RESERVED, TOUCH_HANDED,
	TOUCH_ACCEPTED, TOUCH_REFUSED_TEMP, TOUCH_REFUSED_PERM, TOUCH_UNKNOWN,
	TOUCH_DROPPED,      /* was unknown; the operator says it was not delivered */
	TOUCH_STATE_COUNT
};
const char *touch_state_name(enum touch_state s);
/* accepted, unknown, and in flight (reserved, handed): what every cap counts */
bool touch_state_counts(enum touch_state s);

struct touch {
	int64_t id, enrollment_id, contact_id, account_id;
	const char *sequence, *step;
	enum kind kind;
	enum touch_state state;
	int64_t at;           /* acceptance, or the dot when unknown; in flight: the reservation */
	int64_t reserved_at;  /* of the last attempt */
	int64_t handed_at;    /* of the last attempt; 0 before */
	int64_t first_at;     /* first attempt: retry_for runs from it */
	int32_t attempts;
	const char *content;  /* digest of the normalised body: the same content never goes to a contact twice */
	const char *provider; /* recipient's domain */
	const char *message_id; /* without angle brackets */
	int32_t smtp_code;
	const char *smtp_reply;
};

enum event_type {
	EVENT_DAEMON_STARTED, EVENT_DAEMON_STOPPED, EVENT_CONFIG_LOADED,
	EVENT_CONTACT_IMPORTED, EVENT_ENROLLED, EVENT_ENROLL_REFUSED,
	EVENT_WAITING, EVENT_SKIPPED, EVENT_SENT, EVENT_REFUSED, EVENT_UNKNOWN, EVENT_RESOLVED, EVENT_GATE_REFUSED,
	EVENT_BOUNCED, EVENT_REPLIED, EVENT_AUTO_REPLIED, EVENT_COMPLAINED, EVENT_NOTICE, EVENT_RECEIPT, EVENT_CHALLENGE,
	EVENT_UNSUBSCRIBED, EVENT_SUPPRESSED, EVENT_UNSUPPRESSED, EVENT_HELD, EVENT_STOPPED, EVENT_COMPLETED, EVENT_FORGOTTEN,
	EVENT_PAUSED, EVENT_RESUMED,
	EVENT_TYPE_COUNT
};
const char *event_type_name(enum event_type t);         /* "daemon_started" ... */
enum event_type event_type_find(const char *name);      /* EVENT_TYPE_COUNT when unknown */

/* One line of the engagement log. */
struct event {
	int64_t seq;          /* given by the store, from 1 without gaps */
	int64_t ts;
	enum event_type type;
	int64_t contact_id;   /* 0: none, or an address that is no contact (then `address`) */
	const char *address;  /* reading: the contact's address or hash; writing, with contact_id: the contact's as stored, or "" (the store looks it up) */
	const char *account;  /* "" none */
	const char *sequence, *step; /* "" none */
	int kind;             /* enum kind, or -1 */
	int64_t touch_id;     /* 0 none */
	const char *detail;   /* further members as JSON text without the braces, written by abv/json.h; "" none */
};

/* A message ready for the wire. */
struct message {
	char envelope_from[MAILADDR_MAX]; /* VERP: bounce+TOKEN@...; never "" */
	char envelope_to[MAILADDR_MAX];
	const char *data;     /* headers, blank line, body; CRLF line ends, lines <= 998, 7-bit, ends with CRLF; not dot-stuffed */
	size_t size;
	bool smtputf8;        /* an address is not ASCII: the relay must offer SMTPUTF8 */
};

/* ---- cadence policy (4-cadence, 9-precisions). A sequence has its own copy with its tightenings merged. ---- */

#define LIMITS_MAX 8
struct limits {
	struct limit row[LIMITS_MAX];
	int n;
};

struct hours { int32_t from, to; }; /* seconds of the local day; half-open; to <= 86400 */

struct window {
	unsigned weekdays;         /* bit 0 = Monday ... bit 6 = Sunday; 0x7f and 00:00-24:00: open round the clock */
	struct hours hours;
	const struct zone *fixed;  /* NULL: the contact's zone */
	const struct zone *fallback; /* default_timezone: for contacts without one */
	const int32_t *holidays;   /* sorted civil days; owned by the configuration */
	size_t holiday_n;
};

struct policy {
	struct duration contact_min_gap;
	struct limits contact;
	struct duration account_min_gap; /* zero: none */
	struct limits account, provider, sender;
	struct { int32_t start; double growth; int32_t target; } warmup; /* start 0: none */
	struct window window;
	double backoff_factor;
	struct duration backoff_max_gap;
	int32_t sunset_touches;          /* 0: none */
	int64_t sunset_silence;          /* ms; 0: none */
	int32_t gifts_per_ask;
	const char *const *consent_accept; /* bases that allow mail */
	size_t consent_accept_n;
	int64_t consent_max_age;         /* ms; 0: any */
	struct limit rate;               /* smtp.rate; n 0: none */
};

enum qualify_op { QUALIFY_EQUALS, QUALIFY_IN, QUALIFY_MIN, QUALIFY_MAX, QUALIFY_PRESENT };
struct qualify {
	const char *field;
	enum qualify_op op;
	double number;             /* MIN, MAX */
	const char *const *value;  /* IN: value_n rows; EQUALS: one. Compared without case. */
	size_t value_n;
};

enum enroll_mode { ENROLL_MANUAL, ENROLL_ON_IMPORT, ENROLL_TAG };

struct step {
	const char *name;
	struct duration after;
	const char *template_name; /* file in templates/ */
	int64_t expire;            /* ms; 0 never */
	int line;                  /* where it stands, for findings */
};

struct sequence {
	const char *name;
	int32_t priority;          /* the higher goes first; default 0 */
	enum enroll_mode enroll;
	const char *enroll_tag;    /* ENROLL_TAG */
	const struct qualify *qualify;
	size_t qualify_n;
	const struct step *step;
	size_t step_n;
	struct policy policy;
	const char *file;          /* where it stands, for findings */
	int line;
};

/* Index of a step by name; -1 when there is none. */
int sequence_step_find(const struct sequence *s, const char *name);

/* Is `given` at least as tight as `base` everywhere? given's limits are the sequence's own ones, without the installation's. Writes what
 * loosens, at most max rows; returns the number of all. key: the configuration's, such as "cadence.contact.limits". */
struct loosening {
	const char *key;
	char text[160];
};
int policy_loosens(const struct policy *base, const struct policy *given, struct loosening *out, int max);

#endif
