/* Lines out of a stream, however it was cut into packets, and counted bytes between them. Each byte is looked at once:
 * a line's begin waits, and only what is new is searched for its end; counted bytes are passed on and never kept. */
#include <string.h>

#include "abv/netloop.h"

typedef int line_told(void *arg, const char *line, size_t n);

static size_t longest(const struct netlines *l)
{
	return l->max ? l->max : NETLINE_MAX;
}

static int too_long(const char **fault)
{
	*fault = "the server sent a line that is too long";
	return -1;
}

static int line_done(const struct netlines *l, const char *p, size_t n, line_told *on_line, void *arg,
		     const char **fault)
{
	if (n && p[n - 1] == '\r')
		n--;
	if (n > longest(l))
		return too_long(fault);
	if (memchr(p, '\0', n)) {
		*fault = "the server sent a NUL byte";
		return -1;
	}
	return on_line(arg, p, n);
}

/* The line that ends behind `len` further bytes. */
static int end_line(struct netlines *l, const char *p, size_t len, line_told *on_line, void *arg, const char **fault)
{
	int rc;

	if (!l->begun.len)
		return line_done(l, p, len, on_line, arg, fault);
	if (l->begun.len + len > longest(l) + 1)
		return too_long(fault);
	buf_add(&l->begun, p, len);
	rc = line_done(l, l->begun.data, l->begun.len, on_line, arg, fault);
	buf_clear(&l->begun);
	return rc;
}

int netlines_feed(struct netlines *l, const char *p, size_t n, line_told *on_line, void *arg, const char **fault)
{
	int rc = 0;

	*fault = NULL;
	while (n && rc == 0) {
		const char *end;
		size_t len;

		if (l->bytes) {
			len = l->bytes < n ? (size_t)l->bytes : n;
			l->bytes -= len;
			rc = l->on_bytes(arg, p, len);
		} else if ((end = memchr(p, '\n', n)) != NULL) {
			len = (size_t)(end - p);
			rc = end_line(l, p, len++, on_line, arg, fault);
		} else {
			len = n;
			if (l->begun.len + n > longest(l) + 1) /* one more: it may be the CR */
				return too_long(fault);
			buf_add(&l->begun, p, n);
		}
		p += len;
		n -= len;
	}
	return rc;
}

void netlines_free(struct netlines *l)
{
	buf_free(&l->begun);
}
