#include "abv/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *got(void *p)
{
	if (!p) {
		fputs("abvd: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_alloc(size_t n)
{
	return got(calloc(1, n ? n : 1));
}

void *mem_array(size_t n, size_t size)
{
	return got(calloc(n ? n : 1, size ? size : 1));
}

void *mem_grow(void *p, size_t n, size_t size)
{
	return got(reallocarray(p, n ? n : 1, size ? size : 1));
}

char *mem_strdup(const char *s)
{
	return s ? got(strdup(s)) : NULL;
}

char *mem_strndup(const char *s, size_t n)
{
	return s ? got(strndup(s, n)) : NULL;
}

char *mem_printf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return got(s);
}
