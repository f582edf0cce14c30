/* rooms: base model rules config net inbox */
/* The IMAP source against a server that does everything wrong: answers split at every byte, connections that end at
 * every byte, literals that lie, garbage, goodbyes, silence. */
#include "imap_cases.h"

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

static void test_greetings(void **state)
{
	struct inbox_world w;

	(void)state;
	prepare(&w);
	add_texts();
	fake.greeting = "* PREAUTH welcome";
	world_open(&w);
	world_run(&w, got_all);
	has_all(&w);
	assert_int_equal(fake.logins, 0);
	finish(&w);

	/* nobody who says he knows us already gets us past TLS */
	prepare(&w);
	add_texts();
	fake.greeting = "* PREAUTH welcome";
	fake.capabilities = "IMAP4rev1 STARTTLS";
	w.config.inbox.imap_tls = TLS_REQUIRED;
	world_open(&w);
	world_run(&w, is_down);
	assert_true(world_says(&w, "tls: "));
	assert_int_equal(w.calls, 0);
	finish(&w);

	prepare(&w);
	fake.greeting = "* BYE too many connections";
	world_open(&w);
	world_run(&w, is_down);
	assert_true(world_says(&w, "greeting: ") && world_says(&w, "too many connections"));
	finish(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),  cmocka_unit_test(test_ends),      cmocka_unit_test(test_between),
		cmocka_unit_test(test_wrong),   cmocka_unit_test(test_floods),    cmocka_unit_test(test_lying_size),
		cmocka_unit_test(test_silence), cmocka_unit_test(test_trickle),   cmocka_unit_test(test_deaf),
		cmocka_unit_test(test_logins),  cmocka_unit_test(test_greetings),
	};

	return cmocka_run_group_tests_name("inbox_imap", tests, NULL, NULL);
}
