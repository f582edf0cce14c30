/* From Markdown, text or HTML to sentences of words. What every letter has around its content is left out: greeting,
 * closing and signature, footer, quoted text. Nothing is allocated; a text longer than the tables is judged by its
 * beginning. */
#include <string.h>

#include "gate_int.h"

#define LINE_MAX_BYTES 4096
#define MARK_MAX       512 /* a tag, placeholder or image that is longer is none: no text is read twice over */

struct line {
	char text[LINE_MAX_BYTES + 1]; /* without markup; case as written */
	uint32_t pos[LINE_MAX_BYTES + 1];
	size_t n;
};

struct reader {
	const struct gate_input *in;
	struct gate_text *t;
	struct line line;
	char plain[128]; /* the line in lower case, words only: for comparison with the lists */
	int plain_words;
	bool html, fence, began, ended;
	int closing; /* lines of a signature still to come */
	bool open;   /* the last sentence goes on in the next line */
};

static bool is_word_byte(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool has_prefix(const char *s, const char *end, const char *prefix)
{
	for (; *prefix != '\0'; s++, prefix++)
		if (s == end || lower(*s) != *prefix)
			return false;
	return true;
}

/* ---- one line of plain text out of the input ---- */

/* Typography to ASCII: quotes, dashes, dots, spaces, bullets. Emoji and other signs become a space. Bytes taken; *out
 * 0: a byte of a word. */
static size_t fold(const char *s, const char *end, char *out)
{
	static const struct {
		const char *bytes;
		char c;
	} row[] = { { "\xe2\x80\x99", '\'' }, { "\xe2\x80\x98", '\'' }, { "\xe2\x80\x9c", '"' },
		    { "\xe2\x80\x9d", '"' },  { "\xe2\x80\x93", '-' },  { "\xe2\x80\x94", '-' },
		    { "\xe2\x80\xa6", '.' },  { "\xe2\x80\xa2", '*' },  { "\xe2\x80\x8b", ' ' },
		    { "\xe2\x80\xaf", ' ' } };
	size_t left = (size_t)(end - s);
	*out = ' ';
	if ((unsigned char)*s == 0xc2 && left >= 2) { /* Latin-1 signs and the hard space */
		*out = (unsigned char)s[1] == 0xb0 || (unsigned char)s[1] == 0xb5 ? '\0' : ' ';
		return *out == '\0' ? 1 : 2;
	}
	for (size_t i = 0; i < sizeof row / sizeof row[0] && left >= 3; i++)
		if (memcmp(s, row[i].bytes, 3) == 0) {
			*out = row[i].c;
			return 3;
		}
	if ((unsigned char)*s == 0xe2 && left >= 3)
		return 3;
	if ((unsigned char)*s == 0xf0 && left >= 4)
		return 4;
	*out = '\0';
	return 1;
}

static void line_put(struct reader *r, char c, const char *s)
{
	struct line *l = &r->line;
	if (l->n == LINE_MAX_BYTES)
		return;
	l->pos[l->n] = (uint32_t)(s - r->in->text);
	l->text[l->n++] = c;
}

static bool is_block_tag(const char *s, const char *end)
{
	static const char *const row[] = { "p",  "br", "div",   "tr", "li", "ul", "ol",   "h1",        "h2",
					   "h3", "h4", "table", "td", "th", "hr", "body", "blockquote" };
	size_t n = 0;
	s += *s == '/';
	while (s + n < end && is_word_byte((unsigned char)s[n]))
		n++;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		if (strlen(row[i]) == n && has_prefix(s, end, row[i]))
			return true;
	return false;
}

/* A tag begins at s ('<'): what follows it. Style and script go with what they hold. */
static const char *tag_end(struct reader *r, const char *s, const char *end)
{
	static const char *const whole[] = { "style", "script", "head" };
	const char *p = s + 1;
	if (has_prefix(p, end, "!--")) {
		for (p += 3; p < end && !has_prefix(p, end, "-->"); p++)
			;
		return p < end ? p + 3 : end;
	}
	if (has_prefix(p, end, "img"))
		r->t->images++;
	const char *close = NULL;
	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
		if (has_prefix(p, end, whole[i]) && !is_word_byte((unsigned char)p[strlen(whole[i])]))
			close = whole[i];
	while (p < end && *p != '>')
		p++;
	for (; close != NULL && p < end; p++)
		if (*p == '<' && p + 1 < end && p[1] == '/' && has_prefix(p + 2, end, close)) {
			while (p < end && *p != '>')
				p++;
			break;
		}
	return p < end ? p + 1 : end;
}

static const char *entity(struct reader *r, const char *s, const char *end)
{
	static const struct {
		const char *name;
		char c;
	} row[] = { { "&amp;", '&' },  { "&lt;", '<' },   { "&gt;", '>' },
		    { "&quot;", '"' }, { "&#39;", '\'' }, { "&rsquo;", '\'' } };
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		if (has_prefix(s, end, row[i].name)) {
			line_put(r, row[i].c, s);
			return s + strlen(row[i].name);
		}
	for (const char *p = s + 1; p < end && p - s < 12; p++)
		if (*p == ';') {
			line_put(r, ' ', s);
			return p + 1;
		}
	line_put(r, '&', s);
	return s + 1;
}

/* Inside of "{{...}}": sections and comments vanish, a value is a word. */
static const char *placeholder(struct reader *r, const char *s, const char *end)
{
	const char *p = s + 2, *close = p;
	while (close + 1 < end && close - s < MARK_MAX && !(close[0] == '}' && close[1] == '}') && *close != '\n')
		close++;
	if (close + 1 >= end || *close != '}') {
		line_put(r, ' ', s);
		return s + 2;
	}
	if (strchr("#^/!>=", *p) == NULL) {
		line_put(r, ' ', s);
		line_put(r, *GATE_PLACE, s);
		line_put(r, ' ', s);
	}
	return close + 2 + (close + 2 < end && close[2] == '}');
}

/* "![alt](url)": counted, and left out. */
static const char *image(struct reader *r, const char *s, const char *end)
{
	const char *p = s + 2;
	while (p < end && p - s < MARK_MAX && *p != ']' && *p != '\n')
		p++;
	if (p + 1 >= end || *p != ']' || (p[1] != '(' && p[1] != '['))
		return s + 1;
	char close = p[1] == '(' ? ')' : ']';
	for (p += 2; p < end && *p != close && *p != '\n'; p++)
		;
	r->t->images++;
	return p < end && *p == close ? p + 1 : p;
}

/* One line into r->line; returns the rest. */
static const char *line_read(struct reader *r, const char *s, const char *end)
{
	r->line.n = 0;
	while (s < end) {
		char c;
		if (r->line.n > LINE_MAX_BYTES - 64 && (*s == ' ' || r->line.n > LINE_MAX_BYTES - 8))
			break; /* a paragraph on one line: goes on as the next */
		if (r->html && *s == '<' && s + 1 < end &&
		    (is_word_byte((unsigned char)s[1]) || s[1] == '/' || s[1] == '!')) {
			bool block = is_block_tag(s + 1, end);
			s = tag_end(r, s, end);
			if (block)
				break;
			continue;
		}
		if (r->html && *s == '&') {
			s = entity(r, s, end);
		} else if (*s == '\n') {
			s++;
			if (!r->html)
				break;
			line_put(r, ' ', s - 1);
		} else if (*s == '{' && s + 1 < end && s[1] == '{' && !r->fence) {
			s = placeholder(r, s, end);
		} else if (*s == '!' && s + 1 < end && s[1] == '[') {
			s = image(r, s, end);
		} else if ((unsigned char)*s >= 0x80) {
			size_t n = fold(s, end, &c);
			line_put(r, c == '\0' ? *s : c, s);
			s += n;
		} else {
			line_put(r, (unsigned char)*s < ' ' ? ' ' : *s, s);
			s++;
		}
	}
	while (r->line.n > 0 && r->line.text[r->line.n - 1] == ' ')
		r->line.n--;
	r->line.text[r->line.n] = '\0';
	return s;
}

static void plain_make(struct reader *r)
{
	size_t k = 0;
	bool gap = false;
	r->plain_words = 0;
	for (size_t i = 0; i < r->line.n; i++) {
		char c = r->line.text[i];
		if (!is_word_byte((unsigned char)c) && c != '\'' && c != *GATE_PLACE) {
			gap = true;
			continue;
		}
		if (k == 0 || gap)
			r->plain_words++;
		if (k > 0 && gap && k < sizeof r->plain - 1)
			r->plain[k++] = ' ';
		gap = false;
		if (k < sizeof r->plain - 1)
			r->plain[k++] = lower(c);
	}
	r->plain[k] = '\0';
}

/* ---- words and sentences ---- */

static struct gate_sentence *sentence_now(struct reader *r)
{
	struct gate_text *t = r->t;
	if (!r->open) {
		if (t->sentence_n == GATE_SENTENCES_MAX) {
			t->full = true;
			return &t->sentence[GATE_SENTENCES_MAX - 1];
		}
		t->sentence[t->sentence_n++] = (struct gate_sentence){ .first = t->word_n };
		r->open = true;
	}
	return &t->sentence[t->sentence_n - 1];
}

static void sentence_end(struct reader *r, unsigned flags)
{
	if (r->open)
		r->t->sentence[r->t->sentence_n - 1].flags |= flags;
	r->open = false;
}

static void word_add(struct reader *r, const char *s, size_t n, uint32_t pos, unsigned flags)
{
	struct gate_text *t = r->t;
	if (t->word_n == GATE_WORDS_MAX || t->pool_n + n + 1 > GATE_POOL || t->full) {
		t->full = true;
		return;
	}
	struct gate_sentence *x = sentence_now(r);
	char *to = t->pool + t->pool_n;
	for (size_t i = 0; i < n; i++) {
		to[i] = lower(s[i]);
		if (to[i] >= '0' && to[i] <= '9')
			flags |= SENTENCE_NUMBER;
	}
	to[n] = '\0';
	t->pool_n += n + 1;
	t->word[t->word_n++] = (struct gate_word){ to, pos };
	x->n++;
	x->flags |= flags;
}

/* A link at s: its length, or 0. It is no word, but says something of its sentence. */
static size_t link_at(struct reader *r, const char *s)
{
	char url[256];
	size_t n = 0, k = 0;
	const char *end = r->line.text + r->line.n;
	if (!has_prefix(s, end, "http://") && !has_prefix(s, end, "https://") && !has_prefix(s, end, "www."))
		return 0;
	for (; s[n] != '\0' && strchr(" )>\"]|", s[n]) == NULL; n++)
		if (k < sizeof url - 1)
			url[k++] = lower(s[n]);
	url[k] = '\0';
	struct gate_sentence *x = sentence_now(r);
	if (!gate_is_errand_link(url))
		x->flags |= SENTENCE_LINK;
	return n;
}

/* A '.', '!' or '?' ends a sentence before a space or the line's end; not in "e.g." or "Mr." or "1.". *run: behind the
 * marks that k is one of, 0 at a line's begin; kept so that a line of nothing else is read once, not once a mark. */
static bool is_stop(const struct reader *r, size_t k, size_t *run)
{
	const char *s = r->line.text;
	if (*run <= k)
		for (*run = k + 1; s[*run] != '\0' && strchr(".!?\"')*_", s[*run]) != NULL;)
			++*run;
	if (s[*run] != '\0' && s[*run] != ' ')
		return false;
	if (s[k] != '.')
		return true;
	size_t start = k;
	while (start > 0 && is_word_byte((unsigned char)s[start - 1]))
		start--;
	if (k - start <= 1 && k > start && (start == 0 || s[start - 1] == '.'))
		return false;
	return !(k - start <= 3 && (has_prefix(s + start, s + k, "mr") || has_prefix(s + start, s + k, "mrs") ||
				    has_prefix(s + start, s + k, "ms") || has_prefix(s + start, s + k, "dr") ||
				    has_prefix(s + start, s + k, "no")));
}

static size_t word_length(const char *s)
{
	size_t n = 0;
	while (is_word_byte((unsigned char)s[n]) ||
	       (n > 0 && s[n] != '\0' && strchr("'-.,_@/:", s[n]) != NULL && is_word_byte((unsigned char)s[n + 1])))
		n++;
	return n;
}

static void words_read(struct reader *r, size_t from, unsigned flags)
{
	const char *s = r->line.text;
	size_t run = 0;
	for (size_t i = from; i < r->line.n;) {
		size_t n = link_at(r, s + i);
		if (n > 0) {
			i += n;
		} else if (s[i] == *GATE_PLACE) {
			word_add(r, s + i, 1, r->line.pos[i], flags);
			i++;
		} else if ((n = word_length(s + i)) > 0) {
			word_add(r, s + i, n, r->line.pos[i], flags);
			i += n;
		} else {
			if (s[i] == '`' && r->open)
				r->t->sentence[r->t->sentence_n - 1].flags |= SENTENCE_CODE;
			if ((s[i] == ':' || s[i] == ';') && s[i + 1] == ' ' && strncmp(s + i + 2, "http", 4) != 0)
				sentence_end(r, 0); /* "About your question: ..." says two things */
			if ((s[i] == '.' || s[i] == '!' || s[i] == '?') && is_stop(r, i, &run))
				sentence_end(r, s[i] == '?' ? SENTENCE_QUESTION : 0);
			i++;
		}
	}
}

/* ---- lines ---- */

/* Words behind "Hi Dana," count; those of the greeting don't. */
static size_t greeting_end(const struct reader *r)
{
	char word[32];
	const char *s = r->line.text;
	size_t n = word_length(s), i = 0, run = 0;
	int words = 0;
	if (s[0] == *GATE_PLACE && r->plain_words <= 3)
		return r->line.n;
	if (n == 0 || n >= sizeof word)
		return 0;
	memcpy(word, s, n);
	word[n] = '\0';
	for (char *p = word; *p != '\0'; p++)
		*p = lower(*p);
	if (!gate_is_greeting(word))
		return r->plain_words <= 3 && s[r->line.n - 1] == ',' ? r->line.n : 0; /* "Dana," */
	for (i = 0; i < r->line.n; i++) {
		words += s[i] == ' ';
		if (words > 7)
			return 0;
		if (s[i] == ',' || s[i] == '!' || s[i] == ':' || (s[i] == '.' && is_stop(r, i, &run)))
			return i + 1;
	}
	return words <= 4 ? r->line.n : 0;
}

/* Length of a list's mark, or 0: "- ", "* ", "1. ", "2) ". */
static size_t item_mark(const char *s)
{
	size_t n = 0;
	if ((*s == '-' || *s == '*' || *s == '+') && s[1] == ' ')
		return 2;
	while (s[n] >= '0' && s[n] <= '9')
		n++;
	return n > 0 && n <= 2 && (s[n] == '.' || s[n] == ')') && s[n + 1] == ' ' ? n + 2 : 0;
}

static bool is_attribution(const struct reader *r)
{
	size_t n = strlen(r->plain);
	if (strstr(r->plain, "original message") != NULL && r->plain_words <= 3)
		return true;
	return strncmp(r->plain, "on ", 3) == 0 && n > 6 && strcmp(r->plain + n - 6, " wrote") == 0 &&
	       r->line.text[r->line.n - 1] == ':';
}

/* Is the line left out? Also notices where the letter ends. */
static bool left_out(struct reader *r)
{
	const char *s = r->line.text;
	if (r->ended)
		return true;
	if (is_attribution(r) || strcmp(s, "--") == 0) {
		r->ended = true;
		return true;
	}
	if (*s == '>' || gate_is_footer(r->plain))
		return true;
	if (s[0] == '-' && s[1] == '-' && s[2] == ' ' && r->plain_words <= 4) /* "-- Justin" */
		return true;
	if (r->closing > 0 && strncmp(r->plain, "p s", 3) == 0 && (s[1] == '.' || s[1] == 'S'))
		r->closing = 0;
	if (r->closing > 0 && r->plain_words <= 8) {
		r->closing--;
		return true;
	}
	r->closing = 0;
	if (r->plain_words <= 3 && gate_is_closing(r->plain)) {
		r->closing = 5;
		return true;
	}
	return false;
}

static void line_take(struct reader *r)
{
	const char *s = r->line.text;
	size_t from = 0, mark;
	while (s[from] == ' ')
		from++;
	if (strncmp(s + from, "```", 3) == 0) {
		sentence_end(r, 0);
		r->fence = !r->fence;
		return;
	}
	if (from == r->line.n) {
		sentence_end(r, 0);
		return;
	}
	plain_make(r);
	if (!r->fence && left_out(r)) {
		sentence_end(r, 0);
		return;
	}
	if (!r->began && !r->fence) {
		r->began = r->plain_words > 0;
		from = from > greeting_end(r) ? from : greeting_end(r);
	}
	if (r->fence) {
		sentence_end(r, 0);
		words_read(r, from, SENTENCE_CODE);
		sentence_end(r, 0);
	} else if (s[from] == '#') {
		sentence_end(r, 0);
		words_read(r, from, SENTENCE_HEADING);
		sentence_end(r, 0);
	} else if (s[from] == '|') {
		sentence_end(r, 0);
		words_read(r, from, SENTENCE_TABLE);
		sentence_end(r, 0);
	} else if ((mark = item_mark(s + from)) > 0) {
		sentence_end(r, 0);
		words_read(r, from + mark, SENTENCE_ITEM);
	} else {
		words_read(r, from, 0);
	}
}

static bool looks_like_html(const struct gate_input *in)
{
	static const char *const row[] = { "<html", "<body", "<p>",    "<p ",       "<div",  "<br>",
					   "<br/",  "<br ",  "<table", "<!doctype", "<img ", "</a>" };
	const char *end = in->text + in->text_len;
	for (const char *s = in->text; s < end; s++)
		for (size_t i = 0; *s == '<' && i < sizeof row / sizeof row[0]; i++)
			if (has_prefix(s, end, row[i]))
				return true;
	return false;
}

void gate_text_read(const struct gate_input *in, struct gate_text *t)
{
	struct reader r = { .in = in, .t = t, .html = looks_like_html(in) };
	const char *s = in->text, *end = s + in->text_len;
	t->word_n = t->sentence_n = t->images = 0;
	t->pool_n = 0;
	t->full = false;
	while (s < end && !t->full && !r.ended) {
		s = line_read(&r, s, end);
		line_take(&r);
		if (r.html)
			sentence_end(&r, 0);
	}
}
