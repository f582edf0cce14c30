/* Two logistic regressions with a penalty on the squares of the weights, by Newton's method: deterministic, and the
 * penalty decides what a few hundred letters can support. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gate_fit.h"

#define D (GATE_FEATURE_N + 1) /* and the bias */
/* Chosen by the goals across sources left out; half and twice of each differ by less than the goals are apart. */
#define PENALTY         40.0
#define LETTERS         4.0 /* what the slices count for */
#define CONTENT         4.0
#define USEFUL_OUTREACH 0.1
#define SPREAD_MIN      0.02 /* a feature that hardly varies in training must not decide */
#define SOURCE          60.0 /* rows that a source counts for, more or less: see weigh() */

/* Neither the biggest source nor the number of its copies decides: a source's weight grows with the root of its rows.
 * The letters, of many hands and trades, are what others will write like; useful outreach is labelled least surely. */
static void weigh(const struct corpus *c, int held_out, double *w)
{
	double sum[64] = { 0 };
	for (int i = 0; i < c->n; i++) {
		const struct row *r = &c->row[i];
		w[i] = r->fold == held_out ? 0.0 : pow(r->sure / 3.0, 1.5);
		if (r->slice == SLICE_OUTREACH && r->label == GATE_VALUE)
			w[i] *= USEFUL_OUTREACH;
		sum[r->source_no] += w[i];
	}
	for (int i = 0; i < c->n; i++) {
		const struct row *r = &c->row[i];
		double factor = r->slice == SLICE_LETTERS ? LETTERS : r->slice == SLICE_CONTENT ? CONTENT : 1.0;
		if (w[i] > 0.0)
			w[i] *= factor * sqrt(SOURCE / sum[r->source_no]);
	}
}

/* The rarer class counts more, by the root of the ratio. */
static void balance(const struct corpus *c, const bool *yes, double *w)
{
	double sum[2] = { 0 };
	for (int i = 0; i < c->n; i++)
		sum[yes[i]] += w[i];
	for (int i = 0; i < c->n; i++)
		w[i] *= sqrt((sum[0] + sum[1]) / 2.0 / sum[yes[i]]);
}

static void standardize(const struct corpus *c, const double *w, struct model *m)
{
	for (int k = 0; k < GATE_FEATURE_N; k++) {
		double sum = 0, mean = 0, square = 0;
		for (int i = 0; i < c->n; i++) {
			sum += w[i];
			mean += w[i] * c->row[i].f[k];
		}
		mean /= sum;
		for (int i = 0; i < c->n; i++)
			square += w[i] * (c->row[i].f[k] - mean) * (c->row[i].f[k] - mean);
		m->mean[k] = mean;
		m->per_deviation[k] = 1.0 / fmax(sqrt(square / sum), SPREAD_MIN);
	}
}

static double deviation(const struct model *m, const double *f, int k)
{
	double z = (f[k] - m->mean[k]) * m->per_deviation[k];
	return fmax(-GATE_DEVIATIONS, fmin(GATE_DEVIATIONS, z));
}

/* Solves h x = g for a symmetric, positive h; x replaces g. */
static void solve(double (*h)[D], double *g)
{
	for (int j = 0; j < D; j++) {
		for (int k = 0; k < j; k++)
			h[j][j] -= h[j][k] * h[j][k];
		h[j][j] = sqrt(h[j][j]);
		for (int i = j + 1; i < D; i++) {
			for (int k = 0; k < j; k++)
				h[i][j] -= h[i][k] * h[j][k];
			h[i][j] /= h[j][j];
		}
	}
	for (int i = 0; i < D; i++) {
		for (int k = 0; k < i; k++)
			g[i] -= h[i][k] * g[k];
		g[i] /= h[i][i];
	}
	for (int i = D - 1; i >= 0; i--) {
		for (int k = i + 1; k < D; k++)
			g[i] -= h[k][i] * g[k];
		g[i] /= h[i][i];
	}
}

static void newton_step(double (*z)[D], const bool *yes, const double *w, int n, const double *b, double (*h)[D],
			double *g)
{
	memset(h, 0, sizeof *h * D);
	memset(g, 0, sizeof *g * D);
	for (int i = 0; i < n; i++) {
		double s = 0;
		if (w[i] <= 0.0)
			continue;
		for (int k = 0; k < D; k++)
			s += z[i][k] * b[k];
		double p = 1.0 / (1.0 + exp(-fmax(-30.0, fmin(30.0, s)))), v = w[i] * p * (1.0 - p);
		for (int k = 0; k < D; k++) {
			g[k] += w[i] * (p - yes[i]) * z[i][k];
			double vk = v * z[i][k];
			for (int j = 0; j <= k; j++)
				h[k][j] += vk * z[i][j];
		}
	}
	for (int k = 0; k < D; k++) {
		double penalty = k < GATE_FEATURE_N ? PENALTY : 1e-6;
		h[k][k] += penalty;
		g[k] += penalty * b[k];
	}
	solve(h, g);
}

static void logistic(double (*z)[D], const bool *yes, const double *w, int n, double *b)
{
	static double h[D][D], g[D];
	memset(b, 0, sizeof *b * D);
	for (int round = 0; round < 25; round++) {
		double largest = 0;
		newton_step(z, yes, w, n, b, h, g);
		for (int k = 0; k < D; k++) {
			b[k] -= g[k];
			largest = fmax(largest, fabs(g[k]));
		}
		if (largest < 1e-7)
			return;
	}
}

void model_fit(const struct corpus *c, int held_out, struct model *m)
{
	double(*z)[D] = calloc((size_t)c->n, sizeof *z), *w = calloc((size_t)c->n, sizeof *w);
	double *v = calloc((size_t)c->n, sizeof *v);
	bool *yes = calloc((size_t)c->n, sizeof *yes);
	if (z == NULL || w == NULL || v == NULL || yes == NULL)
		abort();
	weigh(c, held_out, w);
	standardize(c, w, m);
	for (int i = 0; i < c->n; i++) {
		for (int k = 0; k < GATE_FEATURE_N; k++)
			z[i][k] = deviation(m, c->row[i].f, k);
		z[i][GATE_FEATURE_N] = 1.0;
		yes[i] = c->row[i].label != GATE_EMPTY;
	}
	memcpy(v, w, sizeof *v * (size_t)c->n);
	balance(c, yes, v);
	logistic(z, yes, v, c->n, m->substance);
	for (int i = 0; i < c->n; i++) {
		v[i] = c->row[i].label == GATE_EMPTY ? 0.0 : w[i];
		yes[i] = c->row[i].label == GATE_ASK;
	}
	balance(c, yes, v);
	logistic(z, yes, v, c->n, m->request);
	free(z);
	free(w);
	free(v);
	free(yes);
}

/* The features that move a score most towards `sign`. */
static void strongest(const struct model *m, const double *b, const double *f, double sign, int *top)
{
	for (int j = 0; j < TOP; j++) {
		double best = 0.02;
		top[j] = -1;
		for (int k = 0; k < GATE_FEATURE_N; k++) {
			double x = deviation(m, f, k) * b[k] * sign;
			bool taken = false;
			for (int i = 0; i < j; i++)
				taken |= top[i] == k;
			if (!taken && x > best) {
				best = x;
				top[j] = k;
			}
		}
	}
}

void model_scores(const struct model *m, struct row *r)
{
	r->substance = m->substance[GATE_FEATURE_N] - (r->sells_openly ? GATE_SELLING : 0.0);
	r->request = m->request[GATE_FEATURE_N];
	for (int k = 0; k < GATE_FEATURE_N; k++) {
		double z = deviation(m, r->f, k);
		r->substance += z * m->substance[k];
		r->request += z * m->request[k];
	}
	strongest(m, m->substance, r->f, 1, r->up);
	strongest(m, m->substance, r->f, -1, r->down);
	strongest(m, m->request, r->f, 1, r->asks);
}

int corpus_cross(struct corpus *c, int within)
{
	static struct model m;
	int folds = c->source_n, letters = 0;
	for (int i = 0; i < c->n; i++) {
		struct row *r = &c->row[i];
		r->fold = r->source_no;
		if (within > 0 && r->slice == SLICE_LETTERS)
			r->fold = c->source_n + letters++ % within;
	}
	folds += within;
	for (int k = 0; k < folds; k++) {
		bool any = false;
		for (int i = 0; i < c->n; i++)
			any |= c->row[i].fold == k;
		if (!any)
			continue;
		model_fit(c, k, &m);
		for (int i = 0; i < c->n; i++)
			if (c->row[i].fold == k)
				model_scores(&m, &c->row[i]);
	}
	return folds;
}

/* ---- limits ---- */

struct goals goals_of(const struct corpus *c, bool (*passes)(const struct row *, const void *), const void *arg)
{
	int n[3][SLICE_N] = { 0 }, bad[3][SLICE_N] = { 0 }, of = 0, wrong = 0;
	struct goals g;
	for (int i = 0; i < c->n; i++) {
		const struct row *r = &c->row[i];
		n[r->label][r->slice]++;
		bad[r->label][r->slice] += passes(r, arg) != (r->label == GATE_VALUE);
	}
#define SHARE(l, s) (n[l][s] > 0 ? (double)bad[l][s] / n[l][s] : 0.0)
	g.content_refused = SHARE(GATE_VALUE, SLICE_CONTENT);
	g.letters_refused = SHARE(GATE_VALUE, SLICE_LETTERS);
	g.outreach_refused = SHARE(GATE_VALUE, SLICE_OUTREACH);
	for (int s = 0; s < SLICE_N; s++) {
		of += n[GATE_EMPTY][s];
		wrong += bad[GATE_EMPTY][s];
	}
	g.empty_passed = of > 0 ? (double)wrong / of : 0.0;
	of = wrong = 0;
	for (int s = 0; s < SLICE_N; s++) {
		of += n[GATE_ASK][s];
		wrong += bad[GATE_ASK][s];
	}
	g.ask_passed = of > 0 ? (double)wrong / of : 0.0;
	return g;
}

struct choice {
	int but;
	double value, request;
};

static bool would_pass(const struct row *r, const void *arg)
{
	const struct choice *x = arg;
	if (r->fold == x->but) /* not looked at: as it should be */
		return r->label == GATE_VALUE;
	return !r->rule_empty && !r->asks_openly && r->substance >= x->value && r->request < x->request;
}

static double over(double share, double goal)
{
	return fmax(share / goal, 1.0) + 0.05 * share / goal;
}

void limits_choose(const struct corpus *c, int but, struct gate_limits *l)
{
	double best = INFINITY, gap = -INFINITY;
	for (int i = -20; i <= 30; i++)
		for (int k = -8; k <= 8; k++) {
			struct choice x = { but, i * 0.1, k * 0.25 };
			struct goals g = goals_of(c, would_pass, &x);
			double cost = over(g.empty_passed, 0.02) + over(g.ask_passed, 0.08) +
				      over(g.content_refused, 0.01) + over(g.letters_refused, 0.10);
			if (cost < best) {
				best = cost;
				l->value = x.value;
				l->request = x.request;
			}
		}
	l->ask = l->value;
	for (int i = -20; i <= (int)(l->value * 10.0); i++) { /* what parts an ask from an empty letter that asks */
		double n[3] = { 1, 1, 1 }, in[3] = { 0 };
		for (int k = 0; k < c->n; k++) {
			const struct row *r = &c->row[k];
			if (r->fold == but || r->rule_empty || (r->request < l->request && !r->asks_openly))
				continue;
			n[r->label]++;
			in[r->label] += r->substance >= i * 0.1;
		}
		double x = in[GATE_ASK] / n[GATE_ASK] - in[GATE_EMPTY] / n[GATE_EMPTY];
		if (x > gap) {
			gap = x;
			l->ask = i * 0.1;
		}
	}
}
