/* L1. A received message, parsed (RFC 5322, 2045-2049): plain data, no behaviour but look-ups. Made by mime_parse (abv/mime.h), read
 * by the rules. Strings are UTF-8, NUL-terminated, never NULL; "" means absent. */
#ifndef ABV_MAIL_H
#define ABV_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mail_header {
	const char *name;  /* lower case */
	const char *value; /* unfolded, encoded words decoded (RFC 2047), white space around removed */
	const char *raw;   /* unfolded, as it stands: for addresses and tokens, where encoded words mean nothing */
};

/* A part of the tree, in pre-order: the parts inside of a multipart or a message stand behind it, up to `end`. */
struct mail_part {
	const char *type;        /* "text/plain", lower case */
	const char *report_type; /* of multipart/report: "delivery-status" "feedback-report" "disposition-notification"; lower case */
	const char *name;        /* file name; "" none */
	bool attachment;         /* Content-Disposition: attachment */
	int depth;               /* 0: the message itself */
	size_t end;              /* index behind its last inner part */
	const char *text;        /* decoded body as UTF-8, LF line ends, of texts, of delivery, disposition and feedback reports and
	                          * text/rfc822-headers; "" of others */
	size_t text_len;
	size_t header, header_n; /* its own headers (of message/rfc822: those of the message inside), in mail.header */
};

struct mail {
	struct mail_header *header; /* of the message first (header_n of part 0), then of parts */
	size_t header_n;
	struct mail_part *part;     /* part_n >= 1 */
	size_t part_n;
	const char *from;           /* first address of From, folded; "" none or unreadable */
	const char *from_name;
	const char *return_path;    /* of Return-Path, folded; "" for "<>" and when absent: see has_return_path */
	bool has_return_path;
	const char *subject;
	const char *message_id;     /* without angle brackets */
	const char *in_reply_to;    /* the first; without angle brackets */
	const char **reference;     /* of References, oldest first, without angle brackets */
	size_t reference_n;
	const char **recipient;     /* addresses of To, Cc, Delivered-To, X-Original-To, Envelope-To, Apparently-To ..., folded, as they come */
	size_t recipient_n;
	int64_t date;               /* of Date; 0 none or unreadable */
	bool cut;                   /* a limit of parts, depth, headers or size was passed: the rest was not read */
	void *owned;
};

/* The first header of part 0 (or of a part) with this lower-case name; NULL none. */
const char *mail_get(const struct mail *m, const char *name);
const char *mail_part_get(const struct mail *m, const struct mail_part *p, const char *name);

#endif
