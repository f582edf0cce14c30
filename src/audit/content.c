/* The same content twice to one contact, in whichever sequence. The same touch may carry it again: it was not delivered
 * before. */
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "audit_int.h"

static int by_content(const void *a, const void *b, void *arg)
{
	const struct arrival *touch = arg, *x = &touch[*(const uint32_t *)a], *y = &touch[*(const uint32_t *)b];
	int c;

	if (x->person != y->person)
		return x->person < y->person ? -1 : 1;
	c = memcmp(x->content, y->content, sizeof x->content);
	if (c)
		return c;
	return (x->place.at > y->place.at) - (x->place.at < y->place.at);
}

static bool same(const struct arrival *x, const struct arrival *y)
{
	return x->person == y->person && !memcmp(x->content, y->content, sizeof x->content);
}

/* Against the first one before it that counted. */
static void one_judge(struct audit *a, const uint32_t *row, uint32_t first, uint32_t i)
{
	const struct arrival *t = &a->touch[row[i]];

	for (uint32_t k = first; k < i; k++) {
		const struct arrival *u = &a->touch[row[k]];
		struct buf b = { 0 };

		if (u->id == t->id || (u->gone && !touch_counted(u, t)))
			continue;
		touch_text(&b, t);
		buf_str(&b, " carries the content of ");
		touch_text(&b, u);
		tell(a, RULE_CONTENT, &t->place, "%s: %s (%s, %s)", names_text(&a->people, t->person), buf_text(&b),
		     names_text(&a->sequences, u->sequence), names_text(&a->steps, u->step));
		buf_free(&b);
		return;
	}
}

void content_judge(struct audit *a)
{
	uint32_t *row = mem_array((size_t)a->touch_n + 1, sizeof *row), n = 0, first = 0;

	for (uint32_t i = 0; i < a->touch_n; i++)
		if (a->touch[i].has_content)
			row[n++] = i;
	if (n > 1)
		qsort_r(row, n, sizeof *row, by_content, a->touch);
	for (uint32_t i = 0; i < n; i++) {
		if (!same(&a->touch[row[first]], &a->touch[row[i]]))
			first = i;
		one_judge(a, row, first, i);
	}
	free(row);
}
