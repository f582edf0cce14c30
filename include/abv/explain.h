/* L2. What would have to change for a step to go earlier, in words, and what the governor would say then. Pure: no I/O, no clock, no
 * allocation. The sentences stand in `abvctl explain`; they hold no instants, because a reader's clock is not the daemon's. */
#ifndef ABV_EXPLAIN_H
#define ABV_EXPLAIN_H

#include "abv/governor.h"

#define EXPLAIN_TEXT_MAX 640

/* What a sentence may name. Strings may be NULL or "": then the sentence does without. */
struct explain_facts {
	enum verdict_kind kind;          /* of the answer: a withheld hard bounce waits, a known one stops */
	enum reason reason;
	const struct evidence *rule;     /* the reason's; NULL: none */
	const char *contact;             /* address */
	const char *sequence, *step;     /* names; the plan may lack them */
	const struct sequence *plan;     /* NULL: the sequence is in no configuration any more */
	const struct step *plan_step;    /* NULL likewise */
	const struct policy *base;       /* the installation's: tells a sequence's own limits apart; NULL: they are not told apart */
	const char *source;              /* where the installation's value stands: "abvd.conf:12", "default" */
	const char *template_name;       /* when it is not the step's */
	const char *detail;              /* a hold's reason, the relay's words, what the gate found */
	const struct zone *zone;         /* that window and business days use */
	bool zone_unknown;               /* the contact has none: default_timezone is used */
	int64_t spread;                  /* ms of the wait that are the spread after the window's opening */
	int32_t unanswered, given;       /* touches without an answer; accepted value touches since the last ask */
	int64_t account_hold, retry_for; /* the configuration's; ms */
	const char *gift_sequence, *gift_step; /* where the next value touch comes from; "" nowhere */
};

/* "without cadence.contact.limits 1 per 7d (default)", "`abvctl resume`": what would have to change, or why nothing can. out holds
 * EXPLAIN_TEXT_MAX bytes; every reason but NONE has a sentence. Returns out. */
char *explain_sentence(const struct explain_facts *f, char *out);

/* The governor's answer at now if these rules had not been there: 1, or 0 when the last is none that can be taken away. v is its answer
 * with them. */
int explain_without(const struct governor_input *in, const struct verdict *v, const struct evidence *rule, int rule_n, int64_t now,
                    struct verdict *out);

/* A touch that goes first, of the contact itself or of a colleague in its account. */
struct rival {
	int64_t at;
	enum kind kind;
	int64_t contact_id;
};
/* The answer behind them, asked at now, which is not before the last; in order of `at`. 1, or 0 when the past is too long to be looked at. */
int explain_behind(const struct governor_input *in, const struct rival *first, size_t n, int64_t now, struct verdict *out);

/* The accepted value touches since the last ask, as the governor counts gifts. */
int32_t explain_gifts(const struct history *h);

/* How much of a wait that ends with the window is the spread behind its opening; 0 when it is none. */
int64_t explain_spread(const struct governor_input *in, const struct verdict *v, int64_t now);

#endif
