/* The last touches of the sender and of the recipients' providers, for policies that limit these.
 *
 * Such limits count many touches ("200 per 1h"), and reading those for each message would cost more than the message.
 * They are read once, when a policy first asks, as far back as it looks; each touch that settles is added. A policy
 * that looks further, a touch that no longer counts, and a rollback have them read again. */
#include <string.h>

#include "abv/hash.h"
#include "abv/mem.h"
#include "store_int.h"

void times_add(struct times *t, int64_t at)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 32;
		t->time = mem_grow(t->time, t->cap, sizeof(*t->time));
	}
	t->time[t->n++] = at;
}

void store_recents_free(struct store *s)
{
	struct recents *r = &s->recents;

	for (size_t i = 0; i < r->n; i++) {
		free(r->row[i].key);
		free(r->row[i].time);
	}
	free(r->row);
	free(r->slot);
	*r = (struct recents){ 0 };
}

static size_t key_slot(const struct recents *r, const char *key)
{
	size_t i = (size_t)hash_text(HASH_BEGIN, key) & (r->slots - 1);

	while (r->slot[i] && strcmp(r->row[r->slot[i] - 1].key, key) != 0)
		i = (i + 1) & (r->slots - 1);
	return i;
}

static const struct recent *recent_find(const struct recents *r, const char *key)
{
	uint32_t found = r->slots ? r->slot[key_slot(r, key)] : 0;

	return found ? &r->row[found - 1] : NULL;
}

static struct recent *recent_get(struct recents *r, const char *key)
{
	const struct recent *old = recent_find(r, key);

	if (old)
		return &r->row[old - r->row];
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->row = mem_grow(r->row, r->cap, sizeof(*r->row));
	}
	r->row[r->n++] = (struct recent){ .key = mem_strdup(key) };
	if (r->n * 2 > r->slots) {
		r->slots = r->slots ? r->slots * 2 : 128;
		free(r->slot);
		r->slot = mem_array(r->slots, sizeof(*r->slot));
		for (size_t i = 0; i < r->n; i++)
			r->slot[key_slot(r, r->row[i].key)] = (uint32_t)i + 1;
	} else {
		r->slot[key_slot(r, key)] = (uint32_t)r->n;
	}
	return &r->row[r->n - 1];
}

static void recent_add(struct recents *r, const char *key, int64_t at)
{
	struct recent *k = recent_get(r, key);
	size_t i;

	if (k->n == 2 * r->keep) { /* cut seldom, and many at once */
		k->n = r->keep;
		memmove(k->time, k->time + r->keep, k->n * sizeof(*k->time));
	}
	if (k->n == k->cap) {
		k->cap = k->cap ? k->cap * 2 : 4;
		k->time = mem_grow(k->time, k->cap, sizeof(*k->time));
	}
	for (i = k->n++; i > 0 && k->time[i - 1] > at; i--)
		k->time[i] = k->time[i - 1];
	k->time[i] = at;
}

static void count(struct recents *r, const char *provider, int64_t at)
{
	recent_add(r, "", at);
	if (r->providers)
		recent_add(r, provider, at);
}

void store_recents_count(struct store *s, const char *provider, int64_t at, bool add)
{
	if (!s->recents.loaded)
		return;
	if (!add)
		s->recents.loaded = false; /* what was cut behind it is needed again */
	else if (at > s->recents.since)
		count(&s->recents, provider, at);
}

static int recents_load(struct store *s, bool providers, int64_t since, size_t keep, struct err *e)
{
	struct recents *r = &s->recents;
	sqlite3_stmt *q;
	int rc;

	providers |= r->providers;
	since = r->keep && r->since < since ? r->since : since;
	keep = r->keep > keep ? r->keep : keep;
	store_recents_free(s);
	r->providers = providers;
	r->since = since;
	r->keep = keep;
	if (store_days_flush(s, e))
		return -1;
	q = store_stmt(s, SQL_HISTORY_TIME);
	bind_int(q, 1, since);
	bind_int(q, 2, since / CLOCK_DAY);
	while ((rc = store_step(s, q, e)) > 0)
		count(r, col_text(q, 1), col_int(q, 0));
	r->loaded = rc == 0;
	return rc;
}

int store_recents_read(struct store *s, const char *provider, const struct limits *l, int64_t now, struct times *out,
		       struct err *e)
{
	struct recents *r = &s->recents;
	const struct recent *k;
	int64_t window = 0;
	size_t most = 1;

	for (int i = 0; i < l->n; i++) {
		window = l->row[i].per_ms > window ? l->row[i].per_ms : window;
		most = (size_t)l->row[i].n > most ? (size_t)l->row[i].n : most;
	}
	window += CLOCK_DAY; /* as in history.c */
	if (!r->loaded || (provider && !r->providers) || r->since > now - window || r->keep < most) {
		if (recents_load(s, provider != NULL, now - window, most, e))
			return -1;
	}
	k = recent_find(r, provider ? provider : "");
	for (size_t i = k ? k->n : 0; i > 0 && out->n < most && k->time[i - 1] > now - window; i--)
		times_add(out, k->time[i - 1]);
	return 0;
}
