/* The header block: the four names below, each once and on one line, up to the first empty line. */
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "render_int.h"

static const struct header_name {
	const char *name;
	size_t at; /* of its field */
} header_name[] = {
	{ "Subject", offsetof(struct header, subject) },
	{ "Kind", offsetof(struct header, kind) },
	{ "Vouched-By", offsetof(struct header, vouched_by) },
	{ "Preheader", offsetof(struct header, preheader) },
};

struct reader {
	const char *label;
	struct problems *problems;
	struct header *h;
	int line;
};

static void refuse(const struct reader *r, int column, const char *rule, const char *text)
{
	problems_add(r->problems, SEVERITY_ERROR, r->label, r->line, column, rule, "%s", text);
}

static struct header_line *header_find(struct header *h, const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof header_name / sizeof header_name[0]; i++)
		if (strlen(header_name[i].name) == n && strncasecmp(header_name[i].name, name, n) == 0)
			return (struct header_line *)(void *)((char *)h + header_name[i].at);
	return NULL;
}

static void line_read(struct reader *r, const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n);

	if (*s == ' ' || *s == '\t') {
		refuse(r, 1, "header-fold", "a header is one line; the body begins behind an empty line");
		return;
	}
	if (colon == NULL) {
		refuse(r, 1, "header-syntax", "this is no 'Name: value'; the body begins behind an empty line");
		return;
	}
	struct header_line *l = header_find(r->h, s, (size_t)(colon - s));
	if (l == NULL) {
		problems_add(r->problems, SEVERITY_ERROR, r->label, r->line, 1, "unknown-header",
			     "header '%.*s' is not known (Subject, Kind, Vouched-By, Preheader)",
			     (int)(colon - s < 60 ? colon - s : 60), s);
		return;
	}
	if (l->line != 0) {
		problems_add(r->problems, SEVERITY_ERROR, r->label, r->line, 1, "repeated-header",
			     "header '%.*s' stands in line %d already", (int)(colon - s), s, l->line);
		return;
	}
	const char *value = colon + 1, *end = s + n;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*l = (struct header_line){ value, (size_t)(end - value), r->line, (int)(value - s) + 1 };
}

static void kind_read(struct reader *r)
{
	const struct header_line *k = &r->h->kind;

	r->h->kind_value = KIND_VALUE;
	if (k->line == 0)
		return;
	r->line = k->line;
	if (k->len == 3 && strncasecmp(k->value, "ask", 3) == 0)
		r->h->kind_value = KIND_ASK;
	else if (k->len != 5 || strncasecmp(k->value, "value", 5) != 0)
		refuse(r, k->column, "unknown-kind", "Kind is 'value' or 'ask'");
}

int header_parse(const char *s, size_t n, const char *label, struct header *h, struct problems *problems)
{
	struct reader r = { label, problems, h, 1 };
	size_t at = 0, before = problems->errors;

	*h = (struct header){ .body = n };
	for (; at < n; r.line++) {
		const char *end = memchr(s + at, '\n', n - at);
		size_t len = (end != NULL ? (size_t)(end - s) : n) - at;
		size_t blank = strspn(s + at, " \t");
		if (blank >= len) {
			h->body = end != NULL ? at + len + 1 : n;
			break;
		}
		line_read(&r, s + at, len);
		at += len + 1;
	}
	h->body_line = r.line + 1;
	kind_read(&r);
	r.line = 1;
	if (h->subject.line == 0)
		refuse(&r, 1, "missing-subject", "the header 'Subject:' is missing");
	else if (h->subject.len == 0)
		problems_add(problems, SEVERITY_ERROR, label, h->subject.line, h->subject.column, "missing-subject",
			     "the subject is empty");
	if (strspn(s + h->body, " \t\n") >= n - h->body)
		refuse(&r, 0, "missing-body", "there is no letter behind the headers (an empty line parts them)");
	return problems->errors == before ? 0 : -1;
}
