/* Aligned columns: the last one is not padded, so that lines end where their text ends. */
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "ctl_int.h"

size_t text_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void table_add_colour(struct table *t, const char *text, char digit)
{
	struct buf clean = { 0 };

	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->cell = mem_grow(t->cell, t->cap, sizeof *t->cell);
		t->code = mem_grow(t->code, t->cap, 1);
	}
	out_clean(&clean, text ? text : "");
	t->code[t->n] = digit;
	t->cell[t->n++] = buf_take(&clean);
}

void table_add(struct table *t, const char *text)
{
	table_add_colour(t, text, 0);
}

void table_open(struct table *t, const char *const *head)
{
	*t = (struct table){ 0 };
	for (; head[t->columns]; t->columns++)
		table_add(t, head[t->columns]);
}

size_t table_rows(const struct table *t)
{
	return t->columns ? t->n / t->columns - 1 : 0;
}

static void cell_format(const struct table *t, size_t i, size_t pad, bool colour, struct buf *out)
{
	bool head = i < t->columns;

	if (colour && (head || t->code[i])) {
		if (head)
			buf_str(out, "\033[1m");
		else
			buf_printf(out, "\033[3%cm", t->code[i]);
		buf_str(out, t->cell[i]);
		buf_str(out, "\033[0m");
	} else {
		buf_str(out, t->cell[i]);
	}
	for (size_t w = text_width(t->cell[i]); w < pad; w++)
		buf_char(out, ' ');
}

void table_format(const struct table *t, bool colour, struct buf *out)
{
	size_t *width = mem_array(t->columns + 1, sizeof *width);

	for (size_t i = 0; i < t->n; i++) {
		size_t w = text_width(t->cell[i]);

		if (w > width[i % t->columns])
			width[i % t->columns] = w;
	}
	for (size_t row = 0; t->columns && row + t->columns <= t->n; row += t->columns) {
		size_t last = t->columns;

		while (last > 1 && !*t->cell[row + last - 1])
			last--;
		for (size_t k = 0; k < last; k++) {
			cell_format(t, row + k, k + 1 < last ? width[k] : 0, colour, out);
			buf_str(out, k + 1 < last ? "  " : "\n");
		}
	}
	free(width);
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cell[i]);
	free(t->cell);
	free(t->code);
	*t = (struct table){ 0 };
}
