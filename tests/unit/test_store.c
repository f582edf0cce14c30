/* rooms: base model rules store */
/* Opening, transactions, settings: the store as a file. */
#include "../../src/store/store_int.h"
#include "store_dir.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- opening ---- */

static void test_new_file(void **state)
{
	struct store_dir *d = *state;
	struct key key = *store_key(d->s);
	struct key none = { { 0 } };
	struct stat st;

	assert_int_equal(stat(d->path, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0); /* 0640, less the umask */
	assert_memory_not_equal(key.byte, none.byte, KEY_BYTES);
	assert_int_equal(store_newest(d->s), 0);
	assert_int_equal(store_event_last(d->s), 0);
	store_dir_reopen(d);
	assert_memory_equal(store_key(d->s)->byte, key.byte, KEY_BYTES);
	assert_int_equal(store_key_set(d->s, &none, NULL), -1); /* tokens in letters that have left must stay readable */
	assert_memory_equal(store_key(d->s)->byte, key.byte, KEY_BYTES);
}

static void overwrite(const char *path, long offset, const char *text)
{
	FILE *f = fopen(path, "r+b");

	assert_non_null(f);
	assert_int_equal(fseek(f, offset, SEEK_SET), 0);
	assert_int_equal(fputs(text, f) >= 0, 1);
	fclose(f);
}

static void make_newer(const char *path)
{
	sql(path, "PRAGMA user_version = 9999");
}
static void make_foreign(const char *path)
{
	(void)unlink(path);
	sql(path, "CREATE TABLE t (a)");
}
static void make_foreign_id(const char *path)
{
	sql(path, "PRAGMA application_id = 7");
}
static void make_text(const char *path)
{
	overwrite(path, 0, "this is a letter and no database at all, whoever put it here");
}
static void make_short(const char *path)
{
	assert_int_equal(truncate(path, 8192), 0);
}
static void make_torn(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	for (long at = 2048; at + 64 < (long)st.st_size; at += 2048)
		overwrite(path, at, "################################################################");
}
static void make_wal_directory(const char *path)
{
	char wal[512];

	snprintf(wal, sizeof(wal), "%s-wal", path);
	(void)unlink(wal);
	assert_int_equal(mkdir(wal, 0700), 0);
}
static void make_no_directory(const char *path)
{
	(void)unlink(path);
	((char *)(uintptr_t)path)[strlen(path) - 1] = '/';
}

static void test_refusals(void **state)
{
	static const struct {
		const char *name;
		void (*make)(const char *path);
		enum store_status expect;
		const char *text;
	} row[] = {
		{ "newer", make_newer, STORE_NEWER, "newer abvd" },
		{ "another program's", make_foreign, STORE_IO, "another program" },
		{ "another program's id", make_foreign_id, STORE_IO, "another program" },
		{ "no database", make_text, STORE_IO, "not a SQLite database" },
		{ "cut", make_short, STORE_IO, "damaged" },
		{ "pages overwritten", make_torn, STORE_IO, "damaged" },
		{ "log of the database in the way", make_wal_directory, STORE_IO, ": Is a directory" },
		{ "no such directory", make_no_directory, STORE_IO, "irectory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct store_dir *d;
		void *made;
		char path[96];
		enum store_status got;

		store_dir_setup(&made);
		d = made;
		begin(d);
		put(d, "ann@example.com", "example.com");
		commit(d);
		store_close(&d->s);
		memcpy(path, d->path, sizeof(path));
		row[i].make(path);
		got = store_open(path, &d->s, &d->e);
		if (got != row[i].expect || !strstr(d->e.text, row[i].text) || d->s)
			fail_msg("%s: status %d, %s", row[i].name, got, d->e.text);
		store_dir_teardown(&made);
	}
}

/* Run in a child: sqlite does not lock against its own process. */
static int child_open(const char *path)
{
	struct store *s = NULL;
	struct err e;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit((int)store_open(path, &s, &e));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void test_locked(void **state)
{
	struct store_dir *d = *state;
	int to_child[2], to_us[2], status;
	char byte = 0;
	pid_t pid;

	store_close(&d->s);
	assert_int_equal(pipe(to_child) | pipe(to_us), 0);
	pid = fork();
	if (!pid) {
		struct err e;

		byte = (char)store_open(d->path, &d->s, &e);
		if (write(to_us[1], &byte, 1) != 1 || read(to_child[0], &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(to_us[0], &byte, 1), 1);
	assert_int_equal(byte, STORE_OK);
	assert_int_equal(store_open(d->path, &d->s, &d->e), STORE_LOCKED);
	assert_non_null(strstr(d->e.text, "another process"));
	assert_null(d->s);
	assert_int_equal(write(to_child[1], "x", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(child_open(d->path), STORE_OK); /* it is free again */
	for (int i = 0; i < 2; i++) {
		close(to_child[i]);
		close(to_us[i]);
	}
	store_dir_open(d);
}

static void test_memory(void **state)
{
	struct store *s = NULL;
	struct key key = { { 7 } };
	struct err e;

	(void)state;
	assert_int_equal(store_open(":memory:", &s, &e), STORE_OK);
	assert_int_equal(store_key_set(s, &key, &e), 0);
	assert_memory_equal(store_key(s)->byte, key.byte, KEY_BYTES);
	assert_int_equal(store_begin(s, &e), 0);
	assert_int_equal(store_setting_put(s, "a", "1", &e), 0);
	assert_int_equal(store_commit_now(s, &e), 0);
	assert_string_equal(store_setting(s, "a"), "1");
	store_close(&s);
	assert_null(s);
}

/* ---- transactions ---- */

static void test_transaction_rules(void **state)
{
	struct store_dir *d = *state;
	struct contact c = contact_of("ann@example.com", "");
	enum put_result result;
	int64_t id;

	assert_int_equal(store_contact_put(d->s, &c, T0, &result, &id, &d->e), -1);
	assert_non_null(strstr(d->e.text, "outside a transaction"));
	assert_int_equal(store_commit_now(d->s, &d->e), -1);
	assert_false(store_in_transaction(d->s));
	begin(d);
	assert_true(store_in_transaction(d->s));
	assert_int_equal(store_begin(d->s, &d->e), -1);
	commit(d);
	store_rollback(d->s); /* none open: nothing happens */
}

static void note_status(void *arg, int status)
{
	int *calls = arg;

	calls[0]++;
	calls[1] = status;
}

static void test_rollback(void **state)
{
	struct store_dir *d = *state;
	struct store_counts n;
	struct contact *c;
	int calls[2] = { 0, 7 };
	int64_t seq;

	begin(d);
	put(d, "ann@example.com", "example.com");
	seq = event(d, EVENT_CONTACT_IMPORTED, 1, "", 0, "");
	store_commit(d->s, note_status, calls);
	assert_int_equal(calls[0], 1);
	assert_int_equal(calls[1], 0);
	assert_int_equal(seq, 1);

	/* new names, a new account, a touch in flight, an event, a suppression: all gone, and the numbers with them */
	begin(d);
	put(d, "bob@other.example", "other.example");
	reserve(d, enroll(d, 1, "s", T0), T0 + 5);
	assert_int_equal(event(d, EVENT_ENROLLED, 1, "", 0, ""), 2);
	assert_int_equal(store_suppress(d->s, "@rival.example", REASON_MANUAL, "", T0, &d->e), 1);
	OK(d, store_contact_hold(d->s, 1, T0 + 9, "x", &d->e));
	store_rollback(d->s);
	assert_false(store_in_transaction(d->s));
	OK(d, store_counts(d->s, &n, &d->e));
	assert_int_equal(n.contacts, 1);
	assert_int_equal(n.accounts, 1);
	assert_int_equal(n.enrollments_active, 0);
	assert_int_equal(n.touches[TOUCH_RESERVED], 0);
	assert_int_equal(n.suppressions, 0);
	assert_int_equal(store_suppressed(d->s, "x@rival.example"), REASON_NONE);
	assert_int_equal(store_newest(d->s), T0);
	assert_int_equal(store_contact_by_email(d->s, "bob@other.example", &c, &d->e), 0);
	begin(d);
	assert_int_equal(event(d, EVENT_ENROLLED, 1, "", 0, ""), 2);
	send(d, enroll(d, 1, "s", T0), T0); /* the names are interned anew */
	commit(d);
	store_dir_reopen(d);
	assert_int_equal(store_event_last(d->s), 2);
}

/* A store that may not grow: whatever verb or commit meets it, nothing of the transaction stays. */
static void test_full(void **state)
{
	struct store_dir *d = *state;
	struct rlimit limit, small;
	char name[64];
	int calls[2] = { 0, 7 };
	struct store_counts n;

	begin(d);
	put(d, "ann@example.com", "example.com");
	commit(d);
	/* the log of changes may grow by a little more only: a write error, as a full disk gives one */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){ .rlim_cur = 200000, .rlim_max = limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	begin(d);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "user%d@company%d.example", i, i);
		put(d, name, mailaddr_domain(name));
	}
	store_commit(d->s, note_status, calls);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(calls[0], 1);
	assert_int_equal(calls[1], -1);
	assert_true(*store_error(d->s) != '\0');
	assert_false(store_in_transaction(d->s));
	OK(d, store_counts(d->s, &n, &d->e));
	assert_int_equal(n.contacts, 1);
	assert_int_equal(n.accounts, 1);

	begin(d);
	assert_int_equal(event(d, EVENT_RESUMED, 0, "", 0, ""), 1);
	put(d, "user5@company5.example", "company5.example");
	commit(d);
	store_dir_reopen(d);
	OK(d, store_counts(d->s, &n, &d->e));
	assert_int_equal(n.contacts, 2);
}

/* The same where SQLite finds the disk full in the middle of a verb, and rolls back by itself. */
static void test_full_database(void **state)
{
	struct store_dir *d = *state;
	char name[64];
	int calls[2] = { 0, 7 }, put_failed = 0;
	struct store_counts n;

	assert_int_equal(sqlite3_exec(d->s->db, "PRAGMA max_page_count = 60", NULL, NULL, NULL), SQLITE_OK);
	begin(d);
	for (int i = 0; i < 2000 && !put_failed; i++) {
		struct contact c = contact_of(name, "");
		enum put_result result;
		int64_t id;

		snprintf(name, sizeof(name), "user%d@company%d.example", i, i);
		put_failed = store_contact_put(d->s, &c, T0, &result, &id, &d->e);
	}
	assert_int_equal(put_failed, -1);
	assert_non_null(strstr(d->e.text, "full"));
	store_commit(d->s, note_status, calls); /* by a caller who did not look */
	assert_int_equal(calls[0], 1);
	assert_int_equal(calls[1], -1);
	OK(d, store_counts(d->s, &n, &d->e));
	assert_int_equal(n.contacts, 0);
	begin(d);
	put(d, "user1@company1.example", "company1.example");
	commit(d);
	OK(d, store_counts(d->s, &n, &d->e));
	assert_int_equal(n.contacts, 1);
}

static void test_torn_log(void **state)
{
	struct store_dir *d = *state;
	char wal[128];
	struct store_counts n;
	struct stat st;
	pid_t pid;
	int status;

	/* a child commits twice and is killed: its log stays */
	store_close(&d->s);
	pid = fork();
	if (!pid) {
		store_dir_open(d);
		for (int i = 0; i < 2; i++) {
			begin(d);
			put(d, i ? "bob@example.com" : "ann@example.com", "");
			commit(d);
		}
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	snprintf(wal, sizeof(wal), "%s-wal", d->path);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(truncate(wal, st.st_size - 100), 0); /* the last commit's last page is torn */
	store_dir_open(d);
	OK(d, store_counts(d->s, &n, &d->e));
	assert_int_equal(n.contacts, 1);
}

/* ---- settings, cursors ---- */

static void collect(void *arg, const char *name, const char *value)
{
	struct buf *b = arg;

	buf_printf(b, "%s=%s;", name, value);
}

static void test_settings(void **state)
{
	static const struct {
		const char *name, *value, *all;
	} row[] = {
		{ "paused", "1", "paused=1;" },
		{ "paused:a", "yes", "paused=1;paused:a=yes;" },
		{ "paused:a", "no", "paused=1;paused:a=no;" },
		{ "other", "x", "paused=1;paused:a=no;" },
		{ "paused", "", "paused:a=no;" },
		{ "paused", "", "paused:a=no;" },
	};
	struct store_dir *d = *state;
	struct buf b = { 0 };
	char text[8];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		begin(d);
		OK(d, store_setting_put(d->s, row[i].name, row[i].value, &d->e));
		commit(d);
		assert_string_equal(store_setting(d->s, row[i].name), row[i].value);
		buf_clear(&b);
		OK(d, store_settings(d->s, "paused", collect, &b, &d->e));
		assert_string_equal(buf_text(&b), row[i].all);
	}
	buf_free(&b);
	begin(d);
	OK(d, store_cursor_put(d->s, "imap", "12:7", &d->e));
	OK(d, store_cursor_put(d->s, "imap", "12:8", &d->e));
	commit(d);
	assert_int_equal(store_cursor_get(d->s, "imap", text, sizeof(text), &d->e), 1);
	assert_string_equal(text, "12:8");
	assert_int_equal(store_cursor_get(d->s, "maildir", text, sizeof(text), &d->e), 0);
	assert_int_equal(store_cursor_get(d->s, "imap", text, 3, &d->e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, store_dir_setup, store_dir_teardown)
		T(test_new_file),
		cmocka_unit_test(test_refusals),
		T(test_locked),
		cmocka_unit_test(test_memory),
		T(test_transaction_rules),
		T(test_rollback),
		T(test_full),
		T(test_full_database),
		T(test_torn_log),
		T(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
