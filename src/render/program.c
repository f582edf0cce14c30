/* A prepared part of a letter: literals, and the places where values go. Running it is all that a message costs. */
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "render_int.h"

struct op *program_add(struct program *p, enum op_type type)
{
	if (p->op == NULL || p->n == p->cap) {
		p->cap = p->cap != 0 ? 2 * p->cap : 32;
		p->op = mem_grow(p->op, p->cap, sizeof *p->op);
	}
	p->op[p->n] = (struct op){ .type = type };
	return &p->op[p->n++];
}

static size_t text_keep(struct program *p, const char *s, size_t n)
{
	size_t at = p->text.len;
	buf_add(&p->text, s, n);
	return at;
}

void program_literal(struct program *p, const char *s, size_t n)
{
	if (n == 0)
		return;
	struct op *last = p->n > 0 ? &p->op[p->n - 1] : NULL;
	size_t at = text_keep(p, s, n);
	if (last != NULL && last->type == OP_LITERAL && last->at + last->len == at) {
		last->len += n;
		return;
	}
	struct op *o = program_add(p, OP_LITERAL);
	o->at = at;
	o->len = n;
}

void program_compile(struct program *p, const char *s, size_t n)
{
	for (size_t at = 0; at < n;) {
		const char *lead = memchr(s + at, 0xf4, n - at);
		size_t to = lead != NULL ? (size_t)(lead - s) : n;

		program_literal(p, s + at, to - at);
		at = to;
		if (at == n)
			break;
		uint32_t c = render_utf8_next(s, n, &at);
		if (!render_is_mark(c))
			continue;
		struct op *o = program_add(p, OP_VALUE);
		o->number = render_mark_number(c);
		o->place = render_mark_place(c);
	}
}

void program_flow(struct program *p, const char *s, size_t n, const char *first, const char *rest, char underline)
{
	size_t first_len = strlen(first), rest_len = strlen(rest);

	if (!render_has_mark(s, n)) {
		struct buf wrapped = { 0 };
		flow_add(&wrapped, s, n, first, first_len, rest, rest_len, underline);
		program_literal(p, buf_text(&wrapped), wrapped.len);
		buf_free(&wrapped);
		return;
	}
	struct op *o = program_add(p, OP_FLOW);
	o->at = text_keep(p, first, first_len);
	o->len = first_len;
	o->at2 = text_keep(p, rest, rest_len);
	o->len2 = rest_len;
	program_compile(p, s, n);
	program_add(p, OP_FLOW_END)->underline = underline;
}

static const char *value_of(const struct program_values *v, const struct op *o)
{
	const char *s = NULL;

	if (o->number < v->value_n)
		s = v->value[o->number];
	else if (o->number >= MARK_FRAME && o->number < MARK_FRAME + FRAME_COUNT)
		s = v->frame[o->number - MARK_FRAME];
	return s != NULL ? s : "";
}

size_t program_run(const struct program *p, const struct program_values *v, struct buf *out)
{
	const struct op *flow = NULL;
	const char *text = buf_text(&p->text);
	struct buf *to = out;
	size_t from_values = 0, before;

	for (size_t i = 0; i < p->n; i++) {
		const struct op *o = &p->op[i];

		switch (o->type) {
		case OP_LITERAL: buf_add(to, text + o->at, o->len); break;
		case OP_VALUE:
			before = to->len;
			render_value_add(to, value_of(v, o), o->place);
			from_values += to->len - before;
			break;
		case OP_FLOW:
			flow = o;
			to = v->scratch;
			buf_clear(to);
			break;
		case OP_FLOW_END:
			if (flow != NULL)
				flow_add(out, buf_text(to), to->len, text + flow->at, flow->len, text + flow->at2,
					 flow->len2, o->underline);
			to = out;
			break;
		}
	}
	return from_values;
}

void program_free(struct program *p)
{
	buf_free(&p->text);
	free(p->op);
	*p = (struct program){ 0 };
}
