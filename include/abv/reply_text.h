/* L2. The part of an answer that its writer wrote: without quotes, attributions, signatures, footers and forwarded mail, of the usual
 * programs in seven languages (en de fr es it nl pt). And the date on which an absence ends. Pure. */
#ifndef ABV_REPLY_TEXT_H
#define ABV_REPLY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/buf.h"
#include "abv/clock.h"
#include "abv/mail.h"

/* Appends the own text, white space tidied (no leading or trailing blank lines). */
void reply_text_plain(const char *text, size_t n, struct buf *out);
void reply_text_html(const char *html, size_t n, struct buf *out);
/* Of a parsed message: the plain part where there is one that says something, else the HTML part. */
void reply_text_mail(const struct mail *m, struct buf *out);

/* Does this short own text ask to get no more mail? ("unsubscribe", "remove me", "stop e-mailing me" ..., seven languages) */
bool reply_text_unsubscribes(const char *text, size_t n);

/* The instant from which the writer is back, of an absence note: absolute and relative dates in seven languages, relative to `sent` (the
 * message's Date). The local start of that day in `zone`. Never before `sent`, at most 180 days ahead; 0: none found. */
int64_t return_date_find(const char *text, size_t n, int64_t sent, const struct zone *zone);

#endif
