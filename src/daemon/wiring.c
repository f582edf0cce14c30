/* The rooms don't know each other; here they are connected. */
#include <stdio.h>
#include <string.h>

#include "abv/json.h"
#include "abv/log.h"
#include "daemon_int.h"

#define PRUNE_ROWS 1000
#define TURN_LATEST_US 10000
#define SEEN_LONGER (30 * CLOCK_DAY) /* beyond keep_events, behind which a message has no effect: clocks of senders are wrong by some days */

void wiring_flush(struct daemon *d)
{
	struct err e = { "" };
	if (d->journal == NULL || disk_log_rests(d))
		return;
	if (journal_flush(d->journal, &e) != 0)
		disk_log_failed(d, e.text);
}

/* fsync, then the store may let go of old events: in slices, so that the loop goes on. A log that failed is good again only when what
 * it lacked is on the disk: a write into the page cache proves nothing. */
void wiring_sync(struct daemon *d)
{
	struct err e = { "" };
	if (d->journal == NULL || disk_log_rests(d))
		return;
	if (journal_flush(d->journal, &e) != 0 || journal_sync(d->journal, &e) != 0) {
		disk_log_failed(d, e.text);
		return;
	}
	disk_log_good(d);
	int64_t before = clock_now(&d->clock) - d->plan->config->keep_events;
	if (store_begin(d->store, &e) != 0)
		return;
	if (store_events_prune(d->store, journal_synced(d->journal), before, PRUNE_ROWS, &e) < 0 ||
	    store_seen_prune(d->store, before - SEEN_LONGER, PRUNE_ROWS, &e) < 0 || store_commit_now(d->store, &e) != 0) {
		log_error("old events cannot be removed from the store: %s", e.text);
		store_rollback(d->store);
	}
}

int wiring_event(struct daemon *d, enum event_type type, const char *detail, struct err *e)
{
	struct event ev = {
		.ts = clock_now(&d->clock), .type = type, .address = "", .account = "", .sequence = "", .step = "", .kind = -1, .detail = detail,
	};
	int64_t seq;
	if (store_begin(d->store, e) != 0)
		return -1;
	if (store_event_add(d->store, &ev, &seq, e) != 0) {
		store_rollback(d->store);
		return -1;
	}
	return store_commit_now(d->store, e);
}

int wiring_config_loaded(struct daemon *d, struct err *e)
{
	struct buf b = { 0 };
	json_add_str(&b, "policy", d->plan->config->policy_hash);
	json_add_double(&b, "scale", d->options.time_scale);
	json_add_str(&b, "config", d->plan->config->path);
	int rc = wiring_event(d, EVENT_CONFIG_LOADED, buf_text(&b), e);
	buf_free(&b);
	return rc;
}

/* ---- the scheduler's hooks ---- */

static void hook_committed(void *arg)
{
	wiring_flush(arg);
}

/* A timer of no time, not event_active(): an event that a callback activates runs before the sockets are polled again, and a group would
 * close before it has gathered. Sockets that are ready all the time (somebody pours bytes into the control socket) must not put it off for
 * ever, so it has a second timer that waits for nobody. */
static void hook_turn_soon(void *arg)
{
	static const struct timeval now = { 0, 0 }, latest = { 0, TURN_LATEST_US };
	struct daemon *d = arg;
	if (event_pending(d->turn, EV_TIMEOUT, NULL))
		return;
	event_add(d->turn, &now);
	event_add(d->turn_latest, &latest);
}

static void hook_turn_in(void *arg, int64_t ms)
{
	struct daemon *d = arg;
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };
	event_add(d->turn_timer, &tv);
}

void wiring_hooks(struct daemon *d, struct scheduler_hooks *out)
{
	*out = (struct scheduler_hooks){ d, hook_committed, hook_turn_soon, hook_turn_in };
}

/* ---- what the control socket's verbs ask for ---- */

static const struct plan *op_plan(void *arg)
{
	return ((struct daemon *)arg)->plan;
}

static int64_t op_now(void *arg)
{
	return clock_now(&((struct daemon *)arg)->clock);
}

static void op_changed(void *arg)
{
	struct daemon *d = arg;
	wiring_flush(d);
	scheduler_wake(d->scheduler);
}

static int op_enroll(void *arg, const struct contact *c, const struct sequence *s, bool log_refusal, enum reason *why, struct err *e)
{
	return scheduler_enroll(((struct daemon *)arg)->scheduler, c, s, log_refusal, why, e);
}

static int op_explain(void *arg, const struct enrollment_row *row, struct explanation *out, struct err *e)
{
	return scheduler_explain(((struct daemon *)arg)->scheduler, row, out, e);
}

static int op_next(void *arg, const struct enrollment_row *row, struct next_step *out, struct err *e)
{
	return scheduler_next(((struct daemon *)arg)->scheduler, row, out, e);
}

static int op_test(void *arg, const char *sequence, const char *step, const char *to,
                   void (*done)(void *done_arg, const struct delivery_result *result, const char *failure), void *done_arg, struct err *e)
{
	return scheduler_test(((struct daemon *)arg)->scheduler, sequence, step, to, done, done_arg, e);
}

static int op_resolve(void *arg, int64_t touch_id, enum unknown_action action, struct err *e)
{
	return scheduler_resolve(((struct daemon *)arg)->scheduler, touch_id, action, e);
}

static int op_forget_log(void *arg, const char *address, const char *hash, struct buf *left, struct err *e)
{
	struct daemon *d = arg;
	wiring_flush(d);
	if (store_scrub(d->store, e) != 0)
		return -1;
	return journal_forget(d->journal, address, hash, left, e);
}

#define REFUSED_TOLD 3 /* in a row: that is no longer about one address */

/* A connection that works is not all: whoever looks is told why nothing goes, also where no failure has come yet, for minutes perhaps. */
static void add_relay(const struct daemon *d, const struct sender_stats *st, struct buf *json)
{
	char text[352];
	if (st->refused >= REFUSED_TOLD) {
		snprintf(text, sizeof text, "%lld messages in a row, the last with %s", (long long)st->refused, st->last_refusal);
		json_add_str(json, "relay_refuses", text);
	}
	if (st->silent == 0 || st->backing_off)
		return;
	snprintf(text, sizeof text, "%d of %d connections wait for the relay's answer, the longest for %lld s", st->silent,
	         d->plan->config->smtp.connections, (long long)(st->silent_ms / CLOCK_SECOND));
	json_add_str(json, "relay_slow", text);
}

static void op_status(void *arg, struct buf *json)
{
	struct daemon *d = arg;
	struct sender_stats st;
	scheduler_status(d->scheduler, json);
	mail_status(d, json);
	sender_stats(d->sender, &st);
	json_add_int(json, "connections_open", st.open);
	json_add_int(json, "connections_idle", st.idle);
	json_add_int(json, "connections_opened", st.connections);
	json_add_int(json, "messages", st.messages);
	json_add_int(json, "bytes", st.bytes);
	add_relay(d, &st, json);
	json_add_bool(json, "backing_off", st.backing_off);
	if (st.backing_off)
		json_add_int(json, "backoff_left_ms", st.backoff_left_ms);
	json_add_str(json, "relay", d->plan->config->smtp.url);
	json_add_int(json, "log_seq", journal_position(d->journal));
	disk_status(d, json);
	json_add_double(json, "time_scale", d->options.time_scale);
}

static void op_settings_changed(void *arg)
{
	scheduler_settings_changed(((struct daemon *)arg)->scheduler);
}

void wiring_control(struct daemon *d, struct control_ops *out)
{
	*out = (struct control_ops){
		.arg = d, .plan = op_plan, .now = op_now, .changed = op_changed, .enroll = op_enroll, .next = op_next, .explain = op_explain, .test = op_test,
		.resolve = op_resolve, .forget_log = op_forget_log, .deliver = mail_deliver, .status = op_status, .settings_changed = op_settings_changed,
	};
}
