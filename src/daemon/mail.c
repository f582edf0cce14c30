/* Received mail: the inbox's sources and the control socket's `deliver` end in the same function, whose effects are the scheduler's. */
#include "abv/json.h"
#include "abv/log.h"
#include "daemon_int.h"

/* ---- what a message may do ---- */

static int64_t op_now(void *arg)
{
	return clock_now(&((struct daemon *)arg)->clock);
}

static const struct config *op_config(void *arg)
{
	return ((struct daemon *)arg)->plan->config;
}

static int op_answer(void *arg, const struct answer *a, struct err *e)
{
	return scheduler_answer(((struct daemon *)arg)->scheduler, a, e);
}

static int op_notify(void *arg, int64_t contact_id, const char *to, const char *subject, const char *text, struct err *e)
{
	return scheduler_note(((struct daemon *)arg)->scheduler, contact_id, to, subject, text, e);
}

static void op_changed(void *arg)
{
	wiring_flush(arg);
}

static enum inbox_result process(struct daemon *d, const char *source, const char *bytes, size_t n, const char *cursor, struct inbox_report *report,
                                 struct err *e)
{
	const struct inbox_ops ops = { d, op_now, op_config, op_answer, op_notify, op_changed };
	enum inbox_result r = inbox_process(d->store, &ops, source, bytes, n, cursor, report, e);
	scheduler_answered(d->scheduler);
	return r;
}

int mail_deliver(void *arg, const char *bytes, size_t n, struct buf *json, struct err *e)
{
	struct daemon *d = arg;
	struct inbox_report r;
	struct contact *c = NULL;
	if (process(d, "deliver", bytes, n, "", &r, e) != INBOX_DONE)
		return -1;
	json_add_str(json, "class", mail_class_name(r.class));
	json_add_bool(json, "repeated", r.repeated);
	json_add_bool(json, "matched", r.matched);
	json_add_str(json, "why", r.why);
	if (r.contact_id != 0 && store_contact_by_id(d->store, r.contact_id, &c, NULL) > 0)
		json_add_str(json, "contact", c->email);
	if (r.touch_id != 0)
		json_add_int(json, "touch", r.touch_id);
	contact_free(&c);
	return 0;
}

/* ---- the sources ---- */

static enum inbox_result hook_message(void *arg, const char *source, const char *bytes, size_t n, const char *cursor)
{
	struct inbox_report r;
	struct err e = { "" };
	return process(arg, source, bytes, n, cursor, &r, &e);
}

static void hook_cursor(void *arg, const char *source, char *out, size_t cap)
{
	struct err e = { "" };
	out[0] = '\0';
	if (store_cursor_get(((struct daemon *)arg)->store, source, out, cap, &e) < 0) {
		log_error("inbox source=%s: where it was read to is not known, so it is read from its beginning: %s", source, e.text);
		out[0] = '\0';
	}
}

static int hook_cursor_put(void *arg, const char *source, const char *cursor)
{
	struct daemon *d = arg;
	struct err e = { "" };
	if (store_begin(d->store, &e) == 0) {
		if (store_cursor_put(d->store, source, cursor, &e) == 0 && store_commit_now(d->store, &e) == 0)
			return 0;
		store_rollback(d->store);
	}
	log_error("inbox source=%s: where it was read to cannot be recorded: %s", source, e.text);
	return -1;
}

int mail_open(struct daemon *d, struct err *e)
{
	const struct inbox_hooks hooks = { d, hook_message, hook_cursor, hook_cursor_put };
	return inbox_open(d->base, d->net, d->plan->config, &hooks, &d->inbox, e);
}

static void add_count(void *arg, const char *class, int64_t n)
{
	json_add_int(arg, class, n);
}

void mail_status(struct daemon *d, struct buf *json)
{
	struct buf counts = { 0 };
	inbox_status(d->inbox, json);
	buf_char(&counts, '{');
	store_mail_counts(d->store, add_count, &counts, NULL);
	buf_char(&counts, '}');
	json_add_raw(json, "mail", buf_text(&counts));
	buf_free(&counts);
}
