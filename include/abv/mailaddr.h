/* L0. E-mail addresses (RFC 5321 §4.1.2, RFC 6531) and the organisation behind them. */
#ifndef ABV_MAILADDR_H
#define ABV_MAILADDR_H

#include <stdbool.h>
#include <stddef.h>

#include "abv/err.h"

#define MAILADDR_MAX 255 /* 254 bytes (RFC 5321 erratum 1690) and the NUL */

/* Checks an addr-spec and folds it to lower case. White space around is dropped. CR, LF, NUL, space, controls, quoted local
 * parts and address literals are refused: such an address would be an injection or nobody's business address. */
int mailaddr_parse(const char *s, char out[MAILADDR_MAX], struct err *e);

/* "Dana Reyes <dana@example.com>", "\"Reyes, Dana\" <dana@example.com>" or a bare address. name is "" when there is none;
 * it is UTF-8 without controls. The address is not folded here (it is the sender's own spelling) but is checked. */
int mailaddr_parse_mailbox(const char *s, char name[256], char addr[MAILADDR_MAX], struct err *e);

const char *mailaddr_domain(const char *addr); /* behind the last '@'; "" without one */
bool mailaddr_is_ascii(const char *addr);      /* false: needs SMTPUTF8 (RFC 6531) */
bool mailaddr_is_freemail(const char *domain); /* gmail.com ...: no account */

/* The registrable domain (libpsl's built-in list) of an address: "ann@mail.acme.co.uk" -> "acme.co.uk". 0; 1 when it is a
 * free-mail domain or a public suffix itself (out is "" then). */
int mailaddr_account(const char *addr, char out[MAILADDR_MAX]);

#endif
