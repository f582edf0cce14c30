/* One row of an import. What cannot be right is refused here, by the column's name, before it can get into a letter,
 * into a header or into the governor's reckoning. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "abv/mem.h"
#include "import_int.h"

#define VALUE_MAX   4096
#define NAME_MAX_   64
#define CONSENT_MAX 64

static const char *const column_name[COLUMN_COUNT] = {
	[COLUMN_EMAIL] = "email",           [COLUMN_FIRST_NAME] = "first_name",
	[COLUMN_LAST_NAME] = "last_name",   [COLUMN_ACCOUNT] = "account",
	[COLUMN_TITLE] = "title",           [COLUMN_TIMEZONE] = "timezone",
	[COLUMN_OWNER] = "owner",           [COLUMN_TAGS] = "tags",
	[COLUMN_CONSENT] = "consent",       [COLUMN_CONSENT_SOURCE] = "consent_source",
	[COLUMN_CONSENT_AT] = "consent_at",
};

/* ---- texts ---- */

static void fold(char *s)
{
	for (; *s; s++) {
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
	}
}

/* Without the spaces around it. Caller frees. */
static char *trimmed(const char *s, size_t n)
{
	while (n && (*s == ' ' || *s == '\t'))
		s++, n--;
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	return mem_strndup(s, n);
}

/* A number or truth value of a JSON that no CSV was behind stands for its text. NULL: it has none. Caller frees. */
static char *text_of(const json_t *value)
{
	if (json_is_boolean(value))
		return mem_strdup(json_is_true(value) ? "true" : "false");
	if (json_is_integer(value))
		return mem_printf("%lld", (long long)json_integer_value(value));
	return json_is_real(value) ? mem_printf("%.15g", json_real_value(value)) : NULL;
}

/* Attributes may have lines; columns may not. */
static bool attribute_is_clean(const char *s)
{
	for (; *s; s++) {
		if (((unsigned char)*s < 0x20 && *s != '\n' && *s != '\r' && *s != '\t') || *s == 0x7f)
			return false;
	}
	return true;
}

/* ---- members ---- */

static int row_put(struct row *r, const char *name, const char *value, struct err *e)
{
	int column = 0;

	if (strlen(value) > VALUE_MAX)
		return err_set(e, "%.64s: this is longer than %d bytes", name, VALUE_MAX);
	while (column < COLUMN_COUNT && (*name != *column_name[column] || strcmp(name, column_name[column]) != 0))
		column++;
	if (column < COLUMN_COUNT) {
		if (!text_is_clean(value))
			return err_set(e, "%s: this has a control character", name);
		r->value[column] = trimmed(value, strlen(value));
		return 0;
	}
	if (!*name || strlen(name) > NAME_MAX_ || !text_is_clean(name))
		return err_set(e, "'%.64s' is no name for a column", text_is_clean(name) ? name : "");
	if (!attribute_is_clean(value))
		return err_set(e, "%s: this has a control character", name);
	fields_add(&r->attributes, name, value);
	return r->attributes.len > ROW_MAX ? err_set(e, "this row is longer than %d bytes", ROW_MAX) : 0;
}

static int row_members(json_t *json, struct row *r, struct err *e)
{
	const char *name;
	json_t *value;
	char *text;
	int rc = 0;

	json_object_foreach (json, name, value) {
		if (!strcmp(name, "line") || json_is_null(value))
			continue;
		if (json_is_string(value)) {
			rc = row_put(r, name, json_string_value(value), e);
		} else {
			text = text_of(value);
			rc = text ? row_put(r, name, text, e) : err_set(e, "%.64s: this is no text", name);
			free(text);
		}
		if (rc)
			return -1;
	}
	return 0;
}

/* ---- columns ---- */

static int check_timezone(const struct row *r, struct err *e)
{
	const char *name = r->value[COLUMN_TIMEZONE];

	if (!name || !*name || zone_find(name))
		return 0;
	return err_set(e, "timezone: '%.64s' is no IANA time zone", name);
}

static int check_consent(struct row *r, int64_t now, struct err *e)
{
	char *consent = r->value[COLUMN_CONSENT], *at = r->value[COLUMN_CONSENT_AT];
	struct err why = { "" };

	if (consent) {
		fold(consent);
		if (strlen(consent) > CONSENT_MAX ||
		    consent[strspn(consent, "abcdefghijklmnopqrstuvwxyz0123456789_-.")])
			return err_set(e, "consent: '%.64s' is no identifier (letters, digits, _ - .)", consent);
	}
	if (!at || !*at)
		return 0;
	if (clock_parse(at, &r->consent_at, &why))
		return err_set(e, "consent_at: %s", why.text);
	if (r->consent_at > now)
		return err_set(e, "consent_at: '%s' is in the future", at);
	return r->consent_at > 0 ? 0 : err_set(e, "consent_at: '%s' lies before 1970", at);
}

/* "a; b;;c" -> "a;b;c" */
static void fold_tags(char *tags)
{
	struct buf b = { 0 };
	char *one;

	for (char *p = tags; *p; p += strcspn(p, ";"), p += *p == ';') {
		one = trimmed(p, strcspn(p, ";"));
		if (*one && b.len)
			buf_char(&b, ';');
		buf_str(&b, one);
		free(one);
	}
	memcpy(tags, buf_text(&b), b.len + 1); /* never longer */
	buf_free(&b);
}

int row_read(json_t *json, int64_t now, struct row *out, struct err *e)
{
	const char *email;
	struct err why = { "" };

	if (row_members(json, out, e))
		return -1;
	email = out->value[COLUMN_EMAIL];
	if (!email || !*email)
		return err_set(e, "email: there is none");
	if (mailaddr_parse(email, out->email, &why))
		return err_set(e, "email: %s", why.text);
	if (out->value[COLUMN_ACCOUNT] && strlen(out->value[COLUMN_ACCOUNT]) >= MAILADDR_MAX)
		return err_set(e, "account: this is longer than %d bytes", MAILADDR_MAX - 1);
	if (out->value[COLUMN_TAGS])
		fold_tags(out->value[COLUMN_TAGS]);
	return check_timezone(out, e) || check_consent(out, now, e) ? -1 : 0;
}

void row_free(struct row *r)
{
	for (int i = 0; i < COLUMN_COUNT; i++)
		free(r->value[i]);
	buf_free(&r->attributes);
}

/* ---- as a contact ---- */

/* The key of an account that is named: an alias's, when it or one of its domains is meant; else the name, folded. */
static const char *account_key(const struct config *config, const char *name, char out[MAILADDR_MAX])
{
	char *space;

	for (size_t i = 0; i < config->alias_n; i++) {
		const struct account_alias *a = &config->alias[i];
		bool meant = !strcasecmp(a->account, name);

		for (size_t j = 0; j < a->domain_n; j++)
			meant |= !strcasecmp(a->domain[j], name);
		if (meant)
			return a->account;
	}
	(void)snprintf(out, MAILADDR_MAX, "%s", name);
	fold(out);
	while ((space = strstr(out, "  ")) != NULL)
		memmove(space, space + 1, strlen(space));
	return out;
}

static const char *either(const struct row *r, enum column column, const char *known)
{
	return r->value[column] ? r->value[column] : known;
}

/* The row's attributes over the known ones, which keep their places. */
static void merge_attributes(const struct row *r, const struct contact *known, struct buf *out)
{
	struct fields ours = { r->attributes.data, r->attributes.len };
	const char *name, *value, *fresh;

	for (size_t at = 0; fields_next(&known->attributes, &at, &name, &value);) {
		fresh = fields_get(&ours, name);
		fields_add(out, name, fresh ? fresh : value);
	}
	for (size_t at = 0; fields_next(&ours, &at, &name, &value);) {
		if (!fields_get(&known->attributes, name))
			fields_add(out, name, value);
	}
}

void row_contact(const struct row *r, const struct contact *known, const struct config *config, struct contact *out,
		 struct buf *keep)
{
	static const struct contact nobody = { .account = "",
					       .account_name = "",
					       .first_name = "",
					       .last_name = "",
					       .title = "",
					       .timezone = "",
					       .owner = "",
					       .tags = "",
					       .consent = "",
					       .consent_source = "" };
	const struct contact *k = known ? known : &nobody;
	const char *name = either(r, COLUMN_ACCOUNT, k->account_name), *key;
	bool consent = r->value[COLUMN_CONSENT] != NULL; /* another basis does not inherit the date of the last one */
	char account[MAILADDR_MAX];

	if (*name)
		key = account_key(config, name, account);
	else
		config_account(config, r->email, account), key = account;
	merge_attributes(r, k, keep);
	*out = (struct contact){
		.email = r->email,
		.account_name = name,
		.first_name = either(r, COLUMN_FIRST_NAME, k->first_name),
		.last_name = either(r, COLUMN_LAST_NAME, k->last_name),
		.title = either(r, COLUMN_TITLE, k->title),
		.timezone = either(r, COLUMN_TIMEZONE, k->timezone),
		.owner = either(r, COLUMN_OWNER, k->owner),
		.tags = either(r, COLUMN_TAGS, k->tags),
		.consent = either(r, COLUMN_CONSENT, k->consent),
		.consent_source = either(r, COLUMN_CONSENT_SOURCE, consent ? "" : k->consent_source),
		.consent_at = r->value[COLUMN_CONSENT_AT] || consent ? r->consent_at : k->consent_at,
	};
	out->attributes.len = keep->len;
	buf_add(keep, key, strlen(key) + 1); /* behind the attributes: it lives as long as they */
	out->attributes.data = keep->data;
	out->account = keep->data + out->attributes.len;
}
