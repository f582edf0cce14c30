/* Markdown with marks -> HTML for letters: inline styles (mail programs drop style sheets), no colours of our own but
 * greys that stand on light and dark ground. Raw HTML is shown as the text it is: a letter has no use for it, and its
 * text part could not follow. Links of other schemes than http, https, mailto and tel lose the link. */
#include <cmark.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render_int.h"

struct html_walk {
	struct buf *out;
	cmark_node *image; /* inside it: words only, for its alt */
};

static const struct element {
	cmark_node_type type;
	const char *open, *close;
} element[] = {
	{ CMARK_NODE_BLOCK_QUOTE,
	  "<blockquote style=\"margin:0 0 1em;padding:0 0 0 1em;border-left:3px solid #888\">\n", "</blockquote>\n" },
	{ CMARK_NODE_ITEM, "<li style=\"margin:0 0 .4em\">", "</li>\n" },
	{ CMARK_NODE_PARAGRAPH, "<p style=\"margin:0 0 1em\">", "</p>\n" },
	{ CMARK_NODE_EMPH, "<em>", "</em>" },
	{ CMARK_NODE_STRONG, "<strong>", "</strong>" },
};

static void add(struct html_walk *w, const char *s)
{
	buf_str(w->out, s);
}

static void add_text(struct html_walk *w, const char *s)
{
	if (s != NULL)
		render_html_add(w->out, s, strlen(s));
}

static bool in_tight_list(cmark_node *paragraph)
{
	cmark_node *item = cmark_node_parent(paragraph);
	return item != NULL && cmark_node_get_type(item) == CMARK_NODE_ITEM &&
	       cmark_node_get_list_tight(cmark_node_parent(item));
}

static void add_title(struct html_walk *w, cmark_node *n)
{
	const char *title = cmark_node_get_title(n);
	if (title == NULL || *title == '\0')
		return;
	add(w, " title=\"");
	add_text(w, title);
	add(w, "\"");
}

static void link_walk(struct html_walk *w, cmark_node *n, bool enter)
{
	const char *url = cmark_node_get_url(n);

	if (url == NULL || *url == '\0' || !render_url_is_safe(url))
		return;
	if (!enter) {
		add(w, "</a>");
		return;
	}
	add(w, "<a href=\"");
	render_url_add(w->out, url, PLACE_URL_HTML);
	add(w, "\"");
	add_title(w, n);
	add(w, ">");
}

static void image_walk(struct html_walk *w, cmark_node *n, bool enter)
{
	const char *url = cmark_node_get_url(n);

	if (enter) {
		add(w, "<img src=\"");
		if (url != NULL && render_url_is_safe(url))
			render_url_add(w->out, url, PLACE_URL_HTML);
		add(w, "\" alt=\"");
		w->image = n;
		return;
	}
	add(w, "\"");
	add_title(w, n);
	add(w, " style=\"max-width:100%;height:auto;border:0\">");
	w->image = NULL;
}

static void list_walk(struct html_walk *w, cmark_node *n, bool enter)
{
	bool ordered = cmark_node_get_list_type(n) == CMARK_ORDERED_LIST;
	int start = cmark_node_get_list_start(n);

	if (!enter) {
		add(w, ordered ? "</ol>\n" : "</ul>\n");
		return;
	}
	add(w, ordered ? "<ol" : "<ul");
	if (ordered && start != 1)
		buf_printf(w->out, " start=\"%d\"", start);
	add(w, " style=\"margin:0 0 1em;padding:0 0 0 1.6em\">\n");
}

static void heading_walk(struct html_walk *w, cmark_node *n, bool enter)
{
	static const char *const size[] = { "1.5em", "1.3em", "1.1em", "1em", "1em", "1em" };
	int level = cmark_node_get_heading_level(n);

	if (enter)
		buf_printf(w->out, "<h%d style=\"margin:1.2em 0 .5em;font-size:%s;line-height:1.3\">", level,
			   size[level - 1]);
	else
		buf_printf(w->out, "</h%d>\n", level);
}

static bool is_comment(const char *s)
{
	return s != NULL && strncmp(s, "<!--", 4) == 0;
}

/* What has no children, or whose tags hang on more than its type. True when it was handled. */
static bool special_walk(struct html_walk *w, cmark_node *n, bool enter)
{
	const char *literal = cmark_node_get_literal(n);

	switch (cmark_node_get_type(n)) {
	case CMARK_NODE_TEXT: add_text(w, literal); return true;
	case CMARK_NODE_SOFTBREAK: add(w, "\n"); return true;
	case CMARK_NODE_LINEBREAK: add(w, w->image != NULL ? " " : "<br>\n"); return true;
	case CMARK_NODE_THEMATIC_BREAK:
		add(w, "<hr style=\"border:0;border-top:1px solid #888;margin:1.5em 0\">\n");
		return true;
	case CMARK_NODE_CODE:
		add(w, w->image != NULL ? "" : "<code style=\"font-family:monospace\">");
		add_text(w, literal);
		add(w, w->image != NULL ? "" : "</code>");
		return true;
	case CMARK_NODE_CODE_BLOCK:
		add(w, "<pre style=\"margin:0 0 1em;padding:.6em;border:1px solid "
		       "#888;white-space:pre-wrap;font-family:monospace\">");
		add_text(w, literal);
		add(w, "</pre>\n");
		return true;
	case CMARK_NODE_HTML_BLOCK:
		if (is_comment(literal))
			return true;
		add(w, "<p style=\"margin:0 0 1em\">");
		add_text(w, literal);
		add(w, "</p>\n");
		return true;
	case CMARK_NODE_HTML_INLINE:
		if (!is_comment(literal))
			add_text(w, literal);
		return true;
	case CMARK_NODE_PARAGRAPH: return in_tight_list(n);
	case CMARK_NODE_HEADING: heading_walk(w, n, enter); return true;
	case CMARK_NODE_LIST: list_walk(w, n, enter); return true;
	case CMARK_NODE_LINK:
		if (w->image == NULL)
			link_walk(w, n, enter);
		return true;
	case CMARK_NODE_IMAGE:
		if (w->image == NULL || w->image == n)
			image_walk(w, n, enter);
		return true;
	default: return false;
	}
}

static void node_walk(struct html_walk *w, cmark_node *n, bool enter)
{
	if (special_walk(w, n, enter) || w->image != NULL)
		return;
	for (size_t i = 0; i < sizeof element / sizeof element[0]; i++)
		if (element[i].type == cmark_node_get_type(n))
			add(w, enter ? element[i].open : element[i].close);
}

void markdown_html(const char *s, size_t n, struct buf *out)
{
	cmark_node *document = cmark_parse_document(s, n, CMARK_OPT_DEFAULT);
	cmark_iter *at = cmark_iter_new(document);
	struct html_walk w = { .out = out };
	cmark_event_type event;

	while ((event = cmark_iter_next(at)) != CMARK_EVENT_DONE)
		node_walk(&w, cmark_iter_get_node(at), event == CMARK_EVENT_ENTER);
	cmark_iter_free(at);
	cmark_node_free(document);
}
