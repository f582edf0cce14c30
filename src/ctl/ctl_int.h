/* abvctl, private: a command is one row of a table (name, arguments, options, help, function); main parses, the command
 * works. */
#ifndef CTL_INT_H
#define CTL_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "abv/buf.h"
#include "abv/err.h"

/* Exit statuses (7-interfaces, 9-precisions). */
enum { CTL_OK = 0, CTL_FINDINGS = 1, CTL_USAGE = 2, CTL_UNREACHABLE = 69 }; /* of `deliver` those of sysexits.h: deliver.c */

struct ctl_option {
	const char *name; /* without the dashes */
	const char *arg;  /* what stands behind it, for the help; NULL: a flag */
	const char *help;
};

#define CTL_OPTIONS_MAX 12
struct ctl;
struct ctl_command {
	const char *name;
	const char *args;                          /* synopsis behind the name, options included; "" none */
	const char *help;                          /* a line */
	const char *more;                          /* what `NAME --help` says besides; "" nothing */
	struct ctl_option option[CTL_OPTIONS_MAX]; /* a row without name ends them */
	int min_args, max_args;                    /* max_args -1: any number */
	bool online;                               /* asks the daemon */
	int (*run)(struct ctl *c);                 /* the exit status */
};

struct ctl_given {
	const struct ctl_option *option;
	const char *value; /* "" of a flag */
};

/* A command line, understood. Strings are argv's. */
struct ctl {
	const struct ctl_command *command; /* NULL: none was named */
	const char *socket;                /* NULL: the configuration's */
	const char *config;                /* NULL: ABV_SYSCONFDIR/abvd/abvd.conf */
	bool json, help, version;
	const char **arg; /* owned array */
	int arg_n;
	struct ctl_given *given; /* owned array, in order */
	int given_n;
	bool colour; /* stdout is a terminal that wants colours */
};

/* options.c. commands end with a row without name. -1: the error is a usage error. */
extern const struct ctl_option ctl_globals[];
int ctl_parse(struct ctl *c, const struct ctl_command *commands, int argc, char **argv, struct err *e);
void ctl_end(struct ctl *c);
const char *ctl_value(const struct ctl *c, const char *option); /* the last one given; NULL: not given */
bool ctl_flag(const struct ctl *c, const char *option);
void ctl_help(const struct ctl_command *commands, struct buf *out);
void ctl_command_help(const struct ctl_command *command, struct buf *out);

/* settings.c. Two strings of the configuration, even where the rest of it is broken or holds secrets that this user may
 * not read. */
const char *ctl_config_path(const struct ctl *c);
int setting_scan(const char *text, const char *group, const char *key, struct buf *out); /* 0 found, -1 not */
/* "control","socket" or "log","path"; fallback when the file does not name it. -1 when --config names a file that
 * cannot be read. */
int setting_find(const struct ctl *c, const char *group, const char *key, const char *fallback, struct buf *out,
		 struct err *e);

/* out.c: what people read. */
int ctl_fail(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* "abvctl: ..." on stderr; returns status */
int ctl_usage(const struct ctl *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* and names --help; CTL_USAGE */
/* Appends what a terminal can show of s: control characters (an SMTP reply may hold an escape sequence) become '?'. */
void out_clean(struct buf *b, const char *s);
void out_colour(struct buf *b, bool colour, const char *code, const char *s); /* cleaned, in an SGR colour */
/* An RFC 3339 instant as local time "Tue 2026-11-24 09:00", with the zone's name behind it when `zone`; other text as
 * it is. */
void out_time(struct buf *b, const char *rfc3339, bool zone);
/* The same with seconds and without the weekday, of milliseconds. */
void out_stamp(struct buf *b, long long ms);

/* table.c: aligned columns. */
struct table {
	size_t columns;
	char **cell; /* owned strings, row by row; the first row is the head */
	char *code;  /* an SGR digit per cell; 0 none */
	size_t n, cap;
};
void table_open(struct table *t, const char *const *head);            /* NULL-terminated */
void table_add(struct table *t, const char *text);                    /* the next cell; copied and cleaned */
void table_add_colour(struct table *t, const char *text, char digit); /* '1' red ... '6' cyan */
void table_format(const struct table *t, bool colour, struct buf *out);
size_t table_rows(const struct table *t); /* without the head */
void table_free(struct table *t);
size_t text_width(const char *s); /* columns on a terminal, near enough: UTF-8 characters */

/* The commands. */
int cmd_check(struct ctl *c);
int cmd_gate(struct ctl *c);
int cmd_render(struct ctl *c);
int cmd_classify(struct ctl *c);
int cmd_simulate(struct ctl *c);
int cmd_log(struct ctl *c);
int cmd_audit(struct ctl *c);
int cmd_import(struct ctl *c);
int cmd_enroll(struct ctl *c);
int cmd_stop(struct ctl *c);
int cmd_pause(struct ctl *c);
int cmd_resume(struct ctl *c);
int cmd_hold(struct ctl *c);
int cmd_suppress(struct ctl *c);
int cmd_unsuppress(struct ctl *c);
int cmd_forget(struct ctl *c);
int cmd_export(struct ctl *c);
int cmd_show(struct ctl *c);
int cmd_explain(struct ctl *c);
int cmd_status(struct ctl *c);
int cmd_queue(struct ctl *c);
int cmd_test(struct ctl *c);
int cmd_config(struct ctl *c);
int cmd_unknown(struct ctl *c);
int cmd_deliver(struct ctl *c);
int cmd_backup(struct ctl *c);
int cmd_doctor(struct ctl *c);

#endif
