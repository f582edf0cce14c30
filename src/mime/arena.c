#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "parse_int.h"

#define CHUNK_SIZE ((size_t)16 << 10)

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

static void chunk_add(struct arena *a, size_t size)
{
	struct chunk *c = mem_grow(NULL, 1, sizeof *c + size);

	c->next = a->chunk;
	c->used = 0;
	c->size = size;
	a->chunk = c;
}

struct arena *arena_new(void)
{
	struct arena first = { NULL }, *a;

	chunk_add(&first, CHUNK_SIZE);
	a = arena_take(&first, sizeof *a);
	*a = first;
	return a;
}

/* What does not fit goes into a chunk of its own; the rest of the one before is given up, at most a quarter of it. */
void *arena_take(struct arena *a, size_t n)
{
	struct chunk *c = a->chunk;
	size_t size = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);

	if (size > c->size - c->used) {
		chunk_add(a, size > CHUNK_SIZE / 4 ? size : CHUNK_SIZE);
		if (size > CHUNK_SIZE / 4 && c->size - c->used > CHUNK_SIZE / 4) { /* the fuller one stays behind */
			struct chunk *big = a->chunk;

			big->next = c->next;
			c->next = big;
			a->chunk = c;
			big->used = size;
			return big->data;
		}
	}
	c = a->chunk;
	c->used += size;
	return c->data + c->used - size;
}

char *arena_copy(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_take(a, n + 1);

	if (n > 0)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

void arena_free(struct arena *a)
{
	struct chunk *c = a->chunk;

	while (c) {
		struct chunk *next = c->next;

		free(c);
		c = next;
	}
}
