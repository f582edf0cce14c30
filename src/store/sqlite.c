/* The engine: one SQLite database in WAL mode, held exclusively by one connection, and its transactions.
 *
 * Durability: synchronous=FULL, so a commit has been fsynced when it returns, and what an open finds is fsynced first. With locking_mode=EXCLUSIVE the WAL's
 * index lives in our memory (no shared file), and a second process is told STORE_LOCKED at once. A commit that fails
 * (full disk, I/O error) is rolled back, and what is kept in memory is read again: the store goes on being usable.
 *
 * A failed fsync. The kernel may have thrown away what it could not write and may report success next time, so success
 * later proves nothing about earlier writes. Here nothing rests on such a proof. A commit's frames that were not synced
 * are not part of the WAL: its end goes back, and the next commit writes its own frames to the same place, the shared
 * page at the seam included. A checkpoint whose fsync failed does not count: the WAL keeps its frames, reads go on
 * coming from them, and the next checkpoint writes every page again. So the file is not closed and opened again (whoever
 * closes one descriptor of the database loses its lock), and abvd goes on. What remains is that a commit that failed in
 * its fsync may yet be found in the WAL by a start after a crash. Then more is known than was acted upon: a touch that
 * was to be handed over is found handed (and becomes unknown, though its dot never left), never the other way round.
 *
 * Damage (SQLITE_CORRUPT, SQLITE_NOTADB) is no such error: no transaction begins any more (store_damaged). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/folder.h"
#include "abv/mem.h"
#include "schema_int.h"
#include "store_int.h"


/* Measured (tests/bench/bench_store.c): a message changes three pages that lie anywhere, so small pages make small
 * commits; a checkpoint each 32 MB of log writes a page that many commits changed once, and its fsyncs are few; 6 MB of
 * cache keep the daemon below 32 MB. */
#define CHECKPOINT_PAGES 16000

static const char open_sql[] = "PRAGMA page_size = 2048;"
			       "PRAGMA locking_mode = EXCLUSIVE;"
			       "PRAGMA cache_size = -6144;"
			       "PRAGMA temp_store = MEMORY;"
			       "PRAGMA trusted_schema = OFF;"
			       "PRAGMA secure_delete = ON;" /* what is forgotten leaves no bytes behind */
			       "PRAGMA foreign_keys = ON;";
static const char wal_sql[] = "PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = FULL;"
			      "PRAGMA journal_size_limit = 134217728;";

/* ---- statements ---- */

/* SQLite calls the file malformed, too, when a read of it fails with EIO (SQLITE_IOERR_CORRUPTFS becomes SQLITE_CORRUPT). Such a disk
 * may be back in a moment and the store be whole; errno, cleared before each step, tells the two apart. */
static bool is_damage(int code)
{
	return ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB) && errno != EIO && errno != ENXIO;
}

/* What the system said, where SQLite's own words hide it; 0: nothing. */
static int system_error(sqlite3 *db)
{
	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_FULL: return ENOSPC;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN: return sqlite3_system_errno(db);
	default: return 0;
	}
}

static const char *failed_call(int code)
{
	switch (code) {
	case SQLITE_IOERR_WRITE: return " (write)";
	case SQLITE_IOERR_FSYNC:
	case SQLITE_IOERR_DIR_FSYNC: return " (fsync)";
	case SQLITE_IOERR_READ:
	case SQLITE_IOERR_SHORT_READ: return " (read)";
	case SQLITE_IOERR_TRUNCATE: return " (truncate)";
	default: return "";
	}
}

static int engine_error(struct store *s, struct err *e)
{
	const char *file = sqlite3_db_filename(s->db, "main");
	int code = sqlite3_errcode(s->db), no = system_error(s->db), primary = code & 0xff;

	if (is_damage(code))
		s->damaged = true;
	else if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
		return err_set(e, "store %s: it cannot be read: %s", file ? file : "", strerror(errno));
	return err_set(e, "store %s: %s%s%s%s", file ? file : "", sqlite3_errmsg(s->db), failed_call(code), no ? ": " : "",
		       no ? strerror(no) : "");
}

sqlite3_stmt *store_stmt(struct store *s, enum sql id)
{
	errno = 0;
	if (s->stmt[id])
		sqlite3_reset(s->stmt[id]);
	else
		sqlite3_prepare_v3(s->db, store_sql[id], -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[id], NULL);
	return s->stmt[id];
}

int store_step(struct store *s, sqlite3_stmt *q, struct err *e)
{
	int rc;

	if (q)
		errno = 0;
	rc = q ? sqlite3_step(q) : SQLITE_ERROR;
	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		engine_error(s, e);
	sqlite3_reset(q);
	return rc == SQLITE_DONE ? 0 : -1;
}

int store_run(struct store *s, sqlite3_stmt *q, struct err *e)
{
	int rc;

	do
		rc = store_step(s, q, e);
	while (rc > 0);
	return rc;
}

int store_change(struct store *s, struct err *e)
{
	return s->in_transaction ? 0 : err_set(e, "store: a change outside a transaction");
}

int store_changed(const struct store *s)
{
	return sqlite3_changes(s->db);
}

/* ---- opening ---- */

/* Creates the file before SQLite does: its mode is ours (the WAL takes it over), and the directory entry is made
 * durable. */
static int create_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640), rc;

	if (fd < 0)
		return errno == EEXIST ? 0 : err_set(e, "%s: %s", path, strerror(errno));
	rc = fsync(fd) ? err_set(e, "%s: %s", path, strerror(errno)) : folder_sync(path, e);
	close(fd);
	return rc;
}

static int pragma_int(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(q);
		*out = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
	}
	sqlite3_finalize(q);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static enum store_status open_failed(struct store *s, const char *path, int rc, struct err *e)
{
	switch (is_damage(rc) || (rc & 0xff) != SQLITE_CORRUPT ? rc & 0xff : SQLITE_IOERR) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED: err_set(e, "%s: another process holds the store", path); return STORE_LOCKED;
	case SQLITE_NOTADB: err_set(e, "%s: this is no abvd store (not a SQLite database)", path); break;
	case SQLITE_CORRUPT:
		err_set(e, "%s: the store is damaged (%s); `abvctl doctor` tells more, and abvctl(1), BACKUP AND REPAIR, the way out",
			path, sqlite3_errmsg(s->db));
		break;
	default: {
		int no = (rc & 0xff) == SQLITE_CORRUPT ? errno : s->db ? system_error(s->db) : 0;

		err_set(e, "%s: %s%s%s", path, s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc), no ? ": " : "",
			no ? strerror(no) : "");
		break;
	}
	}
	return STORE_IO;
}

/* Each file in a transaction of its own with its number: a crash between two leaves the older schema whole. */
static int migrate(struct store *s, int64_t version)
{
	char number[64];
	int rc = SQLITE_OK;

	for (const struct schema_file *f = store_schema; f->version && rc == SQLITE_OK; f++) {
		if (f->version <= version)
			continue;
		snprintf(number, sizeof(number), "PRAGMA user_version = %d; COMMIT", f->version);
		rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(s->db, f->sql, NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(s->db, number, NULL, NULL, NULL);
	}
	return rc;
}

/* After a commit. SQLite's own checkpoints keep silent about a failure and try again at every commit; this one is told
 * (store_backlog), and tried again when the log has grown by a fraction. The commit stands either way. */
static int write_back(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store *s = arg;

	s->wal_pages = pages;
	if (pages >= s->wal_limit && pages >= CHECKPOINT_PAGES) {
		if (sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK) {
			s->backlog[0] = '\0';
			s->wal_limit = 0;
		} else {
			struct err e = { "" };

			engine_error(s, &e);
			snprintf(s->backlog, sizeof(s->backlog), "%s", e.text);
			s->wal_limit = pages + CHECKPOINT_PAGES / 4;
		}
	}
	return SQLITE_OK;
}

static enum store_status check_and_migrate(struct store *s, const char *path, struct err *e)
{
	int64_t version = 0, application = 0, tables = 0;
	int last = 0, rc;

	for (const struct schema_file *f = store_schema; f->version; f++)
		last = f->version;
	rc = pragma_int(s->db, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK)
		rc = pragma_int(s->db, "PRAGMA application_id", &application);
	if (rc == SQLITE_OK)
		rc = pragma_int(s->db, "SELECT count(*) FROM sqlite_master", &tables);
	if (rc != SQLITE_OK)
		return open_failed(s, path, rc, e);
	if (application != APPLICATION_ID && application != APPLICATION_COPY && (application || version || tables)) {
		err_set(e, "%s: this is no abvd store (a SQLite database of another program)", path);
		return STORE_IO;
	}
	if (version > last) {
		err_set(e,
			"%s: the store has schema version %" PRId64
			", this abvd knows up to %d: a newer abvd has used it",
			path, version, last);
		return STORE_NEWER;
	}
	rc = sqlite3_exec(s->db, wal_sql, NULL, NULL, NULL);
	sqlite3_wal_hook(s->db, write_back, s);
	if (rc == SQLITE_OK)
		rc = migrate(s, version);
	return rc == SQLITE_OK ? STORE_OK : open_failed(s, path, rc, e);
}

/* What a killed abvd wrote last may have come back from the system's cache alone, where a loss of power would still take
 * it: it is safe before anybody acts on it. SQLite leaves that to the next commit, but the engagement log comes before. */
static enum store_status sync_recovered(struct store *s, const char *path, struct err *e)
{
	sqlite3_file *f = NULL; /* the write-ahead log */
	int rc = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &f);

	if (rc == SQLITE_OK && f && f->pMethods)
		rc = f->pMethods->xSync(f, SQLITE_SYNC_NORMAL);
	return rc == SQLITE_OK ? STORE_OK : open_failed(s, path, rc, e);
}

static int load_key(struct store *s, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_SECRET);
	int rc = store_step(s, q, e);

	if (rc > 0) {
		rc = sqlite3_column_bytes(q, 0) == KEY_BYTES ? 0 : err_set(e, "store: the key has a wrong length");
		if (!rc)
			memcpy(s->key.byte, sqlite3_column_blob(q, 0), KEY_BYTES);
		sqlite3_reset(q);
		return rc;
	}
	if (rc < 0)
		return -1;
	key_generate(&s->key);
	q = store_stmt(s, SQL_SECRET_PUT);
	sqlite3_bind_blob(q, 1, s->key.byte, KEY_BYTES, SQLITE_STATIC);
	return store_run(s, q, e);
}

/* Tokens in letters that have left must stay readable, so the key of a file is never changed. */
int store_key_set(struct store *s, const struct key *key, struct err *e)
{
	const char *file = sqlite3_db_filename(s->db, "main");

	if (file && *file)
		return err_set(e, "store: the key of a store on disk stays");
	s->key = *key;
	return 0;
}

int store_mirrors_load(struct store *s, struct err *e)
{
	sqlite3_stmt *q;

	if (store_names_load(s, e) || store_figures_load(s, e) || store_flights_load(s, e))
		return -1;
	store_recents_free(s);
	for (size_t i = 0; i < ACCOUNT_SLOTS; i++) {
		free(s->account[i].key);
		s->account[i] = (struct account_slot){ 0 };
	}
	q = store_stmt(s, SQL_TOUCH_LAST);
	if (store_step(s, q, e) <= 0)
		return -1;
	s->touch_high = col_int(q, 0);
	if (s->touch_given < s->touch_high)
		s->touch_given = s->touch_high;
	sqlite3_reset(q);
	return 0;
}

/* The file itself is asked: a write-ahead log that was left beside it may say something else of its first page. */
static bool is_copy(const char *path)
{
	char mark[4] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool copy = fd >= 0 && pread(fd, mark, sizeof(mark), APPLICATION_AT) == (ssize_t)sizeof(mark) && !memcmp(mark, APPLICATION_BYTES, sizeof(mark));

	if (fd >= 0)
		close(fd);
	return copy;
}

enum store_status store_open(const char *path, struct store **out, struct err *e)
{
	*out = NULL;
	if (is_copy(path)) {
		err_set(e, "%s is a copy that `abvctl backup` has made: started on it, abvd would send again what left since. `abvd --recover %s` has it "
			   "catch up with the engagement log", path, path);
		return STORE_IO;
	}
	return store_open_copy(path, out, e);
}

int store_adopt(struct store *s, struct err *e)
{
	char sql[64];

	(void)snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", APPLICATION_ID);
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return engine_error(s, e);
	return store_scrub(s, e);
}

enum store_status store_open_copy(const char *path, struct store **out, struct err *e)
{
	struct store *s = mem_alloc(sizeof(*s));
	enum store_status status = STORE_IO;
	int rc;

	*out = NULL;
	s->account = mem_array(ACCOUNT_SLOTS, sizeof(*s->account));
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* refused once SQLite is in use: no matter */
	if (strcmp(path, ":memory:") != 0 && create_file(path, e))
		goto out;
	errno = 0; /* is_damage */
	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, store_vfs());
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, open_sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = store_batch_open(s);
	if (rc != SQLITE_OK) {
		status = open_failed(s, path, rc, e);
		goto out;
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	status = check_and_migrate(s, path, e);
	if (status == STORE_OK)
		status = sync_recovered(s, path, e);
	if (status == STORE_OK && (load_key(s, e) || store_mirrors_load(s, e)))
		err_wrap(e, "%s", path), status = STORE_IO;
out:
	if (status == STORE_OK)
		*out = s;
	else
		store_close(&s);
	return status;
}

void store_close(struct store **sp)
{
	struct store *s = *sp;

	if (!s)
		return;
	if (s->in_transaction)
		store_rollback(s);
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(s->stmt[i]);
	sqlite3_close(s->db);
	store_names_free(s);
	store_flights_free(s);
	store_recents_free(s);
	for (size_t i = 0; i < ACCOUNT_SLOTS; i++)
		free(s->account[i].key);
	free(s->account);
	free(s->owed);
	store_fresh_free(s);
	buf_free(&s->flights_bytes);
	free(s->setting);
	free(s->history_account.time);
	free(s->history_provider.time);
	free(s->history_sender.time);
	free(s);
	*sp = NULL;
}

/* ---- transactions ---- */

int store_refresh(struct store *s, struct err *e)
{
	if (s->stale && store_mirrors_load(s, e)) /* the disk could not be read when they had to be */
		return -1;
	s->stale = false;
	return 0;
}

static int transaction_begin(struct store *s, struct err *e)
{
	if (s->damaged)
		return err_set(e, "store %s: the store is damaged", sqlite3_db_filename(s->db, "main"));
	if (!sqlite3_get_autocommit(s->db) && store_run(s, store_stmt(s, SQL_ROLLBACK), e))
		return -1;
	if (store_refresh(s, e))
		return -1;
	if (store_run(s, store_stmt(s, SQL_BEGIN), e))
		return -1;
	s->changes = sqlite3_total_changes64(s->db);
	s->in_transaction = true;
	return 0;
}

int store_begin(struct store *s, struct err *e)
{
	if (s->in_transaction)
		return err_set(e, "store: a transaction is open already");
	return transaction_begin(s, e);
}

static int commit(struct store *s, struct err *e)
{
	if (!s->in_transaction)
		return err_set(e, "store: a commit without a transaction");
	/* SQLite itself rolls back on some errors (a full disk among them): then a part is gone, so all must be. */
	if (sqlite3_get_autocommit(s->db))
		return err_set(e, "store: the transaction was lost by an earlier error");
	if (store_owed_flush(s, e) || store_days_flush(s, e) || store_hours_flush(s, e) || store_figures_flush(s, e))
		return -1;
	return store_run(s, store_stmt(s, SQL_COMMIT), e);
}

void store_rollback(struct store *s)
{
	struct err e = { "" };

	if (!s->in_transaction)
		return;
	s->in_transaction = false;
	s->version++;
	store_fresh_clear(s);
	if (!sqlite3_get_autocommit(s->db))
		store_run(s, store_stmt(s, SQL_ROLLBACK), &e);
	else
		s->changes = -1;
	if (sqlite3_total_changes64(s->db) != s->changes || s->flights.changed)
		s->stale = store_mirrors_load(s, &e) != 0;
}

int store_commit_now(struct store *s, struct err *e)
{
	struct err why = { "" };

	if (!commit(s, &why)) {
		s->in_transaction = false;
		s->error[0] = '\0';
		return 0;
	}
	snprintf(s->error, sizeof(s->error), "%s", why.text);
	if (s->in_transaction) {
		s->changes = -1; /* figures may differ from what is stored without any row's having changed */
		store_rollback(s);
	}
	return err_set(e, "%s", why.text);
}

int store_scrub(struct store *s, struct err *e)
{
	int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	return rc == SQLITE_OK ? 0 : err_set(e, "store: the write-ahead log cannot be emptied: %s", sqlite3_errmsg(s->db));
}

int store_probe(struct store *s, int64_t now, struct err *e)
{
	char text[64];

	/* Never the same value twice: SQLite does not write a row that stays as it is. */
	(void)snprintf(text, sizeof(text), "%" PRId64 " %d", now, ++s->probes);
	return store_setting_put(s, "store.probe", text, e);
}

const char *store_backlog(const struct store *s, int64_t *bytes)
{
	*bytes = s->wal_pages * INT64_C(2048);
	return s->backlog;
}

void store_backlog_retry(struct store *s)
{
	if (!s->in_transaction && s->backlog[0]) {
		s->wal_limit = 0;
		(void)write_back(s, s->db, "main", s->wal_pages);
	}
}

bool store_damaged(const struct store *s)
{
	return s->damaged;
}

void store_commit(struct store *s, void (*done)(void *arg, int status), void *arg)
{
	done(arg, store_commit_now(s, NULL));
}
