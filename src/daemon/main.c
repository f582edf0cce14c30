/* abvd: flags. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/clock.h"
#include "abv/log.h"
#include "daemon.h"

static void help(void)
{
	puts("usage: abvd [-c FILE] [-n] [-v] [--recover BACKUP] [--time-scale N] [--now TIME]\n"
	     "\n"
	     "Sends e-mail sequences that bring value. Runs in the foreground, logs to stderr.\n"
	     "\n"
	     "  -c, --config FILE   configuration (default " ABV_SYSCONFDIR "/abvd/abvd.conf);\n"
	     "                      sequences.d/ and templates/ lie beside it\n"
	     "  -n, --check         check the configuration, print every problem, exit\n"
	     "  -v, --verbose       log debugging lines too\n"
	     "      --recover BACKUP  make BACKUP the store, let it catch up with the engagement log, pause sending, exit\n"
	     "      --time-scale N  N seconds pass in one; only with a relay on loopback\n"
	     "      --now TIME      start the clock at this RFC 3339 time; only with a relay on loopback\n"
	     "  -h, --help          this text\n"
	     "  -V, --version       the version\n"
	     "\n"
	     "Signals: SIGHUP reloads the configuration, SIGUSR1 reopens the engagement log, SIGTERM finishes\n"
	     "what is in flight and ends.\n"
	     "Exit status: 0 clean end, 64 usage, 74 I/O, 75 store locked, 78 configuration or a newer store.");
}

static int parse_scale(const char *s, double *out)
{
	char *end;
	errno = 0;
	*out = strtod(s, &end);
	return errno == 0 && end != s && *end == '\0' && isfinite(*out) && *out > 0 && *out <= 1e7 ? 0 : -1;
}

int main(int argc, char **argv)
{
	enum { OPT_SCALE = 256, OPT_NOW, OPT_RECOVER };
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },  { "check", no_argument, NULL, 'n' },
		{ "verbose", no_argument, NULL, 'v' },       { "time-scale", required_argument, NULL, OPT_SCALE },
		{ "now", required_argument, NULL, OPT_NOW }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },       { "recover", required_argument, NULL, OPT_RECOVER },
		{ NULL, 0, NULL, 0 },
	};
	struct daemon_options o = { .config = ABV_SYSCONFDIR "/abvd/abvd.conf", .time_scale = 1 };
	struct err e = { "" };
	int c;
	while ((c = getopt_long(argc, argv, "c:nvhV", longs, NULL)) != -1) {
		switch (c) {
		case 'c': o.config = optarg; break;
		case 'n': o.check_only = true; break;
		case 'v': o.verbose = true; break;
		case OPT_SCALE:
			if (parse_scale(optarg, &o.time_scale) != 0) {
				fprintf(stderr, "abvd: --time-scale: '%s' is no number above 0\n", optarg);
				return EXIT_USAGE;
			}
			break;
		case OPT_RECOVER: o.recover = optarg; break;
		case OPT_NOW:
			if (clock_parse(optarg, &o.now, &e) != 0) {
				fprintf(stderr, "abvd: --now: %s\n", e.text);
				return EXIT_USAGE;
			}
			break;
		case 'h': help(); return EXIT_OK;
		case 'V': puts("abvd " ABV_VERSION); return EXIT_OK;
		default: fputs("try `abvd --help`\n", stderr); return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "abvd: unexpected argument '%s'; try `abvd --help`\n", argv[optind]);
		return EXIT_USAGE;
	}
	log_open(o.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	return daemon_run(&o);
}
