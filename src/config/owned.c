/* Memory of a configuration: many small pieces with one end. It is wiped before it is given back, since passwords are
 * in it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "config_int.h"

struct piece {
	struct piece *next;
	size_t size;
	_Alignas(16) unsigned char data[];
};

struct owned {
	struct piece *first;
};

struct owned *owned_new(void)
{
	return mem_alloc(sizeof(struct owned));
}

void owned_free(struct owned **o)
{
	if (!*o)
		return;
	for (struct piece *p = (*o)->first, *next; p; p = next) {
		next = p->next;
		explicit_bzero(p->data, p->size);
		free(p);
	}
	free(*o);
	*o = NULL;
}

void *owned_alloc(struct owned *o, size_t n, size_t size)
{
	/* a product that overflows asks for what cannot be had, and mem_alloc ends the process as for any other */
	size_t bytes = size && n > (SIZE_MAX / 2 - sizeof(struct piece)) / size ? SIZE_MAX / 2 : n * size;
	struct piece *p = mem_alloc(sizeof *p + bytes);

	p->size = bytes;
	p->next = o->first;
	o->first = p;
	return p->data;
}

const char *owned_textn(struct owned *o, const char *s, size_t n)
{
	char *copy = owned_alloc(o, n + 1, 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}

const char *owned_text(struct owned *o, const char *s)
{
	return owned_textn(o, s, strlen(s));
}

const char *owned_printf(struct owned *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return "";
	char *text = owned_alloc(o, (size_t)n + 1, 1);

	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}
