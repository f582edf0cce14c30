/* One file: read, scanned, parsed by libconfig, and every setting told where it stands. */
#include <stdlib.h>
#include <string.h>

#include "config_int.h"

const char *path_beside(struct owned *o, const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	if (*name == '/' || !slash)
		return owned_text(o, name);
	return owned_printf(o, "%.*s/%s", (int)(slash - file), file, name);
}

/* libconfig makes settings in the order of the file, so walking both in step gives each setting its token. Returns
 * false when they part (then the rest has libconfig's line only). */
static bool attach(struct scan *s, size_t *at, config_setting_t *set, bool root)
{
	struct spot *spot = NULL;

	if (!root) {
		if (set->name) {
			if (*at >= s->n || !s->token[*at].is_name || strcmp(s->token[*at].name, set->name) != 0)
				return false;
			spot = &s->token[(*at)++].at;
		}
		if (*at >= s->n || s->token[*at].is_name)
			return false;
		if (!spot)
			spot = &s->token[*at].at;
		(*at)++;
		struct spot *kept = owned_alloc(s->owned, 1, sizeof *kept);

		*kept = *spot;
		config_setting_set_hook(set, kept);
	}
	if (config_setting_is_aggregate(set))
		for (int i = 0; i < config_setting_length(set); i++)
			if (!attach(s, at, config_setting_get_elem(set, (unsigned)i), false))
				return false;
	return true;
}

static void tell_syntax(struct scan *s, const char *path, const config_t *c)
{
	const char *file = config_error_file(c) ? owned_printf(s->owned, "%s/%s", s->dir, config_error_file(c)) : path;
	const char *text = config_error_text(c);
	int line = config_error_line(c);
	bool plain = text && !strcmp(text, "syntax error"); /* libconfig knows no more; people need more */

	problems_add(s->problems, SEVERITY_ERROR, file, line > 0 ? line : 1, 1, "syntax", "%s%s",
		     text ? text : "cannot be parsed",
		     plain ? "; texts stand in quotes, settings end with ';'; the mistake may be a line above" : "");
}

int file_parse(struct owned *o, const char *path, struct problems *p, config_t *c)
{
	const char *slash = strrchr(path, '/');
	struct scan s = { .owned = o,
			  .problems = p,
			  .dir = slash ? owned_textn(o, path, (size_t)(slash - path)) : "." };
	struct buf text = { 0 };
	struct err e = { "" };
	int rc = -1;

	if (file_read(path, &text, &e) < 0) {
		problems_add(p, SEVERITY_ERROR, path, 1, 1, "missing-file", "%s", e.text);
		goto out;
	}
	if (text.len && text.data[text.len - 1] != '\n')
		buf_char(&text, '\n'); /* libconfig refuses a comment that ends with the file */
	if (scan_text(&s, path, buf_text(&text), text.len) < 0)
		goto out;
	config_init(c);
	config_set_include_dir(c, s.dir);
	if (!config_read_string(c, buf_text(&text))) {
		tell_syntax(&s, path, c);
		config_destroy(c);
		goto out;
	}
	size_t at = 0;

	(void)attach(&s, &at, config_root_setting(c), true);
	rc = 0;
out:
	buf_free(&text);
	buf_free(&s.nest);
	free(s.token);
	return rc;
}
