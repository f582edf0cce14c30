/* Tags, for what they hide, and for quoted mail. Text that no reader sees gives no reader anything: display:none, type
 * of size 0, letters in the colour of their ground. Where it can't be known (a ground from a style sheet or an image)
 * text counts as seen. Style sheets are not read. */
#include <string.h>

#include "gate_int.h"

#define TAG_UNKNOWN 0xff000000u /* no colour */
#define WHITE       0xffffffu
#define BLACK       0x000000u

static uint32_t name_hash(const char *s, const char *end)
{
	uint32_t h = 2166136261u;
	for (; s < end && gate_is_word_byte(*s); s++)
		h = (h ^ (unsigned char)gate_lower(*s)) * 16777619u;
	return h | 1; /* 0 is none */
}

static bool name_is(const char *s, const char *end, const char *name)
{
	size_t n = strlen(name);
	return gate_has_prefix(s, end, name) && (s + n == end || !gate_is_word_byte(s[n]));
}

static bool name_in(const char *s, const char *end, const char *const *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (name_is(s, end, row[i]))
			return true;
	return false;
}

#define NAME_IN(s, end, row) name_in(s, end, row, sizeof(row) / sizeof(row)[0])

static const char *const blocks[] = { "p",  "br", "div",   "tr", "li", "ul", "ol",   "h1",        "h2",
				      "h3", "h4", "table", "td", "th", "hr", "body", "blockquote" };

bool gate_is_tag(const char *s, const char *end)
{
	static const char *const inlines[] = { "a",     "abbr", "b",    "center", "code",    "del",   "em",   "font",
					       "h5",    "h6",   "head", "html",   "i",       "img",   "ins",  "kbd",
					       "mark",  "pre",  "s",    "script", "section", "small", "span", "strong",
					       "style", "sub",  "sup",  "tbody",  "thead",   "title", "u" };
	if (gate_has_prefix(s, end, "!--"))
		return true;
	s += s < end && *s == '/';
	return NAME_IN(s, end, blocks) || NAME_IN(s, end, inlines);
}

/* ---- attributes ---- */

struct attribute {
	const char *name, *name_end, *value;
	size_t len;
};

static bool space_or(char c, char other)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == other;
}

/* The next attribute from *s on. */
static bool attribute_next(const char **s, const char *end, struct attribute *a)
{
	const char *p = *s;
	while (p < end && space_or(*p, '/'))
		p++;
	if (p == end)
		return false;
	a->name = p;
	while (p < end && *p != '=' && !space_or(*p, '/'))
		p++;
	p += p == a->name; /* a stray '=' */
	a->name_end = a->value = p;
	a->len = 0;
	while (p < end && space_or(*p, ' '))
		p++;
	if (p < end && *p == '=') {
		for (p++; p < end && space_or(*p, ' ');)
			p++;
		char quote = p < end && (*p == '"' || *p == '\'') ? *p++ : '\0';
		a->value = p;
		while (p < end && (quote != '\0' ? *p != quote : !space_or(*p, ' ')))
			p++;
		a->len = (size_t)(p - a->value);
		p += quote != '\0' && p < end;
	}
	*s = p;
	return true;
}

/* ---- colours and styles. Values are in lower case, without spaces, and end with ';' ---- */

static uint32_t hex_digit(char c)
{
	return c >= '0' && c <= '9' ? (uint32_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) : 16;
}

static uint32_t colour(const char *s)
{
	uint32_t c = 0, n = 0, part[3] = { 0 };
	if (strncmp(s, "white", 5) == 0)
		return WHITE;
	if (strncmp(s, "black", 5) == 0)
		return BLACK;
	if (*s == '#') {
		while (n < 6 && hex_digit(s[n + 1]) < 16)
			c = c << 4 | hex_digit(s[++n]);
		if (n == 3) /* #abc is #aabbcc */
			return (c & 0xf00) * 0x1100 + (c & 0xf0) * 0x110 + (c & 0xf) * 0x11;
		return n == 6 ? c : TAG_UNKNOWN;
	}
	if (strncmp(s, "rgb(", 4) != 0)
		return TAG_UNKNOWN;
	for (s += 4; n < 3 && *s >= '0' && *s <= '9'; n++) {
		for (; *s >= '0' && *s <= '9' && part[n] < 256; s++)
			part[n] = part[n] * 10 + (uint32_t)(*s - '0');
		s += *s == ',';
	}
	return n == 3 ? (part[0] & 255) << 16 | (part[1] & 255) << 8 | (part[2] & 255) : TAG_UNKNOWN;
}

static bool alike(uint32_t a, uint32_t b)
{
	if ((a | b) & TAG_UNKNOWN)
		return false;
	for (int shift = 0; shift < 24; shift += 8) {
		int d = (int)(a >> shift & 255) - (int)(b >> shift & 255);
		if (d > 12 || d < -12)
			return false;
	}
	return true;
}

/* Is a length nought: "0", "0px", "0.0em"? */
static bool is_nought(const char *s)
{
	if (*s != '0')
		return false;
	while (*s == '0' || *s == '.')
		s++;
	return *s < '1' || *s > '9';
}

/* One declaration; true: it hides. */
static bool declaration(const char *d, struct tag_look *look)
{
	static const char *const hides[] = { "display:none", "visibility:hidden", "visibility:collapse",
					     "mso-hide:all", "text-indent:-9",    "left:-9",
					     "top:-9" };
	for (size_t i = 0; i < sizeof hides / sizeof hides[0]; i++)
		if (strncmp(d, hides[i], strlen(hides[i])) == 0)
			return true;
	if (strncmp(d, "opacity:", 8) == 0)
		return is_nought(d + 8);
	if (strncmp(d, "max-height:", 11) == 0)
		return is_nought(d + 11);
	if (strncmp(d, "font-size:", 10) == 0)
		look->tiny = is_nought(d + 10);
	else if (strncmp(d, "color:", 6) == 0)
		look->colour = colour(d + 6);
	else if (strncmp(d, "background", 10) == 0 && strchr(d, ':') != NULL)
		look->ground = colour(strchr(d, ':') + 1);
	return false;
}

/* A value in lower case, without white space; what is longer than the buffer is not read. */
static void squeeze(const char *s, size_t n, char *out, size_t cap)
{
	size_t k = 0;
	for (size_t i = 0; i < n && k + 1 < cap; i++)
		if (!space_or(s[i], ' '))
			out[k++] = gate_lower(s[i]);
	out[k] = '\0';
}

static bool style(const struct attribute *a, struct tag_look *look)
{
	char text[1024] = "";
	bool hides = false;
	squeeze(a->value, a->len, text, sizeof text);
	for (char *d = text; d != NULL;) {
		char *next = strchr(d, ';');
		if (next != NULL)
			*next++ = '\0';
		hides |= declaration(d, look);
		d = next;
	}
	return hides;
}

/* The tag's attributes from s on: how text in it looks. True: it is hidden. *dot: an image of one pixel. */
static bool attributes(const char *s, const char *end, struct tag_look *look, bool *dot)
{
	struct attribute a;
	char text[32] = "";
	bool hides = false, own_ground = false, classed = false;
	*dot = false;
	while (attribute_next(&s, end, &a)) {
		uint32_t before = look->ground;
		squeeze(a.value, a.len, text, sizeof text);
		if (name_is(a.name, a.name_end, "style"))
			hides |= style(&a, look);
		else if (name_is(a.name, a.name_end, "hidden"))
			hides = true;
		else if (name_is(a.name, a.name_end, "color"))
			look->colour = colour(text);
		else if (name_is(a.name, a.name_end, "bgcolor"))
			look->ground = colour(text);
		else if (name_is(a.name, a.name_end, "background"))
			look->ground = TAG_UNKNOWN;
		else if (name_is(a.name, a.name_end, "class")) {
			classed = true;
			hides |= strncmp(text, "gmail_quote", 11) == 0 || strncmp(text, "yahoo_quoted", 12) == 0 ||
				 strncmp(text, "moz-cite", 8) == 0;
		} else if (name_is(a.name, a.name_end, "type"))
			hides |= strcmp(text, "cite") == 0; /* a quoted mail */
		else if (name_is(a.name, a.name_end, "width") || name_is(a.name, a.name_end, "height"))
			*dot |= strcmp(text, "0") == 0 || strcmp(text, "1") == 0;
		own_ground |= before != look->ground;
	}
	if (classed && !own_ground)
		look->ground = TAG_UNKNOWN;
	return hides;
}

/* ---- which elements are open ---- */

void gate_tags_start(struct tags *t)
{
	t->n = t->hidden_depth = t->images = 0;
	t->hidden = 0;
	t->look = (struct tag_look){ .colour = BLACK, .ground = WHITE };
}

bool gate_tags_hide(const struct tags *t)
{
	return t->hidden != 0 || t->look.tiny || alike(t->look.colour, t->look.ground);
}

static void element_close(struct tags *t, uint32_t name)
{
	if (t->hidden != 0) {
		if (name == t->hidden && --t->hidden_depth == 0)
			t->hidden = 0;
		return;
	}
	for (int i = t->n - 1; i >= 0; i--)
		if (t->row[i].name == name) {
			t->look = t->row[i].before;
			t->n = i;
			return;
		}
}

/* These end where the next of their kind begins, if nobody ended them. */
static const char *const singles[] = { "p", "li", "td", "th", "tr" };

static void element_open(struct tags *t, const char *s, const char *close)
{
	static const char *const voids[] = { "br", "hr", "img", "input", "meta", "link", "area", "base", "col", "wbr" };
	struct tag_look look = t->look;
	const char *p = s;
	uint32_t name = name_hash(s, close);
	bool dot;
	if (t->hidden != 0) {
		if (name != t->hidden)
			return;
		if (NAME_IN(s, close, singles)) /* it was never closed */
			t->hidden = 0;
		else
			t->hidden_depth++;
		if (t->hidden != 0)
			return;
	}
	if (t->n > 0 && t->row[t->n - 1].name == name && NAME_IN(s, close, singles))
		element_close(t, name);
	look = t->look;
	while (p < close && gate_is_word_byte(*p))
		p++;
	bool hides = attributes(p, close, &look, &dot);
	bool is_void = NAME_IN(s, close, voids) || (close > s && close[-1] == '/');
	if (name_is(s, close, "img") && !dot && !hides && !gate_tags_hide(t))
		t->images++;
	if (is_void)
		return;
	if (hides) {
		t->hidden = name;
		t->hidden_depth = 1;
	} else if (t->n < TAGS_MAX) {
		t->row[t->n].name = name;
		t->row[t->n++].before = t->look;
		t->look = look;
	}
}

/* What is behind the end tag `name` ("style"), or the end. */
static const char *behind_close(const char *s, const char *end, const char *name)
{
	while (s < end && (s = memchr(s, '<', (size_t)(end - s))) != NULL) {
		if (s + 1 < end && s[1] == '/' && gate_has_prefix(s + 2, end, name)) {
			s = memchr(s, '>', (size_t)(end - s));
			return s != NULL ? s + 1 : end;
		}
		s++;
	}
	return end;
}

enum tag_effect gate_tag(struct tags *t, const char *s, const char *close, const char *end, const char **next)
{
	static const char *const whole[] = { "style", "script", "head", "title" };
	const char *p = s + 1;
	*next = close < end ? close + 1 : end;
	if (gate_has_prefix(p, end, "!--")) {
		p = memmem(p + 3, (size_t)(end - p - 3), "-->", 3);
		*next = p != NULL ? p + 3 : end;
		return TAG_INLINE;
	}
	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
		if (name_is(p, close, whole[i])) {
			*next = behind_close(*next, end, whole[i]);
			return TAG_INLINE;
		}
	if (p < close && *p == '/')
		element_close(t, name_hash(p + 1, close));
	else if (*p != '!')
		element_open(t, p, close);
	p += p < close && *p == '/';
	return NAME_IN(p, close, blocks) ? TAG_BLOCK : TAG_INLINE;
}
