/* Private to src/config: how a file becomes settings with their places, and settings become fields of a struct. */
#ifndef CONFIG_INT_H
#define CONFIG_INT_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/config.h"

/* ---- memory that lives as long as the configuration: freed and wiped at once (passwords are in it) ---- */

struct owned;
struct owned *owned_new(void);
void owned_free(struct owned **o);
void *owned_alloc(struct owned *o, size_t n, size_t size); /* zeroed; never NULL */
const char *owned_text(struct owned *o, const char *s);
const char *owned_textn(struct owned *o, const char *s, size_t n);
const char *owned_printf(struct owned *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- files ---- */

#define CONFIG_FILE_MAX  ((size_t)1 << 20)
#define CONFIG_TOTAL_MAX ((size_t)8 << 20) /* one file with all that it includes */

/* Where something stands. */
struct spot {
	const char *file;
	int line, column; /* from 1; column 1 where nothing better is known */
};

/* The file as a whole: a finding has a line and a column in any case. */
struct spot spot_of_file(const char *file);

struct token {
	bool is_name;
	const char *name; /* is_name only */
	struct spot at;
};

struct scan {
	struct owned *owned;
	struct problems *problems;
	const char *dir; /* includes are looked up here */
	struct token *token;
	size_t n, cap;
	size_t total;
	int depth;       /* of includes */
	char previous;   /* kind of the last token: '"' a string, 'v' another value, 'n' a name, else the character;
			    across files */
	struct buf nest; /* the brackets that are open */
	int members[16]; /* settings of the group that is open at each depth; the last one stands for all deeper ones */
};

/* Reads the tokens of a text as libconfig will, includes expanded, and tells what libconfig would take silently
 * (wrapped integers, an open string) or die of (an include that is a directory ends the process inside flex). 0, or -1:
 * do not parse this file. */
int scan_text(struct scan *s, const char *file, const char *text, size_t n);

/* Reads a regular file of at most CONFIG_FILE_MAX bytes. 0, or -1 with a text for the reader. The caller frees `text`.
 */
int file_read(const char *path, struct buf *text, struct err *e);

/* Parses a file. 0: `*c` holds the settings, each with its struct spot as hook, and needs config_destroy(). -1:
 * findings were added, `*c` needs nothing. */
int file_parse(struct owned *o, const char *path, struct problems *p, config_t *c);

/* `name`, or where it lies seen from the directory of `file`. */
const char *path_beside(struct owned *o, const char *file, const char *name);

/* ---- options: one row each ---- */

enum option_type {
	OPTION_STRING, /* const char * */
	OPTION_INT,    /* int32_t */
	OPTION_NUMBER, /* double; an integer is accepted */
	OPTION_BOOL,   /* bool */
	OPTION_TIME,   /* int64_t ms; exact units only */
	OPTION_GAP,    /* struct duration: business days too */
	OPTION_LIMIT,  /* struct limit */
	OPTION_LIMITS, /* struct limits */
	OPTION_STRINGS,
	OPTION_PATH,   /* const char *, absolute */
	OPTION_GROUPS, /* a list of groups */
	OPTION_TYPE_COUNT
};

/* What a row's offset counts from. */
enum option_place { AT_CONFIG, AT_POLICY, AT_SEQUENCE, AT_STEP, AT_QUALIFY, AT_ALIAS, AT_COUNT };

struct reader;
struct option;

/* Sets the field at `at` from the setting. 0, or -1 after telling why; the field is then unchanged. */
typedef int option_set(struct reader *r, const struct option *o, const config_setting_t *s, void *at);

struct option {
	const char *key; /* as documented */
	enum option_type type;
	enum option_place place;
	size_t offset;
	const char *fallback; /* as it would be written; NULL: none */
	bool required;
	double min, max; /* OPTION_INT, OPTION_NUMBER; times in ms; n of OPTION_LIMITS; both 0: any */
	option_set *set; /* NULL: the type's own */
	const char *help;
};

#define OPTION_MAX 96
extern const struct option config_options[]; /* key NULL behind the last */
const char *option_type_name(enum option_type t);

/* The row of `path` in a scope ("" "sequence." "sequence.steps." ...), -1 when there is none. A sequence has cadence
 * too. */
int option_find(const char *scope, const char *path);
/* Do options lie below this path? */
bool option_is_group(const char *scope, const char *path);
/* The known name nearest to an unknown one; false when none is near. */
bool option_suggest(const char *scope, const char *path, char *out, size_t cap);

/* Which options a group gave, and where. */
struct given {
	bool yes[OPTION_MAX];
	struct spot at[OPTION_MAX];
};

struct reader {
	struct owned *owned;
	struct problems *problems;
	struct config *config;
	void *base[AT_COUNT];
	const char *scope;  /* of the group being read */
	const char *prefix; /* of keys in config->value */
	const char *file;   /* the file being read; "" for defaults */
	size_t value_cap, use_cap;
	bool gifts_known; /* the installation's gifts_per_ask could be read */
};

/* Reads a group: each member is set, or told as unknown or wrong; then missing ones get their defaults or are told.
 * `group` may be NULL (the file could not be parsed): only defaults. */
void group_read(struct reader *r, const char *scope, const config_setting_t *group, struct given *g);

struct spot setting_spot(const struct reader *r, const config_setting_t *s);
void reader_say(struct reader *r, const config_setting_t *s, const char *rule, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Tells an error at the setting; -1, for `return reader_fail(...)`. */
#define reader_fail(r, s, rule, ...) (reader_say((r), (s), (rule), __VA_ARGS__), -1)
void reader_tell(struct reader *r, enum severity sev, struct spot at, const char *rule, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The text of a string setting; NULL after telling that it is none, or holds controls or bytes that are no UTF-8. */
const char *setting_text(struct reader *r, const config_setting_t *s, bool multiline);
/* A list or array of strings. -1 after telling. */
int setting_texts(struct reader *r, const config_setting_t *s, const char *const **out, size_t *n);

option_set set_string, set_int, set_number, set_bool, set_time, set_gap, set_limit, set_limits, set_path, set_age,
    set_text;
option_set set_from, set_mailbox, set_unsubscribe, set_smtp_url, set_imap_url, set_imap_after, set_tls, set_password,
    set_host, set_readable, set_days, set_hours, set_timezone, set_zone, set_holidays, set_accept, set_aliases;
option_set set_sequence_name, set_step_name, set_template, set_enroll, set_in, set_qualify, set_steps;

/* ---- the parts ---- */

void value_add(struct reader *r, const char *key, const char *value, struct spot at);
void values_sort(struct config *c);
/* Keeps where a step names its template. The row moves with the next call. */
struct config_use *use_add(struct reader *r, const struct step *s, struct spot at, struct spot step_at);
void setting_format(const config_setting_t *s, struct buf *out); /* on one line, as it would be written */

/* Reads a calendar for what would be lost of it without a word: dates and rules that are none, events without a date or
 * without an end. Findings are told with the calendar's own lines. The number of errors. */
size_t calendar_check(struct reader *r, const char *path);

/* Days of an .ics calendar's all-day events, sorted, each once. NULL with e set on failure; *n may be 0. Caller frees.
 */
int32_t *holidays_read(const char *path, size_t *n, struct err *e);
/* a ∪ b, sorted, owned. */
const int32_t *holidays_join(struct owned *o, const int32_t *a, size_t an, const int32_t *b, size_t bn, size_t *n);

/* A secret from a file, trailing newline cut. NULL with e set. */
const char *secret_read(struct owned *o, const char *path, bool *others_can_read, struct err *e);

/* Contradictions of a policy. `g` tells which options were given where; `at` is where to point else. */
void policy_check(struct reader *r, const struct policy *p, const struct given *g, struct spot at);
/* Base and what a sequence gave (in `given`: the base's values but for what was given, lists without the base's) become
 * the sequence's policy. A loosening is told with its place. */
void policy_tighten(struct reader *r, const struct policy *base, struct policy *given, const struct given *g,
		    struct spot at);

/* ---- pace.c: lower bounds (but for pace_most), ms ---- */

#define PACE_TOUCHES_MAX 64
/* How long a duration takes; business days by the weekdays alone. pace_most: CLOCK_NEVER when holidays may lengthen it. */
int64_t pace_least(const struct window *w, const struct duration *d);
int64_t pace_most(const struct window *w, const struct duration *d);
/* Between two touches of a contact, of an account. key, if not NULL: the option that asks for the most. */
int64_t pace_gap(const struct policy *p, const char **key);
int64_t pace_account_gap(const struct policy *p, const char **key);
/* t[k]: the (k+1)-th touch of a contact who never answers, after the first; with the steps' own `after` if given. */
void pace_touches(const struct policy *p, const struct step *step, int64_t *t, int n);
/* The most days in a row, from the first holiday to the last, of which none is open; *from: the first of them. */
int32_t pace_closure(const struct window *w, int32_t *from);

/* Where an option was given, else `at`. */
struct spot given_spot(const struct given *g, const char *key, struct spot at);
/* Was it given with a value that was refused? */
bool given_wrong(const struct given *g, const char *key);

/* config->dir/sequences.d, every NAME.conf, in order of name. */
void sequences_read(struct reader *r);
void hash_policy(struct config *c);

#endif
