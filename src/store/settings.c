/* Small texts: settings by name, cursors by source. */
#include <stdio.h>
#include <string.h>

#include "abv/mem.h"
#include "store_int.h"

const char *store_setting(struct store *s, const char *name)
{
	sqlite3_stmt *q = store_stmt(s, SQL_SETTING);

	free(s->setting);
	s->setting = NULL;
	bind_text(q, 1, name);
	if (store_step(s, q, NULL) > 0) {
		s->setting = mem_strdup(col_text(q, 0));
		sqlite3_reset(q);
	}
	return s->setting ? s->setting : "";
}

int store_setting_put(struct store *s, const char *name, const char *value, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, *value ? SQL_SETTING_PUT : SQL_SETTING_DELETE);

	if (store_change(s, e))
		return -1;
	s->version++;
	bind_text(q, 1, name);
	if (*value)
		bind_text(q, 2, value);
	return store_run(s, q, e);
}

int store_settings(struct store *s, const char *prefix, void (*row)(void *arg, const char *name, const char *value),
		   void *arg, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_SETTINGS);
	int rc;

	bind_text(q, 1, prefix);
	while ((rc = store_step(s, q, e)) > 0)
		row(arg, col_text(q, 0), col_text(q, 1));
	return rc;
}

int store_cursor_get(struct store *s, const char *source, char *out, size_t cap, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_CURSOR);
	int rc;

	bind_text(q, 1, source);
	rc = store_step(s, q, e);
	if (rc > 0) {
		if ((size_t)snprintf(out, cap, "%s", col_text(q, 0)) >= cap)
			rc = err_set(e, "store: the cursor of %s is longer than %zu bytes", source, cap);
		sqlite3_reset(q);
	}
	return rc;
}

int store_cursor_put(struct store *s, const char *source, const char *text, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_CURSOR_PUT);

	if (store_change(s, e))
		return -1;
	bind_text(q, 1, source);
	bind_text(q, 2, text);
	return store_run(s, q, e);
}
