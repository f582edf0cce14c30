/* Setting a field by its row's type. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_int.h"

/* Well-formed UTF-8 (RFC 3629) without controls. */
static bool text_is_clean(const char *s, bool multiline)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p) {
		int more = *p < 0x80                 ? 0
			   : *p >= 0xc2 && *p < 0xe0 ? 1
			   : *p >= 0xe0 && *p < 0xf0 ? 2
			   : *p >= 0xf0 && *p < 0xf5 ? 3
						     : -1;

		if (more < 0 || *p == 0x7f || (*p < 0x20 && !(multiline && *p == '\n')))
			return false;
		if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
		    (p[0] == 0xf4 && p[1] > 0x8f) || (p[0] == 0xc2 && p[1] < 0xa0))
			return false;
		for (p++; more; more--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static const char *key_of(const config_setting_t *s)
{
	for (; s; s = config_setting_parent(s))
		if (config_setting_name(s))
			return config_setting_name(s);
	return "this";
}

const char *setting_text(struct reader *r, const config_setting_t *s, bool multiline)
{
	if (config_setting_type(s) != CONFIG_TYPE_STRING) {
		reader_say(r, s, "wrong-type", "'%s' must be a string: \"...\"", key_of(s));
		return NULL;
	}
	const char *text = config_setting_get_string(s);

	if (!text)
		text = "";
	if (!text_is_clean(text, multiline)) {
		reader_say(r, s, "bad-value", "'%s' holds control characters or bytes that are no UTF-8", key_of(s));
		return NULL;
	}
	return text;
}

static bool is_series(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_ARRAY || config_setting_type(s) == CONFIG_TYPE_LIST;
}

int setting_texts(struct reader *r, const config_setting_t *s, const char *const **out, size_t *n)
{
	if (!is_series(s))
		return reader_fail(r, s, "wrong-type", "'%s' must be a list of strings: [\"...\", \"...\"]", key_of(s));
	int len = config_setting_length(s), rc = 0;
	const char **row = owned_alloc(r->owned, (size_t)len + 1, sizeof *row);

	for (int i = 0; i < len; i++) {
		const config_setting_t *member = config_setting_get_elem((config_setting_t *)s, (unsigned)i);
		const char *text = setting_text(r, member, false);

		if (text && !*text)
			rc = reader_fail(r, member, "bad-value", "'%s' holds an empty string", key_of(s));
		row[i] = owned_text(r->owned, text ? text : "");
		if (!text)
			rc = -1;
	}
	if (rc < 0)
		return -1;
	*out = row;
	*n = (size_t)len;
	return 0;
}

int set_string(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *text = setting_text(r, s, false);

	if (!text)
		return -1;
	if (!*text && !(o->fallback && !strcmp(o->fallback, "\"\"")))
		return reader_fail(r, s, "bad-value", "'%s' is empty", key_of(s));
	*(const char **)at = owned_text(r->owned, text);
	return 0;
}

int set_text(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	(void)o;
	const char *text = setting_text(r, s, true);

	if (!text)
		return -1;
	if (!text[strspn(text, " \n")])
		return reader_fail(r, s, "bad-value", "'%s' is empty", key_of(s));
	*(const char **)at = owned_text(r->owned, text);
	return 0;
}

static int check_range(struct reader *r, const struct option *o, const config_setting_t *s, double v)
{
	if (!isfinite(v) || ((o->min != 0 || o->max != 0) && (v < o->min || v > o->max)))
		return reader_fail(r, s, "out-of-range", "'%s' must be between %.15g and %.15g", key_of(s), o->min,
				   o->max);
	return 0;
}

int set_int(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	int type = config_setting_type(s);

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return reader_fail(r, s, "wrong-type", "'%s' must be a whole number", key_of(s));
	long long v = type == CONFIG_TYPE_INT ? config_setting_get_int(s) : config_setting_get_int64(s);

	if (v < INT32_MIN || v > INT32_MAX)
		return reader_fail(r, s, "out-of-range", "'%s' must be between %.15g and %.15g", key_of(s), o->min,
				   o->max);
	if (check_range(r, o, s, (double)v) < 0)
		return -1;
	*(int32_t *)at = (int32_t)v;
	return 0;
}

int set_number(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	double v;

	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT: v = config_setting_get_int(s); break;
	case CONFIG_TYPE_INT64: v = (double)config_setting_get_int64(s); break;
	case CONFIG_TYPE_FLOAT: v = config_setting_get_float(s); break;
	default: return reader_fail(r, s, "wrong-type", "'%s' must be a number", key_of(s));
	}
	if (check_range(r, o, s, v) < 0)
		return -1;
	*(double *)at = v;
	return 0;
}

int set_bool(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	(void)o;
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		return reader_fail(r, s, "wrong-type", "'%s' must be true or false", key_of(s));
	*(bool *)at = config_setting_get_bool(s);
	return 0;
}

static int read_duration(struct reader *r, const config_setting_t *s, const char *units, struct duration *d)
{
	struct err e = { "" };

	if (config_setting_is_number(s))
		return reader_fail(r, s, "wrong-type", "'%s' must be a string with a unit, such as \"36h\" or \"3d\"",
				   key_of(s));
	const char *text = setting_text(r, s, false);

	if (!text)
		return -1;
	if (duration_parse_told(text, units, d, &e) < 0)
		return reader_fail(r, s, "bad-value", "'%s': %s", key_of(s), e.text);
	return 0;
}

static int check_time(struct reader *r, const struct option *o, const config_setting_t *s, int64_t ms)
{
	char least[32], most[32];
	struct duration lo = { .ms = (int64_t)o->min }, hi = { .ms = (int64_t)o->max };

	if ((o->min == 0 && o->max == 0) || ((double)ms >= o->min && (double)ms <= o->max))
		return 0;
	duration_format(&lo, least, sizeof least);
	duration_format(&hi, most, sizeof most);
	return reader_fail(r, s, "out-of-range", "'%s' must be between \"%s\" and \"%s\"", key_of(s), least, most);
}

static int read_exact(struct reader *r, const struct option *o, const config_setting_t *s, const char *units, void *at)
{
	struct duration d;

	if (read_duration(r, s, units, &d) < 0)
		return -1;
	if (d.business_days)
		return reader_fail(r, s, "bad-value", "'%s' needs an exact unit (one of %s), not business days",
				   key_of(s), units);
	if (check_time(r, o, s, d.ms) < 0)
		return -1;
	*(int64_t *)at = d.ms;
	return 0;
}

int set_time(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	return read_exact(r, o, s, "s m h d w", at);
}

/* Consent lasts for years: "2y" is 730 d. */
int set_age(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *text = config_setting_type(s) == CONFIG_TYPE_STRING ? config_setting_get_string(s) : NULL;
	char *end = NULL;
	long years = text && *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : 0;

	if (!end || strcmp(end, "y") != 0)
		return read_exact(r, o, s, "s m h d w y", at);
	if (years > 100)
		return reader_fail(r, s, "out-of-range", "'%s' must be between \"0d\" and \"100y\"", key_of(s));
	*(int64_t *)at = years * 365 * CLOCK_DAY;
	return 0;
}

#define GAP_DAYS_MAX 3660

int set_gap(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	struct duration d;

	(void)o;
	if (read_duration(r, s, "s m h d w bd", &d) < 0)
		return -1;
	if (d.ms > GAP_DAYS_MAX * CLOCK_DAY || d.business_days > GAP_DAYS_MAX)
		return reader_fail(r, s, "out-of-range", "'%s' must be at most %d days", key_of(s), GAP_DAYS_MAX);
	*(struct duration *)at = d;
	return 0;
}

int set_limit(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	struct err e = { "" };
	struct limit l;
	const char *text = setting_text(r, s, false);

	(void)o;
	if (!text)
		return -1;
	if (limit_parse(text, &l, &e) < 0)
		return reader_fail(r, s, "bad-value", "'%s': %s", key_of(s), e.text);
	if (l.per_ms < CLOCK_SECOND || l.per_ms > GAP_DAYS_MAX * CLOCK_DAY)
		return reader_fail(r, s, "out-of-range", "'%s': the window of a limit is 1 s to %d d long", key_of(s),
				   GAP_DAYS_MAX);
	if (o->max > 0 && l.n > o->max)
		return reader_fail(r, s, "out-of-range",
				   "'%s': a limit here is at most %.0f touches: older ones are not looked at",
				   key_of(s), o->max);
	*(struct limit *)at = l;
	return 0;
}

/* A limit that another one of the list implies never binds: rarely what was meant. */
static void idle_limits(struct reader *r, const config_setting_t *s, const struct limits *l)
{
	for (int i = 0; i < l->n; i++)
		for (int k = 0; k < l->n; k++) {
			const struct limit *x = &l->row[i], *y = &l->row[k];
			bool same = x->n == y->n && x->per_ms == y->per_ms;

			if (i == k || y->n > x->n || y->per_ms < x->per_ms || (same && i < k))
				continue;
			reader_tell(r, SEVERITY_WARNING,
				    setting_spot(r, config_setting_get_elem((config_setting_t *)s, (unsigned)i)),
				    "idle-limit", "'%s': this limit never binds: '%s' allows no more", key_of(s),
				    config_setting_get_string_elem(s, k));
			break;
		}
}

int set_limits(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	struct limits l = { .n = 0 };
	int rc = 0;

	if (!is_series(s))
		return reader_fail(r, s, "wrong-type", "'%s' must be a list of limits: [\"1 per 7d\", ...]", key_of(s));
	if (config_setting_length(s) > LIMITS_MAX)
		return reader_fail(r, s, "out-of-range", "'%s' holds more than %d limits", key_of(s), LIMITS_MAX);
	for (int i = 0; i < config_setting_length(s); i++)
		if (set_limit(r, o, config_setting_get_elem((config_setting_t *)s, (unsigned)i), &l.row[l.n++]) < 0)
			rc = -1;
	if (rc == 0) {
		idle_limits(r, s, &l);
		*(struct limits *)at = l;
	}
	return rc;
}

int set_path(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *text = NULL;

	if (set_string(r, o, s, &text) < 0)
		return -1;
	*(const char **)at = *text ? path_beside(r->owned, setting_spot(r, s).file, text) : "";
	return 0;
}
