/* The tables of HTML: elements, marks that mail programs set, entities. */
#ifndef RULES_REPLY_HTML_INT_H
#define RULES_REPLY_HTML_INT_H

#include <stdbool.h>
#include <stdint.h>

enum element_is {
	EL_INLINE,
	EL_BLOCK,  /* begins and ends a line */
	EL_SPACED, /* with a blank line around */
	EL_BREAK,
	EL_RULE,
	EL_ITEM,
	EL_CELL,
	EL_PRE,
	EL_QUOTE,
	EL_RAW, /* its content is no text, to its end tag */
	EL_IMAGE,
};

struct element {
	const char *name; /* lower case; sorted */
	enum element_is is;
};
extern const struct element html_elements[];
extern const int html_element_n;

/* What a program's mark says about its element. */
enum mark_is {
	MARK_IS_CUT = 1,
	MARK_IS_QUOTE = 2,
	MARK_IS_SIGNATURE = 4,
	MARK_IS_HIDDEN = 8,
	MARK_IS_CITED = 16 /* if it is a blockquote */,
	MARK_IS_INDENTED = 32,
	MARK_IS_OWN = 64
};

struct html_mark {
	const char *attribute; /* "id" "class" "style" "data-marker" ... */
	const char *text;      /* contained in the value (lower case; without spaces in style); "=x": the whole value */
	enum mark_is is;
};
extern const struct html_mark html_marks[]; /* the end: attribute NULL */

struct html_entity {
	const char *name; /* sorted by strcmp */
	uint16_t c;
};
extern const struct html_entity html_entities[];
extern const int html_entity_n;

#endif
