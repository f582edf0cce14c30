/* The parts of fake_smtp.c that are no dialogue: what it can do, whom it has seen, what it writes. */
#ifndef FAKE_SMTP_PARTS_H
#define FAKE_SMTP_PARTS_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "abv/buf.h"
#include "abv/clock.h"
#include "abv/json.h"
#include "abv/mem.h"

#define LINE_MAX_BYTES 65536
#define ADDRESS_MAX    320

enum phase { AT_MAIL, AT_RCPT, AT_DATA, AT_BODY, AT_DOT, AT_ALL };
enum what { ANSWER, HANGUP, RESET, SILENT, SLOW, TEMPFAIL, RCPT_354, GARBAGE, LONGLINE, MULTI, SPLIT };

struct behaviour {
	const char *name;
	enum phase phase;
	enum what what;
	int code;
	const char *text;
};

static const struct behaviour behaviours[] = {
	{ "421-mail", AT_MAIL, ANSWER, 421, "4.3.2 going down" },
	{ "tempmail", AT_MAIL, ANSWER, 451, "4.3.0 try again later" },
	{ "badsender", AT_MAIL, ANSWER, 550, "5.1.8 sender refused" },
	{ "tempfail", AT_RCPT, TEMPFAIL, 450, "4.2.0 mailbox busy" },
	{ "baduser", AT_RCPT, ANSWER, 550, "5.1.1 no such user" },
	{ "plain550", AT_RCPT, ANSWER, 550, "no such user here" },
	{ "relaydenied", AT_RCPT, ANSWER, 554, "5.7.1 relay access denied" },
	{ "ok251", AT_RCPT, ANSWER, 251, "2.1.5 will forward" },
	{ "rcpt-354", AT_RCPT, RCPT_354, 550, "5.1.1 no such user" },
	{ "hangup-rcpt", AT_RCPT, HANGUP, 0, "" },
	{ "silent-rcpt", AT_RCPT, SILENT, 0, "" },
	{ "baddata", AT_DATA, ANSWER, 554, "5.7.1 data refused" },
	{ "tempdatacmd", AT_DATA, ANSWER, 451, "4.3.0 no space" },
	{ "hangup-data", AT_BODY, HANGUP, 0, "" },
	{ "early-552", AT_BODY, ANSWER, 552, "5.3.4 enough of it" },
	{ "policy", AT_DOT, ANSWER, 550, "5.7.1 refused by policy" },
	{ "toolarge", AT_DOT, ANSWER, 552, "5.3.4 message too big" },
	{ "tempdata", AT_DOT, ANSWER, 451, "4.3.0 queue full" },
	{ "421-dot", AT_DOT, ANSWER, 421, "4.3.2 going down" },
	{ "hangup-dot", AT_DOT, HANGUP, 0, "" },
	{ "rst-dot", AT_DOT, RESET, 0, "" },
	{ "slow-dot", AT_DOT, SLOW, 0, "" },
	{ "silent-dot", AT_DOT, SILENT, 0, "" },
	{ "garbage-dot", AT_DOT, GARBAGE, 0, "" },
	{ "longline", AT_DOT, LONGLINE, 0, "" },
	{ "multi", AT_ALL, MULTI, 0, "" },
	{ "split", AT_ALL, SPLIT, 0, "" },
};

struct recipient { /* one that was tried before */
	LIST_ENTRY(recipient) link;
	char address[ADDRESS_MAX];
	long attempts;
	int64_t first;
};

struct script {
	LIST_ENTRY(script) link;
	char address[ADDRESS_MAX], local[ADDRESS_MAX];
};

struct chance { /* of a recipient about whom nothing else is said */
	char local[64];
	long permille;
};

enum state { COMMAND, DATA, AUTH_PLAIN, AUTH_USER, AUTH_PASS };

struct conn {
	struct bufferevent *bev;
	struct event *timer; /* later answers, and answers byte by byte */
	int no;
	enum state state;
	bool closing, reset, silent, paused, multi, split, authenticated, in_mail, take_data;
	long messages;
	char from[ADDRESS_MAX], to[ADDRESS_MAX], user[128];
	const struct behaviour *is;
	long n; /* behind the + */
	struct buf body, out;
};

static struct {
	int port, greeting;
	const char *maildir, *log, *script, *auth, *chance;
	bool no_pipelining, no_smtputf8, ehlo_refuse, keep_refused;
	long greylist, latency, reply_limit, max_connections, size, exit_after, seed;
} option = { .greeting = 220 };

static struct event_base *base;
static LIST_HEAD(recipient_list, recipient) recipients = LIST_HEAD_INITIALIZER(recipients);
static LIST_HEAD(script_list, script) scripts = LIST_HEAD_INITIALIZER(scripts);
static struct chance chances[sizeof behaviours / sizeof behaviours[0]];
static size_t chances_n;
static FILE *log_file;
static int conns_made, conns_open;
static long accepted;

/* ---- behaviours ---- */

static int load_script(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[1024];

	if (!f)
		return -1;
	while (fgets(line, sizeof line, f)) {
		struct script *s = mem_alloc(sizeof *s);
		char what[256];

		if (*line != '#' && sscanf(line, "%319s %255s", s->address, what) == 2) {
			snprintf(s->local, sizeof s->local, "%s@", what);
			LIST_INSERT_HEAD(&scripts, s, link);
		} else {
			free(s);
		}
	}
	fclose(f);
	return 0;
}

static const struct behaviour *behaviour_named(const char *local, long *n)
{
	for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++) {
		size_t len = strlen(behaviours[i].name);

		if (strncasecmp(local, behaviours[i].name, len) == 0 && strchr("@+", local[len])) {
			*n = local[len] == '+' ? strtol(local + len + 1, NULL, 10) : 0;
			return &behaviours[i];
		}
	}
	return NULL;
}

static const struct behaviour *behaviour_of(const char *address, long *n)
{
	const char *local = address;
	struct script *s;

	LIST_FOREACH(s, &scripts, link)
	if (strcmp(s->address, "*") == 0 || strcasecmp(s->address, address) == 0)
		local = s->local;
	return behaviour_named(local, n);
}

/* `NAME[+N]=PERMILLE,...`; false where that names no behaviour. */
static bool load_chances(const char *text)
{
	long n;

	while (*text) {
		struct chance *c = &chances[chances_n];
		int len = 0;

		if (chances_n == sizeof chances / sizeof chances[0] ||
		    sscanf(text, "%62[^=]=%ld%n", c->local, &c->permille, &len) != 2 || strlen(c->local) > 60)
			return false;
		strcat(c->local, "@");
		if (!behaviour_named(c->local, &n))
			return false;
		chances_n++;
		text += len + (text[len] == ',');
	}
	srandom((unsigned)option.seed);
	return true;
}

/* As its name or the script has it, else by chance: anew each time that it is asked. */
static const struct behaviour *behaviour_today(const char *address, long *n)
{
	const struct behaviour *b = behaviour_of(address, n);
	long dice = chances_n && !b ? random() % 1000 : 1000;

	for (size_t i = 0; i < chances_n && !b; dice -= chances[i++].permille)
		if (dice < chances[i].permille)
			b = behaviour_named(chances[i].local, n);
	return b;
}

static struct recipient *recipient_of(const char *address)
{
	struct recipient *r;

	LIST_FOREACH(r, &recipients, link)
	if (strcasecmp(r->address, address) == 0)
		return r;
	r = mem_alloc(sizeof *r);
	snprintf(r->address, sizeof r->address, "%s", address);
	r->first = clock_mono();
	LIST_INSERT_HEAD(&recipients, r, link);
	return r;
}

/* ---- the transcript and the Maildir ---- */

static int64_t now_real(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void transcript_of(const struct conn *c, const char *event, int code, const char *id, const char *subject,
			  size_t bytes)
{
	struct buf b = { 0 };

	if (!log_file)
		return;
	buf_char(&b, '{');
	json_add_time(&b, "ts", now_real());
	json_add_int(&b, "conn", c->no);
	json_add_str(&b, "event", event);
	if (*c->from)
		json_add_str(&b, "from", c->from);
	if (*c->to)
		json_add_str(&b, "to", c->to);
	if (*id)
		json_add_str(&b, "message_id", id);
	if (*subject)
		json_add_str(&b, "subject", subject);
	if (code)
		json_add_int(&b, "code", code);
	if (bytes)
		json_add_int(&b, "bytes", (int64_t)bytes);
	fprintf(log_file, "%s}\n", buf_text(&b));
	fflush(log_file);
	buf_free(&b);
}

static void transcript(const struct conn *c, const char *event, int code, const char *id, size_t bytes)
{
	transcript_of(c, event, code, id, "", bytes);
}

/* The first line of a header field; name ends with its colon. */
static void header_of(const struct buf *body, const char *name, char out[256])
{
	const char *line = buf_text(body);

	out[0] = '\0';
	while (*line && strncmp(line, "\r\n", 2) != 0) {
		if (strncasecmp(line, name, strlen(name)) == 0) {
			line += strlen(name);
			line += strspn(line, " \t\r\n"); /* folded ones too */
			snprintf(out, 256, "%.*s", (int)strcspn(line, "\r\n"), line);
			return;
		}
		line = strstr(line, "\r\n") + 2; /* every line of a body has its end */
	}
}

static void deliver(const struct buf *body)
{
	static long no;
	char tmp[4096], fresh[4096];
	int fd;

	if (!option.maildir)
		return;
	snprintf(tmp, sizeof tmp, "%s/tmp/%010lld.%06ld.%d", option.maildir, (long long)now_real(), ++no,
		 (int)getpid());
	snprintf(fresh, sizeof fresh, "%s/new/%s", option.maildir, strrchr(tmp, '/') + 1);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, buf_text(body), body->len) != (ssize_t)body->len || rename(tmp, fresh) != 0)
		perror(tmp);
	if (fd >= 0)
		close(fd);
}

static void make_maildir(const char *dir)
{
	char path[4096];

	mkdir(dir, 0700);
	for (const char *const *sub = (const char *const[]){ "tmp", "new", "cur", NULL }; *sub; sub++) {
		snprintf(path, sizeof path, "%s/%s", dir, *sub);
		mkdir(path, 0700);
	}
}

/* ---- the rest ---- */

static size_t base64_decode(const char *in, char *out, size_t cap)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, n = 0;
	size_t len = 0;

	for (const char *d; *in && *in != '=' && (d = strchr(digits, *in)) != NULL; in++) {
		bits = bits << 6 | (unsigned)(d - digits);
		n += 6;
		if (n >= 8 && len + 1 < cap)
			out[len++] = (char)(bits >> (n -= 8) & 0xff);
	}
	out[len] = '\0';
	return len;
}

enum {
	O_PORT = 1,
	O_MAILDIR,
	O_LOG,
	O_SCRIPT,
	O_NOPIPE,
	O_NOUTF8,
	O_KEEP,
	O_GREETING,
	O_EHLO,
	O_AUTH,
	O_GREYLIST,
	O_LATENCY,
	O_LIMIT,
	O_MAX,
	O_SIZE,
	O_EXIT,
	O_CHANCE,
	O_SEED,
	O_HELP
};

static const struct option long_options[] = {
	{ "port", 1, 0, O_PORT },
	{ "maildir", 1, 0, O_MAILDIR },
	{ "log", 1, 0, O_LOG },
	{ "script", 1, 0, O_SCRIPT },
	{ "no-pipelining", 0, 0, O_NOPIPE },
	{ "no-smtputf8", 0, 0, O_NOUTF8 },
	{ "greeting", 1, 0, O_GREETING },
	{ "ehlo-refuse", 0, 0, O_EHLO },
	{ "auth", 1, 0, O_AUTH },
	{ "greylist", 1, 0, O_GREYLIST },
	{ "latency", 1, 0, O_LATENCY },
	{ "reply-limit", 1, 0, O_LIMIT },
	{ "max-connections", 1, 0, O_MAX },
	{ "size", 1, 0, O_SIZE },
	{ "exit-after", 1, 0, O_EXIT },
	{ "chance", 1, 0, O_CHANCE },
	{ "seed", 1, 0, O_SEED },
	{ "keep-refused", 0, 0, O_KEEP },
	{ "help", 0, 0, O_HELP },
	{ 0, 0, 0, 0 },
};

static int usage(int status)
{
	fprintf(status ? stderr : stdout, "usage: fake_smtp");
	for (const struct option *o = long_options; o->name; o++)
		fprintf(status ? stderr : stdout, " [--%s%s]", o->name, o->has_arg ? " ARG" : "");
	fprintf(status ? stderr : stdout, "\nbehaviours of recipients:");
	for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++)
		fprintf(status ? stderr : stdout, " %s@", behaviours[i].name);
	fputs("\nThe head of tests/fake/fake_smtp.c tells what each does.\n", status ? stderr : stdout);
	return status;
}

static bool read_options(int argc, char **argv)
{
	int o;

	while ((o = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		switch (o) {
		case O_PORT: option.port = atoi(optarg); break;
		case O_MAILDIR: option.maildir = optarg; break;
		case O_LOG: option.log = optarg; break;
		case O_SCRIPT: option.script = optarg; break;
		case O_NOPIPE: option.no_pipelining = true; break;
		case O_NOUTF8: option.no_smtputf8 = true; break;
		case O_KEEP: option.keep_refused = true; break;
		case O_GREETING: option.greeting = atoi(optarg); break;
		case O_EHLO: option.ehlo_refuse = true; break;
		case O_AUTH: option.auth = optarg; break;
		case O_GREYLIST: option.greylist = atol(optarg); break;
		case O_LATENCY: option.latency = atol(optarg); break;
		case O_LIMIT: option.reply_limit = atol(optarg); break;
		case O_MAX: option.max_connections = atol(optarg); break;
		case O_SIZE: option.size = atol(optarg); break;
		case O_EXIT: option.exit_after = atol(optarg); break;
		case O_CHANCE: option.chance = optarg; break;
		case O_SEED: option.seed = atol(optarg); break;
		case O_HELP: exit(usage(0));
		default: return false;
		}
	return optind == argc && (!option.chance || load_chances(option.chance));
}

#endif
