/* The command line: global options stand before or after the command, a command's own ones behind it. One table is the
 * parser, the help and what the manual page is checked against. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "abv/problem.h"
#include "ctl_int.h"

const struct ctl_option ctl_globals[] = {
	{ "socket", "PATH", "the daemon's control socket (default: control.socket of the configuration)" },
	{ "config", "FILE", "the configuration (default " ABV_SYSCONFDIR "/abvd/abvd.conf)" },
	{ "json", NULL, "print JSON, one object a line" },
	{ "help", NULL, "this text, or the command's" },
	{ "version", NULL, "the version" },
	{ NULL, NULL, NULL },
};

static const struct ctl_option *find_in(const struct ctl_option *row, size_t max, const char *name, size_t n)
{
	for (size_t i = 0; i < max && row[i].name; i++)
		if (strlen(row[i].name) == n && !memcmp(row[i].name, name, n))
			return &row[i];
	return NULL;
}

static const struct ctl_option *option_find(const struct ctl *c, const char *name, size_t n)
{
	const struct ctl_option *o = find_in(ctl_globals, SIZE_MAX, name, n);

	if (!o && c->command)
		o = find_in(c->command->option, CTL_OPTIONS_MAX, name, n);
	return o;
}

static void option_take(struct ctl *c, const struct ctl_option *o, const char *value)
{
	if (!strcmp(o->name, "socket"))
		c->socket = value;
	else if (!strcmp(o->name, "config"))
		c->config = value;
	else if (!strcmp(o->name, "json"))
		c->json = true;
	else if (!strcmp(o->name, "help"))
		c->help = true;
	else if (!strcmp(o->name, "version"))
		c->version = true;
	else
		c->given[c->given_n++] = (struct ctl_given){ o, value };
}

/* argv[*i] begins with "--". */
static int option_parse(struct ctl *c, int argc, char **argv, int *i, struct err *e)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const struct ctl_option *o = option_find(c, name, n);
	const char *value = "";

	if (!o)
		return err_set(e, "unknown option '--%.*s'%s%s", (int)n, name, c->command ? " of " : "",
			       c->command ? c->command->name : "");
	if (!o->arg && equals)
		return err_set(e, "--%s takes no value", o->name);
	if (o->arg && equals)
		value = equals + 1;
	else if (o->arg && *i + 1 < argc)
		value = argv[++*i];
	else if (o->arg)
		return err_set(e, "--%s needs %s", o->name, o->arg);
	if (o->arg && !*value)
		return err_set(e, "--%s needs %s, not an empty text", o->name, o->arg);
	option_take(c, o, value);
	return 0;
}

/* Also `help`, which is another way to write --help. */
static int command_find(struct ctl *c, const struct ctl_command *commands, const char *name, struct err *e)
{
	const char *near = NULL;
	size_t n = strlen(name);

	if (!strcmp(name, "help") && !c->help) {
		c->help = true;
		return 0;
	}
	for (const struct ctl_command *row = commands; row->name; row++) {
		if (!strcmp(row->name, name)) {
			c->command = row;
			return 0;
		}
		if (n > 3 && problem_distance(name, n, row->name, strlen(row->name)) <= (n > 6 ? 2 : 1))
			near = row->name;
	}
	if (near)
		return err_set(e, "unknown command '%s'; did you mean '%s'?", name, near);
	return err_set(e, "unknown command '%s'", name);
}

static int count_check(const struct ctl *c, struct err *e)
{
	const struct ctl_command *row = c->command;

	if (c->arg_n < row->min_args)
		return err_set(e, "%s: too few arguments; usage: abvctl %s %s", row->name, row->name, row->args);
	if (row->max_args >= 0 && c->arg_n > row->max_args)
		return err_set(e, "%s: unexpected argument '%s'", row->name, c->arg[row->max_args]);
	return 0;
}

int ctl_parse(struct ctl *c, const struct ctl_command *commands, int argc, char **argv, struct err *e)
{
	bool options = true;

	*c = (struct ctl){ 0 };
	c->arg = mem_array((size_t)argc + 1, sizeof *c->arg);
	c->given = mem_array((size_t)argc + 1, sizeof *c->given);
	for (int i = 1; i < argc; i++) {
		const char *s = argv[i];

		if (options && !strcmp(s, "--")) {
			options = false;
		} else if (options && !strncmp(s, "--", 2)) {
			if (option_parse(c, argc, argv, &i, e) < 0)
				return -1;
		} else if (options && (!strcmp(s, "-h") || !strcmp(s, "-V"))) { /* as abvd takes them */
			*(s[1] == 'h' ? &c->help : &c->version) = true;
		} else if (options && *s == '-' && s[1]) {
			return err_set(e, "unknown option '%s'", s);
		} else if (!c->command) {
			if (command_find(c, commands, s, e) < 0)
				return -1;
		} else {
			c->arg[c->arg_n++] = s;
		}
	}
	if (c->help || c->version)
		return 0;
	return c->command ? count_check(c, e) : err_set(e, "no command is given");
}

void ctl_end(struct ctl *c)
{
	free(c->arg);
	free(c->given);
	c->arg = NULL;
	c->given = NULL;
}

const char *ctl_value(const struct ctl *c, const char *option)
{
	for (int i = c->given_n; i-- > 0;)
		if (!strcmp(c->given[i].option->name, option))
			return c->given[i].value;
	return NULL;
}

bool ctl_flag(const struct ctl *c, const char *option)
{
	return ctl_value(c, option) != NULL;
}

static void options_help(const struct ctl_option *row, size_t max, struct buf *out)
{
	for (size_t i = 0; i < max && row[i].name; i++) {
		int n = (int)(strlen(row[i].name) + (row[i].arg ? strlen(row[i].arg) + 1 : 0));

		buf_printf(out, "  --%s%s%s%*s  %s\n", row[i].name, row[i].arg ? " " : "", row[i].arg ? row[i].arg : "",
			   n < 18 ? 18 - n : 0, "", row[i].help);
	}
}

static void commands_help(const struct ctl_command *commands, bool online, struct buf *out)
{
	for (; commands->name; commands++)
		if (commands->online == online)
			buf_printf(out, "  %-11s %s\n", commands->name, commands->help);
}

void ctl_help(const struct ctl_command *commands, struct buf *out)
{
	buf_str(out, "usage: abvctl [--socket PATH | --config FILE] [--json] COMMAND [ARGUMENTS]\n"
		     "\nCommands that work on files:\n");
	commands_help(commands, false, out);
	buf_str(out, "\nCommands that ask the daemon:\n");
	commands_help(commands, true, out);
	buf_str(out, "\nOptions, before or after the command:\n");
	options_help(ctl_globals, SIZE_MAX, out);
	buf_str(out, "\n`abvctl COMMAND --help` tells more about each.\n"
		     "Exit status: 0 done, 1 done with findings or refused, 2 usage, 69 daemon not reachable.\n");
}

void ctl_command_help(const struct ctl_command *command, struct buf *out)
{
	buf_printf(out, "usage: abvctl %s%s%s\n\n%s\n", command->name, *command->args ? " " : "", command->args,
		   command->help);
	if (*command->more)
		buf_printf(out, "\n%s\n", command->more);
	if (!command->option[0].name)
		return;
	buf_str(out, "\nOptions:\n");
	options_help(command->option, CTL_OPTIONS_MAX, out);
}
