/* Messages that are tried again, while those behind them go on; and the cursor, which never passes one of them: after
 * a crash they are fetched once more, and those behind them are recognised as done. */
#include <stdlib.h>
#include <string.h>

#include "abv/clock.h"
#include "imap_int.h"

static int find(const struct imap_later *l, uint32_t uid)
{
	for (int i = 0; i < l->n; i++)
		if (l->row[i].uid == uid)
			return i;
	return -1;
}

bool imap_later_add(struct imap_later *l, uint32_t uid, bool refused, int64_t now, const struct inbox_pace *p)
{
	int i = find(l, uid);

	if (i < 0) {
		if (l->n == IMAP_LATER_MAX)
			return false;
		i = l->n++;
		memset(&l->row[i], 0, sizeof l->row[i]);
		l->row[i].uid = uid;
	}
	l->row[i].due = now + source_backoff(p->retry_first, l->row[i].tries++, p->retry_most);
	l->row[i].refused += refused;
	return true;
}

void imap_later_remove(struct imap_later *l, uint32_t uid)
{
	int i = find(l, uid);

	if (i >= 0)
		l->row[i] = l->row[--l->n];
}

int imap_later_refused(const struct imap_later *l, uint32_t uid)
{
	int i = find(l, uid);

	return i < 0 ? 0 : l->row[i].refused;
}

uint32_t imap_later_due(const struct imap_later *l, int64_t now)
{
	int first = -1;

	for (int i = 0; i < l->n; i++)
		if (l->row[i].due <= now && (first < 0 || l->row[i].due < l->row[first].due))
			first = i;
	return first < 0 ? 0 : l->row[first].uid;
}

int64_t imap_later_next(const struct imap_later *l)
{
	int64_t next = CLOCK_NEVER;

	for (int i = 0; i < l->n; i++)
		if (l->row[i].due < next)
			next = l->row[i].due;
	return next;
}

uint32_t imap_later_cursor(const struct imap_later *l, uint32_t last, uint32_t done)
{
	uint32_t at = done > last ? done : last;

	for (int i = 0; i < l->n; i++)
		if (l->row[i].uid != done && l->row[i].uid - 1 < at)
			at = l->row[i].uid - 1;
	return at;
}

static bool cursor_number(const char **p, char end, uint32_t *out)
{
	unsigned long long v;
	char *stop;

	if (**p < '0' || **p > '9')
		return false;
	v = strtoull(*p, &stop, 10);
	if (*stop != end || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	*p = stop + 1;
	return true;
}

bool imap_cursor_parse(const char *text, uint32_t *validity, uint32_t *uid)
{
	return cursor_number(&text, ':', validity) && cursor_number(&text, '\0', uid);
}
