/* rooms: base model rules config net inbox */
/* What the IMAP source makes of a mailbox: what comes later, what is never given, gaps, news, UIDVALIDITY, and
 * imap.after. */
#include "imap_cases.h"

/* ---- messages that come later ---- */

static bool got_all_but_one(struct inbox_world *w)
{
	return w->got_n == (int)COUNT(text) - 1 && is_idle(w);
}

static void test_later(void **state)
{
	struct inbox_world w;

	(void)state;
	prepare(&w);
	add_texts();
	w.later_text = "body of one";
	w.later = -1;
	world_open(&w);
	world_run(&w, got_all_but_one);
	assert_string_equal(w.cursor, "5:0"); /* below the one that waits */
	w.later = 1;
	world_run(&w, got_all);
	has_all(&w);
	finish(&w);
}

static bool called_20(struct inbox_world *w)
{
	return w->calls >= 20;
}

static bool got_300(struct inbox_world *w)
{
	return w->got_n == 300 && is_idle(w);
}

/* The store is in trouble: no message is lost, and the mailbox is not read in vain. */
static void test_trouble(void **state)
{
	static char body[300][32];
	struct inbox_world w;

	(void)state;
	prepare(&w);
	for (int i = 0; i < 300; i++) {
		snprintf(body[i], sizeof body[i], "Subject: %d\r\n\r\n", i);
		fake_add(&fake, (uint32_t)(i * 10 + 3), body[i], strlen(body[i]));
	}
	w.later_text = "Subject";
	w.later = -1;
	world_open(&w);
	world_run(&w, called_20);
	assert_int_equal(w.got_n, 0);
	assert_true(strcmp(w.cursor, "5:0") == 0);
	w.later = 0;
	world_run(&w, got_300);
	assert_string_equal(w.cursor, "5:2993");
	assert_in_range(w.calls, 300, 340);
	finish(&w);
}

/* One that the server never gives is given up; one that has gone is stepped over. */
static void test_never_given(void **state)
{
	struct inbox_world w;

	(void)state;
	prepare(&w);
	w.pace.retry_first = w.pace.retry_most = 1;
	add_texts();
	answer("UID FETCH 1 (UID BODY", "%s NO [SERVERBUG] broken\r\n", -1);
	world_open(&w);
	while (strcmp(w.cursor, "5:4") != 0)
		world_run(&w, got_all_but_one);
	assert_int_equal(w.got_n, 3);
	finish(&w);

	prepare(&w);
	add_texts();
	answer("UID FETCH 1 (UID BODY", "%s OK nothing\r\n", -1);
	world_open(&w);
	world_run(&w, got_all_but_one);
	assert_string_equal(w.cursor, "5:4");
	finish(&w);
}

static const char *hangs_up_on_one(struct fake *f, const char *verb, const char *line)
{
	(void)verb;
	if (strstr(line, "UID FETCH 1 (UID BODY"))
		fake_hang_up(f);
	return NULL;
}

/* A server that breaks on one message: the others come. */
static void test_poison(void **state)
{
	struct inbox_world w;

	(void)state;
	prepare(&w);
	w.pace.retry_first = w.pace.retry_most = 1;
	w.pace.backoff_first = w.pace.backoff_most = 1;
	add_texts();
	fake.instead = hangs_up_on_one;
	world_open(&w);
	while (strcmp(w.cursor, "5:4") != 0)
		world_run(&w, got_all_but_one);
	assert_int_equal(w.got_n, 3);
	assert_in_range(fake.connections, 10, 20);
	finish(&w);
}

/* ---- the mailbox ---- */

static bool got_2500(struct inbox_world *w)
{
	return w->got_n == 2500 && is_idle(w);
}

static void test_windows(void **state)
{
	static char body[2500][32];
	struct inbox_world w;

	(void)state;
	prepare(&w);
	for (int i = 0; i < 2500; i++) {
		snprintf(body[i], sizeof body[i], "Subject: %d\r\n\r\n", i);
		fake_add(&fake, i < 2400 ? (uint32_t)i + 5 : (uint32_t)(4000000000 + i * 7), body[i], strlen(body[i]));
	}
	world_open(&w);
	world_run(&w, got_2500);
	assert_int_equal(w.calls, 2500);
	assert_in_range(fake.lists, 4, 30); /* a gap of 4e9 UIDs is a few steps */
	assert_string_equal(w.cursor, "5:4000017493");
	finish(&w);

	/* without UIDNEXT and IDLE: one open list after the other */
	prepare(&w);
	for (int i = 0; i < 2500; i++)
		fake_add(&fake, (uint32_t)(2500 - i), body[i], strlen(body[i])); /* in no order */
	fake.uidnext = 0;
	fake.capabilities = "IMAP4rev1";
	world_open(&w);
	world_run(&w, is_waiting);
	assert_int_equal(w.got_n, 2500);
	assert_string_equal(w.cursor, "5:2500");
	finish(&w);
}

static bool got_five(struct inbox_world *w)
{
	return w->got_n == 5;
}

static void test_news(void **state)
{
	static const char *const can[] = { "IMAP4rev1 IDLE", "IMAP4rev1" };

	(void)state;
	for (size_t i = 0; i < COUNT(can); i++) {
		struct inbox_world w;

		prepare(&w);
		add_texts();
		fake.capabilities = can[i];
		world_open(&w);
		world_run(&w, i ? is_waiting : is_idle);
		fake_add(&fake, 50, "fifth", 5);
		if (fake.idling)
			fake_say(&fake, "* 5 EXISTS\r\n");
		world_run(&w, got_five);
		assert_string_equal(w.cursor, "5:50");
		world_run(&w, i ? is_waiting : is_idle);
		assert_int_equal(fake.connections, 1);
		finish(&w);
	}
}

static bool thirty_idles(struct inbox_world *w)
{
	(void)w;
	return fake.idles + fake.lists >= 15 && is_waiting(w);
}

/* News that are none, again and again: they are no longer believed at once. */
static void test_false_news(void **state)
{
	struct inbox_world w;

	(void)state;
	prepare(&w);
	w.pace.poll = 10000;
	add_texts();
	answer(" IDLE", "+ x\r\n* 4 EXISTS\r\n%s OK ended\r\n", -1);
	world_open(&w);
	world_run(&w, thirty_idles);
	has_all(&w);
	assert_in_range(fake.lists, 1, 30);
	finish(&w);
}

static bool reconnected(struct inbox_world *w)
{
	return fake.connections > 1 && is_idle(w);
}

static void test_validity(void **state)
{
	struct inbox_world w;

	(void)state;
	prepare(&w);
	add_texts();
	strcpy(w.cursor, "4:77");
	world_open(&w);
	world_run(&w, got_all);
	has_all(&w);
	/* it changes while we are away */
	fake.validity = 6;
	fake_hang_up(&fake);
	world_run(&w, reconnected);
	assert_string_equal(w.cursor, "6:4");
	assert_int_equal(w.repeated, 4);
	/* the mailbox goes back, as after a restored backup */
	fake.n = 2;
	fake.uidnext = 3;
	fake.connections = 1;
	fake_hang_up(&fake);
	world_run(&w, reconnected);
	assert_string_equal(w.cursor, "6:2");
	finish(&w);
}

/* ---- after ---- */

static const struct {
	const char *after, *capabilities;
	bool seen, copied, deleted, gone;
} after[] = {
	{ "", "IMAP4rev1 IDLE", false, false, false, false },
	{ "seen", "IMAP4rev1 IDLE", true, false, false, false },
	{ "move:D", "IMAP4rev1 IDLE MOVE UIDPLUS", false, true, false, true },
	{ "move:D", "IMAP4rev1 IDLE UIDPLUS", false, true, true, true },
	{ "move:D", "IMAP4rev1 IDLE", false, true, true, false },
};

static void test_after(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(after); i++) {
		struct inbox_world w;

		prepare(&w);
		add_texts();
		w.config.inbox.imap_after = after[i].after;
		fake.capabilities = after[i].capabilities;
		w.later_text = "body of one";
		w.later = -1;
		world_open(&w);
		world_run(&w, got_all_but_one);
		for (int k = 0; k < fake.n; k++) {
			const struct fake_message *m = &fake.message[k];

			assert_int_equal(m->seen, k && after[i].seen);
			assert_int_equal(m->copied, k && after[i].copied);
			assert_int_equal(m->deleted, k && after[i].deleted);
			assert_int_equal(m->gone, k && after[i].gone);
		}
		assert_true(*after[i].after || fake.changes == 0);
		finish(&w);
	}
}

/* Processed, and the connection ends before it is marked: that is made good, and nothing is processed again. */
static const char *hangs_up_on_store(struct fake *f, const char *verb, const char *line)
{
	(void)verb;
	if (strstr(line, "UID STORE") && f->stores++ % 2 == 0)
		fake_hang_up(f);
	return NULL;
}

static void test_mark_lost(void **state)
{
	struct inbox_world w;

	(void)state;
	prepare(&w);
	add_texts();
	w.config.inbox.imap_after = "seen";
	fake.instead = hangs_up_on_store;
	world_open(&w);
	world_run(&w, got_all);
	has_all(&w);
	assert_int_equal(w.calls, 4);
	for (int k = 0; k < fake.n; k++)
		assert_true(fake.message[k].seen);
	finish(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_later),      cmocka_unit_test(test_trouble),  cmocka_unit_test(test_never_given),
		cmocka_unit_test(test_poison),     cmocka_unit_test(test_windows),  cmocka_unit_test(test_news),
		cmocka_unit_test(test_false_news), cmocka_unit_test(test_validity), cmocka_unit_test(test_after),
		cmocka_unit_test(test_mark_lost),
	};

	return cmocka_run_group_tests_name("inbox_mailbox", tests, NULL, NULL);
}
