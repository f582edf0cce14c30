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

static int compare(const void *a, const void *b)
{
	const struct problem *x = *(const struct problem *const *)a, *y = *(const struct problem *const *)b;
	int c = strcmp(x->file, y->file);

	if (!c)
		c = (x->line > y->line) - (x->line < y->line);
	if (!c)
		c = (x->column > y->column) - (x->column < y->column);
	return c ? c : (x > y) - (x < y); /* qsort is not stable by itself: the place in the list decides */
}

void problems_sort(struct problems *p)
{
	struct problem **at, *sorted;

	if (p->n < 2)
		return;
	at = mem_array(p->n, sizeof(*at));
	sorted = mem_array(p->n, sizeof(*sorted));
	for (size_t i = 0; i < p->n; i++)
		at[i] = &p->row[i];
	qsort(at, p->n, sizeof(*at), compare);
	for (size_t i = 0; i < p->n; i++)
		sorted[i] = *at[i];
	free(at);
	free(p->row);
	p->row = sorted;
	p->cap = p->n;
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
