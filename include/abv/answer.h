/* L2. What came back from a contact, matched: the effects follow from this and nothing else (6-inbox). Made by the inbox and by the
 * simulation's recipient model; carried out by scheduler_answer. */
#ifndef ABV_ANSWER_H
#define ABV_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

enum answer_kind {
	ANSWER_REPLY,       /* a person wrote: all the contact's enrollments end, the account's others are held */
	ANSWER_AUTO_REPLY,  /* an absence note: the contact is held until it is over */
	ANSWER_BOUNCE,      /* a delivery failed after acceptance */
	ANSWER_COMPLAINT,   /* a feedback report */
	ANSWER_UNSUBSCRIBE,
	ANSWER_NOTICE, ANSWER_RECEIPT, ANSWER_CHALLENGE, /* only logged */
	ANSWER_KIND_COUNT
};
const char *answer_kind_name(enum answer_kind k); /* the engagement log's event: "replied" "auto_replied" "bounced" ... */

#define ANSWER_HOLD_DEFAULT (7 * CLOCK_DAY)       /* an absence note without a date */
#define ANSWER_SOFT_BOUNCES 3                     /* so many that are not permanent, within ANSWER_SOFT_WITHIN, suppress */
#define ANSWER_SOFT_WITHIN (30 * CLOCK_DAY)

/* Texts are "" where there is none, never NULL. */
struct answer {
	enum answer_kind kind;
	int64_t contact_id;
	int64_t touch_id;      /* the touch it answers; 0 none is known */
	bool permanent;        /* BOUNCE: the address or its domain is bad */
	int64_t until;         /* AUTO_REPLY: 0 none was found */
	const char *status;    /* BOUNCE, NOTICE: enhanced status code */
	const char *subject;
	const char *text;      /* REPLY: its own text, without quotes and signature */
	const char *via;       /* UNSUBSCRIBE: "mailto" "reply" "one_click" */
};

#endif
