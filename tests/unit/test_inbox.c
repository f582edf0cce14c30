/* rooms: base model rules config mime render store check inbox scheduler */
/* From the bytes of a message to what follows: each class's effect, exactly once, all or nothing. */
#include "mail_world.h"

#define SENT1 "enrolled sent:one"
#define GOES_ON SENT1 " sent:two completed"
#define GONE " suppressed:hard_bounce stopped:hard_bounce"
#define REPLY(from, more, text) HEAD(from, "dana@example.com", "Re: Worksheet one") more TEXT text
#define THREAD "In-Reply-To: <$m1@example.com>\n"

struct effect_row {
	const char *message;
	enum mail_class class;
	const char *why;
	const char *ann, *bob, *eve; /* their stories a month later; NULL: as if nothing had come */
};

static void check_row(const struct effect_row *r, size_t i)
{
	struct mail_world iw;
	const char *const story[] = { r->ann, r->bob, r->eve };
	iw_open(&iw, OUTCOME_ACCEPTED);
	assert_int_equal(iw_mail(&iw, r->message), INBOX_DONE);
	if (iw.report.class != r->class || strcmp(iw.report.why, r->why) != 0)
		fail_msg("row %zu: %s, %s", i, mail_class_name(iw.report.class), iw.report.why);
	for (int day = 1; day <= 30; day++)
		go_to(&iw.w, START + day * CLOCK_DAY);
	for (int who = 0; who < 3; who++)
		assert_story(&iw.w, iw.who[who], story[who] != NULL ? story[who] : GOES_ON);
	iw_close(&iw);
}
#define CHECK_ALL(row)                                          \
	do {                                                    \
		for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) \
			check_row(&row[i], i);                  \
	} while (0)

static void test_bounces(void **state)
{
	static const struct effect_row row[] = {
		{ DSN("bounce+$b1@example.com", "failed", "5.1.1", "ann@acme.example", ""), CLASS_BOUNCE, "verp", SENT1 " bounced" GONE, NULL, NULL },
		{ DSN("dana@example.com", "failed", "5.1.1", "ann@acme.example", "Message-ID: <$m1@example.com>\n"), CLASS_BOUNCE, "message-id", SENT1 " bounced" GONE,
		  NULL, NULL },
		{ DSN("bounce+$b1@example.com", "failed", "5.2.2", "ann@acme.example", ""), CLASS_BOUNCE, "verp", SENT1 " bounced sent:two completed", NULL, NULL },
		/* forged: by address, by a token that is none, by a Message-ID that is not ours */
		{ DSN("bounce@example.com", "failed", "5.1.1", "ann@acme.example", "Message-ID: <real@example.com>\n"), CLASS_BOUNCE, "no match", NULL, NULL, NULL },
		{ DSN("bounce+$x@example.com", "failed", "5.1.1", "ann@acme.example", "Message-ID: <$x@example.com>\n"), CLASS_BOUNCE, "forged token", NULL, NULL,
		  NULL },
		{ DSN("bounce+$b0@example.com", "failed", "5.1.1", "ann@acme.example", ""), CLASS_BOUNCE, "unknown touch", NULL, NULL, NULL },
		/* no failure */
		{ DSN("bounce+$b1@example.com", "delayed", "4.4.1", "ann@acme.example", ""), CLASS_NOTICE, "verp", SENT1 " notice sent:two completed", NULL, NULL },
		{ DSN("bounce+$b1@example.com", "relayed", "2.0.0", "ann@acme.example", ""), CLASS_NOTICE, "verp", SENT1 " notice sent:two completed", NULL, NULL },
	};
	(void)state;
	CHECK_ALL(row);
}

static void test_people(void **state)
{
#define ENDED(event) SENT1 " " event
	static const struct effect_row row[] = {
		{ REPLY("ann@acme.example", THREAD, "Thank you, this is useful.\n"), CLASS_REPLY, "in-reply-to", ENDED("replied stopped:replied"),
		  SENT1 " waiting:account_hold sent:two completed", NULL },
		{ REPLY("ann@acme.example", "", "Thank you, this is useful.\n"), CLASS_REPLY, "from", ENDED("replied stopped:replied"),
		  SENT1 " waiting:account_hold sent:two completed", NULL },
		/* a colleague who is no contact, and one who is */
		{ REPLY("cid@acme.example", THREAD, "Ann has left us, I look after this now.\n"), CLASS_REPLY, "in-reply-to", ENDED("replied stopped:replied"),
		  SENT1 " waiting:account_hold sent:two completed", NULL },
		{ REPLY("bob@acme.example", THREAD, "Ann showed me this, thank you.\n"), CLASS_REPLY, "in-reply-to", ENDED("replied stopped:replied"),
		  ENDED("replied stopped:replied"), NULL },
		{ REPLY("nobody@else.example", "", "Thank you, this is useful.\n"), CLASS_OTHER, "no match", NULL, NULL, NULL },
		/* asks to stop: by token, to the address, in a few words, from another address in the thread */
		{ HEAD("ann@home.example", "unsubscribe@example.com", "unsubscribe $u1") TEXT "\n", CLASS_UNSUBSCRIBE, "unsubscribe-token",
		  ENDED("unsubscribed suppressed:unsubscribed stopped:unsubscribed"), NULL, NULL },
		{ HEAD("ann@acme.example", "unsubscribe+$u1@example.com", "bye") "Auto-Submitted: auto-generated\n" TEXT "\n", CLASS_UNSUBSCRIBE, "unsubscribe-token",
		  ENDED("unsubscribed suppressed:unsubscribed stopped:unsubscribed"), NULL, NULL },
		{ HEAD("ann@acme.example", "unsubscribe@example.com", "hello") TEXT "I was sent here.\n", CLASS_UNSUBSCRIBE, "from",
		  ENDED("unsubscribed suppressed:unsubscribed stopped:unsubscribed"), NULL, NULL },
		{ REPLY("ann@acme.example", THREAD, "Please remove me from your list.\n"), CLASS_UNSUBSCRIBE, "in-reply-to",
		  ENDED("unsubscribed suppressed:unsubscribed stopped:unsubscribed"), NULL, NULL },
		{ HEAD("ann@acme.example", "dana@example.com", "Unsubscribe") TEXT "\n", CLASS_UNSUBSCRIBE, "from",
		  ENDED("unsubscribed suppressed:unsubscribed stopped:unsubscribed"), NULL, NULL },
		/* whoever writes from elsewhere in the thread asks for themselves: of Ann it is an answer */
		{ REPLY("bob@acme.example", THREAD, "unsubscribe\n"), CLASS_UNSUBSCRIBE, "in-reply-to", ENDED("replied stopped:replied"),
		  ENDED("unsubscribed suppressed:unsubscribed stopped:unsubscribed"), NULL },
		{ REPLY("x@else.example", THREAD, "Unsubscribe me please.\n"), CLASS_UNSUBSCRIBE, "in-reply-to", ENDED("replied stopped:replied"),
		  SENT1 " waiting:account_hold sent:two completed", NULL },
		/* who answers and is away is a person */
		{ REPLY("ann@acme.example", THREAD, "I will be out of the office next week, but I am interested. Call me?\n"), CLASS_REPLY, "in-reply-to",
		  ENDED("replied stopped:replied"), SENT1 " waiting:account_hold sent:two completed", NULL },
		{ REPLY("ann@acme.example", THREAD, "I will be out of the office until 12 January 2026. In urgent cases call Bob.\n"), CLASS_AUTO_REPLY, "in-reply-to",
		  SENT1 " auto_replied held:out_of_office waiting:contact_hold sent:two completed", NULL, NULL },
		{ HEAD("x@y.example", "unsubscribe@example.com", "unsubscribe $x") TEXT "\n", CLASS_OTHER, "forged token", NULL, NULL, NULL },
		{ ARF("dana@example.com", "Message-ID: <$m1@example.com>\n"), CLASS_COMPLAINT, "message-id",
		  ENDED("complained suppressed:complained stopped:complained"), NULL, NULL },
		{ ARF("dana@example.com", "Message-ID: <real@example.com>\n"), CLASS_COMPLAINT, "no match", NULL, NULL, NULL },
	};
	(void)state;
	CHECK_ALL(row);
}

static void test_programs(void **state)
{
	static const struct effect_row row[] = {
		{ OOO("Out of office", "I am away and will be back on 12 January 2026.\n"), CLASS_AUTO_REPLY, "verp",
		  SENT1 " auto_replied held:out_of_office waiting:contact_hold sent:two completed", NULL, NULL },
		/* of the deputy to whom Ann's mail is forwarded: they are away, not she */
		{ HEAD("bob@acme.example", "bounce+$b1@example.com", "Out of office") "Auto-Submitted: auto-replied\n" TEXT "I am away.\n", CLASS_AUTO_REPLY, "verp",
		  NULL, SENT1 " auto_replied held:out_of_office waiting:contact_hold sent:two completed", NULL },
		{ MDN("Original-Message-ID: <$m1@example.com>\n"), CLASS_RECEIPT, "from", SENT1 " receipt sent:two completed", NULL, NULL },
		/* our own: the Sent folder, the seller's answer in the thread, a note, our own vacation */
		{ HEAD("dana@example.com", "ann@acme.example", "Worksheet one") TEXT "Hello\n", CLASS_OWN, "no match", NULL, NULL, NULL },
		{ HEAD("dana.reyes@example.com", "ann@acme.example", "Re: Worksheet one") THREAD TEXT "Gladly.\n", CLASS_OWN, "no match", NULL, NULL, NULL },
		/* a colleague of the sender's in the thread */
		{ HEAD("lee@example.com", "ann@acme.example", "Re: Worksheet one") THREAD TEXT "I can tell you more.\n", CLASS_OWN, "no match", NULL, NULL, NULL },
		{ HEAD("lee@example.com", "unsubscribe@example.com", "Fwd: unsubscribe $u1") TEXT "\n", CLASS_UNSUBSCRIBE, "unsubscribe-token",
		  SENT1 " unsubscribed suppressed:unsubscribed stopped:unsubscribed", NULL, NULL },
		{ HEAD("seller@example.com", "dana@example.com", "Re: ann@acme.example answered") TEXT "Thanks\n", CLASS_OWN, "no match", NULL, NULL, NULL },
	};
	(void)state;
	CHECK_ALL(row);
}

/* ---- exactly once ---- */

static int64_t events(struct mail_world *iw)
{
	return store_event_last(iw->w.store);
}

static void put_text(struct mail_world *iw, const char *text, bool repeated)
{
	assert_int_equal(iw_mail(iw, text), INBOX_DONE);
	if (iw->report.repeated != repeated)
		fail_msg("repeated %d: %.200s", iw->report.repeated, text);
}

static void test_exactly_once(void **state)
{
	struct mail_world iw;
	struct buf crlf = { 0 };
	char cursor[64];
	(void)state;
	iw_open(&iw, OUTCOME_ACCEPTED);
	put_text(&iw, REPLY("ann@acme.example", THREAD, "Thanks\n\nAnn\n"), false);
	int64_t last = events(&iw);
	put_text(&iw, REPLY("ann@acme.example", THREAD, "Thanks\n\nAnn\n"), true);
	/* the copy of another way: trace headers, a mailbox line, CRLF */
	put_text(&iw, "Received: from a by b; now\nDelivered-To: all@example.com\n" REPLY("ann@acme.example", THREAD, "Thanks\n\nAnn\n\n"), true);
	iw_expand(&iw, REPLY("ann@acme.example", THREAD, "Thanks\n\nAnn\n"), &crlf);
	struct buf wire = { 0 };
	for (size_t i = 0; i < crlf.len; i++)
		buf_printf(&wire, crlf.data[i] == '\n' ? "\r\n" : "%c", crlf.data[i]);
	assert_int_equal(iw_put(&iw, wire.data, wire.len, "uid 7"), INBOX_DONE);
	assert_true(iw.report.repeated);
	assert_int_equal(store_cursor_get(iw.w.store, "test", cursor, sizeof cursor, NULL), 1); /* and it is read on behind it */
	assert_string_equal(cursor, "uid 7");
	assert_int_equal(events(&iw), last);
	assert_int_equal(iw.answers, 1);
	/* a program that always gives the same Message-ID must not make a person unheard */
	put_text(&iw, REPLY("ann@acme.example", THREAD, "Please remove me from your list.\n"), false);
	assert_int_equal(store_suppressed(iw.w.store, "ann@acme.example"), REASON_UNSUBSCRIBED);
	buf_free(&crlf);
	buf_free(&wire);
	iw_close(&iw);
}

static void count_row(void *arg, const char *class, int64_t n)
{
	buf_printf(arg, "%s=%lld ", class, (long long)n);
}

/* Nothing of it happened, and those behind it go on; later it takes effect as if nothing had been. */
static void test_failing_effect(void **state)
{
	struct mail_world iw;
	struct buf counts = { 0 };
	char cursor[64];
	(void)state;
	iw_open(&iw, OUTCOME_ACCEPTED);
	int64_t last = events(&iw);
	iw.answer_fails = true;
	assert_int_equal(iw_mail(&iw, REPLY("ann@acme.example", THREAD, "Thanks\n")), INBOX_LATER);
	assert_string_equal(iw.err.text, "disk full");
	assert_int_equal(events(&iw), last);
	assert_int_equal(iw.changed, 0);
	assert_int_equal(store_note_first(iw.w.store), CLOCK_NEVER);
	iw.answer_fails = false;
	struct buf b = { 0 };
	iw_expand(&iw, REPLY("eve@other.example", "In-Reply-To: <$m3@example.com>\n", "Thanks\n"), &b);
	assert_int_equal(iw_put(&iw, b.data, b.len, "uid 8"), INBOX_DONE);
	put_text(&iw, REPLY("ann@acme.example", THREAD, "Thanks\n"), false);
	assert_story(&iw.w, iw.who[ANN], "enrolled sent:one replied stopped:replied");
	assert_int_equal(store_cursor_get(iw.w.store, "test", cursor, sizeof cursor, NULL), 1);
	assert_string_equal(cursor, "uid 8");
	assert_int_equal(store_mail_counts(iw.w.store, count_row, &counts, NULL), 0);
	assert_string_equal(buf_text(&counts), "reply=2 ");
	buf_free(&b);
	buf_free(&counts);
	iw_close(&iw);
}

/* The circuit breaker trips inside of a transaction that fails: sending is not paused by what did not happen. */
static void test_failing_breaker(void **state)
{
	struct mail_world iw;
	struct err e = { "" };
	(void)state;
	iw_open(&iw, OUTCOME_ACCEPTED);
	assert_int_equal(store_begin(iw.w.store, &e), 0);
	assert_int_equal(store_hour_count(iw.w.store, clock_now(&iw.w.clock), STORE_HOUR_SENDS, 60, &e), 0);
	assert_int_equal(store_commit_now(iw.w.store, &e), 0);
	for (int fails = 1; fails >= 0; fails--) {
		struct buf json = { 0 };
		iw.answer_fails = fails;
		assert_int_equal(iw_mail(&iw, ARF("dana@example.com", "Message-ID: <$m1@example.com>\n")), fails ? INBOX_LATER : INBOX_DONE);
		scheduler_status(sched, &json);
		assert_non_null(strstr(buf_text(&json), fails ? "\"paused\":false" : "\"paused\":true,\"paused_by\":\"complaint_rate\""));
		buf_free(&json);
	}
	iw_close(&iw);
}

/* ---- details ---- */

struct details {
	enum event_type type;
	struct buf text;
};

static void detail_row(void *arg, const struct event *ev)
{
	struct details *d = arg;
	if (ev->type == d->type)
		buf_printf(&d->text, "%s/%s %s\n", ev->sequence, ev->step, ev->detail);
}

static void assert_details(struct mail_world *iw, enum event_type type, const char *expected)
{
	struct details d = { .type = type };
	assert_true(store_events(iw->w.store, 0, 1000, detail_row, &d, NULL) >= 0);
	assert_string_equal(buf_text(&d.text), expected);
	buf_free(&d.text);
}

/* The log has the person's own words, bounded and without controls; the seller is told once. */
static void test_reply_is_told(void **state)
{
	struct mail_world iw;
	(void)state;
	iw_open(&iw, OUTCOME_ACCEPTED);
	put_text(&iw,
	         HEAD("cid@acme.example", "dana@example.com", "Re: =?utf-8?Q?W=C3=B6rk=07sheet?= one") THREAD TEXT
	         "Gr\xc3\xbc\xc3\x9f" "e, \x1b[31mred\x1b[0m and \xe2\x80\xaereversed.\n\nCid\n\nOn Mon, Jan 5, 2026 at 9:00 AM Dana <dana@example.com> wrote:\n> Hello Ann,\n",
	         false);
	assert_details(&iw, EVENT_REPLIED, "course/one \"subject\":\"Re: W\xc3\xb6rk sheet one\",\"text\":\"Gr\xc3\xbc\xc3\x9f" "e, [31mred[0m and reversed.\\n\\nCid\"\n");
	assert_string_equal(buf_text(&iw.told),
	                    "seller@example.com|cid@acme.example answered course|Ann <ann@acme.example> of acme.example was answered for by cid@acme.example.\n"
	                    "The answer is to step one of sequence course.\nAll sequences of this person have ended.\n\nSubject: Re: W\xc3\xb6rk sheet one\n\n"
	                    "> Gr\xc3\xbc\xc3\x9f" "e, [31mred[0m and reversed.\n> \n> Cid\n\nTo reply, find the message in your mailbox or write to cid@acme.example.\n"
	                    "Do not reply to this note: nobody but abvd would read it.\n");
	assert_string_equal(iw.w.fake.to[iw.w.fake.started - 1], "seller@example.com");
	iw_close(&iw);
}

static void test_text_is_bounded(void **state)
{
	struct mail_world iw;
	struct buf b = { 0 }, own = { 0 };
	(void)state;
	iw_open(&iw, OUTCOME_ACCEPTED);
	buf_str(&b, REPLY("eve@other.example", "", ""));
	for (int i = 0; i < 3000; i++)
		buf_str(&b, i % 20 == 19 ? "caf\xc3\xa9\n" : "caf\xc3\xa9 ");
	assert_int_equal(iw_put(&iw, b.data, b.len, ""), INBOX_DONE);
	struct details d = { .type = EVENT_REPLIED };
	assert_true(store_events(iw.w.store, 0, 1000, detail_row, &d, NULL) >= 0);
	assert_in_range(d.text.len, 7000, 9500);
	assert_null(strstr(d.text.data, "\xef\xbf\xbd")); /* cut between characters */
	buf_free(&d.text);
	buf_free(&own);
	buf_free(&b);
	iw_close(&iw);
}

static void test_absence(void **state)
{
	static const struct {
		const char *message;
		int64_t until;
	} row[] = {
		{ OOO("Out of office", "I am back on 12 January 2026.\n"), INT64_C(1768176000000) },
		{ OOO("Out of office until 12 January 2026", "Thank you for your message.\n"), INT64_C(1768176000000) },
		{ OOO("Out of office", "I am away.\n"), START + CLOCK_HOUR + 7 * CLOCK_DAY },
		{ OOO("Out of office", "I am back on 12 January 2031.\n"), START + CLOCK_HOUR + 7 * CLOCK_DAY },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct mail_world iw;
		int64_t until;
		iw_open(&iw, OUTCOME_ACCEPTED);
		put_text(&iw, row[i].message, false);
		assert_int_equal(store_contact_hold_get(iw.w.store, iw.who[ANN], &until, NULL, NULL), 0);
		assert_int_equal(until, row[i].until);
		assert_int_equal(buf_text(&iw.told)[0], '\0'); /* nobody is told of a machine */
		iw_close(&iw);
	}
}

/* Of a report about several addresses behind the contact's, a bad one is not the contact's as long as others got the letter. */
static void test_several_recipients(void **state)
{
#define MORE(to, second) DSN(to, "failed", "5.1.1", "old@acme.example", second)
	static const struct {
		const char *second; /* a further recipient, in the report */
		bool suppressed;
	} row[] = {
		{ "", true },
		{ "Final-Recipient: rfc822; new@acme.example\nAction: delivered\nStatus: 2.0.0\n\n", false },
		{ "Final-Recipient: rfc822; ann@acme.example\nAction: failed\nStatus: 4.2.2\n\n", false },
		{ "Final-Recipient: rfc822; ann@acme.example\nAction: failed\nStatus: 5.1.1\n\n", true },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct mail_world iw;
		struct buf b = { 0 };
		iw_open(&iw, OUTCOME_ACCEPTED);
		const char *dsn = DSN("bounce+$b1@example.com", "failed", "5.1.1", "old@acme.example", ""), *at = strstr(dsn, "--BB\nContent-Type: text/rfc822-headers");
		buf_add(&b, dsn, (size_t)(at - dsn));
		buf_str(&b, row[i].second);
		buf_str(&b, at);
		put_text(&iw, buf_text(&b), false);
		if ((store_suppressed(iw.w.store, "ann@acme.example") != REASON_NONE) != row[i].suppressed)
			fail_msg("row %zu", i);
		buf_free(&b);
		iw_close(&iw);
	}
}

static void test_soft_bounces(void **state)
{
	struct mail_world iw;
	(void)state;
	iw_open(&iw, OUTCOME_ACCEPTED);
	/* the same letter's: one, however many reports there are */
	for (int i = 0; i < 4; i++) {
		struct buf b = { 0 };
		buf_printf(&b, "X-Number: %d\n" DSN("bounce+$b1@example.com", "failed", "4.2.2", "ann@acme.example", "X: %d\n"), i, i);
		put_text(&iw, buf_text(&b), false);
		buf_free(&b);
	}
	assert_int_equal(store_suppressed(iw.w.store, "ann@acme.example"), REASON_NONE);
	go_to(&iw.w, START + 2 * CLOCK_DAY);
	assert_int_equal(store_touches_of(iw.w.store, iw.who[ANN], iw_touch_row, &iw.touch[ANN], NULL), 0);
	put_text(&iw, DSN("bounce+$b1@example.com", "failed", "4.2.2", "ann@acme.example", "X: second letter\n"), false);
	assert_int_equal(store_suppressed(iw.w.store, "ann@acme.example"), REASON_NONE);
	iw_close(&iw);
}

/* Mail that comes back proves that a letter in doubt was delivered; a From alone does not. */
static void test_unknown_is_resolved(void **state)
{
	static const struct {
		const char *message;
		enum touch_state state;
	} row[] = {
		{ DSN("bounce+$b1@example.com", "failed", "5.1.1", "ann@acme.example", ""), TOUCH_ACCEPTED },
		{ REPLY("ann@acme.example", THREAD, "Thanks\n"), TOUCH_ACCEPTED },
		{ OOO("Out of office", "I am away.\n"), TOUCH_ACCEPTED },
		{ REPLY("ann@acme.example", "", "Thanks\n"), TOUCH_UNKNOWN },
		{ DSN("bounce+$x@example.com", "failed", "5.1.1", "ann@acme.example", ""), TOUCH_UNKNOWN },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct mail_world iw;
		struct touch *t = NULL;
		iw_open(&iw, OUTCOME_UNKNOWN);
		put_text(&iw, row[i].message, false);
		assert_int_equal(store_touch(iw.w.store, iw.touch[ANN], &t, NULL), 1);
		if (t->state != row[i].state)
			fail_msg("row %zu: %s", i, touch_state_name(t->state));
		touch_free(&t);
		iw_close(&iw);
	}
}

/* A mailbox that is read again from its beginning: what is older than the memory of it has no effect. */
static void test_old_mail(void **state)
{
	struct mail_world iw;
	struct clock real;
	char date[CLOCK_TEXT_MAX + 8];
	(void)state;
	clock_init_real(&real);
	for (int old = 0; old < 2; old++) {
		struct buf b = { 0 };
		iw_open(&iw, OUTCOME_ACCEPTED);
		clock_set(&iw.w.clock, START + 500 * CLOCK_DAY);
		buf_printf(&b, "Date: %s\n" REPLY("ann@acme.example", THREAD, "Thanks\n"), clock_format_mail(clock_now(&real) - (old ? 401 : 399) * CLOCK_DAY, date));
		put_text(&iw, buf_text(&b), false);
		assert_int_equal(iw.answers, !old);
		assert_string_equal(iw.report.why, old ? "stale" : "in-reply-to");
		buf_free(&b);
		iw_close(&iw);
	}
}

/* A Date from before the letter that it answers is a wrong clock; of what answers no letter nothing else is known. */
static void test_wrong_clock(void **state)
{
	struct mail_world iw;
	struct clock real;
	char date[CLOCK_TEXT_MAX + 8];
	(void)state;
	clock_init_real(&real);
	for (int thread = 0; thread < 2; thread++) {
		struct buf b = { 0 };
		iw_open(&iw, OUTCOME_ACCEPTED);
		buf_printf(&b, "Date: %s\n", clock_format_mail(clock_now(&real) - 900 * CLOCK_DAY, date));
		buf_str(&b, thread ? REPLY("ann@acme.example", THREAD, "Thanks\n") : REPLY("ann@acme.example", "", "Thanks\n"));
		put_text(&iw, buf_text(&b), false);
		assert_int_equal(iw.answers, thread);
		assert_string_equal(iw.report.why, thread ? "in-reply-to" : "stale");
		buf_free(&b);
		iw_close(&iw);
	}
}

static void test_hostile(void **state)
{
	static const char *const text[] = {
		"", "\n", "\r\n\r\n", "x", "From: \n\n", "From: ann@acme.example\nTo: bounce+@example.com\nSubject: unsubscribe \t\n\n",
		"In-Reply-To: <@>\nReferences: <> < > <-@example.com> <$x@> <$m1>\nFrom: x\n\n", "Content-Type: multipart/report; report-type=delivery-status\n\n--\n",
	};
	struct mail_world iw;
	char nul[] = "From: ann@acme.example\0\nTo: x\n\n\0\0body";
	(void)state;
	iw_open(&iw, OUTCOME_ACCEPTED);
	for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
		(void)iw_mail(&iw, text[i]);
	assert_int_equal(iw_put(&iw, nul, sizeof nul, "c"), INBOX_DONE);
	char *large = mem_alloc(INBOX_SIZE_MAX + 1);
	memset(large, 'a', INBOX_SIZE_MAX + 1);
	int64_t last = events(&iw);
	assert_int_equal(iw_put(&iw, large, INBOX_SIZE_MAX, "c"), INBOX_DONE);
	assert_int_equal(iw_put(&iw, large, INBOX_SIZE_MAX + 1, "d"), INBOX_DONE);
	assert_string_equal(iw.report.why, "too large");
	assert_int_equal(events(&iw), last);
	free(large);
	iw_close(&iw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounces),
		cmocka_unit_test(test_people),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_exactly_once),
		cmocka_unit_test(test_failing_effect),
		cmocka_unit_test(test_failing_breaker),
		cmocka_unit_test(test_reply_is_told),
		cmocka_unit_test(test_text_is_bounded),
		cmocka_unit_test(test_absence),
		cmocka_unit_test(test_several_recipients),
		cmocka_unit_test(test_soft_bounces),
		cmocka_unit_test(test_unknown_is_resolved),
		cmocka_unit_test(test_old_mail),
		cmocka_unit_test(test_wrong_clock),
		cmocka_unit_test(test_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
