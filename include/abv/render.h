/* L2. Templates: a header block, a blank line, Markdown with Mustache placeholders -> subject, text part, HTML part.
 * Sections and partials expand first, once per combination of sections (a variant); cmark runs on that with values as opaque
 * marks; values go in afterwards, escaped by place, never read as Markdown (9-precisions, Rendering). */
#ifndef ABV_RENDER_H
#define ABV_RENDER_H

#include <stdbool.h>
#include <stddef.h>

#include "abv/buf.h"
#include "abv/err.h"
#include "abv/model.h"
#include "abv/problem.h"

struct template;        /* immutable to its users; keeps prepared variants inside */
struct template_layout; /* templates/layout.html, or the built-in one */

/* Reads DIR/layout.html when there is one, else takes the built-in. It is HTML with {{{body}}}, {{reason_why}}, {{postal_address}},
 * {{unsubscribe_url}} (all required), {{subject}}, {{preheader}} and {{#preheader}} sections. 0, or -1 with findings. */
int template_layout_load(const char *dir, struct template_layout **out, struct problems *problems);
void template_layout_free(struct template_layout **l);

/* Reads DIR/NAME and its partials ({{>name}}: DIR/name, or with .md added). Names that leave DIR are refused, so are partials that
 * include themselves, more than 1 MB in all, 512 names or 64 section names, and what is no text (UTF-8 without controls and without
 * code points of plane 16). Headers: Subject, Kind, Vouched-By, Preheader (the line that mail programs show behind the subject), each
 * once and on one line. Findings (file, line, column) go to `problems`; 0, or -1 when there is an error. The layout must outlive the
 * template. */
int template_load(const char *dir, const char *name, const struct template_layout *l, struct template **out, struct problems *problems);
void template_free(struct template **t);

const char *template_name(const struct template *t);
enum kind template_kind(const struct template *t);        /* a missing Kind: means value */
const char *template_vouched_by(const struct template *t); /* "" none */
const char *template_subject(const struct template *t);    /* as written, placeholders and all */
const char *template_body(const struct template *t);       /* as written */
int template_body_line(const struct template *t);          /* the line of the file where the body begins */

/* Values by name. NULL, "" or nothing visible: missing (a section is not shown, {{name}} is unresolved). Each name of the template is
 * asked for once a letter, and what was answered must stay until template_render returns. A value is one line: white space around it
 * goes, runs within it become a space, controls go, bytes that are no UTF-8 become U+FFFD. In a link, a value where the URL begins
 * stays a URL when it is http, https or mailto; everywhere else in a URL it is percent-encoded. */
struct render_values {
	const char *(*get)(void *arg, const char *name);
	void *arg;
};

/* What frames every letter. Strings are text, not HTML. */
struct render_frame {
	const char *postal_address;
	const char *reason_why;        /* "You get this because ..." */
	const char *unsubscribe_url;   /* mailto: or https: */
};

struct rendered {
	struct buf subject;  /* UTF-8, one line */
	struct buf text;     /* the text part with footer, LF line ends */
	struct buf html;     /* the HTML part, a whole document */
	size_t body_len;     /* text[0..body_len): without the footer; what the gate judges and what `content` is the hash of */
	int variant;         /* number of the combination of sections, from 0: the same number, the same letter but for values. 256
	                      * are kept prepared; one that was given up gets a new number */
	size_t value_bytes;  /* how much of the text came from values */
};

/* 0; -1 with err naming the placeholder when one is unresolved without fallback (err text: "placeholder 'x' has no value"), or when
 * the subject came out empty. *missing (may be NULL) is that placeholder's name, owned by the template, else NULL. `out` is reused,
 * its memory kept; end with rendered_free. About 3 us for a letter of 4 KB once its variant is prepared. */
int template_render(struct template *t, const struct render_values *v, const struct render_frame *f, struct rendered *out,
                    const char **missing, struct err *e);
void rendered_clear(struct rendered *r);
void rendered_free(struct rendered *r);

/* Plain Mustache over nested data, for the specification's own tests and for texts that are no letters: expands `text` with the
 * lookups of `data`. HTML-escapes {{x}}, not {{{x}}}. */
enum mustache_type { MUSTACHE_MISSING, MUSTACHE_FALSE, MUSTACHE_TRUE, MUSTACHE_TEXT, MUSTACHE_LIST, MUSTACHE_OBJECT };
struct mustache_data {
	/* Looks `name` up (dotted names come whole) from the innermost context outwards, as the specification says. */
	enum mustache_type (*find)(void *arg, const char *name, void **value);
	const char *(*text)(void *arg, void *value);
	size_t (*length)(void *arg, void *value);
	void *(*item)(void *arg, void *value, size_t i);
	void (*push)(void *arg, void *value); /* enter a context */
	void (*pop)(void *arg);
	const char *(*partial)(void *arg, const char *name); /* NULL: "" */
	void *arg;
};
int mustache_expand(const char *text, const struct mustache_data *d, struct buf *out, struct err *e);

/* The digest that `content` carries: of the body, white space folded, case folded. out: DIGEST_HEX bytes. */
void render_content_digest(const char *text, size_t n, char *out);

#endif
