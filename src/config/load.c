/* The whole configuration: abvd.conf, then sequences.d/ beside it. Every finding is told, then the whole is refused or
 * taken. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "abv/mem.h"
#include "config_int.h"

static const char *absolute(struct owned *o, const char *path)
{
	char cwd[PATH_MAX];

	if (*path == '/' || !getcwd(cwd, sizeof cwd))
		return owned_text(o, path);
	while (!strncmp(path, "./", 2))
		path += 2;
	return owned_printf(o, "%s/%s", strcmp(cwd, "/") != 0 ? cwd : "", path);
}

static void strings_init(struct config *c)
{
	const char **field[] = { &c->sender.postal_address,
				 &c->sender.unsubscribe,
				 &c->smtp.url,
				 &c->smtp.host,
				 &c->smtp.username,
				 &c->smtp.password,
				 &c->smtp.ca_file,
				 &c->smtp.helo,
				 &c->inbox.imap_url,
				 &c->inbox.imap_username,
				 &c->inbox.imap_password,
				 &c->inbox.imap_after,
				 &c->inbox.imap_host,
				 &c->inbox.imap_mailbox,
				 &c->inbox.imap_ca_file,
				 &c->inbox.maildir,
				 &c->notify,
				 &c->store_path,
				 &c->log_path,
				 &c->control_socket };

	for (size_t i = 0; i < sizeof field / sizeof *field; i++)
		*field[i] = "";
	c->policy.window.fallback = zone_utc();
}

/* systemd's LoadCredential, where no file was named. */
static const char *credential(struct reader *r, const char *name)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	struct err e;
	bool others;

	if (!dir || *dir != '/')
		return "";
	const char *secret = secret_read(r->owned, owned_printf(r->owned, "%s/%s", dir, name), &others, &e);

	return secret ? secret : "";
}

/* `login` "smtp" or "inbox.imap": a user needs a password and the other way round. */
static void check_login(struct reader *r, const struct given *g, const char *login, const char *username,
			const char **password, const char *name)
{
	char user_key[64], file_key[64];
	struct spot none = spot_of_file(r->config->path);

	(void)snprintf(user_key, sizeof user_key, "%s.username", login);
	(void)snprintf(file_key, sizeof file_key, "%s.password_file", login);
	bool tried = given_spot(g, file_key, (struct spot){ 0 }).file != NULL;

	if (*username && !**password && !tried)
		*password = credential(r, name);
	if (*username && !**password && !tried)
		reader_tell(r, SEVERITY_ERROR, given_spot(g, user_key, none), "missing-key",
			    "a user name needs a password: give '%s' or the systemd credential '%s'", file_key, name);
	if (!*username && tried && !given_spot(g, user_key, (struct spot){ 0 }).file)
		reader_tell(r, SEVERITY_ERROR, given_spot(g, file_key, none), "missing-key", "a password needs '%s'",
			    user_key);
}

static void check_smtp(struct reader *r, const struct given *g)
{
	struct config_smtp *smtp = &r->config->smtp;
	struct spot at = given_spot(g, "smtp.tls", spot_of_file(r->config->path));

	check_login(r, g, "smtp", smtp->username, &smtp->password, "smtp.password");
	if (!*smtp->host || smtp->tls != TLS_NONE)
		return;
	if (smtp->implicit_tls)
		reader_tell(r, SEVERITY_ERROR, at, "contradiction", "smtps:// is TLS: tls cannot be \"none\"");
	else if (*smtp->username && !smtp->loopback)
		reader_tell(r, SEVERITY_ERROR, at, "plaintext-password",
			    "without TLS the password would cross the network readable: set tls = \"required\"");
	else
		reader_tell(r, SEVERITY_WARNING, at, "tls-none", "mail goes to the relay without TLS");
}

static void check_imap_tls(struct reader *r, const struct given *g)
{
	struct config_inbox *in = &r->config->inbox;
	struct spot at = given_spot(g, "inbox.imap.tls", (struct spot){ 0 });

	if (!*in->imap_host)
		return;
	if (!at.file && in->imap_loopback)
		in->imap_tls = TLS_OPPORTUNISTIC;
	if (in->imap_tls != TLS_NONE)
		return;
	if (in->imap_implicit_tls)
		reader_tell(r, SEVERITY_ERROR, at, "contradiction", "imaps:// is TLS: tls cannot be \"none\"");
	else if (!in->imap_loopback)
		reader_tell(r, SEVERITY_ERROR, at, "plaintext-password",
			    "without TLS the password would cross the network readable: set tls = \"required\"");
}

static void check_inbox(struct reader *r, const struct given *g)
{
	struct config_inbox *in = &r->config->inbox;
	struct spot none = spot_of_file(r->config->path);
	struct stat st;

	check_login(r, g, "inbox.imap", in->imap_username, &in->imap_password, "imap.password");
	bool imap_given = *in->imap_username || *in->imap_after || *in->imap_password;

	if (imap_given && !*in->imap_url && !given_spot(g, "inbox.imap.url", (struct spot){ 0 }).file)
		reader_tell(
		    r, SEVERITY_ERROR,
		    given_spot(g, "inbox.imap.username",
			       given_spot(g, "inbox.imap.after", given_spot(g, "inbox.imap.password_file", none))),
		    "missing-key", "an IMAP inbox needs 'inbox.imap.url'");
	if (*in->imap_url && !*in->imap_username && !given_spot(g, "inbox.imap.username", (struct spot){ 0 }).file)
		reader_tell(r, SEVERITY_ERROR, given_spot(g, "inbox.imap.url", none), "missing-key",
			    "an IMAP inbox needs 'inbox.imap.username'");
	check_imap_tls(r, g);
	if (*in->maildir && stat(in->maildir, &st) == 0 && !S_ISDIR(st.st_mode))
		reader_tell(r, SEVERITY_ERROR, given_spot(g, "inbox.maildir", none), "missing-file",
			    "'%s' is no directory", in->maildir);
	if (!*in->imap_url && !*in->maildir)
		reader_tell(r, SEVERITY_WARNING, none, "no-inbox",
			    "no inbox: replies and bounces are only known from what 'abvctl deliver' is given, and told "
			    "with 'abvctl stop', 'suppress' and 'hold'");
}

static void check_paths(struct reader *r, const struct given *g)
{
	static const char *const key[] = { "store.path", "log.path", "control.socket" };
	const struct config *c = r->config;
	const char *const path[] = { c->store_path, c->log_path, c->control_socket };
	struct spot none = spot_of_file(c->path);
	size_t room = sizeof((struct sockaddr_un *)0)->sun_path - sizeof ".new"; /* bound as SOCKET.new, then renamed */

	if (strlen(c->control_socket) > room)
		reader_tell(r, SEVERITY_ERROR, given_spot(g, key[2], none), "out-of-range",
			    "the path of a socket can be %zu bytes long; this is %zu", room, strlen(c->control_socket));
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < i; j++)
			if (*path[i] && !strcmp(path[i], path[j]))
				reader_tell(r, SEVERITY_ERROR, given_spot(g, key[i], none), "contradiction",
					    "'%s' and '%s' are the same file", key[j], key[i]);
}

/* What holds where nothing was given, and no row of the table can say. */
static void defaults_tell(struct reader *r)
{
	struct config *c = r->config;
	const struct spot none = { "", 0, 0 };
	char host[HOST_NAME_MAX + 1] = "localhost";

	if (!*c->sender.return_path && *c->sender.from_addr) {
		memcpy(c->sender.return_path, c->sender.from_addr, sizeof c->sender.return_path);
		value_add(r, "sender.return_path", owned_printf(r->owned, "\"%s\"", c->sender.from_addr), none);
	}
	if (!*c->smtp.helo && gethostname(host, sizeof host - 1) == 0) {
		host[strcspn(host, ".")] = '\0'; /* as libcurl takes it */
		value_add(r, "smtp.helo", owned_printf(r->owned, "\"%s\"", host), none);
	}
}

static void main_read(struct reader *r)
{
	struct config *c = r->config;
	config_t file;
	struct given g;
	bool parsed = file_parse(r->owned, c->path, r->problems, &file) == 0;

	group_read(r, "", parsed ? config_root_setting(&file) : NULL, &g);
	r->gifts_known = parsed && !given_wrong(&g, "cadence.gifts_per_ask");
	if (!parsed)
		return;
	defaults_tell(r);
	check_smtp(r, &g);
	check_inbox(r, &g);
	check_paths(r, &g);
	policy_check(r, &c->policy, &g, spot_of_file(c->path));
	config_destroy(&file);
}

int config_survey(const char *path, struct config **out, struct problems *problems)
{
	struct owned *o = owned_new();
	struct config *c = owned_alloc(o, 1, sizeof *c);
	size_t before = problems->errors;

	*out = c;
	c->owned = o;
	c->path = absolute(o, path);
	c->dir = owned_textn(o, c->path, (size_t)(strrchr(c->path, '/') ? strrchr(c->path, '/') - c->path : 0));
	c->template_dir = owned_printf(o, "%s/templates", c->dir);
	strings_init(c);
	struct reader r = { .owned = o, .problems = problems, .config = c, .scope = "", .prefix = "", .file = c->path };

	r.base[AT_CONFIG] = c;
	r.base[AT_POLICY] = &c->policy;
	main_read(&r);
	sequences_read(&r);
	values_sort(c);
	problems_sort(problems);
	if (problems->errors > before)
		return -1;
	hash_policy(c);
	return 0;
}

int config_load(const char *path, struct config **out, struct problems *problems)
{
	int rc = config_survey(path, out, problems);

	if (rc < 0)
		config_free(out);
	return rc;
}

void config_free(struct config **c)
{
	if (!*c)
		return;
	struct owned *o = (*c)->owned;

	owned_free(&o);
	*c = NULL;
}

const struct sequence *config_sequence(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->sequence_n; i++)
		if (!strcmp(c->sequence[i].name, name))
			return &c->sequence[i];
	return NULL;
}

const struct config_use *config_step_use(const struct config *c, const struct step *s)
{
	for (size_t i = 0; i < c->use_n; i++)
		if (c->use[i].step == s)
			return &c->use[i];
	return NULL;
}

static bool is_within(const char *domain, const char *parent)
{
	size_t n = strlen(domain), m = strlen(parent);

	return n >= m && !strcasecmp(domain + n - m, parent) && (n == m || domain[n - m - 1] == '.');
}

void config_account(const struct config *c, const char *email, char out[MAILADDR_MAX])
{
	const char *domain = mailaddr_domain(email);

	for (size_t i = 0; i < c->alias_n; i++)
		for (size_t j = 0; j < c->alias[i].domain_n; j++)
			if (is_within(domain, c->alias[i].domain[j])) {
				(void)snprintf(out, MAILADDR_MAX, "%s", c->alias[i].account);
				return;
			}
	if (mailaddr_account(email, out) != 0)
		*out = '\0';
}
