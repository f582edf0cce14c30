/* abvctl simulate: contacts from a CSV file, by the reader and the verb that `import` uses; instead of a daemon the
 * simulation answers. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "client_int.h"
#include "csv_int.h"
#include "simulate_int.h"

#define CHUNK ((size_t)256 << 10)

struct feed {
	struct simulation *simulation;
	const char *name; /* as it is told */
	json_t *unlisted; /* owned: consent basis -> rows, of those that the configuration does not accept; NULL none */
	struct err err;   /* why a batch was refused */
};

static void rows_tell(const struct feed *f, const struct csv_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct buf text = { 0 };

		if (!b->row[i].error)
			continue;
		out_clean(&text, b->row[i].error);
		(void)fprintf(stderr, "%s:%ld: %s\n", f->name, b->row[i].line, buf_text(&text));
		buf_free(&text);
	}
}

static void answer_take(struct feed *f, struct csv_batch *b, const struct buf *text)
{
	json_t *answer = json_loadb(text->data, text->len, 0, NULL), *n;
	const json_t *row;
	const char *basis;
	size_t i;

	json_array_foreach (json_object_get(answer, "errors"), i, row) {
		csv_row_refuse(b, (long)json_number(row, "line"), json_text(row, "message"));
	}
	json_object_foreach (json_object_get(answer, "unlisted_consent"), basis, n) {
		if (!f->unlisted)
			f->unlisted = json_object();
		(void)json_object_set_new(f->unlisted, basis,
					  json_integer(json_integer_value(n) + json_number(f->unlisted, basis)));
	}
	json_decref(answer);
}

static int on_batch(void *arg, struct csv_batch *b)
{
	struct feed *f = arg;
	struct buf answer = { 0 };
	int rc = 0;

	if (b->good) {
		rc = simulation_import(f->simulation, b->json.data, b->json.len, &answer, &f->err);
		if (rc == 0)
			answer_take(f, b, &answer);
	}
	rows_tell(f, b);
	csv_batch_clear(b);
	buf_free(&answer);
	return rc;
}

static int read_all(struct feed *f, struct csv_reader *reader, int fd)
{
	static char chunk[CHUNK];
	struct err e = { "" };
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(fd, chunk, CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ctl_fail(CTL_FINDINGS, "cannot read '%s': %s", f->name, strerror(errno));
		rc = csv_feed(reader, chunk, (size_t)n, &e);
	}
	if (rc == 0)
		rc = csv_end(reader, &e);
	if (rc == 0)
		return CTL_OK;
	if (*f->err.text)
		return ctl_fail(CTL_FINDINGS, "%s: %s", f->name, f->err.text);
	(void)fprintf(stderr, "%s:%s\n", f->name, e.text);
	return CTL_FINDINGS;
}

/* Nobody is mailed on a basis that the configuration does not list: often one that is misspelt. */
static void unlisted_tell(const struct feed *f)
{
	const char *basis;
	json_t *n;

	json_object_foreach (f->unlisted, basis, n)
		(void)fprintf(stderr, "%s: consent '%s' of %lld row%s is not in consent.accept\n", f->name, basis,
			      (long long)json_integer_value(n), json_integer_value(n) == 1 ? "" : "s");
}

int simulate_import(struct simulation *s, const char *path)
{
	struct feed f = { .simulation = s, .name = strcmp(path, "-") != 0 ? path : "(stdin)" };
	int fd = strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	struct csv_reader *reader;
	int status;

	if (fd < 0)
		return ctl_fail(CTL_FINDINGS, "cannot open '%s': %s", path, strerror(errno));
	reader = csv_open(on_batch, &f);
	status = read_all(&f, reader, fd);
	unlisted_tell(&f);
	csv_close(&reader);
	json_decref(f.unlisted);
	if (fd != STDIN_FILENO)
		(void)close(fd);
	return status;
}
