/* What people read: errors, local times, colours. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "abv/clock.h"
#include "ctl_int.h"

int ctl_fail(int status, const char *fmt, ...)
{
	va_list ap;

	(void)fflush(stdout); /* in the order of events where both are one terminal */
	va_start(ap, fmt);
	(void)fputs("abvctl: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	return status;
}

int ctl_usage(const struct ctl *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("abvctl: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fprintf(stderr, "; try `abvctl %s%s--help`\n", c->command ? c->command->name : "", c->command ? " " : "");
	va_end(ap);
	return CTL_USAGE;
}

void out_clean(struct buf *b, const char *s)
{
	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s, next = (unsigned char)s[1];

		if (ch < 0x20 || ch == 0x7f) {
			buf_char(b, '?');
		} else if (ch == 0xc2 && next >= 0x80 && next < 0xa0) { /* C1: 0x9b begins a sequence as ESC [ does */
			buf_char(b, '?');
			s++;
		} else {
			buf_char(b, *s);
		}
	}
}

void out_colour(struct buf *b, bool colour, const char *code, const char *s)
{
	if (!colour) {
		out_clean(b, s);
		return;
	}
	buf_printf(b, "\033[%sm", code);
	out_clean(b, s);
	buf_str(b, "\033[0m");
}

/* "Europe/Paris": TZ, or where /etc/localtime points. "" when neither says. */
static void zone_local_name(char *out, size_t cap)
{
	const char *tz = getenv("TZ"), *at;
	char link[256];
	ssize_t n;

	*out = '\0';
	if (tz) {
		tz += *tz == ':';
		if (zone_find(*tz ? tz : "UTC"))
			(void)snprintf(out, cap, "%s", *tz ? tz : "UTC");
		return;
	}
	n = readlink("/etc/localtime", link, sizeof link - 1);
	if (n <= 0)
		return;
	link[n] = '\0';
	at = strstr(link, "zoneinfo/");
	if (at)
		(void)snprintf(out, cap, "%s", at + strlen("zoneinfo/"));
}

static void add_local(struct buf *b, int64_t ms, const char *fmt)
{
	time_t t = (time_t)(ms / 1000);
	char text[64];
	struct tm tm;

	if (localtime_r(&t, &tm) && strftime(text, sizeof text, fmt, &tm))
		buf_str(b, text);
}

void out_time(struct buf *b, const char *rfc3339, bool zone)
{
	char name[64];
	int64_t ms;

	if (clock_parse(rfc3339, &ms, NULL) < 0) {
		out_clean(b, rfc3339);
		return;
	}
	add_local(b, ms, "%a %Y-%m-%d %H:%M");
	if (!zone)
		return;
	zone_local_name(name, sizeof name);
	buf_char(b, ' ');
	if (*name)
		buf_str(b, name);
	else
		add_local(b, ms, "%Z");
}

void out_stamp(struct buf *b, long long ms)
{
	add_local(b, ms, "%Y-%m-%d %H:%M:%S");
}
