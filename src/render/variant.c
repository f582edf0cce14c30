/* A variant is the letter for one combination of shown sections: everything that does not hang on a contact's values is
 * done here, once, cmark's work included. */
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "render_int.h"

static unsigned section_bit(const struct template *t, unsigned number)
{
	unsigned i = 0;
	while (i < t->section_n && t->section[i] != number)
		i++;
	return i;
}

static void need(struct variant *v, unsigned number)
{
	for (size_t i = 0; i < v->needs_n; i++)
		if (v->needs[i] == number)
			return;
	v->needs = mem_grow(v->needs, v->needs_n + 1, sizeof *v->needs);
	v->needs[v->needs_n++] = number;
}

/* Sections decided, values as marks. */
static void tree_expand(const struct template *t, struct variant *v, const struct placeholders *p, struct buf *out)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct ph *row = &p->row[i];

		if (row->type == PH_TEXT) {
			buf_add(out, row->text, row->len);
		} else if (row->type == PH_VALUE || row->type == PH_RAW) {
			need(v, row->number);
			render_mark_add(out, row->number, PLACE_TEXT);
		} else if ((v->mask >> section_bit(t, row->number) & 1) != (row->type == PH_SECTION)) {
			i = row->end - 1;
		}
	}
}

static void variant_prepare(const struct template *t, struct variant *v)
{
	struct buf body = { 0 }, preheader = { 0 }, subject = { 0 }, html = { 0 }, escaped = { 0 }, document = { 0 },
		   placed = { 0 };

	tree_expand(t, v, &t->subject, &subject);
	render_add_placed(&placed, buf_text(&subject), subject.len, PLACE_SUBJECT);
	program_compile(&v->subject, buf_text(&placed), placed.len);

	tree_expand(t, v, &t->body, &body);
	render_references_defuse(&body);
	markdown_text(buf_text(&body), body.len, &v->text);

	tree_expand(t, v, &t->preheader, &preheader);
	render_html_add(&escaped, buf_text(&preheader), preheader.len);
	markdown_html(buf_text(&body), body.len, &html);
	layout_add(t->layout, &html, &escaped, &document);
	program_compile(&v->html, buf_text(&document), document.len);

	buf_free(&body);
	buf_free(&preheader);
	buf_free(&subject);
	buf_free(&html);
	buf_free(&escaped);
	buf_free(&document);
	buf_free(&placed);
}

/* A free place, or that of the variant not used for the longest time. */
static struct variant *variant_place(struct template *t)
{
	if (t->variant_n < VARIANTS_KEPT) {
		t->variant = mem_grow(t->variant, t->variant_n + 1, sizeof *t->variant);
		return &t->variant[t->variant_n++];
	}
	struct variant *oldest = t->variant;
	for (size_t i = 1; i < t->variant_n; i++)
		if (t->variant[i].used_at < oldest->used_at)
			oldest = &t->variant[i];
	variant_free(oldest);
	return oldest;
}

struct variant *variant_find(struct template *t, uint64_t mask)
{
	struct variant *v = NULL;

	for (size_t i = 0; i < t->variant_n && v == NULL; i++)
		if (t->variant[i].mask == mask)
			v = &t->variant[i];
	if (v == NULL) {
		v = variant_place(t);
		*v = (struct variant){ .mask = mask, .number = t->next_number++ };
		variant_prepare(t, v);
	}
	v->used_at = ++t->uses;
	return v;
}

void variant_free(struct variant *v)
{
	program_free(&v->subject);
	program_free(&v->text);
	program_free(&v->html);
	free(v->needs);
	v->needs = NULL;
	v->needs_n = 0;
}
