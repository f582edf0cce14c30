/* rooms: base model rules config */
/* What a good configuration becomes. With --options: the keys of the table, one a line (tests/docs.sh compares the
 * manual page). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abv/config.h"
#include "config_dir.h"

static struct config *load(const char *text)
{
	struct problems p = { 0 };
	struct config *c = NULL;

	config_dir_put("abvd.conf", text);
	if (config_load(config_dir_path("abvd.conf"), &c, &p) < 0)
		for (size_t i = 0; i < p.n; i++)
			print_error("%s:%d:%d: %s [%s]\n", p.row[i].file, p.row[i].line, p.row[i].column,
				    p.row[i].message, p.row[i].rule);
	problems_free(&p);
	assert_non_null(c);
	return c;
}

static int setup(void **state)
{
	(void)state;
	config_dir_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	config_dir_remove();
	return 0;
}

static void test_defaults(void **state)
{
	struct config *c = load(BASE);
	const struct policy *p = &c->policy;

	(void)state;
	assert_string_equal(c->sender.from_name, "Dana Reyes");
	assert_string_equal(c->sender.from_addr, "dana@example.com");
	assert_string_equal(c->sender.return_path, "dana@example.com");
	assert_string_equal(c->sender.reply_to, "");
	assert_int_equal(c->smtp.tls, TLS_REQUIRED);
	assert_string_equal(c->smtp.host, "127.0.0.1");
	assert_int_equal(c->smtp.port, 2525);
	assert_true(c->smtp.loopback);
	assert_int_equal(c->smtp.connections, 8);
	assert_int_equal(c->smtp.retry_for, 4 * CLOCK_DAY);
	assert_int_equal(c->smtp.timeout_dot, 10 * CLOCK_MINUTE);
	assert_string_equal(c->smtp.username, "");
	assert_string_equal(c->smtp.password, "");
	assert_string_equal(c->inbox.imap_url, "");
	assert_string_equal(c->inbox.maildir, "");
	assert_int_equal(p->contact_min_gap.business_days, 3);
	assert_int_equal(p->contact.n, 2);
	assert_int_equal(p->contact.row[0].n, 1);
	assert_int_equal(p->contact.row[0].per_ms, 7 * CLOCK_DAY);
	assert_int_equal(p->contact.row[1].n, 4);
	assert_int_equal(p->account.n, 1);
	assert_int_equal(p->provider.n + p->sender.n, 0);
	assert_int_equal(p->account_min_gap.ms + p->account_min_gap.business_days, 0);
	assert_int_equal(p->warmup.start, 0);
	assert_int_equal(p->window.weekdays, 0x1f);
	assert_int_equal(p->window.hours.from, (8 * 60 + 30) * 60);
	assert_int_equal(p->window.hours.to, (17 * 60 + 30) * 60);
	assert_null(p->window.fixed);
	assert_ptr_equal(p->window.fallback, zone_utc());
	assert_true(p->backoff_factor == 1.5);
	assert_int_equal(p->backoff_max_gap.ms, 30 * CLOCK_DAY);
	assert_int_equal(p->sunset_touches, 8);
	assert_int_equal(p->sunset_silence, 120 * CLOCK_DAY);
	assert_int_equal(p->gifts_per_ask, 3);
	assert_int_equal(p->consent_accept_n, 3);
	assert_string_equal(p->consent_accept[1], "customer");
	assert_int_equal(p->consent_max_age, 730 * CLOCK_DAY);
	assert_int_equal(p->rate.n, 0);
	assert_int_equal(c->account_hold, 14 * CLOCK_DAY);
	assert_int_equal(c->keep_events, 400 * CLOCK_DAY);
	assert_string_equal(c->store_path, config_dir_path("abvd.db"));
	assert_int_equal(c->sequence_n, 0);
	config_free(&c);
	assert_null(c);
}

#define EXAMPLE                                                                                                        \
	"sender = { from = \"Dana Reyes <dana@example.com>\"; reply_to = \"dana@example.com\"; return_path = "         \
	"\"bounce@example.com\";\n"                                                                                    \
	"  postal_address = \"Example Ltd\\n1 Main St\"; unsubscribe = \"https://example.com/u\";\n"                   \
	"  warmup = { start = 20; growth = 1.2; target = 2000; }; };\n"                                                \
	"smtp = { url = \"smtps://relay.example.com\"; username = \"dana\"; password_file = \"smtp.password\"; rate "  \
	"= \"20 per 1s\";\n"                                                                                           \
	"  timeouts = { dot = \"30s\"; }; };\n"                                                                        \
	"inbox = { imap = { url = \"imaps://mail.example.com/INBOX\"; username = \"i\"; password_file = "              \
	"\"smtp.password\"; after = \"move:Done\"; };\n"                                                               \
	"  maildir = \"/var/mail/abvd\"; };\n"                                                                         \
	"cadence = { contact = { min_gap = \"36h\"; limits = [\"2 per 7d\"]; }; account = { limits = []; min_gap = "   \
	"\"1d\"; };\n"                                                                                                 \
	"  provider = { limits = (\"200 per 1h\"); }; sender = { limits = [\"1000 per 1d\"]; };\n"                     \
	"  window = { days = \"sat-mon,wed\"; hours = \"00:00-24:00\"; timezone = \"Europe/Paris\"; default_timezone " \
	"= \"Asia/Tokyo\";\n"                                                                                          \
	"    holidays = [\"a.ics\", \"b.ics\"]; };\n"                                                                  \
	"  backoff = { factor = 2; max_gap = \"10bd\"; }; sunset = { touches = 0; silence = \"0d\"; }; gifts_per_ask " \
	"= 0; };\n"                                                                                                    \
	"consent = { accept = [\"Opt_In\"]; max_age = \"0d\"; };\n"                                                    \
	"on_reply = { account_hold = \"0s\"; notify = \"dana@example.com\"; };\n"                                      \
	"account_aliases = ( { account = \"acme.example\"; domains = [\"ACME.test\", \"acme.invalid\"]; } );\n"        \
	"store = { path = \"/abvd.db\"; keep_events = \"10d\"; };\nlog = { path = \"l\"; };\ncontrol = { socket = "    \
	"\"s\"; };\n"

static void put_example(void)
{
	config_dir_put("smtp.password", "hunter2\r\n");
	chmod(config_dir_path("smtp.password"), 0600);
	config_dir_put(
	    "a.ics",
	    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n"
	    "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20201225\r\nDTEND;VALUE=DATE:20201227\r\nRRULE:FREQ=YEARLY\r\n"
	    "EXDATE;VALUE=DATE:20271225\r\nEND:VEVENT\r\n"
	    "BEGIN:VEVENT\r\nUID:2\r\nDTSTART:20260301T100000Z\r\nEND:VEVENT\r\n"
	    "BEGIN:VEVENT\r\nUID:3\r\nDTSTART;VALUE=DATE:20260501\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
	config_dir_put("b.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n"
				"BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20260501\r\nDURATION:P2D\r\nEND:VEVENT\r\n"
				"BEGIN:VEVENT\r\nUID:2\r\nDTSTART;VALUE=DATE:20310201\r\nDTEND;VALUE=DATE:"
				"20330201\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
}

static bool is_holiday(const struct window *w, int year, int month, int day)
{
	for (size_t i = 0; i < w->holiday_n; i++)
		if (w->holidays[i] == civil_from_ymd(year, month, day))
			return true;
	return false;
}

static void test_example(void **state)
{
	(void)state;
	put_example();
	struct config *c = load(EXAMPLE);
	const struct policy *p = &c->policy;

	assert_string_equal(c->sender.return_path, "bounce@example.com");
	assert_string_equal(c->sender.postal_address, "Example Ltd\n1 Main St");
	assert_int_equal(p->warmup.target, 2000);
	assert_int_equal(c->smtp.port, 465);
	assert_true(c->smtp.implicit_tls);
	assert_false(c->smtp.loopback);
	assert_string_equal(c->smtp.password, "hunter2");
	assert_string_equal(c->inbox.imap_password, "hunter2");
	assert_string_equal(c->inbox.imap_after, "move:Done");
	assert_string_equal(c->inbox.imap_host, "mail.example.com");
	assert_string_equal(c->inbox.imap_mailbox, "INBOX");
	assert_int_equal(c->inbox.imap_port, 993);
	assert_int_equal(c->inbox.imap_tls, TLS_REQUIRED);
	assert_true(c->inbox.imap_implicit_tls && !c->inbox.imap_loopback);
	assert_string_equal(c->inbox.maildir, "/var/mail/abvd");
	assert_int_equal(p->rate.n, 20);
	assert_int_equal(c->smtp.timeout_dot, 30 * CLOCK_SECOND);
	assert_int_equal(c->smtp.timeout_data, 3 * CLOCK_MINUTE);
	assert_int_equal(p->contact_min_gap.ms, 36 * CLOCK_HOUR);
	assert_int_equal(p->contact.n, 1);
	assert_int_equal(p->account.n, 0);
	assert_int_equal(p->provider.row[0].n, 200);
	assert_int_equal(p->window.weekdays, 1 << 5 | 1 << 6 | 1 | 1 << 2);
	assert_int_equal(p->window.hours.to, 86400);
	assert_string_equal(zone_name(p->window.fixed), "Europe/Paris");
	assert_string_equal(zone_name(p->window.fallback), "Asia/Tokyo");
	assert_true(is_holiday(&p->window, 2026, 12, 25) && is_holiday(&p->window, 2026, 12, 26) &&
		    is_holiday(&p->window, 2040, 12, 25));
	assert_false(is_holiday(&p->window, 2026, 12, 27) || is_holiday(&p->window, 2027, 12, 25) ||
		     is_holiday(&p->window, 2026, 3, 1));
	assert_true(is_holiday(&p->window, 2026, 5, 1) && is_holiday(&p->window, 2026, 5, 2) &&
		    !is_holiday(&p->window, 2026, 5, 3));
	assert_true(is_holiday(&p->window, 2031, 2, 1) && is_holiday(&p->window, 2033, 1, 31) &&
		    !is_holiday(&p->window, 2033, 2, 1)); /* two years */
	for (size_t i = 1; i < p->window.holiday_n; i++)
		assert_true(p->window.holidays[i - 1] < p->window.holidays[i]);
	assert_string_equal(p->consent_accept[0], "opt_in");
	assert_int_equal(p->consent_max_age, 0);
	assert_int_equal(p->sunset_touches, 0);
	assert_string_equal(c->notify, "dana@example.com");
	assert_string_equal(c->store_path, "/abvd.db");
	config_free(&c);
}

static void test_account(void **state)
{
	static const struct {
		const char *email, *account;
	} row[] = {
		{ "a@acme.test", "acme.example" },    { "a@mail.acme.TEST", "acme.example" },
		{ "a@acme.invalid", "acme.example" }, { "a@notacme.test", "notacme.test" },
		{ "a@x.other.co.uk", "other.co.uk" }, { "a@gmail.com", "" },
	};

	(void)state;
	put_example();
	struct config *c = load(EXAMPLE);

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		char out[MAILADDR_MAX];

		config_account(c, row[i].email, out);
		assert_string_equal(out, row[i].account);
	}
	config_free(&c);
}

static void test_relay(void **state)
{
	static const struct {
		const char *url, *host;
		int port;
		bool loopback;
	} row[] = {
		{ "smtp://relay.example.com", "relay.example.com", 587, false },
		{ "smtps://relay.example.com", "relay.example.com", 465, false },
		{ "smtp://LOCALHOST:25/", "LOCALHOST", 25, true },
		{ "smtp://127.9.9.9:1", "127.9.9.9", 1, true },
		{ "smtp://[::1]:25", "::1", 25, true },
		{ "smtp://[::1]", "::1", 587, true },
		{ "smtp://[::ffff:127.0.0.1]", "::ffff:127.0.0.1", 587, true },
		{ "smtp://[2001:db8::1]", "2001:db8::1", 587, false },
		{ "smtp://127.0.0.1.example.com", "127.0.0.1.example.com", 587, false },
		{ "smtp://localhost.example.com", "localhost.example.com", 587, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct buf text = { 0 };

		buf_printf(&text, BASE_CONFIG "smtp = { url = \"%s\"; };\n", row[i].url);
		struct config *c = load(buf_text(&text));

		assert_string_equal(c->smtp.host, row[i].host);
		assert_int_equal(c->smtp.port, row[i].port);
		assert_int_equal(c->smtp.loopback, row[i].loopback);
		config_free(&c);
		buf_free(&text);
	}
}

static void test_credential(void **state)
{
	(void)state;
	config_dir_put("credentials/smtp.password", "from systemd\n");
	setenv("CREDENTIALS_DIRECTORY", config_dir_path("credentials"), 1);
	struct config *c = load(BASE_CONFIG "smtp = { url = \"smtp://x\"; username = \"u\"; };\n");

	assert_string_equal(c->smtp.password, "from systemd");
	config_free(&c);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static bool warned(const char *text, const char *rule)
{
	struct problems p = { 0 };
	struct config *c = NULL;
	bool found = false;

	config_dir_put("abvd.conf", text);
	assert_int_equal(config_load(config_dir_path("abvd.conf"), &c, &p), 0);
	for (size_t i = 0; i < p.n; i++)
		found |= p.row[i].severity == SEVERITY_WARNING && !strcmp(p.row[i].rule, rule);
	problems_free(&p);
	config_free(&c);
	return found;
}

static void test_warnings(void **state)
{
	(void)state;
	config_dir_put("open", "pass");
	chmod(config_dir_path("open"), 0644);
	assert_true(warned(BASE_CONFIG "smtp = { url = \"smtp://x\"; username = \"u\"; password_file = \"open\"; };\n",
			   "readable-secret"));
	chmod(config_dir_path("open"), 0640);
	assert_false(warned(BASE_CONFIG "smtp = { url = \"smtp://x\"; username = \"u\"; password_file = \"open\"; };\n",
			    "readable-secret"));
	assert_true(warned(BASE_CONFIG "smtp = { url = \"smtp://x\"; tls = \"none\"; };\n", "tls-none"));
	assert_true(warned(BASE, "no-inbox"));
	assert_false(warned(BASE "inbox = { maildir = \"m\"; };\n", "no-inbox"));
	assert_true(warned(BASE, "no-sequence"));
	assert_true(warned(BASE "cadence = { gifts_per_ask = 8; };\n", "unreachable-ask"));
	struct problems p = { 0 };
	struct config *c = NULL;

	config_dir_put("abvd.conf", BASE_CONFIG "smtp = { url = \"smtp://x\"; tls = \"none\"; };\n");
	assert_int_equal(config_load(config_dir_path("abvd.conf"), &c, &p), 0);
	char *found = config_dir_findings(&p, SEVERITY_WARNING);

	/* of the file as a whole: its first line and column */
	assert_string_equal(found, "abvd.conf:1:1 no-inbox\nabvd.conf:1:1 no-sequence\nabvd.conf:6:28 tls-none\n");
	free(found);
	config_free(&c);
	problems_free(&p);
}

#define SEQUENCE(name, more) "{ name = \"" name "\"; steps = ( { name = \"one\"; template = \"one.md\"; } ); " more " }"

static void test_sequences(void **state)
{
	(void)state;
	config_dir_put("sequences.d/b.conf",
		       "sequence = {\n name = \"tight\";\n priority = 10;\n enroll = \"tag:new\";\n"
		       " qualify = ( { field = \"employees\"; min = 20; max = 3000000000L; }, { field = \"industry\"; "
		       "in = [\"saas\", \"b\"]; },\n"
		       "   { field = \"title\"; present = true; }, { field = \"owner\"; equals = \"dana\"; } );\n"
		       " steps = ( { name = \"one\"; after = \"0d\"; template = \"one.md\"; },\n"
		       "   { name = \"two\"; after = \"5bd\"; template = \"sub/two.md\"; expire = \"30d\"; } );\n"
		       " cadence = { contact = { limits = [\"1 per 10d\", \"1 per 7d\"]; }; window = { days = \"tue\"; "
		       "}; gifts_per_ask = 4; };\n};\n");
	config_dir_put("sequences.d/a.conf", "sequence = ( " SEQUENCE("z", "") ", " SEQUENCE("m", "") ", " SEQUENCE(
						 "low", "priority = -1;") " );");
	config_dir_put("sequences.d/ignored.txt", "not a = sequence");
	struct config *c = load(BASE);
	static const char *const order[] = { "tight", "m", "z", "low" };

	assert_int_equal(c->sequence_n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(c->sequence[i].name, order[i]);
	const struct sequence *q = config_sequence(c, "tight");

	assert_ptr_equal(q, &c->sequence[0]);
	assert_null(config_sequence(c, "none"));
	assert_int_equal(q->enroll, ENROLL_TAG);
	assert_string_equal(q->enroll_tag, "new");
	assert_int_equal(q->qualify_n, 5);
	assert_int_equal(q->qualify[0].op, QUALIFY_MIN);
	assert_true(q->qualify[1].op == QUALIFY_MAX && q->qualify[1].number == 3e9);
	assert_true(q->qualify[2].op == QUALIFY_IN && q->qualify[2].value_n == 2);
	assert_int_equal(q->qualify[3].op, QUALIFY_PRESENT);
	assert_string_equal(q->qualify[4].value[0], "dana");
	assert_int_equal(q->step_n, 2);
	assert_string_equal(q->step[1].template_name, "sub/two.md");
	assert_int_equal(q->step[1].after.business_days, 5);
	assert_int_equal(q->step[1].expire, 30 * CLOCK_DAY);
	assert_int_equal(q->step[1].line, 8);
	assert_int_equal(q->policy.contact.n, 3); /* added, each once */
	assert_int_equal(q->policy.contact.row[2].per_ms, 10 * CLOCK_DAY);
	assert_int_equal(q->policy.account.n, 1);
	assert_int_equal(q->policy.window.weekdays, 2);
	assert_int_equal(q->policy.gifts_per_ask, 4);
	assert_int_equal(q->policy.contact_min_gap.business_days, 3);
	assert_int_equal(c->policy.contact.n, 2);
	config_free(&c);
}

static void test_include(void **state)
{
	(void)state;
	config_dir_put("smtp.conf",
		       "smtp = { url = \"smtp://127.0.0.1:2525\";\n connections = 3; }; # no newline at the end\n");
	struct config *c = load(BASE_CONFIG "@include \"smtp.conf\"\n");

	assert_int_equal(c->smtp.connections, 3);
	for (size_t i = 0; i < c->value_n; i++)
		if (!strcmp(c->value[i].key, "smtp.connections")) {
			assert_string_equal(c->value[i].file, config_dir_path("smtp.conf"));
			assert_int_equal(c->value[i].line, 2);
		}
	config_free(&c);
}

static const struct config_value *value(const struct config *c, const char *key)
{
	for (size_t i = 0; i < c->value_n; i++)
		if (!strcmp(c->value[i].key, key))
			return &c->value[i];
	return NULL;
}

static void test_values(void **state)
{
	(void)state;
	put_example();
	config_dir_put("sequences.d/a.conf", "sequence = " SEQUENCE("a", "\ncadence = { gifts_per_ask = 5; };") ";");
	struct config *c = load(EXAMPLE);

	for (size_t i = 1; i < c->value_n; i++)
		assert_true(strcmp(c->value[i - 1].key, c->value[i].key) <= 0);
	assert_string_equal(value(c, "cadence.provider.limits")->value, "[\"200 per 1h\"]");
	assert_int_equal(value(c, "cadence.provider.limits")->line, 9);
	assert_string_equal(value(c, "sender.postal_address")->value, "\"Example Ltd\\n1 Main St\"");
	assert_string_equal(value(c, "smtp.retry_for")->value, "\"4d\"");
	assert_string_equal(value(c, "smtp.retry_for")->file, "");
	assert_string_equal(value(c, "smtp.password_file")->value, "\"smtp.password\"");
	assert_string_equal(value(c, "cadence.backoff.factor")->value, "2");
	assert_string_equal(value(c, "sequence.a.cadence.gifts_per_ask")->value, "5");
	assert_int_equal(value(c, "sequence.a.cadence.gifts_per_ask")->line, 2);
	assert_string_equal(value(c, "sequence.a.steps.one.template")->value, "\"one.md\"");
	for (size_t i = 0; i < c->value_n; i++)
		assert_null(strstr(c->value[i].value, "hunter2"));
	assert_string_equal(value(c, "sender.return_path")->value, "\"bounce@example.com\"");
	config_free(&c);
	c = load(BASE); /* what holds without being given is told too */
	assert_string_equal(value(c, "sender.return_path")->value, "\"dana@example.com\"");
	assert_string_equal(value(c, "sender.return_path")->file, "");
	assert_true(strlen(value(c, "smtp.helo")->value) > 2);
	config_free(&c);
}

static void hash_of(const char *text, char out[DIGEST_HEX])
{
	struct config *c = load(text);

	memcpy(out, c->policy_hash, DIGEST_HEX);
	config_free(&c);
}

static void test_hash(void **state)
{
	static const struct {
		const char *more;
		bool same;
	} row[] = {
		{ "", true },
		{ "# a comment\n", true },
		{ "cadence = { gifts_per_ask = 3; };", true },
		{ "cadence = { contact = { limits = [\"4 per 30d\", \"1 per 1w\"]; }; };", true },
		{ "inbox = { maildir = \"m\"; };", true }, /* no matter of caps, windows and order */
		{ "cadence = { gifts_per_ask = 2; };", false },
		{ "cadence = { contact = { min_gap = \"3d\"; }; };", false },
		{ "cadence = { window = { hours = \"08:30-17:31\"; }; };", false },
		{ "cadence = { window = { default_timezone = \"Europe/Rome\"; }; };", false },
		{ "account_aliases = ( { account = \"a\"; domains = [\"b.example\"]; } );", false },
		{ "consent = { max_age = \"1y\"; };", false },
	};
	char first[DIGEST_HEX], other[DIGEST_HEX];

	(void)state;
	hash_of(BASE, first);
	assert_int_equal(strlen(first), DIGEST_HEX - 1);
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct buf text = { 0 };

		buf_printf(&text, "%s%s", BASE, row[i].more);
		hash_of(buf_text(&text), other);
		if ((strcmp(first, other) == 0) != row[i].same)
			fail_msg("row %zu: %s", i, row[i].more);
		buf_free(&text);
	}
	config_dir_put("sequences.d/a.conf", "sequence = " SEQUENCE("a", "") ";");
	hash_of(BASE, other);
	assert_string_not_equal(first, other);
}

static void test_options(void **state)
{
	int n = 0;

	(void)state;
	for (const struct option_doc *o; (o = config_option_at(n)) != NULL; n++) {
		assert_true(*o->key && *o->type && *o->help && o->fallback);
		for (int i = 0; i < n; i++)
			assert_string_not_equal(config_option_at(i)->key, o->key);
	}
	assert_true(n > 50);
	assert_null(config_option_at(-1));
	for (int i = 0; i < 3; i++)
		assert_true(*tls_mode_name((enum tls_mode)i));
}

static const struct {
	const char *url, *more;
	const char *mailbox;
	int port;
	enum tls_mode tls;
} mailbox_row[] = {
	{ "imaps://x.example", "", "INBOX", 993, TLS_REQUIRED },
	{ "imap://x.example/", "", "INBOX", 143, TLS_REQUIRED },
	{ "imap://x.example/a%2Fb%20c", "tls = \"opportunistic\";", "a/b c", 143, TLS_OPPORTUNISTIC },
	{ "imap://127.0.0.1:1143/Lists/abvd", "", "Lists/abvd", 1143, TLS_OPPORTUNISTIC },
	{ "imap://localhost", "tls = \"none\";", "INBOX", 143, TLS_NONE },
	{ "imap://[::1]", "tls = \"required\";", "INBOX", 143, TLS_REQUIRED },
};

static void test_mailboxes(void **state)
{
	(void)state;
	config_dir_put("imap.password", "hunter2\n");
	chmod(config_dir_path("imap.password"), 0600);
	for (size_t i = 0; i < sizeof mailbox_row / sizeof *mailbox_row; i++) {
		char text[2048];
		struct config *c;

		snprintf(
		    text, sizeof text,
		    BASE
		    "inbox = { imap = { url = \"%s\"; username = \"u\"; password_file = \"imap.password\"; %s }; };\n",
		    mailbox_row[i].url, mailbox_row[i].more);
		c = load(text);
		assert_string_equal(c->inbox.imap_mailbox, mailbox_row[i].mailbox);
		assert_int_equal(c->inbox.imap_port, mailbox_row[i].port);
		assert_int_equal(c->inbox.imap_tls, mailbox_row[i].tls);
		config_free(&c);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_example, setup, teardown),
		cmocka_unit_test_setup_teardown(test_account, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_credential, setup, teardown),
		cmocka_unit_test_setup_teardown(test_warnings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sequences, setup, teardown),
		cmocka_unit_test_setup_teardown(test_include, setup, teardown),
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mailboxes, setup, teardown),
		cmocka_unit_test(test_options),
	};

	if (argc > 1 && !strcmp(argv[1], "--options")) {
		for (int i = 0; config_option_at(i); i++)
			printf("%s\n", config_option_at(i)->key);
		return 0;
	}
	unsetenv("CREDENTIALS_DIRECTORY");
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
