/* The rules' table, findings, and the rules that look at signs instead of sentences. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gate_int.h"

static const struct gate_rule rules[RULE_COUNT] = {
	[RULE_NO_SUBSTANCE] = { "no-substance", SEVERITY_ERROR,
				"behind courtesy, requests and praise of the sender nothing is left that the reader "
				"could use" },
	[RULE_FILLER_FOLLOWUP] = { "filler-followup", SEVERITY_ERROR,
				   "reminds of an earlier mail and adds nothing to it" },
	[RULE_IMAGE_ONLY] = { "image-only", SEVERITY_ERROR, "an image without words" },
	[RULE_NOT_ITS_KIND] = { "not-its-kind", SEVERITY_ERROR, "declared a value, but it asks for something" },
	[RULE_LOW_VALUE] = { "low-value", SEVERITY_ERROR,
			     "as a whole too little that the reader could use without the sender" },
	[RULE_HIDDEN_TEXT] = { "hidden-text", SEVERITY_ERROR,
			       "characters that make a program read something else than a person" },
	[RULE_NOT_TEXT] = { "not-text", SEVERITY_ERROR, "bytes that are no UTF-8 text" },
	[RULE_UNDEFINED_PLACEHOLDER] = { "undefined-placeholder", SEVERITY_ERROR,
					 "a {{placeholder}} would be sent as it stands" },
	[RULE_FAKE_REPLY] = { "fake-reply", SEVERITY_ERROR, "\"Re:\" or \"Fwd:\" in the subject without a thread" },
	[RULE_REPEAT_CONTENT] = { "repeat-content", SEVERITY_ERROR, "most of it stands in another letter already" },
	[RULE_ASKS_FIRST] = { "asks-first", SEVERITY_WARNING, "asks before it gives" },
	[RULE_TOO_MANY_ASKS] = { "too-many-asks", SEVERITY_WARNING, "more than two requests: the reader answers none" },
	[RULE_FALSE_URGENCY] = { "false-urgency", SEVERITY_WARNING, "presses for a decision by the clock" },
	[RULE_FOREIGN_PLACEHOLDER] = { "foreign-placeholder", SEVERITY_WARNING,
				       "looks like another tool's placeholder, such as [First Name]" },
};

const struct gate_rule *gate_rule_at(int i)
{
	return i >= 0 && i < RULE_COUNT ? &rules[i] : NULL;
}

const char *gate_verdict_name(enum gate_verdict v)
{
	static const char *const row[] = { "value", "ask", "empty" };
	return (unsigned)v < sizeof row / sizeof row[0] ? row[v] : "";
}

/* ---- findings ---- */

/* Where there is no room any more, an error takes the place of a warning. */
static struct gate_finding *row_for(struct gate_result *r, enum severity severity)
{
	if (r->finding_n < GATE_FINDINGS_MAX)
		return &r->finding[r->finding_n++];
	for (int i = GATE_FINDINGS_MAX - 1; i >= 0 && severity == SEVERITY_ERROR; i--)
		if (r->finding[i].severity != SEVERITY_ERROR)
			return &r->finding[i];
	return NULL;
}

static void place(const struct gate_input *in, uint32_t pos, struct gate_finding *f)
{
	f->line = in->first_line > 0 ? in->first_line : 1;
	f->column = 1;
	for (uint32_t i = 0; i < pos && i < in->text_len; i++) {
		f->column = in->text[i] == '\n' ? 1 : f->column + 1;
		f->line += in->text[i] == '\n';
	}
}

static void find(struct gate_result *r, const struct gate_input *in, enum rule rule, enum severity severity,
		 uint32_t pos, const char *fmt, va_list ap)
{
	if (severity == SEVERITY_ERROR)
		r->pass = false;
	struct gate_finding *f = row_for(r, severity);
	if (f == NULL)
		return;
	*f = (struct gate_finding){ .rule = rules[rule].name, .severity = severity };
	if (pos != GATE_WHOLE)
		place(in, pos, f);
	vsnprintf(f->message, sizeof f->message, fmt, ap);
}

void gate_find(struct gate_result *r, const struct gate_input *in, enum rule rule, uint32_t pos, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	find(r, in, rule, rules[rule].severity, pos, fmt, ap);
	va_end(ap);
}

void gate_find_vouchable(struct gate_result *r, const struct gate_input *in, enum rule rule, uint32_t pos,
			 const char *fmt, ...)
{
	bool vouched = in->vouched_by != NULL && *in->vouched_by != '\0';
	va_list ap;
	if (r->pass) {
		r->by_model = true;
		r->vouched = vouched;
	}
	va_start(ap, fmt);
	find(r, in, rule, vouched ? SEVERITY_WARNING : SEVERITY_ERROR, pos, fmt, ap);
	va_end(ap);
}

/* ---- what is no text ---- */

void gate_rule_text(const struct gate_input *in, struct gate_result *r)
{
	const char *end = in->text + in->text_len;
	for (const char *s = in->text; s < end;) {
		size_t n = 1;
		if ((unsigned char)*s >= 0x80 ? gate_char_next(s, end, &n) == GATE_CHAR_BAD : *s == '\0') {
			gate_find(r, in, RULE_NOT_TEXT, (uint32_t)(s - in->text),
				  "byte 0x%02X is no UTF-8 text: save the letter as UTF-8",
				  (unsigned)(unsigned char)*s);
			return;
		}
		s += n;
	}
}

void gate_rule_hidden(const struct gate_input *in, const struct gate_text *t, struct gate_result *r)
{
	if (t->hidden_n == 0)
		return;
	char more[40] = "";
	if (t->hidden_n > 1)
		snprintf(more, sizeof more, " (and %d more)", t->hidden_n - 1);
	const char *quote = *t->hidden_word != '\0' ? "'" : "";
	gate_find(r, in, RULE_HIDDEN_TEXT, t->hidden_at, "%s%s%s holds %s%s: type it again in plain letters", quote,
		  *quote != '\0' ? t->hidden_word : "the text", quote, t->hidden_what, more);
}

/* ---- what would be sent as it stands ---- */

/* The length of a "{{...}}" at s that is complete on its line, or 0. *close: the next "}}", looked for once. */
static size_t merge_tag(const char *s, const char *end, const char **close)
{
	if (end - s < 5 || s[0] != '{' || s[1] != '{')
		return 0;
	if (*close < s + 2) {
		*close = memmem(s + 2, (size_t)(end - s - 2), "}}", 2);
		*close = *close != NULL ? *close : end;
	}
	if (*close == end || *close - s > 126 || memchr(s, '\n', (size_t)(*close - s)) != NULL)
		return 0;
	return (size_t)(*close + 2 - s);
}

/* The length of another tool's placeholder at s, or 0. "[name](...)" is a link. */
static size_t foreign_tag(const char *s, size_t left, const struct gate_language *l)
{
	size_t n = strchr("{[*%", *s) != NULL ? gate_list_prefix(l, LIST_FOREIGN_PLACEHOLDERS, s, left) : 0;
	return n > 0 && left > n && s[n] == '(' ? 0 : n;
}

/* A snippet of the text for a message: not cut within a character. */
static int snippet(const char *s, size_t n)
{
	size_t k = n < 60 ? n : 60;
	while (k > 0 && k < n && (s[k] & 0xc0) == 0x80)
		k--;
	return (int)k;
}

/* In code it is meant to. */
void gate_rule_placeholders(const struct gate_input *in, const struct gate_language *l, struct gate_result *r)
{
	const char *end = in->text + in->text_len, *close = in->text;
	bool fence = false, code = false;
	size_t n;
	for (const char *s = in->text; s < end; s++) {
		uint32_t pos = (uint32_t)(s - in->text);
		if (*s == '`' && end - s >= 3 && s[1] == '`' && s[2] == '`') {
			fence = !fence;
			s += 2;
		} else if (*s == '\n') {
			code = false;
		} else if (*s == '`') {
			code = !code;
		} else if (fence || code || *s == '\0' || strchr("{[*%", *s) == NULL) {
			continue;
		} else if ((n = merge_tag(s, end, &close)) > 0) {
			if (!in->is_template)
				gate_find(r, in, RULE_UNDEFINED_PLACEHOLDER, pos,
					  "'%.*s' has no value and would be sent as it stands", snippet(s, n), s);
			s += n - 1;
		} else if ((n = foreign_tag(s, (size_t)(end - s), l)) > 0) {
			gate_find(r, in, RULE_FOREIGN_PLACEHOLDER, pos,
				  "'%.*s' looks like another tool's placeholder: here it is {{first_name}}", (int)n, s);
			s += n - 1;
		}
	}
}

void gate_rule_subject(const struct gate_input *in, const struct gate_language *l, struct gate_result *r)
{
	const char *s = in->subject;
	while (*s == ' ')
		s++;
	size_t n = in->in_thread ? 0 : gate_list_prefix(l, LIST_REPLY_MARKS, s, strlen(s));
	if (n > 0)
		gate_find(r, in, RULE_FAKE_REPLY, GATE_WHOLE,
			  "the subject says '%.*s', but there is no thread: say what the letter is about", (int)n, s);
}
