/* abvctl import: a transaction a batch. While the daemon has one, the next is read and written; batches stay in the
 * file's order, because of two rows with one address the later stands. Importing the same file again is safe, so after
 * a loss the answer is: once more. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "abv/mem.h"
#include "client_int.h"
#include "csv_int.h"
#include "rejects_int.h"

#define CHUNK ((size_t)256 << 10)
#define BAR   30

struct import {
	struct ctl *ctl;
	struct client *client;
	struct csv_reader *reader;
	const char *name; /* as it is told: "-" is (stdin) */
	struct rejects rejects;
	bool headed; /* the header is known, and was told of */
	struct csv_batch flight; /* with the daemon, or only rows that are bad */
	long long created, changed, same, superseded, enrolled, errors;
	json_t *unlisted; /* owned: consent basis -> rows, of those that the configuration does not accept */
	json_t *refused;  /* owned: reason -> enrollments that were refused */
	long committed;   /* the last line whose row the daemon has; 0 none */
	long first;       /* of the batch that failed */
	off_t size, done; /* size 0: not known */
	bool bar;
	int64_t told; /* the bar's last time, ms */
	int status;   /* why the reading was stopped */
};

/* ---- the progress bar, on a terminal ---- */

static void bar_draw(struct import *im, bool force)
{
	struct timespec ts;
	int64_t now;

	if (!im->bar)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	if (!force && now - im->told < 100)
		return;
	im->told = now;
	long long rows = im->created + im->changed + im->same;
	if (im->size > 0) {
		int full = (int)(im->done * BAR / im->size);

		(void)fprintf(stderr, "\r[%.*s%*s] %3d%%  %lld rows", full,
			      "==============================", BAR - full, "", (int)(im->done * 100 / im->size), rows);
	} else {
		(void)fprintf(stderr, "\r%lld rows", rows);
	}
}

static void bar_clear(const struct import *im)
{
	if (im->bar)
		(void)fputs("\r\033[K", stderr);
}

/* ---- a batch ---- */

static int rejects_fail(struct import *im, const struct err *e)
{
	bar_clear(im);
	im->status = ctl_fail(CTL_FINDINGS, "%s", e->text);
	return -1;
}

/* A misspelt column is taken as an attribute, which any name may be; whoever imports is told. */
static void misspelt_tell(const struct import *im)
{
	const char *name, *near;

	for (size_t at = 0; (name = csv_misspelt(im->reader, &at, &near)) != NULL;) {
		struct buf text = { 0 };

		out_clean(&text, name);
		bar_clear(im);
		(void)fprintf(stderr, "%s:%ld: column '%s' is kept as an attribute; did you mean '%s'?\n", im->name,
			      csv_header_line(im->reader), buf_text(&text), near);
		buf_free(&text);
	}
}

/* Before the first row is imported. */
static int header_take(struct import *im)
{
	struct err e = { "" };

	if (im->headed)
		return 0;
	im->headed = true;
	misspelt_tell(im);
	return rejects_open(&im->rejects, &e) < 0 ? rejects_fail(im, &e) : 0;
}

static int row_keep(struct import *im, const char *p, size_t n)
{
	struct err e = { "" };
	size_t header_n;
	const char *header = csv_header(im->reader, &header_n);

	if ((!im->rejects.any && rejects_write(&im->rejects, header, header_n, &e) < 0) ||
	    rejects_write(&im->rejects, p, n, &e) < 0)
		return rejects_fail(im, &e);
	return 0;
}

static int rows_tell(struct import *im, const struct csv_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct csv_row *row = &b->row[i];
		struct buf text = { 0 };

		if (!row->error)
			continue;
		im->errors++;
		out_clean(&text, row->error);
		bar_clear(im);
		(void)fprintf(stderr, "%s:%ld: %s\n", im->name, row->line, buf_text(&text));
		buf_free(&text);
		if (row_keep(im, b->raw.data + row->raw, row->raw_len) < 0)
			return -1;
	}
	return 0;
}

/* Adds the numbers of an answer's object to those of the answers before. */
static void numbers_take(json_t *all, json_t *some)
{
	const char *name;
	json_t *n;

	json_object_foreach (some, name, n)
		(void)json_object_set_new(all, name, json_integer(json_integer_value(n) + json_number(all, name)));
}

static void answer_take(struct import *im, struct csv_batch *b, const json_t *answer)
{
	const json_t *errors = json_object_get(answer, "errors"), *row;
	size_t i;

	json_array_foreach (errors, i, row) {
		csv_row_refuse(b, (long)json_number(row, "line"), json_text(row, "message"));
	}
	im->created += json_number(answer, "created");
	im->changed += json_number(answer, "changed");
	im->same += json_number(answer, "same");
	im->enrolled += json_number(answer, "enrolled");
	im->superseded += json_number(answer, "superseded");
	numbers_take(im->unlisted, json_object_get(answer, "unlisted_consent"));
	numbers_take(im->refused, json_object_get(answer, "refused"));
}

static int batch_answer(struct import *im, struct csv_batch *b)
{
	struct err e = { "" };
	json_t *answer = NULL;
	int status = client_end(im->client, &answer, &e);
	int rc = -1;

	if (status >= 200 && status < 300) {
		answer_take(im, b, answer);
		rc = 0;
	} else if (status < 0) {
		bar_clear(im);
		im->status = ctl_fail(CTL_UNREACHABLE, "%s", e.text);
	} else {
		struct buf why = { 0 };

		out_clean(&why, json_text(answer, "error"));
		bar_clear(im);
		im->status =
		    ctl_fail(CTL_FINDINGS, "lines %ld-%ld: %s", b->row[0].line, b->row[b->n - 1].last, buf_text(&why));
		buf_free(&why);
	}
	json_decref(answer);
	return rc;
}

/* Waits for the answer to what is with the daemon, if anything is. */
static int flight_end(struct import *im)
{
	struct csv_batch *b = &im->flight;
	int rc = 0;

	if (!b->n)
		return 0;
	if ((b->good && batch_answer(im, b) < 0) || rows_tell(im, b) < 0)
		rc = -1;
	else
		im->committed = b->row[b->n - 1].last;
	csv_batch_clear(b);
	bar_draw(im, false);
	return rc;
}

/* The reader gets the buffers of the batch before for its next one. */
static int on_batch(void *arg, struct csv_batch *b)
{
	struct import *im = arg;
	struct csv_batch empty;

	if (header_take(im) < 0 || flight_end(im) < 0)
		return -1;
	empty = im->flight;
	im->flight = *b;
	*b = empty;
	im->first = im->flight.row[0].line;
	if (im->flight.good)
		client_begin(im->client, "import", im->flight.json.data, im->flight.json.len);
	return 0;
}

/* ---- the file ---- */

static int read_all(struct import *im, int fd)
{
	char *chunk = mem_alloc(CHUNK);
	struct err e = { "" };
	ssize_t n;
	int rc = 0;

	while (rc == 0) {
		if (client_wait(im->client, fd) && flight_end(im) < 0) { /* whoever writes to us may take long */
			rc = -1;
			break;
		}
		n = read(fd, chunk, CHUNK);
		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			bar_clear(im);
			im->status = ctl_fail(CTL_FINDINGS, "cannot read '%s': %s", im->name, strerror(errno));
			rc = -1;
			break;
		}
		rc = csv_feed(im->reader, chunk, (size_t)n, &e);
		im->done += n;
	}
	if (rc == 0)
		rc = csv_end(im->reader, &e);
	if (rc == 0)
		rc = header_take(im);
	if (flight_end(im) < 0) /* also what came before a fault in the file */
		rc = -1;
	bar_clear(im);
	if (rc < 0 && im->status == CTL_OK) {
		(void)fprintf(stderr, "%s:%s\n", im->name, e.text);
		im->status = CTL_FINDINGS;
	}
	free(chunk);
	return rc;
}

static int input_open(struct import *im)
{
	const char *path = im->ctl->arg[0];
	struct stat in, out;
	int fd = STDIN_FILENO;

	im->name = path;
	if (!strcmp(path, "-"))
		im->name = "(stdin)";
	else
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &in) < 0) {
		im->status = ctl_fail(CTL_FINDINGS, "cannot open '%s': %s", path, strerror(errno));
		return -1;
	}
	if (im->rejects.path && stat(im->rejects.path, &out) == 0 && out.st_dev == in.st_dev &&
	    out.st_ino == in.st_ino) {
		im->status = ctl_usage(im->ctl, "import: --rejects names the file that is imported");
		if (fd != STDIN_FILENO)
			(void)close(fd);
		return -1;
	}
	im->size = S_ISREG(in.st_mode) ? in.st_size : 0;
	return fd;
}

/* Nobody is mailed on a basis that the configuration does not list: often one that is misspelt. */
static void unlisted_tell(const struct import *im)
{
	const char *basis;
	json_t *n;

	json_object_foreach (im->unlisted, basis, n) {
		long long rows = json_integer_value(n);

		(void)fprintf(stderr, "%s: consent '%s' of %lld row%s is not in consent.accept: %s not be mailed\n",
			      im->name, basis, rows, rows == 1 ? "" : "s",
			      rows == 1 ? "this contact will" : "these contacts will");
	}
}

static void sum_print(const struct import *im)
{
	struct buf more = { 0 };
	json_t *sum;

	unlisted_tell(im);
	if (!im->ctl->json) {
		if (im->superseded)
			buf_printf(&more, ", %lld superseded by a later row", im->superseded);
		refused_add(&more, im->refused);
		printf("%lld created, %lld changed, %lld same, %lld enrolled, %lld error%s%s\n", im->created,
		       im->changed, im->same, im->enrolled, im->errors, im->errors == 1 ? "" : "s", buf_text(&more));
		buf_free(&more);
		return;
	}
	sum = json_pack("{sI sI sI sI sI sI sO}", "created", (json_int_t)im->created, "changed",
			(json_int_t)im->changed, "same", (json_int_t)im->same, "superseded", (json_int_t)im->superseded,
			"enrolled", (json_int_t)im->enrolled, "errors", (json_int_t)im->errors, "refused", im->refused);
	(void)client_print_json(im->ctl, sum);
	json_decref(sum);
}

/* What was done stays done; what was not is done by doing it all again. */
static void half_tell(const struct import *im)
{
	if (im->committed)
		(void)fprintf(stderr, "%s: the rows up to line %ld are imported", im->name, im->committed);
	else
		(void)fprintf(stderr, "%s: no row is known to be imported", im->name);
	if (im->status == CTL_UNREACHABLE && im->first > im->committed)
		(void)fprintf(stderr, ", those from line %ld on may be", im->first);
	(void)fputs("; import the file again, repeating is safe\n", stderr);
}

int cmd_import(struct ctl *c)
{
	struct import im = { .ctl = c, .rejects.path = ctl_value(c, "rejects"), .bar = isatty(STDERR_FILENO) == 1 };
	struct err e = { "" };
	int fd = input_open(&im);

	if (fd < 0)
		return im.status;
	if (client_open(c, &im.client, &e) < 0) {
		im.status = ctl_fail(CTL_UNREACHABLE, "%s", e.text);
		goto out;
	}
	im.reader = csv_open(on_batch, &im);
	im.unlisted = json_object();
	im.refused = json_object();
	if (read_all(&im, fd) < 0) {
		if (im.first)
			half_tell(&im);
		goto out;
	}
	sum_print(&im);
	im.status = im.errors ? CTL_FINDINGS : CTL_OK;
out:
	if (rejects_close(&im.rejects, &e) < 0)
		im.status = ctl_fail(CTL_FINDINGS, "%s", e.text);
	json_decref(im.unlisted);
	json_decref(im.refused);
	csv_close(&im.reader);
	client_close(&im.client);
	csv_batch_free(&im.flight);
	if (fd != STDIN_FILENO)
		(void)close(fd);
	return im.status;
}
