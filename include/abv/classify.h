/* L2. What a received message is, from its parsed structure alone (6-inbox): pure, no I/O, no clock. Offline nobody is matched to a
 * contact, so every human answer is CLASS_REPLY. */
#ifndef ABV_CLASSIFY_H
#define ABV_CLASSIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "abv/mail.h"

enum mail_class { CLASS_BOUNCE, CLASS_NOTICE, CLASS_COMPLAINT, CLASS_RECEIPT, CLASS_AUTO_REPLY, CLASS_CHALLENGE, CLASS_UNSUBSCRIBE, CLASS_REPLY,
                  CLASS_OWN, CLASS_OTHER, CLASS_COUNT };
const char *mail_class_name(enum mail_class c); /* "bounce" "notice" "complaint" "receipt" "auto_reply" ... */

#define BOUNCES_MAX 32 /* recipients of one report; further ones are left out */

struct bounce {
	char recipient[256]; /* final or original recipient, folded; "" not known */
	char action[16];     /* "failed" "delayed" "delivered" "relayed" "expanded"; a non-standard form's failure is "failed" */
	char status[16];     /* enhanced status code (RFC 3463), also from the SMTP reply in the diagnostic; "" none */
	bool permanent;      /* the address or its domain is bad: it will never work */
	char reason[24];     /* "user_unknown" "host_unknown" "mailbox_full" "policy" "too_large" "expired" "blocked" ... */
};

struct classified {
	enum mail_class class;
	struct bounce bounce[BOUNCES_MAX];
	int bounce_n;
	char by[48];                /* the rule that decided, for explanation and the log: "rfc3464" "exim" "qmail" "auto-submitted" ... */
	char original_id[512];      /* Message-ID of ours that the report returns, without angle brackets; "" */
	char envelope_id[256];      /* Original-Envelope-Id of RFC 3464 */
	char reporter[256];         /* complaint: User-Agent or Reporting-MTA */
	char original_sender[256];  /* complaint: Original-Mail-From, the return path of ours that was reported; "" not told */
	char original_recipient[256]; /* complaint: the person who complained, where the report says so */
};

/* own: lower-case domain or address of the sender, "" unknown: mail from it is CLASS_OWN. */
void classify_mail(const struct mail *m, const char *own, struct classified *out);

#endif
