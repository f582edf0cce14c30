/* rooms: base model rules config net inbox */
/* The IMAP source against a server that does everything wrong: answers split at every byte, connections that end at
 * every byte, literals that lie, garbage, goodbyes, silence; and messages that come later. */
#include "imap_fake.h"

static struct fake fake;

static void prepare(struct inbox_world *w)
{
	world_init(w);
	fake_start(&fake, w->base);
	fake.arg = w;
	world_imap(w, "127.0.0.1", fake.port, false, "dana", "sec\"ret\\");
}

static void finish(struct inbox_world *w)
{
	fake_stop(&fake);
	world_close(w);
}

static const char *const text[] = {
	"Subject: one\r\n\r\nbody of one\r\n",
	"",
	"Subject: three\r\n\r\n{99}\r\n)\r\na1 OK\r\n* BYE\r\n",
	"Subject: four\r\n\r\nx\ry\nz\xff\r\n",
};

static void add_texts(void)
{
	for (size_t i = 0; i < COUNT(text); i++)
		fake_add(&fake, (uint32_t)i + 1, text[i], strlen(text[i]));
}

static bool is_idle(struct inbox_world *w)
{
	return world_says(w, "\"state\":\"idle\"");
}

static bool is_waiting(struct inbox_world *w)
{
	return world_says(w, "\"state\":\"waiting\"");
}

/* The first session has ended. */
static bool is_down(struct inbox_world *w)
{
	return fake.connections > 1 || (world_says(w, "\"state\":\"down\"") && !world_says(w, "\"error\":\"\""));
}

static bool got_all(struct inbox_world *w)
{
	return w->got_n == (int)COUNT(text) && is_idle(w);
}

static void has_all(const struct inbox_world *w)
{
	assert_int_equal(w->got_n, COUNT(text));
	for (size_t i = 0; i < COUNT(text); i++)
		assert_true(world_has(w, text[i], strlen(text[i])));
	assert_string_equal(w->cursor, "5:4");
}

/* ---- splits and ends at every byte ---- */

static void test_pieces(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 40; piece += piece < 8 ? 1 : 7) {
		struct inbox_world w;

		prepare(&w);
		add_texts();
		fake.piece = piece;
		world_open(&w);
		world_run(&w, got_all);
		has_all(&w);
		assert_int_equal(w.calls, COUNT(text));
		assert_int_equal(fake.connections, 1);
		finish(&w);
	}
}

static bool has_hung_up(struct inbox_world *w)
{
	(void)w;
	return fake.connections && fake.fd < 0;
}

/* The connection ends after each number of bytes; then the server is well. Every message comes, at most one twice. */
static void test_ends(void **state)
{
	long length;
	struct inbox_world w;

	(void)state;
	prepare(&w);
	add_texts();
	world_open(&w);
	world_run(&w, got_all);
	length = fake.written;
	finish(&w);
	assert_true(length > 500);
	for (long end = 0; end < length; end += 1) {
		prepare(&w);
		w.pace.backoff_first = w.pace.backoff_most = 1;
		add_texts();
		fake.hang_up_after = end;
		world_open(&w);
		world_run(&w, has_hung_up);
		fake.hang_up_after = -1;
		world_run(&w, got_all);
		has_all(&w);
		assert_int_equal(w.calls, COUNT(text));
		finish(&w);
	}
}

/* ---- surprises ---- */

static const char *instead_text, *instead_verb;
static int instead_times;

static const char *instead(struct fake *f, const char *verb, const char *line)
{
	(void)f;
	if (instead_times && strstr(line, instead_verb)) {
		instead_times -= instead_times > 0;
		return instead_text;
	}
	(void)verb;
	return NULL;
}

static void answer(const char *verb, const char *with, int times)
{
	instead_verb = verb;
	instead_text = with;
	instead_times = times;
	fake.instead = instead;
}

/* What a server may say at any time: nothing changes. */
static void test_between(void **state)
{
	static const char *const between[] = {
		"* OK Still here\r\n",
		"* 4 EXISTS\r\n* 0 RECENT\r\n",
		"* 1 FETCH (FLAGS (\\Seen) UID 1)\r\n",
		"* 1 FETCH (BODY[] {3}\r\nbad)\r\n",
		"* 9 FETCH (UID 99999999999 RFC822.SIZE 1)\r\n* 9 FETCH (UID 0 RFC822.SIZE 1)\r\n",
		"\r\n\r\n* \r\n",
		"* X-GARBAGE {5}\r\na\r\nb\n\r\n",
		"* LIST (\\HasNoChildren) \"/\" {5}\r\nINBOX\r\n",
		"* FLAGS (\\Answered \\Flagged $Forwarded \"x {3}\")\r\n",
		"* NO warning: disk is full {7}\r\n* BAD x\r\n",
		"* VANISHED (EARLIER) 1:3\r\n* 3 EXPUNGE\r\n",
		"+ what\r\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(between); i++) {
		struct inbox_world w;

		prepare(&w);
		add_texts();
		fake.between = between[i];
		w.what = between[i];
		fake.capabilities = "IMAP4rev1 AUTH=PLAIN SASL-IR";
		world_open(&w);
		world_run(&w, is_waiting);
		if (w.got_n != (int)COUNT(text) || fake.connections != 1)
			fail_msg("%s: %d messages, %d connections", between[i], w.got_n, fake.connections);
		has_all(&w);
		finish(&w);
	}
}

static const struct {
	const char *verb, *with; /* once */
	const char *words;       /* of the error */
} wrong[] = {
	{ "a1 CAPABILITY", "%s BAD what\r\n", "CAPABILITY was refused" },
	{ "AUTHENTICATE", "%s NO [UNAVAILABLE] \x1b[31mlater\r\n", "the login was refused: ?[31mlater" },
	{ "EXAMINE", "%s NO [NONEXISTENT] none\r\n", "cannot be opened: none" },
	{ "EXAMINE", "%s OK selected\r\n", "has no UIDVALIDITY" },
	{ "EXAMINE", "* BYE \"so\" long\r\n", "goodbye: 'so' long" },
	{ "RFC822.SIZE", "%s NO no\r\n", "list of messages was refused" },
	{ "RFC822.SIZE", "* BYE now\r\n", "goodbye" },
	{ "BODY.PEEK", "* BYE now\r\n", "goodbye" },
	{ "BODY.PEEK", "zzz OK done\r\n", "not asked" },
	{ "BODY.PEEK", "%s WHAT\r\n", "not asked" },
	{ "BODY.PEEK", "HTTP/1.1 200 OK\r\n", "not asked" },
	{ "BODY.PEEK", "* 1 FETCH (UID 1 BODY[] {99999999999999}\r\n", "no possible length" },
	{ "BODY.PEEK", "* OK [UIDVALIDITY 6] new\r\n", "made anew" },
	{ "IDLE", "* BYE idle\r\n", "goodbye" },
	{ "IDLE", "* OK [UIDVALIDITY 9] x\r\n", "made anew" },
};

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct inbox_world w;

		prepare(&w);
		add_texts();
		answer(wrong[i].verb, wrong[i].with, 1);
		world_open(&w);
		world_run(&w, is_down);
		if (!world_says(&w, wrong[i].words)) {
			struct buf b = { 0 };

			inbox_status(w.inbox, &b);
			fail_msg("%s %s: %s", wrong[i].verb, wrong[i].with, b.data);
		}
		world_run(&w, got_all);
		has_all(&w);
		finish(&w);
	}
}

/* A line without end, a literal without end: memory stays, and the loop goes on. */
static void flood(struct fake *f, const char *p, size_t n, size_t all)
{
	if (f->fd >= 0 && f->out.len < 4 * n && (size_t)f->written < all)
		fake_write(f, p, n);
}

static char flood_piece[65536];
static size_t flood_size;
static int64_t last_tick, longest_gap;

static bool flooded(struct inbox_world *w)
{
	int64_t now = clock_mono();

	(void)w;
	if (last_tick && now - last_tick > longest_gap)
		longest_gap = now - last_tick;
	last_tick = now;
	if (fake.fd >= 0 && strstr(fake.last, "BODY.PEEK") && fake.written > 400)
		for (int i = 0; i < 64; i++)
			flood(&fake, flood_piece, sizeof flood_piece, flood_size);
	return (size_t)fake.written >= flood_size || is_down(w);
}

static void test_floods(void **state)
{
	static const char *const begin[] = { "* 1 FETCH (UID 1 BODY[] {100000000}\r\n",
					     "* 1 FETCH (UID 1 BODY[] {4294967295}\r\n", "* OK ",
					     "* 1 FETCH (UID 1 X \"" };

	(void)state;
	memset(flood_piece, 'x', sizeof flood_piece);
	for (size_t i = 0; i < COUNT(begin); i++) {
		struct inbox_world w;

		prepare(&w);
		w.pace.backoff_first = w.pace.backoff_most = 1;
		add_texts();
		answer("UID FETCH 1 ", begin[i], 1);
		flood_size = 100000000;
		last_tick = longest_gap = 0;
		world_open(&w);
		world_run(&w, flooded);
		fake_hang_up(&fake);
		assert_true(longest_gap < 500);
		world_run(&w, got_all);
		has_all(&w);
		finish(&w);
	}
}

/* A body larger than its size was said to be: read to its end, and stepped over. */
static void test_lying_size(void **state)
{
	size_t n = INBOX_SIZE_MAX + 1;
	char *big = mem_alloc(n + 1);
	struct inbox_world w;

	(void)state;
	memset(big, 'x', n);
	prepare(&w);
	fake_add(&fake, 1, big, n);
	fake.message[0].size = 10;
	fake_add(&fake, 7, text[0], strlen(text[0]));
	fake.message[1].size = 9999999; /* less comes */
	fake_add(&fake, 9, big, n - 1);
	fake_add(&fake, 12, text[2], strlen(text[2]));
	fake.message[3].size = INBOX_SIZE_MAX + 1;
	world_open(&w);
	world_run(&w, is_idle);
	assert_int_equal(w.got_n, 2);
	assert_true(world_has(&w, big, n - 1));
	assert_int_equal(fake.fetches, 3);
	assert_string_equal(w.cursor, "5:12");
	finish(&w);
	free(big);
}

/* ---- time limits ---- */

static void test_silence(void **state)
{
	struct inbox_world w;

	(void)state;
	prepare(&w);
	w.pace.silence = 60;
	add_texts();
	answer("BODY.PEEK", "", 1);
	world_open(&w);
	world_run(&w, is_down);
	assert_true(world_says(&w, "did not answer within the time limit"));
	world_run(&w, got_all);
	has_all(&w);
	finish(&w);
}

static bool trickles(struct inbox_world *w)
{
	if (fake.fd >= 0 && strstr(fake.last, "BODY.PEEK") && instead_times == 0 && fake.out.len < 10)
		fake_say(&fake, "* OK wait\r\n");
	return is_down(w);
}

/* Something all the time, and no end. */
static void test_trickle(void **state)
{
	struct inbox_world w;

	(void)state;
	prepare(&w);
	w.pace.silence = 100;
	w.pace.command = 200;
	add_texts();
	answer("BODY.PEEK", "", 1);
	world_open(&w);
	world_run(&w, trickles);
	assert_true(world_says(&w, "did not come to an end"));
	world_run(&w, got_all);
	has_all(&w);
	finish(&w);
}

static void test_deaf(void **state)
{
	struct inbox_world w;

	(void)state;
	prepare(&w);
	w.pace.connect = 60;
	fake.deaf = true;
	world_open(&w);
	world_run(&w, is_down);
	assert_true(world_says(&w, "connect: "));
	finish(&w);
}

/* ---- login ---- */

static const struct {
	const char *capabilities, *line; /* what the password is sent in; "" not at all */
	enum tls_mode tls;
} login[] = {
	{ "IMAP4rev1 SASL-IR AUTH=PLAIN", " AUTHENTICATE PLAIN AGRhbmEAc2VjInJldFw=", TLS_NONE },
	{ "IMAP4rev1 AUTH=GSSAPI AUTH=CRAM-MD5 AUTH=PLAIN", "AGRhbmEAc2VjInJldFw=", TLS_NONE },
	{ "IMAP4rev1", " LOGIN \"dana\" \"sec\\\"ret\\\\\"", TLS_NONE },
	{ "IMAP4rev1 AUTH=XOAUTH2", " LOGIN \"dana\" \"sec\\\"ret\\\\\"", TLS_OPPORTUNISTIC },
	{ "IMAP4rev1 LOGINDISABLED", "", TLS_NONE },
	{ "IMAP4rev1 AUTH=PLAIN", "", TLS_REQUIRED }, /* no STARTTLS */
};

static bool logged_in_or_down(struct inbox_world *w)
{
	return fake.logins || is_down(w);
}

static void test_logins(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(login); i++) {
		struct inbox_world w;

		prepare(&w);
		w.config.inbox.imap_tls = login[i].tls;
		fake.capabilities = login[i].capabilities;
		fake.piece = 1;
		world_open(&w);
		world_run(&w, logged_in_or_down);
		if (*login[i].line ? !strstr(fake.said.data, login[i].line)
				   : strstr(fake.said.data, "LOGIN") || strstr(fake.said.data, "AUTH"))
			fail_msg("%s: %s", login[i].capabilities, fake.said.data);
		assert_int_equal(fake.logins, *login[i].line != 0);
		finish(&w);
	}
}

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
		cmocka_unit_test(test_pieces),      cmocka_unit_test(test_ends),
		cmocka_unit_test(test_between),     cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_floods),      cmocka_unit_test(test_lying_size),
		cmocka_unit_test(test_silence),     cmocka_unit_test(test_trickle),
		cmocka_unit_test(test_deaf),        cmocka_unit_test(test_logins),
		cmocka_unit_test(test_later),       cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_never_given), cmocka_unit_test(test_poison),
		cmocka_unit_test(test_windows),     cmocka_unit_test(test_news),
		cmocka_unit_test(test_false_news),  cmocka_unit_test(test_validity),
		cmocka_unit_test(test_after),       cmocka_unit_test(test_mark_lost),
	};

	return cmocka_run_group_tests_name("inbox_imap", tests, NULL, NULL);
}
