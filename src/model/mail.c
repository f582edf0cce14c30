#include <string.h>

#include "abv/mail.h"

static const char *find(const struct mail *m, size_t from, size_t n, const char *name)
{
	for (size_t i = from; i < from + n; i++)
		if (!strcmp(m->header[i].name, name))
			return m->header[i].value;
	return NULL;
}

const char *mail_get(const struct mail *m, const char *name)
{
	return find(m, m->part[0].header, m->part[0].header_n, name);
}

const char *mail_part_get(const struct mail *m, const struct mail_part *p, const char *name)
{
	return find(m, p->header, p->header_n, name);
}
