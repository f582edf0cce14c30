/* Markdown with marks -> text that reads like a letter somebody typed: emphasis gone, links with their address behind
 * them, quotes with "> ", code indented, lists with their marks, lines of 72 columns. */
#include <cmark.h>
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "render_int.h"

#define PREFIX_COLUMNS_MAX 36 /* deeper nesting adds no more indentation */

struct level {           /* an open quote, list or item */
	size_t prefix;   /* length of `rest` outside of it */
	int next_number; /* of a list */
};

struct text_walk {
	struct program *out;
	struct buf rest;   /* prefix of every line at this depth */
	struct buf marker; /* "- " or "3. ", for the next line only */
	struct buf para;   /* words of the paragraph under way */
	struct level *level;
	size_t depth, cap;
	size_t link_from; /* where the link's words begin in para */
	bool begun;
};

/* ---- blocks ---- */

static void level_push(struct text_walk *w)
{
	if (w->depth == w->cap) {
		w->cap = w->cap != 0 ? 2 * w->cap : 8;
		w->level = mem_grow(w->level, w->cap, sizeof *w->level);
	}
	w->level[w->depth++] = (struct level){ .prefix = w->rest.len };
}

static void level_pop(struct text_walk *w)
{
	if (w->depth == 0)
		return;
	w->rest.len = w->level[--w->depth].prefix;
	if (w->rest.data != NULL)
		w->rest.data[w->rest.len] = '\0';
	buf_clear(&w->marker);
}

static bool is_type(cmark_node *n, cmark_node_type t)
{
	return n != NULL && cmark_node_get_type(n) == t;
}

/* Whether an empty line goes before this block, and of which prefix length: the first container up in which it is not
 * the first decides; between items and their parts a tight list has none. */
static bool gap_before(const struct text_walk *w, cmark_node *n, size_t *prefix)
{
	size_t depth = w->depth;

	for (;;) {
		cmark_node *parent = cmark_node_parent(n);
		bool has_previous = cmark_node_previous(n) != NULL;
		*prefix = depth > 0 ? w->level[depth - 1].prefix : 0;
		if (is_type(n, CMARK_NODE_BLOCK_QUOTE) || is_type(n, CMARK_NODE_ITEM) || is_type(n, CMARK_NODE_LIST))
			depth--;
		else
			*prefix = w->rest.len;
		if (is_type(parent, CMARK_NODE_ITEM) && has_previous)
			return !cmark_node_get_list_tight(cmark_node_parent(parent));
		if (is_type(n, CMARK_NODE_ITEM) && has_previous)
			return !cmark_node_get_list_tight(parent);
		if (has_previous)
			return true;
		if (parent == NULL || is_type(parent, CMARK_NODE_DOCUMENT))
			return false;
		n = parent;
	}
}

static void gap_add(struct text_walk *w, cmark_node *n)
{
	size_t prefix;

	if (w->begun && gap_before(w, n, &prefix)) {
		while (prefix > 0 && w->rest.data[prefix - 1] == ' ')
			prefix--;
		program_literal(w->out, buf_text(&w->rest), prefix);
		program_literal(w->out, "\n", 1);
	}
	w->begun = true;
}

/* The first line's prefix: a list's mark takes the place of the indentation that stands for it. */
static void first_prefix(struct text_walk *w, struct buf *first)
{
	size_t kept = w->rest.len > w->marker.len ? w->rest.len - w->marker.len : 0;

	buf_add(first, buf_text(&w->rest), w->marker.len > 0 ? kept : w->rest.len);
	buf_add(first, buf_text(&w->marker), w->marker.len);
	buf_clear(&w->marker);
}

static void paragraph_end(struct text_walk *w, cmark_node *n, char underline)
{
	struct buf first = { 0 };

	if (w->para.len > 0) {
		gap_add(w, n);
		first_prefix(w, &first);
		program_flow(w->out, w->para.data, w->para.len, buf_text(&first), buf_text(&w->rest), underline);
		buf_free(&first);
	}
	buf_clear(&w->para);
}

static void code_block(struct text_walk *w, cmark_node *n)
{
	const char *s = cmark_node_get_literal(n);
	struct buf line = { 0 };

	if (s == NULL || *s == '\0')
		return;
	gap_add(w, n);
	first_prefix(w, &line);
	while (*s != '\0') {
		size_t len = strcspn(s, "\n");
		if (len > 0)
			buf_str(&line, "    ");
		else
			while (line.len > 0 && line.data[line.len - 1] == ' ')
				line.len--;
		buf_add(&line, s, len);
		buf_char(&line, '\n');
		program_compile(w->out, line.data, line.len);
		buf_clear(&line);
		buf_add(&line, buf_text(&w->rest), w->rest.len);
		s += len + (s[len] == '\n');
	}
	buf_free(&line);
}

static void item_enter(struct text_walk *w, cmark_node *n)
{
	cmark_node *list = cmark_node_parent(n);
	int number = w->depth > 0 ? w->level[w->depth - 1].next_number++ : 0;
	size_t before = w->marker.len;

	level_push(w);
	if (w->rest.len >= PREFIX_COLUMNS_MAX)
		return;
	if (cmark_node_get_list_type(list) == CMARK_ORDERED_LIST)
		buf_printf(&w->marker, "%d%c ", number,
			   cmark_node_get_list_delim(list) == CMARK_PAREN_DELIM ? ')' : '.');
	else
		buf_str(&w->marker, "- ");
	for (size_t i = before; i < w->marker.len; i++)
		buf_char(&w->rest, ' ');
}

static void list_enter(struct text_walk *w, cmark_node *n)
{
	level_push(w);
	w->level[w->depth - 1].next_number = cmark_node_get_list_start(n);
}

static void quote_enter(struct text_walk *w)
{
	level_push(w);
	if (w->rest.len >= PREFIX_COLUMNS_MAX)
		return;
	buf_str(&w->rest, "> ");
	if (w->marker.len > 0) /* a quote that opens a list item: "- > " */
		buf_str(&w->marker, "> ");
}

/* ---- inlines ---- */

/* "text (url)", or the address alone where the words are the address. */
static void link_end(struct text_walk *w, cmark_node *n)
{
	const char *url = cmark_node_get_url(n);
	struct buf plain = { 0 };

	if (url == NULL || *url == '\0' || !render_url_is_safe(url))
		return;
	size_t len = w->para.len - w->link_from;
	if (strncmp(url, "mailto:", 7) == 0 && strchr(url, '?') == NULL) {
		url += 7;
		render_add_placed(&plain, url, strlen(url), PLACE_TEXT);
	} else {
		render_url_add(&plain, url, PLACE_URL_TEXT);
	}
	bool same = len == strlen(url) && memcmp(buf_text(&w->para) + w->link_from, url, len) == 0;
	if (same || len == 0) {
		w->para.len = w->link_from;
		buf_printf(&w->para, "<%s>", buf_text(&plain));
	} else {
		buf_printf(&w->para, " (%s)", buf_text(&plain));
	}
	buf_free(&plain);
}

static void image_walk(struct text_walk *w, bool enter)
{
	if (enter)
		buf_char(&w->para, '[');
	else if (w->para.len > 0 && w->para.data[w->para.len - 1] == '[')
		w->para.len--;
	else
		buf_char(&w->para, ']');
}

static void add_words(struct text_walk *w, const char *s)
{
	if (s != NULL)
		buf_str(&w->para, s);
}

static void add_html(struct text_walk *w, const char *s)
{
	if (s != NULL && strncmp(s, "<!--", 4) != 0)
		buf_str(&w->para, s);
}

static void inline_walk(struct text_walk *w, cmark_node *n, bool enter)
{
	switch (cmark_node_get_type(n)) {
	case CMARK_NODE_TEXT:
	case CMARK_NODE_CODE: add_words(w, cmark_node_get_literal(n)); break;
	case CMARK_NODE_HTML_INLINE: add_html(w, cmark_node_get_literal(n)); break;
	case CMARK_NODE_SOFTBREAK: buf_char(&w->para, ' '); break;
	case CMARK_NODE_LINEBREAK: buf_char(&w->para, '\n'); break;
	case CMARK_NODE_LINK:
		if (enter)
			w->link_from = w->para.len;
		else
			link_end(w, n);
		break;
	case CMARK_NODE_IMAGE: image_walk(w, enter); break;
	default: break;
	}
}

static void block_walk(struct text_walk *w, cmark_node *n, bool enter)
{
	switch (cmark_node_get_type(n)) {
	case CMARK_NODE_BLOCK_QUOTE: enter ? quote_enter(w) : level_pop(w); break;
	case CMARK_NODE_LIST: enter ? list_enter(w, n) : level_pop(w); break;
	case CMARK_NODE_ITEM: enter ? item_enter(w, n) : level_pop(w); break;
	case CMARK_NODE_PARAGRAPH:
		if (!enter)
			paragraph_end(w, n, '\0');
		break;
	case CMARK_NODE_HEADING:
		if (!enter)
			paragraph_end(w, n,
				      cmark_node_get_heading_level(n) == 1   ? '='
				      : cmark_node_get_heading_level(n) == 2 ? '-'
									     : '\0');
		break;
	case CMARK_NODE_CODE_BLOCK: code_block(w, n); break;
	case CMARK_NODE_HTML_BLOCK:
		add_html(w, cmark_node_get_literal(n));
		paragraph_end(w, n, '\0');
		break;
	case CMARK_NODE_THEMATIC_BREAK:
		buf_str(&w->para, "* * *");
		paragraph_end(w, n, '\0');
		break;
	default: inline_walk(w, n, enter); break;
	}
}

void markdown_text(const char *s, size_t n, struct program *out)
{
	cmark_node *document = cmark_parse_document(s, n, CMARK_OPT_DEFAULT);
	cmark_iter *at = cmark_iter_new(document);
	struct text_walk w = { .out = out };
	cmark_event_type event;

	while ((event = cmark_iter_next(at)) != CMARK_EVENT_DONE)
		block_walk(&w, cmark_iter_get_node(at), event == CMARK_EVENT_ENTER);
	cmark_iter_free(at);
	cmark_node_free(document);
	buf_free(&w.rest);
	buf_free(&w.marker);
	buf_free(&w.para);
	free(w.level);
}
