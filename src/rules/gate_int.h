#ifndef ABV_GATE_INT_H
#define ABV_GATE_INT_H

#include <stdint.h>

#include "abv/gate.h"

/* ---- the text as the rules see it: sentences of words, without greeting, signature, footer and quoted text ---- */

#define GATE_WORDS_MAX     4096 /* what comes behind is not read: so long a text is judged by its beginning */
#define GATE_SENTENCES_MAX 512
#define GATE_POOL          (GATE_WORDS_MAX * 8)

struct gate_word {
	const char *text; /* lower case, NUL-terminated; straight apostrophes */
	uint32_t pos;     /* offset in the input */
};

enum sentence_flag {
	SENTENCE_QUESTION = 1, /* ends with '?' */
	SENTENCE_NUMBER = 2,
	SENTENCE_LINK = 4, /* a link that is not to a calendar, a shop or the list's own pages */
	SENTENCE_ITEM = 8, /* of a list */
	SENTENCE_HEADING = 16,
	SENTENCE_CODE = 32,
	SENTENCE_TABLE = 64
};

struct gate_sentence {
	int first, n; /* words */
	unsigned flags;
	unsigned what; /* enum phrase_class of its phrases; filled in by the rules */
	int bare;      /* words that no phrase covers */
};

struct gate_text {
	struct gate_word word[GATE_WORDS_MAX + 1];
	struct gate_sentence sentence[GATE_SENTENCES_MAX];
	int word_n, sentence_n;
	int images;
	size_t pool_n;
	bool full;
	char pool[GATE_POOL];
};

void gate_text_read(const struct gate_input *in, struct gate_text *t);

/* Stands for a placeholder among the words. */
#define GATE_PLACE "\x01"

/* ---- language data (gate_phrases.c, gate_words.c) ---- */

enum phrase_class {
	PHRASE_FILLER = 1,   /* asks for attention because a mail was sent before */
	PHRASE_COURTESY = 2, /* what is said in every letter */
	PHRASE_ASK = 4,      /* a meeting, a demo, a purchase, a favour, a reply on the sender's behalf */
	PHRASE_PITCH = 8,    /* the sender about the sender */
	PHRASE_URGENCY = 16,
	PHRASE_BEGIN = 32 /* counts only where the sentence begins */
};

/* Words separated by spaces. "*" is any one word, "word~" any word that begins so, "a|b" either. The first is a plain
 * word. Sorted by first word. */
struct gate_phrase {
	const char *text;
	unsigned what;
};
extern const struct gate_phrase gate_phrases[];
extern const size_t gate_phrase_n;

/* The classes of all phrases that begin at word i; *n the longest one's length. */
unsigned gate_phrase_at(const struct gate_text *t, int i, int end, bool begins, int *n);

bool gate_is_greeting(const char *word);
bool gate_is_closing(const char *line);    /* lower case, without punctuation */
bool gate_is_footer(const char *line);     /* lower case */
bool gate_is_errand_link(const char *url); /* lower case: a calendar, a shop's basket, the list's own pages */

#endif
