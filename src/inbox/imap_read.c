/* One response of the server, out of lines and literals. Policy:
 *
 * - Memory is bounded by what was asked for: one message of at most IMAP_BODY_MAX. Every other literal is read and
 *   dropped, whatever length it claims.
 * - What this client has no use for is IMAP_OTHER and ignored. Only what makes the stream unreadable is a fault: a
 *   response of more than IMAP_TEXT_MAX, a literal's length that is none.
 * - Texts for people end a response as they are: a brace at their end is no literal.
 */
#include <string.h>
#include <strings.h>

#include "imap_int.h"

#define LITERAL 1 /* stands for one in the text */

static const struct {
	const char *name;
	enum imap_word word;
	bool numbered; /* "* 5 EXISTS" */
} word_row[] = {
	{ "OK", IMAP_OK, false },        { "NO", IMAP_NO, false },           { "BAD", IMAP_BAD, false },
	{ "BYE", IMAP_BYE, false },      { "PREAUTH", IMAP_PREAUTH, false }, { "CAPABILITY", IMAP_CAPABILITY, false },
	{ "EXISTS", IMAP_EXISTS, true }, { "FETCH", IMAP_FETCH, true },
};

static enum imap_word word_of(const char *p, size_t n, bool numbered)
{
	for (size_t i = 0; i < sizeof word_row / sizeof *word_row; i++)
		if (strlen(word_row[i].name) == n && strncasecmp(word_row[i].name, p, n) == 0 &&
		    word_row[i].numbered == numbered)
			return word_row[i].word;
	return IMAP_OTHER;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits only, up to most; false else. */
static bool number(const char *p, size_t n, uint64_t most, uint64_t *out)
{
	uint64_t v = 0;

	if (!n || n > 19)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(p[i]))
			return false;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	*out = v;
	return v <= most;
}

/* ---- the first words ---- */

static size_t token(const char *p)
{
	return strcspn(p, " ");
}

static const char *behind(const char *p, size_t n)
{
	p += n;
	return *p == ' ' ? p + 1 : p;
}

/* [CODE] text: both end where they must, in place. */
static void split_code(struct imap_response *o, char *rest)
{
	char *end = *rest == '[' ? strchr(rest, ']') : NULL;

	o->text = rest;
	if (!end)
		return;
	*end = '\0';
	o->code = rest + 1;
	o->text = end[1] == ' ' ? end + 2 : end + 1;
}

static enum imap_word first_word(const char *text, uint32_t *num, const char **rest)
{
	size_t n = token(text);
	uint64_t v = 0;
	bool numbered = number(text, n, UINT32_MAX, &v);
	const char *word = numbered ? behind(text, n) : text;

	n = token(word);
	*num = (uint32_t)v;
	*rest = behind(word, n);
	return word_of(word, n, numbered);
}

/* ---- literals ---- */

/* Does the line end with {n} or {n+}? 1 with its length, 0 no, -1 a length that is none. */
static int literal_at_end(const char *p, size_t n, size_t *begin, uint64_t *length)
{
	size_t end = n, at;

	if (!n || p[n - 1] != '}')
		return 0;
	end--;
	if (end && p[end - 1] == '+')
		end--;
	for (at = end; at > 0 && is_digit(p[at - 1]); at--)
		;
	if (at == end || !at || p[at - 1] != '{')
		return 0;
	*begin = at - 1;
	return number(p + at, end - at, UINT32_MAX, length) ? 1 : -1;
}

static bool ends_with_body(const char *p, size_t n)
{
	static const char *const name[] = { " BODY[] ", "(BODY[] ", " BODY[]<0> ", "(BODY[]<0> " };

	for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
		size_t len = strlen(name[i]);

		if (n >= len && strncasecmp(p + n - len, name[i], len) == 0)
			return true;
	}
	return false;
}

static bool may_hold_literals(const char *text, enum imap_word *w)
{
	const char *rest;
	uint32_t num;

	*w = IMAP_OTHER;
	if (strncmp(text, "* ", 2) != 0)
		return false;
	*w = first_word(text + 2, &num, &rest);
	return *w == IMAP_OTHER || *w == IMAP_FETCH;
}

static enum imap_read bad(struct imap_reader *r, const char *fault)
{
	r->fault = fault;
	return IMAP_READ_BAD;
}

static enum imap_read literal_begins(struct imap_reader *r, size_t text_n, uint64_t length, enum imap_word w)
{
	bool body = w == IMAP_FETCH && r->want_body && r->body_at < 0 && ends_with_body(r->text.data, text_n);

	r->text.len = text_n;
	buf_char(&r->text, LITERAL);
	r->keep = body && length <= IMAP_BODY_MAX;
	if (body) {
		r->body_at = r->literals;
		r->body_cut = !r->keep;
	}
	r->literals++;
	r->literal = length;
	return IMAP_READ_MORE;
}

void imap_reader_bytes(struct imap_reader *r, const char *p, size_t n)
{
	if (r->keep)
		buf_add(&r->body, p, n);
}

/* ---- FETCH (RFC 3501 §7.4.2): names and values ---- */

struct walk {
	const char *p;
	int literals;
};

/* Behind a quoted string that begins at p; NULL: it has no end. Unescaped into `out` if that is not null. */
static const char *quoted_end(const char *p, struct buf *out)
{
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		if (out)
			buf_char(out, *p);
	}
	return *p ? p + 1 : NULL;
}

/* Over one value: an atom, a string, or a list however deep. False: it has no end. */
static bool skip_value(struct walk *w)
{
	int depth = 0;

	do {
		if (!*w->p)
			return false;
		if (*w->p == '"') {
			w->p = quoted_end(w->p, NULL);
			if (!w->p)
				return false;
			continue;
		}
		depth += *w->p == '(';
		depth -= *w->p == ')';
		w->literals += *w->p == LITERAL;
		if (depth == 0 && *w->p != ')' && *w->p != LITERAL) {
			size_t n = strcspn(w->p, " ()\"\1");

			w->p += n ? n : 1;
		} else {
			w->p++;
		}
	} while (depth > 0);
	return true;
}

static void take_body(struct imap_reader *r, const struct walk *at)
{
	struct imap_response *o = &r->response;

	if (o->body != IMAP_BODY_NONE || !r->want_body)
		return;
	if (*at->p == LITERAL && at->literals == r->body_at) {
		o->body = r->body_cut ? IMAP_BODY_CUT : IMAP_BODY_WHOLE;
	} else if (*at->p == '"' && r->body_at < 0) {
		quoted_end(at->p, &r->body);
		o->body = IMAP_BODY_WHOLE;
	} else if (strncasecmp(at->p, "NIL", 3) == 0) {
		o->body = IMAP_BODY_NIL;
	}
}

/* A name may hold spaces: BODY[HEADER.FIELDS (FROM)]. */
static size_t name_length(const char *p)
{
	size_t n = strcspn(p, " ()[\"\1");

	if (p[n] == '[')
		n += strcspn(p + n, "]\1");
	return n + strcspn(p + n, " ()\"\1");
}

static void take_item(struct imap_reader *r, const char *name, size_t n, const struct walk *from, size_t value_n)
{
	struct imap_response *o = &r->response;
	uint64_t v;

	if (n == 3 && strncasecmp(name, "UID", 3) == 0) {
		o->uid = number(from->p, value_n, UINT32_MAX, &v) ? (uint32_t)v : 0;
	} else if (n == 11 && strncasecmp(name, "RFC822.SIZE", 11) == 0) {
		o->has_size = number(from->p, value_n, UINT64_MAX, &o->size);
	} else if ((n == 6 && strncasecmp(name, "BODY[]", 6) == 0) ||
		   (n == 9 && strncasecmp(name, "BODY[]<0>", 9) == 0)) {
		take_body(r, from);
	}
}

static void parse_fetch(struct imap_reader *r, const char *p)
{
	struct walk w = { p, 0 };

	if (*w.p++ != '(')
		return;
	for (;;) {
		struct walk from;
		const char *name;
		size_t n;

		w.p += strspn(w.p, " ");
		name = w.p;
		n = name_length(name);
		if (!n)
			return;
		w.p += n;
		w.p += strspn(w.p, " ");
		from = w;
		if (!skip_value(&w))
			return;
		take_item(r, name, n, &from, (size_t)(w.p - from.p));
	}
}

/* ---- the whole ---- */

static void begin(struct imap_reader *r)
{
	buf_clear(&r->text);
	buf_clear(&r->body);
	r->literals = 0;
	r->body_at = -1;
	r->keep = r->body_cut = false;
	r->response = (struct imap_response){ .tag = "", .code = "", .text = "" };
}

static void parse(struct imap_reader *r)
{
	struct imap_response *o = &r->response;
	char *text = r->text.data;
	const char *rest = text;
	size_t n;

	if (!*text)
		return; /* an empty line too many: IMAP_OTHER */
	if (*text == '+') {
		o->kind = IMAP_CONTINUE;
		o->text = behind(text, 1);
	} else if (strncmp(text, "* ", 2) == 0) {
		o->kind = IMAP_UNTAGGED;
		o->word = first_word(text + 2, &o->number, &rest);
	} else {
		o->kind = IMAP_TAGGED;
		n = token(text);
		rest = behind(text, n);
		text[n] = '\0';
		o->tag = text;
		n = token(rest);
		o->word = word_of(rest, n, false);
		rest = behind(rest, n);
	}
	if (o->kind == IMAP_CONTINUE)
		return;
	if (o->word == IMAP_FETCH)
		parse_fetch(r, rest);
	else if (o->word == IMAP_CAPABILITY)
		o->text = rest;
	else if (o->word != IMAP_OTHER && o->word != IMAP_EXISTS)
		split_code(o, text + (rest - text));
}

enum imap_read imap_reader_line(struct imap_reader *r, const char *line, size_t n)
{
	bool first = !r->literals;
	enum imap_word w;
	uint64_t length;
	size_t at;
	int is;

	r->keep = false;
	if (first)
		begin(r);
	if (r->text.len + n > IMAP_TEXT_MAX)
		return bad(r, "the server sent a response that is too long");
	for (size_t i = 0; i < n; i++)
		buf_char(&r->text, line[i] == LITERAL ? '?' : line[i]);
	buf_add(&r->text, "", 0);
	if (may_hold_literals(r->text.data, &w)) {
		is = literal_at_end(r->text.data, r->text.len, &at, &length);
		if (is < 0)
			return bad(r, "the server sent a literal of no possible length");
		if (is)
			return literal_begins(r, at, length, w);
	}
	r->literal = 0;
	parse(r);
	r->literals = 0;
	return IMAP_READ_RESPONSE;
}

void imap_reader_free(struct imap_reader *r)
{
	buf_free(&r->text);
	buf_free(&r->body);
}

/* ---- response codes ---- */

bool imap_code_is(const char *code, const char *word)
{
	size_t n = strlen(word);

	return strncasecmp(code, word, n) == 0 && (code[n] == '\0' || code[n] == ' ');
}

bool imap_code_number(const char *code, const char *word, uint32_t *out)
{
	size_t n = strlen(word);
	uint64_t v;

	if (!imap_code_is(code, word) || code[n] != ' ' || !number(code + n + 1, token(code + n + 1), UINT32_MAX, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}
