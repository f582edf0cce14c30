/* The disks under the store and the engagement log. Policy: nothing is handed over whose record could not be kept. So sending is held
 *
 *  - while the engagement log cannot be written or synced (its events wait in the store, but somebody who reads the log must not fall
 *    ever further behind what people get);
 *  - while less than SPACE_LOW is free where the store or the log lies: enough for the results of everything in flight, for the lines
 *    that follow, and for what other verbs and received mail write meanwhile;
 *  - while the store's write-ahead log cannot be written back and has grown to BACKLOG_MOST. A checkpoint that fails endangers no
 *    commit, so it alone holds nothing up.
 *
 * A commit that fails is the scheduler's own (failing.c): quotas and broken disks show only there. Each cause is told once, tried again
 * after 1 s, doubling to 8 s, and its end is told. A store that SQLite finds damaged ends abvd: what is read of it cannot be trusted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <systemd/sd-daemon.h>

#include "abv/folder.h"
#include "abv/json.h"
#include "abv/log.h"
#include "daemon_int.h"

#define SPACE_LOW (INT64_C(16) << 20)
#define SPACE_ENOUGH (INT64_C(20) << 20)
#define BACKLOG_MOST (INT64_C(128) << 20)
#define LOOK_MS 50 /* statvfs costs a microsecond; a group of messages writes some hundred kilobytes */
#define FIRST_MS 1000
#define MOST_MS 8000

/* ---- space ---- */

static int64_t space_free(const char *path)
{
	char *dir = folder_of(path);
	struct statvfs v;
	int64_t n = statvfs(dir, &v) == 0 && v.f_blocks > 0 ? (int64_t)v.f_bavail * (int64_t)v.f_frsize : INT64_MAX;
	free(dir);
	return n;
}

static void look_at_space(struct daemon *d)
{
	const char *const path[] = { d->plan->config->store_path, d->plan->config->log_path };
	bool was = d->disk.full != NULL;
	d->disk.full = NULL;
	for (size_t i = 0; i < sizeof path / sizeof path[0]; i++) {
		int64_t n = space_free(path[i]);
		if (n < (was ? SPACE_ENOUGH : SPACE_LOW)) {
			d->disk.full = path[i];
			d->disk.free = n;
			break;
		}
	}
	if (d->disk.full != NULL && !was)
		log_error("the disk is nearly full: nothing is sent until %lld MB are free path=%s free=%lld", (long long)(SPACE_ENOUGH >> 20),
		          d->disk.full, (long long)d->disk.free);
	else if (d->disk.full == NULL && was)
		log_info("the disk has room again");
}

static void look_at_backlog(struct daemon *d)
{
	int64_t bytes;
	const char *why = store_backlog(d->store, &bytes);
	if (*why != '\0' && !d->disk.backlog)
		log_error("the store's write-ahead log cannot be written back; it keeps everything, but grows bytes=%lld: %s", (long long)bytes, why);
	else if (*why == '\0' && d->disk.backlog)
		log_info("the store's write-ahead log is written back again");
	d->disk.backlog = *why != '\0';
	d->disk.backlog_long = d->disk.backlog && bytes >= BACKLOG_MOST;
}

/* ---- what follows ---- */

static void hold(struct daemon *d)
{
	bool held = d->disk.log_why[0] != '\0' || d->disk.full != NULL || d->disk.backlog_long;
	if (d->scheduler == NULL || held == d->disk.held)
		return;
	d->disk.held = held;
	scheduler_hold(d->scheduler, held);
	sd_notifyf(0, "STATUS=%s", held ? "Sending is held: the disk (see `abvctl status`)" : "");
}

static void again_soon(struct daemon *d)
{
	bool wrong = d->disk.log_why[0] != '\0' || d->disk.full != NULL || d->disk.backlog;
	struct timeval tv;
	if (!wrong) {
		d->disk.wait = 0;
		return;
	}
	if (d->disk.timer == NULL || event_pending(d->disk.timer, EV_TIMEOUT, NULL))
		return;
	d->disk.wait = d->disk.wait == 0 ? FIRST_MS : d->disk.wait * 2 < MOST_MS ? d->disk.wait * 2 : MOST_MS;
	tv = (struct timeval){ d->disk.wait / 1000, (d->disk.wait % 1000) * 1000 };
	event_add(d->disk.timer, &tv);
}

static void look(struct daemon *d)
{
	d->disk.looked = clock_mono();
	look_at_space(d);
	look_at_backlog(d);
	hold(d);
	again_soon(d);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	(void)fd;
	(void)what;
	store_backlog_retry(d->store);
	if (d->disk.log_why[0] != '\0') {
		d->disk.retrying = true;
		wiring_sync(d);
		d->disk.retrying = false;
	}
	look(d);
}

void disk_open(struct daemon *d)
{
	d->disk.timer = event_new(d->base, -1, 0, on_timer, d);
	look(d);
}

void disk_look(struct daemon *d)
{
	if (clock_mono() - d->disk.looked >= LOOK_MS)
		look(d);
	if (!store_damaged(d->store) || d->disk.damaged)
		return;
	d->disk.damaged = true;
	log_error("the store is damaged: abvd ends, so that nothing is sent on what it says path=%s; `abvctl doctor` tells more, and abvctl(1), "
	          "BACKUP AND REPAIR, the way out", d->plan->config->store_path);
	damage_note(d->plan->config->store_path);
	event_base_loopbreak(d->base);
}

bool disk_log_rests(const struct daemon *d)
{
	return d->disk.log_why[0] != '\0' && !d->disk.retrying && !d->stopping;
}

void disk_log_failed(struct daemon *d, const char *why)
{
	if (strcmp(d->disk.log_why, why) != 0)
		log_error("the engagement log cannot be written: nothing is sent until it can, and events wait in the store: %s", why);
	snprintf(d->disk.log_why, sizeof d->disk.log_why, "%s", why);
	hold(d);
	again_soon(d);
}

void disk_log_good(struct daemon *d)
{
	if (d->disk.log_why[0] == '\0')
		return;
	log_info("the engagement log is complete again");
	d->disk.log_why[0] = '\0';
	hold(d);
}

void disk_status(const struct daemon *d, struct buf *json)
{
	int64_t bytes;
	const char *backlog = store_backlog(d->store, &bytes);
	json_add_bool(json, "log_failing", d->disk.log_why[0] != '\0');
	if (d->disk.log_why[0] != '\0')
		json_add_str(json, "log_error", d->disk.log_why);
	json_add_bool(json, "disk_full", d->disk.full != NULL);
	if (d->disk.full != NULL) {
		json_add_str(json, "disk_full_path", d->disk.full);
		json_add_int(json, "disk_free", d->disk.free);
	}
	json_add_int(json, "wal_bytes", bytes);
	if (*backlog != '\0')
		json_add_str(json, "wal_error", backlog);
}
