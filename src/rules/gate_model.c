/* Two linear scores: how much substance a letter has, and how much it wants. A letter of enough substance that wants
 * little is a value letter; one that wants something is an ask, and needs less substance; the rest is empty. The limits
 * are set so that an empty letter that passes weighs more than a good one refused (tests/gate). */
#include <math.h>

#include "gate_features.h"

/* What feature i adds to a score. */
static double adds(const double f[GATE_FEATURE_N], int i, bool request)
{
	const struct gate_weight *w = &gate_weights[i];
	double z = (f[i] - w->mean) * w->per_deviation;
	return fmax(-GATE_DEVIATIONS, fmin(GATE_DEVIATIONS, z)) * (request ? w->request : w->substance);
}

enum gate_verdict gate_model_verdict(double substance, double request, const struct gate_limits *l)
{
	if (request >= l->request)
		return substance >= l->ask ? GATE_ASK : GATE_EMPTY;
	return substance >= l->value ? GATE_VALUE : GATE_EMPTY;
}

void gate_model_judge(const struct gate_look *look, struct gate_opinion *o)
{
	o->substance = gate_limits.substance_bias;
	o->request = gate_limits.request_bias;
	for (int i = 0; i < GATE_FEATURE_N; i++) {
		o->substance += adds(look->f, i, false);
		o->request += adds(look->f, i, true);
	}
	if (gate_sells_openly(look))
		o->substance -= GATE_SELLING;
	o->verdict = gate_model_verdict(o->substance, o->request, &gate_limits);
}

#define ASIDE 120 /* with more useful words than that to a request it is one */

/* Two or more of a kind, and no aside: at least one sentence in `of`. */
static bool repeats(const struct gate_look *look, enum gate_kind kind, int of)
{
	return look->kind[kind] > 1 && look->kind[kind] * of >= look->sentence_n;
}

bool gate_asks_openly(const struct gate_look *look)
{
	return (look->asks > 0 && look->substance < ASIDE * look->asks) || repeats(look, KIND_OF_MEETING, 7);
}

bool gate_sells_openly(const struct gate_look *look)
{
	return repeats(look, KIND_OF_SCARCE, 12) || repeats(look, KIND_OF_PITCH, 12);
}

int gate_model_strongest(const double f[GATE_FEATURE_N], bool request, int sign, int *feature, int n)
{
	double of[8] = { 0 };
	int have = 0;
	n = n < 8 ? n : 8;
	if (n <= 0)
		return 0;
	for (int i = 0; i < GATE_FEATURE_N; i++) {
		double x = adds(f, i, request) * sign;
		int k;
		if (x <= 0.01 || (have == n && x <= of[n - 1]))
			continue;
		have += have < n;
		for (k = have - 1; k > 0 && of[k - 1] < x; k--) {
			of[k] = of[k - 1];
			feature[k] = feature[k - 1];
		}
		of[k] = x;
		feature[k] = i;
	}
	return have;
}
