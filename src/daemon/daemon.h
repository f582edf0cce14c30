/* The daemon's wiring: one event base, one store, one scheduler; private to this room. */
#ifndef ABV_DAEMON_H
#define ABV_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

/* Exit statuses (7-interfaces). */
enum { EXIT_OK = 0, EXIT_USAGE = 64, EXIT_IO = 74, EXIT_TEMPFAIL = 75, EXIT_CONFIG = 78 };

struct daemon_options {
	const char *config;     /* path */
	bool check_only;        /* -n */
	const char *recover;    /* this backup becomes the store and catches up with the log; then the end. NULL: no */
	double time_scale;      /* 1: the real clock, unless `now` is given */
	int64_t now;            /* 0: real time */
	bool verbose;
};

/* Runs until SIGTERM or SIGINT. Returns the exit status. */
int daemon_run(const struct daemon_options *o);

#endif
