/* Private to mime: encodings of bodies and header texts. Why not GMime's: measured, its quoted-printable takes 20 us
 * for the 12 KB of a letter and writes LF, which is all the time a message has; and g_mime_utils_header_encode_text
 * writes encoded words of over 75 characters (RFC 2047 2) and leaves a literal "=?utf-8?q?x?=" to be decoded by the
 * reader. The tests read everything back with GMime. */
#ifndef ABV_MIME_INT_H
#define ABV_MIME_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "abv/buf.h"
#include "abv/err.h"

/* ---- encode.c: bodies; lines of `s` end in LF (or CRLF), lines written in CRLF, at most 76 characters ---- */

bool mime_base64_is_shorter(const char *s, size_t n);
void mime_quoted_add(struct buf *out, const char *s, size_t n); /* RFC 2045 6.7 */
void mime_base64_add(struct buf *out, const char *s, size_t n); /* RFC 2045 6.8: of the canonical form, with CRLF */
size_t mime_base64_encode(char *out, const char *s, size_t n);  /* no lines; returns the length */

/* ---- header.c: texts of headers (RFC 5322 2.2.3, RFC 2047) ---- */

/* "Name: value\r\n", folded at spaces to 76 characters where it can be. -1 when a line would pass 998. */
int mime_header_add(struct buf *out, const char *name, const char *value, struct err *e);
/* Unstructured text, or a phrase in front of an address: plain where that is possible, else in encoded words. */
void mime_text_encode(struct buf *out, const char *s);
void mime_phrase_encode(struct buf *out, const char *s);

#endif
