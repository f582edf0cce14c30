#include "abv/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/clock.h"

static const struct {
	const char *name, *priority, *colour;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", "<3>", "\033[31m" },
	[LOG_LEVEL_WARNING] = { "warning", "<4>", "\033[33m" },
	[LOG_LEVEL_INFO] = { "info", "<6>", "\033[32m" },
	[LOG_LEVEL_DEBUG] = { "debug", "<7>", "\033[2m" },
};

static enum { STYLE_UNKNOWN, STYLE_JOURNAL, STYLE_COLOUR, STYLE_PLAIN } style;
static enum log_level most_told = LOG_LEVEL_INFO;

/* The variable is inherited by whatever a service starts, so it counts only when stderr is the stream it names. */
static bool under_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void log_open(enum log_level most)
{
	const char *no_color = getenv("NO_COLOR");

	most_told = most;
	if (under_journal())
		style = STYLE_JOURNAL;
	else if (isatty(STDERR_FILENO) && !(no_color && *no_color))
		style = STYLE_COLOUR;
	else
		style = STYLE_PLAIN;
}

static int head(enum log_level level, char *out, size_t cap)
{
	char now[CLOCK_TEXT_MAX];
	struct clock c;

	if (style == STYLE_JOURNAL)
		return snprintf(out, cap, "%s", levels[level].priority);
	if (style == STYLE_COLOUR)
		return snprintf(out, cap, "%s%s\033[0m ", levels[level].colour, levels[level].name);
	clock_init_real(&c);
	return snprintf(out, cap, "%s %s ", clock_format(clock_now(&c), now), levels[level].name);
}

static void say(enum log_level level, const char *fmt, va_list ap)
{
	char line[4096];
	size_t n, i;
	int made;

	if (level > most_told)
		return;
	if (style == STYLE_UNKNOWN)
		log_open(most_told);
	i = (size_t)head(level, line, sizeof(line));
	made = vsnprintf(line + i, sizeof(line) - i - 1, fmt, ap);
	n = i + (made > 0 ? (size_t)made : 0);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	for (; i < n; i++) /* a reply of a peer must not make a second line, nor speak to the terminal */
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* there is nobody to tell */
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

void log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(LOG_LEVEL_WARNING, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}
