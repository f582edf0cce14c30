/* L0. Memory. Out of memory ends the process with a line on stderr: everything that matters is durable in the store. */
#ifndef ABV_MEM_H
#define ABV_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);                      /* zeroed; never NULL */
void *mem_array(size_t n, size_t size);         /* zeroed; checks the product */
void *mem_grow(void *p, size_t n, size_t size); /* realloc to n elements; checks the product; never NULL for n*size > 0 */
char *mem_strdup(const char *s);                /* NULL stays NULL */
char *mem_strndup(const char *s, size_t n);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* caller frees */

#endif
