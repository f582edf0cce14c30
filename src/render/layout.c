/* The document around a letter's HTML. A layout of the administrator's own must carry what the law and the mail
 * providers ask for: who writes, and how to leave. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "render_int.h"

enum layout_name { LAYOUT_BODY, LAYOUT_PREHEADER, LAYOUT_SUBJECT, LAYOUT_REASON, LAYOUT_POSTAL, LAYOUT_UNSUBSCRIBE };
static const struct {
	const char *name;
	bool required;
	enum frame_value frame; /* from LAYOUT_SUBJECT on */
	enum place place;
} layout_name[] = {
	[LAYOUT_BODY] = { "body", true, FRAME_COUNT, PLACE_HTML },
	[LAYOUT_PREHEADER] = { "preheader", false, FRAME_COUNT, PLACE_HTML },
	[LAYOUT_SUBJECT] = { "subject", false, FRAME_SUBJECT, PLACE_HTML },
	[LAYOUT_REASON] = { "reason_why", true, FRAME_REASON, PLACE_HTML },
	[LAYOUT_POSTAL] = { "postal_address", true, FRAME_POSTAL, PLACE_HTML },
	[LAYOUT_UNSUBSCRIBE] = { "unsubscribe_url", true, FRAME_UNSUBSCRIBE, PLACE_URL_HTML },
};
#define LAYOUT_NAMES (sizeof layout_name / sizeof layout_name[0])

static unsigned layout_name_find(const char *name)
{
	unsigned i = 0;
	while (i < LAYOUT_NAMES && strcmp(layout_name[i].name, name) != 0)
		i++;
	return i;
}

static void tree_refuse(const struct template_layout *l, const struct ph *row, const char *label,
			struct problems *problems, const char *text)
{
	int line, column;
	placeholders_where(l->source, row->at, &line, &column);
	problems_add(problems, SEVERITY_ERROR, label, line, column, "layout", "'%s': %s", row->name, text);
}

static int layout_parse(struct template_layout *l, const char *label, struct problems *problems)
{
	struct placeholder_fault f;
	bool seen[LAYOUT_NAMES] = { false };
	size_t before = problems->errors;

	if (placeholders_parse(&l->tree, l->source, strlen(l->source), &f) < 0) {
		int line, column;
		placeholders_where(l->source, f.at, &line, &column);
		problems_add(problems, SEVERITY_ERROR, label, line, column, "placeholder-syntax", "%s", f.text);
		return -1;
	}
	for (size_t i = 0; i < l->tree.n; i++) {
		struct ph *row = &l->tree.row[i];
		if (row->type == PH_TEXT)
			continue;
		unsigned number = row->number = layout_name_find(row->name);
		if (row->type == PH_PARTIAL)
			tree_refuse(l, row, label, problems, "a layout has no partials");
		else if (number == LAYOUT_NAMES)
			tree_refuse(l, row, label, problems, "a layout knows no placeholder of this name");
		else if ((row->type == PH_SECTION || row->type == PH_INVERTED) && number != LAYOUT_PREHEADER)
			tree_refuse(l, row, label, problems, "a layout's only section is 'preheader'");
		else
			seen[number] = true;
	}
	for (size_t i = 0; i < LAYOUT_NAMES; i++)
		if (layout_name[i].required && !seen[i])
			problems_add(problems, SEVERITY_ERROR, label, 0, 0, "layout",
				     "the placeholder {{%s}} is missing", layout_name[i].name);
	return problems->errors == before ? 0 : -1;
}

int template_layout_load(const char *dir, struct template_layout **out, struct problems *problems)
{
	struct template_layout *l = mem_alloc(sizeof *l);
	struct buf b = { 0 };
	char *label = mem_printf("%s/layout.html", dir), *path;
	struct err why = { "" };
	int r = 0;

	*out = NULL;
	errno = 0;
	path = loader_resolve(dir, "layout.html", false, &why);
	if (path != NULL) {
		r = loader_read(path, label, &b, problems);
	} else if (errno == ENOENT) {
		buf_str(&b, layout_builtin);
	} else {
		problems_add(problems, SEVERITY_ERROR, label, 0, 0, "layout", "%s", why.text);
		r = -1;
	}
	l->source = buf_take(&b);
	if (r == 0)
		r = layout_parse(l, path != NULL ? label : "(built-in layout)", problems);
	if (r == 0)
		*out = l;
	else
		template_layout_free(&l);
	free(path);
	free(label);
	return r;
}

void template_layout_free(struct template_layout **l)
{
	if (*l == NULL)
		return;
	placeholders_free(&(*l)->tree);
	free((*l)->source);
	free(*l);
	*l = NULL;
}

void layout_add(const struct template_layout *l, const struct buf *body, const struct buf *preheader, struct buf *out)
{
	for (size_t i = 0; i < l->tree.n;) {
		const struct ph *row = &l->tree.row[i];
		bool section = row->type == PH_SECTION || row->type == PH_INVERTED;

		if (row->type == PH_TEXT)
			buf_add(out, row->text, row->len);
		else if (section && (preheader->len > 0) != (row->type == PH_SECTION))
			i = row->end - 1;
		else if (!section && row->number == LAYOUT_BODY)
			buf_add(out, buf_text(body), body->len);
		else if (!section && row->number == LAYOUT_PREHEADER)
			buf_add(out, buf_text(preheader), preheader->len);
		else if (!section)
			render_mark_add(out, MARK_FRAME + (unsigned)layout_name[row->number].frame,
					layout_name[row->number].place);
		i++;
	}
}
