/* Interned texts (table name): all of them are in memory, by id and by text. They are sequences, steps, reasons and
 * event types: some hundred at most. */
#include <stdlib.h>
#include <string.h>

#include "abv/hash.h"
#include "abv/mem.h"
#include "store_int.h"

/* The slot of the text, or the free one where it would go. */
static size_t name_slot(const struct names *n, const char *text)
{
	size_t i = (size_t)hash_text(HASH_BEGIN, text) & (n->slots - 1);

	while (n->slot[i] && strcmp(n->row[n->slot[i] - 1].text, text) != 0)
		i = (i + 1) & (n->slots - 1);
	return i;
}

static void slots_rebuild(struct names *n)
{
	n->slots = n->slots ? n->slots * 2 : 256;
	free(n->slot);
	n->slot = mem_array(n->slots, sizeof(*n->slot));
	for (size_t i = 0; i < n->n; i++)
		n->slot[name_slot(n, n->row[i].text)] = (int64_t)i + 1;
}

static int64_t name_keep(struct names *n, const char *text)
{
	struct name *row;

	if (n->n == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 64;
		n->row = mem_grow(n->row, n->cap, sizeof(*n->row));
	}
	row = &n->row[n->n++];
	row->text = mem_strdup(text);
	row->reason = reason_find(text);
	row->event = event_type_find(text);
	if (row->reason < REASON_COUNT)
		n->reason[row->reason] = (int64_t)n->n;
	if (row->event < EVENT_TYPE_COUNT)
		n->event[row->event] = (int64_t)n->n;
	if (n->n * 2 > n->slots)
		slots_rebuild(n);
	else
		n->slot[name_slot(n, text)] = (int64_t)n->n;
	return (int64_t)n->n;
}

void store_names_free(struct store *s)
{
	for (size_t i = 0; i < s->names.n; i++)
		free(s->names.row[i].text);
	free(s->names.row);
	free(s->names.slot);
	s->names = (struct names){ 0 };
}

int store_names_load(struct store *s, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_NAMES);
	int rc;

	store_names_free(s);
	slots_rebuild(&s->names);
	while ((rc = store_step(s, q, e)) > 0) {
		if (col_int(q, 0) != name_keep(&s->names, col_text(q, 1))) {
			sqlite3_reset(q);
			return err_set(e, "store: table name has a gap before id %lld", sqlite3_column_int64(q, 0));
		}
	}
	return rc;
}

int64_t store_name_find(const struct store *s, const char *text)
{
	return text && *text ? s->names.slot[name_slot(&s->names, text)] : 0;
}

int64_t store_name_id(struct store *s, const char *text, struct err *e)
{
	int64_t id = store_name_find(s, text);
	sqlite3_stmt *q;

	if (id || !text || !*text)
		return id;
	q = store_stmt(s, SQL_NAME_PUT);
	bind_int(q, 1, (int64_t)s->names.n + 1);
	bind_text(q, 2, text);
	return store_run(s, q, e) ? -1 : name_keep(&s->names, text);
}

const char *store_name_text(const struct store *s, int64_t id)
{
	return id > 0 && (size_t)id <= s->names.n ? s->names.row[id - 1].text : "";
}

int64_t store_reason_id(struct store *s, enum reason r, struct err *e)
{
	if (r == REASON_NONE)
		return 0;
	return s->names.reason[r] ? s->names.reason[r] : store_name_id(s, reason_name(r), e);
}

enum reason store_reason_of(const struct store *s, int64_t id)
{
	return id > 0 && (size_t)id <= s->names.n ? s->names.row[id - 1].reason : REASON_NONE;
}

int64_t store_event_id(struct store *s, enum event_type t, struct err *e)
{
	return s->names.event[t] ? s->names.event[t] : store_name_id(s, event_type_name(t), e);
}

enum event_type store_event_of(const struct store *s, int64_t id)
{
	return id > 0 && (size_t)id <= s->names.n ? s->names.row[id - 1].event : EVENT_TYPE_COUNT;
}
