/* Strings by number: a log of millions of lines names few people, and a number is 4 bytes. */
#include <stdlib.h>
#include <string.h>

#include "abv/hash.h"
#include "abv/mem.h"
#include "audit_int.h"

static uint32_t slot_of(const struct names *t, const char *s)
{
	uint64_t h = hash_text(HASH_BEGIN, s);
	uint32_t i = (uint32_t)(h ^ h >> 32) & (t->slots - 1);

	while (t->slot[i] && strcmp(t->text[t->slot[i]], s) != 0)
		i = (i + 1) & (t->slots - 1);
	return i;
}

static void grow(struct names *t)
{
	t->slots = t->slots ? t->slots * 2 : 64;
	free(t->slot);
	t->slot = mem_array(t->slots, sizeof *t->slot);
	for (uint32_t i = 1; i < t->n; i++)
		t->slot[slot_of(t, t->text[i])] = i;
}

uint32_t names_find(const struct names *t, const char *s)
{
	return *s && t->slots ? t->slot[slot_of(t, s)] : 0;
}

uint32_t names_put(struct names *t, const char *s)
{
	uint32_t i;

	if (!*s)
		return 0;
	if (t->n == 0)
		t->n = 1; /* number 0 is "" */
	if (t->n * 2 >= t->slots)
		grow(t);
	i = slot_of(t, s);
	if (t->slot[i])
		return t->slot[i];
	if (t->n >= t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->text = mem_grow(t->text, t->cap, sizeof *t->text);
	}
	t->text[t->n] = mem_strdup(s);
	t->slot[i] = t->n;
	return t->n++;
}

const char *names_text(const struct names *t, uint32_t id)
{
	return id > 0 && id < t->n ? t->text[id] : "";
}

void names_free(struct names *t)
{
	for (uint32_t i = 1; i < t->n; i++)
		free(t->text[i]);
	free(t->text);
	free(t->slot);
	*t = (struct names){ 0 };
}
