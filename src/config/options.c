/* The options, one row each: what the reader accepts, what the manual page must describe, what `abvctl config` shows. A
 * default is written as a file would write it and goes the same way as a given value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_int.h"
#include "draft_int.h"

#define CFG(field) AT_CONFIG, offsetof(struct config, field)
#define POL(field) AT_POLICY, offsetof(struct policy, field)
#define SEQ(field) AT_SEQUENCE, offsetof(struct sequence_draft, field)
#define STP(field) AT_STEP, offsetof(struct step, field)
#define QLF(field) AT_QUALIFY, offsetof(struct qualify_draft, field)
#define ALI(field) AT_ALIAS, offsetof(struct account_alias, field)
#define REQUIRED   NULL, true
#define OPTIONAL   NULL, false
#define WITH(text) text, false
#define ANY        0, 0
#define SECOND     1000.0
#define HOUR       (3600 * SECOND)
#define DAY        (24 * HOUR)
#define AT_MOST    (3660 * DAY)
/* the governor sees this many touches of a contact and a few more (HISTORY_CONTACT_MAX): more would never bite */
#define CONTACT_LIMIT_MAX 1000

/* clang-format off */
const struct option config_options[] = {
	{ "sender.from", OPTION_STRING, CFG(sender), REQUIRED, ANY, set_from,
	  "whom mail is from, with a name: From" },
	{ "sender.reply_to", OPTION_STRING, CFG(sender.reply_to), OPTIONAL, ANY, set_mailbox,
	  "where answers go: Reply-To" },
	{ "sender.return_path", OPTION_STRING, CFG(sender.return_path), OPTIONAL, ANY, set_mailbox,
	  "where bounces go; a token is added to its local part; the address of sender.from when missing" },
	{ "sender.postal_address", OPTION_STRING, CFG(sender.postal_address), REQUIRED, ANY, set_text,
	  "stands in every message's footer" },
	{ "sender.unsubscribe", OPTION_STRING, CFG(sender.unsubscribe), REQUIRED, ANY, set_unsubscribe,
	  "mailto: or https: address of List-Unsubscribe" },
	{ "sender.warmup.start", OPTION_INT, POL(warmup.start), OPTIONAL, 1, 1000000, NULL,
	  "touches on the first day of sending" },
	{ "sender.warmup.growth", OPTION_NUMBER, POL(warmup.growth), OPTIONAL, 1, 10, NULL,
	  "factor from a day of sending to the next" },
	{ "sender.warmup.target", OPTION_INT, POL(warmup.target), OPTIONAL, 1, 100000000, NULL,
	  "touches a day at which the ramp ends" },

	{ "smtp.url", OPTION_STRING, CFG(smtp), REQUIRED, ANY, set_smtp_url,
	  "the relay: smtp:// (port 587) or smtps:// (port 465)" },
	{ "smtp.tls", OPTION_STRING, CFG(smtp.tls), WITH("\"required\""), ANY, set_tls,
	  "required, opportunistic or none" },
	{ "smtp.username", OPTION_STRING, CFG(smtp.username), WITH("\"\""), ANY, NULL,
	  "for AUTH; none when missing" },
	{ "smtp.password_file", OPTION_PATH, CFG(smtp.password), OPTIONAL, ANY, set_password,
	  "file with the password; systemd's credential smtp.password when missing" },
	{ "smtp.connections", OPTION_INT, CFG(smtp.connections), WITH("8"), 1, 1000, NULL,
	  "connections to the relay at once" },
	{ "smtp.rate", OPTION_LIMIT, POL(rate), OPTIONAL, ANY, NULL, "limit over all messages" },
	{ "smtp.retry_for", OPTION_TIME, CFG(smtp.retry_for), WITH("\"4d\""), HOUR / 60, AT_MOST, NULL,
	  "how long a temporarily refused message is tried again" },
	{ "smtp.timeouts.connect", OPTION_TIME, CFG(smtp.timeout_connect), WITH("\"5m\""), SECOND, DAY, NULL,
	  "until connected and greeted" },
	{ "smtp.timeouts.command", OPTION_TIME, CFG(smtp.timeout_command), WITH("\"5m\""), SECOND, DAY, NULL,
	  "for the reply to a command" },
	{ "smtp.timeouts.data", OPTION_TIME, CFG(smtp.timeout_data), WITH("\"3m\""), SECOND, DAY, NULL,
	  "for a block of the message" },
	{ "smtp.timeouts.dot", OPTION_TIME, CFG(smtp.timeout_dot), WITH("\"10m\""), SECOND, DAY, NULL,
	  "for the reply to the final dot" },
	{ "smtp.ca_file", OPTION_PATH, CFG(smtp.ca_file), WITH("\"\""), ANY, set_readable,
	  "certificates to trust instead of the system's" },
	{ "smtp.helo", OPTION_STRING, CFG(smtp.helo), WITH("\"\""), ANY, set_host,
	  "name in EHLO; the host's when missing" },

	{ "inbox.imap.url", OPTION_STRING, CFG(inbox), WITH("\"\""), ANY, set_imap_url,
	  "mailbox to read: imaps://HOST/MAILBOX" },
	{ "inbox.imap.tls", OPTION_STRING, CFG(inbox.imap_tls), OPTIONAL, ANY, set_tls,
	  "required, opportunistic or none; when missing required, on this host opportunistic" },
	{ "inbox.imap.ca_file", OPTION_PATH, CFG(inbox.imap_ca_file), WITH("\"\""), ANY, set_readable,
	  "certificates to trust instead of the system's" },
	{ "inbox.imap.username", OPTION_STRING, CFG(inbox.imap_username), WITH("\"\""), ANY, NULL, "for the login" },
	{ "inbox.imap.password_file", OPTION_PATH, CFG(inbox.imap_password), OPTIONAL, ANY, set_password,
	  "file with the password; systemd's credential imap.password when missing" },
	{ "inbox.imap.after", OPTION_STRING, CFG(inbox.imap_after), WITH("\"\""), ANY, set_imap_after,
	  "what becomes of a message that was read: nothing, \"seen\" or \"move:FOLDER\"" },
	{ "inbox.maildir", OPTION_PATH, CFG(inbox.maildir), WITH("\"\""), ANY, NULL, "Maildir to read" },

	{ "cadence.contact.min_gap", OPTION_GAP, POL(contact_min_gap), WITH("\"3bd\""), ANY, NULL,
	  "least time between two touches of a contact" },
	{ "cadence.contact.limits", OPTION_LIMITS, POL(contact), WITH("[\"1 per 7d\", \"4 per 30d\"]"), 1,
	  CONTACT_LIMIT_MAX, NULL,
	  "touches of a contact in rolling windows" },
	{ "cadence.account.min_gap", OPTION_GAP, POL(account_min_gap), OPTIONAL, ANY, NULL,
	  "least time between two touches of an account" },
	{ "cadence.account.limits", OPTION_LIMITS, POL(account), WITH("[\"2 per 7d\"]"), ANY, NULL,
	  "touches of an account in rolling windows" },
	{ "cadence.provider.limits", OPTION_LIMITS, POL(provider), OPTIONAL, ANY, NULL,
	  "touches of a recipient domain in rolling windows" },
	{ "cadence.sender.limits", OPTION_LIMITS, POL(sender), OPTIONAL, ANY, NULL,
	  "all touches in rolling windows" },
	{ "cadence.window.days", OPTION_STRING, POL(window), WITH("\"mon-fri\""), ANY, set_days,
	  "weekdays on which mail may go: \"mon-fri\" or \"mon,wed,fri\"" },
	{ "cadence.window.hours", OPTION_STRING, POL(window.hours), WITH("\"08:30-17:30\""), ANY, set_hours,
	  "hours in which mail may go, the end excluded" },
	{ "cadence.window.timezone", OPTION_STRING, POL(window.fixed), WITH("\"contact\""), ANY, set_timezone,
	  "\"contact\", or one IANA zone for all" },
	{ "cadence.window.default_timezone", OPTION_STRING, POL(window.fallback), WITH("\"UTC\""), ANY, set_zone,
	  "zone of contacts that have none" },
	{ "cadence.window.holidays", OPTION_STRINGS, POL(window), OPTIONAL, ANY, set_holidays,
	  "iCalendar files whose all-day events are closed days" },
	{ "cadence.backoff.factor", OPTION_NUMBER, POL(backoff_factor), WITH("1.5"), 1, 10, NULL,
	  "the gap grows by it with each unanswered touch" },
	{ "cadence.backoff.max_gap", OPTION_GAP, POL(backoff_max_gap), WITH("\"30d\""), ANY, NULL,
	  "the gap grows no further" },
	{ "cadence.sunset.touches", OPTION_INT, POL(sunset_touches), WITH("8"), 0, 10000, NULL,
	  "unanswered touches after which a contact is released; 0: never" },
	{ "cadence.sunset.silence", OPTION_TIME, POL(sunset_silence), WITH("\"120d\""), 0, AT_MOST, NULL,
	  "time without an answer after which a contact is released; \"0d\": never" },
	{ "cadence.gifts_per_ask", OPTION_INT, POL(gifts_per_ask), WITH("3"), 0, 60, NULL,
	  "accepted value touches that an ask needs since the last ask" },

	{ "consent.accept", OPTION_STRINGS, AT_POLICY, 0, WITH("[\"opt_in\", \"customer\", \"inquiry\"]"), ANY,
	  set_accept,
	  "consent bases that allow mail" },
	{ "consent.max_age", OPTION_TIME, POL(consent_max_age), WITH("\"2y\""), 0, 36600 * DAY, set_age,
	  "age at which consent expires; years (y) are 365 d; \"0d\": never" },
	{ "account_aliases", OPTION_GROUPS, CFG(alias), OPTIONAL, ANY, set_aliases,
	  "domains that belong to one account" },
	{ "account_aliases.account", OPTION_STRING, ALI(account), REQUIRED, ANY, NULL, "the account's key" },
	{ "account_aliases.domains", OPTION_STRINGS, AT_ALIAS, 0, REQUIRED, ANY, set_accept,
	  "its domains; their subdomains belong to it too" },
	{ "on_reply.account_hold", OPTION_TIME, CFG(account_hold), WITH("\"14d\""), 0, AT_MOST, NULL,
	  "how long the account's other contacts are left alone after a reply" },
	{ "on_reply.notify", OPTION_STRING, CFG(notify), WITH("\"\""), ANY, set_mailbox,
	  "address that is told of a reply" },
	{ "store.path", OPTION_PATH, CFG(store_path), REQUIRED, ANY, NULL, "the database" },
	{ "store.keep_events", OPTION_TIME, CFG(keep_events), WITH("\"400d\""), DAY, 36600 * DAY, NULL,
	  "how long events stay in the database after they were logged" },
	{ "log.path", OPTION_PATH, CFG(log_path), REQUIRED, ANY, NULL, "the engagement log" },
	{ "control.socket", OPTION_PATH, CFG(control_socket), REQUIRED, ANY, NULL,
	  "the socket that abvctl speaks to" },

	{ "sequence.name", OPTION_STRING, SEQ(sequence.name), REQUIRED, ANY, set_sequence_name, "its name, unique" },
	{ "sequence.priority", OPTION_INT, SEQ(sequence.priority), WITH("0"), -1000000, 1000000, NULL,
	  "among due steps of a contact the higher goes first" },
	{ "sequence.enroll", OPTION_STRING, AT_SEQUENCE, 0, WITH("\"manual\""), ANY, set_enroll,
	  "who is enrolled: \"manual\", \"on_import\" or \"tag:NAME\"" },
	{ "sequence.qualify", OPTION_GROUPS, AT_SEQUENCE, 0, OPTIONAL, ANY, set_qualify,
	  "conditions that a contact must meet, all of them" },
	{ "sequence.qualify.field", OPTION_STRING, QLF(field), REQUIRED, ANY, NULL, "a column of the import" },
	{ "sequence.qualify.equals", OPTION_STRING, QLF(equals), OPTIONAL, ANY, NULL,
	  "the value it must have, without regard to case" },
	{ "sequence.qualify.in", OPTION_STRINGS, QLF(in), OPTIONAL, ANY, set_in, "values of which it must have one" },
	{ "sequence.qualify.min", OPTION_NUMBER, QLF(min), OPTIONAL, ANY, NULL, "the least number it may be" },
	{ "sequence.qualify.max", OPTION_NUMBER, QLF(max), OPTIONAL, ANY, NULL, "the greatest number it may be" },
	{ "sequence.qualify.present", OPTION_BOOL, QLF(present), OPTIONAL, ANY, NULL, "true: it must not be empty" },
	{ "sequence.steps", OPTION_GROUPS, AT_SEQUENCE, 0, REQUIRED, ANY, set_steps, "the messages, in order" },
	{ "sequence.steps.name", OPTION_STRING, STP(name), REQUIRED, ANY, set_step_name,
	  "its name, unique in the sequence" },
	{ "sequence.steps.after", OPTION_GAP, STP(after), WITH("\"0d\""), ANY, NULL,
	  "least time since the touch before (the first: since enrollment)" },
	{ "sequence.steps.template", OPTION_STRING, STP(template_name), REQUIRED, ANY, set_template,
	  "file in templates/" },
	{ "sequence.steps.expire", OPTION_TIME, STP(expire), OPTIONAL, HOUR / 60, AT_MOST, NULL,
	  "the step is skipped when it is due for longer" },
	{ NULL, OPTION_STRING, AT_CONFIG, 0, OPTIONAL, ANY, NULL, NULL }
};
/* clang-format on */

_Static_assert(sizeof config_options / sizeof *config_options <= OPTION_MAX, "struct given is too small");

const char *option_type_name(enum option_type t)
{
	static const char *const names[OPTION_TYPE_COUNT] = { [OPTION_STRING] = "string",
							      [OPTION_INT] = "integer",
							      [OPTION_NUMBER] = "number",
							      [OPTION_BOOL] = "boolean",
							      [OPTION_TIME] = "time",
							      [OPTION_GAP] = "time or business days",
							      [OPTION_LIMIT] = "limit",
							      [OPTION_PATH] = "path",
							      [OPTION_LIMITS] = "list of limits",
							      [OPTION_STRINGS] = "list of strings",
							      [OPTION_GROUPS] = "list of groups" };
	return names[t];
}

const struct option_doc *config_option_at(int i)
{
	static struct option_doc doc[OPTION_MAX];
	int n = 0;

	while (n < i && config_options[n].key)
		n++;
	if (i < 0 || !config_options[n].key)
		return NULL;
	const struct option *o = &config_options[n];

	doc[n] = (struct option_doc){ o->key, option_type_name(o->type), o->fallback ? o->fallback : "", o->help };
	return &doc[n];
}

/* The documented key of a path in a scope. A sequence's cadence is documented once, at the installation's. */
static const char *full_key(const char *scope, const char *path, char *out, size_t cap)
{
	bool shared = !strcmp(scope, "sequence.") && (!strncmp(path, "cadence.", 8) || !strcmp(path, "cadence"));

	(void)snprintf(out, cap, "%s%s", shared ? "" : scope, path);
	return out;
}

/* Rows of the installation's file are those that belong to no narrower scope. */
static bool in_scope(const char *scope, const char *key)
{
	return *scope || strncmp(key, "sequence.", 9) != 0;
}

int option_find(const char *scope, const char *path)
{
	char key[256];

	full_key(scope, path, key, sizeof key);
	for (int i = 0; config_options[i].key; i++)
		if (!strcmp(config_options[i].key, key) && in_scope(scope, key))
			return i;
	return -1;
}

bool option_is_group(const char *scope, const char *path)
{
	char key[256];

	full_key(scope, path, key, sizeof key);
	size_t n = strlen(key);

	for (int i = 0; config_options[i].key; i++)
		if (!strncmp(config_options[i].key, key, n) && config_options[i].key[n] == '.' &&
		    in_scope(scope, config_options[i].key))
			return true;
	return false;
}

bool option_suggest(const char *scope, const char *path, char *out, size_t cap)
{
	char key[256];

	full_key(scope, path, key, sizeof key);
	const char *dot = strrchr(key, '.');
	size_t above = dot ? (size_t)(dot + 1 - key) : 0;
	const char *name = key + above;
	size_t len = strlen(name);
	int best = (int)(len / 3) + 1;
	const char *elsewhere = NULL;

	*out = '\0';
	for (int i = 0; config_options[i].key; i++) {
		const char *k = config_options[i].key, *last = strrchr(k, '.');

		if (!in_scope(scope, k))
			continue;
		if (!strcmp(last ? last + 1 : k, name) && !strncmp(k, scope, strlen(scope)))
			elsewhere = elsewhere ? elsewhere : k;
		if (strncmp(k, key, above) != 0)
			continue;
		size_t n = strcspn(k + above, ".");
		int far = problem_distance(name, len, k + above, n);

		if (far < best) {
			best = far;
			(void)snprintf(out, cap, "%.*s", (int)n, k + above);
		}
	}
	if (!*out && elsewhere)
		(void)snprintf(out, cap, "%s", elsewhere + strlen(scope));
	return *out != '\0';
}
