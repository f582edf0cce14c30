/* Start in the order of 9-precisions: configuration, store (opened and locked), recovery, engagement log, control socket, READY.
 * Whatever fails names itself in one line and gives the exit status. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/folder.h"
#include "abv/json.h"
#include "abv/log.h"
#include "abv/mem.h"
#include "daemon_int.h"

/* Prints every finding; 0 when the plan can be used. */
int start_plan(const char *path, struct plan **out)
{
	struct problems problems = { 0 };
	enum plan_status st = plan_load(path, out, &problems);
	problems_sort(&problems);
	for (size_t i = 0; i < problems.n; i++) {
		struct buf b = { 0 };
		problem_format(&problems.row[i], &b);
		if (problems.row[i].severity == SEVERITY_ERROR)
			log_error("%s", buf_text(&b));
		else
			log_warning("%s", buf_text(&b));
		buf_free(&b);
	}
	problems_free(&problems);
	if (st != PLAN_OK)
		return EXIT_CONFIG;
	for (size_t i = 0; i < (*out)->config->sequence_n; i++)
		if (!(*out)->sequence[i].startable)
			log_warning("sequence=%s does not start: the gate refuses a template", (*out)->sequence[i].sequence->name);
	return 0;
}

/* A file of the service cannot be had. A folder that is missing is the likeliest cause after an installation. */
static int tell_io(const char *what, const char *path, const struct err *e)
{
	char *dir = folder_of(path);
	struct stat st;
	if (stat(dir, &st) < 0 && errno == ENOENT)
		log_error("%s %s: the folder %s is missing: make it, owned by who runs abvd", what, path, dir);
	else
		log_error("%s: %s", what, e->text);
	free(dir);
	return EXIT_IO;
}

static int64_t size_of(const char *path, const char *tail)
{
	char *whole = mem_printf("%s%s", path, tail);
	struct stat st;
	int64_t n = stat(whole, &st) == 0 ? (int64_t)st.st_size : 0;
	free(whole);
	return n;
}

/* A store that is missing or empty, but a log (or a write-ahead log) with something in it: the store is lost, not new. A fresh one would
 * know nobody's touches and send everything again; and SQLite would delete the write-ahead log. So nothing is made. */
static int store_is_lost(const struct config *c)
{
	static const struct {
		bool log;
		const char *tail;
	} beside[] = { { true, "" }, { true, ".1" }, { false, "-wal" } };
	if (size_of(c->store_path, "") > 0)
		return 0;
	for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
		const char *path = beside[i].log ? c->log_path : c->store_path;
		if (size_of(path, beside[i].tail) == 0)
			continue;
		log_error("the store %s is missing or empty, but %s%s is not: a new store would send everything again. Put it back as it was, or "
		          "`abvd --recover BACKUP` (abvctl(1), BACKUP AND REPAIR); or, if this is meant as a new beginning, move the log and its rotated files away",
		          c->store_path, path, beside[i].tail);
		return EXIT_IO;
	}
	return 0;
}

/* Beside the store: it was found damaged. What reads well now may be older, or half of something: systemd's next start must not send on it. */
static char *damage_mark(const char *store)
{
	return mem_printf("%s.damaged", store);
}

void damage_note(const char *store)
{
	char *mark = damage_mark(store);
	int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	struct err e = { "" };
	if (fd < 0 || fsync(fd) != 0)
		log_error("%s: %s", mark, strerror(errno));
	else if (folder_sync(mark, &e) != 0) /* its name must outlive a loss of power, too */
		log_error("%s: %s", mark, e.text);
	if (fd >= 0)
		close(fd);
	free(mark);
}

void damage_forget(const char *store)
{
	char *mark = damage_mark(store);
	if (unlink(mark) != 0 && errno != ENOENT)
		log_error("%s: %s", mark, strerror(errno));
	free(mark);
}

static int damage_is_noted(const char *store)
{
	char *mark = damage_mark(store);
	struct stat st;
	int rc = stat(mark, &st) == 0 ? EXIT_IO : 0;
	if (rc != 0)
		log_error("the store %s was found damaged: %s says so. See `abvctl doctor` and abvctl(1), BACKUP AND REPAIR; `abvd --recover` removes the mark, and "
		          "so may you when the store is whole", store, mark);
	free(mark);
	return rc;
}

static int open_store(struct daemon *d)
{
	static const int status[] = { [STORE_OK] = 0, [STORE_LOCKED] = EXIT_TEMPFAIL, [STORE_NEWER] = EXIT_CONFIG, [STORE_IO] = EXIT_IO };
	struct err e = { "" };
	enum store_status st = (d->options.recover != NULL ? store_open_copy : store_open)(d->plan->config->store_path, &d->store, &e);
	if (st == STORE_IO)
		return tell_io("store", d->plan->config->store_path, &e);
	if (st != STORE_OK)
		log_error("%s", e.text);
	return status[st];
}

/* A scaled clock never runs behind what is recorded; a real one that does is warned of (9-precisions, Time). */
static void set_clock(struct daemon *d)
{
	char a[CLOCK_TEXT_MAX], b[CLOCK_TEXT_MAX];
	struct clock real;
	clock_init_real(&real);
	int64_t newest = store_newest(d->store), now = d->options.now != 0 ? d->options.now : clock_now(&real);
	if (d->options.time_scale != 1 || d->options.now != 0) {
		clock_init_scaled(&d->clock, d->options.time_scale, now > newest ? now : newest);
		log_warning("the clock is not the real one time_scale=%g now=%s", d->options.time_scale, clock_format(clock_now(&d->clock), a));
		return;
	}
	d->clock = real;
	if (newest > now)
		log_warning("the clock is behind the store: now=%s newest=%s; touches in the future count as now", clock_format(now, a), clock_format(newest, b));
}

static void turn_cb(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	(void)fd;
	(void)what;
	event_del(d->turn);
	event_del(d->turn_latest);
	disk_look(d);
	scheduler_turn(d->scheduler);
	disk_look(d);
}

static int open_scheduler(struct daemon *d, struct err *e)
{
	struct scheduler_hooks hooks;
	struct delivery_sink sink;
	wiring_hooks(d, &hooks);
	d->turn = event_new(d->base, -1, 0, turn_cb, d);
	d->turn_latest = event_new(d->base, -1, 0, turn_cb, d);
	d->turn_timer = event_new(d->base, -1, 0, turn_cb, d);
	event_priority_set(d->turn, 2);
	if (scheduler_new(d->store, &d->clock, d->plan, &hooks, &d->scheduler, e) != 0)
		return -1;
	d->net = netloop_new(d->base, e);
	if (d->net == NULL)
		return -1;
	scheduler_sink(d->scheduler, &sink);
	d->sender = sender_new(d->base, d->net, &d->plan->config->smtp, &sink, e);
	if (d->sender == NULL)
		return -1;
	scheduler_set_delivery(d->scheduler, sender_delivery(d->sender));
	return 0;
}

static int record_start(struct daemon *d, struct err *e)
{
	struct buf b = { 0 };
	json_add_str(&b, "version", ABV_VERSION);
	int rc = wiring_event(d, EVENT_DAEMON_STARTED, buf_text(&b), e);
	buf_free(&b);
	return rc == 0 ? wiring_config_loaded(d, e) : -1;
}

int start_all(struct daemon *d)
{
	struct err e = { "" };
	struct control_ops ops;
	int rc = start_plan(d->options.config, &d->plan);
	if (rc != 0)
		return rc;
	if ((d->options.time_scale != 1 || d->options.now != 0) && !d->plan->config->smtp.loopback) {
		log_error("--time-scale and --now need a relay on loopback: smtp.url is %s", d->plan->config->smtp.url);
		return EXIT_CONFIG;
	}
	if (d->options.check_only)
		return 0;
	curl_global_init(CURL_GLOBAL_ALL);
	d->base = event_base_new();
	if (d->base == NULL || event_base_priority_init(d->base, 3) != 0) {
		log_error("no event base");
		return EXIT_IO;
	}
	if (d->options.recover != NULL)
		rc = recover_file(d);
	if (rc == 0)
		rc = store_is_lost(d->plan->config);
	if (rc == 0)
		rc = damage_is_noted(d->plan->config->store_path);
	if (rc == 0)
		rc = open_store(d);
	if (rc != 0)
		return rc;
	set_clock(d);
	if (d->options.recover != NULL)
		return recover_store(d);
	/* Before this start's own events: they would take the numbers of lines that the store has lost. */
	if (journal_open(d->store, d->plan->config->log_path, &d->journal, &e) != 0)
		return tell_io("engagement log", d->plan->config->log_path, &e);
	if (open_scheduler(d, &e) != 0 || record_start(d, &e) != 0) {
		log_error("start: %s", e.text);
		return EXIT_IO;
	}
	wiring_flush(d);
	disk_open(d);
	wiring_control(d, &ops);
	if (control_open(d->base, d->plan->config->control_socket, d->store, &ops, &d->control, &e) != 0)
		return tell_io("control socket", d->plan->config->control_socket, &e);
	if (mail_open(d, &e) != 0) {
		log_error("inbox: %s", e.text);
		return EXIT_IO;
	}
	return 0;
}

void start_undo(struct daemon *d)
{
	control_close(&d->control);
	inbox_close(&d->inbox);
	sender_free(&d->sender);
	netloop_free(&d->net);
	scheduler_free(&d->scheduler);
	journal_close(&d->journal);
	store_close(&d->store);
	plan_free(&d->plan);
	struct event **ev[] = { &d->turn, &d->turn_latest, &d->turn_timer, &d->sync_timer, &d->watchdog, &d->stop_timer, &d->disk.timer,
		                &d->signal[0], &d->signal[1], &d->signal[2], &d->signal[3] };
	for (size_t i = 0; i < sizeof ev / sizeof ev[0]; i++)
		if (*ev[i] != NULL)
			event_free(*ev[i]);
	if (d->base != NULL) {
		event_base_free(d->base);
		curl_global_cleanup();
	}
}
