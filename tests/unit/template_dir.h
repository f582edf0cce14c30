/* A directory of templates for one test, removed afterwards, and values given as a row of names and values. */
#ifndef TEMPLATE_DIR_H
#define TEMPLATE_DIR_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/render.h"

struct template_dir {
	char path[64];
	struct template_layout *layout;
	struct problems problems;
};

static inline void dir_open(struct template_dir *d)
{
	*d = (struct template_dir){ .path = "/tmp/abv-template-XXXXXX" };
	if (mkdtemp(d->path) == NULL || template_layout_load(d->path, &d->layout, &d->problems) != 0)
		abort();
}

static inline void dir_write(const struct template_dir *d, const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", d->path, name);
	FILE *f = fopen(path, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static inline void dir_close(struct template_dir *d)
{
	char command[128];
	template_layout_free(&d->layout);
	problems_free(&d->problems);
	snprintf(command, sizeof command, "rm -rf '%s'", d->path);
	if (system(command) != 0)
		abort();
}

/* "name", "value", ..., NULL */
static inline const char *row_get(void *arg, const char *name)
{
	for (const char *const *row = arg; *row != NULL; row += 2)
		if (strcmp(row[0], name) == 0)
			return row[1];
	return NULL;
}

static const struct render_frame test_frame = { "Example Ltd, 1 Main St", "You asked for it.",
						"mailto:u@example.com?subject=unsubscribe%20t&x=1" };

/* Problems as text, without the directory. */
static inline void dir_problems(struct template_dir *d, struct buf *out)
{
	problems_sort(&d->problems);
	for (size_t i = 0; i < d->problems.n; i++) {
		struct buf line = { 0 };
		problem_format(&d->problems.row[i], &line);
		buf_str(out, i > 0 ? "\n" : "");
		buf_str(out, strncmp(buf_text(&line), d->path, strlen(d->path)) == 0 ? line.data + strlen(d->path) + 1
										     : buf_text(&line));
		buf_free(&line);
	}
}

#endif
