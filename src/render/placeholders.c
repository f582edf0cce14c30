/* The parser of placeholders, as the Mustache specification has them: values, sections, inverted sections, comments,
 * partials, set delimiters; a tag that is no value and stands alone on its line takes the line with it. What the
 * specification leaves open is refused, with the place: a tag or a section that is not closed, an empty name, a name
 * over two lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "render_int.h"

#define DELIMITER_MAX 16

struct parser {
	struct placeholders *out;
	const char *s;
	size_t n, at;     /* at: what is parsed up to */
	size_t text_from; /* text since there is not yet in the tree */
	char open[DELIMITER_MAX + 1], close[DELIMITER_MAX + 1];
	size_t section[SECTION_DEPTH_MAX];
	size_t depth;
	struct placeholder_fault *fault;
};

struct tag {
	size_t from, to;  /* the whole tag */
	char sigil;       /* '\0': a value */
	const char *name; /* trimmed */
	size_t len;
	size_t line_from, line_to; /* the line, when the tag stands alone on it */
	bool alone;
};

static int fault(struct parser *p, size_t at, const char *text)
{
	p->fault->at = at;
	snprintf(p->fault->text, sizeof p->fault->text, "%s", text);
	return -1;
}

struct ph *placeholders_add(struct placeholders *p, enum ph_type type, size_t at)
{
	if (p->n == p->cap) {
		p->cap = p->cap != 0 ? 2 * p->cap : 16;
		p->row = mem_grow(p->row, p->cap, sizeof *p->row);
	}
	p->row[p->n] = (struct ph){ .type = type, .at = at };
	return &p->row[p->n++];
}

static void text_add(struct parser *p, size_t to)
{
	if (to <= p->text_from)
		return;
	struct ph *t = placeholders_add(p->out, PH_TEXT, p->text_from);
	t->text = p->s + p->text_from;
	t->len = to - p->text_from;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void trim(const char **s, size_t *n)
{
	while (*n > 0 && is_space(**s)) {
		(*s)++;
		(*n)--;
	}
	while (*n > 0 && is_space((*s)[*n - 1]))
		(*n)--;
}

/* Alone: white space before it on its first line and behind it on its last. */
static void tag_find_line(const struct parser *p, struct tag *t)
{
	size_t from = t->from, to = t->to;

	while (from > 0 && (p->s[from - 1] == ' ' || p->s[from - 1] == '\t'))
		from--;
	while (to < p->n && (p->s[to] == ' ' || p->s[to] == '\t'))
		to++;
	if (to + 1 < p->n && p->s[to] == '\r' && p->s[to + 1] == '\n')
		to++;
	t->alone = (from == 0 || p->s[from - 1] == '\n') && (to == p->n || p->s[to] == '\n');
	t->line_from = from;
	t->line_to = to < p->n ? to + 1 : to;
}

static int tag_read(struct parser *p, size_t from, struct tag *t)
{
	char end[DELIMITER_MAX + 3];
	size_t inner = from + strlen(p->open);

	*t = (struct tag){ .from = from };
	if (inner < p->n && p->s[inner] != '\0' && strchr("#^/>!=&{", p->s[inner]) != NULL)
		t->sigil = p->s[inner++];
	snprintf(end, sizeof end, "%s%s", t->sigil == '{' ? "}" : t->sigil == '=' ? "=" : "", p->close);
	const char *stop = memmem(p->s + inner, p->n - inner, end, strlen(end));
	if (stop == NULL)
		return fault(p, from, "this placeholder is not closed");
	t->name = p->s + inner;
	t->len = (size_t)(stop - t->name);
	t->to = inner + t->len + strlen(end);
	trim(&t->name, &t->len);
	if (t->sigil != '\0' && strchr("#^/>!=", t->sigil) != NULL)
		tag_find_line(p, t);
	return 0;
}

static int name_check(struct parser *p, const struct tag *t)
{
	if (t->len == 0)
		return fault(p, t->from, "this placeholder has no name");
	if (t->len > 255)
		return fault(p, t->from, "the name of this placeholder is too long; is it closed?");
	for (size_t i = 0; i < t->len; i++)
		if ((unsigned char)t->name[i] < ' ' || t->name[i] == 0x7f)
			return fault(p, t->from, "a placeholder's name is one line of text; is it closed?");
	if (memchr(t->name, '{', t->len) != NULL || memchr(t->name, '}', t->len) != NULL)
		return fault(p, t->from, "a placeholder's name cannot hold braces; is the one before it closed?");
	if (t->sigil == '\0' && strchr("<$", *t->name) != NULL)
		return fault(p, t->from, "this kind of placeholder (inheritance) is not known here");
	return 0;
}

static int section_open(struct parser *p, const struct tag *t)
{
	if (p->depth == SECTION_DEPTH_MAX)
		return fault(p, t->from, "sections are nested too deeply");
	p->section[p->depth++] = p->out->n;
	struct ph *s = placeholders_add(p->out, t->sigil == '#' ? PH_SECTION : PH_INVERTED, t->from);
	s->name = mem_strndup(t->name, t->len);
	return 0;
}

static int section_close(struct parser *p, const struct tag *t)
{
	if (p->depth == 0)
		return fault(p, t->from, "this closes a section that is not open");
	struct ph *s = &p->out->row[p->section[p->depth - 1]];
	if (strlen(s->name) != t->len || memcmp(s->name, t->name, t->len) != 0) {
		int opened, here, column;
		placeholders_where(p->s, s->at, &opened, &column);
		placeholders_where(p->s, t->from, &here, &column);
		p->fault->at = t->from;
		snprintf(p->fault->text, sizeof p->fault->text,
			 "this closes '%.*s', but the open section is '%.60s', %d line%s above",
			 (int)(t->len < 60 ? t->len : 60), t->name, s->name, here - opened,
			 here - opened == 1 ? "" : "s");
		return -1;
	}
	s->end = p->out->n;
	p->depth--;
	return 0;
}

static int delimiters_set(struct parser *p, const struct tag *t)
{
	size_t open = 0, close = 0;

	while (open < t->len && !is_space(t->name[open]))
		open++;
	while (close < t->len - open && !is_space(t->name[t->len - 1 - close]))
		close++;
	bool two = open > 0 && close > 0 && open + close < t->len;
	for (size_t i = open; two && i < t->len - close; i++)
		two = is_space(t->name[i]);
	if (!two || open > DELIMITER_MAX || close > DELIMITER_MAX || memchr(t->name, '=', t->len) != NULL)
		return fault(p, t->from, "a set-delimiter tag names two delimiters of at most 16 bytes, without '='");
	snprintf(p->open, sizeof p->open, "%.*s", (int)open, t->name);
	snprintf(p->close, sizeof p->close, "%.*s", (int)close, t->name + t->len - close);
	return 0;
}

static int tag_take(struct parser *p, const struct tag *t)
{
	struct ph *row;

	if (t->sigil == '!')
		return 0;
	if (t->sigil == '=')
		return delimiters_set(p, t);
	if (name_check(p, t) < 0)
		return -1;
	switch (t->sigil) {
	case '#':
	case '^': return section_open(p, t);
	case '/': return section_close(p, t);
	case '>':
		row = placeholders_add(p->out, PH_PARTIAL, t->from);
		row->text = p->s + t->line_from;
		row->len = t->alone ? t->from - t->line_from : 0;
		break;
	default: row = placeholders_add(p->out, t->sigil == '\0' ? PH_VALUE : PH_RAW, t->from); break;
	}
	row->name = mem_strndup(t->name, t->len);
	return 0;
}

int placeholders_parse(struct placeholders *out, const char *s, size_t n, struct placeholder_fault *f)
{
	struct parser p = { .out = out, .s = s, .n = n, .open = "{{", .close = "}}", .fault = f };

	for (;;) {
		const char *open = memmem(s + p.at, n - p.at, p.open, strlen(p.open));
		struct tag t;
		if (open == NULL)
			break;
		if (tag_read(&p, (size_t)(open - s), &t) < 0)
			return -1;
		text_add(&p, t.alone ? t.line_from : t.from);
		p.at = t.alone ? t.line_to : t.to;
		p.text_from = p.at;
		if (tag_take(&p, &t) < 0)
			return -1;
	}
	text_add(&p, n);
	if (p.depth > 0) {
		struct ph *open = &out->row[p.section[p.depth - 1]];
		p.fault->at = open->at;
		snprintf(f->text, sizeof f->text, "section '%.100s' is not closed", open->name);
		return -1;
	}
	return 0;
}

void placeholders_free(struct placeholders *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->row[i].name);
	free(p->row);
	*p = (struct placeholders){ 0 };
}

/* The specification: the indentation of a partial's tag goes before each of its lines, ahead of any value. */
void placeholders_indent(struct buf *out, const char *s, const char *indent, size_t indent_len)
{
	while (*s != '\0') {
		size_t line = strcspn(s, "\n");
		line += s[line] == '\n';
		buf_add(out, indent, indent_len);
		buf_add(out, s, line);
		s += line;
	}
}

void placeholders_where(const char *s, size_t at, int *line, int *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < at; i++) {
		if (s[i] == '\n') {
			++*line;
			*column = 1;
		} else if (((unsigned char)s[i] & 0xc0) != 0x80) {
			++*column;
		}
	}
}
