/* HTML to readable text: one line per line that a reader sees, quotes marked with '>' and signatures with
 * MARK_SIGNATURE, so that the rules for plain text judge the rest. One pass, no tree: an end tag closes back to its
 * begin tag where there is one. */
#include <string.h>

#include "abv/reply_text.h"
#include "reply_html_int.h"
#include "reply_int.h"

#define DEPTH_MAX    256 /* elements open at a time that are remembered; deeper ones have no marks */
#define VALUE_MAX    256 /* of an attribute; longer ones are cut */
#define ENTITY_MAX   10
#define TAG_MAX      65536 /* a quoted attribute that makes its tag longer is taken for an unclosed quote */
#define UNCLOSED_MAX 16
#define RAW_TAGS_MAX 4096 /* end tags looked at for the one of a style or script */

struct open {
	const struct element *element;
	unsigned marks;
};

struct html {
	const char *s;
	size_t n, at;
	struct buf *out;
	struct open open[DEPTH_MAX];
	int depth;
	int count[128]; /* open elements by index in html_elements: a stray end tag is found out at once */
	int quote, signature, indented, hidden, pre; /* how many of the open elements say so */
	int lines;                                   /* line ends wanted before the next character */
	bool space;                                  /* a space wanted before it */
	bool no_comment_end;                         /* there is none in the rest: not looked for again */
	bool no_raw_end[128];                        /* the same of an element whose content is no text */
	int unclosed; /* quotes of attributes that did not end: after UNCLOSED_MAX they mean nothing */
};

/* ---- output ---- */

static void want_lines(struct html *h, int n)
{
	h->lines = h->lines > n ? h->lines : n;
	h->space = false;
}

static void line_begin(struct html *h)
{
	for (; h->lines > 0 && h->out->len > 0; h->lines--)
		buf_char(h->out, '\n');
	h->lines = 0;
	if (h->out->len > 0 && h->out->data[h->out->len - 1] != '\n')
		return;
	if (h->quote > 0)
		buf_str(h->out, "> ");
	else if (h->signature > 0)
		buf_char(h->out, MARK_SIGNATURE);
	else if (h->indented > 0)
		buf_char(h->out, MARK_INDENTED);
}

static void put(struct html *h, const char *s, size_t n)
{
	if (h->hidden > 0 || h->out->len > REPLY_TEXT_MAX)
		return;
	bool fresh = h->lines > 0 || h->out->len == 0;
	line_begin(h);
	if (h->space && !fresh)
		buf_char(h->out, ' ');
	h->space = false;
	buf_add(h->out, s, n);
}

static void put_line_end(struct html *h)
{
	if (h->hidden == 0 && h->lines < 2)
		h->lines++;
	h->space = false;
}

static void put_utf8(struct html *h, uint32_t c)
{
	char u[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return;
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		u[i] = (char)(0x80 | (c & 0x3f));
	u[0] = (char)(n == 1 ? c : (0xf00U >> n & 0xff) | c);
	put(h, u, n);
}

static void put_space(struct html *h)
{
	if (h->pre > 0)
		put(h, " ", 1);
	else
		h->space = true;
}

/* ---- entities ---- */

static uint32_t named(const char *s, size_t n)
{
	int lo = 0, hi = html_entity_n;
	while (lo < hi) {
		int mid = (lo + hi) / 2;
		int c = strncmp(html_entities[mid].name, s, n);
		if (c == 0)
			c = html_entities[mid].name[n] != '\0';
		if (c == 0)
			return html_entities[mid].c;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

/* The number behind "&#"; length of its digits in *len. */
static uint32_t numeric(const char *s, size_t n, size_t *len)
{
	uint32_t c = 0, base = 10;
	size_t i = 0;
	if (n > 0 && (s[0] == 'x' || s[0] == 'X')) {
		base = 16;
		i = 1;
	}
	for (; i < n && i < ENTITY_MAX; i++) {
		uint32_t d = s[i] >= '0' && s[i] <= '9'                 ? (uint32_t)(s[i] - '0')
			     : (s[i] | 32) >= 'a' && (s[i] | 32) <= 'f' ? (uint32_t)((s[i] | 32) - 'a') + 10
									: 99;
		if (d >= base)
			break;
		c = c > 0x110000 ? c : c * base + d;
	}
	*len = i;
	return c >= 0x80 && c < 0xa0 ? '?' : c;
}

/* The character reference at '&'. */
static void entity(struct html *h)
{
	const char *s = h->s + h->at + 1;
	size_t n = h->n - h->at - 1, len = 0;
	uint32_t c;
	if (n > 1 && *s == '#') {
		c = numeric(s + 1, n - 1, &len);
		len++;
	} else {
		while (len < n && len < ENTITY_MAX && is_word_byte(s[len]))
			len++;
		c = named(s, len);
	}
	if (c == 0) {
		put(h, "&", 1);
		h->at++;
		return;
	}
	if (c == 0xa0)
		put(h, " ", 1);
	else if (c == '\n' || c == ' ' || c == '\t' || c == '\r')
		put_space(h);
	else if (c >= 0x20)
		put_utf8(h, c);
	h->at += 1 + len + (len < n && s[len] == ';');
}

/* ---- tags ---- */

static char low(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static const struct element *element_find(const char *s, size_t n)
{
	char name[16];
	int lo = 0, hi = html_element_n;
	if (n == 0 || n >= sizeof name)
		return NULL;
	for (size_t i = 0; i < n; i++)
		name[i] = low(s[i]);
	name[n] = '\0';
	while (lo < hi) {
		int mid = (lo + hi) / 2, c = strcmp(html_elements[mid].name, name);
		if (c == 0)
			return &html_elements[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* One attribute: its name and value, lower case; white space goes from a style's. Returns where it ends; `end` is the
 * tag's. */
static size_t attribute(const char *s, size_t i, size_t end, char name[24], char value[VALUE_MAX])
{
	size_t n = 0, v = 0;
	for (; i < end && !is_space(s[i]) && s[i] != '='; i++)
		if (n < 23)
			name[n++] = low(s[i]);
	name[n] = '\0';
	while (i < end && is_space(s[i]))
		i++;
	if (i < end && s[i] == '=') {
		for (i++; i < end && is_space(s[i]); i++)
			;
		char quote = i < end && (s[i] == '"' || s[i] == '\'') ? s[i++] : '\0';
		for (; i < end && (quote != '\0' ? s[i] != quote : !is_space(s[i])); i++)
			if (v < VALUE_MAX - 1 && !(is_space(s[i]) && strcmp(name, "style") == 0))
				value[v++] = low(s[i]);
		i += i < end && quote != '\0';
	}
	value[v] = '\0';
	return i;
}

static unsigned marks_of(const char *name, const char *value)
{
	unsigned marks = 0;
	for (const struct html_mark *m = html_marks; m->attribute != NULL; m++)
		if (strcmp(m->attribute, name) == 0 &&
		    (*m->text == '=' ? strcmp(m->text + 1, value) == 0 : strstr(value, m->text) != NULL))
			marks |= (unsigned)m->is;
	return marks;
}

static unsigned attributes(const char *s, size_t i, size_t end)
{
	char name[24], value[VALUE_MAX];
	unsigned marks = 0;
	while (i < end) {
		if (is_space(s[i]) || s[i] == '/' || s[i] == '"' || s[i] == '=') {
			i++;
			continue;
		}
		i = attribute(s, i, end, name, value);
		marks |= marks_of(name, value);
	}
	return marks;
}

static void counted(struct html *h, const struct open *o, int by)
{
	h->count[o->element - html_elements] += by;
	h->quote += (o->marks & MARK_IS_QUOTE) != 0 ? by : 0;
	h->signature += (o->marks & MARK_IS_SIGNATURE) != 0 ? by : 0;
	h->indented += (o->marks & MARK_IS_INDENTED) != 0 ? by : 0;
	h->hidden += (o->marks & MARK_IS_HIDDEN) != 0 ? by : 0;
	h->pre += o->element->is == EL_PRE ? by : 0;
}

static void lines_around(struct html *h, const struct open *o)
{
	switch (o->element->is) {
	case EL_BLOCK:
	case EL_ITEM: want_lines(h, 1); break;
	case EL_SPACED:
	case EL_PRE:
	case EL_QUOTE: want_lines(h, 2); break;
	case EL_CELL: h->space = true; break;
	default:
		if ((o->marks & (MARK_IS_QUOTE | MARK_IS_SIGNATURE)) != 0)
			want_lines(h, 1);
		break;
	}
}

static void cut_here(struct html *h)
{
	static const char mark[] = { MARK_CUT };
	if (h->quote > 0 || h->hidden > 0)
		return;
	want_lines(h, 1);
	put(h, mark, 1);
	want_lines(h, 1);
}

static void element_begin(struct html *h, const struct element *el, unsigned marks)
{
	struct open o = { .element = el, .marks = marks };
	if (el->is == EL_QUOTE && (marks & MARK_IS_OWN) == 0)
		o.marks |= (marks & MARK_IS_CITED) != 0 ? MARK_IS_QUOTE : MARK_IS_INDENTED;
	if ((marks & MARK_IS_CUT) != 0)
		cut_here(h);
	if (el->is == EL_BREAK) {
		put_line_end(h);
		return;
	}
	lines_around(h, &o);
	if (el->is == EL_RULE) {
		want_lines(h, 1);
		put(h, "________", 8);
		want_lines(h, 1);
	} else if (el->is == EL_ITEM) {
		put(h, "- ", 2);
	}
	if (el->is == EL_RULE || el->is == EL_IMAGE || h->depth >= DEPTH_MAX)
		return;
	h->open[h->depth++] = o;
	counted(h, &o, 1);
}

static void element_end(struct html *h, const struct element *el)
{
	if (h->count[el - html_elements] == 0)
		return;
	for (bool done = false; !done;) {
		struct open o = h->open[--h->depth];
		done = o.element == el;
		counted(h, &o, -1);
		lines_around(h, &o);
	}
}

/* ---- what stands between < and > ---- */

/* The '>' of the tag that begins at i, those in quoted values left out; n when there is none. */
static size_t tag_end(struct html *h, size_t i)
{
	char quote = '\0';
	size_t limit = h->n < i + TAG_MAX ? h->n : i + TAG_MAX;
	for (size_t k = i; k < limit && h->unclosed < UNCLOSED_MAX; k++) {
		if (quote != '\0')
			quote = h->s[k] == quote ? '\0' : quote;
		else if (h->s[k] == '>')
			return k;
		else if ((h->s[k] == '"' || h->s[k] == '\'') && h->s[k - 1] == '=')
			quote = h->s[k];
	}
	h->unclosed++;
	const char *p = memchr(h->s + i, '>', h->n - i);
	return p != NULL ? (size_t)(p - h->s) : h->n;
}

static void comment(struct html *h)
{
	const char *end = h->no_comment_end ? NULL : memmem(h->s + h->at, h->n - h->at, "-->", 3);
	if (end == NULL) {
		h->no_comment_end = true;
		size_t close = tag_end(h, h->at + 1);
		h->at = close < h->n ? close + 1 : h->n;
		return;
	}
	h->at = (size_t)(end - h->s) + 3;
}

/* Style, script and the like: to the end tag of that name, or, where it is missing, nothing is left out. */
static void raw(struct html *h, const struct element *el)
{
	size_t n = strlen(el->name);
	bool *none = &h->no_raw_end[el - html_elements];
	int ends = 0;
	for (const char *p = h->s + h->at;
	     !*none && ends < RAW_TAGS_MAX && (p = memmem(p, h->n - (size_t)(p - h->s), "</", 2)) != NULL;
	     p += 2, ends++) {
		size_t left = h->n - (size_t)(p - h->s) - 2;
		if (left >= n && strncasecmp(p + 2, el->name, n) == 0) {
			h->at = (size_t)(p - h->s);
			h->at = tag_end(h, h->at + 1);
			h->at += h->at < h->n;
			return;
		}
	}
	*none = true;
}

/* Everything that begins with '<'. */
static void tag(struct html *h)
{
	const char *s = h->s + h->at;
	size_t left = h->n - h->at;
	if (left >= 4 && memcmp(s, "<!--", 4) == 0) {
		comment(h);
		return;
	}
	bool close = left > 1 && s[1] == '/';
	size_t begin = h->at + 1 + close, n = 0;
	if (begin >= h->n || !(is_word_byte(h->s[begin]) || h->s[begin] == '!' || h->s[begin] == '?')) {
		put(h, "<", 1);
		h->at++;
		return;
	}
	while (begin + n < h->n && n < 16 && is_word_byte(h->s[begin + n]))
		n++;
	const struct element *el = begin + n < h->n && h->s[begin + n] == ':' ? NULL : element_find(h->s + begin, n);
	size_t end = tag_end(h, begin);
	h->at = end < h->n ? end + 1 : h->n;
	if (el == NULL)
		return;
	if (el->is == EL_RAW) {
		if (!close && h->s[end - 1] != '/')
			raw(h, el);
	} else if (close) {
		element_end(h, el);
	} else {
		element_begin(h, el, attributes(h->s, begin + n, end < h->n ? end : h->n));
	}
}

static void html_to_text(const char *s, size_t n, struct buf *out)
{
	struct html h = { .s = s, .n = n, .out = out };
	while (h.at < n && out->len <= REPLY_TEXT_MAX) {
		char c = s[h.at];
		if (c == '<') {
			tag(&h);
		} else if (c == '&') {
			entity(&h);
		} else if (c == '\n' && h.pre > 0) {
			put_line_end(&h);
			h.at++;
		} else if (is_space(c)) {
			put_space(&h);
			h.at++;
		} else {
			size_t run = 1;
			while (h.at + run < n && strchr("<& \t\n\r\f", s[h.at + run]) == NULL)
				run++;
			put(&h, s + h.at, run);
			h.at += run;
		}
	}
}

void reply_text_html(const char *html, size_t n, struct buf *out)
{
	struct buf clean = { .data = NULL }, text = { .data = NULL };
	clean_text(html, n, &clean);
	html_to_text(buf_text(&clean), clean.len, &text);
	reply_own_text(buf_text(&text), text.len, out);
	buf_free(&clean);
	buf_free(&text);
}

/* ---- a whole message ---- */

static bool own_of(const struct mail *m, const char *type, void (*own)(const char *, size_t, struct buf *),
		   struct buf *out)
{
	for (size_t i = 0; i < m->part_n; i++) {
		const struct mail_part *p = &m->part[i];
		size_t begin = out->len;
		if (strcmp(p->type, "message/rfc822") == 0 && p->end > i) {
			i = p->end - 1; /* a message inside is another's */
			continue;
		}
		if (p->attachment || strcmp(p->type, type) != 0)
			continue;
		own(p->text, p->text_len, out);
		if (out->len > begin)
			return true;
	}
	return false;
}

void reply_text_mail(const struct mail *m, struct buf *out)
{
	if (!own_of(m, "text/plain", reply_text_plain, out))
		own_of(m, "text/html", reply_text_html, out);
}
