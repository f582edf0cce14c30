/* abvctl: the table of commands. Only what a command's row says is accepted; the manual page and the shells'
 * completions are checked against it (tests/docs_commands.sh). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl_int.h"

static const struct ctl_command commands[] = {
	{ "check",
	  "[CONF]",
	  "check configuration, sequences, templates and the gate's word on them",
	  "Prints every problem as FILE:LINE:COLUMN: severity: message [rule]. Exit status 1 when one is an error.",
	  { { 0 } },
	  0,
	  1,
	  false,
	  cmd_check },
	{ "gate",
	  "[--json] FILE... | --jsonl",
	  "judge texts: value, ask or empty",
	  "FILE is Markdown, text or HTML, and may begin with a template's header block; \"-\" reads standard input.\n"
	  "Exit status 1 when one does not pass.",
	  { { "jsonl", NULL,
	      "read {\"id\",\"text\"[,\"subject\"][,\"kind\"]} lines from standard input, print JSON lines" } },
	  0,
	  -1,
	  false,
	  cmd_gate },
	{ "render",
	  "TEMPLATE [--set NAME=VALUE]... [--eml | --html | --text]",
	  "show a template's letter with values",
	  "TEMPLATE is a file, or a name in the configuration's templates. The sender is the configuration's.",
	  { { "set", "NAME=VALUE", "a contact's value; may be repeated" },
	    { "eml", NULL, "the whole message as it would be sent" },
	    { "html", NULL, "the HTML part" },
	    { "text", NULL, "the text part" } },
	  1,
	  1,
	  false,
	  cmd_render },
	{ "classify",
	  "[--jsonl] FILE...",
	  "tell what received messages are",
	  "FILE is a raw message (RFC 5322); \"-\" reads standard input. Nobody is matched to a contact: every person's\n"
	  "answer is a reply. Exit status 1 when a file cannot be read.",
	  { { "jsonl", NULL, "print a JSON object a line" } },
	  0,
	  -1,
	  false,
	  cmd_classify },
	{ "simulate",
	  "--contacts CSV --from DATE --days N [--seed S] [--reply-rate P] [--bounce-rate P] [--ooo-rate P] "
	  "[--unsubscribe-rate P] [--enroll S|all]... [--json | --calendar]",
	  "what the configuration would do, on a virtual clock",
	  "Opens no network, store, log or socket. Sequences that enroll on import or by tag do so; the same seed gives "
	  "the\n"
	  "same answers. --json prints the engagement log's lines. Rates are from 0 to 1, per touch, 0 unless given.",
	  { { "contacts", "CSV", "the contacts, as for import" },
	    { "from", "DATE", "when it begins: the import's time" },
	    { "days", "N", "how long it runs" },
	    { "seed", "S", "of the answers (default 1)" },
	    { "reply-rate", "P", "a person answers" },
	    { "bounce-rate", "P", "the address is bad" },
	    { "ooo-rate", "P", "an absence note comes back" },
	    { "unsubscribe-rate", "P", "the person unsubscribes" },
	    { "enroll", "S|all", "puts everybody who qualifies into this manual sequence, or into all; may be repeated" },
	    { "calendar", NULL, "draw days and contacts on one screen" } },
	  0,
	  0,
	  false,
	  cmd_simulate },
	{ "log",
	  "[--since T] [--contact E] [--sequence S] [--event E]... [--follow] [FILE]",
	  "read the engagement log",
	  "FILE is the log to read instead of the configuration's; \"-\" reads standard input.",
	  { { "since", "T", "from this time or date on, or a duration back from now (36h)" },
	    { "contact", "E", "this contact's lines only" },
	    { "sequence", "S", "this sequence's lines only" },
	    { "event", "E", "these events only; may be repeated" },
	    { "follow", NULL, "go on with new lines as they come" } },
	  0,
	  1,
	  false,
	  cmd_log },
	{ "audit",
	  "[LOG...]",
	  "prove from the engagement log that every cap and rule held",
	  "LOG are the log's files in any order; without them the configuration's log and its rotated files that are "
	  "not\ncompressed. Prints every violation as FILE:LINE: rule: text. Exit status 1 when there is one, or when a "
	  "file\ncannot be read.",
	  { { 0 } },
	  0,
	  -1,
	  false,
	  cmd_audit },
	{ "doctor",
	  "[--quick] [BACKUP]",
	  "examine the store, the log, and what they need",
	  "Prints each finding with what to do; changes nothing. The store is examined while abvd is not running; of one "
	  "that\nruns, make a backup and examine that: BACKUP. Exit status 1 when something is found.",
	  { { "quick", NULL, "leave out the order of every index: faster for large stores" } },
	  0,
	  1,
	  false,
	  cmd_doctor },

	{ "import",
	  "FILE.csv [--rejects FILE]",
	  "import contacts from CSV",
	  "The first row names the columns; email is required. \"-\" reads standard input. Bad rows are told with "
	  "their\n"
	  "line, the others are imported; importing again is safe.",
	  { { "rejects", "FILE", "keep the header and the bad rows here" } },
	  1,
	  1,
	  true,
	  cmd_import },
	{ "enroll",
	  "SEQUENCE (--contact E | --tag T | --all)",
	  "put contacts into a sequence",
	  "",
	  { { "contact", "E", "this one" },
	    { "tag", "T", "those with this tag" },
	    { "all", NULL, "everybody who qualifies" } },
	  1,
	  1,
	  true,
	  cmd_enroll },
	{ "stop",
	  "CONTACT [SEQUENCE]",
	  "end a contact's enrollments, or one of them",
	  "",
	  { { 0 } },
	  1,
	  2,
	  true,
	  cmd_stop },
	{ "pause", "[SEQUENCE]", "pause all sending, or a sequence", "", { { 0 } }, 0, 1, true, cmd_pause },
	{ "resume", "[SEQUENCE]", "go on after a pause", "", { { 0 } }, 0, 1, true, cmd_resume },
	{ "hold",
	  "CONTACT --until T [--reason TEXT]",
	  "send a contact nothing until a time",
	  "A time in the past lifts the hold.",
	  { { "until", "T", "RFC 3339 time, a date (midnight UTC), or a duration from now (7d)" },
	    { "reason", "TEXT", "why; it is logged" } },
	  1,
	  1,
	  true,
	  cmd_hold },
	{ "suppress",
	  "EMAIL|@DOMAIN [--reason TEXT]",
	  "never mail an address or a domain",
	  "",
	  { { "reason", "TEXT", "why; it is logged" } },
	  1,
	  1,
	  true,
	  cmd_suppress },
	{ "unsuppress",
	  "EMAIL|@DOMAIN --reason TEXT [--force]",
	  "lift a suppression",
	  "",
	  { { "reason", "TEXT", "why; it is logged" },
	    { "force", NULL, "also where the person unsubscribed or complained" } },
	  1,
	  1,
	  true,
	  cmd_unsuppress },
	{ "forget", "CONTACT", "erase a person; a keyed hash stays suppressed", "", { { 0 } }, 1, 1, true, cmd_forget },
	{ "export", "CONTACT", "all that is recorded about a contact, as JSON", "", { { 0 } }, 1, 1, true, cmd_export },
	{ "show", "CONTACT", "a contact with enrollments, touches and holds", "", { { 0 } }, 1, 1, true, cmd_show },
	{ "explain",
	  "CONTACT",
	  "what comes next for a contact, when, why, and what would change it",
	  "",
	  { { 0 } },
	  1,
	  1,
	  true,
	  cmd_explain },
	{ "status", "", "the daemon's state and counts", "", { { 0 } }, 0, 0, true, cmd_status },
	{ "queue",
	  "[--limit N]",
	  "what goes next, when and why",
	  "",
	  { { "limit", "N", "so many rows (20)" } },
	  0,
	  0,
	  true,
	  cmd_queue },
	{ "test",
	  "SEQUENCE STEP --to ADDRESS",
	  "send a step's real message to yourself; no cadence, no history",
	  "",
	  { { "to", "ADDRESS", "who gets it" } },
	  2,
	  2,
	  true,
	  cmd_test },
	{ "config", "", "effective values and where they come from", "", { { 0 } }, 0, 0, true, cmd_config },
	{ "unknown",
	  "[list | accept ID | resend ID | drop ID]",
	  "messages that may or may not have been delivered",
	  "accept: it was delivered. resend: it was not, send it again. drop: it was not, go on without.",
	  { { 0 } },
	  0,
	  2,
	  true,
	  cmd_unknown },
	{ "backup",
	  "FILE [--force]",
	  "copy the store while abvd works",
	  "The copy is whole, synced and examined when FILE appears; what stands there is replaced with --force only. It holds\n"
	  "the personal data of all contacts and the key of all tokens.",
	  { { "force", NULL, "replace FILE" } },
	  1,
	  1,
	  true,
	  cmd_backup },
	{ "deliver",
	  "",
	  "take a received message from standard input, for an MTA's alias",
	  "Exit status as in sysexits.h: 0 once the message took effect, 75 when abvd cannot take it now, 64 and 65 for a "
	  "wrong\ncommand line and an empty message.",
	  { { 0 } },
	  0,
	  0,
	  true,
	  cmd_deliver },
	{ NULL, NULL, NULL, NULL, { { 0 } }, 0, 0, false, NULL },
};

static int print_help(const struct ctl *c)
{
	struct buf b = { 0 };

	if (c->command)
		ctl_command_help(c->command, &b);
	else
		ctl_help(commands, &b);
	(void)fputs(buf_text(&b), stdout);
	buf_free(&b);
	return CTL_OK;
}

static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

int main(int argc, char **argv)
{
	struct ctl c;
	struct err e = { "" };
	int rc;

	if (ctl_parse(&c, commands, argc, argv, &e) < 0) {
		rc = ctl_usage(&c, "%s", e.text);
		if (c.command && c.command->run == cmd_deliver) /* whoever calls it is an MTA */
			rc = EX_USAGE;
	} else if (c.version) {
		rc = CTL_OK;
		(void)puts("abvctl " ABV_VERSION);
	} else if (c.help) {
		rc = print_help(&c);
	} else {
		c.colour = wants_colour();
		rc = c.command->run(&c);
	}
	/* A full disk behind a redirection must not look like success. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && rc == CTL_OK)
		rc = ctl_fail(CTL_FINDINGS, "cannot write to standard output: %s", strerror(errno));
	ctl_end(&c);
	return rc;
}
