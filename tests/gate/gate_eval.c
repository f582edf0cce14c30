/* rooms: base model rules */
/* What the gate's model does with letters of sources that it has not seen. Usage: gate_eval TRAIN.JSONL. Every source
 * is left out in turn, and the limits for it are chosen without it, too. The short letters, the only source of their
 * kind, are measured twice: left out entirely, and by tenths. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate_fit.h"

#define WITHIN 10

static const enum gate_verdict order[] = { GATE_VALUE, GATE_ASK, GATE_EMPTY };

/* As gate_judge does. */
static enum gate_verdict judge_row(const struct row *r, const struct gate_limits *l)
{
	enum gate_verdict v = gate_model_verdict(r->substance, r->request, l);
	if (r->rule_empty)
		return GATE_EMPTY;
	return v == GATE_VALUE && r->asks_openly ? GATE_ASK : v;
}

static void judge_folds(struct corpus *c, int folds)
{
	for (int k = 0; k < folds; k++) {
		struct gate_limits l = { 0 };
		limits_choose(c, k, &l);
		for (int i = 0; i < c->n; i++)
			if (c->row[i].fold == k)
				c->row[i].judged = judge_row(&c->row[i], &l);
	}
}

/* One block of a confusion matrix: the rows for which slice and source fit (-1 any). */
static void confusion(const struct corpus *c, const char *title, int slice, int source)
{
	int n[3][3] = { 0 };
	for (int i = 0; i < c->n; i++)
		if ((slice < 0 || (int)c->row[i].slice == slice) && (source < 0 || c->row[i].source_no == source))
			n[c->row[i].label][c->row[i].judged]++;
	for (int k = 0; k < 3; k++) {
		int all = n[order[k]][0] + n[order[k]][1] + n[order[k]][2];
		if (all == 0)
			continue;
		printf("%-36.36s %-5s %4d |", title, gate_verdict_name(order[k]), all);
		for (int j = 0; j < 3; j++)
			printf(" %5d", n[order[k]][order[j]]);
		printf(" | %3.0f %% %s\n",
		       100.0 * (order[k] == GATE_VALUE ? all - n[GATE_VALUE][GATE_VALUE] : n[order[k]][GATE_VALUE]) /
			   all,
		       order[k] == GATE_VALUE ? "refused" : "passed as value");
		title = "";
	}
}

static bool judged_value(const struct row *r, const void *arg)
{
	(void)arg;
	return r->judged == GATE_VALUE;
}

static bool long_enough(const struct row *r, const void *arg)
{
	(void)arg;
	return r->words >= 130;
}

static bool rules_only(const struct row *r, const void *arg)
{
	(void)arg;
	return !r->rule_empty;
}

static void goals_line(const char *title, const struct goals *g)
{
	printf("%-44s %6.1f %% %6.1f %% %6.1f %% %6.1f %% %6.1f %%\n", title, g->empty_passed * 100,
	       g->ask_passed * 100, g->content_refused * 100, g->letters_refused * 100, g->outreach_refused * 100);
}

static void goals_table(const struct corpus *c)
{
	struct goals model = goals_of(c, judged_value, NULL), length = goals_of(c, long_enough, NULL),
		     rules = goals_of(c, rules_only, NULL);
	printf("\n%-44s %8s %8s %8s %8s %8s\n%-44s %8s %8s %8s %8s %8s\n", "", "empty", "ask", "content", "letters",
	       "outreach", "", "passed", "passed", "refused", "refused", "refused");
	printf("%-44s %8s %8s %8s %8s %8s\n", "goal", "2 %", "8 %", "1 %", "10 %", "-");
	goals_line("this model, each source left out", &model);
	goals_line("baseline: refuse under 130 words", &length);
	goals_line("baseline: the hard rules alone", &rules);
	printf("%-44s %8s %8s %8s %8s %8s  (as measured in 5-gate)\n", "baseline: logistic regression on n-grams",
	       "8 %", "15 %", "1 %", "28 %", "55 %");
}

static void tops(const char *what, const int *top)
{
	char name[GATE_FEATURE_NAME];
	printf("   %s:", what);
	for (int j = 0; j < TOP && top[j] >= 0; j++) {
		gate_feature_name(top[j], name);
		printf(" %s", name);
	}
	putchar('\n');
}

/* How far on the wrong side, in either score; the sure labels first. Useful outreach that is refused is no goal. */
static double wrongness(const struct row *r, const struct gate_limits *l)
{
	double by = r->label == GATE_VALUE ? fmax(l->value - r->substance, r->request - l->request)
					   : fmin(r->substance - l->value, l->request - r->request);
	bool aimed_at = r->label != GATE_VALUE || r->slice != SLICE_OUTREACH;
	bool wrong = aimed_at && (r->judged == GATE_VALUE) != (r->label == GATE_VALUE);
	return wrong ? by + r->sure : -INFINITY;
}

static void worst(const struct corpus *c, const struct gate_limits *l, int n)
{
	bool *shown = calloc((size_t)c->n, sizeof *shown);
	printf("\nThe worst %d mistakes (substance from %.2f on is value, request from %.2f on an ask):\n", n, l->value,
	       l->request);
	for (int j = 0; j < n && shown != NULL; j++) {
		int at = -1;
		for (int i = 0; i < c->n; i++)
			if (!shown[i] && wrongness(&c->row[i], l) > (at < 0 ? -INFINITY : wrongness(&c->row[at], l)))
				at = i;
		if (at < 0)
			break;
		const struct row *r = &c->row[at];
		shown[at] = true;
		printf("%2d. %s, judged %s: substance %.2f, request %.2f; %s, sure %d\n   \"%s\": %.100s\n", j + 1,
		       gate_verdict_name(r->label), gate_verdict_name(r->judged), r->substance, r->request, r->id,
		       r->sure, r->subject, r->begin);
		tops("towards substance", r->up);
		tops("against it", r->down);
		tops("towards a request", r->asks);
	}
	free(shown);
}

int main(int argc, char **argv)
{
	struct gate_limits l = { 0 };
	struct corpus c;

	if (argc != 2 || corpus_read(argv[1], &c) < 0) {
		fprintf(stderr, "eval-gate: SKIPPED: %s is not here; nothing was measured\n",
			argc == 2 ? argv[1] : "?");
		return 0;
	}
	printf("%d letters, %d sources. Rows: label; columns: judged value, ask, empty.\n\n", c.n, c.source_n);
	judge_folds(&c, corpus_cross(&c, 0));
	puts("The short letters LEFT OUT ENTIRELY (nothing of their kind was learned from):");
	confusion(&c, "  short letters", SLICE_LETTERS, -1);

	judge_folds(&c, corpus_cross(&c, WITHIN));
	printf("\nEach source left out in turn; the short letters BY %dths OF THEIR OWN, every tenth letter:\n",
	       WITHIN);
	for (int s = 0; s < SLICE_N; s++)
		confusion(&c, slice_name((enum slice)s), s, -1);
	puts("");
	for (int s = 0; s < c.source_n; s++)
		confusion(&c, c.source[s], -1, s);
	goals_table(&c);
	limits_choose(&c, -1, &l);
	worst(&c, &l, 10);
	free(c.row);
	return 0;
}
