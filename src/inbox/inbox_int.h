/* What the files of this room share about one message: whom it is from, and what is told of it. */
#ifndef ABV_INBOX_INT_H
#define ABV_INBOX_INT_H

#include "abv/inbox.h"
#include "abv/mail.h"

/* ---- match.c ---- */
struct match {
	int64_t touch_id, contact_id; /* 0: none */
	int64_t writer_id;            /* another contact, whose address From is: a colleague who answers; 0 none */
	bool unsubscribe;             /* it was matched by an unsubscribe token: whatever it says, that is what it asks */
	const char *how;              /* "verp" "reply-token" "unsubscribe-token" "message-id" "envelope-id" "in-reply-to" "references" "from"; "" */
	const char *refused;          /* what was seen and not believed: "forged token" "unknown touch" "stale"; "" nothing */
	bool from_fits;               /* From is the address of the touch's contact */
};
/* written: when the message was written, on abvd's clock; 0 not known. 0 (out->contact_id 0: it matches nobody), -1. */
int match_mail(struct store *s, const struct config *config, const struct mail *m, const struct classified *k, int64_t now, int64_t written,
               struct match *out, struct err *e);

/* ---- said.c: texts of strangers ---- */
#define SUBJECT_BYTES 256
#define TEXT_BYTES 8000
/* Appends valid UTF-8, at most max bytes cut between characters, controls as spaces; line ends and tabs stay when `lines`. */
void said_clean(struct buf *out, const char *s, size_t n, size_t max, bool lines);
/* The note about a reply. touch NULL: none is known. writer: who wrote, "" when it is the contact. */
void said_note(struct buf *subject, struct buf *text, const struct contact *c, const struct touch *t, const char *writer, const char *said_subject,
                const char *said);

#endif
