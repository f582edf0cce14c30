/* Random cases that shrink. A generator draws numbers from a tape: fresh ones are random, replayed ones are given. A
 * case is its tape, so a failing case is made small without knowing what it is made of: shorter tapes and smaller
 * numbers are tried as long as the property still fails. Generators therefore let 0 be the simplest choice.
 *
 *   ABV_CASES  how many cases        ABV_SEED  one seed for all of them (else a fixed one and the time's)
 *   ABV_CASE   only this one, as a failure prints it
 *   ABV_SHRINK 0: a failure is not made small (for those who only count failures)
 */
#ifndef RANDOM_CASES_H
#define RANDOM_CASES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TAPE_MAX     4096
#define SHRINK_TRIES 30000

struct gen {
	uint64_t rng;
	int64_t tape[TAPE_MAX];
	size_t n, at; /* n: of a tape that is replayed */
	bool replay;
	char why[4096]; /* what is wrong, told by the property */
	size_t why_n;
};

/* 0 ... n; 0 is the simplest. */
static inline int64_t gen_up_to(struct gen *g, int64_t n)
{
	uint64_t v;

	if (n <= 0 || g->at >= TAPE_MAX)
		return 0;
	if (g->replay) {
		v = g->at < g->n ? (uint64_t)g->tape[g->at] : 0;
	} else { /* xorshift64* */
		g->rng ^= g->rng >> 12;
		g->rng ^= g->rng << 25;
		g->rng ^= g->rng >> 27;
		v = (g->rng * UINT64_C(2685821657736338717)) >> 11;
	}
	return g->tape[g->at++] = (int64_t)(v % (uint64_t)(n + 1));
}

static inline bool gen_one_in(struct gen *g, int n)
{
	return gen_up_to(g, n - 1) == n - 1;
}

static inline void gen_say(struct gen *g, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(g->why + g->why_n, sizeof g->why - g->why_n, fmt, ap);
	va_end(ap);
	g->why_n += n < 0 ? 0 : (size_t)n;
	if (g->why_n >= sizeof g->why)
		g->why_n = sizeof g->why - 1;
}

/* True: it holds. False: gen_say() told why not. */
typedef bool property(struct gen *g);

/* A case can be had again without those before it. */
static inline void gen_seed(struct gen *g, int64_t seed, int64_t case_no)
{
	uint64_t x = (uint64_t)seed * UINT64_C(0x9E3779B97F4A7C15) + (uint64_t)case_no; /* splitmix64 */

	x = (x + UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
	g->rng = (x ^ x >> 31) | 1;
	g->at = g->n = g->why_n = 0;
	g->replay = false;
}

struct shrink {
	property *holds;
	struct gen *best, *g;
	int tries;
};

/* Shorter, or as long and the first number that differs is smaller: so it comes to an end. */
static inline bool is_smaller(const struct gen *a, const struct gen *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	for (size_t i = 0; i < a->at; i++)
		if (a->tape[i] != b->tape[i])
			return a->tape[i] < b->tape[i];
	return false;
}

/* Runs the tape in s->g; keeps it when it fails too and is smaller. */
static inline bool shrink_try(struct shrink *s)
{
	s->tries++;
	s->g->replay = true;
	s->g->at = s->g->why_n = 0;
	if (s->holds(s->g) || !is_smaller(s->g, s->best))
		return false;
	*s->best = *s->g;
	s->best->n = s->best->at;
	return true;
}

static inline bool shrink_cut(struct shrink *s, size_t from, size_t n, bool only_zero)
{
	*s->g = *s->best;
	if (only_zero) {
		memset(s->g->tape + from, 0, n * sizeof *s->g->tape);
	} else {
		memmove(s->g->tape + from, s->g->tape + from + n, (s->g->n - from - n) * sizeof *s->g->tape);
		s->g->n -= n;
	}
	return shrink_try(s);
}

/* A list is its length and then its rows: one less, and a row less. */
static inline bool shrink_row(struct shrink *s, size_t i)
{
	for (size_t row = 1; row <= 8; row++)
		for (size_t from = i + 1; from <= i + 1 + 2 * row && from + row <= s->best->n; from += row) {
			if (s->best->tape[i] < 1)
				return false;
			*s->g = *s->best;
			s->g->tape[i]--;
			memmove(s->g->tape + from, s->g->tape + from + row,
				(s->g->n - from - row) * sizeof *s->g->tape);
			s->g->n -= row;
			if (shrink_try(s))
				return true;
		}
	return false;
}

static inline bool shrink_to(struct shrink *s, size_t i, int64_t v)
{
	if (i >= s->best->n || v >= s->best->tape[i])
		return false;
	*s->g = *s->best;
	s->g->tape[i] = v;
	return shrink_try(s);
}

static inline bool shrink_number(struct shrink *s, size_t i)
{
	static const int64_t round[] = { 86400000, 3600000, 900000, 60000, 1000 };
	bool any = false;

	for (int64_t less = s->best->tape[i]; less > 0 && i < s->best->n; less /= 2)
		any |= shrink_to(s, i, s->best->tape[i] - less);
	for (size_t k = 0; k < sizeof round / sizeof *round && i < s->best->n; k++)
		any |= shrink_to(s, i, s->best->tape[i] - s->best->tape[i] % round[k]);
	return any;
}

static inline void gen_shrink(property *holds, struct gen *best)
{
	struct gen *g = malloc(sizeof *g);
	struct shrink s = { .holds = holds, .best = best, .g = g };
	bool any = g != NULL;

	best->n = best->at;
	while (any && s.tries < SHRINK_TRIES) {
		any = false;
		for (size_t size = 32; size > 0; size /= 2)
			for (size_t i = best->n; i-- > 0;)
				if (i + size <= best->n)
					any |= shrink_cut(&s, i, size, false) || shrink_cut(&s, i, size, true);
		for (size_t i = 0; i < best->n && s.tries < SHRINK_TRIES; i++)
			any |= shrink_number(&s, i) || shrink_row(&s, i);
	}
	free(g);
}

static inline int64_t gen_setting(const char *name, int64_t otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtoll(s, NULL, 0) : otherwise;
}

/* Sanitizers are for what a case does to memory: fewer cases show it. */
static inline int64_t gen_cases(int64_t n)
{
#ifdef __SANITIZE_ADDRESS__
	n /= 20;
#endif
	/* ABV_CASES is meant for the property with the most of them; the others keep their share */
	int64_t all = gen_setting("ABV_CASES", 0);

	return all > 0 ? (n * all + 999999) / 1000000 : n;
}

static inline int gen_run(const char *name, property *holds, int64_t seed, int64_t from, int64_t n)
{
	struct gen *g = malloc(sizeof *g);
	int rc = g ? 0 : -1;

	for (int64_t i = from; g && rc == 0 && i < from + n; i++) {
		gen_seed(g, seed, i);
		if (holds(g))
			continue;
		rc = -1;
		printf("%s: case %lld of seed %lld (ABV_SEED=%lld ABV_CASE=%lld): %s", name, (long long)i,
		       (long long)seed, (long long)seed, (long long)i, g->why);
		if (gen_setting("ABV_SHRINK", 1) == 0)
			break;
		gen_shrink(holds, g);
		printf("%s, made small: %s", name, g->why);
	}
	free(g);
	return rc;
}

/* Half of the cases from a fixed seed, half from the time's; both are printed. 0, or -1 after printing what failed. */
static inline int gen_check(const char *name, property *holds, int64_t cases)
{
	int64_t n = gen_cases(cases), only = gen_setting("ABV_CASE", -1), given = gen_setting("ABV_SEED", -1);
	int64_t now = (int64_t)time(NULL);

	if (only >= 0)
		return gen_run(name, holds, given < 0 ? 1 : given, only, 1);
	if (given >= 0) {
		printf("%s: %lld cases, ABV_SEED=%lld\n", name, (long long)n, (long long)given);
		return gen_run(name, holds, given, 0, n);
	}
	printf("%s: %lld cases, half with ABV_SEED=1, half with ABV_SEED=%lld\n", name, (long long)n, (long long)now);
	fflush(stdout);
	return gen_run(name, holds, 1, 0, n - n / 2) < 0 ? -1 : gen_run(name, holds, now, 0, n / 2);
}

#endif
