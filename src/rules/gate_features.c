/* What the model looks at: how often words of a class occur, what kind of thing each sentence does, where the letter
 * begins to want something. Shares and small counts only, so that a letter isn't good for being long. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gate_features.h"

/* ---- the lexicon ---- */

/* Compares an entry's first n bytes, or up to '_', with a word: phrases come right behind their first word. */
static size_t lower_bound(const char *word)
{
	size_t lo = 0, hi = gate_lexicon_n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (strcmp(gate_lexicon[mid].text, word) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Do the words from i on go on as the phrase p does? */
static bool phrase_goes_on(const char *p, const struct gate_text *t, int i, int end)
{
	for (; *p != '\0'; i++) {
		size_t n = strcspn(p, "_");
		if (i >= end || strncmp(t->word[i].text, p, n) != 0 || t->word[i].text[n] != '\0')
			return false;
		p += n + (p[n] == '_');
	}
	return true;
}

static uint64_t exact(const char *word)
{
	size_t k = lower_bound(word);
	return k < gate_lexicon_n && strcmp(gate_lexicon[k].text, word) == 0 ? gate_lexicon[k].what : 0;
}

/* Classes that a regular ending keeps: not the closed ones, and no instruction. */
#define ENDING_KEEPS                                                                                                   \
	(LEX(TECHNIQUE) | LEX(LAW) | LEX(EXPLAIN) | LEX(PRAISE) | LEX(ABSTRACT) | LEX(EMOTION) | LEX(HOUSE) |          \
	 LEX(EVENT) | LEX(ANNOUNCE) | LEX(BRAG) | LEX(PROMO) | LEX(FEATURE) | LEX(MEET) | LEX(TRADE) | LEX(DECIDE))

static uint64_t with_ending(const char *word)
{
	static const char *const endings[] = { "'s", "s", "ed", "d", "ing", "es", "ly" };
	char stem[32];
	size_t n = strlen(word);
	for (size_t k = 0; k < sizeof endings / sizeof endings[0]; k++) {
		size_t m = strlen(endings[k]);
		if (n < m + 3 || n - m >= sizeof stem || strcmp(word + n - m, endings[k]) != 0)
			continue;
		memcpy(stem, word, n - m);
		stem[n - m] = '\0';
		uint64_t what = exact(stem) & ENDING_KEEPS;
		if (what != 0)
			return what;
	}
	return 0;
}

uint64_t gate_lexicon_at(const struct gate_text *t, int i, int end)
{
	const char *word = t->word[i].text;
	size_t n = strlen(word), k = lower_bound(word);
	uint64_t what = 0;
	bool listed = false;
	for (; k < gate_lexicon_n && strncmp(gate_lexicon[k].text, word, n) == 0; k++) {
		const char *rest = gate_lexicon[k].text + n;
		if (*rest == '\0') {
			what |= gate_lexicon[k].what;
			listed = true;
		} else if (*rest == '_' && phrase_goes_on(rest + 1, t, i + 1, end)) {
			what |= gate_lexicon[k].what;
		} else if (*rest > '_') {
			break;
		}
	}
	return listed ? what : what | with_ending(word);
}

/* ---- one sentence ---- */

struct seen {
	uint64_t has;
	uint64_t kinds;
	bool number, instructs, deadline, self_begins;
	int praise, event, promo, technique, feature, filler;
};

struct tally {
	const struct gate_input *in;
	const struct gate_text *t;
	int lex[LEX_COUNT];
	int kind[KIND_OF_COUNT];
	uint64_t tail; /* classes in the last sentences */
	int long_words, letters, names, figures, decimals, percent, money, signs, units, exclamations, own, commas,
	    places, brackets, quotes, distinct, lower_start;
	int request_first, request_last, request_n; /* word numbers, -1 none */
	uint64_t ways;
	int useful_before, run, run_longest, useful_words, you, we;
	uint8_t met[256]; /* which words were there already: a bit each, by hash */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What stands between word i and the next in the input: signs, and whether a clause begins behind. */
static bool between(struct tally *a, int i)
{
	const struct gate_text *t = a->t;
	const char *s = a->in->text;
	size_t from = t->word[i].pos + strlen(t->word[i].text);
	size_t to = i + 1 < t->word_n ? t->word[i + 1].pos : a->in->text_len;
	bool clause = false;
	if (to > from + 12)
		to = from + 12; /* markup may follow */
	for (size_t k = from; k < to && k < a->in->text_len; k++) {
		unsigned char c = (unsigned char)s[k];
		a->percent += c == '%';
		a->money += c == '$';
		a->signs += c == '=' || c == '+' || c == '>' || c == '/' || c == '~';
		a->exclamations += c == '!';
		a->commas += c == ',';
		a->quotes += c == '"' || c == 0x9c || c == 0x9d;
		a->brackets += c == '[';
		if (c == 0xe2 && k + 2 < a->in->text_len && (unsigned char)s[k + 1] == 0x82 &&
		    (unsigned char)s[k + 2] == 0xac)
			a->money++;
		a->money += c == 0xa3;
		a->signs += c == 0xc3 || c == 0xb1 || c == 0xb0;
		clause |= c == ',' || c == '(' || c == '-' || c == 0x93 || c == 0x94 || c == '*' || c == ';';
	}
	return clause;
}

static void word_measure(struct tally *a, int i, bool first, uint64_t what)
{
	const char *w = a->t->word[i].text;
	size_t n = strlen(w), digits = 0;
	unsigned h = 2166136261u;
	for (size_t k = 0; k < n; k++) {
		digits += is_digit(w[k]);
		h = (h ^ (unsigned char)w[k]) * 16777619u;
	}
	h = (h ^ (h >> 15)) & 2047;
	a->distinct += (a->met[h >> 3] & (1u << (h & 7))) == 0;
	a->met[h >> 3] |= (uint8_t)(1u << (h & 7));
	a->letters += (int)n;
	a->long_words += n >= 9 && digits == 0;
	a->figures += digits > 0;
	a->decimals += digits > 0 && digits < n;
	a->places += *w == *GATE_PLACE;
	a->own += what == 0 && digits == 0 && n >= 4;
	size_t pos = a->t->word[i].pos;
	char c = pos < a->in->text_len ? a->in->text[pos] : ' ';
	a->names += !first && c >= 'A' && c <= 'Z';
	a->lower_start += first && c >= 'a' && c <= 'z';
}

#define ENDS_OF_A_WAIT (LEX(WEEKDAY) | LEX(MONTH) | LEX(SOON))

/* "by Friday", "until the 9th", "before noon" at word i? */
static bool deadline_at(const struct gate_text *t, int i, int end)
{
	const char *w = t->word[i].text;
	if (strcmp(w, "by") != 0 && strcmp(w, "until") != 0 && strcmp(w, "till") != 0 && strcmp(w, "before") != 0)
		return false;
	for (int k = i + 1; k < end && k < i + 4; k++) {
		const char *x = t->word[k].text;
		size_t n = strlen(x);
		if ((exact(x) & ENDS_OF_A_WAIT) != 0 || strcmp(x, "noon") == 0 || strcmp(x, "end") == 0 ||
		    (n > 2 && is_digit(x[0]) &&
		     (strcmp(x + n - 2, "th") == 0 || strcmp(x + n - 2, "st") == 0 || strcmp(x + n - 2, "nd") == 0 ||
		      strcmp(x + n - 2, "rd") == 0)))
			return true;
	}
	return false;
}

static bool joins_clauses(const char *w)
{
	static const char *const row[] = { "and",    "but",   "so",   "then",      "or", "please", "first",
					   "second", "third", "also", "therefore", "to", "instead" };
	for (size_t k = 0; k < sizeof row / sizeof row[0]; k++)
		if (strcmp(w, row[k]) == 0)
			return true;
	return false;
}

#define SELF_WORDS (LEX(SELF_ONE) | LEX(SELF_MANY))

static void sentence_read(struct tally *a, const struct gate_sentence *s, struct seen *x)
{
	const struct gate_text *t = a->t;
	int end = s->first + s->n;
	bool begins = true;
	*x = (struct seen){ .number = (s->flags & SENTENCE_NUMBER) != 0 };
	for (int i = s->first; i < end; i++) {
		uint64_t what = gate_lexicon_at(t, i, end);
		word_measure(a, i, i == s->first, what);
		for (uint64_t left = what; left != 0; left &= left - 1)
			a->lex[__builtin_ctzll(left)]++;
		if (i == s->first)
			x->self_begins = (what & (SELF_WORDS | LEX(SELL))) != 0;
		x->instructs |= begins && (what & LEX(INSTRUCT)) != 0;
		x->deadline |= deadline_at(t, i, end);
		x->praise += (what & (LEX(PRAISE) | LEX(ABSTRACT) | LEX(EMOTION))) != 0;
		x->event += (what & (LEX(EVENT) | LEX(ANNOUNCE))) != 0;
		x->promo += (what & (LEX(PROMO) | LEX(URGENT))) != 0;
		x->technique += (what & (LEX(TECHNIQUE) | LEX(LAW))) != 0;
		x->filler += (what & LEX(FILLER)) != 0;
		x->feature += (what & (LEX(FEATURE) | LEX(BRAG) | LEX(HOUSE))) != 0;
		a->we += (what & SELF_WORDS) != 0;
		a->you += (what & LEX(YOU)) != 0;
		a->units += x->number && (what & LEX(UNIT)) != 0;
		x->has |= what;
		begins = between(a, i) || (i + 1 < end && joins_clauses(t->word[i].text));
	}
	if (x->has & LEX(ANSWER)) /* "checking in with the figure I promised" */
		a->lex[LEX_FILLER] -= x->filler;
}

#define HAS(...)     ((x->has & (__VA_ARGS__)) != 0)
#define KIND_BIT(id) ((uint64_t)1 << KIND_OF_##id)

/* What the sentence wants of the reader. */
static uint64_t wants(const struct gate_sentence *s, const struct seen *x)
{
	bool question = (s->flags & SENTENCE_QUESTION) != 0;
	bool polite = HAS(LEX(WANT) | LEX(PLEASE) | LEX(WOULD_YOU));
	bool on_own_behalf = polite || HAS(LEX(FOR_US)) || x->deadline || question;
	uint64_t k = 0;
	if ((s->what & PHRASE_ASK) || HAS(LEX(WANT)) || (question && HAS(LEX(WOULD_YOU))) ||
	    (HAS(LEX(PLEASE)) && HAS(LEX(REPLY) | LEX(TRADE) | LEX(DECIDE) | LEX(FAVOUR) | LEX(MEET) | LEX(FOR_US))))
		k |= KIND_BIT(REQUEST);
	if ((HAS(LEX(MEET)) && (on_own_behalf || HAS(LEX(WEEKDAY) | LEX(SOON)))) || (question && HAS(LEX(SLOT))))
		k |= KIND_BIT(MEETING);
	if (HAS(LEX(TRADE)) && (on_own_behalf || HAS(SELF_WORDS)))
		k |= KIND_BIT(DEAL);
	if (HAS(LEX(FAVOUR)) && on_own_behalf)
		k |= KIND_BIT(FAVOUR);
	if (HAS(LEX(REPLY) | LEX(DECIDE)) && (x->deadline || polite || x->instructs || HAS(LEX(SOON))))
		k |= KIND_BIT(REPLY);
	if (x->deadline && HAS(SELF_WORDS | LEX(YOU) | LEX(PLEASE) | LEX(REPLY) | LEX(TRADE)))
		k |= KIND_BIT(DEADLINE);
	if ((x->number && HAS(LEX(TRADE) | LEX(SELL))) || (HAS(LEX(SELL)) && HAS(LEX(TRADE) | LEX(MONEY))))
		k |= KIND_BIT(OFFER);
	return k;
}

/* What it gives him. */
static uint64_t gives(const struct gate_sentence *s, const struct seen *x, bool wanting)
{
	uint64_t k = 0;
	bool phrase = (s->what & (PHRASE_FILLER | PHRASE_ASK | PHRASE_COURTESY | PHRASE_PITCH | PHRASE_URGENCY)) != 0;
	bool vain = x->praise > 1 || x->event > 1 || HAS(LEX(SCARCE)) || x->promo > 1 || x->feature > 2;
	bool plain = !wanting && !phrase && !vain;
	if (x->instructs && !wanting && !phrase && !HAS(LEX(FOR_US) | LEX(EVENT) | LEX(SCARCE)))
		k |= KIND_BIT(INSTRUCT) | (x->number ? KIND_BIT(INSTRUCT_FIGURE) : 0);
	if (plain && HAS(LEX(CONDITION)) && HAS(LEX(DUTY) | LEX(MAY) | LEX(COMPARE) | LEX(NEGATE) | LEX(TECHNIQUE)))
		k |= KIND_BIT(CONDITION);
	if (plain && x->number && HAS(LEX(COMPARE)))
		k |= KIND_BIT(THRESHOLD);
	if (plain && HAS(LEX(CAUSE) | LEX(CONTRAST)))
		k |= KIND_BIT(CAUSE);
	if (plain && HAS(LEX(DUTY)) && !HAS(SELF_WORDS))
		k |= KIND_BIT(ADVICE);
	if (plain && x->number && !x->self_begins &&
	    HAS(LEX(UNIT) | LEX(LAW) | LEX(TECHNIQUE) | LEX(MONTH) | LEX(TIME)))
		k |= KIND_BIT(FACT);
	if (s->n >= 4 && plain && !HAS(SELF_WORDS | LEX(YOU)))
		k |= KIND_BIT(MATTER) | (x->number ? KIND_BIT(MATTER_FIGURE) : 0);
	if (!wanting && x->technique > 1)
		k |= KIND_BIT(TECHNIQUE);
	if (!wanting && HAS(LEX(LAW)))
		k |= KIND_BIT(LAW);
	if (HAS(LEX(RESOURCE)) && !wanting && (s->flags & SENTENCE_LINK || HAS(LEX(THING))))
		k |= KIND_BIT(RESOURCE);
	if (HAS(LEX(ANSWER)))
		k |= KIND_BIT(ANSWER);
	if (plain && HAS(LEX(MANNER)) && !HAS(SELF_WORDS & ~LEX(SELF_MANY)))
		k |= KIND_BIT(MANNER);
	return k;
}

#define SUBSTANTIAL                                                                                                    \
	(KIND_BIT(INSTRUCT) | KIND_BIT(CONDITION) | KIND_BIT(THRESHOLD) | KIND_BIT(FACT) | KIND_BIT(TECHNIQUE) |       \
	 KIND_BIT(ADVICE) | KIND_BIT(CODE) | KIND_BIT(LAW))

static uint64_t kinds_of(const struct gate_sentence *s, const struct seen *x)
{
	uint64_t k = wants(s, x);
	k |= gives(s, x, k != 0);
	k |= x->self_begins ? KIND_BIT(SELF) : 0;
	k |= HAS(SELF_WORDS) && !HAS(LEX(YOU)) ? KIND_BIT(SELF_ONLY) : 0;
	k |= HAS(LEX(SELF_MANY) | LEX(SELL)) && (x->praise > 0 || x->feature > 1) ? KIND_BIT(BRAG) : 0;
	k |= x->praise > 1 ? KIND_BIT(PRAISE) : 0;
	k |= x->event > 1 ? KIND_BIT(EVENT) : 0;
	k |= HAS(LEX(TEASE)) ? KIND_BIT(TEASE) : 0;
	k |= HAS(LEX(SCARCE)) ? KIND_BIT(SCARCE) : 0;
	k |= HAS(LEX(PLACEMENT)) && HAS(SELF_WORDS | LEX(YOU)) ? KIND_BIT(PLACEMENT) : 0;
	k |= HAS(LEX(SLOT)) && (HAS(SELF_WORDS | LEX(YOU)) || s->flags & SENTENCE_QUESTION) ? KIND_BIT(SLOT) : 0;
	k |= x->number && HAS(LEX(BRAG)) && !HAS(LEX(UNIT) & ~LEX(UNIT)) ? KIND_BIT(CLAIM) : 0;
	k |= HAS(SELF_WORDS) && HAS(LEX(FEATURE) | LEX(HOUSE)) ? KIND_BIT(WE_WILL) : 0;
	k |= x->promo > 1 ? KIND_BIT(PROMO) : 0;
	k |= s->flags & SENTENCE_QUESTION ? KIND_BIT(QUESTION) | (HAS(LEX(YOU)) ? KIND_BIT(ASKED) : 0) : 0;
	k |= s->n <= 3 ? KIND_BIT(SHORT) : 0;
	k |= s->what & PHRASE_FILLER && !HAS(LEX(ANSWER)) ? KIND_BIT(FILLER) : 0;
	k |= s->what & PHRASE_COURTESY ? KIND_BIT(COURTESY) : 0;
	k |= s->what & PHRASE_PITCH ? KIND_BIT(PITCH) : 0;
	k |= s->flags & SENTENCE_CODE ? KIND_BIT(CODE) : 0;
	k |= s->flags & SENTENCE_TABLE ? KIND_BIT(TABLE) : 0;
	k |= s->flags & SENTENCE_ITEM ? KIND_BIT(ITEM) : 0;
	k |= s->flags & SENTENCE_HEADING ? KIND_BIT(HEADING) : 0;
	k |= s->flags & SENTENCE_LINK ? KIND_BIT(LINK) : 0;
	k |= k & SUBSTANTIAL ? KIND_BIT(SUBSTANCE) : 0;
	return k;
}

#define REQUESTS                                                                                                       \
	(KIND_BIT(REQUEST) | KIND_BIT(MEETING) | KIND_BIT(DEAL) | KIND_BIT(FAVOUR) | KIND_BIT(REPLY) |                 \
	 KIND_BIT(DEADLINE))

static void sentence_count(struct tally *a, const struct gate_sentence *s, const struct seen *x, bool last)
{
	uint64_t k = kinds_of(s, x);
	for (uint64_t left = k; left != 0; left &= left - 1)
		a->kind[__builtin_ctzll(left)]++;
	if (k & REQUESTS) {
		a->ways |= x->has & (LEX(MEET) | LEX(TRADE) | LEX(FAVOUR) | LEX(DECIDE) | LEX(REPLY) | LEX(WANT) |
				     LEX(WOULD_YOU) | LEX(FOR_US) | LEX(PLEASE) | LEX(SELL) | LEX(WHO));
		if (a->request_first < 0)
			a->request_first = s->first;
		a->request_last = s->first;
		a->request_n++;
	}
	a->useful_before += (k & KIND_BIT(SUBSTANCE)) != 0 && a->request_first < 0;
	a->useful_words += k & KIND_BIT(SUBSTANCE) ? s->n : 0;
	a->run = k & KIND_BIT(SUBSTANCE) ? a->run + 1 : 0;
	a->run_longest = a->run > a->run_longest ? a->run : a->run_longest;
	if (last)
		a->tail |= x->has;
}

/* ---- the vector ---- */

static double few(int n, int many)
{
	return log1p(n < many ? n : many);
}

static double share(int n, int of)
{
	return of > 0 ? sqrt((double)n / of) : 0.0;
}

static void whole(const struct tally *a, int substance, double f[WHOLE_COUNT])
{
	const struct gate_text *t = a->t;
	int words = t->word_n > 0 ? t->word_n : 1, sentences = t->sentence_n > 0 ? t->sentence_n : 1;
	f[WHOLE_WORDS] = log1p(t->word_n < 400 ? t->word_n : 400);
	f[WHOLE_SENTENCE_LENGTH] = log1p((double)words / sentences);
	f[WHOLE_WORD_LENGTH] = a->letters / (double)words;
	f[WHOLE_LONG_WORDS] = share(a->long_words, words);
	f[WHOLE_NAMES] = share(a->names, words);
	f[WHOLE_FIGURES] = few(a->figures, 12);
	f[WHOLE_FIGURE_SHARE] = share(a->figures, words);
	f[WHOLE_DECIMALS] = share(a->decimals, words);
	f[WHOLE_PERCENT] = share(a->percent, words);
	f[WHOLE_MONEY_SIGNS] = share(a->money, words);
	f[WHOLE_SIGNS] = share(a->signs, words);
	f[WHOLE_EXCLAMATIONS] = share(a->exclamations, sentences);
	f[WHOLE_OWN_WORDS] = a->own / (double)words;
	f[WHOLE_DISTINCT] = log((a->distinct + 1.0) / pow(words + 1.0, 0.85));
	f[WHOLE_PLACEHOLDERS] = share(a->places, words);
	f[WHOLE_BRACKETS] = share(a->brackets, words);
	f[WHOLE_IMAGES] = few(t->images, 2);
	f[WHOLE_REQUEST_FIRST] = a->request_first < 0 ? 1.0 : a->request_first / (double)words;
	f[WHOLE_REQUEST_LAST] = a->request_first < 0 ? 0.0 : 0.2 + a->request_last / (double)words;
	f[WHOLE_BEHIND_REQUEST] = a->request_first < 0 ? 0.0 : few(t->word_n - a->request_first, 150);
	f[WHOLE_BEFORE_REQUEST] = few(a->useful_before, 6);
	f[WHOLE_REQUEST_WAYS] = log1p(__builtin_popcountll(a->ways));
	f[WHOLE_RUN] = few(a->run_longest, 6);
	f[WHOLE_YOU_WE] = log((a->you + 1.0) / (a->we + 1.0));
	f[WHOLE_SUBSTANCE_WORDS] = a->useful_words / (double)words;
	f[WHOLE_RULE_SUBSTANCE] = few(substance > 0 ? substance : 0, 200);
	f[WHOLE_UNITS] = few(a->units, 6);
	f[WHOLE_COMMAS] = a->commas / (double)words;
	f[WHOLE_LOWER_START] = share(a->lower_start, sentences);
	f[WHOLE_QUOTES] = share(a->quotes, words);
}

void gate_features(const struct gate_input *in, const struct gate_text *t, struct gate_look *look)
{
	struct tally a = { .in = in, .t = t, .request_first = -1 };
	struct seen x;
	double *f = look->f;
	for (int i = 0; i < t->sentence_n; i++) {
		sentence_read(&a, &t->sentence[i], &x);
		sentence_count(&a, &t->sentence[i], &x, i + 3 >= t->sentence_n);
	}
	for (int i = 0; i < LEX_COUNT; i++) {
		*f++ = share(a.lex[i], t->word_n);
		*f++ = few(a.lex[i], 4);
		*f++ = (double)(a.tail >> i & 1);
	}
	for (int i = 0; i < KIND_OF_COUNT; i++) {
		*f++ = share(a.kind[i], t->sentence_n);
		*f++ = few(a.kind[i], 5);
	}
	whole(&a, look->substance, f);
	look->request_first = a.request_first;
	look->request_n = a.request_n;
	look->given_before = a.useful_before;
	look->sentence_n = t->sentence_n;
	memcpy(look->kind, a.kind, sizeof look->kind);
}
