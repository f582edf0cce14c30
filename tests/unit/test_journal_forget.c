/* rooms: base model rules store journal */
/* Taking a person out of the log's files. */
#include "journal_fixture.h"

#define HASH "hash:00112233445566778899aabbccddeeff"

static void test_forget(void **state)
{
	struct fixture *f = *state;
	struct buf left = { 0 };
	char name[128], *text, *before;
	struct stat st;

	put_event_of(f, "ann@acme.example", "\"subject\":\"Hi\",\"text\":\"private\"");
	put_event_of(f, "bob@acme.example", "\"text\":\"says \\\"contact\\\":\\\"ann@acme.example\\\"\"");
	must_open(f);
	snprintf(name, sizeof(name), "%s.2", log_path);
	assert_int_equal(rename(log_path, name), 0);
	must(f, journal_reopen(f->journal, &f->err));
	put_event_of(f, "ann@acme.example",
		     "\"smtp_code\":550,\"smtp_reply\":\"no ann\",\"reason\":\"manual\",\"later\":\"member\"");
	put_event_of(f, "joann@acme.example", "\"reason\":\"manual\"");
	put_event_of(f, "ann@acme.example",
		     "\"reason\":\"Ann asked\",\"timezone\":\"Europe/Paris\",\"findings\":[\"x\"]");
	must(f, journal_flush(f->journal, &f->err));
	snprintf(name, sizeof(name), "%s.3.gz", log_path);
	spill(name, "x", 1);
	snprintf(name, sizeof(name), "%s-20260101", log_path);
	spill(name, "{\"seq\":1,\"contact\":\"ann@acme.example\",\"event\":\"sent\",\"via\":\"mailto\"}\nno JSON ann\n",
	      81);
	assert_int_equal(chmod(log_path, 0604), 0);

	must(f, journal_forget(f->journal, "ann@acme.example", HASH, &left, &f->err));
	snprintf(name, sizeof(name), "%s.3.gz", log_path);
	assert_string_equal(buf_text(&left), name);
	text = slurp(log_path);
	assert_string_equal(
	    text, "{\"seq\":3,\"ts\":\"2026-11-24T08:50:00.000Z\",\"event\":\"suppressed\",\"contact\":\"" HASH
		  "\",\"account\":\"acme.example\",\"smtp_code\":550,\"reason\":\"manual\"}\n"
		  "{\"seq\":4,\"ts\":\"2026-11-24T08:50:00.000Z\",\"event\":\"suppressed\",\"contact\":\"joann@acme."
		  "example\","
		  "\"account\":\"acme.example\",\"reason\":\"manual\"}\n"
		  "{\"seq\":5,\"ts\":\"2026-11-24T08:50:00.000Z\",\"event\":\"suppressed\",\"contact\":\"" HASH
		  "\",\"account\":\"acme.example\",\"timezone\":\"Europe/Paris\"}\n");
	free(text);
	snprintf(name, sizeof(name), "%s.2", log_path);
	text = slurp(name);
	assert_null(strstr(text, "private"));
	assert_non_null(strstr(text, "bob@acme.example"));
	assert_non_null(strstr(text, "says"));
	free(text);
	snprintf(name, sizeof(name), "%s-20260101", log_path);
	text = slurp(name);
	assert_string_equal(text, "{\"seq\":1,\"contact\":\"" HASH
				  "\",\"event\":\"sent\",\"via\":\"mailto\"}\nno JSON ann\n");
	free(text);
	assert_int_equal(stat(log_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0604);

	put_events(f, 2); /* and it goes on in the new file */
	must(f, journal_flush(f->journal, &f->err));
	expect_lines(log_path, 3, 7);
	before = slurp(log_path);
	must(f, journal_sync(f->journal, &f->err));
	journal_close(&f->journal);
	must_open(f);
	text = slurp(log_path);
	assert_string_equal(text, before);
	free(text);
	free(before);
	buf_free(&left);
}

/* Rotated, not told yet: the file we write to has another name, and still is the one we write to. */
static void test_forget_before_reopen(void **state)
{
	struct fixture *f = *state;
	struct buf left = { 0 };
	char *text;

	put_event_of(f, "ann@acme.example", "\"text\":\"private\"");
	must_open(f);
	assert_int_equal(rename(log_path, log_1), 0);
	must(f, journal_forget(f->journal, "ann@acme.example", HASH, &left, &f->err));
	put_event_of(f, "bob@acme.example", "");
	must(f, journal_flush(f->journal, &f->err));
	expect_lines(log_1, 1, 2);
	text = slurp(log_1);
	assert_null(strstr(text, "private"));
	free(text);
	must(f, journal_reopen(f->journal, &f->err));
	expect_lines(log_path, 3, 2);
	buf_free(&left);
}

/* A rewriting that a crash ended leaves nothing behind. */
static void test_stale_temporary(void **state)
{
	struct fixture *f = *state;
	char name[128];

	snprintf(name, sizeof(name), "%s.forgetting", log_path);
	spill(name, "x", 1);
	must_open(f);
	assert_int_equal(access(name, F_OK), -1);
}

int main(void)
{
#define ROW(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(test_forget),
		ROW(test_forget_before_reopen),
		ROW(test_stale_temporary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
