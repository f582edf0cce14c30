/* The header row: which columns there are, and why a file is none of ours. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "csv_reader_int.h"

#define HEADER_TOLD 320 /* bytes of the columns that an error names */

int csv_header_refuse(struct csv_reader *r, const char *what, const char *name)
{
	if (!*r->header_error.text)
		(void)err_set(&r->header_error, "%ld: %s%s%s%s", r->row_line, what, *name ? " '" : "", name,
			      *name ? "'" : "");
	return -1;
}

void csv_header_field(struct csv_reader *r, const char *p, size_t n)
{
	char *name = csv_column_name(p, n);

	if (r->columns == r->column_cap) {
		r->column_cap = r->column_cap ? r->column_cap * 2 : 16;
		r->name = mem_grow(r->name, r->column_cap, sizeof *r->name);
		r->key = mem_grow(r->key, r->column_cap, sizeof *r->key);
	}
	if (!strcmp(name, "line"))
		(void)csv_header_refuse(r, "a column may not have the reserved name", name);
	for (size_t i = 0; i < r->columns && *name; i++)
		if (!strcasecmp(r->name[i], name))
			(void)csv_header_refuse(r, "the header names a column twice:", name);
	r->key[r->columns] = (struct buf){ 0 };
	buf_char(&r->key[r->columns], ',');
	json_quote(&r->key[r->columns], name, strlen(name));
	buf_char(&r->key[r->columns], ':');
	r->name[r->columns++] = name;
}

/* Which columns there are instead, as many as fit. */
static int header_lacks_email(struct csv_reader *r)
{
	struct buf list = { 0 };

	if (csv_separator(buf_text(&r->header), r->header.len) != ',') {
		bool tab = csv_separator(buf_text(&r->header), r->header.len) == '\t';

		r->header_error.text[0] = '\0'; /* whatever was wrong with such columns */
		return csv_header_refuse(r,
				     tab ? "the columns are parted by tabs: save with commas"
					 : "the columns are parted by ';': save with commas",
				     "");
	}
	for (size_t i = 0; i < r->named; i++) {
		if (list.len + strlen(r->name[i]) > HEADER_TOLD) {
			buf_str(&list, list.len ? ", ..." : "...");
			break;
		}
		buf_printf(&list, "%s'%s'", list.len ? ", " : "", r->name[i]);
	}
	if (!*r->header_error.text)
		(void)err_set(&r->header_error, "%ld: the header row has no column 'email', only %s", r->row_line,
			      buf_text(&list));
	buf_free(&list);
	return -1;
}

/* told: what is wrong with all of it, so its columns are not looked at. */
int csv_header_end(struct csv_reader *r, const char *raw, size_t n, bool told)
{
	bool email = false;
	char number[64];

	r->has_header = true;
	r->header_line = r->row_line;
	buf_add(&r->header, raw, n);
	if (told)
		return -1;
	for (size_t i = 0; i < r->columns; i++) {
		email |= !strcmp(r->name[i], "email");
		r->named = *r->name[i] ? i + 1 : r->named;
	}
	if (!csv_is_text(raw, n))
		return csv_header_refuse(r, "the file is no UTF-8 text", "");
	if (!email)
		return header_lacks_email(r);
	for (size_t i = 0; i < r->named; i++) {
		(void)snprintf(number, sizeof number, "column %zu of the header has no name", i + 1);
		if (!*r->name[i])
			(void)csv_header_refuse(r, number, "");
	}
	return *r->header_error.text ? -1 : 0;
}

/* An empty row before the header is none. */
void csv_header_drop(struct csv_reader *r)
{
	for (; r->columns; r->columns--) {
		free(r->name[r->columns - 1]);
		buf_free(&r->key[r->columns - 1]);
	}
}

const char *csv_header(const struct csv_reader *r, size_t *n)
{
	*n = r->header.len;
	return r->has_header ? buf_text(&r->header) : NULL;
}

long csv_header_line(const struct csv_reader *r)
{
	return r->header_line;
}

static bool has_column(const struct csv_reader *r, const char *name)
{
	for (size_t i = 0; i < r->named; i++)
		if (!strcmp(r->name[i], name))
			return true;
	return false;
}

const char *csv_misspelt(const struct csv_reader *r, size_t *at, const char **near)
{
	while (r->has_header && *at < r->named) {
		const char *name = r->name[(*at)++];

		*near = csv_column_near(name);
		if (*near && !has_column(r, *near))
			return name;
	}
	return NULL;
}
