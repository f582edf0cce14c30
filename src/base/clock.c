#include "abv/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void clock_init_real(struct clock *c)
{
	*c = (struct clock){ .mode = CLOCK_REAL, .scale = 1 };
}

void clock_init_scaled(struct clock *c, double scale, int64_t now)
{
	*c = (struct clock){ .mode = CLOCK_SCALED, .scale = scale, .start_now = now, .start_mono = clock_mono() };
}

void clock_init_manual(struct clock *c, int64_t now)
{
	*c = (struct clock){ .mode = CLOCK_MANUAL, .scale = 1, .start_now = now };
}

void clock_set(struct clock *c, int64_t now)
{
	c->start_now = now;
}

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_mono(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_now(const struct clock *c)
{
	switch (c->mode) {
	case CLOCK_REAL: return read_ms(CLOCK_REALTIME);
	case CLOCK_SCALED: return c->start_now + (int64_t)((double)(clock_mono() - c->start_mono) * c->scale);
	case CLOCK_MANUAL: break;
	}
	return c->start_now;
}

int64_t clock_real_wait(const struct clock *c, int64_t t, int64_t max_ms)
{
	int64_t left;
	double real;

	if (__builtin_sub_overflow(t, clock_now(c), &left))
		left = t > 0 ? INT64_MAX : 0;
	if (left <= 0)
		return 0;
	if (c->mode == CLOCK_MANUAL) /* it does not pass by itself */
		return max_ms;
	if (c->mode == CLOCK_REAL)
		return left < max_ms ? left : max_ms;
	real = ceil((double)left / c->scale); /* up: a timer must not fire before t */
	return real < (double)max_ms ? (int64_t)real : max_ms;
}

/* ---- texts */

static char *put2(char *out, int value, char then)
{
	out[0] = (char)('0' + value / 10);
	out[1] = (char)('0' + value % 10);
	out[2] = then;
	return out + 3;
}

struct fields_of_time {
	int year, month, day, weekday, hour, minute, second, milli;
};

/* Both formats have four digits for the year: what lies outside becomes the nearest that can be written. */
static void split(int64_t t, struct fields_of_time *f)
{
	const int64_t first = civil_from_ymd(0, 1, 1) * CLOCK_DAY, end = civil_from_ymd(10000, 1, 1) * CLOCK_DAY;
	int32_t day;
	int of_day;

	t = t < first ? first : t >= end ? end - 1 : t;
	day = civil_day(t);
	of_day = (int)(t - day * CLOCK_DAY);
	civil_to_ymd(day, &f->year, &f->month, &f->day);
	f->weekday = civil_weekday(day);
	f->hour = of_day / (int)CLOCK_HOUR;
	f->minute = of_day / (int)CLOCK_MINUTE % 60;
	f->second = of_day / (int)CLOCK_SECOND % 60;
	f->milli = of_day % 1000;
}

char *clock_format(int64_t t, char *out)
{
	struct fields_of_time f;
	char *p = out;

	split(t, &f);
	p = put2(p, f.year / 100, 0) - 1;
	p = put2(p, f.year % 100, '-');
	p = put2(p, f.month, '-');
	p = put2(p, f.day, 'T');
	p = put2(p, f.hour, ':');
	p = put2(p, f.minute, ':');
	p = put2(p, f.second, '.');
	*p++ = (char)('0' + f.milli / 100);
	(void)put2(p, f.milli % 100, 'Z');
	p[3] = '\0';
	return out;
}

char *clock_format_mail(int64_t t, char *out)
{
	static const char days[] = "MonTueWedThuFriSatSun", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct fields_of_time f;
	char *p = out;

	split(t, &f);
	p = mempcpy(p, days + (size_t)f.weekday * 3, 3);
	p = mempcpy(p, ", ", 2);
	p = put2(p, f.day, ' ');
	if (f.day < 10) { /* without the zero */
		p[-3] = p[-2];
		p[-2] = ' ';
		p--;
	}
	p = mempcpy(p, months + (size_t)(f.month - 1) * 3, 3);
	*p++ = ' ';
	p = put2(p, f.year / 100, 0) - 1;
	p = put2(p, f.year % 100, ' ');
	p = put2(p, f.hour, ':');
	p = put2(p, f.minute, ':');
	p = put2(p, f.second, 0) - 1;
	memcpy(p, " +0000", 7);
	return out;
}

/* Exactly `digits` digits, and what follows them if `then` is no NUL. */
static bool take(const char **s, int digits, char then, int *value)
{
	*value = 0;
	for (; digits; digits--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*value = *value * 10 + (**s - '0');
	}
	if (!then)
		return true;
	return *(*s)++ == then;
}

static bool take_date(const char **s, int32_t *day)
{
	int y, m, d, y2, m2, d2;

	if (!take(s, 4, '-', &y) || !take(s, 2, '-', &m) || !take(s, 2, 0, &d) || m < 1 || m > 12)
		return false;
	*day = civil_from_ymd(y, m, d);
	civil_to_ymd(*day, &y2, &m2, &d2);
	return y == y2 && m == m2 && d == d2; /* 31 April would come back as 1 May */
}

static bool take_time(const char **s, int64_t *ms)
{
	int h, m, sec, digits = 0, weight = 100, milli = 0;

	if (!take(s, 2, ':', &h) || !take(s, 2, ':', &m) || !take(s, 2, 0, &sec) || h > 23 || m > 59)
		return false;
	if (sec > 60 || (sec == 60 && m != 59)) /* a leap second is the first of the next minute */
		return false;
	if (**s == '.') {
		for ((*s)++; **s >= '0' && **s <= '9'; (*s)++, digits++, weight /= 10)
			milli += (**s - '0') * weight;
		if (!digits)
			return false;
	}
	*ms = h * CLOCK_HOUR + m * CLOCK_MINUTE + sec * CLOCK_SECOND + milli;
	return true;
}

static bool take_offset(const char **s, int64_t *ms)
{
	int h, m, sign;

	*ms = 0;
	if (**s == 'Z' || **s == 'z') {
		(*s)++;
		return true;
	}
	if (**s != '+' && **s != '-')
		return false;
	sign = *(*s)++ == '-' ? -1 : 1;
	if (!take(s, 2, ':', &h) || !take(s, 2, 0, &m) || h > 23 || m > 59)
		return false;
	*ms = sign * (h * CLOCK_HOUR + m * CLOCK_MINUTE);
	return true;
}

int clock_parse(const char *s, int64_t *t, struct err *e)
{
	const char *p = s;
	int64_t of_day = 0, offset = 0;
	int32_t day;
	bool ok = take_date(&p, &day);

	if (ok && *p) {
		ok = *p == 'T' || *p == 't';
		p++;
		ok = ok && take_time(&p, &of_day) && take_offset(&p, &offset) && !*p;
	}
	if (!ok)
		return err_set(e, "'%.64s' is no time: write 2026-11-24T09:30:00Z, with Z or an offset, or 2026-11-24",
			       s);
	*t = day * CLOCK_DAY + of_day - offset;
	return 0;
}
