/* Templates, from file to letter. */
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "render_int.h"

/* ---- reading ---- */

static void sections_add(struct template *t, const struct placeholders *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->row[i].type != PH_SECTION && p->row[i].type != PH_INVERTED)
			continue;
		size_t k = 0;
		while (k < t->section_n && t->section[k] != p->row[i].number)
			k++;
		if (k < t->section_n)
			continue;
		t->section = mem_grow(t->section, t->section_n + 1, sizeof *t->section);
		t->section[t->section_n++] = p->row[i].number;
	}
}

static int trees_parse(struct template *t, struct loader *l, const struct header *h, const char *label, const char *s,
		       size_t n)
{
	int r = 0;

	r |= loader_parse(l, label, h->subject.line, h->subject.column, h->subject.value, h->subject.len, &t->subject);
	if (h->preheader.line != 0)
		r |= loader_parse(l, label, h->preheader.line, h->preheader.column, h->preheader.value,
				  h->preheader.len, &t->preheader);
	r |= loader_parse(l, label, h->body_line, 1, s + h->body, n - h->body, &t->body);
	if (r < 0)
		return -1;
	sections_add(t, &t->subject);
	sections_add(t, &t->preheader);
	sections_add(t, &t->body);
	if (t->section_n <= SECTIONS_MAX)
		return 0;
	problems_add(l->problems, SEVERITY_ERROR, label, 0, 0, "template-size",
		     "there are more than %d different sections", SECTIONS_MAX);
	return -1;
}

static int template_fill(struct template *t, struct loader *l, const char *label, const struct buf *b)
{
	struct header h = { 0 };
	const char *s = buf_text(b);
	size_t before = l->problems->errors;

	if (header_parse(s, b->len, label, &h, l->problems) < 0)
		return -1;
	t->kind = h.kind_value;
	t->subject_source = mem_strndup(h.subject.value, h.subject.len);
	t->vouched_by = h.vouched_by.line != 0 ? mem_strndup(h.vouched_by.value, h.vouched_by.len) : mem_strdup("");
	t->body_source = mem_strdup(s + h.body);
	t->body_line = h.body_line;
	if (trees_parse(t, l, &h, label, s, b->len) < 0)
		return -1;
	t->value = mem_array(t->names.n + 1, sizeof *t->value);
	markdown_check(s + h.body, b->len - h.body, label, h.body_line, l->problems);
	return l->problems->errors == before ? 0 : -1;
}

int template_load(const char *dir, const char *name, const struct template_layout *layout, struct template **out,
		  struct problems *problems)
{
	struct template *t = mem_alloc(sizeof *t);
	struct loader l = { .dir = dir, .names = &t->names, .problems = problems };
	struct buf b = { 0 };
	char *label = mem_printf("%s/%s", dir, name);
	struct err why = { "" };
	char *path = loader_resolve(dir, name, false, &why);
	int r = -1;

	*out = NULL;
	t->layout = layout;
	t->name = mem_strdup(name);
	if (path == NULL) {
		problems_add(problems, SEVERITY_ERROR, label, 0, 0, "missing-file", "template '%s' %s", name, why.text);
	} else if (loader_read(path, label, &b, problems) == 0) {
		l.stack[l.depth++] = path;
		l.total = b.len;
		r = template_fill(t, &l, label, &b);
	}
	t->source = l.source;
	t->source_n = l.source_n;
	if (r == 0)
		*out = t;
	else
		template_free(&t);
	buf_free(&b);
	free(path);
	free(label);
	return r;
}

void template_free(struct template **tp)
{
	struct template *t = *tp;

	if (t == NULL)
		return;
	for (size_t i = 0; i < t->variant_n; i++)
		variant_free(&t->variant[i]);
	free(t->variant);
	placeholders_free(&t->subject);
	placeholders_free(&t->preheader);
	placeholders_free(&t->body);
	loader_free_sources(t->source, t->source_n);
	for (size_t i = 0; i < t->names.n; i++)
		free(t->names.row[i]);
	free(t->names.row);
	free(t->section);
	free(t->value);
	buf_free(&t->scratch);
	free(t->name);
	free(t->vouched_by);
	free(t->subject_source);
	free(t->body_source);
	free(t);
	*tp = NULL;
}

const char *template_name(const struct template *t)
{
	return t->name;
}

enum kind template_kind(const struct template *t)
{
	return t->kind;
}

const char *template_vouched_by(const struct template *t)
{
	return t->vouched_by;
}

const char *template_subject(const struct template *t)
{
	return t->subject_source;
}

const char *template_body(const struct template *t)
{
	return t->body_source;
}

int template_body_line(const struct template *t)
{
	return t->body_line;
}

/* ---- rendering ---- */

/* Each value is asked for once. */
static uint64_t values_fetch(struct template *t, const struct render_values *v)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < t->names.n; i++) {
		const char *s = v->get(v->arg, t->names.row[i]);
		t->value[i] = render_is_blank(s) ? NULL : s;
	}
	for (size_t i = 0; i < t->section_n; i++)
		if (t->value[t->section[i]] != NULL)
			mask |= UINT64_C(1) << i;
	return mask;
}

/* One line without doubled spaces: a hidden section leaves some behind. */
static void subject_tidy(struct buf *b)
{
	size_t to = 0;

	for (size_t i = 0; i < b->len; i++) {
		bool gap = b->data[i] == ' ' || b->data[i] == '\n' || b->data[i] == '\t';
		if (!gap)
			b->data[to++] = b->data[i];
		else if (to > 0 && b->data[to - 1] != ' ')
			b->data[to++] = ' ';
	}
	while (to > 0 && b->data[to - 1] == ' ')
		to--;
	b->len = to;
	if (b->data != NULL)
		b->data[to] = '\0';
}

static void footer_line(struct template *t, struct buf *out, const char *label, const char *value, enum place p)
{
	if (render_is_blank(value))
		return;
	buf_clear(&t->scratch);
	buf_str(&t->scratch, label);
	render_value_add(&t->scratch, value, p);
	flow_add(out, t->scratch.data, t->scratch.len, "", 0, "", 0, '\0');
}

/* "-- " on a line of its own: mail programs fold what follows and leave it out of answers. */
static void footer_add(struct template *t, const struct render_frame *f, struct buf *out)
{
	buf_str(out, "\n-- \n");
	footer_line(t, out, "", f->reason_why, PLACE_TEXT);
	footer_line(t, out, "", f->postal_address, PLACE_TEXT);
	footer_line(t, out, "Unsubscribe: ", f->unsubscribe_url, PLACE_URL_TEXT);
}

int template_render(struct template *t, const struct render_values *values, const struct render_frame *f,
		    struct rendered *out, const char **missing, struct err *e)
{
	const struct variant *v = variant_find(t, values_fetch(t, values));
	struct program_values pv = { .value = t->value, .value_n = t->names.n, .scratch = &t->scratch };

	rendered_clear(out);
	if (missing != NULL)
		*missing = NULL;
	for (size_t i = 0; i < v->needs_n; i++) {
		if (t->value[v->needs[i]] != NULL)
			continue;
		const char *name = t->names.row[v->needs[i]];
		if (missing != NULL)
			*missing = name;
		return err_set(e, "placeholder '%s' has no value", name);
	}
	program_run(&v->subject, &pv, &out->subject);
	subject_tidy(&out->subject);
	if (out->subject.len == 0)
		return err_set(e, "the subject is empty");
	out->value_bytes = program_run(&v->text, &pv, &out->text);
	out->body_len = out->text.len;
	footer_add(t, f, &out->text);
	pv.frame[FRAME_SUBJECT] = out->subject.data;
	pv.frame[FRAME_REASON] = f->reason_why;
	pv.frame[FRAME_POSTAL] = f->postal_address;
	pv.frame[FRAME_UNSUBSCRIBE] = f->unsubscribe_url;
	program_run(&v->html, &pv, &out->html);
	out->variant = v->number;
	return 0;
}

void rendered_clear(struct rendered *r)
{
	buf_clear(&r->subject);
	buf_clear(&r->text);
	buf_clear(&r->html);
	r->body_len = 0;
	r->variant = 0;
	r->value_bytes = 0;
}

void rendered_free(struct rendered *r)
{
	buf_free(&r->subject);
	buf_free(&r->text);
	buf_free(&r->html);
	*r = (struct rendered){ 0 };
}
