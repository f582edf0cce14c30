/* Holds the place of reply_text.c: empty texts, weakly linked. Goes when that file is there. */
#include "abv/reply_text.h"

__attribute__((weak)) void reply_text_mail(const struct mail *m, struct buf *out)
{
	(void)m;
	(void)out;
}

__attribute__((weak)) bool reply_text_unsubscribes(const char *text, size_t n)
{
	(void)text;
	(void)n;
	return false;
}

__attribute__((weak)) int64_t return_date_find(const char *text, size_t n, int64_t sent, const struct zone *zone)
{
	(void)text;
	(void)n;
	(void)sent;
	(void)zone;
	return 0;
}
