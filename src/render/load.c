/* Reading templates and their partials. A name may not leave the directory, by "..", as an absolute path or over a
 * symbolic link; what is read must be text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "abv/mem.h"
#include "render_int.h"

unsigned names_number(struct names *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->row[i], name) == 0)
			return (unsigned)i;
	if (t->n == t->cap) {
		t->cap = t->cap != 0 ? 2 * t->cap : 16;
		t->row = mem_grow(t->row, t->cap, sizeof *t->row);
	}
	t->row[t->n] = mem_strdup(name);
	return (unsigned)t->n++;
}

/* ---- files ---- */

static bool name_leaves(const char *name)
{
	if (*name == '/' || *name == '\0')
		return true;
	for (const char *p = name; *p != '\0';) {
		size_t n = strcspn(p, "/");
		if (n == 2 && strncmp(p, "..", 2) == 0)
			return true;
		p += n + (p[n] == '/');
	}
	return false;
}

char *loader_resolve(const char *dir, const char *name, bool partial, struct err *why)
{
	char *root = NULL, *path = NULL, *real = NULL;
	struct stat st;

	(void)err_set(why, "leaves the directory of the templates");
	if (name_leaves(name))
		return NULL;
	root = realpath(dir, NULL);
	path = mem_printf("%s/%s", dir, name);
	real = realpath(path, NULL);
	if (real == NULL && errno == ENOENT && partial) {
		free(path);
		path = mem_printf("%s/%s.md", dir, name);
		real = realpath(path, NULL);
	}
	if (root == NULL || real == NULL) {
		(void)err_set(why, "cannot be read: %s", strerror(errno));
	} else {
		size_t n = strlen(root);
		bool inside = strcmp(root, "/") == 0 || (strncmp(real, root, n) == 0 && real[n] == '/');
		bool regular = inside && stat(real, &st) == 0 && S_ISREG(st.st_mode);
		if (inside && !regular)
			(void)err_set(why, "is no regular file");
		if (!regular) {
			free(real);
			real = NULL;
		}
	}
	free(root);
	free(path);
	return real;
}

/* LF line ends, no byte order mark. */
static void text_normalise(struct buf *b)
{
	size_t to = 0, from = b->len >= 3 && memcmp(b->data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	for (; from < b->len; from++)
		if (b->data[from] != '\r' || from + 1 == b->len || b->data[from + 1] != '\n')
			b->data[to++] = b->data[from];
	b->len = to;
	if (b->data != NULL)
		b->data[to] = '\0';
}

static const char *char_fault(uint32_t c)
{
	if (c == UTF8_BAD)
		return "this is not UTF-8";
	if (c >= MARK_FIRST && c <= MARK_LAST)
		return "private-use characters of plane 16 have no place in a letter";
	if (c != '\n' && c != '\t' && (c < 0x20 || (c >= 0x7f && c < 0xa0)))
		return "this control character has no place in a letter";
	return NULL;
}

int loader_read(const char *path, const char *label, struct buf *out, struct problems *problems)
{
	if (buf_read_file(out, path, TEMPLATE_SIZE_MAX) < 0) {
		problems_add(problems, SEVERITY_ERROR, label, 0, 0, errno == EFBIG ? "template-size" : "missing-file",
			     "%s%s", errno == EFBIG ? "" : "cannot be read: ",
			     errno == EFBIG ? "is larger than 1 MB" : strerror(errno));
		return -1;
	}
	text_normalise(out);
	for (size_t at = 0; at < out->len;) {
		size_t here = at;
		const char *text = char_fault(render_utf8_next(out->data, out->len, &at));
		int line, column;
		if (text == NULL)
			continue;
		placeholders_where(out->data, here, &line, &column);
		problems_add(problems, SEVERITY_ERROR, label, line, column, "not-text", "%s", text);
		return -1;
	}
	return 0;
}

/* ---- trees ---- */

/* Where a text came from, to say where in it something is wrong. */
struct origin {
	const char *label;
	int line, column;
	const char *text;
};

static void origin_where(const struct origin *o, size_t at, int *line, int *column)
{
	placeholders_where(o->text, at, line, column);
	*column = *line == 1 ? o->column + *column - 1 : *column;
	*line = o->line + *line - 1;
}

/* Any name may be a column of an import, so a strange one is no error. */
static void name_doubt(struct loader *l, const struct origin *o, const struct ph *tag)
{
	const char *near = contact_field_near(tag->name);
	int line, column;

	if (near == NULL)
		return;
	origin_where(o, tag->at, &line, &column);
	problems_add(l->problems, SEVERITY_WARNING, o->label, line, column, "strange-placeholder",
		     "'%s' is no field of a contact; did you mean '%s'?", tag->name, near);
}

static int origin_refuse(struct loader *l, const struct origin *o, size_t at, const char *rule, const char *text,
			 const char *name)
{
	int line, column;

	origin_where(o, at, &line, &column);
	problems_add(l->problems, SEVERITY_ERROR, o->label, line, column, rule, "%s%s%s%s", name != NULL ? "partial '" : "",
		     name != NULL ? name : "", name != NULL ? "' " : "", text);
	return -1;
}

static int tree_join(struct loader *l, const struct origin *o, const char *s, size_t n, struct placeholders *out);

static const char *source_keep(struct loader *l, struct buf *b)
{
	l->source = mem_grow(l->source, l->source_n + 1, sizeof *l->source);
	l->source[l->source_n] = buf_take(b);
	return l->source[l->source_n++];
}

static char *partial_label(const char *dir, const char *name, const char *path)
{
	size_t n = strlen(path), m = strlen(name);
	bool same = n >= m && strcmp(path + n - m, name) == 0;
	return mem_printf("%s/%s%s", dir, name, same ? "" : ".md");
}

/* Known before the text is made: one long indentation before many short lines is larger than any memory. */
static size_t indented_size(const struct buf *raw, size_t indent_len)
{
	size_t lines = raw->len > 0 && raw->data[raw->len - 1] != '\n';

	for (size_t i = 0; i < raw->len; i++)
		lines += raw->data[i] == '\n';
	return raw->len + lines * indent_len;
}

static int partial_join(struct loader *l, const struct origin *from, const struct ph *tag, struct placeholders *out)
{
	struct err why = { "" };
	char *path = NULL, *label = NULL;
	struct buf raw = { 0 }, indented = { 0 };
	int r = -1;

	if (l->stop)
		return -1;
	path = loader_resolve(l->dir, tag->name, true, &why);
	if (path == NULL) {
		origin_refuse(l, from, tag->at, "missing-partial", why.text, tag->name);
		goto out;
	}
	for (int i = 0; i < l->depth; i++) {
		if (strcmp(l->stack[i], path) != 0)
			continue;
		origin_refuse(l, from, tag->at, "partial-recursion", "includes itself", tag->name);
		goto out;
	}
	l->stop = l->depth == PARTIAL_DEPTH_MAX;
	if (l->stop) {
		origin_refuse(l, from, tag->at, "partial-recursion", "is nested too deeply", tag->name);
		goto out;
	}
	l->stop = ++l->partial_n > PARTIALS_MAX; /* also of empty ones, which no limit of size would end */
	if (l->stop) {
		origin_refuse(l, from, tag->at, "template-size", "is one of more than 1000 partials", tag->name);
		goto out;
	}
	label = partial_label(l->dir, tag->name, path);
	if (loader_read(path, label, &raw, l->problems) < 0)
		goto out;
	l->total += indented_size(&raw, tag->len);
	l->stop = l->total > TEMPLATE_SIZE_MAX;
	if (l->stop) {
		origin_refuse(l, from, tag->at, "template-size", "makes the template larger than 1 MB", tag->name);
		goto out;
	}
	placeholders_indent(&indented, buf_text(&raw), tag->text, tag->len);
	const char *s = source_keep(l, &indented);
	struct origin here = { label, 1, 1, buf_text(&raw) };
	l->stack[l->depth++] = path;
	r = tree_join(l, &here, s, strlen(s), out);
	l->depth--;
out:
	free(path);
	free(label);
	buf_free(&raw);
	buf_free(&indented);
	return r;
}

/* own_text: offsets are those of the file, not of an indented copy. Moves the rows of `own` to `out`, with partials' rows in the place of their tags. */
static int rows_join(struct loader *l, const struct origin *o, bool own_text, struct placeholders *own,
		     struct placeholders *out)
{
	size_t open[SECTION_DEPTH_MAX][2], depth = 0;
	int r = 0;

	for (size_t i = 0; i <= own->n; i++) {
		while (depth > 0 && own->row[open[depth - 1][0]].end == i)
			out->row[open[--depth][1]].end = out->n;
		if (i == own->n)
			break;
		struct ph *row = &own->row[i];
		if (row->type == PH_PARTIAL) {
			r |= partial_join(l, o, row, out);
			continue;
		}
		if (row->type != PH_TEXT && own_text)
			name_doubt(l, o, row);
		if (row->type == PH_SECTION || row->type == PH_INVERTED) {
			open[depth][0] = i;
			open[depth++][1] = out->n;
		}
		struct ph *moved = placeholders_add(out, row->type, row->at);
		moved->text = row->text;
		moved->len = row->len;
		moved->name = row->name;
		row->name = NULL;
	}
	return r;
}

static int tree_join(struct loader *l, const struct origin *o, const char *s, size_t n, struct placeholders *out)
{
	struct placeholders own = { 0 };
	struct placeholder_fault f;
	int r;

	/* The fault's place is one in the file, so the text as written is what is judged; then the indented one is
	 * used. */
	if (placeholders_parse(&own, o->text, strlen(o->text), &f) < 0) {
		r = origin_refuse(l, o, f.at, "placeholder-syntax", f.text, NULL);
		goto out;
	}
	if (s != o->text) {
		placeholders_free(&own);
		if (placeholders_parse(&own, s, n, &f) < 0) {
			r = origin_refuse(l, o, 0, "placeholder-syntax", f.text, NULL);
			goto out;
		}
	}
	r = rows_join(l, o, s == o->text, &own, out);
out:
	placeholders_free(&own);
	return r;
}

/* {{.}} is the value of the section around it. */
static const char *name_of(const struct placeholders *p, size_t i)
{
	const char *name = p->row[i].name;

	if (strcmp(name, ".") != 0)
		return name;
	for (size_t k = i; k-- > 0;)
		if (p->row[k].type == PH_SECTION && p->row[k].end > i && strcmp(p->row[k].name, ".") != 0)
			return p->row[k].name;
	return NULL;
}

int loader_parse(struct loader *l, const char *label, int line, int column, const char *s, size_t n,
		 struct placeholders *out)
{
	struct buf b = { 0 };
	buf_add(&b, s, n);
	const char *kept = source_keep(l, &b);
	struct origin o = { label, line, column, kept };

	if (tree_join(l, &o, kept, strlen(kept), out) < 0)
		return -1;
	for (size_t i = 0; i < out->n; i++) {
		if (out->row[i].type == PH_TEXT)
			continue;
		const char *name = name_of(out, i);
		if (name == NULL)
			return origin_refuse(l, &o, 0, "placeholder-syntax",
					     "{{.}} stands for nothing outside of a section", NULL);
		out->row[i].number = names_number(l->names, name);
		if (l->names->n > NAMES_MAX)
			return origin_refuse(l, &o, 0, "template-size",
					     "there are more than 512 different placeholders", NULL);
	}
	return 0;
}

void loader_free_sources(char **source, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(source[i]);
	free(source);
}
