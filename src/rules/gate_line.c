/* One line of plain text out of Markdown, text or HTML: no tags, images, links' targets or placeholders, no text that
 * can't be seen; typography as ASCII. Where each byte stood is kept. No text is read twice over, whatever it holds:
 * where a mark ends is looked for once (`seek`). */
#include <stdlib.h>
#include <string.h>

#include "gate_int.h"

#define MARK_MAX 512 /* a placeholder or an image's text that is longer is none */

bool gate_has_prefix(const char *s, const char *end, const char *prefix)
{
	for (; *prefix != '\0'; s++, prefix++)
		if (s >= end || gate_lower(*s) != *prefix)
			return false;
	return true;
}

/* Where the next of a mark begins, from s on; the end when there is none. */
static const char *seek(struct line_reader *r, enum seek what, const char *s)
{
	static const char *const mark[] = { ">", "}}", "]", ")", "\n" };
	if (r->seek[what] != NULL && r->seek[what] >= s)
		return r->seek[what];
	const char *p = memmem(s, (size_t)(r->end - s), mark[what], strlen(mark[what]));
	return r->seek[what] = p != NULL ? p : r->end;
}

static void line_put(struct line_reader *r, char c, const char *s)
{
	struct line *l = &r->line;
	if (l->n == LINE_MAX_BYTES)
		return;
	l->twin[l->n] = 0;
	l->gap[l->n] = l->pending;
	l->pending = 0;
	l->pos[l->n] = (uint32_t)(s - r->in->text);
	l->text[l->n++] = c;
}

/* ---- characters ---- */

/* A letter of another script that looks like ours, or one of ours in another dress: it is put as it stands, with what
 * it looks like beside it, until its word is known. */
static void put_odd(struct line_reader *r, const char *bytes, size_t n, const char *s, char to, enum char_kind kind)
{
	struct line *l = &r->line;
	size_t at = l->n;
	for (size_t i = 0; i < n; i++)
		line_put(r, bytes[i], s);
	if (l->n == at)
		return;
	l->twin[at] = to;
	l->kind[at] = (unsigned char)kind;
	l->odd = true;
}

static void put_letter(struct line_reader *r, uint32_t c, const char *bytes, size_t n, const char *s)
{
	r->line.script |= c >= 0x370 && c < 0x590;
	r->line.wide |= (c >= 0x2e80 && c < 0xa000) || (c >= 0xac00 && c < 0xd7b0) || (c >= 0xf900 && c < 0xfb00);
	for (size_t i = 0; i < n; i++)
		line_put(r, bytes[i], s);
}

static size_t utf8_put(uint32_t c, char out[4])
{
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* The character c, which stands at s. */
static void char_put(struct line_reader *r, uint32_t c, const char *s)
{
	struct line *l = &r->line;
	char to, bytes[4];
	bool in_word = l->n > 0 && (gate_is_latin(l->text[l->n - 1]) || l->twin[l->n - 1] != 0);
	if (c < 0x80) {
		line_put(r, c < ' ' ? ' ' : (char)c, s);
		return;
	}
	enum char_kind kind = gate_char_kind(c, &to);
	size_t n = utf8_put(c, bytes);
	switch (kind) {
	case CHAR_LETTER: put_letter(r, c, bytes, n, s); break;
	case CHAR_SIGN:
	case CHAR_ACCENTED: line_put(r, to, s); break;
	case CHAR_SHARP_S:
		line_put(r, 's', s);
		line_put(r, 's', s);
		break;
	case CHAR_STYLED:
	case CHAR_TWIN:
	case CHAR_TWIN_LOOSELY:
	case CHAR_TWIN_GREEK: put_odd(r, bytes, n, s, to, kind); break;
	case CHAR_TURN:
		gate_hidden_note(r->t, (uint32_t)(s - r->in->text), "", 0,
				 "a character that turns the direction of writing");
		break;
	case CHAR_OVERLAY:
	case CHAR_HYPHEN:
	case CHAR_INVISIBLE:
		if (in_word) {
			l->pending = (unsigned char)kind;
			l->odd = true;
		}
		break;
	case CHAR_MARK: break;
	}
}

/* "&#1077;", "&amp;", "&eacute;": what is behind it; s + 1 and an '&' when it is none. */
static const char *entity(struct line_reader *r, const char *s)
{
	static const struct {
		const char *name;
		uint32_t c;
	} row[] = { { "amp", '&' },    { "lt", '<' },     { "gt", '>' },     { "quot", '"' },
		    { "apos", '\'' },  { "nbsp", 0xa0 },  { "shy", 0xad },   { "zwnj", 0x200c },
		    { "zwj", 0x200d }, { "rsquo", '\'' }, { "lsquo", '\'' }, { "szlig", 0xdf },
		    { "aelig", 0xe6 }, { "ndash", '-' },  { "mdash", '-' },  { "hellip", '.' } };
	static const char *const accents[] = { "acute", "grave", "circ", "uml", "tilde", "ring", "cedil", "slash" };
	const char *p = s + 1, *stop = r->end - s > 12 ? s + 12 : r->end;
	char name[12];
	size_t n = 0;
	while (p < stop && *p != ';' && (gate_is_word_byte(*p) || *p == '#') && n < sizeof name - 1)
		name[n++] = *p++;
	name[n] = '\0';
	if (p == r->end || *p != ';' || n < 2) {
		line_put(r, '&', s);
		return s + 1;
	}
	uint32_t c = ' ';
	if (name[0] == '#')
		c = (uint32_t)(name[1] == 'x' || name[1] == 'X' ? strtoul(name + 2, NULL, 16)
								: strtoul(name + 1, NULL, 10));
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		if (strcmp(row[i].name, name) == 0)
			c = row[i].c;
	for (size_t i = 0; i < sizeof accents / sizeof accents[0]; i++)
		if (gate_is_latin(name[0]) && strcmp(name + 1, accents[i]) == 0)
			c = (unsigned char)name[0];
	char_put(r, c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? ' ' : c, s);
	return p + 1;
}

/* ---- marks ---- */

/* Inside of "{{...}}": sections and comments vanish, a value is a word. */
static const char *placeholder(struct line_reader *r, const char *s)
{
	const char *close = seek(r, SEEK_BRACES, s + 2);
	if (close == r->end || close - s > MARK_MAX || seek(r, SEEK_NEWLINE, s) < close) {
		line_put(r, ' ', s);
		return s + 2;
	}
	if (strchr("#^/!>=", s[2]) == NULL) {
		line_put(r, ' ', s);
		line_put(r, *GATE_PLACE, s);
		line_put(r, ' ', s);
	}
	return close + 2 + (close + 2 < r->end && close[2] == '}');
}

/* "![alt](url)": counted, and left out. */
static const char *image(struct line_reader *r, const char *s)
{
	const char *newline = seek(r, SEEK_NEWLINE, s), *p = seek(r, SEEK_BRACKET, s + 2);
	if (p - s > MARK_MAX || p + 1 >= newline || (p[1] != '(' && p[1] != '['))
		return s + 1;
	p = seek(r, p[1] == '(' ? SEEK_PAREN : SEEK_BRACKET, p + 2);
	r->t->images++;
	return p < newline ? p + 1 : newline;
}

/* Is there a tag at s ('<')? In Markdown only one of an element that letters have, complete on its line. */
static bool is_tag(struct line_reader *r, const char *s, bool code)
{
	if (s + 1 >= r->end || r->fence || code || (!gate_is_word_byte(s[1]) && s[1] != '/' && s[1] != '!'))
		return false;
	return r->html || (gate_is_tag(s + 1, r->end) && seek(r, SEEK_TAG_END, s) < seek(r, SEEK_NEWLINE, s));
}

void gate_line_start(struct line_reader *r, const struct gate_input *in, struct gate_text *t)
{
	r->in = in;
	r->t = t;
	r->end = in->text + in->text_len;
	r->html = r->fence = false;
	memset(r->seek, 0, sizeof r->seek);
	gate_tags_start(&r->tags);
}

static void line_clear(struct line *l)
{
	l->n = 0;
	l->pending = 0;
	l->odd = l->script = l->wide = false;
}

/* What is not to be seen is passed over as a whole. */
static const char *unseen(struct line_reader *r, const char *s)
{
	const char *p = memchr(s, '<', (size_t)(r->end - s));
	return p != NULL ? p : r->end;
}

const char *gate_line_read(struct line_reader *r, const char *s)
{
	const char *end = r->end, *next;
	bool code = false;
	line_clear(&r->line);
	while (s < end) {
		if (r->line.n > LINE_MAX_BYTES - 64 && (*s == ' ' || r->line.n > LINE_MAX_BYTES - 8))
			break; /* a paragraph on one line: goes on as the next */
		if (*s == '<' && is_tag(r, s, code)) {
			enum tag_effect effect = gate_tag(&r->tags, s, seek(r, SEEK_TAG_END, s), end, &next);
			s = next;
			if (effect == TAG_BLOCK)
				break;
		} else if (gate_tags_hide(&r->tags) && *s != '<') {
			s = unseen(r, s);
		} else if (*s == '\n') {
			s++;
			if (!r->html)
				break;
			line_put(r, ' ', s - 1);
		} else if (*s == '&' && !r->fence && !code) {
			s = entity(r, s);
		} else if (*s == '{' && s + 1 < end && s[1] == '{' && !r->fence) {
			s = placeholder(r, s);
		} else if (*s == '!' && s + 1 < end && s[1] == '[') {
			s = image(r, s);
		} else if ((unsigned char)*s >= 0x80) {
			size_t n;
			uint32_t c = gate_char_next(s, end, &n);
			if (c == GATE_CHAR_BAD)
				line_put(r, *s, s);
			else
				char_put(r, c, s);
			s += n;
		} else {
			code ^= *s == '`' && !r->html;
			line_put(r, (unsigned char)*s < ' ' ? ' ' : *s, s);
			s++;
		}
	}
	r->t->images += r->tags.images;
	r->tags.images = 0;
	if (r->line.odd)
		gate_line_fold(&r->line, r->t);
	while (r->line.n > 0 && r->line.text[r->line.n - 1] == ' ')
		r->line.n--;
	r->line.text[r->line.n] = '\0';
	return s;
}
