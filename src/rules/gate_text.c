/* From lines to sentences of words. What every letter has around its content is left out: greeting, closing and
 * signature, footer, quoted text. Nothing is allocated; a text longer than the tables is judged by its beginning. */
#include <string.h>

#include "gate_int.h"

struct reader {
	struct line_reader in;
	struct gate_text *t;
	const struct gate_language *language;
	char plain[128]; /* the line in lower case, words only: for comparison with the lists */
	int plain_words;
	bool began, ended;
	int closing; /* lines of a signature still to come */
	bool open;   /* the last sentence goes on in the next line */
};

static void plain_make(struct reader *r)
{
	size_t k = 0;
	bool gap = false;
	r->plain_words = 0;
	for (size_t i = 0; i < r->in.line.n; i++) {
		char c = r->in.line.text[i];
		if (!gate_is_word_byte(c) && c != '\'' && c != *GATE_PLACE) {
			gap = true;
			continue;
		}
		if (k == 0 || gap)
			r->plain_words++;
		if (k > 0 && gap && k < sizeof r->plain - 1)
			r->plain[k++] = ' ';
		gap = false;
		if (k < sizeof r->plain - 1)
			r->plain[k++] = gate_lower(c);
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
		to[i] = gate_lower(s[i]);
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
	const char *end = r->in.line.text + r->in.line.n;
	if (!gate_has_prefix(s, end, "http://") && !gate_has_prefix(s, end, "https://") &&
	    !gate_has_prefix(s, end, "www."))
		return 0;
	for (; s[n] != '\0' && strchr(" )>\"]|", s[n]) == NULL; n++)
		if (k < sizeof url - 1)
			url[k++] = gate_lower(s[n]);
	url[k] = '\0';
	struct gate_sentence *x = sentence_now(r);
	if (!gate_list_in(r->language, LIST_ERRAND_LINKS, url))
		x->flags |= SENTENCE_LINK;
	return n;
}

/* A '.', '!' or '?' ends a sentence before a space or the line's end; not in "e.g." or "Mr." or "1.". *run: behind the
 * marks that k is one of, 0 at a line's begin; kept so that a line of nothing else is read once, not once a mark. */
static bool is_stop(const struct reader *r, size_t k, size_t *run)
{
	const char *s = r->in.line.text;
	if (*run <= k)
		for (*run = k + 1; s[*run] != '\0' && strchr(".!?\"')*_", s[*run]) != NULL;)
			++*run;
	if (s[*run] != '\0' && s[*run] != ' ')
		return false;
	if (s[k] != '.')
		return true;
	size_t start = k;
	while (start > 0 && gate_is_word_byte(s[start - 1]))
		start--;
	if (k - start <= 1 && k > start && (start == 0 || s[start - 1] == '.'))
		return false;
	char word[8];
	size_t n = k - start;
	if (n == 0 || n >= sizeof word)
		return true;
	for (size_t i = 0; i < n; i++)
		word[i] = gate_lower(s[start + i]);
	word[n] = '\0';
	return !gate_list_has(r->language, LIST_ABBREVIATIONS, word);
}

static size_t word_length(const char *s)
{
	size_t n = 0;
	while (gate_is_word_byte(s[n]) ||
	       (n > 0 && s[n] != '\0' && strchr("'-.,_@/:", s[n]) != NULL && gate_is_word_byte(s[n + 1])))
		n++;
	return n;
}

static void words_read(struct reader *r, size_t from, unsigned flags)
{
	const char *s = r->in.line.text;
	size_t run = 0;
	for (size_t i = from; i < r->in.line.n;) {
		size_t n = link_at(r, s + i);
		if (n > 0) {
			i += n;
		} else if (s[i] == *GATE_PLACE) {
			word_add(r, s + i, 1, r->in.line.pos[i], flags);
			i++;
		} else if ((n = word_length(s + i)) > 0) {
			word_add(r, s + i, n, r->in.line.pos[i], flags);
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
	const char *s = r->in.line.text;
	size_t n = word_length(s), i = 0, run = 0;
	int words = 0;
	if (s[0] == *GATE_PLACE && r->plain_words <= 3)
		return r->in.line.n;
	if (n == 0 || n >= sizeof word)
		return 0;
	memcpy(word, s, n);
	word[n] = '\0';
	for (char *p = word; *p != '\0'; p++)
		*p = gate_lower(*p);
	if (!gate_list_has(r->language, LIST_GREETINGS, word))
		return r->plain_words <= 3 && s[r->in.line.n - 1] == ',' ? r->in.line.n : 0; /* "Dana," */
	for (i = 0; i < r->in.line.n; i++) {
		words += s[i] == ' ';
		if (words > 7)
			return 0;
		if (s[i] == ',' || s[i] == '!' || s[i] == ':' || (s[i] == '.' && is_stop(r, i, &run)))
			return i + 1;
	}
	return words <= 4 ? r->in.line.n : 0;
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

/* "On Mon, 2 Nov 2026 at 10:00, Sam wrote:", which mail programs may break before its last word; or a head such as
 * "-----Original Message-----". */
static bool is_attribution(const struct reader *r)
{
	const char *p = r->plain, *last = strrchr(p, ' ');
	char first[16];
	size_t n = strcspn(p, " ");
	if (gate_list_has(r->language, LIST_QUOTE_HEADS, p))
		return true;
	if (r->in.line.text[r->in.line.n - 1] != ':' || n >= sizeof first ||
	    !gate_list_has(r->language, LIST_ATTRIBUTION_ENDS, last != NULL ? last + 1 : p))
		return false;
	memcpy(first, p, n);
	first[n] = '\0';
	return last == NULL || gate_list_has(r->language, LIST_ATTRIBUTION_BEGINS, first);
}

/* Is the line left out? Also notices where the letter ends. */
static bool left_out(struct reader *r)
{
	const char *s = r->in.line.text;
	if (r->ended)
		return true;
	if (is_attribution(r) || strcmp(s, "--") == 0) {
		r->ended = true;
		return true;
	}
	if (*s == '>' || gate_list_in(r->language, LIST_FOOTERS, r->plain))
		return true;
	if (s[0] == '-' && s[1] == '-' && s[2] == ' ' && r->plain_words <= 4) /* "-- Justin" */
		return true;
	if (r->closing > 0 && gate_list_prefix(r->language, LIST_POSTSCRIPTS, r->plain, strlen(r->plain)) > 0)
		r->closing = 0;
	if (r->closing > 0 && r->plain_words <= 8) {
		r->closing--;
		return true;
	}
	r->closing = 0;
	if (r->plain_words <= 3 && gate_list_has(r->language, LIST_CLOSINGS, r->plain)) {
		r->closing = 5;
		return true;
	}
	return false;
}

static void line_take(struct reader *r)
{
	const char *s = r->in.line.text;
	size_t from = 0, mark;
	while (s[from] == ' ')
		from++;
	if (strncmp(s + from, "```", 3) == 0) {
		sentence_end(r, 0);
		r->in.fence = !r->in.fence;
		return;
	}
	if (from == r->in.line.n) {
		sentence_end(r, 0);
		return;
	}
	plain_make(r);
	if (!r->in.fence && left_out(r)) {
		sentence_end(r, 0);
		return;
	}
	if (!r->began && !r->in.fence) {
		r->began = r->plain_words > 0;
		from = from > greeting_end(r) ? from : greeting_end(r);
	}
	if (r->in.fence) {
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
			if (gate_has_prefix(s, end, row[i]))
				return true;
	return false;
}

void gate_text_read(const struct gate_input *in, struct gate_text *t)
{
	struct reader r;
	const char *s = in->text, *end = s + in->text_len;
	r.t = t;
	r.language = t->language = &gate_languages[0]; /* a second one will be told by its stop words */
	r.plain[0] = '\0';
	r.plain_words = 0;
	r.began = r.ended = r.open = false;
	r.closing = 0;
	gate_line_start(&r.in, in, t);
	r.in.html = looks_like_html(in);
	t->word_n = t->sentence_n = t->images = t->hidden_n = 0;
	t->pool_n = 0;
	t->full = false;
	while (s < end && !t->full && !r.ended) {
		s = gate_line_read(&r.in, s);
		line_take(&r);
		if (r.in.html)
			sentence_end(&r, 0);
	}
}
