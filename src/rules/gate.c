/* The value gate: first rules that can say for certain that a letter gives its reader nothing, then, where they are
 * silent, the model's word (gate_model.c). For the rules a letter is what is left when everything has been taken away
 * that it would say to anybody about anything: courtesy, reminders of earlier mail, requests on the sender's own
 * behalf, the sender's praise of himself. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gate_features.h"

enum rule {
	RULE_NO_SUBSTANCE,
	RULE_FILLER_FOLLOWUP,
	RULE_IMAGE_ONLY,
	RULE_UNDEFINED_PLACEHOLDER,
	RULE_FAKE_REPLY,
	RULE_FALSE_URGENCY,
	RULE_TOO_MANY_ASKS,
	RULE_FOREIGN_PLACEHOLDER,
	RULE_LOW_VALUE,
	RULE_HIDDEN_ASK,
	RULE_COUNT
};

static const struct gate_rule rules[RULE_COUNT + 1] = {
	[RULE_NO_SUBSTANCE] = { "no-substance", SEVERITY_ERROR,
				"behind courtesy, requests and praise of the sender nothing is left that the reader "
				"could use" },
	[RULE_FILLER_FOLLOWUP] = { "filler-followup", SEVERITY_ERROR,
				   "reminds of an earlier mail and adds nothing to it" },
	[RULE_IMAGE_ONLY] = { "image-only", SEVERITY_ERROR, "an image without words" },
	[RULE_UNDEFINED_PLACEHOLDER] = { "undefined-placeholder", SEVERITY_ERROR,
					 "a {{placeholder}} would be sent as it stands" },
	[RULE_FAKE_REPLY] = { "fake-reply", SEVERITY_ERROR, "\"Re:\" or \"Fwd:\" in the subject without a thread" },
	[RULE_FALSE_URGENCY] = { "false-urgency", SEVERITY_WARNING, "presses for a decision by the clock" },
	[RULE_TOO_MANY_ASKS] = { "too-many-asks", SEVERITY_WARNING, "more than two requests: the reader answers none" },
	[RULE_FOREIGN_PLACEHOLDER] = { "foreign-placeholder", SEVERITY_WARNING,
				       "looks like another tool's placeholder, such as [First Name]" },
	[RULE_LOW_VALUE] = { "low-value", SEVERITY_ERROR,
			     "the model finds too little in it that the reader could use without the sender" },
	[RULE_HIDDEN_ASK] = { "hidden-ask", SEVERITY_ERROR,
			      "declared value, but the model finds that it wants something for the sender" },
};

const struct gate_rule *gate_rule_at(int i)
{
	return i >= 0 && i < RULE_COUNT ? &rules[i] : NULL;
}

const char *gate_verdict_name(enum gate_verdict v)
{
	static const char *const row[] = { "value", "ask", "empty" };
	return (unsigned)v < sizeof row / sizeof row[0] ? row[v] : "";
}

/* ---- findings ---- */

#define WHOLE UINT32_MAX /* no place: the subject or the whole */

__attribute__((format(printf, 5, 6))) static void find(struct gate_result *r, const struct gate_input *in,
						       enum rule rule, uint32_t pos, const char *fmt, ...)
{
	va_list ap;
	if (rules[rule].severity == SEVERITY_ERROR)
		r->pass = false;
	if (r->finding_n == GATE_FINDINGS_MAX)
		return;
	struct gate_finding *f = &r->finding[r->finding_n++];
	*f = (struct gate_finding){ .rule = rules[rule].name, .severity = rules[rule].severity };
	if (pos != WHOLE) {
		f->line = in->first_line > 0 ? in->first_line : 1;
		f->column = 1;
		for (uint32_t i = 0; i < pos && i < in->text_len; i++) {
			f->column = in->text[i] == '\n' ? 1 : f->column + 1;
			f->line += in->text[i] == '\n';
		}
	}
	va_start(ap, fmt);
	vsnprintf(f->message, sizeof f->message, fmt, ap);
	va_end(ap);
}

/* ---- what is left of it ---- */

struct tally {
	int substance; /* words that say something, and what counts as some */
	int words;
	int filler, courtesy, asks, pitch, urgency; /* sentences */
	uint32_t filler_at, urgency_at, ask_at;
	int of_self; /* of `substance`: what sentences say whose subject is the sender */
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
			      strcmp(t->word[i - 1].text, "and") == 0 || strcmp(t->word[i - 1].text, "but") == 0 ||
			      strcmp(t->word[i - 1].text, "so") == 0;
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
		if (strncmp(t->word[i].text, "you", 3) == 0)
			return true;
	return false;
}

/* "We ...", "Our ...", "I ...": the sender speaks of himself. */
static bool about_sender(const struct gate_text *t, const struct gate_sentence *s)
{
	static const char *const row[] = { "i",    "i'd",   "i'll",  "i'm",   "i've", "we",
					   "we'd", "we'll", "we're", "we've", "our",  "my" };
	for (size_t k = 0; s->n > 0 && k < sizeof row / sizeof row[0]; k++)
		if (strcmp(t->word[s->first].text, row[k]) == 0)
			return true;
	return false;
}

/* In words: a resource gives more than its mention, a figure or a command more than a remark. */
#define LINK_WORTH     8
#define CONCRETE_WORTH 6

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
	if (what & PHRASE_ASK)
		note(&a->ask_at, &a->asks, pos);
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

#define SUBSTANCE_LEAST  14
#define SUBSTANCE_ASK    30 /* who asks for something brings more than the occasion to ask */
#define SUBSTANCE_FILLER 22 /* as does who reminds of an earlier mail */

static void rule_substance(const struct gate_input *in, const struct gate_text *t, const struct tally *a,
			   struct gate_result *r)
{
	if (t->full)
		return;
	if (t->images > 0 && a->words < 8) {
		r->verdict = GATE_EMPTY;
		find(r, in, RULE_IMAGE_ONLY, WHOLE, "%d image%s and %d words: many readers see no images", t->images,
		     t->images > 1 ? "s" : "", a->words);
	} else if (a->filler > 0 && a->substance < SUBSTANCE_FILLER) {
		r->verdict = GATE_EMPTY;
		find(r, in, RULE_FILLER_FOLLOWUP, a->filler_at,
		     "a reminder of an earlier mail that adds nothing the reader could use");
	} else if (a->substance < (a->asks > 0 ? SUBSTANCE_ASK : SUBSTANCE_LEAST)) {
		r->verdict = GATE_EMPTY;
		find(r, in, RULE_NO_SUBSTANCE, WHOLE, "of %d words %d say something the reader could use", a->words,
		     a->substance);
	}
}

/* The length of a "{{...}}" at s that is complete on its line, or 0. */
static size_t merge_tag(const char *s, size_t left)
{
	if (left < 5 || s[0] != '{' || s[1] != '{')
		return 0;
	for (size_t i = 2; i + 1 < left && i < 128 && s[i] != '\n'; i++)
		if (s[i] == '}' && s[i + 1] == '}')
			return i + 2;
	return 0;
}

/* The length of another tool's placeholder at s, or 0. "[name](...)" is a link. */
static size_t foreign_tag(const char *s, size_t left)
{
	static const char *const row[] = { "[first name]", "[name]",       "[company]",    "[company name]",
					   "[your name]",  "[firstname]",  "[first_name]", "[last name]",
					   "{first_name}", "{firstname}",  "{name}",       "{company}",
					   "*|fname|*",    "%first_name%", "%firstname%" };
	for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
		size_t n = strlen(row[k]);
		if (left >= n && strncasecmp(s, row[k], n) == 0 && (left == n || s[n] != '('))
			return n;
	}
	return 0;
}

/* What would be sent as it stands. In code it is meant to. */
static void rule_placeholders(const struct gate_input *in, struct gate_result *r)
{
	bool fence = false, code = false;
	size_t n;
	for (size_t i = 0; i < in->text_len; i++) {
		const char *s = in->text + i;
		size_t left = in->text_len - i;
		if (*s == '`' && left >= 3 && s[1] == '`' && s[2] == '`') {
			fence = !fence;
			i += 2;
		} else if (*s == '\n') {
			code = false;
		} else if (*s == '`') {
			code = !code;
		} else if (!fence && !code && *s == '{' && (n = merge_tag(s, left)) > 0) {
			if (!in->is_template)
				find(r, in, RULE_UNDEFINED_PLACEHOLDER, (uint32_t)i,
				     "'%.*s' has no value and would be sent as it stands", (int)(n < 60 ? n : 60), s);
			i += n - 1;
		} else if (!fence && !code && (*s == '{' || *s == '[' || *s == '*' || *s == '%') &&
			   (n = foreign_tag(s, left)) > 0) {
			find(r, in, RULE_FOREIGN_PLACEHOLDER, (uint32_t)i,
			     "'%.*s' looks like another tool's placeholder: here it is {{first_name}}", (int)n, s);
			i += n - 1;
		}
	}
}

static void rule_subject(const struct gate_input *in, struct gate_result *r)
{
	static const char *const row[] = { "re:", "re :", "fw:", "fwd:", "aw:", "wg:", "sv:", "tr:" };
	const char *s = in->subject;
	while (*s == ' ')
		s++;
	for (size_t i = 0; i < sizeof row / sizeof row[0] && !in->in_thread; i++)
		if (strncasecmp(s, row[i], strlen(row[i])) == 0)
			find(r, in, RULE_FAKE_REPLY, WHOLE, "the subject says '%.*s', but there is no thread",
			     (int)strlen(row[i]), s);
}

static struct tally tally_text(const struct gate_input *in, struct gate_text *t)
{
	struct tally a = { 0 };
	gate_text_read(in, t);
	for (int i = 0; i < t->sentence_n; i++)
		tally_sentence(&a, t, &t->sentence[i]);
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

static void find_hidden_ask(const struct gate_input *in, const struct gate_text *t, const struct gate_look *look,
			    struct gate_result *r)
{
	char why[96];
	if (look->request_n == 0 || look->request_first < 0) {
		name_strongest(look->f, true, 1, why, sizeof why);
		find(r, in, RULE_HIDDEN_ASK, WHOLE, "wants something (%s): take it out, or mark it Kind: ask", why);
	} else if (look->given_before == 0) {
		find(r, in, RULE_HIDDEN_ASK, t->word[look->request_first].pos,
		     "asks before it gives, %d time%s: move the request to a letter of its own, or mark this Kind: ask",
		     look->request_n, look->request_n > 1 ? "s" : "");
	} else {
		find(r, in, RULE_HIDDEN_ASK, t->word[look->request_first].pos,
		     "gives, and then asks %d time%s: take the request out, or mark it Kind: ask", look->request_n,
		     look->request_n > 1 ? "s" : "");
	}
}

/* Score: at 0.5 a letter that wants nothing passes as value. */
static void judge_by_model(const struct gate_input *in, const struct gate_text *t, const struct gate_look *look,
			   struct gate_result *r)
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
		find(r, in, RULE_LOW_VALUE, WHOLE,
		     "little that the reader can use (%s): say what to do, when, how much", why);
	} else if (r->verdict == GATE_ASK && in->kind == KIND_VALUE) {
		find_hidden_ask(in, t, look, r);
	}
}

void gate_judge(const struct gate_input *in, struct gate_result *out)
{
	struct gate_text t;
	struct gate_look look;
	*out = (struct gate_result){ .verdict = GATE_VALUE, .pass = true };
	struct tally a = tally_text(in, &t);
	look.substance = a.substance;
	look.asks = a.asks;
	gate_features(in, &t, &look);
	rule_substance(in, &t, &a, out);
	judge_by_model(in, &t, &look, out);
	rule_placeholders(in, out);
	rule_subject(in, out);
	if (a.urgency > 0)
		find(out, in, RULE_FALSE_URGENCY, a.urgency_at, "presses for a decision by the clock");
	if (a.asks > 2 && a.asks * 4 > t.sentence_n)
		find(out, in, RULE_TOO_MANY_ASKS, a.ask_at, "%d requests in one letter", a.asks);
}
