/* L0. The service's own log: one line on stderr, `what key=value key=value`, with sd-daemon(3)'s priority prefix under
 * systemd (JOURNAL_STREAM) and colours only on a terminal. Not the engagement log (abv/journal.h). */
#ifndef ABV_LOG_H
#define ABV_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_open(enum log_level most);
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
