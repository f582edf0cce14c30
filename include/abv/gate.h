/* L2. The value gate (5-gate): does this text give its reader something? Deterministic, offline, explained. Here: the interface
 * and the hard rules; the model is to join behind the same call. */
#ifndef ABV_GATE_H
#define ABV_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "abv/model.h"
#include "abv/problem.h"

enum gate_verdict { GATE_VALUE, GATE_ASK, GATE_EMPTY };
const char *gate_verdict_name(enum gate_verdict v); /* "value" "ask" "empty" */

struct gate_input {
	const char *subject; /* "" none */
	const char *text;    /* Markdown, text or HTML; may hold placeholders when `is_template` */
	size_t text_len;
	enum kind kind;      /* declared */
	bool is_template;    /* placeholders stand for something */
	bool in_thread;      /* a real thread: "Re:" is true */
	int first_line;      /* added to findings' lines: where the text begins in its file (1 when alone) */
	bool rendered;       /* of a template that was judged itself: what is odd in the contact's own values refuses nobody a letter */
	const char *vouched_by; /* "Dana Reyes, answers ...": who lets it pass where only the model refuses; NULL or "" nobody */
};

#define GATE_FINDINGS_MAX 16
struct gate_finding {
	const char *rule;    /* static: "no-substance" "filler-followup" "undefined-placeholder" "image-only" "fake-reply" ... */
	enum severity severity;
	int line, column;    /* 0, 0: the subject or the whole */
	char message[192];
};

struct gate_result {
	enum gate_verdict verdict;
	double score;        /* 0 empty ... 1 rich */
	bool pass;           /* false when the text may not be sent as its kind */
	bool by_model;       /* no hard rule refuses; the judgement of the whole does, or would have but for who vouches */
	bool vouched;        /* `pass` only because somebody vouches */
	struct gate_finding finding[GATE_FINDINGS_MAX];
	int finding_n;
};

/* Near-equal texts (check's repeat-content). The shingles of a text, five words each, sorted, without what all letters have around
 * their content; placeholders are like any word. */
#define GATE_SHINGLES_MAX 4096
struct gate_shingles {
	uint32_t row[GATE_SHINGLES_MAX];
	int n;
};
void gate_shingles_read(const struct gate_input *in, struct gate_shingles *out);
/* How much of `a` stands in `b`, in percent. Texts under 12 shingles are too short to tell: 0, unless they are equal. */
int gate_shingles_share(const struct gate_shingles *a, const struct gate_shingles *b);
#define GATE_REPEAT_SAME 95 /* percent of a letter that stands in an earlier one of its sequence: a word was changed, no more */
#define GATE_REPEAT_MUCH 60 /* ... so little of it is new that its author should know */

/* < 200 us at 300 words; no state. A `{{name}}` left in a text that is no template is undefined-placeholder. */
void gate_judge(const struct gate_input *in, struct gate_result *out);

/* The rules by number, for documentation and its check; NULL behind the last. */
struct gate_rule { const char *name; enum severity severity; const char *help; };
const struct gate_rule *gate_rule_at(int i);

#endif
