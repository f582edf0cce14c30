/* Verbs that forbid, allow or erase: stop, hold, suppress, unsuppress, forget. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/log.h"
#include "abv/mem.h"
#include "control_int.h"

#define HOLD_REASON_MAX 63
#define FORGET_PREFIX   "forget:" /* settings: persons whose log lines are still to be rewritten; value: the address */

int verb_stop(struct call *c)
{
	const char *sequence = call_text(c, "sequence");
	struct contact *contact;
	int status = call_contact(c, &contact), seen, n = 0;

	if (status != 200)
		return status;
	seen = *sequence ? contact_enrollments(c, contact->id, sequence) : 1;
	if (seen < 0 || contact_stop(c, contact, *sequence ? sequence : NULL, REASON_MANUAL, &n))
		status = call_failed(c);
	else if (!seen)
		status = call_refuse(c, 404, "sequence: '%s' is not enrolled in '%.128s'", contact->email, sequence);
	json_add_int(&c->out, "stopped", n);
	contact_free(&contact);
	return status;
}

/* ---- hold ---- */

static int hold_event(struct call *c, const struct contact *contact, int64_t until, const char *reason)
{
	struct buf detail = { 0 };
	int rc;

	json_add_time(&detail, "until", until);
	json_add_str(&detail, "reason", reason);
	rc = call_event(c, EVENT_HELD, contact, NULL, "", "", buf_text(&detail));
	buf_free(&detail);
	return rc;
}

static int hold(struct call *c, const struct contact *contact, int64_t until, const char *reason)
{
	bool lifts = until <= c->now;
	int64_t was;

	if (store_contact_hold_get(c->store, contact->id, &was, NULL, &c->err))
		return -1;
	if (lifts && !was)
		return 0;
	if (store_contact_hold(c->store, contact->id, lifts ? 0 : until, reason, &c->err) ||
	    hold_event(c, contact, until, reason))
		return -1;
	/* Also when it begins: `queue` is to tell the hold, not what was told before. */
	return store_wake_contact(c->store, contact->id, c->now, &c->err);
}

/* Business days on the contact's calendar; CLOCK_NEVER when the window has no such day. */
static int64_t hold_end(const struct call *c, const struct contact *contact, const struct duration *d)
{
	const struct policy *p = &c->ops->plan(c->ops->arg)->config->policy;

	return governor_add(p, governor_zone(p, contact), c->now, d);
}

int verb_hold(struct call *c)
{
	const char *text = call_text(c, "until"), *reason = call_text(c, "reason");
	struct contact *contact;
	struct duration d;
	struct err why = { "" };
	int64_t until = 0;
	bool lasts = duration_parse(text, &d, NULL) == 0; /* else an instant */
	int status;

	if (!lasts && clock_parse(text, &until, &why))
		return call_refuse(c, 400, "until: %s", why.text);
	if (!lasts && until <= 0)
		return call_refuse(c, 400, "until: '%s' lies before 1970", text);
	if (strlen(reason) > HOLD_REASON_MAX)
		return call_refuse(c, 400, "reason: this is longer than %d bytes", HOLD_REASON_MAX);
	status = call_contact(c, &contact);
	if (status != 200)
		return status;
	if (lasts)
		until = hold_end(c, contact, &d);
	if (hold(c, contact, until, *reason ? reason : "manual"))
		status = call_failed(c);
	json_add_time(&c->out, "until", until);
	json_add_bool(&c->out, "held", until > c->now);
	contact_free(&contact);
	return status;
}

/* ---- suppress ---- */

/* 200 and the folded address or "@domain", or a refusal. */
static int target_read(struct call *c, char target[MAILADDR_MAX])
{
	const char *text = call_text(c, "target");
	char whole[MAILADDR_MAX + 16];
	struct err why = { "" };

	if (*text != '@') {
		if (mailaddr_parse(text, target, &why))
			return call_refuse(c, 400, "target: %s", why.text);
		return 200;
	}
	if (strlen(text) >= MAILADDR_MAX - 1)
		return call_refuse(c, 400, "target: the domain is too long");
	(void)snprintf(whole, sizeof(whole), "x%s", text);
	if (mailaddr_parse(whole, target, &why))
		return call_refuse(c, 400, "target: '%s' is neither an address nor a domain", text);
	memmove(target, target + 1, strlen(target)); /* with its NUL */
	return 200;
}

struct id_list {
	const char *domain; /* with its '@' */
	int64_t id[SLICE_ROWS];
	size_t n;
	int64_t last;
};

static void domain_row(void *arg, const struct contact *contact)
{
	struct id_list *l = arg;
	const char *at = strrchr(contact->email, '@');

	l->last = contact->id;
	if (at && !strcmp(at, l->domain))
		l->id[l->n++] = contact->id;
}

/* The next rows: how many there were, -1. */
static int domain_rows(struct call *c)
{
	struct id_list l = { .domain = c->address, .last = c->after };
	struct contact *contact = NULL;
	int rows = store_contacts(c->store, NULL, c->after, SLICE_ROWS, domain_row, &l, &c->err), rc = 0;

	for (size_t i = 0; i < l.n && rows >= 0 && rc >= 0; i++) {
		rc = store_contact_by_id(c->store, l.id[i], &contact, &c->err);
		if (rc > 0)
			rc = contact_stop(c, contact, NULL, c->why, &c->stopped);
		contact_free(&contact);
	}
	c->after = l.last;
	return rc < 0 ? -1 : rows;
}

/* Behind the commit of the suppression, which forbids every message at once: the enrollments' ends may take their time.
 */
static int domain_step(struct call *c)
{
	int64_t end = clock_mono() + SLICE_MS;
	int rows;

	if (store_begin(c->store, &c->err))
		return call_failed(c);
	do
		rows = domain_rows(c);
	while (rows == SLICE_ROWS && clock_mono() < end);
	if (rows < 0) {
		store_rollback(c->store);
		return call_failed(c);
	}
	if (store_commit_now(c->store, &c->err))
		return call_failed(c);
	if (rows == SLICE_ROWS) {
		c->ops->changed(c->ops->arg);
		return CALL_LATER;
	}
	json_add_int(&c->out, "stopped", c->stopped);
	return 200;
}

static int suppress_event(struct call *c, const struct contact *contact, const char *target, enum reason why,
			  const char *note)
{
	struct buf detail = { 0 };
	int rc;

	json_add_str(&detail, "reason", reason_name(why));
	answer_text(&detail, "note", note);
	rc = call_event(c, EVENT_SUPPRESSED, contact, contact ? NULL : target, "", "", buf_text(&detail));
	buf_free(&detail);
	return rc;
}

/* 200, CALL_LATER for a domain, or a refusal. */
static int suppress(struct call *c, const char *target, enum reason why, const char *note)
{
	struct contact *contact = NULL;
	int fresh, n = 0, rc = 0;

	if (*target != '@' && store_contact_by_email(c->store, target, &contact, &c->err) < 0)
		return call_failed(c);
	fresh = store_suppress(c->store, target, why, note, c->now, &c->err);
	if (fresh < 0 || (fresh && suppress_event(c, contact, target, why, note)))
		rc = -1;
	if (!rc && contact)
		rc = contact_stop(c, contact, NULL, why, &n);
	contact_free(&contact);
	if (rc)
		return call_failed(c);
	json_add_bool(&c->out, "changed", fresh > 0);
	if (*target == '@') {
		(void)snprintf(c->address, sizeof(c->address), "%s", target);
		c->why = why;
		c->step = domain_step;
		return CALL_LATER;
	}
	json_add_int(&c->out, "stopped", n);
	return 200;
}

int verb_suppress(struct call *c)
{
	static const enum reason known[] = { REASON_UNSUBSCRIBED, REASON_COMPLAINED, REASON_HARD_BOUNCE,
					     REASON_MANUAL };
	const char *text = call_text(c, "reason"), *note = text;
	enum reason why = REASON_MANUAL;
	char target[MAILADDR_MAX] = "";
	int status = target_read(c, target);

	if (status != 200)
		return status;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(text, reason_name(known[i])) != 0)
			continue;
		why = known[i];
		note = "";
	}
	return suppress(c, target, why, note);
}

/* ---- unsuppress ---- */

static int unsuppress(struct call *c, const char *target, enum reason was)
{
	struct contact *contact = NULL;
	struct buf detail = { 0 };
	int removed = store_unsuppress(c->store, target, &c->err), rc = 0;

	if (removed < 0)
		return call_failed(c);
	if (!removed && was != REASON_NONE)
		return call_refuse(c, 409, "target: '%s' is suppressed through its domain: unsuppress '%s'", target,
				   strrchr(target, '@'));
	json_add_bool(&c->out, "changed", removed > 0);
	if (!removed)
		return 200;
	if (store_suppressed(c->store, target) != REASON_NONE)
		json_add_str(&c->out, "still", strrchr(target, '@'));
	json_add_str(&detail, "reason", call_text(c, "reason"));
	json_add_str(&detail, "was", reason_name(was));
	if (*target != '@')
		rc = store_contact_by_email(c->store, target, &contact, &c->err);
	if (rc >= 0)
		rc = call_event(c, EVENT_UNSUPPRESSED, contact, contact ? NULL : target, "", "", buf_text(&detail));
	if (!rc && contact)
		rc = store_wake_contact(c->store, contact->id, c->now, &c->err);
	contact_free(&contact);
	buf_free(&detail);
	return rc ? call_failed(c) : 200;
}

int verb_unsuppress(struct call *c)
{
	char target[MAILADDR_MAX] = "";
	int status = target_read(c, target);
	enum reason was;

	if (status != 200)
		return status;
	was = store_suppressed(c->store, target);
	if (*target != '@') {
		int erased = store_forgotten(c->store, target, &c->err); /* also behind a suppressed domain */

		if (erased < 0)
			return call_failed(c);
		was = erased ? REASON_ERASED : was;
	}
	if ((was == REASON_UNSUBSCRIBED || was == REASON_COMPLAINED || was == REASON_ERASED) && !call_bool(c, "force"))
		return call_refuse(c, 409,
				   "target: '%s' is suppressed (%s): the person said so; only with force (--force)",
				   target, reason_name(was));
	return unsuppress(c, target, was);
}

/* ---- forget: in the store at once; in the log's files behind the commit, and again after a crash or an error ---- */

static int forget_setting(struct store *s, const char *hash, const char *value, struct err *e)
{
	char *name = mem_printf(FORGET_PREFIX "%s", hash);
	int rc = store_setting_put(s, name, value, e);

	free(name);
	return rc;
}

/* The person is gone from the store, but an earlier call could not rewrite the log. */
static bool forget_is_pending(struct call *c)
{
	char email[MAILADDR_MAX], hex[DIGEST_HEX], *name;
	bool pending;

	if (mailaddr_parse(call_text(c, "contact"), email, NULL))
		return false;
	digest_keyed_hex(store_key(c->store), email, strlen(email), hex);
	(void)snprintf(c->hash, sizeof(c->hash), "hash:%s", hex);
	(void)snprintf(c->address, sizeof(c->address), "%s", email);
	name = mem_printf(FORGET_PREFIX "%s", c->hash);
	pending = *store_setting(c->store, name) != '\0';
	free(name);
	return pending;
}

int verb_forget(struct call *c)
{
	struct contact *contact;
	int status = call_contact(c, &contact), n = 0;

	if (status == 404 && forget_is_pending(c))
		return 200;
	if (status != 200)
		return status;
	if (contact->forgotten) {
		contact_free(&contact);
		return call_refuse(c, 409, "contact: this person was forgotten already");
	}
	(void)snprintf(c->address, sizeof(c->address), "%s", contact->email);
	if (call_event(c, EVENT_FORGOTTEN, contact, NULL, "", "", "") ||
	    contact_stop(c, contact, NULL, REASON_ERASED, &n) ||
	    store_contact_forget(c->store, contact->id, c->now, c->hash, &c->err) ||
	    forget_setting(c->store, c->hash, c->address, &c->err))
		status = call_failed(c);
	contact_free(&contact);
	return status;
}

static int forget_log(struct control *control, const char *address, const char *hash, struct buf *left, struct err *e)
{
	if (control->ops.forget_log(control->ops.arg, address, hash, left, e) || store_begin(control->store, e))
		return -1;
	if (forget_setting(control->store, hash, "", e)) {
		store_rollback(control->store);
		return -1;
	}
	if (store_commit_now(control->store, e))
		return -1;
	return store_scrub(control->store, e); /* the setting held the address */
}

int verb_forget_after(struct call *c)
{
	struct buf left = { 0 };
	struct err why = { "" };
	const char *p;
	int status = 200;

	if (forget_log(c->control, c->address, c->hash, &left, &why))
		status = call_refuse(
		    c, 500,
		    "the person is erased, but not yet from the log's files (repeat the command, or restart): %s",
		    why.text);
	json_add_str(&c->out, "hash", c->hash);
	answer_open(&c->out, "left", '[');
	for (p = buf_text(&left); *p; p += strcspn(p, "\n"), p += *p == '\n') {
		if (c->out.data[c->out.len - 1] != '[')
			buf_char(&c->out, ',');
		json_quote(&c->out, p, strcspn(p, "\n"));
	}
	buf_char(&c->out, ']');
	buf_free(&left);
	return status;
}

static void pending_row(void *arg, const char *name, const char *value)
{
	struct buf *b = arg;

	buf_add(b, name + sizeof(FORGET_PREFIX) - 1, strlen(name) - sizeof(FORGET_PREFIX) + 2);
	buf_add(b, value, strlen(value) + 1);
}

void forget_resume(struct control *control)
{
	struct buf pending = { 0 }, left = { 0 };
	struct err why = { "" };
	struct fields all;
	const char *hash, *address;

	if (store_settings(control->store, FORGET_PREFIX, pending_row, &pending, &why))
		log_error("forget: %s", why.text);
	all = (struct fields){ pending.data, pending.len };
	for (size_t at = 0; fields_next(&all, &at, &hash, &address);) {
		if (forget_log(control, address, hash, &left, &why))
			log_error("forget: the log still has lines of an erased person contact=%s: %s", hash, why.text);
		buf_clear(&left);
	}
	buf_free(&left);
	buf_free(&pending);
}
