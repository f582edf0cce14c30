/* rooms: base */
/* Any bytes, cut anywhere, give the same rows in ascending lines; what is posted is always JSON that a strict reader
 * takes, small enough for the daemon. The first byte seeds the cuts. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CSV_ROW_MAX ((size_t)48) /* so that a short input meets it */
#include "../../src/ctl/csv.c"
#include "../../src/ctl/csv_header.c"
#include "../../src/ctl/csv_text.c"

static void must(int ok)
{
	if (!ok)
		abort();
}

struct told {
	struct buf text;
	long last;
};

static int take(void *arg, struct csv_batch *b)
{
	struct told *t = arg;
	json_t *all = json_loadb(b->json.data, b->json.len, JSON_REJECT_DUPLICATES, NULL);

	must(json_is_object(all) && json_array_size(json_object_get(all, "rows")) == b->good);
	must(b->n > 0 && b->n <= CSV_BATCH_ROWS && b->json.len < (size_t)4 << 20);
	json_decref(all);
	for (size_t i = 0; i < b->n; i++) {
		const struct csv_row *row = &b->row[i];

		must(row->line > t->last && row->last >= row->line && row->raw + row->raw_len <= b->raw.len &&
		     row->raw_len > 0);
		t->last = row->last;
		buf_printf(&t->text, "%ld-%ld %s|", row->line, row->last, row->error ? row->error : "");
		buf_add(&t->text, b->raw.data + row->raw, row->raw_len);
	}
	buf_add(&t->text, b->json.data, b->json.len);
	return 0;
}

static int read_all(struct told *t, const uint8_t *data, size_t size, unsigned seed, struct err *e)
{
	struct csv_reader *r = csv_open(take, t);
	int rc = 0;

	for (size_t at = 0, n; at < size && rc == 0; at += n) {
		seed = seed * 1103515245u + 12345u;
		n = seed == 0 ? size : 1 + (seed >> 16) % 7;
		if (n > size - at)
			n = size - at;
		char *copy = mem_alloc(n);

		memcpy(copy, data + at, n);
		rc = csv_feed(r, copy, n, e);
		free(copy);
	}
	if (rc == 0)
		rc = csv_end(r, e);
	csv_close(&r);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told whole = { 0 }, cut = { 0 };
	struct err e1 = { "" }, e2 = { "" };
	struct csv_reader *r;
	int a, b;

	if (size < 1)
		return 0;
	r = csv_open(take, &whole);
	a = csv_feed(r, (const char *)data + 1, size - 1, &e1);
	if (a == 0)
		a = csv_end(r, &e1);
	csv_close(&r);
	b = read_all(&cut, data + 1, size - 1, data[0], &e2);
	must(a == b && !strcmp(e1.text, e2.text));
	must(whole.text.len == cut.text.len && !memcmp(buf_text(&whole.text), buf_text(&cut.text), whole.text.len));
	must((a < 0) == (*e1.text != '\0'));
	buf_free(&whole.text);
	buf_free(&cut.text);
	return 0;
}
