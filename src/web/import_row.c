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

static const struct row_name column_name[COLUMN_COUNT] = {
#define NAME(text) { text, sizeof(text) - 1 }
	[COLUMN_EMAIL] = NAME("email"),           [COLUMN_FIRST_NAME] = NAME("first_name"),
	[COLUMN_LAST_NAME] = NAME("last_name"),   [COLUMN_ACCOUNT] = NAME("account"),
	[COLUMN_TITLE] = NAME("title"),           [COLUMN_TIMEZONE] = NAME("timezone"),
	[COLUMN_OWNER] = NAME("owner"),           [COLUMN_TAGS] = NAME("tags"),
	[COLUMN_CONSENT] = NAME("consent"),       [COLUMN_CONSENT_SOURCE] = NAME("consent_source"),
	[COLUMN_CONSENT_AT] = NAME("consent_at"),
#undef NAME
};

/* ---- texts ---- */

static void fold(char *s)
{
	for (; *s; s++) {
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
	}
}

/* Without the spaces around it, where it stands. */
static char *trim(char *s, size_t n)
{
	while (n && (*s == ' ' || *s == '\t'))
		s++, n--;
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	s[n] = '\0';
	return s;
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

enum column row_column(const struct row_name *name)
{
	int i = 0;

	while (i < COLUMN_COUNT && (column_name[i].n != name->n || memcmp(column_name[i].text, name->text, name->n) != 0))
		i++;
	return (enum column)i;
}

int row_put(struct row *r, const struct row_name *name, enum column column, char *value, size_t n, bool control,
	    struct buf *attributes, struct err *e)
{
	size_t size;

	if (n > VALUE_MAX)
		return err_set(e, "%.64s: this is longer than %d bytes", name->text, VALUE_MAX);
	if (column < COLUMN_COUNT) {
		if (control)
			return err_set(e, "%s: this has a control character", name->text);
		r->value[column] = trim(value, n);
		return 0;
	}
	if (!name->n || name->n > NAME_MAX_ || !text_is_clean(name->text))
		return err_set(e, "'%.64s' is no name for a column", text_is_clean(name->text) ? name->text : "");
	if (control && !attribute_is_clean(value))
		return err_set(e, "%s: this has a control character", name->text);
	buf_add(attributes, name->text, name->n + 1);
	buf_add(attributes, value, n + 1);
	size = r->attributes.len += name->n + n + 2;
	return size > ROW_MAX ? err_set(e, "this row is longer than %d bytes", ROW_MAX) : 0;
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
	char *out = tags, *one;
	size_t n;

	for (char *p = tags, *end = tags + strlen(tags); p < end; p += n + 1) {
		n = strcspn(p, ";");
		one = trim(p, n);
		if (*one && out > tags)
			*out++ = ';';
		memmove(out, one, strlen(one)); /* never longer */
		out += strlen(one);
	}
	*out = '\0';
}

int row_check(struct row *r, int64_t now, struct err *e)
{
	char *email = r->value[COLUMN_EMAIL], folded[MAILADDR_MAX];
	struct err why = { "" };

	if (!email || !*email)
		return err_set(e, "email: there is none");
	if (mailaddr_parse(email, folded, &why))
		return err_set(e, "email: %s", why.text);
	memcpy(email, folded, strlen(folded) + 1); /* never longer */
	if (r->value[COLUMN_ACCOUNT] && strlen(r->value[COLUMN_ACCOUNT]) >= MAILADDR_MAX)
		return err_set(e, "account: this is longer than %d bytes", MAILADDR_MAX - 1);
	if (r->value[COLUMN_TAGS])
		fold_tags(r->value[COLUMN_TAGS]);
	return check_timezone(r, e) || check_consent(r, now, e) ? -1 : 0;
}

/* ---- as a contact ---- */

void keep_init(struct keep *k, size_t rows)
{
	k->key = k->key_at = mem_grow(NULL, rows, MAILADDR_MAX); /* pages that are not used cost nothing */
	k->merged = mem_grow(NULL, rows, sizeof(*k->merged));
	k->merged_n = 0;
}

void keep_free(struct keep *k)
{
	for (size_t i = 0; i < k->merged_n; i++)
		buf_free(&k->merged[i]);
	free(k->merged);
	free(k->key);
}

/* The key of an account that is named: an alias's, when it or one of its domains is meant; else the name, folded, which
 * is written to out. */
static const char *account_key(const struct config *config, const char *name, char *out)
{
	size_t n = strnlen(name, MAILADDR_MAX - 1);
	char *space;

	for (size_t i = 0; i < config->alias_n; i++) {
		const struct account_alias *a = &config->alias[i];
		bool meant = !strcasecmp(a->account, name);

		for (size_t j = 0; j < a->domain_n; j++)
			meant |= !strcasecmp(a->domain[j], name);
		if (meant)
			return a->account;
	}
	memcpy(out, name, n);
	out[n] = '\0';
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
	const char *name, *value, *fresh;

	for (size_t at = 0; fields_next(&known->attributes, &at, &name, &value);) {
		fresh = fields_get(&r->attributes, name);
		fields_add(out, name, fresh ? fresh : value);
	}
	for (size_t at = 0; fields_next(&r->attributes, &at, &name, &value);) {
		if (!fields_get(&known->attributes, name))
			fields_add(out, name, value);
	}
}

static struct fields row_attributes(const struct row *r, const struct contact *known, struct keep *keep)
{
	struct buf *b;

	if (!known)
		return r->attributes;
	b = &keep->merged[keep->merged_n++];
	*b = (struct buf){ 0 };
	merge_attributes(r, known, b);
	return (struct fields){ .data = b->data, .len = b->len };
}

void row_contact(const struct row *r, const struct contact *known, const struct config *config, struct contact *out,
		 struct keep *keep)
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

	if (*name)
		key = account_key(config, name, keep->key_at);
	else
		config_account(config, r->value[COLUMN_EMAIL], keep->key_at), key = keep->key_at;
	if (key == keep->key_at)
		keep->key_at += strlen(key) + 1;
	*out = (struct contact){
		.email = r->value[COLUMN_EMAIL],
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
		.account = key,
		.attributes = row_attributes(r, known, keep),
	};
}
