/* L2. The configuration: /etc/abvd/abvd.conf and sequences.d/ beside it, read as a whole, checked as a whole, never changed after.
 * All strings are owned by the struct and live as long as it. A reload loads a second one and swaps. */
#ifndef ABV_CONFIG_H
#define ABV_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/mailaddr.h"
#include "abv/model.h"
#include "abv/problem.h"
#include "abv/token.h"

enum tls_mode { TLS_REQUIRED, TLS_OPPORTUNISTIC, TLS_NONE };
const char *tls_mode_name(enum tls_mode m);

struct config_sender {
	char from_name[256];
	char from_addr[MAILADDR_MAX];
	char reply_to[MAILADDR_MAX];    /* "" : none */
	char return_path[MAILADDR_MAX]; /* VERP adds +token; default: from_addr */
	const char *postal_address;
	const char *unsubscribe;        /* "mailto:..." or "https://..." */
};

struct config_smtp {
	const char *url;        /* as written */
	const char *host;
	int port;
	bool implicit_tls;      /* smtps:// */
	bool loopback;          /* the host is a loopback address or "localhost" */
	enum tls_mode tls;
	const char *username;   /* "" : no AUTH */
	const char *password;   /* read from password_file, or from $CREDENTIALS_DIRECTORY/smtp.password; "" none */
	int connections;        /* 1-1000 */
	int64_t retry_for;      /* ms */
	int64_t timeout_connect, timeout_command, timeout_data, timeout_dot; /* ms; defaults of RFC 5321 4.5.3.2 */
	const char *ca_file;    /* absolute; "" : the system's */
	const char *helo;       /* "" : the host's name */
};

struct config_inbox { /* read and checked here; used by the inbox */
	const char *imap_url, *imap_username, *imap_password, *imap_after;
	const char *imap_host, *imap_mailbox; /* of the URL, decoded; without one INBOX */
	int imap_port;
	bool imap_implicit_tls;    /* imaps:// */
	bool imap_loopback;
	enum tls_mode imap_tls;    /* not given: required, on this host opportunistic */
	const char *imap_ca_file;  /* absolute; "" : the system's */
	const char *maildir;
};

struct account_alias { const char *account; const char *const *domain; size_t domain_n; };

/* An effective value and where it comes from, for `abvctl config`. */
struct config_value {
	const char *key;    /* "cadence.contact.min_gap" */
	const char *value;  /* as it would be written: lists as ["a", "b"]; secrets are never here */
	const char *file;   /* "" : a default */
	int line;
};

/* Where something stands: both numbers from 1. */
struct config_place {
	const char *file;
	int line, column;
};

/* A step's `template` setting that could be read. Also of steps and sequences that were refused for something else: their
 * templates are judged all the same, so that everything wrong is told at once. */
struct config_use {
	const struct step *step;     /* NULL: the step itself was refused */
	const char *step_name;       /* "" when it could not be read */
	const char *template_name;
	struct config_place at;      /* the setting */
	struct config_place step_at; /* the step's group */
	bool order_known;            /* all steps of its sequence, and its gifts_per_ask, could be read */
};

struct config {
	const char *path;          /* absolute */
	const char *dir;           /* where it lies: sequences.d/ and templates/ beside it */
	const char *template_dir;
	struct config_sender sender;
	struct config_smtp smtp;
	struct config_inbox inbox;
	struct policy policy;      /* the installation's; a sequence has its own, tightened */
	int64_t account_hold;      /* on_reply.account_hold, ms */
	const char *notify;        /* on_reply.notify; "" none */
	const char *store_path;
	int64_t keep_events;       /* ms */
	const char *log_path;
	const char *control_socket;
	struct account_alias *alias;
	size_t alias_n;
	struct sequence *sequence; /* by priority, the higher first, then by name */
	size_t sequence_n;
	struct config_value *value; /* by key */
	size_t value_n;
	struct config_use *use;    /* in the order of reading */
	size_t use_n;
	char policy_hash[DIGEST_HEX]; /* of everything that caps, windows and order depend on; the same text gives the same hash */
	void *owned;               /* the loader's memory */
};

/* Reads and checks everything. All findings go to `problems`; 0 and *out when there is no error among them, else -1 and NULL.
 * Reading templates and judging them is abv/check.h's. */
int config_load(const char *path, struct config **out, struct problems *problems);
/* The same, but *out is set (never NULL) with -1 too: what could be read, to look for further findings, never to act on. Then
 * policy_hash is "", refused values have their defaults, and sequences lack the steps that were refused. */
int config_survey(const char *path, struct config **out, struct problems *problems);
void config_free(struct config **c);
/* A service's store, log and socket are opened once: after a reload those of `from` stay in force, and are what `to` says. */
void config_carry_paths(struct config *to, const struct config *from);

const struct sequence *config_sequence(const struct config *c, const char *name); /* NULL: none */
/* Where a step of c's sequences and its template setting stand; NULL: it is no step of them. */
const struct config_use *config_step_use(const struct config *c, const struct step *s);

/* The account of an address: an alias of the configuration, else its registrable domain; "" for free-mail. */
void config_account(const struct config *c, const char *email, char out[MAILADDR_MAX]);

/* The table of options, for documentation and its check: NULL behind the last. */
struct option_doc { const char *key, *type, *fallback, *help; };
const struct option_doc *config_option_at(int i);

#endif
