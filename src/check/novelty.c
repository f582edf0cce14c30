/* What a letter gives that another one has given already. Within a sequence that is an error: nobody gets the same
 * content twice (invariant 6), so that the later step would be skipped (equal content) or be sent for nothing (all but
 * a word or two). Where some of it is new, and between sequences, it is a warning: only who is in both reads it twice.
 * A template that two sequences share is no finding. */
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "check_int.h"

struct text {
	const struct plan_sequence *sequence; /* the first that has it */
	const struct template *template;
	const char *name;
	uint32_t *row; /* owned */
	int n;
};

struct texts {
	struct text *row;
	size_t n;
};

static void shingles_of(const struct template *t, struct gate_shingles *out)
{
	const char *body = template_body(t);
	struct gate_input in = { .subject = "", .text = body, .text_len = strlen(body), .is_template = true };

	gate_shingles_read(&in, out);
}

static void tell(const struct plan *p, const struct step *s, const struct step *of, int share,
		 struct problems *problems)
{
	const struct config_place *at = &config_step_use(p->config, s)->step_at;
	bool same = share >= GATE_REPEAT_SAME;

	problems_add(problems, same ? SEVERITY_ERROR : SEVERITY_WARNING, at->file, at->line, at->column,
		     "repeat-content", "step '%s': %d %% of '%s' stands in '%s', step '%s', already: %s", s->name,
		     share, s->template_name, of->template_name, of->name,
		     same ? "nobody gets the same twice, tell something new" : "leave out what the reader knows");
}

/* ---- within a sequence: each step against those before it ---- */

/* The earlier step that the later one repeats; *share its percentage, 100 for equal content. */
static const struct step *repeated(const struct plan_sequence *ps, size_t later, char (*digest)[DIGEST_HEX],
				   const struct gate_shingles *shingles, int *share)
{
	const struct step *of = NULL;

	*share = 0;
	for (size_t i = 0; i < later; i++) {
		int n;

		if (!ps->step[i].template)
			continue;
		n = strcmp(digest[i], digest[later]) == 0 ? 100 : gate_shingles_share(&shingles[later], &shingles[i]);
		if (n > *share) {
			*share = n;
			of = &ps->sequence->step[i];
		}
	}
	return of;
}

void novelty_in_sequence(const struct plan *p, struct plan_sequence *ps, struct problems *problems)
{
	const struct sequence *q = ps->sequence;
	char(*digest)[DIGEST_HEX] = mem_array(q->step_n + 1, sizeof *digest);
	struct gate_shingles *shingles = mem_array(q->step_n + 1, sizeof *shingles);

	for (size_t i = 0; i < q->step_n; i++) {
		const struct step *of;
		int share;

		if (!ps->step[i].template)
			continue;
		const char *body = template_body(ps->step[i].template);

		render_content_digest(body, strlen(body), digest[i]);
		shingles_of(ps->step[i].template, &shingles[i]);
		of = repeated(ps, i, digest, shingles, &share);
		if (!of || share < GATE_REPEAT_MUCH)
			continue;
		tell(p, &q->step[i], of, share, problems);
		ps->startable &= share < GATE_REPEAT_SAME;
	}
	free(digest);
	free(shingles);
}

/* ---- between sequences. Through an index of shingles, so that a thousand templates don't cost a million comparisons.
 */

static bool is_listed(const struct texts *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->row[i].name, name))
			return true;
	return false;
}

static void texts_read(const struct plan *p, struct texts *t)
{
	struct gate_shingles *s = mem_alloc(sizeof *s);
	size_t all = 0;

	for (size_t i = 0; i < p->config->sequence_n; i++)
		all += p->config->sequence[i].step_n;
	t->row = mem_array(all + 1, sizeof *t->row);
	for (size_t i = 0; i < p->config->sequence_n; i++) {
		const struct plan_sequence *ps = &p->sequence[i];

		for (size_t j = 0; j < ps->sequence->step_n; j++) {
			const char *name = ps->sequence->step[j].template_name;
			struct text *x = &t->row[t->n];

			if (!ps->step[j].template || is_listed(t, name))
				continue;
			shingles_of(ps->step[j].template, s);
			*x = (struct text){ .sequence = ps, .template = ps->step[j].template, .name = name, .n = s->n };
			x->row = mem_array((size_t)s->n + 1, sizeof *x->row);
			memcpy(x->row, s->row, (size_t)s->n * sizeof *x->row);
			t->n++;
		}
	}
	free(s);
}

static bool sequence_has(const struct plan_sequence *ps, const char *template_name)
{
	for (size_t i = 0; i < ps->sequence->step_n; i++)
		if (!strcmp(ps->sequence->step[i].template_name, template_name))
			return true;
	return false;
}

static int cmp_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

#define GROUP_MAX  4 /* of so many templates with a shingle each is paired with each; of more, neighbours only */
#define PAIR_LEAST 8 /* shingles in common: what less have is not asked for its share */

/* Pairs of templates, a pair for each shingle that they have in common, sorted. */
static uint64_t *pairs_of(const struct texts *t, size_t *pair_n)
{
	size_t n = 0, k = 0;

	for (size_t i = 0; i < t->n; i++)
		n += (size_t)t->row[i].n;
	uint64_t *all = mem_array(n + 1, sizeof *all), *pair = mem_array(n * (GROUP_MAX - 1) / 2 + n + 1, sizeof *pair);

	for (size_t i = 0; i < t->n; i++)
		for (int j = 0; j < t->row[i].n; j++)
			all[k++] = (uint64_t)t->row[i].row[j] << 32 | i;
	qsort(all, n, sizeof *all, cmp_u64);
	*pair_n = 0;
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && all[end] >> 32 == all[i] >> 32;)
			end++;
		for (size_t a = i; a < end; a++)
			for (size_t b = a + 1; b < end && (b == a + 1 || end - i <= GROUP_MAX); b++)
				pair[(*pair_n)++] = (all[a] & 0xffffffff) << 32 | (all[b] & 0xffffffff);
	}
	qsort(pair, *pair_n, sizeof *pair, cmp_u64);
	free(all);
	return pair;
}

static int share_of(const struct text *a, const struct text *b)
{
	struct gate_shingles x = { .n = a->n }, y = { .n = b->n };

	memcpy(x.row, a->row, (size_t)a->n * sizeof *x.row);
	memcpy(y.row, b->row, (size_t)b->n * sizeof *y.row);
	return gate_shingles_share(&x, &y);
}

static void pair_judge(const struct plan *p, const struct text *a, const struct text *b, struct problems *problems)
{
	int share = share_of(b, a), back = share_of(a, b);

	if (sequence_has(a->sequence, b->name) || sequence_has(b->sequence, a->name))
		return; /* told as steps of one sequence */
	if (back > share) {
		const struct text *x = a;

		a = b;
		b = x;
		share = back;
	}
	if (share < GATE_REPEAT_MUCH)
		return;
	char *path = mem_printf("%s/%s", p->config->template_dir, b->name);

	problems_add(problems, SEVERITY_WARNING, path, template_body_line(b->template), 1, "repeat-content",
		     "%d %% of it stands in '%s' of sequence '%s', too: who is in both reads it twice", share, a->name,
		     a->sequence->sequence->name);
	free(path);
}

void novelty_between(const struct plan *p, struct problems *problems)
{
	struct texts t = { 0 };
	size_t n;

	if (p->config->sequence_n < 2)
		return;
	texts_read(p, &t);
	uint64_t *pair = pairs_of(&t, &n);

	for (size_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && pair[end] == pair[i];)
			end++;
		if (end - i >= PAIR_LEAST)
			pair_judge(p, &t.row[pair[i] >> 32], &t.row[pair[i] & 0xffffffff], problems);
	}
	free(pair);
	for (size_t i = 0; i < t.n; i++)
		free(t.row[i].row);
	free(t.row);
}
