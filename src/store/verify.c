/* A store's file, examined by whoever is not the service: nothing is changed in it. A live one is locked as the service would (so no
 * abvd starts meanwhile), and its write-ahead log is read but not written back; a backup is read as it lies there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "abv/buf.h"
#include "abv/mem.h"
#include "schema_int.h"
#include "store_int.h"

#define TOLD_MAX       20

struct store_file {
	sqlite3 *db;
};

struct telling {
	void (*finding)(void *arg, const char *text);
	void *arg;
};

static void tell(struct telling *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct telling *t, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->finding(t->arg, text);
}

/* 1 and *out, 0 no row (or NULL), -1. */
static int number(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

	*out = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

/* ---- opening ---- */

/* SQLite's URI: what means something there is escaped. */
static char *uri_of(const char *path)
{
	struct buf b = { 0 };

	buf_str(&b, "file:");
	for (; *path; path++) {
		if (strchr("%?#", *path))
			buf_printf(&b, "%%%02x", (unsigned)*path);
		else
			buf_char(&b, *path);
	}
	buf_str(&b, "?immutable=1");
	return buf_take(&b);
}

enum store_status store_file_open(const char *path, bool live, struct store_file **out, struct err *e)
{
	struct store_file *f = mem_alloc(sizeof(*f));
	char *uri = live ? NULL : uri_of(path);
	enum store_status status = STORE_IO;
	int64_t version = 0, application = 0;
	struct stat st;
	int rc, last = 0;

	*out = NULL;
	for (const struct schema_file *s = store_schema; s->version; s++)
		last = s->version;
	if (!stat(path, &st) && !st.st_size) {
		err_set(e, "%s: the file is empty", path);
		goto out;
	}
	rc = sqlite3_open_v2(live ? path : uri, &f->db, live ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	if (rc == SQLITE_OK && live) {
		sqlite3_db_config(f->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		rc = sqlite3_exec(f->db, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(f->db, "PRAGMA query_only = ON; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;"
				  "PRAGMA trusted_schema = OFF", NULL, NULL, NULL);
	if (rc == SQLITE_OK && number(f->db, "PRAGMA application_id", &application) < 0)
		rc = sqlite3_errcode(f->db);
	if (rc == SQLITE_OK && number(f->db, "PRAGMA user_version", &version) < 0)
		rc = sqlite3_errcode(f->db);
	if ((rc & 0xff) == SQLITE_BUSY)
		status = STORE_LOCKED;
	if (rc != SQLITE_OK)
		err_set(e, "%s: %s", path, f->db ? sqlite3_errmsg(f->db) : sqlite3_errstr(rc));
	else if (application != APPLICATION_ID && application != APPLICATION_COPY)
		err_set(e, "%s: this is no abvd store", path);
	else if (version > last)
		status = STORE_NEWER, err_set(e, "%s: a newer abvd has used this store (schema %" PRId64 ", known up to %d)", path, version, last);
	else
		status = STORE_OK;
out:
	free(uri);
	if (status == STORE_OK)
		*out = f;
	else
		store_file_close(&f);
	return status;
}

void store_file_close(struct store_file **fp)
{
	if (*fp)
		sqlite3_close((*fp)->db);
	free(*fp);
	*fp = NULL;
}

/* ---- what is in it ---- */

int store_file_facts(struct store_file *f, struct store_facts *out, struct err *e)
{
	*out = (struct store_facts){ 0 };
	if (number(f->db, "PRAGMA user_version", &out->schema) < 0 ||
	    number(f->db, "SELECT event_last FROM figure", &out->event_last) <= 0 ||
	    number(f->db, "SELECT newest FROM figure", &out->newest) <= 0 ||
	    number(f->db, "SELECT contacts FROM figure", &out->contacts) <= 0 ||
	    number(f->db, "SELECT CAST(value AS INTEGER) FROM setting WHERE name = 'journal.synced'", &out->log_synced) < 0 ||
	    number(f->db, "SELECT coalesce(min(seq), 0) FROM event", &out->event_first) <= 0)
		return err_set(e, "%s", sqlite3_errmsg(f->db));
	return 0;
}

int store_file_touch(struct store_file *f, int64_t id, enum touch_state *out)
{
	char sql[128];
	int64_t state;
	int rc;

	(void)snprintf(sql, sizeof(sql), "SELECT CASE WHEN state = 1 AND handed_at > 0 THEN 2 ELSE state END FROM touch WHERE id = %" PRId64, id);
	rc = number(f->db, sql, &state);
	*out = (enum touch_state)state;
	return rc;
}

/* ---- checks ---- */

static void check_pages(struct store_file *f, bool deep, struct telling *t)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(f->db, deep ? "PRAGMA integrity_check(20)" : "PRAGMA quick_check(20)", -1, &q, NULL);

	if (rc == SQLITE_OK) {
		while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
			const char *text = (const char *)sqlite3_column_text(q, 0);

			if (text && strcmp(text, "ok") != 0)
				tell(t, "%.*s", (int)strcspn(text, "\n"), text);
		}
	}
	if (rc != SQLITE_DONE)
		tell(t, "%s", sqlite3_errmsg(f->db));
	sqlite3_finalize(q);
}

static void check_references(struct store_file *f, struct telling *t)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(f->db, "PRAGMA foreign_key_check", -1, &q, NULL), n = 0;

	while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW && n++ < TOLD_MAX) {
		tell(t, "%s %" PRId64 " refers to a %s that is not there", (const char *)sqlite3_column_text(q, 0), (int64_t)sqlite3_column_int64(q, 1),
		     (const char *)sqlite3_column_text(q, 2));
		rc = SQLITE_OK;
	}
	if (rc != SQLITE_DONE && rc != SQLITE_OK && rc != SQLITE_ROW)
		tell(t, "%s", sqlite3_errmsg(f->db));
	sqlite3_finalize(q);
}

/* Each: a sentence, and a query that counts what is wrong. */
static const struct {
	const char *text, *sql;
} rules[] = {
	{ "the key is missing: tokens in letters that have left cannot be read", "SELECT 1 - count(*) FROM secret" },
	{ "there are triggers or views, which abvd never makes: they would run with its statements",
	  "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' OR type = 'view'" },
	{ "the figures' row is missing", "SELECT 1 - count(*) FROM figure" },
	{ "events are missing between the first and the last",
	  "SELECT coalesce(max(seq) - min(seq) + 1 - count(*), 0) FROM event" },
	{ "events lie behind the last number that was given", "SELECT count(*) FROM event WHERE seq > (SELECT event_last FROM figure)" },
	{ "touches are in flight that a start would not find",
	  "SELECT count(*) FROM touch, figure WHERE state = 1 AND (flight_floor = 0 OR touch.id < flight_floor)" },
	{ "active enrollments name a touch that is not theirs", /* one in flight may have no row yet */
	  "SELECT count(*) FROM figure, enrollment e LEFT JOIN touch t ON t.id = e.touch_id WHERE e.state = 0 AND e.touch_id > 0 AND "
	  "((t.id IS NULL AND (flight_floor = 0 OR e.touch_id < flight_floor)) OR t.enrollment_id <> e.id)" },
	{ "touches stand for the same step of the same enrollment twice", /* steps that changed places may come again, with other words */
	  "SELECT count(*) FROM (SELECT 1 FROM touch WHERE state = 3 OR state = 6 GROUP BY enrollment_id, step, content HAVING count(*) > 1)" },
};

/* Each: a figure, and what it counts. */
static const struct {
	const char *figure, *sql;
} figures[] = {
	{ "contacts", "SELECT count(*) FROM contact WHERE forgotten = 0" },
	{ "accounts", "SELECT count(*) FROM account" },
	{ "enrollments_active", "SELECT count(*) FROM enrollment WHERE state = 0" },
	{ "enrollments_completed", "SELECT count(*) FROM enrollment WHERE state = 1" },
	{ "enrollments_stopped", "SELECT count(*) FROM enrollment WHERE state = 2" },
	{ "suppressed_addresses", "SELECT count(*) FROM suppression WHERE target NOT LIKE '@%' AND target NOT LIKE 'hash:%'" },
	{ "suppressed_domains", "SELECT count(*) FROM suppression WHERE target LIKE '@%'" },
	{ "suppressed_hashes", "SELECT count(*) FROM suppression WHERE target LIKE 'hash:%'" },
	{ "holds", "SELECT count(*) FROM hold" },
	{ "touches_due", "SELECT count(*) FROM touch WHERE state = 0" },
	{ "touches_accepted", "SELECT count(*) FROM touch WHERE state = 3" },
	{ "touches_refused_temp", "SELECT count(*) FROM touch WHERE state = 4" },
	{ "touches_refused_perm", "SELECT count(*) FROM touch WHERE state = 5" },
	{ "touches_unknown", "SELECT count(*) FROM touch WHERE state = 6" },
	{ "touches_dropped", "SELECT count(*) FROM touch WHERE state = 7" },
};

/* What is in flight stands in figure.flights; those that fly again have a row, in state 1, too. */
static void check_flights(struct store_file *f, struct telling *t)
{
	sqlite3_stmt *q = NULL;
	int64_t rows = 0, reserved = 0, handed = 0, is_handed = 0, is_rowless = 0;

	if (number(f->db, "SELECT count(*) FROM touch WHERE state = 1", &rows) <= 0 ||
	    number(f->db, "SELECT touches_reserved FROM figure", &reserved) <= 0 ||
	    number(f->db, "SELECT touches_handed FROM figure", &handed) <= 0 ||
	    sqlite3_prepare_v2(f->db, "SELECT flights FROM figure", -1, &q, NULL) != SQLITE_OK || sqlite3_step(q) != SQLITE_ROW)
		tell(t, "%s", sqlite3_errmsg(f->db));
	else if (store_flights_count(sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), &is_handed, &is_rowless))
		tell(t, "the record of what is in flight is damaged");
	else if (handed != is_handed || reserved + handed != rows + is_rowless)
		tell(t, "the figures say that %" PRId64 " touches are reserved and %" PRId64 " handed over, there are %" PRId64 " and %" PRId64,
		     reserved, handed, rows + is_rowless - is_handed, is_handed);
	sqlite3_finalize(q);
}

static void check_contents(struct store_file *f, struct telling *t)
{
	int64_t version = 0;

	int64_t n, said;
	char sql[128];

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (number(f->db, rules[i].sql, &n) <= 0)
			tell(t, "%s", sqlite3_errmsg(f->db));
		else if (n)
			tell(t, "%s (%" PRId64 ")", rules[i].text, n);
	}
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		(void)snprintf(sql, sizeof(sql), "SELECT %s FROM figure", figures[i].figure);
		if (number(f->db, sql, &said) <= 0 || number(f->db, figures[i].sql, &n) <= 0)
			tell(t, "%s", sqlite3_errmsg(f->db));
		else if (n != said)
			tell(t, "the figure %s says %" PRId64 ", there are %" PRId64, figures[i].figure, said, n);
	}
	if (number(f->db, "PRAGMA user_version", &version) > 0 && version >= 4) /* before, they were rows */
		check_flights(f, t);
}

void store_file_check(struct store_file *f, bool deep, void (*finding)(void *arg, const char *text), void *arg)
{
	struct telling t = { finding, arg };

	check_pages(f, deep, &t);
	check_references(f, &t);
	check_contents(f, &t);
}
