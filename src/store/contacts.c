/* Contacts and accounts. Import is the hot path: a new contact costs one INSERT; only an address that is there already
 * is read and compared. Accounts come in runs, so their ids are remembered. */
#include <string.h>

#include "abv/mem.h"
#include "store_int.h"

/* ---- accounts ---- */

static struct account_slot *account_slot(struct store *s, const char *key)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (const char *p = key; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return &s->account[h % ACCOUNT_SLOTS];
}

int store_accounts_find(struct store *s, const char *account, int64_t *id, struct err *e)
{
	struct account_slot *slot = account_slot(s, account);
	sqlite3_stmt *q;
	int rc;

	if (slot->key && !strcmp(slot->key, account)) {
		*id = slot->id;
		return 1;
	}
	q = store_stmt(s, SQL_ACCOUNT);
	bind_text(q, 1, account);
	rc = store_step(s, q, e);
	if (rc > 0) {
		*id = col_int(q, 0);
		sqlite3_reset(q);
		free(slot->key);
		*slot = (struct account_slot){ .id = *id, .key = mem_strdup(account) };
	}
	return rc;
}

/* 0 and the account's id (0 for ""), made when it is new. */
static int account_get(struct store *s, const char *account, int64_t *id, struct err *e)
{
	struct account_slot *slot = account_slot(s, account);
	sqlite3_stmt *q;

	*id = 0;
	if (!*account)
		return 0;
	if (slot->key && !strcmp(slot->key, account)) {
		*id = slot->id;
		return 0;
	}
	q = store_stmt(s, SQL_ACCOUNT_PUT);
	bind_text(q, 1, account);
	if (store_run(s, q, e))
		return -1;
	if (!store_changed(s))
		return store_accounts_find(s, account, id, e) > 0 ? 0 : -1;
	s->figure[FIGURE_ACCOUNTS]++;
	*id = sqlite3_last_insert_rowid(s->db);
	free(slot->key);
	*slot = (struct account_slot){ .id = *id, .key = mem_strdup(account) };
	return 0;
}

/* ---- put ---- */

/* Parameters 1 to 15 of SQL_CONTACT_INSERT, SQL_CONTACT_SAME and SQL_CONTACT_UPDATE. */
static sqlite3_stmt *contact_bind(struct store *s, enum sql id, const struct contact *c, int64_t account, int64_t now)
{
	sqlite3_stmt *q = store_stmt(s, id);

	bind_id(q, 1, account);
	if (id != SQL_CONTACT_UPDATE)
		bind_text(q, 2, c->email);
	if (id == SQL_CONTACT_INSERT) {
		bind_int(q, 3, c->engaged_at);
		bind_int(q, 4, now);
	}
	bind_int(q, 5, c->consent_at);
	bind_text(q, 6, c->first_name);
	bind_text(q, 7, c->last_name);
	bind_text(q, 8, c->account_name);
	bind_text(q, 9, c->title);
	bind_text(q, 10, c->timezone);
	bind_text(q, 11, c->owner);
	bind_text(q, 12, c->tags);
	bind_text(q, 13, c->consent);
	bind_text(q, 14, c->consent_source);
	if (c->attributes.len)
		(void)sqlite3_bind_blob64(q, 15, c->attributes.data, c->attributes.len, SQLITE_STATIC);
	else
		(void)sqlite3_bind_zeroblob(q, 15, 0);
	return q;
}

int store_contact_put(struct store *s, const struct contact *c, int64_t now, enum put_result *result, int64_t *id,
		      struct err *e)
{
	sqlite3_stmt *q;
	int64_t account;
	bool same;

	if (store_change(s, e) || account_get(s, c->account, &account, e))
		return -1;
	if (store_run(s, contact_bind(s, SQL_CONTACT_INSERT, c, account, now), e))
		return -1;
	if (store_changed(s)) {
		*id = sqlite3_last_insert_rowid(s->db);
		*result = PUT_CREATED;
		s->figure[FIGURE_CONTACTS]++;
		store_seen(s, now);
		return 0;
	}
	q = contact_bind(s, SQL_CONTACT_SAME, c, account, now);
	if (store_step(s, q, e) <= 0)
		return -1;
	*id = col_int(q, 0);
	same = col_int(q, 1);
	sqlite3_reset(q);
	*result = PUT_SAME;
	if (same)
		return 0;
	*result = PUT_CHANGED;
	s->version++;
	q = contact_bind(s, SQL_CONTACT_UPDATE, c, account, now);
	bind_int(q, 16, *id);
	store_seen(s, now);
	return store_run(s, q, e);
}

int store_contact_engaged(struct store *s, int64_t id, int64_t at, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_CONTACT_ENGAGED);

	if (store_change(s, e))
		return -1;
	bind_int(q, 1, id);
	bind_int(q, 2, at);
	if (store_run(s, q, e))
		return -1;
	store_seen(s, at);
	return store_changed(s) ? 0 : err_set(e, "store: there is no contact %lld", (long long)id);
}

/* ---- reading ---- */

void store_contact_read(sqlite3_stmt *q, int column, struct contact *out)
{
	*out = (struct contact){
		.id = col_int(q, column),
		.account_id = col_int(q, column + 1),
		.email = col_text(q, column + 2),
		.account = col_text(q, column + 3),
		.account_name = col_text(q, column + 4),
		.first_name = col_text(q, column + 5),
		.last_name = col_text(q, column + 6),
		.title = col_text(q, column + 7),
		.timezone = col_text(q, column + 8),
		.owner = col_text(q, column + 9),
		.tags = col_text(q, column + 10),
		.consent = col_text(q, column + 11),
		.consent_source = col_text(q, column + 12),
		.consent_at = col_int(q, column + 13),
		.attributes.data = sqlite3_column_blob(q, column + 14),
		.engaged_at = col_int(q, column + 15),
		.created_at = col_int(q, column + 16),
		.forgotten = col_int(q, column + 17) != 0,
	};
	out->attributes.len = (size_t)sqlite3_column_bytes(q, column + 14);
}

/* The texts of a contact, for copying. */
static size_t contact_texts(const struct contact *c, const char *text[11])
{
	const char *const all[11] = { c->email,     c->account, c->account_name,  c->first_name,
				      c->last_name, c->title,   c->timezone,      c->owner,
				      c->tags,      c->consent, c->consent_source };

	memcpy(text, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

size_t store_contact_size(const struct contact *c)
{
	const char *text[11];
	size_t n = contact_texts(c, text), size = c->attributes.len;

	for (size_t i = 0; i < n; i++)
		size += strlen(text[i]) + 1;
	return size;
}

const char *store_text_copy(char **at, const char *text)
{
	size_t n = strlen(text) + 1;
	char *to = *at;

	memcpy(to, text, n);
	*at += n;
	return to;
}

void store_contact_copy(struct contact *to, const struct contact *from, char *text)
{
	*to = *from;
	to->email = store_text_copy(&text, from->email);
	to->account = store_text_copy(&text, from->account);
	to->account_name = store_text_copy(&text, from->account_name);
	to->first_name = store_text_copy(&text, from->first_name);
	to->last_name = store_text_copy(&text, from->last_name);
	to->title = store_text_copy(&text, from->title);
	to->timezone = store_text_copy(&text, from->timezone);
	to->owner = store_text_copy(&text, from->owner);
	to->tags = store_text_copy(&text, from->tags);
	to->consent = store_text_copy(&text, from->consent);
	to->consent_source = store_text_copy(&text, from->consent_source);
	if (from->attributes.len)
		memcpy(text, from->attributes.data, from->attributes.len);
	to->attributes.data = from->attributes.len ? text : NULL;
}

static int contact_get(struct store *s, sqlite3_stmt *q, struct contact **out, struct err *e)
{
	struct contact c;
	int rc = store_step(s, q, e);

	*out = NULL;
	if (rc <= 0)
		return rc;
	store_contact_read(q, 0, &c);
	*out = mem_alloc(sizeof(c) + store_contact_size(&c));
	store_contact_copy(*out, &c, (char *)(*out + 1));
	sqlite3_reset(q);
	return 1;
}

int store_contact_by_email(struct store *s, const char *email, struct contact **out, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_CONTACT_BY_EMAIL);

	bind_text(q, 1, email);
	return contact_get(s, q, out, e);
}

int store_contact_by_id(struct store *s, int64_t id, struct contact **out, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_CONTACT_BY_ID);

	bind_int(q, 1, id);
	return contact_get(s, q, out, e);
}

int store_contacts(struct store *s, const char *tag, int64_t after, int limit,
		   void (*row)(void *arg, const struct contact *c), void *arg, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_CONTACTS);
	struct contact c;
	int n = 0, rc = 0;

	bind_int(q, 1, after);
	while (n < limit && (rc = store_step(s, q, e)) > 0) {
		store_contact_read(q, 0, &c);
		if (tag && !contact_has_tag(&c, tag))
			continue;
		row(arg, &c);
		n++;
	}
	sqlite3_reset(q);
	return rc < 0 ? -1 : n;
}
