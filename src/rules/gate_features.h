#ifndef ABV_GATE_FEATURES_H
#define ABV_GATE_FEATURES_H

#include "gate_int.h"

/* ---- the lexicon: what a word does in a sentence (gate_lexicon.en; the build sorts it into gen/gate_lexicon.c) ----
 */

#define GATE_LEX(X)                                                                                                    \
	X(SELF_ONE, self_one)                                                                                          \
	X(SELF_MANY, self_many)                                                                                        \
	X(YOU, you)                                                                                                    \
	X(THIRD, third) X(THING, thing) X(CONDITION, condition) X(CAUSE, cause) X(CONTRAST, contrast)                  \
	    X(COMPARE, compare) X(NEGATE, negate) X(ORDER, order) X(DUTY, duty) X(EACH, each) X(MAY, may)              \
		X(QUESTION, question) X(BE, be) X(TIME, time) X(UNIT, unit) X(MONEY, money) X(MONTH, month)            \
		    X(WEEKDAY, weekday) X(SOON, soon) X(INSTRUCT, instruct) X(TECHNIQUE, technique) X(LAW, law)        \
			X(EXPLAIN, explain) X(ANSWER, answer) X(RESOURCE, resource) X(NO_ASK, no_ask)                  \
			    X(PRAISE, praise) X(ABSTRACT, abstract) X(EMOTION, emotion) X(HOUSE, house)                \
				X(EVENT, event) X(ANNOUNCE, announce) X(TEASE, tease) X(BRAG, brag) X(URGENT, urgent)  \
				    X(PROMO, promo) X(FEATURE, feature) X(FILLER, filler) X(COURTESY, courtesy)        \
					X(MEET, meet) X(WANT, want) X(WOULD_YOU, would_you) X(PLEASE, please)          \
					    X(REPLY, reply) X(TRADE, trade) X(FAVOUR, favour) X(DECIDE, decide)        \
						X(FOR_US, for_us) X(SELL, sell) X(WHO, who) X(NEXT_STEP, next_step)    \
						    X(SCARCE, scarce) X(PLACEMENT, placement) X(SLOT, slot)            \
							X(MANNER, manner)

enum gate_lex {
#define X(id, name) LEX_##id,
	GATE_LEX(X)
#undef X
	    LEX_COUNT
};
#define LEX(id) ((uint64_t)1 << LEX_##id)

struct gate_lexeme {
	const char *text; /* a word, or a phrase joined by '_' */
	uint64_t what;
};
extern const struct gate_lexeme gate_lexicon[]; /* sorted by bytes */
extern const size_t gate_lexicon_n;

/* The classes of word i and of the phrases that begin there and end before `end`. */
uint64_t gate_lexicon_at(const struct gate_text *t, int i, int end);

/* ---- kinds of sentences: what it does for the reader, or wants of him ---- */

#define GATE_KINDS(X)                                                                                                  \
	X(REQUEST, request)                                                                                            \
	X(MEETING, meeting)                                                                                            \
	X(DEAL, deal)                                                                                                  \
	X(FAVOUR, favour) X(REPLY, reply) X(DEADLINE, deadline) X(OFFER, offer) X(INSTRUCT, instruct)                  \
	    X(INSTRUCT_FIGURE, instruct_figure) X(CONDITION, condition) X(THRESHOLD, threshold) X(CAUSE, cause)        \
		X(FACT, fact) X(MATTER, matter) X(MATTER_FIGURE, matter_figure) X(TECHNIQUE, technique) X(LAW, law)    \
		    X(SELF, self) X(SELF_ONLY, self_only) X(BRAG, brag) X(PRAISE, praise) X(EVENT, event)              \
			X(TEASE, tease) X(PROMO, promo) X(QUESTION, question) X(ASKED, asked) X(RESOURCE, resource)    \
			    X(ANSWER, answer) X(SHORT, short) X(ADVICE, advice) X(FILLER, filler)                      \
				X(COURTESY, courtesy) X(PITCH, pitch) X(CODE, code) X(TABLE, table) X(ITEM, item)      \
				    X(HEADING, heading) X(LINK, link) X(SUBSTANCE, substance) X(SCARCE, scarce)        \
					X(PLACEMENT, placement) X(SLOT, slot) X(MANNER, manner) X(CLAIM, claim)        \
					    X(WE_WILL, we_will)

enum gate_kind {
#define X(id, name) KIND_OF_##id,
	GATE_KINDS(X)
#undef X
	    KIND_OF_COUNT
};

/* ---- the features ---- */

#define GATE_OF_LETTER(X)                                                                                                  \
	X(WORDS, words)                                                                                                \
	X(SENTENCE_LENGTH, sentence_length)                                                                            \
	X(WORD_LENGTH, word_length)                                                                                    \
	X(LONG_WORDS, long_words) X(NAMES, names) X(FIGURES, figures) X(FIGURE_SHARE, figure_share)                    \
	    X(DECIMALS, decimals) X(PERCENT, percent) X(MONEY_SIGNS, money_signs) X(SIGNS, signs)                      \
		X(EXCLAMATIONS, exclamations) X(OWN_WORDS, own_words) X(DISTINCT, distinct)                            \
		    X(PLACEHOLDERS, placeholders) X(BRACKETS, brackets) X(IMAGES, images)                              \
			X(REQUEST_FIRST, request_first) X(REQUEST_LAST, request_last)                                  \
			    X(BEHIND_REQUEST, behind_request) X(BEFORE_REQUEST, before_request)                        \
				X(REQUEST_WAYS, request_ways) X(RUN, run) X(YOU_WE, you_we)                            \
				    X(SUBSTANCE_WORDS, substance_words) X(RULE_SUBSTANCE, rule_substance)              \
					X(UNITS, units) X(COMMAS, commas) X(LOWER_START, lower_start)                  \
					    X(QUOTES, quotes)

enum gate_whole {
#define X(id, name) WHOLE_##id,
	GATE_OF_LETTER(X)
#undef X
	    WHOLE_COUNT
};

/* Per class of words: density, number, and whether the letter ends with it; per kind of sentence: share, number. */
#define GATE_FEATURE_N (LEX_COUNT * 3 + KIND_OF_COUNT * 2 + WHOLE_COUNT)

struct gate_look {
	double f[GATE_FEATURE_N];
	int substance;     /* the rules' count of useful words */
	int asks;          /* sentences with a phrase of PHRASE_ASK */
	int request_first; /* the word at which the first request's sentence begins; -1 none */
	int request_n;     /* sentences that want something */
	int sentence_n;
	int kind[KIND_OF_COUNT]; /* sentences of each */
	int given_before;        /* sentences of substance before the first request */
};

/* The sentences' `what`, look->substance and look->asks are filled in. */
void gate_features(const struct gate_input *in, const struct gate_text *t, struct gate_look *look);

#define GATE_FEATURE_NAME 48
void gate_feature_name(int i, char name[GATE_FEATURE_NAME]); /* "sentences:deal:share" */

/* The same for people: "sentences that offer a contract"; a text of its own, never NULL. */
const char *gate_feature_says(int i);
bool gate_feature_is_whole(int i); /* a measure of the whole letter, no class of words or kind of sentences */

/* Reads, counts, measures: what training and judging have in common (gate.c). */
void gate_look_at(const struct gate_input *in, struct gate_text *t, struct gate_look *look);

/* ---- the model: two linear scores over the features (gate_weights.c is written by tests/gate/train) ---- */

struct gate_weight {
	double mean, per_deviation; /* a feature is taken in deviations from its mean, at most GATE_DEVIATIONS */
	double substance;           /* towards value or ask, against empty */
	double request;             /* towards ask, against value */
};
#define GATE_DEVIATIONS 4.0

struct gate_limits {
	double substance_bias, request_bias;
	double value, ask; /* a value letter has at least so much substance, an ask at least so much */
	double request;    /* from here on it is an ask */
};
extern const struct gate_weight gate_weights[GATE_FEATURE_N];
extern const struct gate_limits gate_limits;

struct gate_opinion {
	enum gate_verdict verdict;
	double substance, request;
};
void gate_model_judge(const struct gate_look *look, struct gate_opinion *o);
enum gate_verdict gate_model_verdict(double substance, double request, const struct gate_limits *l);

/* Rare in the letters learned from, so that the weights alone are too timid. It asks in so many words ("Would you be
 * open to a call?"): then it isn't for value, whatever the scores. It sells (offers that end, a pitch, more than once):
 * then it needs GATE_SELLING more substance. In a newsletter either is an aside. */
#define GATE_SELLING 3.0
bool gate_asks_openly(const struct gate_look *look);
bool gate_sells_openly(const struct gate_look *look);

/* The n features that move a score most; `against` empty or for the ask: sign +1 raises, -1 lowers it. `request` says
 * which score. Fewer are returned when fewer move it. */
int gate_model_strongest(const double f[GATE_FEATURE_N], bool request, int sign, int *feature, int n);

#endif
