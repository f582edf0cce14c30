#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "abv/clock.h"

#define DAYS_MAX 36525 /* a hundred years: more is a slip, and sums of such stay far from overflow */

static const struct unit {
	const char *name;
	int64_t ms; /* 0: business days */
} units[] = { { "s", CLOCK_SECOND }, { "m", CLOCK_MINUTE },  { "h", CLOCK_HOUR },
	      { "d", CLOCK_DAY },    { "w", 7 * CLOCK_DAY }, { "bd", 0 } };
#define UNITS (sizeof(units) / sizeof(units[0]))

/* Digits and nothing else before them. 0 when there are none or the number passes max. */
static size_t number(const char *s, int64_t max, int64_t *value)
{
	size_t n;

	*value = 0;
	for (n = 0; s[n] >= '0' && s[n] <= '9'; n++) {
		*value = *value * 10 + (s[n] - '0');
		if (*value > max)
			return 0;
	}
	return n;
}

int duration_parse(const char *s, struct duration *d, struct err *e)
{
	return duration_parse_told(s, "s m h d w bd", d, e);
}

int duration_parse_told(const char *s, const char *told, struct duration *d, struct err *e)
{
	int64_t value;
	size_t n = strspn(s, "0123456789"), i;

	for (i = 0; n && i < UNITS; i++)
		if (!strcmp(s + n, units[i].name))
			break;
	if (!n || i == UNITS)
		return err_set(e, "'%.64s' is no duration: write a number and one of %s, as in 36h%s", s, told,
			       strstr(told, "bd") ? " or 3bd" : "");
	if (!number(s, DAYS_MAX * CLOCK_DAY / (units[i].ms ? units[i].ms : CLOCK_DAY), &value))
		return err_set(e, "'%.64s' is longer than a hundred years", s);
	*d = (struct duration){ .ms = value * units[i].ms, .business_days = units[i].ms ? 0 : (int32_t)value };
	return 0;
}

int limit_parse(const char *s, struct limit *l, struct err *e)
{
	const char *p = s;
	struct duration d = { 0 };
	int64_t value;
	size_t n, blank;

	n = number(p, INT32_MAX, &value);
	p += n;
	blank = strspn(p, " ");
	if (!n || !blank || strncmp(p + blank, "per ", 4) != 0)
		return err_set(e, "'%.64s' is no limit: write a number, 'per' and a duration, as in '2 per 7d'", s);
	p += blank + 3;
	p += strspn(p, " ");
	if (duration_parse_told(p, "s m h d w", &d, e) < 0)
		return err_wrap(e, "limit '%.64s'", s);
	if (d.business_days || !d.ms)
		return err_set(e, "limit '%.64s': the time must be in s m h d or w, and more than none", s);
	if (!value)
		return err_set(e, "limit '%.64s': the number must be at least 1", s);
	*l = (struct limit){ .n = (int32_t)value, .per_ms = d.ms };
	return 0;
}

char *duration_format(const struct duration *d, char *out, size_t cap)
{
	size_t i = UNITS - 1;

	if (d->business_days) {
		snprintf(out, cap, "%" PRId32 "bd", d->business_days);
		return out;
	}
	if (!d->ms) {
		snprintf(out, cap, "0s");
		return out;
	}
	while (i > 0 && (!units[i].ms || d->ms % units[i].ms))
		i--;
	if (d->ms % units[i].ms) /* no text that duration_parse() reads: computed, for people only */
		snprintf(out, cap, "%" PRId64 "ms", d->ms);
	else
		snprintf(out, cap, "%" PRId64 "%s", d->ms / units[i].ms, units[i].name);
	return out;
}
