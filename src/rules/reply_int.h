/* What the files of reply text share: folded text, its lines and tokens, and the tables of language data. */
#ifndef RULES_REPLY_INT_H
#define RULES_REPLY_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/buf.h"

/* What a person wrote is shorter; the rest is not looked at, so that time and memory stay bounded. */
#define REPLY_TEXT_MAX ((size_t)512 << 10)

/* Marks at the start of a line that only HTML makes: text of a person is cleared of control characters. */
#define MARK_CUT       '\001' /* from here on, somebody else's mail */
#define MARK_SIGNATURE '\002' /* a line of the signature */
#define MARK_INDENTED                                                                                                  \
	'\003' /* a line of a blockquote that nothing calls a quote: the writer's, unless an attribution is above */

/* Folded text is what the tables are written in: lower case, Latin letters without accents, typographic quotes, dashes
 * and spaces as ASCII. Other scripts stay as they are. Appends; never more than twice as long. */
void fold_text(const char *s, size_t n, struct buf *out);

/* Removes what cannot be seen: control characters but \n and \t, zero-width characters, a byte order mark; CR LF and CR
 * become LF, no-break spaces spaces. Appends. */
void clean_text(const char *s, size_t n, struct buf *out);

/* Own text of cleaned text that may hold marks. */
void reply_own_text(const char *text, size_t n, struct buf *out);

/* ---- what a folded line says (reply_lines.c) ---- */

enum header_label { LABEL_NONE, LABEL_FROM = 1, LABEL_DATE = 2, LABEL_TO = 4, LABEL_SUBJECT = 8, LABEL_OTHER = 16 };

/* The header that a line begins with, as programs print it above a quoted message ("*Von:* ..."). */
enum header_label line_label(const char *line);
bool line_is_ruler(const char *line); /* at least four of - _ = * and nothing else */

enum opener { OPENER_NONE, OPENER_ORIGINAL, OPENER_FORWARD };
enum opener line_opener(const char *line); /* "-----Original Message-----" */

/* Is this (of one to some joined lines) the line in which a program says who wrote what follows? quoted: what follows
 * is marked as a quote. */
bool line_is_attribution(const char *s, bool quoted);
/* Where in the line an attribution begins that stands behind other text; 0 nowhere. */
size_t line_attribution_inside(const char *s, bool quoted);
bool line_starts_attribution(const char *s); /* with a word or a date as attributions do */
bool line_may_attribute(const char *s);      /* could an attribution of several lines begin here? */

bool line_has_time(const char *line);    /* 10:30 */
bool line_is_mobile(const char *line);   /* "Sent from my iPhone" */
bool line_is_footer(const char *line);   /* begins a disclaimer, an advertisement or a list's footer */
bool line_is_closing(const char *line);  /* "Best regards," */
bool line_has_contact(const char *line); /* a telephone number, an address, a link; and no sentence */

/* ---- tables (reply_words.c); NULL-terminated, folded ---- */

struct label_word {
	const char *text;
	enum header_label label;
};
extern const struct label_word reply_labels[]; /* the end: text NULL */
extern const char *const reply_originals[], *const reply_forwards[];
extern const char *const reply_starters[];     /* words that attributions begin with */
extern const char *const reply_verbs_last[];   /* "wrote": the name stands before it */
extern const char *const reply_verbs_middle[]; /* "schrieb": the name may follow */
extern const char *const reply_days[];         /* weekdays as dates begin with them, also short */
extern const char *const reply_mobile[];
extern const char *const reply_footers[];
extern const char *const reply_closings[];

bool line_starts_with(const char *s, const char *prefix);
bool is_word_byte(char c); /* letters, digits, and every byte of other scripts */

#endif
