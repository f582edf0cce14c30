/* rooms: base model rules config */
/* Every way to get the configuration wrong: the text, and all errors that it must give with their places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abv/config.h"
#include "config_dir.h"

struct row {
	const char *main;     /* abvd.conf; NULL: BASE */
	const char *sequence; /* sequences.d/a.conf; NULL: none */
	const char *expected; /* every error as "file:line:column rule\n" */
	const char *message;  /* part of one of their messages; NULL: any */
};

#define S1 "{ name = \"one\"; template = \"one.md\"; }"

static const struct row rows[] = {
	/* syntax, of every file */
	{ "sender = {\n", "sequence = {\n name = ;\n};\n", "abvd.conf:2:1 syntax\nsequences.d/a.conf:2:1 syntax\n",
	  "; texts stand in quotes, settings end with ';'; the mistake may be a line above" },
	{ "\xef\xbb\xbf" BASE, "\xff\xfe# utf-16", "abvd.conf:1:1 syntax\nsequences.d/a.conf:1:1 syntax\n",
	  "save the file as UTF-8 without one" },
	{ BASE "a = \"open\n", NULL, "abvd.conf:7:5 syntax\n", "never closed" },
	{ BASE "\"loose\"", NULL, "abvd.conf:7:1 syntax\n", "cannot stand here" },
	{ BASE "a = 1, \"loose\"", NULL, "abvd.conf:7:8 syntax\n", NULL },
	{ BASE "a = { \"loose\" }", NULL, "abvd.conf:7:7 syntax\n", NULL },
	{ BASE "consent = { accept = ( \"a\" \"b\", \"c\" ) }", NULL, "", NULL },
	{ BASE "/* open\n\n", NULL, "abvd.conf:7:1 syntax\n", "never closed" },
	{ BASE "log = { path = \"x\"; };\n", NULL, "abvd.conf:7:1 syntax\n", "duplicate" },
	{ BASE "# the end has no newline", NULL, "", NULL },
	{ BASE "@include \"none.conf\"\n", NULL, "abvd.conf:7:10 missing-file\n", "none.conf" },
	{ BASE "@include \"sequences.d\"\n", "sequence = { name = \"a\"; steps = (" S1 "); };",
	  "abvd.conf:7:10 missing-file\n", "no regular file" },
	{ BASE "@include \"abvd.conf\"\n", NULL, NULL, "more than 9 deep" },
	{ BASE "  @include \"open\n", NULL, "abvd.conf:7:12 syntax\n", NULL },

	{ BASE "consent = { accept = ( \"a\" \"b\", \"c\" ); max_age = 3; };", NULL, "abvd.conf:7:40 wrong-type\n",
	  NULL },

	/* unknown keys */
	{ BASE "cadnece = { };\n", NULL, "abvd.conf:7:1 unknown-key\n", "did you mean 'cadence'" },
	{ BASE "cadence = {\n  contact = { mingap = \"1d\"; };\n};\n", NULL, "abvd.conf:8:15 unknown-key\n",
	  "did you mean 'min_gap'" },
	{ BASE "connections = 8;\n", NULL, "abvd.conf:7:1 unknown-key\n", "did you mean 'smtp.connections'" },
	{ BASE "wholly_other = 1;\n", NULL, "abvd.conf:7:1 unknown-key\n", "unknown key 'wholly_other'" },
	{ BASE "sequence = { name = \"x\"; };\n", NULL, "abvd.conf:7:1 unknown-key\n", "sequences.d/" },
	{ NULL, "sequence = { name = \"a\"; steps = (" S1 "); smtp = { }; };", "sequences.d/a.conf:1:76 unknown-key\n",
	  NULL },
	{ NULL, "sequence = { name = \"a\"; steps = (" S1 "); };\ncadence = { };",
	  "sequences.d/a.conf:2:1 unknown-key\n", NULL },
	{ NULL, "sequence = { name = \"a\"; steps = (\n{ name = \"one\"; templete = \"one.md\"; }); };",
	  "sequences.d/a.conf:2:1 missing-key\nsequences.d/a.conf:2:17 unknown-key\n", "did you mean 'template'" },

	/* types */
	{ BASE "cadence = 3;\n", NULL, "abvd.conf:7:1 wrong-type\n", "must be a group" },
	{ BASE "cadence = { gifts_per_ask = \"3\"; };\n", NULL, "abvd.conf:7:13 wrong-type\n", "whole number" },
	{ BASE "cadence = { gifts_per_ask = 3.0; };\n", NULL, "abvd.conf:7:13 wrong-type\n", NULL },
	{ BASE "cadence = { backoff = { factor = 2; }; };\n", NULL, "", NULL },
	{ BASE "cadence = { backoff = { factor = \"2\"; }; };\n", NULL, "abvd.conf:7:25 wrong-type\n", NULL },
	{ BASE "cadence = { contact = { min_gap = 3; }; };\n", NULL, "abvd.conf:7:25 wrong-type\n", "with a unit" },
	{ BASE "cadence = { contact = { limits = \"1 per 7d\"; }; };\n", NULL, "abvd.conf:7:25 wrong-type\n", NULL },
	{ BASE "cadence = { contact = { limits = [1]; }; };\n", NULL, "abvd.conf:7:35 wrong-type\n", NULL },
	{ BASE "consent = { accept = \"opt_in\"; };\n", NULL, "abvd.conf:7:13 wrong-type\n", NULL },
	{ BASE "account_aliases = { account = \"x\"; };\n", NULL, "abvd.conf:7:1 wrong-type\n", "list of groups" },
	{ NULL, "sequence = \"x\";", "sequences.d/a.conf:1:1 wrong-type\n", NULL },
	{ NULL, "sequence = { name = \"a\"; steps = ( \"x\" ); };", "sequences.d/a.conf:1:36 wrong-type\n", NULL },
	{ NULL, "sequence = { name = \"a\"; steps = { }; };", "sequences.d/a.conf:1:26 wrong-type\n", NULL },

	/* integers that libconfig wraps */
	{ BASE "cadence = { gifts_per_ask =\n  4294967299; };\n", NULL, "abvd.conf:8:3 wrapped-integer\n",
	  "4294967299L" },
	{ BASE "cadence = { sunset = { touches = 3000000000; }; };\n", NULL,
	  "abvd.conf:7:24 out-of-range\nabvd.conf:7:34 wrapped-integer\n", NULL },
	{ BASE "cadence = { gifts_per_ask = 0x100000003; };\n", NULL, NULL, "does not fit into 32 bits" },
	{ BASE "cadence = { sunset = { touches = 3000000000L; }; };\n", NULL, "abvd.conf:7:24 out-of-range\n", NULL },
	{ BASE "cadence = { gifts_per_ask = 99999999999999999999L; };\n", NULL, NULL, "64 bits" },

	/* ranges and values */
	{ BASE_CONFIG "smtp = { url = \"smtp://127.0.0.1\"; connections = 0; };\n", NULL,
	  "abvd.conf:6:36 out-of-range\n", "between 1 and 1000" },
	{ BASE_CONFIG "smtp = { url = \"smtp://127.0.0.1\"; connections = 1001; };\n", NULL,
	  "abvd.conf:6:36 out-of-range\n", NULL },
	{ BASE "cadence = { backoff = { factor = 0.5; }; };\n", NULL, "abvd.conf:7:25 out-of-range\n", NULL },
	{ BASE "cadence = { backoff = { factor = 1e999; }; };\n", NULL, "abvd.conf:7:25 out-of-range\n", NULL },
	{ BASE "cadence = { contact = { limits = [\"0 per 7d\"]; }; };\n", NULL, "abvd.conf:7:35 bad-value\n", NULL },
	{ BASE "cadence = { contact = { limits = [\"1 per 7bd\"]; }; };\n", NULL, "abvd.conf:7:35 bad-value\n", NULL },
	{ BASE "cadence = { contact = { limits = [\"1 per 0d\"]; }; };\n", NULL, NULL, NULL },
	/* the governor sees a bounded history of a contact: a limit above it would never bite */
	{ BASE "cadence = { contact = { limits = [\"1000 per 30d\"]; }; };\n", NULL, "", NULL },
	{ BASE "cadence = { contact = { limits = [\"1 per 7d\",\n \"1001 per 30d\"]; }; };\n", NULL,
	  "abvd.conf:8:2 out-of-range\n", "'limits': a limit here is at most 1000 touches" },
	{ BASE "cadence = { contact = { limits = []; }; };\n",
	  "sequence = { name = \"a\"; steps = (" S1
	  ");\n cadence = { contact = { limits = [\"2147483647 per 30d\"]; }; "
	  "}; };",
	  "sequences.d/a.conf:2:36 out-of-range\n", "at most 1000 touches" },
	{ BASE "cadence = { account = { limits = [\"1001 per 1d\"]; }; sender = { limits = [\"99999 per 1d\"]; }; };\n",
	  NULL, "", NULL },
	{ BASE "cadence = { contact = { min_gap = \"3 days\"; }; };\n", NULL, "abvd.conf:7:25 bad-value\n", NULL },
	{ BASE "consent = { max_age = \"2years\"; };\n", NULL, "abvd.conf:7:13 bad-value\n",
	  "write a number and one of s m h d w y, as in 36h" },
	{ BASE "consent = { max_age = \"3bd\"; };\n", NULL, "abvd.conf:7:13 bad-value\n", "one of s m h d w y" },
	{ BASE "on_reply = { account_hold = \"3\"; };\n", NULL, "abvd.conf:7:14 bad-value\n",
	  "one of s m h d w, as in 36h" },
	{ BASE "cadence = { contact = { min_gap = \"3\"; }; };\n", NULL, "abvd.conf:7:25 bad-value\n",
	  "one of s m h d w bd, as in 36h or 3bd" },
	{ BASE "on_reply = { account_hold = \"3bd\"; };\n", NULL, "abvd.conf:7:14 bad-value\n", "exact unit" },
	{ BASE "cadence = { window = { days = \"monday\"; }; };\n", NULL, "abvd.conf:7:24 bad-value\n", NULL },
	{ BASE "cadence = { window = { days = \"\"; }; };\n", NULL, "abvd.conf:7:24 bad-value\n", NULL },
	{ BASE "cadence = { window = { hours = \"17:30-08:30\"; }; };\n", NULL, "abvd.conf:7:24 bad-value\n",
	  "never opens" },
	{ BASE "cadence = { window = { hours = \"08:00-24:01\"; }; };\n", NULL, "abvd.conf:7:24 bad-value\n", NULL },
	{ BASE "cadence = { window = { timezone = \"Mars/Olympus\"; }; };\n", NULL, "abvd.conf:7:24 bad-value\n",
	  "IANA" },
	{ BASE "cadence = { window = { default_timezone = \"contact\"; }; };\n", NULL, "abvd.conf:7:24 bad-value\n",
	  NULL },
	{ BASE "on_reply = { notify = \"Bob <bob@example.com>\"; };\n", NULL, "abvd.conf:7:14 bad-value\n", NULL },
	{ BASE "on_reply = { notify = \"b\\r\\nBcc: x@example.com\"; };\n", NULL, "abvd.conf:7:14 bad-value\n",
	  "control" },
	{ BASE "on_reply = { notify = \"b\xff@example.com\"; };\n", NULL, "abvd.conf:7:14 bad-value\n", "UTF-8" },
	{ BASE_CONFIG "smtp = { url = \"http://x\"; };\n", NULL, "abvd.conf:6:10 bad-value\n", "smtp://" },
	{ BASE_CONFIG "smtp = { url = \"smtp://u:p@x\"; };\n", NULL, "abvd.conf:6:10 bad-value\n", "password_file" },
	{ BASE_CONFIG "smtp = { url = \"smtp://x:0\"; };\n", NULL, "abvd.conf:6:10 bad-value\n", "port" },
	{ BASE_CONFIG "smtp = { url = \"smtp://x:25x\"; };\n", NULL, "abvd.conf:6:10 bad-value\n", "port" },
	{ BASE_CONFIG "smtp = { url = \"smtp://[::1\"; };\n", NULL, "abvd.conf:6:10 bad-value\n", NULL },
	{ BASE_CONFIG "smtp = { url = \"smtp://\"; };\n", NULL, "abvd.conf:6:10 bad-value\n", NULL },
	{ BASE_CONFIG "smtp = { url = \"smtp://a b\"; };\n", NULL, "abvd.conf:6:10 bad-value\n", NULL },
	{ BASE "consent = { accept = []; };\n", NULL, "abvd.conf:7:13 bad-value\n", NULL },
	{ BASE "consent = { max_age = \"2 years\"; };\n", NULL, "abvd.conf:7:13 bad-value\n", NULL },
	{ BASE "inbox = { imap = { url = \"imaps://x/I\"; username = \"u\"; password_file = \"secret\"; after = "
	       "\"delete\"; }; };\n",
	  NULL, "abvd.conf:7:83 bad-value\n", NULL },
	{ BASE "inbox = { imap = { url = \"imap://x/%0a\"; username = \"u\"; password_file = \"secret\"; }; };\n", NULL,
	  "abvd.conf:7:20 bad-value\n", "%XX" },
	{ BASE "inbox = { imap = { url = \"imap://x/a%2\"; username = \"u\"; password_file = \"secret\"; }; };\n", NULL,
	  "abvd.conf:7:20 bad-value\n", "%XX" },

	/* files that are not there */
	{ BASE_CONFIG "smtp = { url = \"smtps://x\"; username = \"u\";\n password_file = \"none\"; };\n", NULL,
	  "abvd.conf:7:2 missing-file\n", "/none'" },
	{ BASE_CONFIG "smtp = { url = \"smtps://x\"; username = \"u\";\n password_file = \"empty\"; };\n", NULL,
	  "abvd.conf:7:2 missing-file\n", "no password" },
	{ BASE_CONFIG "smtp = { url = \"smtps://x\"; ca_file = \"none.pem\"; };\n", NULL,
	  "abvd.conf:6:29 missing-file\n", NULL },
	{ BASE "cadence = { window = { holidays = [\"none.ics\",\n \"empty\"]; }; };\n", NULL,
	  "abvd.conf:7:36 missing-file\nabvd.conf:8:2 missing-file\n", NULL },

	/* keys that are missing */
	{ "\n", NULL,
	  "abvd.conf:1:1 missing-key\nabvd.conf:1:1 missing-key\nabvd.conf:1:1 missing-key\nabvd.conf:1:1 missing-key\n"
	  "abvd.conf:1:1 missing-key\nabvd.conf:1:1 missing-key\nabvd.conf:1:1 missing-key\n",
	  "'sender.from' is required" },
	{ NULL, "", "sequences.d/a.conf:1:1 missing-key\n", NULL },
	{ NULL, "sequence = { };", "sequences.d/a.conf:1:1 missing-key\nsequences.d/a.conf:1:1 missing-key\n", NULL },
	{ NULL, "sequence = { name = \"a\"; steps = (); };", "sequences.d/a.conf:1:26 bad-value\n", "at least one" },
	{ NULL, "sequence = { name = \"a\"; steps = ({}); };",
	  "sequences.d/a.conf:1:35 missing-key\nsequences.d/a.conf:1:35 missing-key\n", NULL },
	{ BASE_CONFIG "smtp = { url = \"smtps://x\"; username = \"u\"; };\n", NULL, "abvd.conf:6:29 missing-key\n",
	  "needs a password" },
	{ BASE_CONFIG "smtp = { url = \"smtps://x\"; password_file = \"secret\"; };\n", NULL,
	  "abvd.conf:6:29 missing-key\n", NULL },
	{ BASE "inbox = { imap = { username = \"u\"; password_file = \"secret\"; }; };\n", NULL,
	  "abvd.conf:7:20 missing-key\n", "inbox.imap.url" },
	{ BASE "inbox = { imap = { url = \"imaps://x/I\"; }; };\n", NULL, "abvd.conf:7:20 missing-key\n", NULL },

	/* contradictions */
	{ BASE
	  "inbox = { imap = { url = \"imap://x/I\"; username = \"u\"; password_file = \"secret\";\n tls = \"none\"; }; "
	  "};\n",
	  NULL, "abvd.conf:8:2 plaintext-password\n", NULL },
	{ BASE "inbox = { imap = { url = \"imaps://[::1]/\"; username = \"u\"; password_file = \"secret\";\n tls = "
	       "\"none\"; }; };\n",
	  NULL, "abvd.conf:8:2 contradiction\n", NULL },
	{ BASE_CONFIG
	  "smtp = { url = \"smtp://192.0.2.1\"; tls = \"none\"; username = \"u\"; password_file = \"secret\"; };\n",
	  NULL, "abvd.conf:6:36 plaintext-password\n", NULL },
	{ BASE_CONFIG
	  "smtp = { url = \"smtp://127.0.0.9\"; tls = \"none\"; username = \"u\"; password_file = \"secret\"; };\n",
	  NULL, "", NULL },
	{ BASE_CONFIG "smtp = { url = \"smtps://127.0.0.9\"; tls = \"none\"; };\n", NULL,
	  "abvd.conf:6:37 contradiction\n", NULL },
	{ BASE "cadence = { backoff = { max_gap = \"1d\"; }; };\n", NULL, "abvd.conf:7:25 contradiction\n", NULL },
	{ BASE "cadence = { sunset = { silence = \"3d\"; }; };\n", NULL, "abvd.conf:7:24 contradiction\n", NULL },
	{ BASE "account_aliases = ( { account = \"a\"; domains = [\"x.example\"]; },\n { account = \"b\"; domains = "
	       "[\"X.example\"]; } );\n",
	  NULL, "abvd.conf:8:2 contradiction\n", "belongs to account 'a'" },
	{ BASE "account_aliases = ( { account = \"a\"; domains = [\"gmail.com\"]; } );\n", NULL,
	  "abvd.conf:7:21 contradiction\n", "free-mail" },
	{ NULL, "sequence = { name = \"a\"; steps = (" S1 ",\n" S1 "); };", "sequences.d/a.conf:2:3 duplicate-step\n",
	  "in line 1" },
	{ NULL, "sequence = (\n{ name = \"a\"; steps = (" S1 "); },\n{ name = \"a\"; steps = (" S1 "); } );",
	  "sequences.d/a.conf:3:3 duplicate-sequence\n", "a.conf:2" },
	{ NULL, "sequence = { name = \"all\"; steps = (" S1 "); };", "sequences.d/a.conf:1:14 bad-value\n", NULL },
	{ NULL, "sequence = { name = \"a b\"; steps = (" S1 "); };", "sequences.d/a.conf:1:14 bad-value\n", NULL },
	{ NULL, "sequence = { name = \"a\"; enroll = \"tag:\"; steps = (" S1 "); };",
	  "sequences.d/a.conf:1:26 bad-value\n", NULL },
	{ NULL,
	  "sequence = { name = \"a\"; steps = (\n{ name = \"x\"; template = \"../x.md\"; },\n{ name = \"y\"; template "
	  "= \"/x.md\"; },\n"
	  "{ name = \"z\"; template = \"a/../x.md\"; }); };",
	  "sequences.d/a.conf:2:15 bad-value\nsequences.d/a.conf:3:15 bad-value\nsequences.d/a.conf:4:15 bad-value\n",
	  "cannot leave" },
	{ NULL, "sequence = { name = \"a\"; qualify = ( { field = \"n\"; } ); steps = (" S1 "); };",
	  "sequences.d/a.conf:1:38 missing-key\n", NULL },
	{ NULL, "sequence = { name = \"a\"; qualify = ( { field = \"n\"; min = 2; max = 1; } ); steps = (" S1 "); };",
	  "sequences.d/a.conf:1:38 contradiction\n", NULL },
	{ NULL,
	  "sequence = { name = \"a\"; steps = (" S1
	  ",\n{ name = \"two\"; template = \"t.md\"; after = \"1d\"; expire = \"1d\"; }); };",
	  "sequences.d/a.conf:2:1 never-sent\n", NULL },

	/* a sequence that loosens */
	{ NULL,
	  "sequence = { name = \"a\"; steps = (" S1
	  ");\n cadence = { gifts_per_ask = 2;\n contact = { limits = [\"2 per 7d\"]; min_gap = \"1d\"; };\n"
	  " backoff = { factor = 1.1; };\n sunset = { touches = 9; };\n window = { days = \"mon-sat\"; };\n }; };",
	  "sequences.d/a.conf:2:14 loosens\nsequences.d/a.conf:3:14 loosens\nsequences.d/a.conf:3:37 "
	  "loosens\nsequences.d/a.conf:4:14 loosens\n"
	  "sequences.d/a.conf:5:13 loosens\nsequences.d/a.conf:6:13 loosens\n",
	  NULL },
	{ NULL,
	  "sequence = { name = \"a\"; steps = (" S1
	  ");\n cadence = { gifts_per_ask = 4;\n contact = { limits = [\"1 per 10d\"]; min_gap = \"5bd\"; };\n"
	  " backoff = { factor = 2; };\n sunset = { touches = 7; };\n window = { days = \"mon-thu\"; hours = "
	  "\"09:00-17:00\"; };\n }; };",
	  "", NULL },

	{ NULL,
	  "sequence = { name = \"a\"; steps = (" S1
	  ");\n cadence = { window = { days = \"mon\";\n hours = \"08:00-17:00\"; }; }; };",
	  "sequences.d/a.conf:3:2 loosens\n", NULL },
	{ BASE "cadence = { window = { timezone = \"UTC\"; }; };\n",
	  "sequence = { name = \"a\"; steps = (" S1 ");\n cadence = { window = {\n timezone = \"contact\"; }; }; };",
	  "sequences.d/a.conf:3:2 loosens\n", NULL },
	{ NULL,
	  "sequence = { name = \"a\"; steps = (" S1 ");\n cadence = { account = { limits = [\"3 per 7d\"]; }; }; };",
	  "sequences.d/a.conf:2:26 loosens\n", "\"3 per 7d\" is looser than \"2 per 7d\"" },

	/* several files, everything at once */
	{ BASE "foo = 1;\nlog2 = { };\n", "sequence = { name = 3; steps = (" S1 "); };",
	  "abvd.conf:7:1 unknown-key\nabvd.conf:8:1 unknown-key\nsequences.d/a.conf:1:14 wrong-type\n", NULL },
};

static bool has_message(const struct problems *p, const char *part)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->row[i].severity == SEVERITY_ERROR && strstr(p->row[i].message, part))
			return true;
	return false;
}

static int row_check(size_t i)
{
	const struct row *r = &rows[i];
	struct problems p = { 0 };
	struct config *c = NULL;
	int bad = 0;

	config_dir_make();
	config_dir_put("abvd.conf", r->main ? r->main : BASE);
	config_dir_put("secret", "pass\n");
	config_dir_put("empty", "\n");
	chmod(config_dir_path("secret"), 0600);
	if (r->sequence)
		config_dir_put("sequences.d/a.conf", r->sequence);
	int rc = config_load(config_dir_path("abvd.conf"), &c, &p);
	char *found = config_dir_findings(&p, SEVERITY_ERROR);

	bad |= r->expected && strcmp(found, r->expected) != 0;
	bad |= !r->expected && !p.errors;
	bad |= r->message && *(r->expected ? r->expected : "x") && !has_message(&p, r->message);
	for (size_t k = 0; k < p.n; k++)
		bad |= p.row[k].line < 1 || p.row[k].column < 1;
	bad |= (rc == 0) != (p.errors == 0) || (c != NULL) != (rc == 0);
	if (bad) {
		print_error("row %zu\n%s\n%s\nexpected:\n%s\nfound:\n%s", i, r->main ? r->main : "",
			    r->sequence ? r->sequence : "", r->expected ? r->expected : "(any)", found);
		for (size_t k = 0; k < p.n; k++)
			print_error("  %s: %s\n", p.row[k].rule, p.row[k].message);
	}
	free(found);
	config_free(&c);
	problems_free(&p);
	config_dir_remove();
	return bad;
}

static void test_errors(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		bad += row_check(i);
	assert_int_equal(bad, 0);
}

/* What no header can carry would let every letter fail, long after the start. */
static void test_sender_fits_headers(void **state)
{
	static const struct {
		const char *from, *unsubscribe;
		int fill; /* bytes behind it */
		const char *expected;
	} row[] = {
		{ "D <dana@example.com>", "https://e.example/", 900 - 18, "" },
		{ "D <dana@example.com>", "https://e.example/", 901 - 18, "abvd.conf:2:1 out-of-range\n" },
		{ "D <dana@example.com>", "https://e.example/\xc3\xbc", 0, "abvd.conf:2:1 bad-value\n" },
		{ "D <dana@example.com>", "mailto:\xc3\xbc@e.example", 0, "abvd.conf:2:1 bad-value\n" },
		{ "\xc3\xbc <d\xc3\xa4na@example.com>", "mailto:u@e.example", 0, "" },
		{ "D <dana@ex\xc3\xa4mple.com>", "mailto:u@e.example", 0, "abvd.conf:1:12 bad-value\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct problems p = { 0 };
		struct config *c = NULL;
		struct buf text = { 0 };

		buf_printf(&text, "sender = { from = \"%s\"; postal_address = \"x\";\nunsubscribe = \"%s", row[i].from,
			   row[i].unsubscribe);
		for (int k = 0; k < row[i].fill; k++)
			buf_char(&text, 'u');
		buf_str(&text, "\"; };\nsmtp = { url = \"smtp://127.0.0.1\"; };\nstore = { path = \"s\"; };\n"
			       "log = { path = \"l\"; };\ncontrol = { socket = \"c\"; };\n");
		config_dir_make();
		config_dir_put("abvd.conf", text.data);
		(void)config_load(config_dir_path("abvd.conf"), &c, &p);
		char *found = config_dir_findings(&p, SEVERITY_ERROR);

		assert_string_equal(found, row[i].expected);
		free(found);
		config_free(&c);
		problems_free(&p);
		buf_free(&text);
		config_dir_remove();
	}
}

/* A group of more settings than there are keys is refused at once; as many groups as one likes are not. */
static void test_many_settings(void **state)
{
	static const struct {
		const char *open, *one, *close;
		const char *expected;
	} row[] = {
		{ "", "k%d = 1;\n", "", "abvd.conf:1002:1 too-large\n" },
		{ "x = {\n", "k%d = true;\n", "};", "abvd.conf:1008:1 too-large\n" },
		{ "account_aliases = (\n", "{ account = \"a%d\"; domains = [\"d%d.example\"]; },\n",
		  "{ account = \"z\"; domains = [\"e.example\"]; } );", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct problems p = { 0 };
		struct config *c = NULL;
		struct buf text = { 0 };

		buf_str(&text, BASE);
		buf_str(&text, row[i].open);
		for (int k = 0; k < 1001; k++) {
			char one[96];

			(void)snprintf(one, sizeof one, row[i].one, k, k);
			buf_str(&text, one);
		}
		buf_str(&text, row[i].close);
		config_dir_make();
		config_dir_put("abvd.conf", text.data);
		(void)config_load(config_dir_path("abvd.conf"), &c, &p);
		char *found = config_dir_findings(&p, SEVERITY_ERROR);

		assert_string_equal(found, row[i].expected);
		free(found);
		config_free(&c);
		problems_free(&p);
		buf_free(&text);
		config_dir_remove();
	}
}

static void test_missing_file(void **state)
{
	struct problems p = { 0 };
	struct config *c = NULL;

	(void)state;
	config_dir_make();
	assert_int_equal(config_load(config_dir_path("abvd.conf"), &c, &p), -1);
	assert_int_equal(config_load(config_dir, &c, &p), -1);
	config_dir_put("nul.conf", "a = 1;");
	FILE *f = fopen(config_dir_path("nul.conf"), "w");

	assert_non_null(f);
	assert_int_equal(fwrite("a = 1;\0b", 1, 8, f), 8);
	fclose(f);
	assert_int_equal(config_load(config_dir_path("nul.conf"), &c, &p), -1);
	assert_int_equal(p.errors, 3);
	for (size_t i = 0; i < p.n; i++)
		if (p.row[i].severity == SEVERITY_ERROR) {
			assert_string_equal(p.row[i].rule, "missing-file");
			assert_int_equal(p.row[i].line, 1);
			assert_int_equal(p.row[i].column, 1);
		}
	problems_free(&p);
	config_dir_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_many_settings),
		cmocka_unit_test(test_sender_fits_headers),
	};

	unsetenv("CREDENTIALS_DIRECTORY");
	return cmocka_run_group_tests_name("config_errors", tests, NULL, NULL);
}
