/* Mustache over nested data (the generic expander). Letters do not take this road: their values are flat and must stay
 * out of Markdown's sight. */
#include <string.h>

#include "abv/mem.h"
#include "render_int.h"

/* Bounds for partials that include themselves: how deep, and how many in all. */
#define EXPAND_DEPTH_MAX    200
#define EXPAND_PARTIALS_MAX 10000

struct expander {
	const struct mustache_data *d;
	struct buf *out;
	struct err *e;
	int depth, partials;
};

static int expand_rows(struct expander *x, const struct placeholders *p, size_t from, size_t to);

static int expand_text(struct expander *x, const char *s)
{
	struct placeholders p = { 0 };
	struct placeholder_fault f;
	int r = placeholders_parse(&p, s, strlen(s), &f);

	if (r < 0) {
		int line, column;
		placeholders_where(s, f.at, &line, &column);
		err_set(x->e, "line %d, column %d: %s", line, column, f.text);
	} else {
		r = expand_rows(x, &p, 0, p.n);
	}
	placeholders_free(&p);
	return r;
}

static int expand_partial(struct expander *x, const struct ph *row)
{
	struct buf indented = { 0 };
	const char *s = x->d->partial != NULL ? x->d->partial(x->d->arg, row->name) : NULL;
	int r;

	if (s == NULL)
		return 0;
	if (x->depth == EXPAND_DEPTH_MAX || ++x->partials > EXPAND_PARTIALS_MAX)
		return err_set(x->e, "partial '%s' includes itself without end", row->name);
	x->depth++;
	placeholders_indent(&indented, s, row->text, row->len);
	r = expand_text(x, buf_text(&indented));
	x->depth--;
	buf_free(&indented);
	return r;
}

static int expand_section(struct expander *x, const struct placeholders *p, size_t i)
{
	const struct mustache_data *d = x->d;
	void *value = NULL;
	enum mustache_type type = d->find(d->arg, p->row[i].name, &value);
	size_t n =
	    type == MUSTACHE_LIST ? d->length(d->arg, value) : type != MUSTACHE_MISSING && type != MUSTACHE_FALSE;
	int r = 0;

	if (type == MUSTACHE_TEXT && *d->text(d->arg, value) == '\0')
		n = 0;
	if (p->row[i].type == PH_INVERTED)
		return n == 0 ? expand_rows(x, p, i + 1, p->row[i].end) : 0;
	if (x->depth == EXPAND_DEPTH_MAX)
		return err_set(x->e, "sections and partials are nested too deeply at '%s'", p->row[i].name);
	x->depth++;
	for (size_t k = 0; k < n && r == 0; k++) {
		if (type != MUSTACHE_TRUE)
			d->push(d->arg, type == MUSTACHE_LIST ? d->item(d->arg, value, k) : value);
		r = expand_rows(x, p, i + 1, p->row[i].end);
		if (type != MUSTACHE_TRUE)
			d->pop(d->arg);
	}
	x->depth--;
	return r;
}

static void expand_value(struct expander *x, const struct ph *row)
{
	void *value = NULL;
	enum mustache_type type = x->d->find(x->d->arg, row->name, &value);
	const char *s = type == MUSTACHE_TEXT    ? x->d->text(x->d->arg, value)
			: type == MUSTACHE_TRUE  ? "true"
			: type == MUSTACHE_FALSE ? "false"
						 : "";

	if (row->type == PH_RAW)
		buf_str(x->out, s);
	else
		render_html_escape(x->out, s, strlen(s));
}

static int expand_rows(struct expander *x, const struct placeholders *p, size_t from, size_t to)
{
	for (size_t i = from; i < to;) {
		const struct ph *row = &p->row[i];
		int r = 0;

		switch (row->type) {
		case PH_TEXT: buf_add(x->out, row->text, row->len); break;
		case PH_VALUE:
		case PH_RAW: expand_value(x, row); break;
		case PH_SECTION:
		case PH_INVERTED: r = expand_section(x, p, i); break;
		case PH_PARTIAL: r = expand_partial(x, row); break;
		}
		if (r < 0)
			return -1;
		i = row->type == PH_SECTION || row->type == PH_INVERTED ? row->end : i + 1;
	}
	return 0;
}

int mustache_expand(const char *text, const struct mustache_data *d, struct buf *out, struct err *e)
{
	struct expander x = { .d = d, .out = out, .e = e };
	return expand_text(&x, text);
}
