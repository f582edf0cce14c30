/* How much of one letter stands in another: by its runs of five words, so that a changed figure or name costs five of
 * them, not the whole. Greeting, signature, footer and quoted text are no part of it (gate_text.c): two letters of one
 * sender are not alike for that. */
#include <stdlib.h>
#include <string.h>

#include "gate_int.h"

#define SHINGLE_WORDS  5
#define SHINGLES_LEAST 12 /* fewer are too few to tell a coincidence from a copy */

static uint32_t word_hash(const char *s)
{
	uint32_t h = 2166136261u;
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static int row_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

void gate_shingles_read(const struct gate_input *in, struct gate_shingles *out)
{
	struct gate_text t;
	uint32_t last[SHINGLE_WORDS] = { 0 };
	int n = 0;
	gate_text_read(in, &t);
	for (int i = 0; i < t.word_n; i++) {
		uint32_t h = 0;
		last[i % SHINGLE_WORDS] = word_hash(t.word[i].text);
		for (int k = 0; k < SHINGLE_WORDS; k++) /* in order, from the oldest */
			h = (h ^ last[(i + 1 + k) % SHINGLE_WORDS]) * 2654435761u + 0x9e3779b9u;
		if (i >= SHINGLE_WORDS - 1 && n < GATE_SHINGLES_MAX)
			out->row[n++] = h;
	}
	qsort(out->row, (size_t)n, sizeof out->row[0], row_cmp);
	out->n = 0;
	for (int i = 0; i < n; i++)
		if (i == 0 || out->row[i] != out->row[i - 1])
			out->row[out->n++] = out->row[i];
}

int gate_shingles_share(const struct gate_shingles *a, const struct gate_shingles *b)
{
	int both = 0;
	if (a->n < SHINGLES_LEAST)
		return a->n > 0 && a->n == b->n && memcmp(a->row, b->row, (size_t)a->n * sizeof a->row[0]) == 0 ? 100
														: 0;
	for (int i = 0, k = 0; i < a->n && k < b->n;) {
		both += a->row[i] == b->row[k];
		uint32_t x = a->row[i], y = b->row[k];
		i += x <= y;
		k += y <= x;
	}
	return both * 100 / a->n;
}
