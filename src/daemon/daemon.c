/* abvd's life: start, signals, reload, end. Reload builds anew and swaps only on success; the end gives what is in flight ten seconds
 * and records the rest as unknown (9-precisions, Start and stop). */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "abv/log.h"
#include "daemon_int.h"

#define STOP_WAIT_MS 10000
#define STOP_LOOK_MS 20
#define SYNC_MS 5000

static struct timeval tv_ms(int64_t ms)
{
	return (struct timeval){ ms / 1000, (ms % 1000) * 1000 };
}

/* ---- reload ---- */

static void warn_unchangeable(const struct config *a, const struct config *b)
{
	const struct {
		const char *key, *was, *is;
	} row[] = { { "store.path", a->store_path, b->store_path }, { "log.path", a->log_path, b->log_path }, { "control.socket", a->control_socket, b->control_socket } };
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		if (strcmp(row[i].was, row[i].is) != 0)
			log_warning("%s changed: it takes effect at the next start; until then it is %s", row[i].key, row[i].was);
}

static void swap(struct daemon *d, struct plan *fresh)
{
	struct plan *old = d->plan;
	struct err e = { "" };
	if (scheduler_set_plan(d->scheduler, fresh, &e) != 0) {
		log_error("reload refused: %s", e.text);
		plan_free(&fresh);
		return;
	}
	warn_unchangeable(old->config, fresh->config);
	config_carry_paths(fresh->config, old->config);
	d->plan = fresh;
	sender_reconfigure(d->sender, &fresh->config->smtp);
	if (inbox_reconfigure(d->inbox, fresh->config, &e) != 0)
		log_error("reload: the inbox: %s", e.text);
	if (wiring_config_loaded(d, &e) != 0)
		log_error("reload: %s", e.text);
	wiring_flush(d);
	plan_free(&old);
	log_info("configuration loaded sequences=%zu", fresh->config->sequence_n);
}

static void reload(struct daemon *d)
{
	struct plan *fresh = NULL;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono() * 1000);
	if (start_plan(d->plan->config->path, &fresh) != 0) {
		log_error("reload refused: the configuration that was loaded before stays in force");
	} else if ((d->options.time_scale != 1 || d->options.now != 0) && !fresh->config->smtp.loopback) {
		log_error("reload refused: a scaled clock needs a relay on loopback");
		plan_free(&fresh);
	} else {
		swap(d, fresh);
	}
	sd_notify(0, "READY=1");
}

/* ---- the end ---- */

static void stop_look(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	(void)fd;
	(void)what;
	if (scheduler_idle(d->scheduler)) {
		event_base_loopbreak(d->base);
		return;
	}
	if (clock_mono() >= d->stop_mono) {
		log_warning("the relay did not answer in time: what is in flight is recorded as unknown");
		sender_abandon(d->sender);
		scheduler_turn(d->scheduler);
		event_base_loopbreak(d->base);
		return;
	}
	struct timeval tv = tv_ms(STOP_LOOK_MS);
	event_add(d->stop_timer, &tv);
}

static void stop(struct daemon *d)
{
	if (d->stopping)
		return;
	d->stopping = true;
	sd_notify(0, "STOPPING=1");
	log_info("ending: nothing new is sent, answers are waited for at most %d s", STOP_WAIT_MS / 1000);
	control_close(&d->control);
	inbox_close(&d->inbox);
	d->stop_mono = clock_mono() + STOP_WAIT_MS;
	scheduler_finish(d->scheduler);
	sender_finish(d->sender);
	d->stop_timer = event_new(d->base, -1, 0, stop_look, d);
	struct timeval tv = tv_ms(0);
	event_add(d->stop_timer, &tv);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	struct err e = { "" };
	(void)what;
	if (sig == SIGTERM || sig == SIGINT) {
		stop(d);
	} else if (d->stopping) {
		return;
	} else if (sig == SIGHUP) {
		reload(d);
	} else if (sig == SIGUSR1) {
		wiring_flush(d);
		if (journal_reopen(d->journal, &e) != 0)
			log_error("the engagement log cannot be reopened: %s", e.text);
		else
			log_info("engagement log reopened path=%s", d->plan->config->log_path);
		wiring_flush(d);
	}
}

/* ---- timers ---- */

static void on_sync(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	wiring_sync(arg);
	disk_look(arg);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	sd_notify(0, "WATCHDOG=1");
}

/* A reload or a rotation that is asked for while abvd starts: kept until it can be done, not the end of it. */
static void hold_signals(int how)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(how, &set, NULL);
}

static void arm(struct daemon *d)
{
	static const int number[SIGNAL_N] = { SIGHUP, SIGUSR1, SIGTERM, SIGINT };
	uint64_t usec = 0;
	struct timeval tv = tv_ms(SYNC_MS);
	for (int i = 0; i < SIGNAL_N; i++) {
		d->signal[i] = evsignal_new(d->base, number[i], on_signal, d);
		event_add(d->signal[i], NULL);
	}
	hold_signals(SIG_UNBLOCK);
	d->sync_timer = event_new(d->base, -1, EV_PERSIST, on_sync, d);
	event_add(d->sync_timer, &tv);
	if (sd_watchdog_enabled(0, &usec) > 0) { /* fed by the loop: a loop that hangs feeds nothing */
		tv = tv_ms((int64_t)(usec / 1000 / 2));
		d->watchdog = event_new(d->base, -1, EV_PERSIST, on_watchdog, d);
		event_add(d->watchdog, &tv);
	}
}

int daemon_run(const struct daemon_options *o)
{
	struct daemon d = { .options = *o };
	struct err e = { "" };
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a write error like a full disk, not the end */
	hold_signals(SIG_BLOCK);
	int rc = start_all(&d);
	if (rc != 0 || o->check_only || o->recover != NULL)
		goto out;
	arm(&d);
	wiring_flush(&d);
	log_info("started version=%s config=%s store=%s relay=%s sequences=%zu", ABV_VERSION, d.plan->config->path, d.plan->config->store_path,
	         d.plan->config->smtp.url, d.plan->config->sequence_n);
	sd_notify(0, "READY=1");
	scheduler_wake(d.scheduler);
	event_base_dispatch(d.base);
	if (d.disk.damaged) {
		rc = EXIT_IO;
		goto out;
	}
	if (wiring_event(&d, EVENT_DAEMON_STOPPED, "", &e) != 0) {
		log_error("the end could not be recorded: %s", e.text);
		rc = EXIT_IO;
	}
	wiring_sync(&d);
	log_info("ended");
out:
	start_undo(&d);
	return rc;
}
