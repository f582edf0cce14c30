/* rooms: base model rules store */
/* A copy of a store in use, a file examined from outside, and a file that turns out to be damaged. */
#include "../../src/store/store_int.h"
#include "store_dir.h"

#include <sys/stat.h>

static void people(struct store_dir *d, int from, int to)
{
	char email[64];

	OK(d, store_begin(d->s, &d->e));
	for (int i = from; i < to; i++) {
		struct contact c = { .email = email, .account = "", .account_name = "", .first_name = "A name that fills pages", .last_name = "",
				     .title = "", .timezone = "", .owner = "", .tags = "", .consent = "opt_in", .consent_source = "" };
		enum put_result result;
		int64_t id;

		snprintf(email, sizeof(email), "person%d@company%d.example", i, i);
		OK(d, store_contact_put(d->s, &c, T0, &result, &id, &d->e));
	}
	OK(d, store_commit_now(d->s, &d->e));
}

static void count_finding(void *arg, const char *text)
{
	(void)text;
	++*(int *)arg;
}

static int findings(const char *path, bool deep, struct store_facts *facts)
{
	struct store_file *f;
	struct err e = { "" };
	int n = 0;

	if (store_file_open(path, false, &f, &e) != STORE_OK)
		return -1;
	store_file_check(f, deep, count_finding, &n);
	if (store_file_facts(f, facts, &e))
		n++;
	store_file_close(&f);
	return n;
}

/* What is committed between two steps goes into the copy, what is rolled back does not. */
static void test_copy(void **state)
{
	struct store_dir *d = *state;
	char path[128];
	struct store_copy *c;
	struct store_facts facts;
	struct stat st;
	int64_t done, total;
	int rc, steps = 0;

	snprintf(path, sizeof(path), "%s/abvd.db.copy", d->dir);
	people(d, 0, 2000);
	OK(d, store_copy_begin(d->s, path, &c, &d->e));
	while ((rc = store_copy_step(c, 0, &d->e)) == 1) {
		store_copy_progress(c, &done, &total);
		assert_true(done > 0 && done <= total);
		if (steps < 5)
			people(d, 2000 + steps * 100, 2100 + steps * 100);
		if (steps == 3) { /* SQLite begins again after one */
			OK(d, store_begin(d->s, &d->e));
			OK(d, store_setting_put(d->s, "not", "committed", &d->e));
			store_rollback(d->s);
		}
		assert_true(++steps < 1000);
	}
	OK(d, rc);
	assert_true(steps > 5);
	store_copy_free(&c);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(findings(path, true, &facts), 0);
	assert_int_equal(facts.contacts, 2500);
	people(d, 2500, 2600); /* the copy is at rest now */
	assert_int_equal(findings(path, true, &facts), 0);
	assert_int_equal(facts.contacts, 2500);
	assert_int_equal(store_copy_begin(d->s, path, &c, &d->e), -1); /* what stands there stays */
	unlink(path);
	OK(d, store_copy_begin(d->s, path, &c, &d->e));
	assert_int_equal(store_copy_step(c, 0, &d->e), 1);
	store_copy_free(&c); /* given up: nothing stays */
	assert_int_equal(stat(path, &st), -1);
}

/* Pages become garbage under it. */
static void test_damage(void **state)
{
	struct store_dir *d = *state;
	struct store_facts facts;
	FILE *f;

	people(d, 0, 9000); /* more than the cache holds */
	assert_false(store_damaged(d->s));
	store_dir_reopen(d);
	f = fopen(d->path, "r+b");
	assert_non_null(f);
	for (long page = 60; page < 900; page++) {
		fseek(f, page * 2048, SEEK_SET);
		for (int i = 0; i < 2048; i++)
			fputc(0xa5, f);
	}
	fclose(f);
	for (int i = 0; i < 9000 && !store_damaged(d->s); i += 50) {
		struct contact *c = NULL;
		char email[64];

		snprintf(email, sizeof(email), "person%d@company%d.example", i, i);
		store_contact_by_email(d->s, email, &c, &d->e);
		contact_free(&c);
	}
	assert_true(store_damaged(d->s));
	assert_int_equal(store_begin(d->s, &d->e), -1);
	assert_non_null(strstr(d->e.text, "damaged"));
	assert_true(findings(d->path, false, &facts) != 0);
}

/* A row each: what is changed by hand, and that it is found. */
static void test_findings(void **state)
{
	static const char *const rows[] = {
		"DELETE FROM secret",
		"UPDATE figure SET contacts = contacts + 1",
		"UPDATE figure SET holds = 1",
		"INSERT INTO touch (id, enrollment_id, contact_id, step, kind, state, at, reserved_at, first_at, content, provider, message_id) "
		"VALUES (9, 77, 1, 1, 0, 0, 1, 1, 1, '', '', '')",
		"UPDATE figure SET event_last = 0; INSERT INTO event (seq, ts, type, account, sequence, step, kind, detail) VALUES (5, 1, 1, '', 0, 0, -1, '')",
		"INSERT INTO event (seq, ts, type, account, sequence, step, kind, detail) VALUES (1, 1, 1, '', 0, 0, -1, ''), (3, 1, 1, '', 0, 0, -1, '')",
	};
	struct store_facts facts;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_dir *d = *state;
		sqlite3 *db;

		people(d, 0, 3);
		store_close(&d->s);
		assert_int_equal(findings(d->path, true, &facts), 0);
		assert_int_equal(sqlite3_open(d->path, &db), SQLITE_OK);
		if (sqlite3_exec(db, rows[i], NULL, NULL, NULL) != SQLITE_OK)
			fail_msg("row %zu: %s", i, sqlite3_errmsg(db));
		sqlite3_close(db);
		if (findings(d->path, true, &facts) < 1)
			fail_msg("row %zu was not found", i);
		unlink(d->path);
		store_dir_open(d);
	}
}

/* A probe is a change: its commit touches the file, an empty one does not. */
static void test_probe(void **state)
{
	struct store_dir *d = *state;
	int64_t before, after, bytes;

	OK(d, store_begin(d->s, &d->e));
	OK(d, store_commit_now(d->s, &d->e));
	store_backlog(d->s, &before);
	OK(d, store_begin(d->s, &d->e));
	OK(d, store_commit_now(d->s, &d->e));
	store_backlog(d->s, &bytes);
	assert_int_equal(bytes, before);
	for (int i = 0; i < 2; i++) { /* the same value twice, too */
		OK(d, store_begin(d->s, &d->e));
		OK(d, store_probe(d->s, T0, &d->e));
		OK(d, store_commit_now(d->s, &d->e));
		store_backlog(d->s, &after);
		assert_true(after > bytes);
		bytes = after;
	}
	assert_string_equal(store_backlog(d->s, &bytes), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_copy, store_dir_setup, store_dir_teardown),
		cmocka_unit_test_setup_teardown(test_damage, store_dir_setup, store_dir_teardown),
		cmocka_unit_test_setup_teardown(test_findings, store_dir_setup, store_dir_teardown),
		cmocka_unit_test_setup_teardown(test_probe, store_dir_setup, store_dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
