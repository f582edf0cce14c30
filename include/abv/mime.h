/* L2. Building messages (RFC 5322, 2045-2047, 2369, 2919, 8058): a 7-bit multipart/alternative with CRLF line ends. */
#ifndef ABV_MIME_H
#define ABV_MIME_H

#include <stdbool.h>
#include <stdint.h>

#include "abv/buf.h"
#include "abv/err.h"
#include "abv/mail.h"

/* Header values are refused when they hold CR, LF or NUL, addresses and ids when they hold header syntax; other controls in names and
 * the subject become spaces. Strings are UTF-8, never NULL, "" leaves a header out (but From, To, Message-ID, Subject are required).
 * Addresses that are not ASCII stand as UTF-8 (RFC 6532): the one case in which the message is not 7-bit, and goes over SMTPUTF8. */
struct mime_headers {
	const char *from_name, *from_addr;
	const char *reply_to;
	const char *to_name, *to_addr;
	const char *subject;
	const char *message_id;        /* without angle brackets */
	int64_t date;                  /* ms */
	const char *list_unsubscribe;  /* "<mailto:...>, <https://...>" */
	bool one_click;                /* adds List-Unsubscribe-Post (RFC 8058): only with an https URL */
	const char *list_id;           /* "getting-started.example.com"; what is no letter, digit or of ".-_" becomes '-' */
	const char *feedback_id;       /* the same, ':' stays */
	const char *in_reply_to, *references; /* with angle brackets, parted by spaces */
	bool automatic;                /* adds Auto-Submitted: auto-generated (RFC 3834): notices, never letters */
};

/* Appends the whole message to out; text and html have LF line ends. Boundary is derived from the Message-ID, so that the same touch gives the same bytes. Lines
 * <= 76 where encoded, never > 998. html NULL: it is one text/plain. 0, or -1 when a header value is unfit. */
int mime_compose(const struct mime_headers *h, const char *text, size_t text_len, const char *html, size_t html_len,
                 struct buf *out, struct err *e);

/* Parses a received message with GMime. Whatever the bytes are, there is a result: damaged structure is read as far as it goes, what is
 * no text becomes U+FFFD. Limits: 10 MB (the caller's), 200 parts, depth 20, 2,000 headers of 64 KB in all; `cut` tells. */
void mime_parse(const char *bytes, size_t n, struct mail **out);
void mail_free(struct mail **m);

#endif
