/* L0. A growing byte buffer. data is always NUL-terminated after the first append (the NUL is not counted in len). */
#ifndef ABV_BUF_H
#define ABV_BUF_H

#include <stddef.h>
#include <string.h>

struct buf {
	char *data; /* owned; NULL while cap is 0 */
	size_t len;
	size_t cap;
};

void buf_reserve(struct buf *b, size_t more); /* room for `more` further bytes and the NUL */

/* Inline: a letter and its log lines are put together by some hundreds of these, most of them of a few bytes. */
static inline void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n >= b->cap - b->len)
		buf_reserve(b, n);
	if (n > 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

static inline void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void buf_char(struct buf *b, char c)
{
	if (b->cap - b->len < 2)
		buf_reserve(b, 1);
	b->data[b->len++] = c;
	b->data[b->len] = '\0';
}

void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_clear(struct buf *b);                 /* len = 0, memory kept */
void buf_consume(struct buf *b, size_t n);     /* drops the first n bytes */
const char *buf_text(const struct buf *b);     /* never NULL: "" when nothing was added */
char *buf_take(struct buf *b);                 /* hands the memory over (caller frees); never NULL; b is empty after */
void buf_free(struct buf *b);

/* Reads a whole file, at most max bytes. 0, or -1 with errno kept (EFBIG when longer). */
int buf_read_file(struct buf *b, const char *path, size_t max);

#endif
