/* Private to render: the road of a letter.
 *
 *   file -> header + placeholders (tree; partials joined in)            template.c, header.c, load.c, placeholders.c
 *        -> variant: sections decided, values as marks                  variant.c
 *        -> cmark -> HTML and text, still with marks -> two programs    html.c, text.c, program.c
 *        -> values run through the programs: the letter                 program.c, flow.c
 *
 * A mark is one code point of plane 16 (private use): no meaning to Markdown, never cut in two, and impossible to
 * forge, because templates that hold such code points are refused, character references to them are defused and values
 * lose them. */
#ifndef ABV_RENDER_INT_H
#define ABV_RENDER_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/buf.h"
#include "abv/err.h"
#include "abv/problem.h"
#include "abv/render.h"

#define TEMPLATE_SIZE_MAX (1024 * 1024) /* a file, and a template with its partials */
#define PARTIAL_DEPTH_MAX 16
#define PARTIALS_MAX      1000 /* of a template, each as often as it is named: ten in each of ten are a thousand files */
#define NAMES_MAX         512  /* distinct placeholder names of a template */
#define SECTIONS_MAX      64   /* distinct section names: bits of a variant's mask */
#define VARIANTS_KEPT     256
#define SECTION_DEPTH_MAX 64
#define FLOW_WIDTH        72 /* columns of the text part */

/* ---- utf8.c ---- */

#define UTF8_BAD UINT32_MAX
/* Decodes one code point at *at < n and steps over it; UTF8_BAD (and one byte further) for what is not UTF-8. */
uint32_t render_utf8_next(const char *s, size_t n, size_t *at);
void render_utf8_add(struct buf *b, uint32_t c);
/* How a code point of a value is treated. */
enum value_char { VALUE_CHAR_KEEP, VALUE_CHAR_SPACE, VALUE_CHAR_DROP };
enum value_char render_value_char(uint32_t c);
bool render_is_blank(const char *s); /* NULL, "", or nothing that would be seen */

/* Where a value stands decides how it is written. */
enum place {
	PLACE_TEXT,     /* as it is: one line, no controls */
	PLACE_HTML,     /* text or attribute of HTML */
	PLACE_URL_PART, /* inside a URL: everything but unreserved characters as %XX */
	PLACE_URL_HTML, /* the beginning of a URL, in an attribute: a whole http, https or mailto URL stays one */
	PLACE_URL_TEXT, /* the same in the text part */
	PLACE_SUBJECT,  /* like TEXT; controls become spaces */
	PLACE_COUNT
};
#define MARK_FIRST UINT32_C(0x100000)
#define MARK_LAST  UINT32_C(0x10ffff)
#define MARK_FRAME (NAMES_MAX) /* numbers of what frames a letter, behind the names */
enum frame_value { FRAME_SUBJECT, FRAME_REASON, FRAME_POSTAL, FRAME_UNSUBSCRIBE, FRAME_COUNT };
void render_mark_add(struct buf *b, unsigned number, enum place p);
bool render_is_mark(uint32_t c);
unsigned render_mark_number(uint32_t c);
enum place render_mark_place(uint32_t c);
bool render_has_mark(const char *s, size_t n);
/* Puts the place into every mark of s. */
void render_add_placed(struct buf *b, const char *s, size_t n, enum place p);

/* ---- escape.c ---- */

void render_value_add(struct buf *b, const char *s, enum place p);
void render_html_escape(struct buf *b, const char *s, size_t n);
void render_html_add(struct buf *b, const char *s, size_t n); /* the same; marks become PLACE_HTML */
/* A URL of the template, marks placed: those at its start as `start`, others as PLACE_URL_PART. */
void render_url_add(struct buf *b, const char *url, enum place start);
bool render_url_is_safe(
    const char *url); /* http, https, mailto, tel, relative; a mark may be the start, not part of a scheme */
/* Character references that would decode to a mark or a control are made literal text. */
void render_references_defuse(struct buf *b);

/* ---- placeholders.c ---- */

enum ph_type { PH_TEXT, PH_VALUE, PH_RAW, PH_SECTION, PH_INVERTED, PH_PARTIAL };
/* A tree in pre-order: the children of a section are the rows behind it up to `end`. */
struct ph {
	enum ph_type type;
	unsigned number;  /* template only: of the name */
	const char *text; /* PH_TEXT: within the source. PH_PARTIAL: the indentation of a tag alone on its line */
	size_t len;
	char *name; /* owned; NULL for PH_TEXT */
	size_t end;
	size_t at; /* offset of the tag in its source */
};
struct placeholders {
	struct ph *row;
	size_t n, cap;
};
struct placeholder_fault {
	size_t at; /* offset in the source */
	char text[200];
};
/* The source must outlive the tree. 0, or -1 with the first fault. */
int placeholders_parse(struct placeholders *p, const char *s, size_t n, struct placeholder_fault *fault);
struct ph *placeholders_add(struct placeholders *p, enum ph_type type, size_t at);
void placeholders_free(struct placeholders *p);
void placeholders_indent(struct buf *out, const char *s, const char *indent, size_t indent_len); /* a partial's lines */
void placeholders_where(const char *s, size_t at, int *line, int *column);

/* ---- program.c: literals and values in the order of the letter ---- */

enum op_type { OP_LITERAL, OP_VALUE, OP_FLOW, OP_FLOW_END };
struct op {
	enum op_type type;
	enum place place; /* OP_VALUE */
	char underline;   /* OP_FLOW_END: 0 none */
	unsigned number;  /* OP_VALUE */
	size_t at, len;   /* OP_LITERAL: in `text`. OP_FLOW: the first line's prefix */
	size_t at2, len2; /* OP_FLOW: the prefix of further lines */
};
struct program {
	struct buf text;
	struct op *op;
	size_t n, cap;
};
struct op *program_add(struct program *p, enum op_type type);
void program_literal(struct program *p, const char *s, size_t n);
/* Literals and values from a text with marks. */
void program_compile(struct program *p, const char *s, size_t n);
/* A paragraph with marks: wrapped when the values are known; without marks at once. '\n' in it is a line break. */
void program_flow(struct program *p, const char *s, size_t n, const char *first, const char *rest, char underline);
struct program_values {
	const char *const *value; /* by name number */
	size_t value_n;
	const char *frame[FRAME_COUNT];
	struct buf *scratch;
};
/* Returns the bytes that came from values. */
size_t program_run(const struct program *p, const struct program_values *v, struct buf *out);
void program_free(struct program *p);

/* ---- flow.c ---- */

/* Wraps at FLOW_WIDTH columns, at spaces only, so that no URL breaks. Ends with a newline; nothing for an empty text.
 */
void flow_add(struct buf *out, const char *s, size_t n, const char *first, size_t first_len, const char *rest,
	      size_t rest_len, char underline);

/* ---- html.c, text.c: Markdown with marks to ... */

void markdown_html(const char *s, size_t n, struct buf *out); /* HTML with marks, for program_compile */
void markdown_text(const char *s, size_t n, struct program *out);
/* Raw HTML and links of other schemes, with the lines of `s`; first_line is its first one. */
void markdown_check(const char *s, size_t n, const char *file, int first_line, struct problems *problems);

/* ---- load.c ---- */

struct names {
	char **row; /* owned */
	size_t n, cap;
};
unsigned names_number(struct names *t, const char *name);

/* Reads what a tree is made of: joins partials in, refuses what leaves the directory. */
struct loader {
	const char *dir;
	struct names *names;
	struct problems *problems;
	char **source; /* owned by the template: sources that trees point into */
	size_t source_n, total, partial_n;
	const char *stack[PARTIAL_DEPTH_MAX + 1]; /* files being read */
	int depth;
	bool stop; /* a limit was passed and told: go on would tell it a thousand times */
};
/* Resolves DIR/name (or DIR/name.md when `partial`) to a path inside DIR; caller frees. NULL with `why` set. */
char *loader_resolve(const char *dir, const char *name, bool partial, struct err *why);
/* Reads a file as text: UTF-8, LF, no controls, no marks. 0, or -1 with findings under `label`. */
int loader_read(const char *path, const char *label, struct buf *out, struct problems *problems);
/* Parses `s`, which is kept by the loader, into a tree without partials, names numbered. line: of the file `label`,
 * where s begins. */
int loader_parse(struct loader *l, const char *label, int line, int column, const char *s, size_t n,
		 struct placeholders *out);
void loader_free_sources(char **source, size_t n);

/* ---- header.c ---- */

struct header_line { /* a header's value within the source */
	const char *value;
	size_t len;
	int line, column; /* line 0: absent */
};
struct header {
	struct header_line subject, kind, vouched_by, preheader;
	enum kind kind_value;
	size_t body; /* offset of the body */
	int body_line;
};
int header_parse(const char *s, size_t n, const char *label, struct header *h, struct problems *problems);

/* ---- layout.c ---- */

struct template_layout {
	char *source;
	struct placeholders tree;
};
extern const char layout_builtin[];
/* The document around a body; preheader: HTML with marks, "" none. */
void layout_add(const struct template_layout *l, const struct buf *body, const struct buf *preheader, struct buf *out);

/* ---- variant.c ---- */

struct variant {
	uint64_t mask;    /* which sections are shown */
	uint64_t used_at; /* for the choice of which to give up */
	int number;
	unsigned *needs; /* names that must have a value; owned */
	size_t needs_n;
	struct program subject, text, html;
};
struct template
{
	const struct template_layout *layout;
	char *name, *vouched_by, *subject_source, *body_source; /* owned */
	enum kind kind;
	int body_line;
	char **source;
	size_t source_n;
	struct names names;
	unsigned *section; /* name numbers, by bit; owned */
	size_t section_n;
	struct placeholders subject, preheader, body;
	struct variant *variant;
	size_t variant_n;
	int next_number;
	uint64_t uses;
	const char **value; /* per render, by name number; owned */
	struct buf scratch;
};
struct variant *variant_find(struct template *t, uint64_t mask);
void variant_free(struct variant *v);

#endif
