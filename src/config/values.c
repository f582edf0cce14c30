/* Effective values with their places, for `abvctl config`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "config_int.h"

static void format_text(const char *s, struct buf *out)
{
	buf_char(out, '"');
	for (; s && *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_char(out, '\\');
		if (*s == '\n')
			buf_str(out, "\\n");
		else
			buf_char(out, *s);
	}
	buf_char(out, '"');
}

static void format_number(double v, struct buf *out)
{
	char text[40];

	(void)snprintf(text, sizeof text, "%.15g", v);
	buf_str(out, text);
	if (!strpbrk(text, ".en"))
		buf_str(out, ".0");
}

void setting_format(const config_setting_t *s, struct buf *out)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_STRING: format_text(config_setting_get_string(s), out); return;
	case CONFIG_TYPE_BOOL: buf_str(out, config_setting_get_bool(s) ? "true" : "false"); return;
	case CONFIG_TYPE_INT: buf_printf(out, "%d", config_setting_get_int(s)); return;
	case CONFIG_TYPE_INT64: buf_printf(out, "%lldL", config_setting_get_int64(s)); return;
	case CONFIG_TYPE_FLOAT: format_number(config_setting_get_float(s), out); return;
	default: break;
	}
	bool group = config_setting_is_group(s);

	buf_char(out, group ? '{' : '[');
	for (int i = 0; i < config_setting_length(s); i++) {
		const config_setting_t *member = config_setting_get_elem((config_setting_t *)s, (unsigned)i);

		if (i)
			buf_str(out, group ? "; " : ", ");
		if (group)
			buf_printf(out, "%s = ", config_setting_name(member));
		setting_format(member, out);
	}
	buf_char(out, group ? '}' : ']');
}

void value_add(struct reader *r, const char *key, const char *value, struct spot at)
{
	struct config *c = r->config;

	if (c->value_n == r->value_cap) {
		size_t cap = r->value_cap ? r->value_cap * 2 : 128;
		struct config_value *row = owned_alloc(r->owned, cap, sizeof *row);

		if (c->value_n)
			memcpy(row, c->value, c->value_n * sizeof *row);
		c->value = row;
		r->value_cap = cap;
	}
	c->value[c->value_n++] = (struct config_value){ owned_text(r->owned, key), owned_text(r->owned, value),
							owned_text(r->owned, at.file), at.line };
}

static struct config_place place_of(struct spot at)
{
	return (struct config_place){ at.file, at.line, at.column };
}

struct config_use *use_add(struct reader *r, const struct step *s, struct spot at, struct spot step_at)
{
	struct config *c = r->config;

	if (c->use_n == r->use_cap) {
		size_t cap = r->use_cap ? r->use_cap * 2 : 32;
		struct config_use *row = owned_alloc(r->owned, cap, sizeof *row);

		if (c->use_n)
			memcpy(row, c->use, c->use_n * sizeof *row);
		c->use = row;
		r->use_cap = cap;
	}
	c->use[c->use_n] = (struct config_use){ .step_name = s->name,
						.template_name = s->template_name,
						.at = place_of(at),
						.step_at = place_of(step_at) };
	return &c->use[c->use_n++];
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct config_value *)a)->key, ((const struct config_value *)b)->key);
}

static struct config_value *value_find(const struct config *c, const char *key)
{
	for (size_t i = 0; i < c->value_n; i++)
		if (!strcmp(c->value[i].key, key))
			return &c->value[i];
	return NULL;
}

static void carry(struct config *to, const struct config *from, const char *key, const char **path, const char *was)
{
	struct config_value *fresh = value_find(to, key);
	const struct config_value *old = value_find(from, key);

	*path = owned_text(to->owned, was);
	if (!fresh || !old)
		return;
	fresh->value = owned_text(to->owned, old->value);
	fresh->file = owned_text(to->owned, old->file);
	fresh->line = old->line;
}

void config_carry_paths(struct config *to, const struct config *from)
{
	carry(to, from, "store.path", &to->store_path, from->store_path);
	carry(to, from, "log.path", &to->log_path, from->log_path);
	carry(to, from, "control.socket", &to->control_socket, from->control_socket);
}

void values_sort(struct config *c)
{
	if (c->value_n)
		qsort(c->value, c->value_n, sizeof *c->value, by_key);
}
