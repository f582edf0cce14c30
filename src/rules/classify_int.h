/* Private to rules: classification. A message is looked at twice: its reports' fields as they stand, and a folded view
 * of its text, in which the tables' phrases are searched. */
#ifndef CLASSIFY_INT_H
#define CLASSIFY_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "abv/classify.h"
#include "abv/mail.h"

#define VIEW_MAX 32768 /* of text; a notice says what it has to say in the beginning */
#define LIST_MAX 12    /* entries of a table's row; NULL ends them */

/* Lower case (Latin and Cyrillic), typographic apostrophes made plain, white space squeezed; HTML without its tags. */
struct view {
	const struct mail *m;
	char text[VIEW_MAX]; /* lines, none indented, parted by LF */
	char flat[VIEW_MAX]; /* the same with spaces for LF: phrases run over line ends */
	size_t n;
	size_t own; /* where the returned message begins in both; n: it is not in the text */
	char subject[512];
	char from[400]; /* name, a space, address */
	bool null_path; /* sent with the null return path, or with that of a mail system */
	bool daemon;    /* From is a mail system's */
};

/* ---- classify_view.c ---- */
void view_make(const struct mail *m, struct view *v);
bool view_says(const struct view *v, const char *phrase);            /* in the text before the returned message */
bool view_says_any(const struct view *v, const char *const *phrase); /* NULL-terminated, at most LIST_MAX */
bool is_inside_message(const struct mail *m, size_t part);           /* part of a message that this one carries */
const char *value_of(const struct mail *m, const char *name);        /* "" none */
size_t fold_copy(char *to, size_t cap, const char *s, size_t n);     /* one line; NUL-terminated; its length */

/* ---- classify_text.c: small things about strings ---- */
bool text_begins(const char *s, const char *with);                /* ASCII case does not count */
bool text_contains(const char *s, const char *what);              /* the same */
size_t text_wide_mark_before(const char *begin, const char *s); /* bytes of a CJK punctuation mark in front of s */
const char *text_find(const char *s, size_t n, const char *what); /* exact; NULL none */
/* The first address in s, folded; behind it in *end (may be NULL). false: none. */
bool address_find(const char *s, size_t n, char out[256], const char **end);
bool address_at(const char *s, size_t n, char out[256], const char **end); /* it must stand at s, or behind quotes */
void text_set(char *to, size_t cap, const char *s, size_t n);
void text_put(char *to, size_t cap, const char *s);

/* ---- classify_status.c ---- */
/* The first enhanced code of class 4 or 5 (RFC 3463), one that says more than x.0.0 if there is one. */
bool status_find(const char *s, size_t n, char out[16]);
int reply_find(const char *s, size_t n); /* an SMTP reply's code 4yz, 5yz; 0 none */
/* Fills status, reason and permanent from what is known: b->status (may be ""), and folded text around the recipient.
 */
void bounce_judge(struct bounce *b, const char *diagnosis, size_t n);

/* ---- classify_phrases.c: what a refusal says; NULL: nothing known ---- */
struct reason_phrase {
	const char *phrase, *reason;
};
const char *phrase_reason(const char *folded, size_t n);
const char *reason_status(const char *reason); /* the code that stands for it where none was given; "" */
const char *status_reason(const char *status); /* NULL: the code says nothing definite */

/* ---- classify_report.c: the standard reports. true: it is one, out is filled. ---- */
bool report_delivery(const struct view *v, struct classified *out);
bool report_feedback(const struct view *v, struct classified *out);
bool report_disposition(const struct view *v, struct classified *out);
void returned_find(const struct view *v, struct classified *out); /* original_id */
bool returned_recipient(const struct view *v, char out[256]);     /* To of the returned message */

/* ---- classify_bounce.c, classify_families.c: the other bounces ---- */
struct family {
	const char *name;
	const char *from[LIST_MAX];      /* any of them in From; none given: any mail system */
	const char *subject[LIST_MAX];   /* any of them in the subject, if given */
	const char *header;              /* this header is there, if given */
	const char *phrase[LIST_MAX];    /* any of them in the text, if given */
	const char *recipient[LIST_MAX]; /* line patterns: the first that matches a line anywhere is used alone */
	const char *field;               /* a header that lists the recipients, before the patterns */
	bool any_path;                   /* its form is proof enough: the return path may be anybody's */
	const char *reason;              /* where text and codes say nothing; NULL unknown */
};
extern const struct family families[];
extern const size_t families_n;
bool bounce_other(const struct view *v, struct classified *out);
bool line_match(const char *pattern, const char *line, size_t n, char address[256]); /* language: classify_families.c */

/* ---- classify_auto.c ---- */
bool is_text_receipt(const struct view *v, const char **by); /* a receipt without RFC 8098 */
bool is_auto_reply(const struct view *v, const char **by);
bool is_challenge(const struct view *v, const char **by);

/* ---- classify_people.c ---- */
bool is_unsubscribe(const struct view *v, const char **by);      /* by address or subject */
bool is_unsubscribe_text(const struct view *v, const char **by); /* in the writer's own words */
bool is_other(const struct view *v, const char **by);
const char *subject_bare(const struct view *v); /* behind "[list]", "[External]" */
bool is_answer(const struct view *v);           /* to something: by its ids or its subject */
bool is_like_bounce(const struct view *v);      /* the subject speaks of undelivered mail */

#endif
