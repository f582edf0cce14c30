#include "abv/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A message often quotes what a file or a peer said: whatever that held, it stays one line. */
static void one_line(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
}

int err_set(struct err *e, const char *fmt, ...)
{
	struct err made; /* apart, because an argument may point into e */
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	if (vsnprintf(made.text, sizeof(made.text), fmt, ap) < 0)
		made.text[0] = '\0';
	va_end(ap);
	one_line(made.text);
	memcpy(e->text, made.text, strlen(made.text) + 1);
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	struct err before;
	va_list ap;
	size_t n, room;

	if (!e)
		return -1;
	va_start(ap, fmt);
	if (vsnprintf(before.text, sizeof(before.text), fmt, ap) < 0)
		before.text[0] = '\0';
	va_end(ap);
	one_line(before.text);
	n = strlen(before.text);
	room = sizeof(before.text) - 1 - n;
	snprintf(before.text + n, room + 1, ": %.*s", (int)room, e->text);
	memcpy(e->text, before.text, sizeof(e->text));
	return -1;
}
