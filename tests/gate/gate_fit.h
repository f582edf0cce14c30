#ifndef ABV_GATE_FIT_H
#define ABV_GATE_FIT_H

#include <stdbool.h>

#include "../../src/rules/gate_features.h"

/* Training and measuring the gate's model. Nothing here is part of the programs. */

#define NAME_MAX_FIT 96
#define TOP          3

enum slice { SLICE_LETTERS, SLICE_OUTREACH, SLICE_CONTENT, SLICE_N };
const char *slice_name(enum slice s);

struct row {
	char id[160], source[NAME_MAX_FIT], subject[160], begin[160];
	enum gate_verdict label;
	enum slice slice;
	int sure, source_no, words;
	bool rule_empty;                /* a hard rule says so, whatever the model says */
	bool asks_openly, sells_openly; /* gate_model.c */
	double f[GATE_FEATURE_N];
	double substance, request; /* as held out */
	int fold;
	enum gate_verdict judged;
	int up[TOP], down[TOP], asks[TOP]; /* what moved the held-out scores most, -1 none */
};

struct corpus {
	struct row *row;
	int n, source_n;
	char source[64][NAME_MAX_FIT];
};

/* Exits with a message when the file cannot be read or a row is broken; -1 when there is none. */
int corpus_read(const char *path, struct corpus *c);

struct model {
	double mean[GATE_FEATURE_N], per_deviation[GATE_FEATURE_N];
	double substance[GATE_FEATURE_N + 1], request[GATE_FEATURE_N + 1]; /* the last is the bias */
};

/* From the rows whose fold is not `held_out`. */
void model_fit(const struct corpus *c, int held_out, struct model *m);
void model_scores(const struct model *m, struct row *r);

/* Folds by source; with `within` the rows of `letters` go into that many folds of their own instead. Returns how many
 * folds there are. Every row's held-out scores are filled in. */
int corpus_cross(struct corpus *c, int within);

/* The limits that serve the goals best, judged by the rows whose fold is not `but`; -1 all. */
void limits_choose(const struct corpus *c, int but, struct gate_limits *l);

/* What is measured: shares of wrongly passed and wrongly refused letters. */
struct goals {
	double empty_passed, ask_passed, content_refused, letters_refused, outreach_refused;
};
struct goals goals_of(const struct corpus *c, bool (*passes)(const struct row *, const void *), const void *arg);

#endif
