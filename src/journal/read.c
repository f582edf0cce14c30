/* Reading the log's files from their beginning: for whoever examines them, and for a store that is to catch up with them. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/folder.h"
#include "abv/mem.h"
#include "journal_int.h"

struct log_file {
	char *path;    /* owned */
	int64_t first; /* seq of its first line; INT64_MAX: it has none */
};
struct files {
	struct log_file *row;
	size_t n;
};

static int64_t first_seq(const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n = f ? getline(&line, &cap, f) : -1;
	int64_t seq = n > 1 && line[n - 1] == '\n' ? journal_line_seq(line, (size_t)n - 1) : 0;

	free(line);
	if (f)
		(void)fclose(f);
	return seq ? seq : INT64_MAX;
}

static int by_first(const void *a, const void *b)
{
	const struct log_file *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return strcmp(x->path, y->path);
}

static int files_find(const char *path, struct files *out, struct buf *left, struct err *e)
{
	char *dir = folder_of(path);
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	struct dirent **entry = NULL;
	int n = scandir(dir, &entry, NULL, alphasort), rc = n < 0 ? err_set(e, "%s: %s", dir, strerror(errno)) : 0;

	for (int i = 0; i < n; i++) {
		char *whole = mem_printf("%s/%s", dir, entry[i]->d_name);

		switch (journal_file_kind(dir, entry[i]->d_name, base)) {
		case FILE_NONE: break;
		case FILE_LEFT: buf_printf(left, "%s%s", left->len ? "\n" : "", whole); break;
		case FILE_PLAIN:
			out->row = mem_grow(out->row, out->n + 1, sizeof(*out->row));
			out->row[out->n++] = (struct log_file){ mem_strdup(whole), first_seq(whole) };
			break;
		}
		free(whole);
		free(entry[i]);
	}
	free(entry);
	free(dir);
	if (out->n)
		qsort(out->row, out->n, sizeof(*out->row), by_first);
	return rc;
}

static int file_read(const char *path, int (*row)(void *arg, const struct journal_line *l), void *arg, struct err *e)
{
	FILE *f = fopen(path, "re");
	struct journal_line l = { .file = path };
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = 0;

	while (f && rc == 0 && (n = getline(&line, &cap, f)) > 0) {
		l.line++;
		l.whole = line[n - 1] == '\n';
		l.n = (size_t)n - (l.whole ? 1 : 0);
		line[l.n] = '\0';
		l.text = line;
		l.seq = l.whole ? journal_line_seq(line, l.n) : 0;
		rc = row(arg, &l);
	}
	if (!f || ferror(f))
		rc = err_set(e, "%s: %s", path, strerror(errno));
	free(line);
	if (f)
		(void)fclose(f);
	return rc;
}

int journal_read(const char *path, int (*row)(void *arg, const struct journal_line *l), void *arg, struct buf *left, struct err *e)
{
	struct files files = { 0 };
	int rc = files_find(path, &files, left, e);

	for (size_t i = 0; i < files.n; i++) {
		if (rc == 0)
			rc = file_read(files.row[i].path, row, arg, e);
		free(files.row[i].path);
	}
	free(files.row);
	return rc;
}
