/* The audit, private. Lines are read in order. What a rule can say of a line by what stands before it is said at once (follow.c); what
 * rests on times (caps, gaps, gifts, content) is said at the end, over touches grouped by contact, account, provider and sender
 * (caps.c). Per touch some 130 bytes are kept, per contact and enrollment some 100; other lines leave nothing. */
#ifndef AUDIT_INT_H
#define AUDIT_INT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/audit.h"
#include "abv/buf.h"
#include "abv/clock.h"
#include "abv/config.h"

/* Strings by number; 0 is "". */
struct names {
	char **text;
	uint32_t n, cap;
	uint32_t *slot, slots;
};
uint32_t names_put(struct names *t, const char *s);
uint32_t names_find(const struct names *t, const char *s); /* 0 also when it is unknown */
const char *names_text(const struct names *t, uint32_t id);
void names_free(struct names *t);

enum rule {
	RULE_SYNTAX, RULE_MEMBER, RULE_SEQ, RULE_DOUBLE, RULE_RESOLVED, RULE_ENROLLMENT,
	RULE_AFTER_REPLY, RULE_AFTER_UNSUBSCRIBE, RULE_AFTER_COMPLAINT, RULE_AFTER_HARD_BOUNCE, RULE_SUPPRESSED, RULE_FORGOTTEN,
	RULE_AFTER_STOP, RULE_AFTER_COMPLETION, RULE_AFTER_REFUSAL, RULE_CONTACT_HOLD, RULE_ACCOUNT_HOLD, RULE_PAUSED,
	RULE_CONSENT, RULE_GIFTS, RULE_CONTENT,
	RULE_ORDER, RULE_AFTER, RULE_EXPIRE, RULE_WINDOW, RULE_SUNSET,
	RULE_CONTACT_LIMIT, RULE_CONTACT_MIN_GAP, RULE_BACKOFF, RULE_ACCOUNT_LIMIT, RULE_ACCOUNT_MIN_GAP,
	RULE_PROVIDER_LIMIT, RULE_SENDER_LIMIT, RULE_WARMUP, RULE_RATE,
	RULE_COUNT
};

/* Where a line stands: `at` counts all lines that were read, from 1. */
struct place {
	uint32_t at, file, line;
	int64_t seq;
};

/* A time in which something is forbidden. Those of one subject are linked, the newest first. */
struct span {
	int64_t from, to; /* handed over behind `from` and before `to` is too much; to CLOCK_NEVER: it lasts */
	uint32_t older;   /* index + 1; 0 none */
	uint32_t but;     /* an account's hold: this contact is not held */
	enum rule rule;
};

/* What an import said, and since when. */
struct facts {
	int64_t since, consent_at;
	uint32_t zone, consent; /* names */
};

struct person {
	struct facts now, was; /* was: before the last import; a message may have been handed over before and told after it */
	int64_t first_import;  /* 0: none was seen */
	int64_t first_reply;   /* 0 none */
	uint32_t spans, holds; /* newest span + 1 */
	uint32_t enrollments;  /* newest + 1 */
	uint32_t domain;       /* name; 0: forgotten, or a domain itself */
};

struct enrolled {
	int64_t began;              /* 0: not seen */
	int64_t replied, stopped, completed, refused; /* 0: not */
	int64_t last_at, before_at; /* the last touch that counts, and the one before it; else began */
	int64_t last_touch;
	uint32_t person, sequence;
	uint32_t next;              /* of the same person; index + 1 */
	int32_t expected;           /* index of the step that must be next; -1 unknown */
	uint32_t epoch;             /* `expected` is of this configuration */
	bool told;                  /* that it was never seen to begin */
};

enum delivery { DELIVERY_SENT, DELIVERY_UNKNOWN, DELIVERY_REFUSED };

/* A message that was handed over. */
struct arrival {
	struct place place;
	int64_t ts, handed_at;
	int64_t accepted_at;  /* CLOCK_NEVER: not known to be */
	int64_t id;
	unsigned char content[16];
	uint32_t person, account, sequence, step;
	uint32_t gone;        /* resent or dropped by the line of this number: it counts for what was told before; 0: it counts */
	bool ask, judged, has_content, dropped;
	enum delivery delivery;
};

struct reply { uint32_t person; int64_t ts; };
struct load { uint32_t at; int64_t ts; bool given; };
struct told { struct place place; enum rule rule; uint32_t order; char *text; };

struct audit {
	const struct config *config;
	struct names files, people, accounts, sequences, steps, words, zone_names;
	const struct zone **zone;           /* by zone_names; NULL: no zone of that name */
	uint32_t zone_n;
	struct person *person;              /* by people */
	uint32_t person_n;
	uint32_t *account_spans, account_spans_n; /* by accounts: newest span + 1 */
	uint32_t *pauses, pauses_n;               /* by sequences; 0: all sending */
	bool domains;                       /* a whole domain was suppressed */
	struct span *span;
	uint32_t span_n, span_cap;
	struct enrolled *enrolled;
	uint32_t enrolled_n, enrolled_cap, *enrolled_slot, enrolled_slots;
	struct arrival *touch;                /* in the log's order */
	uint32_t touch_n, touch_cap, *touch_slot, touch_slots; /* by id: the last one */
	struct reply *reply;
	uint32_t reply_n, reply_cap;
	struct load *load;
	uint32_t load_n, load_cap;
	char policy[DIGEST_HEX];            /* in force where we read */
	uint32_t epoch;                     /* goes up when it changes */
	uint32_t at;
	int64_t first_seq, last_seq;
	uint32_t damaged;                   /* lines without a number since the last that had one */
	bool partial;                       /* lines are missing before or between */
	struct told *told;
	uint32_t told_n, told_cap;
	struct audit_sum sum;
};

/* A line's members. Strings are the JSON's. */
struct line {
	struct place place;
	int64_t ts;
	const char *event;
	uint32_t person, account, sequence, step; /* 0 none */
	int64_t touch, handed_at, until, consent_at; /* 0 none */
	const char *timezone, *consent, *content, *reason, *status, *resolution, *policy, *kind; /* "" none */
	bool permanent;
};

/* line.c. false: it says nothing that could be judged; what is wrong with it was told. */
bool line_read(struct audit *a, const json_t *json, struct line *l);

/* people.c: what lines tell of people; and what is forbidden when */
struct person *person_at(struct audit *a, uint32_t id);
struct enrolled *enrolled_find(struct audit *a, uint32_t person, uint32_t sequence);
struct enrolled *enrolled_get(struct audit *a, uint32_t person, uint32_t sequence);
void people_take(struct audit *a, const struct line *l);    /* every event that is no touch */
void people_refused(struct audit *a, const struct line *l); /* at RCPT: a bad address is one for all sequences */
const struct span *span_over(const struct audit *a, uint32_t newest, int64_t t, uint32_t person); /* NULL: none */
uint32_t account_span(const struct audit *a, uint32_t account);
uint32_t pause_span(const struct audit *a, uint32_t sequence);
const struct facts *person_facts(const struct person *p, int64_t t);

/* follow.c: sent, unknown, refused, resolved, in the log's order */
void follow_touch(struct audit *a, const struct line *l, enum delivery d);
void follow_resolved(struct audit *a, const struct line *l);

/* caps.c, contact.c, content.c: at the end */
struct mark { uint32_t key, touch; int64_t ts; }; /* sorted by key, ts, touch */
/* Touches of one subject by time: those that count for good, and those that counted until they were resolved. */
struct run {
	const struct mark *mark;
	uint32_t n;
	const struct mark *gone; /* gone_n rows */
	uint32_t gone_n;
};
void caps_judge(struct audit *a);
void contact_judge(struct audit *a, const struct run *r, const struct arrival *t, uint32_t pos);
void content_judge(struct audit *a);
/* How many marks of r have a time <= t. */
uint32_t run_until(const struct run *r, int64_t t);
/* Did the one that was resolved still count when the other was told? */
bool touch_counted(const struct arrival *gone, const struct arrival *other);
void gap_judge(struct audit *a, enum rule rule, const struct arrival *t, const struct arrival *before, const struct duration *gap,
	       const char *who, const char *key);

/* calendar.c: business days and windows, computed from local dates alone */
bool calendar_inside(const struct window *w, const struct zone *z, int64_t t);
int64_t calendar_add(const struct window *w, const struct zone *z, int64_t from, const struct duration *d);
void calendar_text(struct buf *b, const struct window *w); /* "mon-fri 08:30-17:30" */

/* audit.c */
const struct policy *policy_of(const struct audit *a, uint32_t sequence);
const struct sequence *sequence_of(const struct audit *a, uint32_t sequence);
const struct zone *zone_at(struct audit *a, const struct policy *p, uint32_t person, int64_t t);
void tell(struct audit *a, enum rule rule, const struct place *at, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Doubles an array when it is full. */
void *room_for_one(void *row, uint32_t n, uint32_t *cap, size_t size);
#define GROW(row, n, cap) ((row) = room_for_one((row), (n), &(cap), sizeof *(row)))
/* "touch 12 (2026-11-24T09:30:00.000Z)" */
void touch_text(struct buf *b, const struct arrival *t);
void when_text(struct buf *b, int64_t t);

#endif
