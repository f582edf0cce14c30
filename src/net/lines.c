/* Lines out of a stream, however it was cut into packets. Each byte is looked at once: a line's begin waits, and only
 * what is new is searched for its end. */
#include <string.h>

#include "abv/netloop.h"

static int line_done(const char *p, size_t n, int (*on_line)(void *arg, const char *line, size_t n), void *arg,
		     const char **fault)
{
	if (n && p[n - 1] == '\r')
		n--;
	if (n > NETLINE_MAX)
		*fault = "the server sent a line of more than 4096 bytes";
	else if (memchr(p, '\0', n))
		*fault = "the server sent a NUL byte";
	else
		return on_line(arg, p, n);
	return -1;
}

int netlines_feed(struct netlines *l, const char *p, size_t n, int (*on_line)(void *arg, const char *line, size_t n),
		  void *arg, const char **fault)
{
	const char *end;
	int rc = 0;

	*fault = NULL;
	for (; n && (end = memchr(p, '\n', n)) != NULL; p = end + 1) {
		size_t len = (size_t)(end - p);

		n -= len + 1;
		if (!l->begun.len) {
			rc = line_done(p, len, on_line, arg, fault);
		} else if (l->begun.len + len > NETLINE_MAX + 1) {
			*fault = "the server sent a line of more than 4096 bytes";
			rc = -1;
		} else {
			buf_add(&l->begun, p, len);
			rc = line_done(l->begun.data, l->begun.len, on_line, arg, fault);
			buf_clear(&l->begun);
		}
		if (rc != 0)
			return rc;
	}
	if (l->begun.len + n > NETLINE_MAX + 1) { /* one more: it may be the CR */
		*fault = "the server sent a line of more than 4096 bytes";
		return -1;
	}
	if (n)
		buf_add(&l->begun, p, n);
	return 0;
}

void netlines_free(struct netlines *l)
{
	buf_free(&l->begun);
}
