/* The value gate: first rules that can say for certain that a letter gives its reader nothing, then, where they are
 * silent, the model's word (gate_model.c). For the rules a letter is what is left when everything has been taken away
 * that it would say to anybody about anything: courtesy, reminders of earlier mail, requests on the sender's own
 * behalf, the sender's praise of himself. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gate_features.h"

/* ---- what is left of it ---- */

struct tally {
	int substance; /* words that say something, and what counts as some */
	int words;
	int filler, courtesy, asks, pitch, urgency; /* sentences */
	uint32_t filler_at, urgency_at, ask_at;
	int substance_all;
	int asks_first; /* before there was substance */
	int of_self;    /* of `substance`: what sentences say whose subject is the sender */
};

static void note(uint32_t *at, int *n, uint32_t pos)
{
	if ((*n)++ == 0)
		*at = pos;
}

/* Words of a sentence that no phrase covers, and the classes of those that do. */
static unsigned classify(const struct gate_text *t, const struct gate_sentence *s, int *bare)
{
	unsigned what = 0;
	int end = s->first + s->n, covered = s->first;
	*bare = 0;
	for (int i = s->first; i < end; i++) {
		int n;
		/* a sentence begins anew behind "and", "but", "so" */
		bool begins = i == s->first || (i == s->first + 1 && t->word[s->first].text[0] == *GATE_PLACE) ||
			      gate_list_has(t->language, LIST_JOINERS, t->word[i - 1].text);
		what |= gate_phrase_at(t, i, end, begins, &n);
		if (i + n > covered)
			covered = i + n;
		if (i >= covered)
			(*bare)++;
	}
	return what;
}

static bool about_reader(const struct gate_text *t, const struct gate_sentence *s)
{
	for (int i = s->first; i < s->first + s->n; i++)
		if (gate_list_has(t->language, LIST_READER_WORDS, t->word[i].text))
			return true;
	return false;
}

/* "We ...", "Our ...", "I ...": the sender speaks of himself. */
static bool about_sender(const struct gate_text *t, const struct gate_sentence *s)
{
	return s->n > 0 && gate_list_has(t->language, LIST_SENDER_WORDS, t->word[s->first].text);
}

/* In words: a resource gives more than its mention, a figure or a command more than a remark. */
#define LINK_WORTH     8
#define CONCRETE_WORTH 6

#define SUBSTANCE_LEAST  14
#define SUBSTANCE_ASK    30  /* who asks for something brings more than the occasion to ask */
#define SUBSTANCE_FILLER 22  /* as does who reminds of an earlier mail */

static void tally_sentence(struct tally *a, const struct gate_text *t, struct gate_sentence *s)
{
	int bare;
	unsigned what = classify(t, s, &bare);
	s->what = what;
	s->bare = bare;
	uint32_t pos = s->n > 0 ? t->word[s->first].pos : 0;
	a->words += s->n;
	if (what & PHRASE_URGENCY)
		note(&a->urgency_at, &a->urgency, pos);
	if (what & PHRASE_FILLER)
		note(&a->filler_at, &a->filler, pos);
	if (what & PHRASE_ASK) {
		note(&a->ask_at, &a->asks, pos);
		a->asks_first += a->substance < SUBSTANCE_LEAST;
	}
	a->courtesy += (what & PHRASE_COURTESY) != 0;
	a->pitch += (what & PHRASE_PITCH) != 0;
	if (s->flags & (SENTENCE_CODE | SENTENCE_TABLE)) {
		a->substance += s->n + CONCRETE_WORTH;
	} else if (what & (PHRASE_FILLER | PHRASE_ASK | PHRASE_COURTESY | PHRASE_PITCH | PHRASE_URGENCY)) {
		/* what stands beside the phrase is about it, unless there is a lot of it */
		a->substance += bare > 22 ? bare - 16 : 0;
	} else if ((s->flags & SENTENCE_QUESTION) && s->n <= 16 && about_reader(t, s)) {
		/* a question to the reader gives nothing */
	} else if (s->n >= 4 || (s->flags & (SENTENCE_ITEM | SENTENCE_NUMBER))) {
		a->substance += s->n + (s->flags & (SENTENCE_NUMBER | SENTENCE_CODE) ? CONCRETE_WORTH : 0);
		a->of_self += about_sender(t, s) && !(s->flags & SENTENCE_NUMBER) ? s->n : 0;
	}
	if (s->flags & SENTENCE_LINK)
		a->substance += LINK_WORTH + (what & (PHRASE_FILLER | PHRASE_ASK) ? 0 : bare / 2);
}

/* ---- the rules ---- */

static void rule_substance(const struct gate_input *in, const struct gate_text *t, const struct tally *a,
			   struct gate_result *r)
{
	if (t->full)
		return;
	if (t->images > 0 && a->words < 8) {
		r->verdict = GATE_EMPTY;
		gate_find(r, in, RULE_IMAGE_ONLY, GATE_WHOLE,
			  "%d image%s and %d words: write what the image says, many readers see none", t->images,
			  t->images > 1 ? "s" : "", a->words);
	} else if (a->filler > 0 && a->substance < SUBSTANCE_FILLER) {
		r->verdict = GATE_EMPTY;
		gate_find(r, in, RULE_FILLER_FOLLOWUP, a->filler_at,
			  "a reminder of an earlier mail and nothing new: answer a question, add a figure or a link, "
			  "or don't send it");
	} else if (a->substance < (a->asks > 0 ? SUBSTANCE_ASK : SUBSTANCE_LEAST)) {
		r->verdict = GATE_EMPTY;
		gate_find(r, in, RULE_NO_SUBSTANCE, GATE_WHOLE,
			  "too little that the reader could use, %d points of %d in %d words: tell how to do "
			  "something, or what you found out",
			  a->substance > 0 ? a->substance : 0, a->asks > 0 ? SUBSTANCE_ASK : SUBSTANCE_LEAST, a->words);
	}
}

/* Requests that come before anything else: the reader has no reason yet. */
static void rule_asks(const struct gate_input *in, const struct gate_text *t, const struct tally *a,
		      struct gate_result *r)
{
	static const char *const times[] = { "", "once", "twice", "three times", "four times" };
	const char *often = a->asks_first < 5 ? times[a->asks_first] : "many times";
	if (r->verdict != GATE_EMPTY && a->asks_first > 0 && a->substance_all >= 2 * SUBSTANCE_LEAST)
		gate_find(
		    r, in, RULE_ASKS_FIRST, a->ask_at,
		    in->kind == KIND_ASK
			? "this letter asks %s before it gives: move the request behind what it gives"
			: "this letter asks %s before it gives: move the request to the end, or mark it Kind: ask",
		    often);
	if (a->asks > 2 && a->asks * 4 > t->sentence_n)
		gate_find(r, in, RULE_TOO_MANY_ASKS, a->ask_at,
			  "%d requests in one letter: keep the one that matters, the reader answers none of many",
			  a->asks);
}

static struct tally tally_text(const struct gate_input *in, struct gate_text *t)
{
	struct tally a = { 0 };
	gate_text_read(in, t);
	for (int i = 0; i < t->sentence_n; i++)
		tally_sentence(&a, t, &t->sentence[i]);
	a.substance_all = a.substance;
	if (a.filler + a.asks + a.pitch > 0)
		a.substance -=
		    a.of_self; /* in a letter that wants something, what the sender did is praise, not content */
	return a;
}

void gate_look_at(const struct gate_input *in, struct gate_text *t, struct gate_look *look)
{
	struct tally a = tally_text(in, t);
	look->substance = a.substance;
	look->asks = a.asks;
	gate_features(in, t, look);
}

/* ---- the model's word, where no rule has judged ---- */

#define NAMED 2 /* features in a finding */

/* "reminders of earlier mail, few conditions (if, when, unless)" */
static void name_strongest(const double *f, bool request, int sign, char *to, size_t cap)
{
	int feature[NAMED * 4], n = gate_model_strongest(f, request, sign, feature, NAMED * 4), named = 0;
	size_t at = 0;
	*to = '\0';
	for (int i = 0; i < n && named < NAMED && at < cap; i++) {
		const char *says = gate_feature_says(feature[i]);
		bool few = f[feature[i]] < gate_weights[feature[i]].mean;
		if (gate_feature_is_whole(feature[i]) || strstr(to, says) != NULL)
			continue; /* "its length" is no advice */
		at += (size_t)snprintf(to + at, cap - at, "%s%s%s", named > 0 ? ", " : "", few ? "few " : "", says);
		named++;
	}
}

/* A request that stands in words is pointed at; else what had the model think so is named. */
static void find_not_its_kind(const struct gate_input *in, const struct gate_text *t, const struct tally *a,
			      const struct gate_look *look, struct gate_result *r)
{
	char why[96];
	if (a->asks > 0) {
		gate_find_vouchable(r, in, RULE_NOT_ITS_KIND, a->ask_at,
				    "declared value, but judged ask: take the request out, or mark it Kind: ask");
	} else if (look->request_n > 0 && look->request_first >= 0 && look->given_before > 0) {
		gate_find_vouchable(r, in, RULE_NOT_ITS_KIND, t->word[look->request_first].pos,
				    "gives, and then asks %d time%s: take the request out, or mark it Kind: ask",
				    look->request_n, look->request_n > 1 ? "s" : "");
	} else {
		name_strongest(look->f, true, 1, why, sizeof why);
		gate_find_vouchable(r, in, RULE_NOT_ITS_KIND, GATE_WHOLE,
				    "wants something (%s): take it out, or mark it Kind: ask", why);
	}
}

/* Score: at 0.5 a letter that wants nothing passes as value. */
static void judge_by_model(const struct gate_input *in, const struct gate_text *t, const struct tally *a,
			   const struct gate_look *look, struct gate_result *r)
{
	struct gate_opinion o;
	char why[112];
	gate_model_judge(look, &o);
	r->score = 1.0 / (1.0 + exp(gate_limits.value - o.substance));
	if (r->verdict == GATE_EMPTY) {
		r->score /= 4; /* a rule has found nothing in it, however it looks */
		return;
	}
	r->verdict = o.verdict;
	if (o.verdict == GATE_VALUE && gate_asks_openly(look))
		r->verdict = GATE_ASK;
	if (r->verdict == GATE_EMPTY) {
		name_strongest(look->f, false, -1, why, sizeof why);
		gate_find_vouchable(r, in, RULE_LOW_VALUE, GATE_WHOLE,
		     "little that the reader can use (%s): say what to do, when, how much", why);
	} else if (r->verdict == GATE_ASK && in->kind == KIND_VALUE) {
		find_not_its_kind(in, t, a, look, r);
	}
}

void gate_judge(const struct gate_input *in, struct gate_result *out)
{
	struct gate_text t;
	struct gate_look look = { 0 };
	*out = (struct gate_result){ .verdict = GATE_VALUE, .pass = true };
	struct tally a = tally_text(in, &t);
	look.substance = a.substance;
	look.asks = a.asks;
	gate_features(in, &t, &look);
	rule_substance(in, &t, &a, out);
	if (!in->rendered) {
		gate_rule_text(in, out);
		gate_rule_hidden(in, &t, out);
	}
	gate_rule_placeholders(in, t.language, out);
	gate_rule_subject(in, t.language, out);
	judge_by_model(in, &t, &a, &look, out); /* behind what a person cannot vouch for */
	rule_asks(in, &t, &a, out);
	if (a.urgency > 0)
		gate_find(out, in, RULE_FALSE_URGENCY, a.urgency_at,
			  "presses for a decision by the clock: name the date and what it depends on, or leave it out");
}
