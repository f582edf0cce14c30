/* Who may be enrolled: consent basis and qualification. A contact that is left out is told why. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rules_int.h"

int64_t admit_consent_end(const struct policy *p, const struct contact *c)
{
	/* A basis without its date is as old as our record of it. */
	int64_t at = c->consent_at != 0 ? c->consent_at : c->created_at;
	return p->consent_max_age > 0 ? instant_add(at, p->consent_max_age) : CLOCK_NEVER;
}

enum reason admit_consent(const struct policy *p, const struct contact *c, int64_t now)
{
	size_t i = 0;
	while (i < p->consent_accept_n && strcmp(p->consent_accept[i], c->consent) != 0)
		i++;
	if (*c->consent == '\0' || i == p->consent_accept_n)
		return REASON_NO_CONSENT;
	return now >= admit_consent_end(p, c) ? REASON_CONSENT_EXPIRED : REASON_NONE;
}

/* s is not empty. */
static bool is_number(const char *s, double *out)
{
	char *end;
	*out = strtod(s, &end);
	return *end == '\0';
}

static bool holds(const struct qualify *q, const struct contact *c)
{
	const char *v = contact_field(c, q->field);
	double number;
	if (v == NULL || *v == '\0')
		return false;
	switch (q->op) {
	case QUALIFY_PRESENT: return true;
	case QUALIFY_MIN: return is_number(v, &number) && number >= q->number;
	case QUALIFY_MAX: return is_number(v, &number) && number <= q->number;
	case QUALIFY_EQUALS:
	case QUALIFY_IN:
		for (size_t i = 0; i < q->value_n; i++)
			if (strcasecmp(q->value[i], v) == 0)
				return true;
	}
	return false;
}

static bool is_qualified(const struct sequence *s, const struct contact *c)
{
	for (size_t i = 0; i < s->qualify_n; i++)
		if (!holds(&s->qualify[i], c))
			return false;
	return true;
}

enum reason governor_admit(const struct sequence *s, const struct contact *c, enum reason suppressed, int64_t now)
{
	if (suppressed != REASON_NONE)
		return suppressed;
	if (c->forgotten)
		return REASON_ERASED;
	enum reason why = admit_consent(&s->policy, c, now);
	if (why != REASON_NONE)
		return why;
	return is_qualified(s, c) ? REASON_NONE : REASON_NOT_QUALIFIED;
}
