/* libcsv says which fields a row has, not where it stands. So it is fed up to each line end at a time: a row, when one
 * ends, ends exactly there, and its bytes and its line are known.
 *
 * What a wrong quote costs: a field that is opened and not closed swallows the lines behind it. When a row over several
 * lines is bad, only its first line is given up, and what stands behind it is read again. That it is bad is seen at the
 * line where a closing quote is wrong, not where libcsv thinks that the row ends: in a file of wrong quotes each line
 * would cost as much as the longest row. */
#include "csv_reader_int.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "abv/json.h"
#include "abv/mem.h"

#define FIELD_BEGUN 2 /* libcsv's pstate inside a field; its name for it is private */

/* RFC 4180 2.4: spaces are part of a field. */
static int no_space(unsigned char c)
{
	(void)c;
	return 0;
}

static void parser_reset(struct csv_reader *r)
{
	csv_free(&r->parser);
	(void)csv_init(&r->parser, 0);
	csv_set_space_func(&r->parser, no_space);
}

/* ---- rows ---- */

static struct csv_row *row_push(struct csv_reader *r)
{
	struct csv_batch *b = &r->batch;

	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 256;
		b->row = mem_grow(b->row, b->cap, sizeof *b->row);
	}
	b->row[b->n] = (struct csv_row){ .line = r->row_line, .raw = r->row_raw, .raw_len = b->raw.len - r->row_raw };
	return &b->row[b->n++];
}

void csv_batch_clear(struct csv_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->row[i].error);
	b->n = b->good = 0;
	buf_clear(&b->json);
	buf_clear(&b->raw);
}

void csv_batch_free(struct csv_batch *b)
{
	csv_batch_clear(b);
	buf_free(&b->json);
	buf_free(&b->raw);
	free(b->row);
	b->row = NULL;
	b->cap = 0;
}

static int batch_flush(struct csv_reader *r)
{
	struct csv_batch *b = &r->batch;
	int rc = 0;

	if (b->n) {
		buf_str(&b->json, b->json.len ? "]}" : "{\"rows\":[]}");
		rc = r->sink(r->arg, b);
	}
	csv_batch_clear(b);
	return rc;
}

/* NULL: a good row. *quoting: the cause may be a wrong quote, so that lines behind the first may be rows of their own.
 */
static char *row_error(const struct csv_reader *r, bool open_quote, bool *quoting)
{
	const char *raw = buf_text(&r->batch.raw) + r->row_raw;
	size_t n = r->batch.raw.len - r->row_raw;

	*quoting = true;
	if (open_quote)
		return mem_strdup("a quoted field is not closed");
	if (r->too_long)
		return mem_printf("the row is longer than %zu KiB", CSV_ROW_MAX >> 10);
	if (memchr(raw, '"', n) && !csv_is_well_quoted(raw, n))
		return mem_strdup("a quoted field goes on behind its closing quote");
	if (r->field < r->named || r->field > r->columns)
		return mem_printf("the row has %zu column%s, the header %zu", r->field, r->field == 1 ? "" : "s",
				  r->columns);
	*quoting = false;
	if (!csv_is_text(raw, n))
		return mem_strdup(memchr(raw, '\0', n) ? "the row holds a NUL byte" : "the row is no UTF-8");
	if (r->nameless)
		return mem_printf("column %zu holds a value, and has no name in the header", r->nameless);
	return NULL;
}

/* Gives the row's first line up; the rest is to be read again. */
static void row_cut(struct csv_reader *r)
{
	struct buf *raw = &r->batch.raw;
	size_t n = raw->len - r->row_raw, first = csv_first_line(raw->data + r->row_raw, n);

	if (first == n)
		return;
	buf_add(&r->redo, raw->data + r->row_raw + first, n - first);
	raw->len = r->row_raw + first;
	r->line = r->row_line;
	parser_reset(r);
}

/* A row is complete: its bytes are in batch.raw, its JSON (without the brace) in batch.json. */
static int row_end(struct csv_reader *r, bool open_quote)
{
	struct csv_batch *b = &r->batch;
	int rc = 0;

	if (r->row_ended && !r->filled && !open_quote && !r->too_long) { /* only commas: a spreadsheet's empty row */
		b->raw.len = r->row_raw;
		b->json.len = r->row_json;
		if (!r->has_header)
			csv_header_drop(r);
	} else if (!r->has_header) {
		if (open_quote || r->too_long) /* says more than what is wrong with the part of it that was read */
			r->header_error.text[0] = '\0';
		if (open_quote)
			(void)csv_header_refuse(r, "a quoted field of the header is not closed", "");
		else if (r->too_long)
			(void)csv_header_refuse(r, "the header is too long", "");
		rc = csv_header_end(r, buf_text(&b->raw) + r->row_raw, b->raw.len - r->row_raw, open_quote || r->too_long);
		buf_clear(&b->raw);
	} else {
		bool quoting;
		char *error = row_error(r, open_quote, &quoting);

		if (error && quoting)
			row_cut(r);
		struct csv_row *row = row_push(r);
		row->error = error;
		row->last = r->line;
		if (error) {
			b->json.len = r->row_json;
		} else {
			buf_char(&b->json, '}');
			b->good++;
		}
		if (b->n == CSV_BATCH_ROWS || b->json.len >= CSV_BATCH_BYTES || b->raw.len >= CSV_BATCH_BYTES)
			rc = batch_flush(r);
	}
	r->row_raw = b->raw.len;
	r->row_json = b->json.len;
	r->field = r->nameless = 0;
	r->quotes = (struct csv_quotes){ 0 };
	r->quotes_n = 0;
	r->too_long = r->row_ended = r->filled = false;
	return rc;
}

static void row_begin(struct csv_reader *r)
{
	struct buf *json = &r->batch.json;

	if (json->len)
		buf_char(json, ',');
	else
		buf_str(json, "{\"rows\":[");
	buf_str(json, "{\"line\":");
	json_decimal(json, r->row_line);
}

static void on_field(void *p, size_t n, void *arg)
{
	struct csv_reader *r = arg;

	r->filled |= n > 0;
	if (!r->has_header) {
		csv_header_field(r, p, n);
	} else {
		if (r->field == 0)
			row_begin(r);
		if (r->field >= r->named && n && !r->nameless)
			r->nameless = r->field + 1;
		if (r->field < r->named) {
			buf_add(&r->batch.json, r->key[r->field].data, r->key[r->field].len);
			json_quote(&r->batch.json, p ? p : "", n);
		}
	}
	r->field++;
}

static void on_row(int c, void *arg)
{
	struct csv_reader *r = arg;

	(void)c;
	r->row_ended = true;
}

/* ---- pieces ---- */

/* Keeps a row's bytes, but no endless ones. */
static void row_bytes(struct csv_reader *r, const char *p, size_t n)
{
	struct buf *raw = &r->batch.raw;
	size_t room = CSV_ROW_MAX - (raw->len - r->row_raw);

	r->too_long |= n > room;
	buf_add(raw, p, n > room ? room : n);
}

/* The row has too many lines: its quote is not closed. True when it was given up; the piece is then to be read again as
 * well. */
static bool row_gave_up(struct csv_reader *r, const char *p, size_t n, int *rc)
{
	const char *raw = r->batch.raw.data + r->row_raw;
	size_t have = r->batch.raw.len - r->row_raw;

	if (r->too_long || !r->has_header || n <= CSV_ROW_MAX - have ||
	    !(memchr(raw, '\n', have) || memchr(raw, '\r', have)))
		return false;
	r->line = r->row_line;
	*rc = row_end(r, true);
	parser_reset(r);
	buf_add(&r->redo, p, n);
	return true;
}

/* A line ended inside of quotes: is one of the closing quotes so far wrong? */
static bool row_is_lost(struct csv_reader *r)
{
	const struct buf *raw = &r->batch.raw;
	size_t n = raw->len - r->row_raw;

	if (r->row_ended || r->too_long || !r->has_header || !n)
		return false;
	csv_quotes_feed(&r->quotes, raw->data + r->row_raw + r->quotes_n, n - r->quotes_n);
	r->quotes_n = n;
	return r->quotes.lost;
}

/* Its first line is to blame: for its own closing quote, or for having none. */
static int row_lost(struct csv_reader *r)
{
	const char *raw = r->batch.raw.data + r->row_raw;
	int rc = row_end(r, csv_is_well_quoted(raw, csv_first_line(raw, r->batch.raw.len - r->row_raw)));

	parser_reset(r);
	return rc;
}

static void next_line(struct csv_reader *r, bool cr)
{
	r->line++;
	r->last_was_cr = cr;
}

/* A piece that ends with a line end, or has none. */
static int piece(struct csv_reader *r, const char *p, size_t n, struct err *e)
{
	struct csv_batch *b = &r->batch;
	char last = p[n - 1];
	bool line_end = last == '\n' || last == '\r';
	bool blank = b->raw.len == r->row_raw && line_end && n == 1;
	int rc = 0;

	r->last_was_cr = false;
	if (b->raw.len == r->row_raw)
		r->row_line = r->line;
	else if (row_gave_up(r, p, n, &rc)) {
		next_line(r, false);
		return rc;
	}
	if (!blank)
		row_bytes(r, p, n);
	if (!r->too_long && csv_parse(&r->parser, p, n, on_field, on_row, r) != n)
		return err_set(e, "%ld: %s", r->row_line, csv_strerror(csv_error(&r->parser)));
	if (r->too_long && line_end)
		parser_reset(r);
	if (r->row_ended || (r->too_long && line_end))
		rc = row_end(r, false);
	else if (line_end && row_is_lost(r))
		rc = row_lost(r);
	if (line_end)
		next_line(r, last == '\r' && !r->redo.len);
	if (rc < 0 && *r->header_error.text)
		(void)err_set(e, "%s", r->header_error.text);
	return rc;
}

/* The LF of a CR LF is no line of its own. Outside of a row it belongs to nobody. */
static int line_feed(struct csv_reader *r)
{
	bool inside = r->batch.raw.len > r->row_raw;
	int rc = 0;

	r->last_was_cr = false;
	if (inside && row_gave_up(r, "\n", 1, &rc)) {
		if (r->redo.len == 1) /* it is the LF of the line that was given up */
			buf_clear(&r->redo);
		next_line(r, false);
		return rc;
	}
	if (inside) /* of a quoted field */
		row_bytes(r, "\n", 1);
	if (!r->too_long)
		(void)csv_parse(&r->parser, "\n", 1, on_field, on_row, r);
	return 0;
}

static size_t piece_length(const char *p, size_t n)
{
	const char *lf = memchr(p, '\n', n);
	size_t most = lf ? (size_t)(lf - p) + 1 : n;
	const char *cr = memchr(p, '\r', most);

	return cr ? (size_t)(cr - p) + 1 : most;
}

static int feed(struct csv_reader *r, const char *p, size_t n, struct err *e)
{
	struct buf work = { 0 };
	int rc = 0;

	while (n && rc == 0) {
		size_t take = 1;

		if (r->last_was_cr && *p == '\n') {
			rc = line_feed(r);
		} else {
			take = piece_length(p, n);
			rc = piece(r, p, take, e);
		}
		p += take;
		n -= take;
		if (r->redo.len) {
			buf_add(&r->redo, p, n);
			buf_free(&work);
			work = r->redo;
			r->redo = (struct buf){ 0 };
			p = work.data;
			n = work.len;
		}
	}
	buf_free(&work);
	return rc;
}

/* The BOM may come in three pieces; what is no BOM is read as it is. 1: wait for more. */
static int start(struct csv_reader *r, bool end, struct err *e)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct buf *b = &r->header; /* not needed yet */
	struct buf first = { 0 };
	int rc = 0;

	if (b->len < 3 && !end)
		return 1;
	if (b->len >= 2 && (!memcmp(b->data, "\xff\xfe", 2) || !memcmp(b->data, "\xfe\xff", 2)))
		return err_set(e, "1: the file is UTF-16; save it as UTF-8");
	r->started = true;
	first = *b;
	*b = (struct buf){ 0 };
	if (first.len >= 3 && !memcmp(first.data, bom, 3))
		buf_consume(&first, 3);
	if (first.len)
		rc = feed(r, first.data, first.len, e);
	buf_free(&first);
	return rc;
}

int csv_feed(struct csv_reader *r, const char *p, size_t n, struct err *e)
{
	int rc = 0;

	while (n && !r->started && rc >= 0) {
		buf_char(&r->header, *p++);
		n--;
		rc = start(r, false, e);
	}
	return rc < 0 ? -1 : feed(r, p, n, e);
}

/* The last row has no line end. When it is bad, lines may stand behind its first one, and the last of those has none.
 */
static int last_row(struct csv_reader *r, struct err *e)
{
	int rc = 0;

	while (rc == 0 && r->batch.raw.len > r->row_raw) {
		bool open_quote = r->parser.pstate == FIELD_BEGUN && r->parser.quoted && !r->too_long;
		struct buf again;

		if (!open_quote && !r->too_long)
			(void)csv_fini(&r->parser, on_field, on_row, r);
		rc = row_end(r, open_quote);
		again = r->redo;
		r->redo = (struct buf){ 0 };
		if (again.len) {
			next_line(r, false);
			rc = rc == 0 ? feed(r, again.data, again.len, e) : rc;
		}
		buf_free(&again);
	}
	return rc;
}

int csv_end(struct csv_reader *r, struct err *e)
{
	int rc;

	if (!r->started && start(r, true, e) < 0)
		return -1;
	rc = last_row(r, e);
	if (rc == 0 && !r->has_header)
		return err_set(e, "1: the file is empty: a header row is required");
	if (rc < 0 && *r->header_error.text)
		return err_set(e, "%s", r->header_error.text);
	return rc < 0 ? -1 : batch_flush(r);
}

struct csv_reader *csv_open(csv_sink *sink, void *arg)
{
	struct csv_reader *r = mem_alloc(sizeof *r);

	r->sink = sink;
	r->arg = arg;
	r->line = 1;
	(void)csv_init(&r->parser, 0);
	csv_set_space_func(&r->parser, no_space);
	return r;
}

void csv_close(struct csv_reader **r)
{
	if (!*r)
		return;
	csv_free(&(*r)->parser);
	for (size_t i = 0; i < (*r)->columns; i++) {
		free((*r)->name[i]);
		buf_free(&(*r)->key[i]);
	}
	free((*r)->name);
	free((*r)->key);
	buf_free(&(*r)->header);
	buf_free(&(*r)->redo);
	csv_batch_free(&(*r)->batch);
	free(*r);
	*r = NULL;
}

void csv_row_refuse(struct csv_batch *b, long line, const char *why)
{
	size_t from = 0, to = b->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (b->row[mid].line < line)
			from = mid + 1;
		else
			to = mid;
	}
	if (from < b->n && b->row[from].line == line && !b->row[from].error)
		b->row[from].error = mem_strdup(why);
}
