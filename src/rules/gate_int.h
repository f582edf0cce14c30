#ifndef ABV_GATE_INT_H
#define ABV_GATE_INT_H

#include <stdint.h>

#include "abv/gate.h"

/* ---- language data: src/rules/gate/LANGUAGE/, compiled in by tables.sh ---- */

enum phrase_class {
	PHRASE_FILLER = 1,
	PHRASE_COURTESY = 2,
	PHRASE_ASK = 4,
	PHRASE_PITCH = 8,
	PHRASE_URGENCY = 16,
	PHRASE_BEGIN = 32 /* counts only where the sentence begins */
};

/* Words separated by spaces. "*" is any one word, "word~" any word that begins so, "a|b" either. The first is a plain
 * word. Sorted by first word. */
struct gate_phrase {
	const char *text;
	unsigned what;
};

enum gate_list {
	LIST_ABBREVIATIONS,
	LIST_ATTRIBUTION_BEGINS,
	LIST_ATTRIBUTION_ENDS,
	LIST_CLOSINGS,
	LIST_ERRAND_LINKS,
	LIST_FOOTERS,
	LIST_FOREIGN_PLACEHOLDERS,
	LIST_GREETINGS,
	LIST_JOINERS,
	LIST_POSTSCRIPTS,
	LIST_QUOTE_HEADS,
	LIST_READER_WORDS,
	LIST_REPLY_MARKS,
	LIST_SENDER_WORDS,
	LIST_COUNT
};

struct gate_language {
	const char *name;
	const struct gate_phrase *phrase;
	size_t phrase_n;
	const char *const *list[LIST_COUNT]; /* sorted, NULL behind the last; lower case, accents folded as texts are */
};
extern const struct gate_language
    gate_languages[]; /* a name of NULL behind the last; the first stands in for unknown ones */

/* ---- the text as the rules see it: sentences of words, without greeting, signature, footer and quoted text ---- */

#define GATE_WORDS_MAX     4096 /* what comes behind is not read: so long a text is judged by its beginning */
#define GATE_SENTENCES_MAX 512
#define GATE_POOL          (GATE_WORDS_MAX * 8)

struct gate_word {
	const char *
	    text; /* lower case, NUL-terminated; straight apostrophes, no accents, look-alikes as what they look like */
	uint32_t pos; /* offset in the input */
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
	const struct gate_language *language;
	struct gate_word word[GATE_WORDS_MAX + 1];
	struct gate_sentence sentence[GATE_SENTENCES_MAX];
	int word_n, sentence_n;
	int images;
	int hidden_n;         /* words with characters that make a program read something else than a person */
	uint32_t hidden_at;   /* the first one: */
	char hidden_word[48]; /* as a person reads it; "" it is no word */
	char hidden_what[64]; /* the character */
	size_t pool_n;
	bool full;
	char pool[GATE_POOL];
};

void gate_text_read(const struct gate_input *in, struct gate_text *t);

/* Stands for a placeholder among the words. */
#define GATE_PLACE "\x01"

/* ---- characters (gate_fold.c) ---- */

enum char_kind {
	CHAR_LETTER,       /* stays as it is */
	CHAR_SIGN,         /* *to: what it is in ASCII, mostly a space */
	CHAR_ACCENTED,     /* *to: its base letter */
	CHAR_SHARP_S,      /* becomes two letters */
	CHAR_STYLED,       /* a fullwidth, mathematical, circled letter or small capital; *to: the letter */
	CHAR_TWIN,         /* of another script, looks like *to */
	CHAR_TWIN_LOOSELY, /* likewise, but not in every face: in a word that is Latin otherwise */
	CHAR_TWIN_GREEK,   /* likewise; stands before Latin letters in formulas, too */
	CHAR_HYPHEN,       /* the soft hyphen */
	CHAR_MARK,         /* an accent that is put on the letter before it */
	CHAR_OVERLAY,      /* strikes the letter before it out, or draws a ring round it */
	CHAR_INVISIBLE,
	CHAR_TURN /* makes the text run the other way */
};
enum char_kind gate_char_kind(uint32_t c, char *to);

/* The character at s (s < end), its length in *n. What is no UTF-8: GATE_CHAR_BAD, one byte. */
#define GATE_CHAR_BAD UINT32_MAX
uint32_t gate_char_next(const char *s, const char *end, size_t *n);

/* ---- tags (gate_html.c): which of the text can be seen ---- */

#define TAGS_MAX 64 /* deeper ones look like the one around them */

struct tag_look {
	uint32_t colour, ground; /* 24 bits; TAG_UNKNOWN */
	bool tiny;               /* font-size 0 */
};

struct tags {
	struct {
		uint32_t name;
		struct tag_look before;
	} row[TAGS_MAX];
	int n;
	struct tag_look look;
	uint32_t hidden; /* name of the element that hides what is in it; 0 none */
	int hidden_depth;
	int images;
};

enum tag_effect { TAG_INLINE, TAG_BLOCK };
void gate_tags_start(struct tags *t);
/* The tag between s ('<') and close (its '>', or the end). *next: what follows it; for style, script and comments what
 * follows their end. */
enum tag_effect gate_tag(struct tags *t, const char *s, const char *close, const char *end, const char **next);
bool gate_tags_hide(const struct tags *t);
bool gate_is_tag(const char *s, const char *end); /* behind '<': the name of an element that letters have */

/* ---- gate_line.c: one line of plain text out of the input ---- */

#define LINE_MAX_BYTES 4096

struct line {
	char text[LINE_MAX_BYTES + 1]; /* without markup; case as written */
	uint32_t pos[LINE_MAX_BYTES + 1];
	char twin[LINE_MAX_BYTES + 1]; /* at a look-alike's first byte: what it looks like; else 0. Only if `odd` */
	unsigned char kind[LINE_MAX_BYTES + 1]; /* enum char_kind there */
	unsigned char gap[LINE_MAX_BYTES +
			  1]; /* CHAR_OVERLAY, CHAR_HYPHEN, CHAR_INVISIBLE: such stood before this byte; else 0 */
	size_t n;
	unsigned char pending; /* gap of the byte to come */
	bool odd;              /* has look-alikes, styled letters ... */
	bool script;           /* has letters of another script that look like none of ours */
	bool wide;             /* has Chinese, Japanese or Korean */
};

/* Where the next of a mark is: each text is searched once, however often it is asked. */
enum seek { SEEK_TAG_END, SEEK_BRACES, SEEK_BRACKET, SEEK_PAREN, SEEK_NEWLINE, SEEK_COUNT };

struct line_reader {
	const struct gate_input *in;
	struct gate_text *t;
	const char *end;
	const char *seek[SEEK_COUNT];
	struct line line;
	struct tags tags;
	bool html;
	bool fence; /* set by the caller: in a block of code, where marks are text */
};

void gate_line_start(struct line_reader *r, const struct gate_input *in, struct gate_text *t);
const char *gate_line_read(struct line_reader *r, const char *s); /* the line into r->line; returns the rest */

/* gate_twins.c: look-alikes as what they look like, where they stand for it; notes what is hidden so. Shortens the
 * line. */
void gate_line_fold(struct line *l, struct gate_text *t);
void gate_hidden_note(struct gate_text *t, uint32_t pos, const char *word, size_t n, const char *what);

static inline bool gate_is_word_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static inline bool gate_is_latin(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline char gate_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

bool gate_has_prefix(const char *s, const char *end, const char *prefix); /* prefix in lower case */

/* ---- findings and the rules that need no understanding (gate_rules.c) ---- */

enum rule {
	RULE_NO_SUBSTANCE,
	RULE_FILLER_FOLLOWUP,
	RULE_IMAGE_ONLY,
	RULE_NOT_ITS_KIND,
	RULE_LOW_VALUE,
	RULE_HIDDEN_TEXT,
	RULE_NOT_TEXT,
	RULE_UNDEFINED_PLACEHOLDER,
	RULE_FAKE_REPLY,
	RULE_REPEAT_CONTENT,
	RULE_ASKS_FIRST,
	RULE_TOO_MANY_ASKS,
	RULE_FALSE_URGENCY,
	RULE_FOREIGN_PLACEHOLDER,
	RULE_COUNT
};

#define GATE_WHOLE UINT32_MAX /* no place: the subject or the whole */

/* Adds a finding; an error takes `pass` away. pos: offset in the text. */
__attribute__((format(printf, 5, 6))) void gate_find(struct gate_result *r, const struct gate_input *in, enum rule rule,
						     uint32_t pos, const char *fmt, ...);
/* Likewise for the judgement of the whole, behind all rules: it sets by_model; where a person vouches it is a warning,
 * takes nothing away, and sets `vouched`. */
__attribute__((format(printf, 5, 6))) void gate_find_vouchable(struct gate_result *r, const struct gate_input *in,
							       enum rule rule, uint32_t pos, const char *fmt, ...);

void gate_rule_text(const struct gate_input *in, struct gate_result *r);
void gate_rule_hidden(const struct gate_input *in, const struct gate_text *t, struct gate_result *r);
void gate_rule_placeholders(const struct gate_input *in, const struct gate_language *l, struct gate_result *r);
void gate_rule_subject(const struct gate_input *in, const struct gate_language *l, struct gate_result *r);

/* ---- looking things up (gate_words.c) ---- */

/* The classes of all phrases that begin at word i; *n the longest one's length. */
unsigned gate_phrase_at(const struct gate_text *t, int i, int end, bool begins, int *n);

bool gate_list_has(const struct gate_language *l, enum gate_list list, const char *s); /* s is a row */
bool gate_list_in(const struct gate_language *l, enum gate_list list, const char *s);  /* a row is in s */
size_t gate_list_prefix(const struct gate_language *l, enum gate_list list, const char *s,
			size_t n); /* s begins with a row: its length */

#endif
