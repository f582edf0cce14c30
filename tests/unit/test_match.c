/* rooms: base model rules config mime render store check inbox scheduler */
/* Whose message is it: what is believed, in which order, and what proves nothing. */
#include "../../src/inbox/inbox_int.h"
#include "abv/mime.h"
#include "mail_world.h"

struct row {
	enum mail_class class; /* as it would have been classified */
	const char *message;
	const char *how, *refused;
	int who, writer; /* -1: nobody */
	const char *original_id, *envelope_id, *recipient; /* as they would have been read of a report; NULL "" */
};

static int number(const struct mail_world *iw, int64_t id)
{
	for (int i = 0; i < 3; i++)
		if (id != 0 && iw->who[i] == id)
			return i;
	return -1;
}

static int64_t written; /* what the message's Date would say */

static void look(struct mail_world *iw, const struct row *r, struct match *out)
{
	struct buf b = { 0 }, id = { 0 };
	struct mail *m;
	struct classified k = { .class = r->class };
	iw_expand(iw, r->original_id != NULL ? r->original_id : "", &id);
	snprintf(k.original_id, sizeof k.original_id, "%s", buf_text(&id));
	iw_expand(iw, r->envelope_id != NULL ? r->envelope_id : "", &id);
	snprintf(k.envelope_id, sizeof k.envelope_id, "%s", buf_text(&id));
	if (r->recipient != NULL)
		snprintf(k.bounce[k.bounce_n++].recipient, sizeof k.bounce[0].recipient, "%s", r->recipient);
	iw_expand(iw, r->message, &b);
	mime_parse(b.data, b.len, &m);
	if (match_mail(iw->w.store, iw->w.plan->config, m, &k, clock_now(&iw->w.clock), written, out, &iw->err) != 0)
		fail_msg("%s", iw->err.text);
	mail_free(&m);
	buf_free(&b);
	buf_free(&id);
}

static void look_all(struct mail_world *iw, const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct match m;
		look(iw, &row[i], &m);
		if (strcmp(m.how, row[i].how) != 0 || strcmp(m.refused, row[i].refused) != 0 || number(iw, m.contact_id) != row[i].who ||
		    number(iw, m.writer_id) != row[i].writer)
			fail_msg("row %zu: '%s' '%s' %d %d", i, m.how, m.refused, number(iw, m.contact_id), number(iw, m.writer_id));
		if (row[i].who >= 0 && m.touch_id != 0)
			assert_int_equal(m.touch_id, iw->touch[row[i].who]);
	}
}

#define FROM(f, more) "From: " f "\n" more "\nHello\n"
#define DAEMON(more) FROM("mailer-daemon@mx.example", more)

static void test_candidates(void **state)
{
	static const struct row row[] = {
		/* tokens in addresses, wherever they stand, in whatever case */
		{ CLASS_BOUNCE, DAEMON("To: bounce+$b1@example.com\n"), "verp", "", ANN, -1, NULL, NULL, NULL },
		{ CLASS_BOUNCE, DAEMON("Delivered-To: all@example.com\nX-Original-To: bounce+$b3@example.com\n"), "verp", "", EVE, -1, NULL, NULL, NULL },
		{ CLASS_REPLY, FROM("ann@acme.example", "To: BOUNCE+$b1@EXAMPLE.COM\n"), "verp", "", ANN, -1, NULL, NULL, NULL },
		{ CLASS_REPLY, FROM("ann@home.example", "To: reply+$r1@example.com\n"), "reply-token", "", ANN, -1, NULL, NULL, NULL },
		{ CLASS_OTHER, FROM("x@y.example", "To: unsubscribe+$u1@example.com\n"), "unsubscribe-token", "", ANN, -1, NULL, NULL, NULL },
		{ CLASS_REPLY, FROM("x@y.example", "To: unsubscribe@example.com\nSubject: unsubscribe $u1\n"), "unsubscribe-token", "", ANN, -1, NULL, NULL, NULL },
		/* the kind counts: a Message-ID's token in an address is none */
		{ CLASS_BOUNCE, DAEMON("To: bounce+$m1@example.com\n"), "", "forged token", -1, -1, NULL, NULL, NULL },
		{ CLASS_BOUNCE, DAEMON("To: x@example.com\nSubject: unsubscribe $u1\n"), "", "", -1, -1, NULL, NULL, NULL },
		/* what a report returns */
		{ CLASS_BOUNCE, DAEMON("To: dana@example.com\n"), "message-id", "", ANN, -1, "$m1@example.com", NULL, NULL },
		{ CLASS_BOUNCE, DAEMON("To: dana@example.com\n"), "message-id", "", ANN, -1, "$m1@old-domain.example", NULL, NULL },
		{ CLASS_COMPLAINT, FROM("fbl@p.example", "To: dana@example.com\n"), "message-id", "", BOB, -1, "$m2@example.com", NULL, NULL },
		{ CLASS_BOUNCE, DAEMON("To: dana@example.com\n"), "envelope-id", "", ANN, -1, NULL, "$m1@example.com", NULL },
		/* the address before the returned headers before the thread before From */
		{ CLASS_BOUNCE, DAEMON("To: bounce+$b1@example.com\n"), "verp", "", ANN, -1, "$m2@example.com", NULL, NULL },
		{ CLASS_REPLY, FROM("eve@other.example", "In-Reply-To: <$m1@example.com>\n"), "in-reply-to", "", ANN, EVE, NULL, NULL, NULL },
		{ CLASS_REPLY, FROM("ann@acme.example", "References: <$m1@example.com> <else@x.example>\n"), "references", "", ANN, -1, NULL, NULL, NULL },
		{ CLASS_REPLY, FROM("x@y.example", "References: <$m1@example.com> <$m2@example.com>\n"), "references", "", BOB, -1, NULL, NULL, NULL },
		{ CLASS_REPLY, FROM("Ann <ANN@acme.example>", "Subject: hi\n"), "from", "", ANN, -1, NULL, NULL, NULL },
		{ CLASS_REPLY, FROM("x@y.example", "Subject: hi\n"), "", "", -1, -1, NULL, NULL, NULL },
		/* a colleague: the letter's contact, and the colleague where they are one */
		{ CLASS_REPLY, FROM("bob@acme.example", "In-Reply-To: <$m1@example.com>\n"), "in-reply-to", "", ANN, BOB, NULL, NULL, NULL },
		{ CLASS_REPLY, FROM("cid@acme.example", "In-Reply-To: <$m1@example.com>\n"), "in-reply-to", "", ANN, -1, NULL, NULL, NULL },
	};
	struct mail_world iw;
	(void)state;
	iw_open(&iw, OUTCOME_ACCEPTED);
	look_all(&iw, row, sizeof row / sizeof row[0]);
	iw_close(&iw);
}

/* A complaint that returns nothing of the letter but its return path. */
static void test_reported_sender(void **state)
{
	static const struct {
		const char *sender, *how, *refused;
		int who;
	} row[] = {
		{ "bounce+$b2@example.com", "verp", "", BOB },
		{ "bounce+$x@example.com", "", "forged token", -1 },
		{ "bounce+$m2@example.com", "", "forged token", -1 },
		{ "bounce@example.com", "", "", -1 },
	};
	const char *const message = "From: fbl@p.example\nTo: dana@example.com\n\nx\n";
	struct mail_world iw;
	(void)state;
	iw_open(&iw, OUTCOME_ACCEPTED);
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct classified k = { .class = CLASS_COMPLAINT };
		struct buf sender = { 0 };
		struct match out;
		struct mail *m;
		iw_expand(&iw, row[i].sender, &sender);
		snprintf(k.original_sender, sizeof k.original_sender, "%s", buf_text(&sender));
		mime_parse(message, strlen(message), &m);
		assert_int_equal(match_mail(iw.w.store, iw.w.plan->config, m, &k, clock_now(&iw.w.clock), written, &out, &iw.err), 0);
		assert_string_equal(out.how, row[i].how);
		assert_string_equal(out.refused, row[i].refused);
		assert_int_equal(number(&iw, out.contact_id), row[i].who);
		mail_free(&m);
		buf_free(&sender);
	}
	iw_close(&iw);
}

static void test_not_believed(void **state)
{
	static const struct row row[] = {
		/* a bounce or a complaint is never known by its From or To alone */
		{ CLASS_BOUNCE, FROM("ann@acme.example", "To: bounce@example.com\n"), "", "", -1, -1, NULL, NULL, "ann@acme.example" },
		{ CLASS_BOUNCE, DAEMON("To: bounce@example.com\n"), "", "", -1, -1, "real@x.example", NULL, "ann@acme.example" },
		{ CLASS_COMPLAINT, FROM("ann@acme.example", "In-Reply-To: <$m1@example.com>\n"), "", "", -1, -1, NULL, NULL, NULL },
		{ CLASS_NOTICE, FROM("ann@acme.example", "\n"), "", "", -1, -1, NULL, NULL, NULL },
		/* forged: the right shape at our address, and no MAC of ours */
		{ CLASS_BOUNCE, DAEMON("To: bounce+$x@example.com\n"), "", "forged token", -1, -1, NULL, NULL, NULL },
		{ CLASS_BOUNCE, DAEMON("To: dana@example.com\n"), "", "forged token", -1, -1, "$x@example.com", NULL, NULL },
		{ CLASS_BOUNCE, DAEMON("To: bounce+$x@elsewhere.example\n"), "", "", -1, -1, NULL, NULL, NULL },
		{ CLASS_BOUNCE, DAEMON("To: bounce+news@example.com, a+b+c@example.com, +@example.com, x@\n"), "", "", -1, -1, NULL, NULL, NULL },
		{ CLASS_UNSUBSCRIBE, FROM("x@y.example", "To: unsubscribe@example.com\nSubject: unsubscribe $x\n"), "", "forged token", -1, -1, NULL, NULL, NULL },
		/* ... which is no reason to shut out what else there is */
		{ CLASS_BOUNCE, DAEMON("To: bounce+$x@example.com\n"), "message-id", "forged token", ANN, -1, "$m1@example.com", NULL, NULL },
		{ CLASS_REPLY, FROM("ann@acme.example", "In-Reply-To: <$x@example.com>\n"), "from", "forged token", ANN, -1, NULL, NULL, NULL },
		/* a MAC of ours for a letter that never was (another store's, a test message's) */
		{ CLASS_BOUNCE, DAEMON("To: bounce+$b0@example.com\n"), "", "unknown touch", -1, -1, NULL, NULL, NULL },
		/* in a thread of ours a report may be about mail that a person wrote to somebody else */
		{ CLASS_BOUNCE, DAEMON("References: <$m1@example.com>\n"), "", "a report about another address", -1, -1, NULL, NULL, "cc@acme.example" },
		{ CLASS_BOUNCE, DAEMON("References: <$m1@example.com>\n"), "references", "", ANN, -1, NULL, NULL, "ann@acme.example" },
		{ CLASS_BOUNCE, DAEMON("In-Reply-To: <$m1@example.com>\n"), "in-reply-to", "", ANN, -1, NULL, NULL, NULL },
	};
	struct mail_world iw;
	(void)state;
	iw_open(&iw, OUTCOME_ACCEPTED);
	look_all(&iw, row, sizeof row / sizeof row[0]);
	iw_close(&iw);
}

/* After store.keep_events what comes back for a letter is history, but for what a person asks. */
static void test_stale(void **state)
{
	static const struct row row[] = {
		{ CLASS_BOUNCE, DAEMON("To: bounce+$b1@example.com\n"), "", "stale", -1, -1, NULL, NULL, NULL },
		{ CLASS_AUTO_REPLY, FROM("x@y.example", "To: bounce+$b1@example.com\n"), "", "stale", -1, -1, NULL, NULL, NULL },
		{ CLASS_REPLY, FROM("ann@acme.example", "In-Reply-To: <$m1@example.com>\n"), "in-reply-to", "", ANN, -1, NULL, NULL, NULL },
		{ CLASS_OTHER, FROM("x@y.example", "To: unsubscribe@example.com\nSubject: unsubscribe $u1\n"), "unsubscribe-token", "", ANN, -1, NULL, NULL, NULL },
		{ CLASS_COMPLAINT, DAEMON("To: dana@example.com\n"), "message-id", "", ANN, -1, "$m1@example.com", NULL, NULL },
	};
	struct mail_world iw;
	struct match m;
	(void)state;
	iw_open(&iw, OUTCOME_ACCEPTED);
	clock_set(&iw.w.clock, START + 400 * CLOCK_DAY);
	look(&iw, &row[0], &m);
	assert_string_equal(m.how, "verp"); /* exactly 400 days old is not older */
	clock_set(&iw.w.clock, START + 400 * CLOCK_DAY + 1);
	look_all(&iw, row, sizeof row / sizeof row[0]);
	iw_close(&iw);
}

/* What a mailbox holds from before the person was a contact: their From is no answer, their thread and their wish to be left alone are. */
static void test_older_than_the_contact(void **state)
{
	static const struct row row[] = {
		{ CLASS_REPLY, FROM("ann@acme.example", "Subject: hi\n"), "", "older than the contact", -1, -1, NULL, NULL, NULL },
		{ CLASS_AUTO_REPLY, FROM("ann@acme.example", "Subject: hi\n"), "", "older than the contact", -1, -1, NULL, NULL, NULL },
		{ CLASS_UNSUBSCRIBE, FROM("ann@acme.example", "Subject: hi\n"), "from", "", ANN, -1, NULL, NULL, NULL },
		{ CLASS_REPLY, FROM("ann@acme.example", "In-Reply-To: <$m1@example.com>\n"), "in-reply-to", "", ANN, -1, NULL, NULL, NULL },
	};
	struct mail_world iw;
	struct match m;
	(void)state;
	iw_open(&iw, OUTCOME_ACCEPTED);
	written = START - CLOCK_DAY; /* a clock that is a day behind is forgiven */
	look(&iw, &row[0], &m);
	assert_string_equal(m.how, "from");
	written = START - CLOCK_DAY - 1;
	look_all(&iw, row, sizeof row / sizeof row[0]);
	written = 0;
	iw_close(&iw);
}

/* From proves nothing about a letter in doubt; a token does, and says which letter. */
static void test_from_resolves_nothing(void **state)
{
	static const struct row from = { CLASS_REPLY, FROM("ann@acme.example", "\n"), "", "", 0, 0, NULL, NULL, NULL };
	struct mail_world iw;
	struct match m;
	(void)state;
	iw_open(&iw, OUTCOME_UNKNOWN);
	look(&iw, &from, &m);
	assert_int_equal(m.contact_id, iw.who[ANN]);
	assert_int_equal(m.touch_id, 0);
	iw_close(&iw);
	iw_open(&iw, OUTCOME_ACCEPTED);
	look(&iw, &from, &m);
	assert_int_equal(m.touch_id, iw.touch[ANN]);
	iw_close(&iw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_candidates),
		cmocka_unit_test(test_reported_sender),
		cmocka_unit_test(test_not_believed),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_older_than_the_contact),
		cmocka_unit_test(test_from_resolves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
