/* The rows of an import, read from the request's bytes without a tree of values: it would cost more than storing them.
 * Only what an import usually is, is read here. Values that are no texts are jansson's, and so is the word on a request
 * that is not in order. */
#include <stdlib.h>
#include <string.h>

#include "abv/hash.h"
#include "abv/json.h"
#include "abv/mem.h"
#include "import_int.h"

#define NAMES_MAX 32

/* A name as it stands in the request, from its first quote up to and with the colon. */
struct name {
	const char *raw;
	size_t raw_n;
	struct row_name name; /* decoded */
	enum column column;   /* COLUMN_COUNT: an attribute, or line */
	bool line;
};

struct reading {
	struct json_scan scan;
	struct rows *rows;
	int64_t now;
	size_t n; /* rows so far, good or bad */

	/* The names of the row before, as long as those of this row are the same: rows of one file have the same names in
	 * the same order. From the first that differs on, those of this row. */
	struct name name[NAMES_MAX];
	size_t names;
	/* of this row: */
	const char *begin; /* its brace */
	size_t member;
	bool repeats; /* its names up to here are the first ones of the row before, so none stands twice */
	bool judged;  /* that none stands twice, the whole row has been looked at for */
};

/* ---- values that are no texts ---- */

/* A number or truth value of a JSON that no CSV was behind stands for its text. NULL: it has none. Caller frees. */
static char *text_of(const json_t *value)
{
	if (json_is_boolean(value))
		return mem_strdup(json_is_true(value) ? "true" : "false");
	if (json_is_integer(value))
		return mem_printf("%lld", (long long)json_integer_value(value));
	return json_is_real(value) ? mem_printf("%.15g", json_real_value(value)) : NULL;
}

static json_t *value_of(const char *p, size_t n)
{
	return json_loadb(p, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

/* -1: no JSON. What is wrong with the row goes to *why. */
static int odd_take(struct reading *in, struct row *r, const struct name *name, struct err *why)
{
	struct rows *rows = in->rows;
	const char *from;
	size_t n;
	json_t *value;
	char *text;

	json_scan_skip(&in->scan, &from, &n);
	value = value_of(from, n);
	if (!value)
		return -1;
	text = name->line || json_is_null(value) ? NULL : text_of(value);
	if (name->line && json_is_integer(value)) {
		r->line = json_integer_value(value);
	} else if (text) {
		rows->odd = mem_grow(rows->odd, rows->odd_n + 1, sizeof(*rows->odd));
		rows->odd[rows->odd_n++] = text;
		if (!*why->text)
			(void)row_put(r, &name->name, name->column, text, strlen(text), false, &rows->attributes, why);
	} else if (!name->line && !json_is_null(value) && !*why->text) {
		(void)err_set(why, "%.64s: this is no text", name->name.text);
	}
	json_decref(value);
	return 0;
}

/* The number of a line as abvctl writes it. False, and nothing is taken, for any other. */
static bool line_take(struct json_scan *s, int64_t *line)
{
	const char *p = s->at;
	int64_t v = 0;

	while (p < s->end && p - s->at < 18 && *p >= '0' && *p <= '9')
		v = v * 10 + (*p++ - '0');
	if (p == s->at || *s->at == '0' || p == s->end || (*p != ',' && *p != '}'))
		return false;
	*line = v;
	s->at = p;
	return true;
}

/* ---- a row ---- */

/* A name that stands twice makes all of the request no JSON: -1. */
static int name_new(struct reading *in, const struct name *name)
{
	struct json_scan row = { .at = in->begin, .end = in->scan.end };
	const char *from;
	size_t n;
	json_t *tree;

	if (in->judged)
		return 0;
	for (size_t i = 0; i < in->names; i++)
		if (in->name[i].name.n == name->name.n && !memcmp(in->name[i].name.text, name->name.text, name->name.n))
			return -1;
	if (in->names < NAMES_MAX) {
		in->name[in->names++] = *name;
		return 0;
	}
	json_scan_skip(&row, &from, &n);
	tree = value_of(from, n);
	json_decref(tree);
	in->judged = tree != NULL;
	return tree ? 0 : -1;
}

/* The next name of the row and its colon. */
static int name_take(struct reading *in, struct name *out)
{
	struct json_scan *s = &in->scan;
	char *text;

	(void)json_scan_next(s);
	if (in->repeats && in->member < in->names) {
		*out = in->name[in->member];
		if ((size_t)(s->end - s->at) > out->raw_n && !memcmp(s->at, out->raw, out->raw_n)) {
			s->at += out->raw_n;
			in->member++;
			return 0;
		}
	}
	if (in->repeats)
		in->names = in->member;
	in->repeats = false;
	out->raw = s->at;
	if (!json_scan_text(s, &text, &out->name.n) || !json_scan_take(s, ':'))
		return -1;
	out->raw_n = (size_t)(s->at - out->raw);
	out->name.text = text;
	out->line = out->name.n == 4 && !memcmp(text, "line", 4);
	out->column = row_column(&out->name);
	return name_new(in, out);
}

static int member_take(struct reading *in, struct row *r, struct err *why)
{
	struct json_scan *s = &in->scan;
	struct name name;
	char *value;
	size_t n;

	if (name_take(in, &name))
		return -1;
	if (json_scan_next(s) != '"')
		return name.line && line_take(s, &r->line) ? 0 : odd_take(in, r, &name, why);
	if (!json_scan_text(s, &value, &n))
		return -1;
	if (!name.line && !*why->text)
		(void)row_put(r, &name.name, name.column, value, n, s->control, &in->rows->attributes, why);
	return 0;
}

static int members_take(struct reading *in, struct row *r, struct err *why)
{
	(void)json_scan_next(&in->scan);
	in->begin = in->scan.at++;
	in->member = 0;
	in->repeats = true;
	in->judged = false;
	if (json_scan_take(&in->scan, '}'))
		return 0;
	do
		if (member_take(in, r, why))
			return -1;
	while (json_scan_take(&in->scan, ','));
	return json_scan_take(&in->scan, '}') ? 0 : -1;
}

/* -1: no JSON. Rows beyond the last that may be are only counted. */
static int row_take(struct reading *in)
{
	struct rows *rows = in->rows;
	struct row *r = &rows->row[rows->n];
	struct err why = { "" };
	size_t attributes = rows->attributes.len, n;
	const char *from;
	json_t *value;

	if (in->n++ >= ROWS_MAX || json_scan_next(&in->scan) != '{') {
		json_scan_skip(&in->scan, &from, &n);
		value = value_of(from, n);
		if (!value)
			return -1;
		json_decref(value);
		(void)err_set(&why, "this row is no object");
		if (in->n <= ROWS_MAX)
			rows_refuse(rows, (int64_t)in->n, &why);
		return 0;
	}
	*r = (struct row){ .line = (int64_t)in->n };
	if (members_take(in, r, &why))
		return -1;
	r->attributes.len = rows->attributes.len - attributes;
	if (!*why.text && !row_check(r, in->now, &why)) {
		rows->n++;
		return 0;
	}
	rows->attributes.len = attributes;
	rows_refuse(rows, r->line, &why);
	return 0;
}

/* ---- the request ---- */

static int rows_take(struct reading *in)
{
	struct json_scan *s = &in->scan;

	if (!json_scan_take(s, '['))
		return -1;
	if (json_scan_take(s, ']'))
		return 0;
	do
		if (row_take(in))
			return -1;
	while (json_scan_take(s, ','));
	return json_scan_take(s, ']') ? 0 : -1;
}

/* {"rows":[...]} and nothing else. */
static int request_take(struct reading *in)
{
	struct json_scan *s = &in->scan;
	char *name;
	size_t n;

	if (!json_scan_take(s, '{') || !json_scan_text(s, &name, &n) || strcmp(name, "rows") != 0 || !json_scan_take(s, ':') || rows_take(in))
		return -1;
	return json_scan_take(s, '}') && !json_scan_next(s) && s->at == s->end ? 0 : -1;
}

/* Of two rows with one address the later stands. */
static void supersede(struct rows *rows)
{
	enum { SLOTS = 4096 }; /* a power of two */
	uint16_t slot[SLOTS] = { 0 }; /* of the last row with the address, from 1; 0 none */

	for (size_t i = 0; i < rows->n; i++) {
		const char *email = rows->row[i].value[COLUMN_EMAIL];
		uint64_t h = hash_text(HASH_BEGIN, email);

		while (slot[h % SLOTS] && strcmp(rows->row[slot[h % SLOTS] - 1].value[COLUMN_EMAIL], email) != 0)
			h++;
		if (slot[h % SLOTS])
			rows->row[slot[h % SLOTS] - 1].superseded = true;
		slot[h % SLOTS] = (uint16_t)(i + 1);
	}
}

int rows_read(struct call *c, struct rows *out)
{
	struct reading in = { .rows = out, .now = c->now };
	size_t at = 0;
	int status;

	*out = (struct rows){ 0 };
	out->text = mem_grow(NULL, c->body_n + 1, 1);
	out->row = mem_grow(NULL, ROWS_MAX + 1, sizeof(*out->row));
	in.scan = (struct json_scan){ .at = c->body, .end = c->body + c->body_n, .room = out->text };
	if (request_take(&in)) {
		status = call_object(c);
		return status != 200 ? status : call_refuse(c, 400, "rows: this cannot be read");
	}
	if (in.n > ROWS_MAX)
		return call_refuse(c, 400, "rows: these are %zu, more than %d", in.n, ROWS_MAX);
	for (size_t i = 0; i < out->n; at += out->row[i++].attributes.len)
		out->row[i].attributes.data = buf_text(&out->attributes) + at;
	supersede(out);
	return 200;
}

void rows_free(struct rows *rows)
{
	free(rows->row);
	free(rows->text);
	buf_free(&rows->errors);
	buf_free(&rows->attributes);
	for (size_t i = 0; i < rows->odd_n; i++)
		free(rows->odd[i]);
	free(rows->odd);
	*rows = (struct rows){ 0 };
}

void rows_refuse(struct rows *rows, int64_t line, const struct err *why)
{
	struct buf *b = &rows->errors;

	if (b->len)
		buf_char(b, ',');
	buf_char(b, '{');
	json_add_int(b, "line", line);
	json_add_str(b, "message", why->text);
	buf_char(b, '}');
}
