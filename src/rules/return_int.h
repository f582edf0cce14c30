/* Dates in absence notes: how they are read (return_parse.c) and their words (return_words.c). */
#ifndef RULES_RETURN_INT_H
#define RULES_RETURN_INT_H

#include "abv/clock.h"
#include "words_int.h"

#define NOTE_BYTES 16384 /* of the note that are read */
#define NOTE_WORDS 2500

struct note {
	const char *s; /* folded */
	struct word w[NOTE_WORDS];
	size_t n;
	int32_t today;    /* civil day on which the note was sent */
	bool month_first; /* 1/12 is January 12 where nothing else decides */
	bool english;
};

/* What was found at words from .. end. day: the civil day meant, of a range its end. */
struct found {
	size_t from, end;
	int32_t day;
	bool range;     /* the end of one whose start stands before it, or is part of it */
	bool weak;      /* means a date only where a cue stands directly before it: "12.1", "the 12th" */
	bool weekday;   /* only a weekday's name */
	bool whole;     /* "this week": the day is the first after it; weak too: "March 2027", the month's first */
	bool day_count; /* "in two weeks" */
};

/* The date that begins at word i; false none. */
bool date_at(const struct note *n, size_t i, struct found *f);

struct named_number {
	const char *text; /* an element of words_match */
	int n;
};
extern const struct named_number month_names[], weekday_names[], number_names[],
    relative_names[];                          /* the end: text NULL */
extern const struct named_number unit_names[]; /* days */
extern const char *const whole_week[], *const whole_month[], *const next_week[];

/* Cues. Those before a date end where it begins. */
extern const char *const cue_until[], *const cue_through[], *const cue_from[], *const cue_inclusive[];
extern const char *const cue_back[], *const cue_away[], *const cue_open[], *const cue_within[],
									       *const cue_ago[], *const cue_duration[];
extern const char *const range_words[], *const day_articles[], *const clock_words[], *const ordinals[],
											 *const date_links[];

/* The value of the first name that stands at word i, and its words in *len (0: none). */
int named_at(const struct note *n, size_t i, const struct named_number *list, size_t *len);
bool is_at(const struct note *n, size_t i, const char *const *list, size_t *len);
/* Is one of the phrases at words that end directly before word i, within the same sentence? */
bool ends_at(const struct note *n, size_t i, const char *const *list, size_t *from);

#endif
