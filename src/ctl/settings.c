/* Where the socket and the log are. The configuration proper is loaded first; when it does not load (an error elsewhere
 * in it, or a password file that only the service may read), the two names are read from the file's text: a broken
 * sequence must not keep anybody from `abvctl pause`. */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "abv/config.h"
#include "abv/mem.h"
#include "ctl_int.h"

#define CONFIG_TEXT_MAX ((size_t)4 << 20)

const char *ctl_config_path(const struct ctl *c)
{
	return c->config ? c->config : ABV_SYSCONFDIR "/abvd/abvd.conf";
}

/* Behind white space and comments (libconfig's three kinds). */
static const char *spaces(const char *p)
{
	for (;;) {
		p += strspn(p, " \t\r\n\f,;");
		if (*p == '#' || (p[0] == '/' && p[1] == '/')) {
			p += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			const char *end = strstr(p + 2, "*/");

			p = end ? end + 2 : p + strlen(p);
		} else {
			return p;
		}
	}
}

/* p is at a quote; what it says goes to out when that is given. */
static const char *string(const char *p, struct buf *out)
{
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		if (out)
			buf_char(out, *p);
	}
	return *p ? p + 1 : p;
}

static bool word_is(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && !memcmp(p, word, n);
}

int setting_scan(const char *text, const char *group, const char *key, struct buf *out)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-*";
	int depth = 0, inside = 0; /* inside: the depth of our group's braces, 0 outside */

	for (const char *p = spaces(text); *p; p = spaces(p)) {
		size_t n = strspn(p, name);

		if (*p == '"') {
			p = string(p, NULL);
		} else if (strchr("{([", *p)) {
			depth++;
			p++;
		} else if (strchr("})]", *p)) {
			if (inside == depth)
				inside = 0;
			depth--;
			p++;
		} else if (n) {
			const char *behind = spaces(p + n);
			bool is_group = depth == 0 && word_is(p, n, group);
			bool is_key = inside && depth == inside && word_is(p, n, key);

			if (*behind != '=' && *behind != ':') {
				p += n;
				continue;
			}
			p = spaces(behind + 1);
			if (is_group && *p == '{')
				inside = 1;
			if (!is_key || *p != '"')
				continue;
			buf_clear(out);
			for (; *p == '"'; p = spaces(p)) /* adjacent strings are one */
				p = string(p, out);
			return 0;
		} else {
			p++;
		}
	}
	return -1;
}

/* Relative paths are relative to the file that names them. */
static void make_absolute(const char *config, struct buf *path)
{
	char *copy = mem_strdup(config), *text;

	if (*buf_text(path) != '/' && strchr(config, '/')) {
		text = mem_printf("%s/%s", dirname(copy), buf_text(path));
		buf_clear(path);
		buf_str(path, text);
		free(text);
	}
	free(copy);
}

static bool take_loaded(const char *path, const char *group, struct buf *out)
{
	struct problems problems = { 0 };
	struct config *config = NULL;
	bool ok = config_load(path, &config, &problems) == 0;

	if (ok)
		buf_str(out, !strcmp(group, "control") ? config->control_socket : config->log_path);
	config_free(&config);
	problems_free(&problems);
	return ok;
}

int setting_find(const struct ctl *c, const char *group, const char *key, const char *fallback, struct buf *out,
		 struct err *e)
{
	const char *path = ctl_config_path(c);
	struct buf text = { 0 };
	int rc = 0;

	buf_clear(out);
	if (buf_read_file(&text, path, CONFIG_TEXT_MAX) < 0) {
		/* The wrong installation must not be asked because of a slip of the pen in --config. */
		if (c->config)
			rc = err_set(e, "cannot read '%s': %s", path, strerror(errno));
		else
			buf_str(out, fallback);
	} else if (!take_loaded(path, group, out)) {
		if (setting_scan(buf_text(&text), group, key, out) == 0 && out->len)
			make_absolute(path, out);
		else
			buf_str(out, fallback);
	}
	buf_free(&text);
	return rc;
}
