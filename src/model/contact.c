#include <string.h>

#include "abv/model.h"
#include "abv/problem.h"

bool fields_next(const struct fields *f, size_t *at, const char **name, const char **value)
{
	if (*at >= f->len)
		return false;
	*name = f->data + *at;
	*at += strlen(*name) + 1;
	*value = *at < f->len ? f->data + *at : "";
	*at += strlen(*value) + 1;
	return true;
}

const char *fields_get(const struct fields *f, const char *name)
{
	const char *n, *v;
	for (size_t at = 0; fields_next(f, &at, &n, &v);)
		if (strcmp(n, name) == 0)
			return v;
	return NULL;
}

void fields_add(struct buf *b, const char *name, const char *value)
{
	buf_add(b, name, strlen(name) + 1);
	buf_add(b, value, strlen(value) + 1);
}

const char *contact_field(const struct contact *c, const char *name)
{
	const struct {
		const char *name, *value;
	} row[] = {
		{ "first_name", c->first_name },
		{ "last_name", c->last_name },
		{ "email", c->email },
		{ "title", c->title },
		{ "account", *c->account_name != '\0' ? c->account_name : c->account },
		{ "timezone", c->timezone },
		{ "owner", c->owner },
		{ "tags", c->tags },
		{ "consent", c->consent },
		{ "consent_source", c->consent_source },
	};
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		if (strcmp(row[i].name, name) == 0)
			return row[i].value;
	return fields_get(&c->attributes, name);
}

const char *contact_field_near(const char *name)
{
	static const char *const row[] = { "first_name", "last_name", "email", "title", "account", "timezone", "owner", "tags", "consent", "consent_source" };
	const char *near = NULL;
	size_t n = strlen(name);
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		size_t m = strlen(row[i]);
		if (strcmp(row[i], name) == 0)
			return NULL;
		if (n > 4 && problem_distance(name, n, row[i], m) <= (m > 6 ? 2 : 1))
			near = row[i];
	}
	return near;
}

bool contact_has_tag(const struct contact *c, const char *tag)
{
	size_t n = strlen(tag);
	for (const char *p = c->tags; n > 0 && *p != '\0';) {
		size_t len = strcspn(p, ";");
		if (len == n && memcmp(p, tag, n) == 0)
			return true;
		p += len + (p[len] == ';');
	}
	return false;
}

int sequence_step_find(const struct sequence *s, const char *name)
{
	for (size_t i = 0; i < s->step_n; i++)
		if (strcmp(s->step[i].name, name) == 0)
			return (int)i;
	return -1;
}
