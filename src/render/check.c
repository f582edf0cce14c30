/* What a template's Markdown holds that a letter cannot carry; told when the template is read, with its own lines. */
#include <cmark.h>
#include <string.h>

#include "render_int.h"

static void node_check(cmark_node *n, const char *file, int line, struct problems *problems)
{
	cmark_node_type type = cmark_node_get_type(n);
	const char *literal = cmark_node_get_literal(n), *url = cmark_node_get_url(n);

	if ((type == CMARK_NODE_HTML_BLOCK || type == CMARK_NODE_HTML_INLINE) && literal != NULL &&
	    strncmp(literal, "<!--", 4) != 0)
		problems_add(problems, SEVERITY_WARNING, file, line, 0, "raw-html",
			     "HTML is shown as text in a letter; write Markdown");
	if ((type == CMARK_NODE_LINK || type == CMARK_NODE_IMAGE) && url != NULL && !render_url_is_safe(url))
		problems_add(problems, SEVERITY_ERROR, file, line, 0, "unsafe-link",
			     "a letter links with http, https, mailto or tel, not with '%.60s'", url);
}

void markdown_check(const char *s, size_t n, const char *file, int first_line, struct problems *problems)
{
	cmark_node *document = cmark_parse_document(s, n, CMARK_OPT_DEFAULT);
	cmark_iter *at = cmark_iter_new(document);
	int line = 0;

	while (cmark_iter_next(at) != CMARK_EVENT_DONE) {
		cmark_node *node = cmark_iter_get_node(at);
		int here = cmark_node_get_start_line(node); /* 0 for some inlines: then the block's */
		if (here > 0)
			line = here;
		if (cmark_iter_get_event_type(at) == CMARK_EVENT_ENTER)
			node_check(node, file, first_line + (line > 0 ? line - 1 : 0), problems);
	}
	cmark_iter_free(at);
	cmark_node_free(document);
}
