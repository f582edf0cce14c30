/* A folded text as words, and phrases over them, for rules that look for what somebody asks or announces. */
#ifndef RULES_WORDS_INT_H
#define RULES_WORDS_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct word {
	uint32_t at; /* in the folded text */
	uint16_t len;
	uint16_t sentence; /* counted from 0 */
	char after;        /* the character behind: ' ' '.' ',' '/' '-' ... '\n'; '\0' at the end */
	char before;       /* the character in front; ' ' at the begin */
	int32_t number;    /* -1: it does not begin with a digit, or is too long for a number that means something */
};

/* Letters and digits; a number ends where letters begin ("5th": 5, th). Hyphens and apostrophes part words, but
 * "e-mail" is one. A sentence ends at . ! ? before white space (not behind a number), and at an empty line. Returns how
 * many, at most max. */
size_t words_split(const char *folded, struct word *w, size_t max);

/* Does the phrase stand at word i, within words i .. end? Its elements are parted by spaces: words; alternatives by
 * '|'; "word~" begins so; "*" is up to three words. Returns the words it takes, 0: no. */
size_t words_match(const char *folded, const struct word *w, size_t i, size_t end, const char *phrase);
/* The first of a NULL-terminated list that stands there. */
size_t words_match_any(const char *folded, const struct word *w, size_t i, size_t end, const char *const *phrases);

#endif
