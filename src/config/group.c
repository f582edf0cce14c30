/* Reading a group: every member is looked up in the table and set by its row's function, the rest is told. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config_int.h"

struct spot spot_of_file(const char *file)
{
	return (struct spot){ file, 1, 1 };
}

struct spot setting_spot(const struct reader *r, const config_setting_t *s)
{
	const struct spot *known = config_setting_get_hook(s);

	if (known)
		return *known;
	return (struct spot){ r->file, config_setting_is_root(s) ? 1 : (int)config_setting_source_line(s), 1 };
}

void reader_tell(struct reader *r, enum severity sev, struct spot at, const char *rule, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	problems_add(r->problems, sev, at.file, at.line, at.column, rule, "%s", text);
}

void reader_say(struct reader *r, const config_setting_t *s, const char *rule, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	reader_tell(r, SEVERITY_ERROR, setting_spot(r, s), rule, "%s", text);
}

static option_set *const set_by_type[OPTION_TYPE_COUNT] = {
	[OPTION_STRING] = set_string, [OPTION_INT] = set_int,       [OPTION_NUMBER] = set_number,
	[OPTION_BOOL] = set_bool,     [OPTION_TIME] = set_time,     [OPTION_GAP] = set_gap,
	[OPTION_LIMIT] = set_limit,   [OPTION_LIMITS] = set_limits, [OPTION_PATH] = set_path
};

static int option_apply(struct reader *r, const struct option *o, const config_setting_t *s)
{
	char *base = r->base[o->place];
	option_set *set = o->set ? o->set : set_by_type[o->type];

	return set(r, o, s, base + o->offset);
}

static void value_of(struct reader *r, const char *path, const config_setting_t *s, struct spot at)
{
	struct buf text = { 0 };

	setting_format(s, &text);
	value_add(r, owned_printf(r->owned, "%s%s", r->prefix, path), buf_text(&text), at);
	buf_free(&text);
}

/* The row's own default, read as if a file had given it. */
static void option_default(struct reader *r, int i, const char *path)
{
	const struct option *o = &config_options[i];
	config_t c;
	char text[256];
	const char *file = r->file;

	config_init(&c);
	(void)snprintf(text, sizeof text, "v = %s;", o->fallback);
	if (config_read_string(&c, text)) {
		const config_setting_t *s = config_setting_get_elem(config_root_setting(&c), 0);

		r->file = "";
		(void)option_apply(r, o, s);
		if (strcmp(o->fallback, "\"\"") != 0)
			value_of(r, path, s, (struct spot){ "", 0, 0 });
		r->file = file;
	}
	config_destroy(&c);
}

static void unknown_key(struct reader *r, const config_setting_t *s, const char *path)
{
	char near[128];

	if (!*r->scope && !strcmp(path, "sequence"))
		reader_say(r, s, "unknown-key", "'sequence' belongs into a file of its own in sequences.d/");
	else if (option_suggest(r->scope, path, near, sizeof near))
		reader_say(r, s, "unknown-key", "unknown key '%s'; did you mean '%s'?", path, near);
	else
		reader_say(r, s, "unknown-key", "unknown key '%s'", path);
}

static void members_read(struct reader *r, const config_setting_t *group, const char *above, struct given *g)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem((config_setting_t *)group, (unsigned)i);
		char path[256];
		int n =
		    snprintf(path, sizeof path, "%s%s", above, config_setting_name(s) ? config_setting_name(s) : "");

		if (n < 0 || (size_t)n >= sizeof path) {
			reader_say(r, s, "unknown-key", "unknown key '%.60s...'", path);
			continue;
		}
		int at = option_find(r->scope, path);

		if (at >= 0) {
			const struct option *o = &config_options[at];

			g->yes[at] = option_apply(r, o, s) == 0;
			g->at[at] = setting_spot(r, s);
			if (g->yes[at] && o->type != OPTION_GROUPS)
				value_of(r, path, s, g->at[at]);
		} else if (!option_is_group(r->scope, path)) {
			unknown_key(r, s, path);
		} else if (!config_setting_is_group(s)) {
			reader_say(r, s, "wrong-type", "'%s' must be a group: { ... }", path);
		} else {
			(void)snprintf(path + n, sizeof path - (size_t)n, ".");
			members_read(r, s, path, g);
		}
	}
}

/* Is this row a direct matter of the scope: not of a list of groups inside it? */
static bool row_of_scope(const char *scope, const char *key)
{
	static const char *const inner[] = { "sequence.qualify.", "sequence.steps.", "account_aliases.", "sequence." };
	size_t n = strlen(scope);

	for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
		if (!strncmp(key, inner[i], strlen(inner[i])))
			return !strcmp(scope, inner[i]);
	return n == 0;
}

void group_read(struct reader *r, const char *scope, const config_setting_t *group, struct given *g)
{
	const char *outer = r->scope;

	r->scope = scope;
	memset(g, 0, sizeof *g);
	if (group)
		members_read(r, group, "", g);
	for (int i = 0; config_options[i].key; i++) {
		const struct option *o = &config_options[i];

		if (!row_of_scope(scope, o->key) || g->yes[i])
			continue;
		if (o->required && group && !g->at[i].file)
			reader_say(r, group, "missing-key", "'%s' is required", o->key + strlen(scope));
		if (o->fallback)
			option_default(r, i, o->key + strlen(scope));
	}
	r->scope = outer;
}
