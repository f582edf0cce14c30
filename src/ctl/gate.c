/* abvctl gate: judges files, or texts that come as JSON Lines. A file that begins with a template's header block is a
 * template. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "abv/gate.h"
#include "abv/json.h"
#include "ctl_int.h"

#define GATE_FILE_MAX ((size_t)16 << 20)

static void finding_json(const struct gate_finding *f, struct buf *out)
{
	buf_str(out, out->data[out->len - 1] == '[' ? "{" : ",{");
	json_add_str(out, "rule", f->rule);
	json_add_str(out, "severity", severity_name(f->severity));
	json_add_int(out, "line", f->line);
	json_add_int(out, "column", f->column);
	json_add_str(out, "message", f->message);
	buf_char(out, '}');
}

/* id: JSON text. */
static void result_json(const char *id, const struct gate_input *in, const struct gate_result *r, struct buf *out)
{
	struct buf list = { 0 };

	buf_char(&list, '[');
	for (int i = 0; i < r->finding_n; i++)
		finding_json(&r->finding[i], &list);
	buf_char(&list, ']');
	buf_char(out, '{');
	json_add_raw(out, "id", id);
	json_add_str(out, "verdict", gate_verdict_name(r->verdict));
	json_add_double(out, "score", r->score);
	json_add_bool(out, "pass", r->pass);
	if (r->vouched)
		json_add_str(out, "vouched", in->vouched_by);
	json_add_raw(out, "findings", buf_text(&list));
	buf_str(out, "}\n");
	buf_free(&list);
}

/* A finding about the subject or the whole stands at the file's first line, as `check` has it. */
static void result_text(const char *file, const struct gate_input *in, const struct gate_result *r, bool colour,
			struct buf *out)
{
	static const char *const code[] = { "31;1", "33;1", "36" };

	for (int i = 0; i < r->finding_n; i++) {
		const struct gate_finding *f = &r->finding[i];

		out_clean(out, file);
		buf_printf(out, ":%d:%d: ", f->line ? f->line : 1, f->line ? f->column : 1);
		out_colour(out, colour, code[f->severity], severity_name(f->severity));
		buf_str(out, ": ");
		out_clean(out, f->message);
		buf_printf(out, " [%s]\n", f->rule);
	}
	out_clean(out, file);
	buf_str(out, ": ");
	out_colour(out, colour, r->pass ? "32" : "31", r->pass ? "pass" : "refused");
	buf_printf(out, ": declared %s, judged %s, score %.2f", kind_name(in->kind), gate_verdict_name(r->verdict),
		   r->score);
	if (r->vouched) {
		buf_str(out, ", vouched for by ");
		out_clean(out, in->vouched_by);
	}
	buf_char(out, '\n');
}

/* ---- files ---- */

static bool name_is(const char *p, size_t n, const char *name)
{
	return strlen(name) == n && !strncasecmp(p, name, n);
}

/* The block of header lines that templates begin with: only the names that a template may have, so that a letter that
 * begins with "Note: ..." is not taken for one. Fills subject and kind, returns where the body begins; 0 when there is
 * no such block. */
static size_t header_block(const char *s, struct gate_input *in, struct buf *subject, struct buf *vouched)
{
	static const char *const names[] = { "Subject", "Kind", "Vouched-By", "Preheader" };
	const char *p = s;
	int line = 1;

	for (; *p && *p != '\n' && strncmp(p, "\r\n", 2) != 0; line++) {
		size_t n = strcspn(p, "\n"), name = strcspn(p, ":\n");
		const char *value = p + name + 1, *end = p + n;
		bool known = false;

		for (size_t i = 0; i < sizeof names / sizeof names[0] && name < n; i++)
			known |= name_is(p, name, names[i]);
		if (!known)
			return 0;
		while (value < end && strchr(" \t", *value))
			value++;
		while (end > value && strchr(" \t\r", end[-1]))
			end--;
		if (name_is(p, name, "Subject"))
			buf_add(subject, value, (size_t)(end - value));
		else if (name_is(p, name, "Vouched-By"))
			buf_add(vouched, value, (size_t)(end - value));
		else if (name_is(p, name, "Kind"))
			in->kind = name_is(value, (size_t)(end - value), "ask") ? KIND_ASK : KIND_VALUE;
		p += n + (p[n] == '\n');
	}
	if (p == s || !*p)
		return 0;
	p += strcspn(p, "\n") + 1;
	in->is_template = true;
	in->first_line = line + 1;
	return (size_t)(p - s);
}

static int read_input(const char *path, struct buf *text, struct err *e)
{
	char chunk[65536];
	size_t n;

	if (strcmp(path, "-") != 0) {
		if (buf_read_file(text, path, GATE_FILE_MAX) < 0)
			return err_set(e, "cannot read '%s': %s", path, strerror(errno));
		return 0;
	}
	while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0 && text->len < GATE_FILE_MAX)
		buf_add(text, chunk, n);
	return ferror(stdin) ? err_set(e, "cannot read standard input") : 0;
}

static int judge_file(const struct ctl *c, const char *path)
{
	struct gate_input in = { .subject = "", .kind = KIND_VALUE, .first_line = 1 };
	struct buf text = { 0 }, subject = { 0 }, vouched = { 0 }, out = { 0 }, id = { 0 };
	struct gate_result r = { 0 };
	struct err e = { "" };
	int rc = CTL_FINDINGS;

	if (read_input(path, &text, &e) < 0) {
		(void)ctl_fail(rc, "%s", e.text);
		goto out;
	}
	in.text = buf_text(&text) + header_block(buf_text(&text), &in, &subject, &vouched);
	in.text_len = text.len - (size_t)(in.text - buf_text(&text));
	in.subject = buf_text(&subject);
	in.vouched_by = buf_text(&vouched);
	gate_judge(&in, &r);
	if (c->json) {
		json_quote(&id, path, strlen(path));
		result_json(buf_text(&id), &in, &r, &out);
	} else {
		result_text(path, &in, &r, c->colour, &out);
	}
	(void)fwrite(buf_text(&out), 1, out.len, stdout);
	rc = r.pass ? CTL_OK : CTL_FINDINGS;
out:
	buf_free(&text);
	buf_free(&subject);
	buf_free(&vouched);
	buf_free(&out);
	buf_free(&id);
	return rc;
}

/* ---- JSON Lines ---- */

static int input_of(const json_t *row, struct gate_input *in, struct err *e)
{
	const json_t *text = json_object_get(row, "text"), *kind = json_object_get(row, "kind");
	const json_t *subject = json_object_get(row, "subject"), *id = json_object_get(row, "id");
	const char *name = json_string_value(kind);

	*in = (struct gate_input){ .subject = "", .kind = KIND_VALUE, .first_line = 1 };
	if (!json_is_object(row))
		return err_set(e, "this is no JSON object");
	if (!json_is_string(text))
		return err_set(e, "\"text\" is missing or no string");
	if (!json_is_string(id) && !json_is_integer(id))
		return err_set(e, "\"id\" is missing or neither string nor integer");
	if (subject && !json_is_null(subject) && !json_is_string(subject))
		return err_set(e, "\"subject\" is no string");
	if (kind && !json_is_null(kind) && (!name || (strcmp(name, "value") != 0 && strcmp(name, "ask") != 0)))
		return err_set(e, "\"kind\" is neither \"value\" nor \"ask\"");
	in->text = json_string_value(text);
	in->text_len = json_string_length(text);
	if (json_is_string(subject))
		in->subject = json_string_value(subject);
	if (name && !strcmp(name, "ask"))
		in->kind = KIND_ASK;
	return 0;
}

static int judge_line(const char *line, size_t n, long number, struct buf *out)
{
	json_error_t bad;
	json_t *row = json_loadb(line, n, JSON_REJECT_DUPLICATES, &bad); /* which of two texts was meant? */
	struct gate_result r = { 0 };
	struct gate_input in;
	struct err e = { "" };
	int rc = CTL_FINDINGS;

	if (!row)
		(void)err_set(&e, "%s", bad.text);
	if (!row || input_of(row, &in, &e) < 0) {
		(void)ctl_fail(rc, "(stdin):%ld: %s", number, e.text);
	} else {
		char *id = json_dumps(json_object_get(row, "id"), JSON_ENCODE_ANY | JSON_COMPACT);

		gate_judge(&in, &r);
		result_json(id ? id : "\"\"", &in, &r, out);
		free(id);
		rc = r.pass ? CTL_OK : CTL_FINDINGS;
	}
	json_decref(row);
	return rc;
}

static int judge_lines(void)
{
	struct buf out = { 0 };
	char *line = NULL;
	size_t cap = 0;
	int rc = CTL_OK;
	ssize_t n;

	for (long number = 1; (n = getline(&line, &cap, stdin)) >= 0; number++) {
		if (strspn(line, " \t\r\n") == (size_t)n)
			continue;
		buf_clear(&out);
		if (judge_line(line, (size_t)n, number, &out) != CTL_OK)
			rc = CTL_FINDINGS;
		(void)fwrite(buf_text(&out), 1, out.len, stdout);
	}
	if (ferror(stdin))
		rc = ctl_fail(CTL_FINDINGS, "cannot read standard input");
	free(line);
	buf_free(&out);
	return rc;
}

int cmd_gate(struct ctl *c)
{
	int rc = CTL_OK;

	if (ctl_flag(c, "jsonl"))
		return c->arg_n ? ctl_usage(c, "gate: --jsonl reads standard input, no files") : judge_lines();
	if (!c->arg_n)
		return ctl_usage(c, "gate: no FILE is given");
	for (int i = 0; i < c->arg_n; i++)
		if (judge_file(c, c->arg[i]) != CTL_OK)
			rc = CTL_FINDINGS;
	return rc;
}
