/* Rows in memory as tables, for statements that store many at once: of the costs of an INSERT, opening the tables and
 * their indexes, finding the end of them and closing them again are more than the row. `INSERT ... SELECT ... FROM
 * new_contact` pays for that once a batch. The tables can be read only, exist for this connection alone, and are empty
 * but while store_batch_run works. */
#include <string.h>

#include "abv/mem.h"
#include "store_int.h"

/* ---- the rows' columns, in the order of the declarations below */

static void text_result(sqlite3_context *q, const char *text)
{
	sqlite3_result_text(q, text, -1, SQLITE_STATIC);
}

static void contact_column(sqlite3_context *q, const struct batch *b, size_t i, int column)
{
	const struct contact_put *row = (const struct contact_put *)b->row + i;
	const struct contact *c = &row->c;

	switch (column) {
	case 0: sqlite3_result_int64(q, (int64_t)i); break;
	case 1: sqlite3_result_int(q, row->leave ? -1 : (int)row->result); break;
	case 2: text_result(q, c->email); break;
	case 3: text_result(q, c->account); break;
	case 4: c->account_id ? sqlite3_result_int64(q, c->account_id) : sqlite3_result_null(q); break;
	case 5: sqlite3_result_int64(q, c->consent_at); break;
	case 6: text_result(q, c->first_name); break;
	case 7: text_result(q, c->last_name); break;
	case 8: text_result(q, c->account_name); break;
	case 9: text_result(q, c->title); break;
	case 10: text_result(q, c->timezone); break;
	case 11: text_result(q, c->owner); break;
	case 12: text_result(q, c->tags); break;
	case 13: text_result(q, c->consent); break;
	case 14: text_result(q, c->consent_source); break;
	case 15: sqlite3_result_int64(q, c->engaged_at); break;
	default: sqlite3_result_blob64(q, c->attributes.len ? c->attributes.data : "", c->attributes.len, SQLITE_STATIC); break;
	}
}

static void account_column(sqlite3_context *q, const struct batch *b, size_t i, int column)
{
	const struct account_new *row = (const struct account_new *)b->row + i;

	switch (column) {
	case 0: sqlite3_result_int64(q, (int64_t)i); break;
	default: text_result(q, row->key); break;
	}
}

static void event_column(sqlite3_context *q, const struct batch *b, size_t i, int column)
{
	const struct event_new *row = (const struct event_new *)b->row + i;
	const struct event *ev = row->event;

	switch (column) {
	case 0: sqlite3_result_int64(q, row->seq); break;
	case 1: sqlite3_result_int64(q, ev->ts); break;
	case 2: sqlite3_result_int64(q, row->type); break;
	case 3: ev->contact_id ? sqlite3_result_int64(q, ev->contact_id) : sqlite3_result_null(q); break;
	case 4: text_result(q, ev->account); break;
	default: text_result(q, ev->detail); break;
	}
}

static const struct batch_kind {
	const char *name, *declaration;
	void (*column)(sqlite3_context *q, const struct batch *b, size_t i, int column);
} kind[BATCH_COUNT] = {
	[BATCH_CONTACT] = { "new_contact",
			    "CREATE TABLE x (at INTEGER, todo INTEGER, email TEXT, account TEXT, account_id INTEGER, consent_at "
			    "INTEGER, first_name TEXT, last_name TEXT, account_name TEXT, title TEXT, timezone TEXT, owner "
			    "TEXT, tags TEXT, consent TEXT, consent_source TEXT, engaged_at INTEGER, attributes BLOB)",
			    contact_column },
	[BATCH_ACCOUNT] = { "new_account", "CREATE TABLE x (at INTEGER, key TEXT)", account_column },
	[BATCH_EVENT] = { "new_event",
			  "CREATE TABLE x (seq INTEGER, ts INTEGER, type INTEGER, contact_id INTEGER, account TEXT, detail TEXT)",
			  event_column },
};

/* ---- the tables */

struct table {
	sqlite3_vtab base;
	const struct batch *batch;
};

struct cursor {
	sqlite3_vtab_cursor base;
	size_t at;
};

static const struct batch *batch_of(const sqlite3_vtab_cursor *c)
{
	return ((const struct table *)c->pVtab)->batch;
}

static int x_connect(sqlite3 *db, void *batch, int argc, const char *const *argv, sqlite3_vtab **out, char **why)
{
	const struct batch *b = batch;
	struct table *t;
	int rc = sqlite3_declare_vtab(db, b->kind->declaration);

	(void)argc, (void)argv, (void)why;
	if (rc != SQLITE_OK)
		return rc;
	t = mem_alloc(sizeof(*t));
	t->batch = b;
	*out = &t->base;
	return SQLITE_OK;
}

static int x_disconnect(sqlite3_vtab *t)
{
	free(t);
	return SQLITE_OK;
}

static int x_best_index(sqlite3_vtab *t, sqlite3_index_info *info)
{
	(void)t;
	info->estimatedCost = 1000;
	info->estimatedRows = 1000;
	return SQLITE_OK;
}

static int x_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
	struct cursor *c = mem_alloc(sizeof(*c));

	(void)t;
	*out = &c->base;
	return SQLITE_OK;
}

static int x_close(sqlite3_vtab_cursor *c)
{
	free(c);
	return SQLITE_OK;
}

static int x_filter(sqlite3_vtab_cursor *c, int number, const char *text, int argc, sqlite3_value **argv)
{
	(void)number, (void)text, (void)argc, (void)argv;
	((struct cursor *)c)->at = 0;
	return SQLITE_OK;
}

static int x_next(sqlite3_vtab_cursor *c)
{
	((struct cursor *)c)->at++;
	return SQLITE_OK;
}

static int x_eof(sqlite3_vtab_cursor *c)
{
	return ((struct cursor *)c)->at >= batch_of(c)->n;
}

static int x_column(sqlite3_vtab_cursor *c, sqlite3_context *q, int column)
{
	const struct batch *b = batch_of(c);

	b->kind->column(q, b, ((struct cursor *)c)->at, column);
	return SQLITE_OK;
}

static int x_rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *out)
{
	*out = (sqlite3_int64)((struct cursor *)c)->at;
	return SQLITE_OK;
}

int store_batch_open(struct store *s)
{
	static const sqlite3_module module = {
		.xConnect = x_connect, /* without xCreate: a table of its own name, which nobody creates */
		.xBestIndex = x_best_index,
		.xDisconnect = x_disconnect,
		.xDestroy = x_disconnect,
		.xOpen = x_open,
		.xClose = x_close,
		.xFilter = x_filter,
		.xNext = x_next,
		.xEof = x_eof,
		.xColumn = x_column,
		.xRowid = x_rowid,
	};
	int rc = SQLITE_OK;

	for (int i = 0; i < BATCH_COUNT && rc == SQLITE_OK; i++) {
		s->batch[i].kind = &kind[i];
		rc = sqlite3_create_module(s->db, kind[i].name, &module, &s->batch[i]);
	}
	return rc;
}

int store_batch_run(struct store *s, enum batch_name name, const void *row, size_t n, sqlite3_stmt *q,
		    void (*found)(void *arg, sqlite3_stmt *q), void *arg, struct err *e)
{
	struct err ignored = { "" };
	int rc;

	s->batch[name].row = row;
	s->batch[name].n = n;
	while ((rc = store_step(s, q, e)) > 0)
		found(arg, q);
	s->batch[name].n = 0;
	/* A statement over many rows undoes itself alone. As after any other error of SQLite's there is nothing to commit then. */
	if (rc < 0 && s->in_transaction && !sqlite3_get_autocommit(s->db))
		(void)store_run(s, store_stmt(s, SQL_ROLLBACK), &ignored);
	return rc;
}
