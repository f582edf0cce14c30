/* rooms: base model rules mime */
/* Received mail, row by row: what it is, by which rule, and of a report the first recipient. The messages are in
 * tests/data/inbox/, written for this. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "abv/buf.h"
#include "abv/classify.h"
#include "abv/mime.h"

struct row {
	const char *file;
	enum mail_class class;
	const char *by; /* "" any */
	const char *recipient, *status;
	bool permanent;
	const char *reason; /* "" any */
};

static const struct row rows[] = {
	{ "dsn-user-unknown", CLASS_BOUNCE, "rfc3464", "bob@customer.example", "5.1.1", true, "user_unknown" },
	{ "dsn-mailbox-full", CLASS_BOUNCE, "rfc3464", "bob@customer.example", "5.2.2", false, "mailbox_full" },
	{ "dsn-status-in-diagnosis", CLASS_BOUNCE, "rfc3464", "bob@customer.example", "5.1.1", true, "user_unknown" },
	{ "dsn-reply-only", CLASS_BOUNCE, "rfc3464", "bob@customer.example", "5.0.0", true, "user_unknown" },
	{ "dsn-blocked-called-unknown", CLASS_BOUNCE, "rfc3464", "bob@customer.example", "5.1.1", false, "" },
	{ "dsn-host-not-found", CLASS_BOUNCE, "rfc3464", "bob@customer.example", "5.4.4", true, "host_unknown" },
	{ "dsn-policy", CLASS_BOUNCE, "rfc3464", "bob@customer.example", "5.7.1", false, "policy" },
	{ "dsn-delayed", CLASS_NOTICE, "rfc3464", "bob@customer.example", "4.4.1", false, "" },
	{ "dsn-delivered", CLASS_NOTICE, "rfc3464", "bob@customer.example", "2.0.0", false, "" },
	{ "dsn-mixed", CLASS_BOUNCE, "rfc3464", "carol@customer.example", "2.1.5", false, "" },
	{ "dsn-without-label", CLASS_BOUNCE, "rfc3464", "bob@customer.example", "5.1.1", true, "" },
	{ "dsn-order-of-fields", CLASS_BOUNCE, "rfc3464", "bob@customer.example", "5.1.1", true, "" },
	{ "dsn-utf8", CLASS_BOUNCE, "rfc3464", "böb@customer.example", "5.1.1", true, "" },
	{ "dsn-local-user", CLASS_BOUNCE, "rfc3464", "bob@customer.example", "5.1.1", true, "" },
	{ "dsn-in-text", CLASS_BOUNCE, "rfc3464-text", "bob@customer.example", "5.1.1", true, "" },
	{ "arf-abuse", CLASS_COMPLAINT, "rfc5965", "", "", false, "" },
	{ "arf-not-spam", CLASS_OTHER, "rfc5965", "", "", false, "" },
	{ "mdn", CLASS_RECEIPT, "rfc8098", "", "", false, "" },
	{ "receipt-text", CLASS_RECEIPT, "read-receipt", "", "", false, "" },
	{ "receipt-text-de", CLASS_RECEIPT, "read-receipt", "", "", false, "" },
	{ "receipt-text-unread", CLASS_RECEIPT, "read-receipt", "", "", false, "" },
	{ "reply-about-reading", CLASS_REPLY, "person", "", "", false, "" },
	{ "exim-field", CLASS_BOUNCE, "exim", "bob@customer.example", "5.1.1", true, "user_unknown" },
	{ "exim-two", CLASS_BOUNCE, "exim", "bob@customer.example", "5.1.1", true, "" },
	{ "exim-warning", CLASS_NOTICE, "exim", "bob@customer.example", "4.4.1", false, "" },
	{ "qmail", CLASS_BOUNCE, "qmail", "bob@customer.example", "5.1.1", true, "" },
	{ "postfix-text", CLASS_BOUNCE, "postfix", "bob@customer.example", "5.1.1", true, "" },
	{ "sendmail-text", CLASS_BOUNCE, "sendmail", "bob@customer.example", "5.1.1", true, "" },
	{ "sendmail-transcript", CLASS_BOUNCE, "sendmail-transcript", "bob@customer.example", "5.1.2", true,
	  "host_unknown" },
	{ "exchange-5", CLASS_BOUNCE, "exchange-5", "bob@customer.example", "5.1.1", true, "" },
	{ "exchange-html", CLASS_BOUNCE, "exchange", "bob@customer.example", "5.1.1", true, "" },
	{ "domino", CLASS_BOUNCE, "domino", "bob@customer.example", "5.1.1", true, "" },
	{ "groupwise", CLASS_BOUNCE, "groupwise", "bob@customer.example", "5.1.1", true, "" },
	{ "imail", CLASS_BOUNCE, "imail", "bob@customer.example", "5.1.1", true, "" },
	{ "yahoo", CLASS_BOUNCE, "yahoo", "bob@customer.example", "5.1.1", true, "" },
	{ "gmail-text", CLASS_BOUNCE, "gmail", "bob@customer.example", "5.1.1", true, "" },
	{ "courier", CLASS_BOUNCE, "courier", "bob@customer.example", "5.1.1", true, "" },
	{ "opensmtpd", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "unknown-system", CLASS_BOUNCE, "text", "bob@customer.example", "5.1.1", true, "" },
	{ "ooo-header", CLASS_AUTO_REPLY, "auto-submitted", "", "", false, "" },
	{ "ooo-subject-en", CLASS_AUTO_REPLY, "subject", "", "", false, "" },
	{ "ooo-subject-de", CLASS_AUTO_REPLY, "subject", "", "", false, "" },
	{ "ooo-subject-fr", CLASS_AUTO_REPLY, "subject", "", "", false, "" },
	{ "ooo-subject-es", CLASS_AUTO_REPLY, "subject", "", "", false, "" },
	{ "ooo-subject-it", CLASS_AUTO_REPLY, "subject", "", "", false, "" },
	{ "ooo-subject-nl", CLASS_AUTO_REPLY, "subject", "", "", false, "" },
	{ "ooo-subject-pt", CLASS_AUTO_REPLY, "subject", "", "", false, "" },
	{ "ooo-subject-sv", CLASS_AUTO_REPLY, "subject", "", "", false, "" },
	{ "ooo-subject-ko", CLASS_AUTO_REPLY, "subject", "", "", false, "" },
	{ "ooo-text", CLASS_AUTO_REPLY, "absence-note", "", "", false, "" },
	{ "answer-to-ooo-subject", CLASS_REPLY, "person", "", "", false, "" },
	{ "challenge-tmda", CLASS_CHALLENGE, "", "", "", false, "" },
	{ "challenge-boxtrapper", CLASS_CHALLENGE, "", "", "", false, "" },
	{ "unsubscribe-address", CLASS_UNSUBSCRIBE, "unsubscribe-address", "", "", false, "" },
	{ "unsubscribe-subject", CLASS_UNSUBSCRIBE, "unsubscribe-subject", "", "", false, "" },
	{ "reply", CLASS_REPLY, "person", "", "", false, "" },
	{ "reply-of-postmaster", CLASS_REPLY, "person", "", "", false, "" },
	{ "reply-of-marketing", CLASS_REPLY, "person", "", "", false, "" },
	{ "mailing-of-marketing", CLASS_OTHER, "no-reply", "", "", false, "" },
	{ "reply-before-leaving", CLASS_REPLY, "person", "", "", false, "" },
	{ "reply-before-leaving-html", CLASS_REPLY, "person", "", "", false, "" },
	{ "ooo-text-quoting", CLASS_AUTO_REPLY, "absence-note", "", "", false, "" },
	{ "reply-about-a-complaint", CLASS_REPLY, "person", "", "", false, "" },
	{ "reply-about-verification", CLASS_REPLY, "person", "", "", false, "" },
	{ "reply-about-a-bounce", CLASS_REPLY, "person", "", "", false, "" },
	{ "reply-on-list", CLASS_REPLY, "person", "", "", false, "" },
	{ "newsletter", CLASS_OTHER, "mailing", "", "", false, "" },
	{ "notification", CLASS_OTHER, "no-reply", "", "", false, "" },
	{ "phishing", CLASS_OTHER, "forged-notice", "", "", false, "" },
	{ "forwarded-bounce", CLASS_REPLY, "person", "", "", false, "" },
	{ "form-ironport", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-earthlink", CLASS_BOUNCE, "", "bob@customer.example", "5.2.2", false, "" },
	{ "form-xmail", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-mercury", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-lotus", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-msmail", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-hotmail-old", CLASS_BOUNCE, "", "bob@customer.example", "", false, "" },
	{ "form-vpopmail", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-qmail-full", CLASS_BOUNCE, "", "bob@customer.example", "5.2.2", false, "" },
	{ "form-smtp32", CLASS_BOUNCE, "", "bob@customer.example", "5.2.2", false, "" },
	{ "form-aol", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-kerio", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-163", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-chinese", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "user_unknown" },
	{ "form-uol", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-terra", CLASS_BOUNCE, "", "bob@customer.example", "5.2.2", false, "" },
	{ "form-barracuda", CLASS_BOUNCE, "", "bob@customer.example", "", false, "" },
	{ "form-messagelabs", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-o365-html", CLASS_BOUNCE, "", "bob@customer.example", "5.1.10", true, "" },
	{ "form-gmail-new", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-bigfoot", CLASS_BOUNCE, "", "bob@customer.example", "5.1.2", true, "" },
	{ "form-mdaemon", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-communigate", CLASS_BOUNCE, "", "bob@customer.example", "5.2.2", false, "" },
	{ "form-netscape", CLASS_BOUNCE, "", "bob@customer.example", "5.2.2", false, "" },
	{ "form-post-office", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-postini-temp", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-noheader-rp", CLASS_BOUNCE, "", "bob@customer.example", "5.1.1", true, "" },
	{ "form-person-quoting", CLASS_REPLY, "", "", "", false, "" },
	{ "form-ooo-null-left", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "form-ooo-null-vac", CLASS_OTHER, "", "", "", false, "" },
	{ "form-virus-alert", CLASS_OTHER, "", "", "", false, "" },
	{ "form-jira", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-spamarrest", CLASS_CHALLENGE, "", "", "", false, "" },
	{ "case-earthlink", CLASS_CHALLENGE, "", "", "", false, "" },
	{ "case-uol", CLASS_CHALLENGE, "", "", "", false, "" },
	{ "case-tmda2", CLASS_CHALLENGE, "", "", "", false, "" },
	{ "case-bluebottle", CLASS_CHALLENGE, "", "", "", false, "" },
	{ "case-person-confirm", CLASS_REPLY, "", "", "", false, "" },
	{ "case-person-confirm2", CLASS_REPLY, "", "", "", false, "" },
	{ "case-ooo-de", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-ooo-fr-h", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-ooo-prec", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-ooo-exchange", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-ooo-nl", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-ooo-de3", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-ooo-es2", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-ooo-pt", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-ooo-it2", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-ooo-yahoo", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-ticket", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-ticket2", CLASS_AUTO_REPLY, "", "", "", false, "" },
	{ "case-person-ooo-mention", CLASS_REPLY, "", "", "", false, "" },
	{ "case-person-vacation-subject", CLASS_REPLY, "", "", "", false, "" },
	{ "case-person-absence", CLASS_REPLY, "", "", "", false, "" },
	{ "case-newsletter2", CLASS_OTHER, "", "", "", false, "" },
	{ "case-person-via-hubspot", CLASS_REPLY, "", "", "", false, "" },
	{ "case-person-precedence", CLASS_REPLY, "", "", "", false, "" },
	{ "case-x-mailer-person", CLASS_REPLY, "", "", "", false, "" },
	{ "case-list-person", CLASS_REPLY, "", "", "", false, "" },
	{ "case-google-groups-person", CLASS_REPLY, "", "", "", false, "" },
	{ "unsubscribe-by-program", CLASS_UNSUBSCRIBE, "", "", "", false, "" },
};

static void classify_file(const char *file, const char *own, struct classified *out)
{
	char path[512];
	struct buf bytes = { 0 };
	struct mail *m = NULL;

	(void)snprintf(path, sizeof path, TEST_DATA "/inbox/%s.eml", file);
	assert_int_equal(buf_read_file(&bytes, path, 1 << 20), 0);
	mime_parse(buf_text(&bytes), bytes.len, &m);
	classify_mail(m, own, out);
	mail_free(&m);
	assert_null(m);
	buf_free(&bytes);
}

static void test_rows(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct classified c;
		bool right;

		classify_file(r->file, "", &c);
		right = c.class == r->class && (*r->by == '\0' || !strcmp(c.by, r->by)) &&
			!strcmp(c.bounce[0].recipient, r->recipient) && !strcmp(c.bounce[0].status, r->status) &&
			c.bounce[0].permanent == r->permanent &&
			(*r->reason == '\0' || !strcmp(c.bounce[0].reason, r->reason));
		if (!right)
			print_error("%s: %s by %s: <%s> %s %s %d\n", r->file, mail_class_name(c.class), c.by,
				    c.bounce[0].recipient, c.bounce[0].status, c.bounce[0].reason,
				    c.bounce[0].permanent);
		bad += !right;
	}
	assert_int_equal(bad, 0);
}

static void test_names(void **state)
{
	(void)state;
	for (int c = 0; c < CLASS_COUNT; c++)
		assert_non_null(mail_class_name((enum mail_class)c));
	assert_string_equal(mail_class_name(CLASS_AUTO_REPLY), "auto_reply");
}

/* What a report returns of ours is what it is matched by. */
static void test_returned(void **state)
{
	static const char *const files[] = { "dsn-user-unknown", "exim-field", "qmail", "arf-abuse",
					     "sendmail-transcript" };
	struct classified c;

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		classify_file(files[i], "", &c);
		assert_string_equal(c.original_id, "touch-17@sender.example");
	}
	classify_file("dsn-user-unknown", "", &c);
	assert_string_equal(c.envelope_id, "env-17");
	classify_file("arf-abuse", "", &c);
	assert_string_equal(c.original_recipient, "bob@customer.example");
	assert_string_equal(c.original_sender, "bounce+17@sender.example");
	assert_string_equal(c.reporter, "Provider-FBL/1.0");
}

static void test_second_recipient(void **state)
{
	struct classified c;

	(void)state;
	classify_file("exim-two", "", &c);
	assert_int_equal(c.bounce_n, 2);
	assert_string_equal(c.bounce[1].recipient, "carol@customer.example");
	assert_string_equal(c.bounce[1].reason, "mailbox_full");
	assert_false(c.bounce[1].permanent);
	classify_file("dsn-mixed", "", &c);
	assert_int_equal(c.bounce_n, 2);
	assert_string_equal(c.bounce[1].recipient, "bob@customer.example");
	assert_true(c.bounce[1].permanent);
}

/* Our own mail is ours, but a report from our own mail system is a report. */
static void test_own(void **state)
{
	struct classified c;

	(void)state;
	classify_file("reply", "customer.example", &c);
	assert_int_equal(c.class, CLASS_OWN);
	classify_file("reply", "bob@customer.example", &c);
	assert_int_equal(c.class, CLASS_OWN);
	classify_file("reply", "carol@customer.example", &c);
	assert_int_equal(c.class, CLASS_REPLY);
	classify_file("domino", "customer.example", &c);
	assert_int_equal(c.class, CLASS_BOUNCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),     cmocka_unit_test(test_names),
		cmocka_unit_test(test_returned), cmocka_unit_test(test_second_recipient),
		cmocka_unit_test(test_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
