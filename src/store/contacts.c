/* Contacts and accounts. Import is the hot path: what is known of a batch of addresses is asked at once, and what is new
 * goes in with one statement a table. Accounts come in runs, so their ids are remembered. */
#include <string.h>

#include "abv/hash.h"
#include "abv/mem.h"
#include "store_int.h"

/* ---- accounts ---- */

static struct account_slot *account_slot(struct store *s, const char *key)
{
	return &s->account[hash_text(HASH_BEGIN, key) % ACCOUNT_SLOTS];
}

static void account_remember(struct store *s, const char *key, int64_t id)
{
	struct account_slot *slot = account_slot(s, key);

	free(slot->key);
	*slot = (struct account_slot){ .id = id, .key = mem_strdup(key) };
}

/* 0: not remembered. */
static int64_t account_remembered(struct store *s, const char *key)
{
	const struct account_slot *slot = account_slot(s, key);

	return slot->key && !strcmp(slot->key, key) ? slot->id : 0;
}

int store_accounts_find(struct store *s, const char *account, int64_t *id, struct err *e)
{
	sqlite3_stmt *q;
	int rc;

	*id = account_remembered(s, account);
	if (*id)
		return 1;
	q = store_stmt(s, SQL_ACCOUNT);
	bind_text(q, 1, account);
	rc = store_step(s, q, e);
	if (rc > 0) {
		*id = col_int(q, 0);
		sqlite3_reset(q);
		account_remember(s, account, *id);
	}
	return rc;
}

/* The accounts of a batch that are not remembered, each once. */
struct accounts {
	struct account_new *row;
	size_t n;
	uint32_t *slot; /* open addressing by key: row number + 1, 0 empty */
	size_t slots;   /* a power of two */
};

static struct account_new *accounts_row(struct accounts *a, const char *key)
{
	size_t i = hash_text(HASH_BEGIN, key) & (a->slots - 1);

	while (a->slot[i] && strcmp(a->row[a->slot[i] - 1].key, key) != 0)
		i = (i + 1) & (a->slots - 1);
	if (!a->slot[i]) {
		a->row[a->n++] = (struct account_new){ .key = key };
		a->slot[i] = (uint32_t)a->n;
	}
	return &a->row[a->slot[i] - 1];
}

static void account_found(void *arg, sqlite3_stmt *q)
{
	((struct account_new *)arg)[col_int(q, 0)].id = col_int(q, 1);
}

/* Ids of one INSERT follow each other: a row's id is the highest of its table and one more. */
static int64_t first_id(struct store *s, size_t inserted)
{
	return sqlite3_last_insert_rowid(s->db) - (int64_t)inserted + 1;
}

/* Often all are new: then nobody has to ask for their ids. */
static int accounts_number(struct store *s, struct accounts *a, struct err *e)
{
	size_t fresh;
	int64_t id;

	if (store_batch_run(s, BATCH_ACCOUNT, a->row, a->n, store_stmt(s, SQL_ACCOUNTS_INSERT), NULL, NULL, e))
		return -1;
	fresh = (size_t)store_changed(s);
	s->figure[FIGURE_ACCOUNTS] += (int64_t)fresh;
	id = first_id(s, fresh);
	if (fresh < a->n &&
	    store_batch_run(s, BATCH_ACCOUNT, a->row, a->n, store_stmt(s, SQL_ACCOUNTS_KNOWN), account_found, a->row, e))
		return -1;
	for (size_t i = 0; i < a->n; i++) {
		if (fresh == a->n)
			a->row[i].id = id++;
		account_remember(s, a->row[i].key, a->row[i].id);
	}
	return 0;
}

static bool is_new_to(const struct contact_put *row)
{
	return !row->leave && row->result != PUT_SAME && *row->c.account;
}

/* Gives the contacts that are to be written their accounts' ids; accounts that are new are made. */
static int accounts_take(struct store *s, struct contact_put *row, size_t n, struct err *e)
{
	struct accounts a = { .slots = 16 };
	int rc = 0;

	while (a.slots < 2 * n)
		a.slots *= 2;
	a.row = mem_array(n, sizeof(*a.row));
	a.slot = mem_array(a.slots, sizeof(*a.slot));
	for (size_t i = 0; i < n; i++) {
		row[i].c.account_id = row[i].result == PUT_SAME ? row[i].known->account_id : 0;
		if (!is_new_to(&row[i]))
			continue;
		row[i].c.account_id = account_remembered(s, row[i].c.account);
		if (!row[i].c.account_id)
			(void)accounts_row(&a, row[i].c.account);
	}
	if (a.n)
		rc = accounts_number(s, &a, e);
	for (size_t i = 0; i < n && a.n && !rc; i++) {
		if (is_new_to(&row[i]) && !row[i].c.account_id)
			row[i].c.account_id = accounts_row(&a, row[i].c.account)->id;
	}
	free(a.row);
	free(a.slot);
	return rc;
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

/* Of what an import brings. */
static bool contact_same(const struct contact *a, const struct contact *b)
{
	const char *one[11], *other[11];
	size_t n = contact_texts(a, one);

	(void)contact_texts(b, other);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(one[i], other[i]) != 0)
			return false;
	}
	return a->consent_at == b->consent_at && a->attributes.len == b->attributes.len &&
	       (!a->attributes.len || !memcmp(a->attributes.data, b->attributes.data, a->attributes.len));
}

static struct contact *contact_block(const struct contact *c)
{
	struct contact *out = mem_alloc(sizeof(*c) + store_contact_size(c));

	store_contact_copy(out, c, (char *)(out + 1));
	return out;
}

static int contact_get(struct store *s, sqlite3_stmt *q, struct contact **out, struct err *e)
{
	struct contact c;
	int rc = store_step(s, q, e);

	*out = NULL;
	if (rc <= 0)
		return rc;
	store_contact_read(q, 0, &c);
	*out = contact_block(&c);
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

/* ---- put ---- */

static void known_found(void *arg, sqlite3_stmt *q)
{
	struct contact_put *row = (struct contact_put *)arg + col_int(q, CONTACT_COLUMN_COUNT);
	struct contact c;

	store_contact_read(q, 0, &c);
	row->known = contact_block(&c);
}

int store_contacts_known(struct store *s, struct contact_put *row, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		row[i].known = NULL;
	return store_batch_run(s, BATCH_CONTACT, row, n, store_stmt(s, SQL_CONTACTS_KNOWN), known_found, row, e);
}

static int contact_update(struct store *s, const struct contact *c, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_CONTACT_UPDATE);

	bind_id(q, 1, c->account_id);
	bind_int(q, 2, c->consent_at);
	bind_text(q, 3, c->first_name);
	bind_text(q, 4, c->last_name);
	bind_text(q, 5, c->account_name);
	bind_text(q, 6, c->title);
	bind_text(q, 7, c->timezone);
	bind_text(q, 8, c->owner);
	bind_text(q, 9, c->tags);
	bind_text(q, 10, c->consent);
	bind_text(q, 11, c->consent_source);
	(void)sqlite3_bind_blob64(q, 12, c->attributes.len ? c->attributes.data : "", c->attributes.len, SQLITE_STATIC);
	bind_int(q, 13, c->id);
	s->version++;
	return store_run(s, q, e);
}

static int contacts_insert(struct store *s, struct contact_put *row, size_t n, int64_t now, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_CONTACTS_INSERT);
	size_t inserted = 0;
	int64_t id;

	for (size_t i = 0; i < n; i++)
		inserted += !row[i].leave && row[i].result == PUT_CREATED;
	if (!inserted)
		return 0;
	bind_int(q, 1, now);
	if (store_batch_run(s, BATCH_CONTACT, row, n, q, NULL, NULL, e))
		return -1;
	id = first_id(s, inserted);
	for (size_t i = 0; i < n; i++) {
		if (!row[i].leave && row[i].result == PUT_CREATED)
			row[i].c.id = id++;
	}
	s->figure[FIGURE_CONTACTS] += (int64_t)inserted;
	store_seen(s, now);
	return 0;
}

int store_contacts_put(struct store *s, struct contact_put *row, size_t n, int64_t now, struct err *e)
{
	if (store_change(s, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct contact *known = row[i].known;

		if (row[i].leave)
			continue;
		row[i].c.id = known ? known->id : 0;
		row[i].result = !known ? PUT_CREATED : contact_same(&row[i].c, known) ? PUT_SAME : PUT_CHANGED;
	}
	if (accounts_take(s, row, n, e) || contacts_insert(s, row, n, now, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (row[i].leave || row[i].result != PUT_CHANGED)
			continue;
		store_seen(s, now);
		if (contact_update(s, &row[i].c, e))
			return -1;
	}
	return 0;
}

int store_contact_put(struct store *s, const struct contact *c, int64_t now, enum put_result *result, int64_t *id,
		      struct err *e)
{
	struct contact_put row = { .c = *c };
	int rc = store_change(s, e);

	if (!rc)
		rc = store_contacts_known(s, &row, 1, e);
	if (!rc)
		rc = store_contacts_put(s, &row, 1, now, e);
	*result = row.result;
	*id = row.c.id;
	contact_free(&row.known);
	return rc;
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
