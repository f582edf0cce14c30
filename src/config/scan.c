/* The tokens of a file as libconfig 1.5 reads them, with their places. libconfig alone is not enough: it wraps
 * 3000000000 to a negative number, takes an open string or comment at the end of a file for a closed one, knows no
 * columns, leaks a string that stands where none may, and ends the process when an @include names a directory. So every
 * file is scanned before libconfig sees it. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/mem.h"
#include "config_int.h"

#define INCLUDE_DEPTH_MAX 10   /* libconfig's own */
#define GROUP_MEMBERS_MAX 1000 /* libconfig compares each with all before it: 60,000 took a minute */

struct cursor {
	const char *file;
	const char *p, *end;
	const char *line_start;
	int line;
	bool fatal;
};

static struct spot here(const struct cursor *c)
{
	return (struct spot){ c->file, c->line, (int)(c->p - c->line_start) + 1 };
}

static void tell(struct scan *s, struct spot at, const char *rule, const char *text)
{
	problems_add(s->problems, SEVERITY_ERROR, at.file, at.line, at.column, rule, "%s", text);
}

static void token_add(struct scan *s, struct spot at, const char *name)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 256;
		s->token = mem_grow(s->token, s->cap, sizeof *s->token);
	}
	s->token[s->n++] = (struct token){ name != NULL, name, at };
}

static void newline(struct cursor *c)
{
	c->line++;
	c->line_start = c->p + 1;
}

int file_read(const char *path, struct buf *text, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_set(e, "cannot read '%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, "cannot read '%s': it is no regular file", path);
	if (buf_read_file(text, path, CONFIG_FILE_MAX) < 0)
		return err_set(e, "cannot read '%s': %s", path, strerror(errno));
	if (text->len && memchr(text->data, '\0', text->len))
		return err_set(e, "'%s' holds a NUL byte: it is no text", path);
	return 0;
}

/* A string is a value: behind '=', ':' or another string, or an element of a list. */
static bool string_may_stand(const struct scan *s)
{
	char inner = s->nest.len ? s->nest.data[s->nest.len - 1] : '\0';

	switch (s->previous) {
	case '=':
	case ':':
	case '"':
	case '[':
	case '(': return true;
	case ',': return inner == '[' || inner == '(';
	default: return false;
	}
}

static void scan_string(struct scan *s, struct cursor *c)
{
	struct spot at = here(c);

	if (!string_may_stand(s)) {
		tell(s, at, "syntax", "a string cannot stand here: is there a '=', a ',' or a ';' missing before it?");
		c->fatal = true;
		return;
	}
	if (s->previous != '"') /* "a" "b" is one value */
		token_add(s, at, NULL);
	s->previous = '"';
	for (c->p++; c->p < c->end && *c->p != '"'; c->p++) {
		if (*c->p == '\\' && c->p + 1 < c->end && (c->p[1] == '"' || c->p[1] == '\\'))
			c->p++;
		else if (*c->p == '\n')
			newline(c);
	}
	if (c->p == c->end) {
		tell(s, at, "syntax", "this string is never closed");
		c->fatal = true;
		return;
	}
	c->p++;
}

static void scan_comment(struct scan *s, struct cursor *c)
{
	struct spot at = here(c);

	for (c->p += 2; c->p < c->end; c->p++) {
		if (*c->p == '\n')
			newline(c);
		if (*c->p == '*' && c->p + 1 < c->end && c->p[1] == '/') {
			c->p += 2;
			return;
		}
	}
	tell(s, at, "syntax", "this comment is never closed");
	c->fatal = true;
}

static void check_integer(struct scan *s, struct spot at, const char *p, size_t n, bool wide, bool hex)
{
	char text[64];

	if (n >= sizeof text) {
		tell(s, at, "wrapped-integer", "this integer does not fit into 64 bits");
		return;
	}
	memcpy(text, p, n);
	text[n] = '\0';
	errno = 0;
	long long v = strtoll(text, NULL, hex ? 16 : 10);

	if (errno == ERANGE)
		tell(s, at, "wrapped-integer", "this integer does not fit into 64 bits");
	else if (!wide && (v > INT_MAX || v < INT_MIN))
		problems_add(
		    s->problems, SEVERITY_ERROR, at.file, at.line, at.column, "wrapped-integer",
		    "%s does not fit into 32 bits: libconfig would read another number; where a number that big is "
		    "meant, write %sL",
		    text, text);
}

static const char *digits(const char *p, const char *end)
{
	while (p < end && isdigit((unsigned char)*p))
		p++;
	return p;
}

/* Behind an exponent, or p when there is none. */
static const char *exponent(const char *p, const char *end)
{
	const char *q = p;

	if (q == end || (*q != 'e' && *q != 'E'))
		return p;
	q++;
	if (q < end && (*q == '+' || *q == '-'))
		q++;
	const char *r = digits(q, end);

	return r > q ? r : p;
}

static void scan_number(struct scan *s, struct cursor *c)
{
	struct spot at = here(c);
	const char *start = c->p, *p = start;
	bool hex = c->end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && isxdigit((unsigned char)p[2]);

	if (hex) {
		for (p += 2; p < c->end && isxdigit((unsigned char)*p); p++)
			;
	} else {
		if (*p == '+' || *p == '-')
			p++;
		const char *whole = p;

		p = digits(p, c->end);
		bool has_digits = p > whole;
		const char *q = p;

		if (q < c->end && *q == '.')
			q = exponent(digits(q + 1, c->end), c->end);
		else if (has_digits)
			q = exponent(q, c->end);
		else {
			c->p = p; /* a lone sign: libconfig will refuse it */
			return;
		}
		if (q > p) {
			c->p = q;
			token_add(s, at, NULL);
			return;
		}
	}
	size_t n = (size_t)(p - start);
	bool wide = p < c->end && *p == 'L';

	for (int i = 0; i < 2 && p < c->end && *p == 'L'; i++)
		p++;
	check_integer(s, at, start, n, wide, hex);
	token_add(s, at, NULL);
	c->p = p;
}

/* Of the group that is open. */
static int *members_now(struct scan *s)
{
	size_t deepest = sizeof s->members / sizeof *s->members - 1;

	return &s->members[s->nest.len < deepest ? s->nest.len : deepest];
}

static void scan_name(struct scan *s, struct cursor *c)
{
	struct spot at = here(c);
	const char *start = c->p;

	while (c->p < c->end && (isalnum((unsigned char)*c->p) || (*c->p && strchr("-_*", *c->p))))
		c->p++;
	size_t n = (size_t)(c->p - start);
	bool boolean = (n == 4 && !strncasecmp(start, "true", 4)) || (n == 5 && !strncasecmp(start, "false", 5));

	token_add(s, at, boolean ? NULL : owned_textn(s->owned, start, n));
	if (!boolean && ++*members_now(s) > GROUP_MEMBERS_MAX) {
		tell(s, at, "too-large", "a group holds at most 1000 settings");
		c->fatal = true;
	}
}

/* At the start of a line: `@include "NAME"`, read here too. False when the line is none. */
static bool scan_include(struct scan *s, struct cursor *c)
{
	const char *p = c->p;

	while (p < c->end && (*p == ' ' || *p == '\t'))
		p++;
	if ((size_t)(c->end - p) < 9 || memcmp(p, "@include", 8) != 0 || (p[8] != ' ' && p[8] != '\t'))
		return false;
	for (p += 8; p < c->end && (*p == ' ' || *p == '\t'); p++)
		;
	if (p == c->end || *p != '"')
		return false;
	c->p = p;
	struct spot at = here(c);
	struct buf name = { 0 };

	for (p++; p < c->end && *p != '"' && *p != '\n'; p++) {
		if (*p == '\\' && p + 1 < c->end && (p[1] == '"' || p[1] == '\\'))
			p++;
		buf_char(&name, *p);
	}
	if (p == c->end || *p != '"') {
		tell(s, at, "syntax", "the name of this include is never closed");
		c->fatal = true;
		buf_free(&name);
		return true;
	}
	c->p = p + 1;
	const char *path = owned_printf(s->owned, "%s/%s", s->dir, buf_text(&name));
	struct buf text = { 0 };
	struct err e = { "" };

	buf_free(&name);
	if (s->depth + 1 >= INCLUDE_DEPTH_MAX) {
		tell(s, at, "syntax", "files are included more than 9 deep");
		c->fatal = true;
	} else if (file_read(path, &text, &e) < 0) {
		tell(s, at, "missing-file", e.text);
		c->fatal = true;
	} else {
		s->depth++;
		if (scan_text(s, path, buf_text(&text), text.len) < 0)
			c->fatal = true;
		s->depth--;
	}
	buf_free(&text);
	return true;
}

static void scan_bracket(struct scan *s, struct cursor *c)
{
	char ch = *c->p;

	if (strchr("{[(", ch)) {
		token_add(s, here(c), NULL);
		buf_char(&s->nest, ch);
		*members_now(s) = 0;
	} else if (strchr("}])", ch) && s->nest.len) {
		s->nest.len--;
	}
	s->previous = ch;
	c->p++;
}

static void scan_other(struct scan *s, struct cursor *c)
{
	char ch = *c->p;

	if (isalpha((unsigned char)ch) || ch == '*') {
		s->previous = 'n';
		scan_name(s, c);
	} else if (isdigit((unsigned char)ch) || ch == '+' || ch == '-' || ch == '.') {
		s->previous = 'v';
		scan_number(s, c);
	} else {
		scan_bracket(s, c);
	}
}

static void scan_one(struct scan *s, struct cursor *c)
{
	char ch = *c->p;
	char next = c->p + 1 < c->end ? c->p[1] : '\0';

	if (c->p == c->line_start && scan_include(s, c))
		return;
	if (ch == '\n') {
		newline(c);
		c->p++;
	} else if (isspace((unsigned char)ch)) {
		c->p++;
	} else if (ch == '#' || (ch == '/' && next == '/')) {
		while (c->p < c->end && *c->p != '\n')
			c->p++;
	} else if (ch == '/' && next == '*') {
		scan_comment(s, c);
	} else if (ch == '"') {
		scan_string(s, c);
	} else {
		scan_other(s, c);
	}
}

int scan_text(struct scan *s, const char *file, const char *text, size_t n)
{
	struct cursor c = { .file = file, .p = text, .end = text + n, .line_start = text, .line = 1 };

	s->total += n;
	if (s->total > CONFIG_TOTAL_MAX) {
		tell(s, spot_of_file(file), "too-large", "with its includes the configuration is larger than 8 MB");
		return -1;
	}
	if (n > 2 &&
	    (!memcmp(text, "\xef\xbb\xbf", 3) || !memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2))) {
		tell(s, spot_of_file(file), "syntax",
		     "a byte-order mark stands here: save the file as UTF-8 without one");
		return -1;
	}
	while (c.p < c.end && !c.fatal)
		scan_one(s, &c);
	return c.fatal ? -1 : 0;
}
