/* Private to mime: reading messages. The structure (which bytes are headers, which are which part) is found by our own
 * scan over the message; the grammar of a header (addresses, parameters with RFC 2231, encoded words, dates), transfer
 * encodings and charsets are GMime's. Why not GMime's parser for the structure: it has no limits. Measured on 10 MB
 * (3.2.13): 2 million empty parts take 31 s, 2.6 million headers 14 s, 900 nested multiparts 41 s. Here each is below
 * 0.2 s. */
#ifndef ABV_PARSE_INT_H
#define ABV_PARSE_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "abv/mail.h"

#define PARTS_MAX        200
#define DEPTH_MAX        20
#define HEADERS_MAX      2000
#define HEADER_BYTES_MAX ((size_t)64 << 10) /* of names and values, the message's and all parts' */
#define STRAY_LINES_MAX                                                                                                \
	10000                /* lines that begin like a boundary and are none: the scan would be quadratic in depth    \
			      */
#define FIELD_MAX      4096  /* of a Content-Type or Content-Disposition: what is behind is not read */
#define WORDS_MAX      8192  /* a longer header is not searched for encoded words: GMime's time is quadratic */
#define ADDRESSES_MAX  16384 /* bytes of address lists that are parsed, in all: the same */
#define RECIPIENTS_MAX 500
#define REFERENCES_MAX 500

/* Bytes of the message, or of what was decoded from it. */
struct span {
	const char *p;
	size_t n;
};

/* Memory of one message: freed at once. */
struct arena {
	struct chunk *chunk; /* owned list */
};

struct parser {
	struct mail *mail; /* owned by its arena */
	struct arena *arena;
	size_t header_bytes, address_bytes;
	size_t strays;
};

/* What an entity's header block says about its body. */
struct entity {
	const char *type, *boundary, *charset, *name, *report_type; /* never NULL */
	int encoding;                                               /* GMimeContentEncoding */
	bool attachment;
	struct span body;
};

/* ---- arena.c ---- */
void *arena_take(struct arena *a, size_t n); /* aligned, not zeroed */
char *arena_copy(struct arena *a, const char *s, size_t n);
void arena_free(struct arena *a); /* also a itself, which lies in it */
struct arena *arena_new(void);

/* ---- head.c ---- */
/* Reads the header block at the beginning of s: its headers are added to the mail, e is filled (body: what is behind).
 * type_default: where no Content-Type stands. */
void head_parse(struct parser *p, struct span s, const char *type_default, struct entity *e);

/* ---- decode.c ---- */
/* As UTF-8 without NUL, LF line ends; charset "" is not declared. In the arena. */
char *text_decode(struct arena *a, struct span s, const char *charset, size_t *len);
/* Content-Transfer-Encoding undone; s itself where there is nothing to undo. */
struct span body_decode(struct arena *a, struct span s, int encoding);

#endif
