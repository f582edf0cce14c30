/* rooms: base model rules store journal */
/* The engagement log against a real store: no gap and no double line, whatever a crash, a rotation, a full disk or a
 * rewriting left behind. */
#include "journal_fixture.h"

/* ---- lines */

static void test_format(void **state)
{
	static const struct {
		struct event ev;
		const char *line;
	} rows[] = {
		{ { .seq = 1,
		    .ts = T0,
		    .type = EVENT_DAEMON_STARTED,
		    .address = "",
		    .account = "",
		    .sequence = "",
		    .step = "",
		    .kind = -1,
		    .detail = "" },
		  "{\"seq\":1,\"ts\":\"2026-11-24T08:50:00.000Z\",\"event\":\"daemon_started\"}" },
		{ { .seq = 42,
		    .ts = T0 + 7,
		    .type = EVENT_SENT,
		    .contact_id = 3,
		    .address = "ann@acme.example",
		    .account = "acme.example",
		    .sequence = "getting-started",
		    .step = "offer",
		    .kind = KIND_ASK,
		    .touch_id = 9,
		    .detail = "\"smtp_code\":250,\"smtp_reply\":\"ok\"" },
		  "{\"seq\":42,\"ts\":\"2026-11-24T08:50:00.007Z\",\"event\":\"sent\",\"contact\":\"ann@acme.example\","
		  "\"account\":\"acme.example\","
		  "\"sequence\":\"getting-started\",\"step\":\"offer\",\"kind\":\"ask\",\"touch\":9,\"smtp_code\":250,"
		  "\"smtp_reply\":\"ok\"}" },
		{ { .seq = 2,
		    .ts = T0,
		    .type = EVENT_HELD,
		    .address = "a\"b",
		    .account = "",
		    .sequence = "",
		    .step = "",
		    .kind = KIND_VALUE,
		    .detail = "\"reason\":\n\"x\"" },
		  "{\"seq\":2,\"ts\":\"2026-11-24T08:50:00.000Z\",\"event\":\"held\",\"contact\":\"a\\\"b\",\"kind\":"
		  "\"value\",\"reason\": \"x\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = { 0 };

		journal_format(&rows[i].ev, &b);
		assert_string_equal(buf_text(&b), rows[i].line);
		buf_free(&b);
	}
}

static void test_completes(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	put_events(f, 600); /* more than two batches */
	must_open(f);
	expect_lines(log_path, 1, 600);
	assert_int_equal(stat(log_path, &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0640u, 0);
	assert_string_equal(store_setting(f->store, "journal.synced"), "600");
	assert_int_equal(journal_synced(f->journal), 600);
	put_events(f, 3);
	must(f, journal_flush(f->journal, &f->err));
	must(f, journal_flush(f->journal, &f->err));
	expect_lines(log_path, 1, 603);
	assert_int_equal(journal_position(f->journal), 603);
	assert_int_equal(journal_synced(f->journal), 600);
	must(f, journal_sync(f->journal, &f->err));
	assert_int_equal(journal_synced(f->journal), 603);
	assert_string_equal(store_setting(f->store, "journal.synced"), "603");
}

/* What a transaction has added is no line before it commits. */
static void test_uncommitted(void **state)
{
	struct fixture *f = *state;
	struct event ev = { .ts = T0,
			    .type = EVENT_PAUSED,
			    .address = "",
			    .account = "",
			    .sequence = "",
			    .step = "",
			    .kind = -1,
			    .detail = "" };
	int64_t seq;

	must_open(f);
	must(f, store_begin(f->store, &f->err));
	must(f, store_event_add(f->store, &ev, &seq, &f->err));
	must(f, journal_flush(f->journal, &f->err));
	store_rollback(f->store);
	expect_lines(log_path, 1, 0);
	put_events(f, 1);
	must(f, journal_flush(f->journal, &f->err));
	expect_lines(log_path, 1, 1);
}

/* ---- crashes */

/* Cut at each byte of the last lines, in the middle of which a write may have ended. */
static void test_torn_anywhere(void **state)
{
	struct fixture *f = *state;
	char *whole;
	size_t n;

	put_events(f, 12);
	must_open(f);
	journal_close(&f->journal);
	whole = slurp(log_path);
	n = strlen(whole);
	for (size_t len = 0; len <= n; len++) {
		char *again;

		spill(log_path, whole, len);
		must_open(f);
		journal_close(&f->journal);
		again = slurp(log_path);
		assert_string_equal(again, whole);
		free(again);
	}
	free(whole);
}

/* A loss of power between two fsyncs: pages of the tail may hold anything. */
static void test_power_loss(void **state)
{
	struct fixture *f = *state;
	char *whole;
	size_t n, synced;

	put_events(f, 300);
	must_open(f);
	whole = slurp(log_path);
	synced = strlen(whole);
	free(whole);
	put_events(f, 200);
	must(f, journal_flush(f->journal, &f->err));
	journal_close(&f->journal); /* not synced */
	whole = slurp(log_path);
	n = strlen(whole);
	for (size_t at = synced; at + 700 < n; at += 997) {
		char *bad = mem_strndup(whole, n);

		memset(bad + at, 0, 600);
		spill(log_path, bad, n);
		free(bad);
		assert_int_equal(store_begin(f->store, &f->err), 0);
		assert_int_equal(store_setting_put(f->store, "journal.synced", "300", &f->err), 0);
		assert_int_equal(store_commit_now(f->store, &f->err), 0);
		must_open(f);
		journal_close(&f->journal);
		expect_lines(log_path, 1, 500);
	}
	free(whole);
}

/* The same in a file that a rotation has begun: even its first line was not safe. What was safe is never taken for that. */
static void test_power_loss_after_rotation(void **state)
{
	struct fixture *f = *state;
	char *whole;
	size_t n;

	put_events(f, 4);
	must_open(f);
	assert_int_equal(rename(log_path, log_1), 0);
	must(f, journal_reopen(f->journal, &f->err));
	put_events(f, 6);
	must(f, journal_flush(f->journal, &f->err));
	journal_close(&f->journal);
	whole = slurp(log_path);
	n = strlen(whole);
	for (size_t lost = 1; lost < n; lost += 41) {
		for (int from = 0; from <= 30; from += 30) { /* a line that is torn stands there, or nothing */
			char *bad = mem_strndup(whole, n);

			memset(bad + from, 0, lost > (size_t)from ? lost - (size_t)from : 0);
			spill(log_path, bad, n);
			assert_int_equal(store_begin(f->store, &f->err), 0);
			assert_int_equal(store_setting_put(f->store, "journal.synced", "5", &f->err), 0);
			assert_int_equal(store_commit_now(f->store, &f->err), 0);
			if (memcmp(bad, whole, n) != 0) { /* line 5 was safe */
				assert_int_equal(open_log(f), -1);
				assert_non_null(strstr(f->err.text, "no engagement log"));
			}
			free(bad);
			assert_int_equal(store_begin(f->store, &f->err), 0);
			assert_int_equal(store_setting_put(f->store, "journal.synced", "4", &f->err), 0);
			assert_int_equal(store_commit_now(f->store, &f->err), 0);
			must_open(f);
			journal_close(&f->journal);
			expect_lines(log_1, 1, 4);
			expect_lines(log_path, 5, 10);
		}
	}
	free(whole);
}

/* The log was deleted and never rotated: it is made again from the store. */
static void test_deleted(void **state)
{
	struct fixture *f = *state;

	put_events(f, 4);
	must_open(f);
	journal_close(&f->journal);
	assert_int_equal(unlink(log_path), 0);
	must_open(f);
	expect_lines(log_path, 1, 4);
}

/* The log was moved away and the store has pruned: a new one begins with what there is. */
static void test_begins_anew(void **state)
{
	struct fixture *f = *state;

	put_events(f, 6);
	must(f, store_begin(f->store, &f->err));
	assert_int_equal(store_events_prune(f->store, 4, T0 + 1, 100, &f->err), 4);
	must(f, store_commit_now(f->store, &f->err));
	must_open(f);
	expect_lines(log_path, 5, 6);
}

/* ---- what cannot be put right is an error with both numbers */

static void test_refusals(void **state)
{
	static const struct {
		const char *log, *rotated, *setting;
		int events, pruned; /* the store's */
		const char *says, *and_says;
	} rows[] = {
		{ "{\"seq\":7,\"x\":1}\n", NULL, "", 5, 0, "ends at seq 7", "the store at 5. If the store is an older copy" },
		{ NULL, "{\"seq\":9,\"x\":1}\n", "", 5, 0, "ends at seq 9", "the store at 5. If the store is an older copy" },
		{ NULL, NULL, "8", 5, 0, "ends at seq 8", "the store at 5. If the store is an older copy" },
		{ "{\"seq\":2,\"x\":1}\n", NULL, "2", 9, 4, "ends at seq 2", "goes on with 5" },
		{ "{\"seq\":2,\"x\":1}\n", NULL, "2", 9, 9, "ends at seq 2", "the store at 9" },
		{ "{\"seq\":1,\"x\":1}\n{\"seq\":3,\"x\":1}\n{\"seq\":4,\"x\":1}\n", NULL, "4", 5, 0, "after seq 1",
		  "comes 3" },
		{ "Nov 24 host kernel: hello\n", NULL, "", 5, 0, "no engagement log", "" },
		{ "Nov 24 host kernel: hello", NULL, "", 5, 0, "no engagement log", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = *state;

		store_close(&f->store);
		assert_int_equal(store_open(":memory:", &f->store, &f->err), STORE_OK);
		put_events(f, rows[i].events);
		assert_int_equal(store_begin(f->store, &f->err), 0);
		if (rows[i].pruned)
			assert_int_equal(store_events_prune(f->store, rows[i].pruned, T0 + 1, 100, &f->err),
					 rows[i].pruned);
		assert_int_equal(store_setting_put(f->store, "journal.seq", rows[i].setting, &f->err), 0);
		assert_int_equal(store_setting_put(f->store, "journal.synced", rows[i].setting, &f->err), 0);
		assert_int_equal(store_commit_now(f->store, &f->err), 0);
		unlink(log_path);
		unlink(log_1);
		if (rows[i].log)
			spill(log_path, rows[i].log, strlen(rows[i].log));
		if (rows[i].rotated)
			spill(log_1, rows[i].rotated, strlen(rows[i].rotated));
		assert_int_equal(open_log(f), -1);
		if (!strstr(f->err.text, rows[i].says) || !strstr(f->err.text, rows[i].and_says))
			fail_msg("row %zu: %s", i, f->err.text);
		if (rows[i].log) { /* and the file is as it was */
			char *text = slurp(log_path);

			assert_string_equal(text, rows[i].log);
			free(text);
		}
	}
}

/* ---- rotation */

static void test_rotation(void **state)
{
	struct fixture *f = *state;

	put_events(f, 4);
	must_open(f);
	assert_int_equal(rename(log_path, log_1), 0);
	put_events(f, 2); /* before the signal: into the file it has */
	must(f, journal_flush(f->journal, &f->err));
	must(f, journal_reopen(f->journal, &f->err));
	expect_lines(log_1, 1, 6);
	expect_lines(log_path, 7, 6);
	put_events(f, 1);
	must(f, journal_flush(f->journal, &f->err));
	expect_lines(log_path, 7, 7);
	must(f, journal_reopen(f->journal, &f->err)); /* a signal without a rotation */
	put_events(f, 1);
	must(f, journal_flush(f->journal, &f->err));
	expect_lines(log_path, 7, 8);
}

static void lose_head(const char *path)
{
	char *text = slurp(path);
	size_t n = strlen(text);

	memset(text, 0, 40);
	spill(path, text, n);
	free(text);
}

/* logrotate renamed, then we crashed: the position is in path.1, torn or not. */
static void test_crash_after_rename(void **state)
{
	struct fixture *f = *state;
	char *text;

	put_events(f, 4);
	must_open(f);
	journal_close(&f->journal);
	assert_int_equal(rename(log_path, log_1), 0);
	text = slurp(log_1);
	spill(log_1, text, strlen(text) - 20);
	free(text);
	put_events(f, 2);
	must_open(f);
	expect_lines(log_1, 1, 3);
	expect_lines(log_path, 4, 6);
}

/* The same, and then the power failed: what a start has begun without a signal is told from what was safe. */
static void test_power_loss_after_crash_after_rename(void **state)
{
	struct fixture *f = *state;

	put_events(f, 4);
	must_open(f);
	journal_close(&f->journal);
	for (int rotated = 0; rotated < 2; rotated++) { /* the damaged file is still log.path, or log.path.1 already */
		assert_int_equal(rename(log_path, log_1), 0);
		must_open(f);
		assert_string_equal(store_setting(f->store, "journal.seq"), rotated ? "6" : "4");
		put_events(f, 2);
		must(f, journal_flush(f->journal, &f->err));
		journal_close(&f->journal);
		lose_head(log_path);
		if (rotated)
			assert_int_equal(rename(log_path, log_1), 0);
		must_open(f);
		journal_close(&f->journal);
		expect_lines(log_path, rotated ? 7 : 5, rotated ? 8 : 6);
	}
}

/* Both plain files are gone (compressed at once): the position stored at reopen stands. */
static void test_stored_position(void **state)
{
	struct fixture *f = *state;

	put_events(f, 4);
	must_open(f);
	assert_int_equal(rename(log_path, log_1), 0);
	must(f, journal_reopen(f->journal, &f->err));
	assert_string_equal(store_setting(f->store, "journal.seq"), "4");
	journal_close(&f->journal);
	assert_int_equal(unlink(log_1), 0);
	put_events(f, 2);
	must_open(f);
	expect_lines(log_path, 5, 6);
}

static void test_reopen_refuses(void **state)
{
	struct fixture *f = *state;

	put_events(f, 4);
	must_open(f);
	assert_int_equal(rename(log_path, log_1), 0);
	spill(log_path, "{\"seq\":2,\"x\":1}\n", 16);
	assert_int_equal(journal_reopen(f->journal, &f->err), -1);
	assert_non_null(strstr(f->err.text, "ends at seq 2, ours at 4"));
	put_events(f, 1);
	must(f, journal_flush(f->journal, &f->err));
	expect_lines(log_1, 1, 5); /* goes on where it was */
}

/* ---- a full disk */

static void test_write_error(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, small;
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	put_events(f, 3);
	must_open(f);
	assert_int_equal(stat(log_path, &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	put_events(f, 5);
	for (rlim_t room = 0; room < 300; room += 7) {
		small = (struct rlimit){ .rlim_cur = (rlim_t)st.st_size + room, .rlim_max = was.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		assert_int_equal(journal_flush(f->journal, &f->err), -1);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		assert_non_null(strstr(f->err.text, log_path));
		expect_lines(log_path, 1, 3);
	}
	must(f, journal_flush(f->journal, &f->err));
	expect_lines(log_path, 1, 8);
}

int main(void)
{
#define ROW(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format), ROW(test_completes),       ROW(test_uncommitted),
		ROW(test_torn_anywhere),       ROW(test_power_loss),      ROW(test_deleted),
		ROW(test_begins_anew),         ROW(test_refusals),        ROW(test_rotation),
		ROW(test_crash_after_rename),  ROW(test_stored_position), ROW(test_reopen_refuses),
		ROW(test_power_loss_after_rotation), ROW(test_power_loss_after_crash_after_rename),
		ROW(test_write_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
