/* For tests of the configuration: a directory in memory-backed storage that is filled, loaded, and removed. */
#ifndef CONFIG_DIR_H
#define CONFIG_DIR_H

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/problem.h"

#define BASE_CONFIG                                                                                                    \
	"sender = { from = \"Dana Reyes <dana@example.com>\"; postal_address = \"1 Main St\";\n"                       \
	"  unsubscribe = \"mailto:unsubscribe@example.com\"; };\n"                                                     \
	"store = { path = \"abvd.db\"; };\n"                                                                           \
	"log = { path = \"engagement.jsonl\"; };\n"                                                                    \
	"control = { socket = \"control.sock\"; };\n"
#define BASE_SMTP "smtp = { url = \"smtp://127.0.0.1:2525\"; };\n"
#define BASE      BASE_CONFIG BASE_SMTP /* six lines */

static char config_dir[64];

static inline void config_dir_make(void)
{
	snprintf(config_dir, sizeof config_dir, "%s/abvd-test-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(config_dir))
		abort();
}

static inline const char *config_dir_path(const char *name)
{
	static char path[4][512];
	static int turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof path[0], "%s/%s", config_dir, name);
	return p;
}

/* Writes a file; the directory above it is made. */
static inline void config_dir_put(const char *name, const char *text)
{
	char dir[512];
	const char *slash = strrchr(name, '/');

	if (slash) {
		snprintf(dir, sizeof dir, "%s/%.*s", config_dir, (int)(slash - name), name);
		mkdir(dir, 0700);
	}
	FILE *f = fopen(config_dir_path(name), "w");

	if (!f || fwrite(text, 1, strlen(text), f) != strlen(text) || fclose(f) != 0)
		abort();
}

static inline int config_dir_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void config_dir_remove(void)
{
	nftw(config_dir, config_dir_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

/* The findings of a severity as "file:line:column rule", one a line, seen from the directory. Caller frees. */
static inline char *config_dir_findings(const struct problems *p, enum severity s)
{
	struct buf b = { 0 };
	size_t n = strlen(config_dir);

	for (size_t i = 0; i < p->n; i++) {
		const struct problem *row = &p->row[i];
		const char *file =
		    !strncmp(row->file, config_dir, n) && row->file[n] == '/' ? row->file + n + 1 : row->file;

		if (row->severity == s)
			buf_printf(&b, "%s:%d:%d %s\n", file, row->line, row->column, row->rule);
	}
	return buf_take(&b);
}

#endif
