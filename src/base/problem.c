#include "abv/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"

const char *severity_name(enum severity s)
{
	switch (s) {
	case SEVERITY_ERROR: return "error";
	case SEVERITY_WARNING: return "warning";
	case SEVERITY_NOTE: return "note";
	}
	return "unknown";
}

void problems_add(struct problems *p, enum severity s, const char *file, int line, int column, const char *rule,
		  const char *fmt, ...)
{
	struct problem *row;
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = mem_strdup("");
	va_end(ap);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 8;
		p->row = mem_grow(p->row, p->cap, sizeof(*p->row));
	}
	row = &p->row[p->n++];
	*row = (struct problem){ .line = line, .column = column, .severity = s, .message = text };
	row->file = mem_strdup(file ? file : "");
	row->rule = mem_strdup(rule ? rule : "");
	p->errors += s == SEVERITY_ERROR;
	p->warnings += s == SEVERITY_WARNING;
}

static bool stands_before(const struct problem *x, const struct problem *y)
{
	int c = strcmp(x->file, y->file);

	if (c)
		return c < 0;
	return x->line != y->line ? x->line < y->line : x->column < y->column;
}

/* By insertion: stable, and the readers tell their findings nearly in order. */
void problems_sort(struct problems *p)
{
	for (size_t i = 1, j; i < p->n; i++) {
		struct problem row = p->row[i];

		for (j = i; j > 0 && stands_before(&row, &p->row[j - 1]); j--)
			p->row[j] = p->row[j - 1];
		p->row[j] = row;
	}
}

void problems_free(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->row[i].file);
		free(p->row[i].rule);
		free(p->row[i].message);
	}
	free(p->row);
	*p = (struct problems){ 0 };
}

void problem_format(const struct problem *p, struct buf *out)
{
	buf_str(out, p->file);
	if (p->line)
		buf_printf(out, ":%d", p->line);
	if (p->line && p->column)
		buf_printf(out, ":%d", p->column);
	buf_printf(out, ": %s: %s [%s]", severity_name(p->severity), p->message, p->rule);
}

int problem_distance(const char *a, size_t an, const char *b, size_t bn)
{
	enum { MAX = 40 };
	int d[3][MAX + 1];

	if (an > MAX || bn > MAX)
		return MAX;
	for (size_t j = 0; j <= bn; j++)
		d[0][j] = (int)j;
	for (size_t i = 1; i <= an; i++) {
		int *now = d[i % 3], *last = d[(i - 1) % 3], *before = d[(i + 1) % 3];

		now[0] = (int)i;
		for (size_t j = 1; j <= bn; j++) {
			int same = !strncasecmp(a + i - 1, b + j - 1, 1);
			int best = last[j - 1] + !same;

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && !strncasecmp(a + i - 1, b + j - 2, 1) &&
			    !strncasecmp(a + i - 2, b + j - 1, 1) && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return d[an % 3][bn];
}
