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
