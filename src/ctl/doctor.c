/* abvctl doctor: everything that sending rests on, looked at from outside; each finding with what to do about it. Nothing is changed.
 *
 * The service's own store is examined only while no abvd has it (and none can start meanwhile); of one that runs, a backup is examined
 * instead: SQLite's check of millions of contacts would hold the one thread for minutes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "abv/check.h"
#include "abv/clock.h"
#include "abv/folder.h"
#include "abv/journal.h"
#include "abv/json.h"
#include "abv/mem.h"
#include "abv/store.h"
#include "client_int.h"

#define SPACE_LOW   (INT64_C(20) << 20) /* below, abvd sends nothing (src/daemon/disk.c) */
#define SPACE_SMALL (INT64_C(200) << 20)
#define TOLD_MAX    20 /* of one kind */

struct doctor {
	struct ctl *ctl;
	const char *check; /* that is under way */
	int findings, said;  /* said: of this check */
	const struct config *config;
	json_t *status;           /* of a running daemon; NULL */
	struct store_file *store; /* NULL: not examined */
	const char *store_path;
	struct store_facts facts;
	int64_t first, last, lines; /* seqs of the log */
	bool torn;
	int odd; /* touches that the log and the store tell differently */
};

/* ---- telling ---- */

static void tell(struct doctor *d, bool ok, const char *todo, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void tell(struct doctor *d, bool ok, const char *todo, const char *fmt, ...)
{
	char text[1024];
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	d->findings += !ok;
	d->said += !ok;
	if (d->ctl->json) {
		buf_char(&b, '{');
		json_add_str(&b, "check", d->check);
		json_add_bool(&b, "ok", ok);
		json_add_str(&b, "text", text);
		if (!ok)
			json_add_str(&b, "todo", todo);
		buf_char(&b, '}');
	} else {
		out_colour(&b, d->ctl->colour, ok ? "32" : "31;1", ok ? "ok  " : "BAD ");
		buf_printf(&b, " %-14s ", d->check);
		out_clean(&b, text);
		if (!ok) {
			buf_printf(&b, "\n     %-14s -> ", "");
			out_clean(&b, todo);
		}
	}
	(void)puts(buf_text(&b));
	buf_free(&b);
}

static void begin(struct doctor *d, const char *check)
{
	d->check = check;
	d->said = 0;
}

/* ---- what surrounds abvd ---- */

static struct plan *check_configuration(struct doctor *d)
{
	struct problems problems = { 0 };
	struct plan *plan = NULL;
	const char *path = ctl_config_path(d->ctl);
	struct buf b = { 0 };

	begin(d, "configuration");
	(void)plan_load(path, &plan, &problems);
	for (size_t i = 0; i < problems.n && d->said < TOLD_MAX; i++) {
		if (problems.row[i].severity != SEVERITY_ERROR)
			continue;
		buf_clear(&b);
		problem_format(&problems.row[i], &b);
		tell(d, false, "mend it; `abvctl check` tells all of them", "%s", buf_text(&b));
	}
	if (!d->said && plan)
		tell(d, true, "", "%s: %zu sequences", path, plan->config->sequence_n);
	buf_free(&b);
	problems_free(&problems);
	return plan;
}

/* What a running daemon says about its own disks. */
static void check_daemon(struct doctor *d)
{
	static const struct {
		const char *flag, *error, *text;
	} row[] = { { "store_failing", "store_error", "the store cannot be written" },
		    { "log_failing", "log_error", "the engagement log cannot be written" },
		    { "disk_full", "disk_full_path", "a disk is nearly full" },
		    { "", "wal_error", "the store's write-ahead log cannot be written back" } };
	struct client *cl = NULL;
	struct err e = { "" };
	struct stat st;
	int status = -1;

	begin(d, "daemon");
	if (client_open(d->ctl, &cl, &e) == 0)
		status = client_call(cl, "status", "{}", 2, &d->status, &e);
	client_close(&cl);
	if (status != 200) {
		json_decref(d->status);
		d->status = NULL;
		if (status < 0 && stat(d->config->control_socket, &st) < 0 && errno == ENOENT)
			tell(d, true, "", "abvd is not running");
		else
			tell(d, false, "see `systemctl status abvd` and its journal", "%s", status < 0 ? e.text : "abvd answers with an error");
		return;
	}
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		if (*row[i].flag ? json_is_true(json_object_get(d->status, row[i].flag)) : *json_text(d->status, row[i].error) != '\0')
			tell(d, false, "mend the disk; abvd goes on by itself", "%s: %s", row[i].text, json_text(d->status, row[i].error));
	}
	if (!d->said)
		tell(d, true, "", "abvd %s answers on %s", json_text(d->status, "version"), d->config->control_socket);
}

static void check_space(struct doctor *d, const char *path, const char *dir)
{
	struct statvfs v;
	int64_t n;

	if (statvfs(dir, &v) || !v.f_blocks)
		return;
	n = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
	if (n < SPACE_LOW)
		tell(d, false, "make room: abvd sends nothing below 20 MB", "%s: %lld MB are free", dir, (long long)(n >> 20));
	else if (n < SPACE_SMALL)
		tell(d, false, "make room before it is full", "%s: only %lld MB are free", dir, (long long)(n >> 20));
	else
		tell(d, true, "", "%s: %lld MB are free for %s", dir, (long long)(n >> 20), path);
}

static void check_folder(struct doctor *d, const char *check, const char *path)
{
	char *dir = folder_of(path);
	struct stat st;

	begin(d, check);
	if (stat(dir, &st) < 0)
		tell(d, false, "make the folder, owned by who runs abvd", "%s: %s", dir, strerror(errno));
	else
		check_space(d, path, dir);
	if (stat(path, &st) == 0 && (st.st_mode & 07))
		tell(d, false, "chmod o= FILE: it holds personal data, and the store the key of all tokens", "%s: everybody may use it (mode %03o)", path,
		     (unsigned)st.st_mode & 0777);
	free(dir);
}

static void check_clock(struct doctor *d)
{
	char at[CLOCK_TEXT_MAX];
	struct clock real;

	begin(d, "clock");
	clock_init_real(&real);
	if (d->store && d->facts.newest > clock_now(&real) + CLOCK_MINUTE)
		tell(d, false, "set the clock right (timedatectl), before abvd starts",
		     "this machine's clock is behind what the store has recorded (%s)", clock_format(d->facts.newest, at));
	else
		tell(d, true, "", "%s", clock_format(clock_now(&real), at));
}

/* ---- the store ---- */

#define WAY_OUT "abvd --recover BACKUP puts a backup in its place and lets it catch up: abvctl(1), BACKUP AND REPAIR"

static void store_finding(void *arg, const char *text)
{
	struct doctor *d = arg;

	if (d->said < TOLD_MAX)
		tell(d, false, WAY_OUT, "%s", text);
}

/* Somebody was written to from here. */
static bool log_has_lines(const struct config *c)
{
	char *rotated = mem_printf("%s.1", c->log_path);
	struct stat st;
	bool yes = (stat(c->log_path, &st) == 0 && st.st_size > 0) || (stat(rotated, &st) == 0 && st.st_size > 0);

	free(rotated);
	return yes;
}

static void check_store(struct doctor *d, bool live)
{
	struct err e = { "" };
	struct stat st;

	begin(d, live ? "store" : "backup");
	if (live && d->status) {
		tell(d, true, "", "%s is in use; to examine it: abvctl backup FILE && abvctl doctor FILE", d->store_path);
		return;
	}
	if (live && stat(d->store_path, &st) < 0 && errno == ENOENT) {
		if (log_has_lines(d->config))
			tell(d, false, WAY_OUT, "%s is missing, but the engagement log has lines", d->store_path);
		else
			tell(d, true, "", "%s is not there yet: the first start makes it", d->store_path);
		return;
	}
	switch (store_file_open(d->store_path, live, &d->store, &e)) {
	case STORE_OK: break;
	case STORE_LOCKED:
		tell(d, false, "end it, or ask it: abvctl --socket", "%s: another process has it, which does not answer here", d->store_path);
		return;
	case STORE_NEWER: tell(d, false, "install the newer abvd again", "%s", e.text); return;
	case STORE_IO: tell(d, false, WAY_OUT, "%s", e.text); return;
	}
	store_file_check(d->store, !ctl_flag(d->ctl, "quick"), store_finding, d);
	if (store_file_facts(d->store, &d->facts, &e))
		tell(d, false, WAY_OUT, "%s", e.text);
	if (!d->said)
		tell(d, true, "", "%s: whole; %" PRId64 " contacts, up to seq %" PRId64 " of the log", d->store_path, d->facts.contacts,
		     d->facts.event_last);
}

/* ---- the log ---- */

/* What the log says of a touch, against what the store has: only lines that the store has too. */
static void compare_touch(struct doctor *d, const struct journal_line *l)
{
	json_t *json;
	enum touch_state state;
	const char *event;
	int rc;

	if (!d->store || l->seq > d->facts.event_last || (!strstr(l->text, "\"event\":\"sent\"") && !strstr(l->text, "\"event\":\"unknown\"")))
		return;
	json = json_loadb(l->text, l->n, 0, NULL);
	event = json_text(json, "event");
	rc = store_file_touch(d->store, json_number(json, "touch"), &state);
	/* an unknown one may have become anything since */
	if ((rc == 0 || (rc > 0 && !strcmp(event, "sent") && state != TOUCH_ACCEPTED)) && d->odd++ < TOLD_MAX)
		tell(d, false, WAY_OUT, "%s:%" PRId64 ": touch %lld is %s, the store has it as %s", l->file, l->line, json_number(json, "touch"), event,
		     rc ? touch_state_name(state) : "missing");
	json_decref(json);
}

static int log_row(void *arg, const struct journal_line *l)
{
	struct doctor *d = arg;

	if (!l->seq) {
		if (!l->whole)
			d->torn = true;
		else if (d->said < TOLD_MAX)
			tell(d, false, "it was changed by hand or by a disk; what it said is in the store while that keeps it", "%s:%" PRId64
			     ": this is no line of an engagement log", l->file, l->line);
		return 0;
	}
	if (d->last && l->seq != d->last + 1 && d->said < TOLD_MAX)
		tell(d, false, "look for the file that was moved away, or restore it", "%s:%" PRId64 ": after seq %" PRId64 " comes %" PRId64, l->file,
		     l->line, d->last, l->seq);
	d->first = d->first ? d->first : l->seq;
	d->last = l->seq;
	d->lines++;
	compare_touch(d, l);
	return 0;
}

static void check_ends(struct doctor *d, bool live)
{
	int64_t last = d->facts.event_last;

	if (!d->store) /* a daemon that runs has looked itself, and both go on while we look */
		return;
	if (d->last > last && !live)
		tell(d, true, "", "the log goes on to seq %" PRId64 ": abvd --recover BACKUP lets it catch up", d->last);
	else if (d->last > last)
		tell(d, false, "abvd refuses to start on it; let the store catch up: abvd --recover STORE (abvctl(1), BACKUP AND REPAIR)",
		     "the log goes on to seq %" PRId64 ", the store ends at %" PRId64 ": it is an older copy", d->last, last);
	else if (d->store && d->last < last && d->facts.event_first > d->last + 1)
		tell(d, false, "restore the log's newest file, or move the log away to begin a new one (src/journal/FORMAT.md)",
		     "the log ends at seq %" PRId64 ", and the store's events begin at %" PRId64, d->last, d->facts.event_first);
	else if (d->store && d->last < last)
		tell(d, true, "", "the log ends at seq %" PRId64 ", the store at %" PRId64 ": the next start completes it", d->last, last);
}

static void check_log(struct doctor *d, bool live)
{
	struct buf left = { 0 };
	struct err e = { "" };

	begin(d, "log");
	d->first = d->last = d->lines = 0;
	if (journal_read(d->config->log_path, log_row, d, &left, &e) < 0)
		tell(d, false, "see who owns it, and its folder", "%s", e.text);
	if (d->torn && !d->status)
		tell(d, true, "", "it ends in a part of a line: the next start cuts it and writes the line again");
	check_ends(d, live);
	if (!d->said && !d->lines)
		tell(d, true, "", "%s has no line yet", d->config->log_path);
	else if (!d->said)
		tell(d, true, "", "%s: seq %" PRId64 " to %" PRId64 " without a gap%s%s", d->config->log_path, d->first, d->last,
		     d->store ? ", and its touches stand in the store" : "", left.len ? "; compressed files were not read" : "");
	buf_free(&left);
}

int cmd_doctor(struct ctl *c)
{
	struct doctor d = { .ctl = c };
	bool live = c->arg_n == 0;
	struct plan *plan = check_configuration(&d);

	if (!plan)
		return CTL_FINDINGS; /* without it nothing else can be found */
	d.config = plan->config;
	d.store_path = live ? d.config->store_path : c->arg[0];
	if (live) {
		check_daemon(&d);
		check_folder(&d, "store's folder", d.config->store_path);
		check_folder(&d, "log's folder", d.config->log_path);
	}
	check_store(&d, live);
	check_log(&d, live);
	check_clock(&d);
	store_file_close(&d.store);
	json_decref(d.status);
	plan_free(&plan);
	return d.findings ? CTL_FINDINGS : CTL_OK;
}
