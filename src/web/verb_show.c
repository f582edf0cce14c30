/* Verbs that tell about one contact: show, export. explain has a file of its own. */
#include <stdlib.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "control_int.h"

/* ---- suppression and holds ---- */

static int add_hold(struct call *c, const char *name,
		    int (*get)(struct store *, int64_t, int64_t *, char[64], struct err *), int64_t id)
{
	int64_t until;
	char reason[64];

	if (get(c->store, id, &until, reason, &c->err))
		return -1;
	if (until <= c->now)
		return 0;
	answer_open(&c->out, name, '{');
	answer_time(&c->out, "until", until);
	answer_text(&c->out, "reason", reason);
	buf_char(&c->out, '}');
	return 0;
}

int answer_standing(struct call *c, const struct contact *contact)
{
	char *note = store_suppressed_note(c->store, contact->email);

	answer_text(&c->out, "suppressed", reason_name(store_suppressed(c->store, contact->email)));
	answer_text(&c->out, "suppressed_note", note);
	free(note);
	answer_open(&c->out, "holds", '{');
	if (add_hold(c, "contact", store_contact_hold_get, contact->id) ||
	    add_hold(c, "account", store_account_hold_get, contact->account_id))
		return -1;
	buf_char(&c->out, '}');
	return 0;
}

static void add_contact(struct call *c, const struct contact *contact)
{
	answer_open(&c->out, "contact", '{');
	answer_contact(&c->out, contact);
	buf_char(&c->out, '}');
}

/* ---- enrollments ---- */

struct ids {
	int64_t *id;
	size_t n;
};

static void id_row(void *arg, const struct enrollment *en)
{
	struct ids *l = arg;

	l->id = mem_grow(l->id, l->n + 1, sizeof(*l->id));
	l->id[l->n++] = en->id;
}

static int each_enrollment(struct call *c, const struct contact *contact,
		     int (*add)(struct call *c, const struct enrollment_row *row))
{
	struct ids l = { 0 };
	struct enrollment_row *row = NULL;
	int rc = store_enrollments_of(c->store, contact->id, id_row, &l, &c->err) < 0 ? -1 : 0;

	for (size_t i = 0; i < l.n && !rc; i++) {
		rc = store_enrollment(c->store, l.id[i], &row, &c->err) < 0 ? -1 : 0;
		if (!rc && row)
			rc = add(c, row);
		enrollment_row_free(&row);
	}
	free(l.id);
	return rc;
}

int answer_enrollments(struct call *c, const char *name, const struct contact *contact,
		       int (*add)(struct call *c, const struct enrollment_row *row))
{
	answer_open(&c->out, name, '[');
	if (each_enrollment(c, contact, add))
		return -1;
	buf_char(&c->out, ']');
	return 0;
}

static int add_plain(struct call *c, const struct enrollment_row *row)
{
	answer_element(&c->out, '{');
	answer_enrollment(&c->out, &row->enrollment);
	buf_char(&c->out, '}');
	return 0;
}

static int add_with_next(struct call *c, const struct enrollment_row *row)
{
	struct next_step next = { 0 };

	answer_element(&c->out, '{');
	answer_enrollment(&c->out, &row->enrollment);
	if (row->enrollment.state == ENROLLMENT_ACTIVE) {
		if (c->ops->next(c->ops->arg, row, &next, &c->err))
			return -1;
		answer_open(&c->out, "next", '{');
		answer_next(&c->out, &next);
		buf_char(&c->out, '}');
	}
	buf_char(&c->out, '}');
	return 0;
}

/* ---- touches, events ---- */

static void touch_row(void *arg, const struct touch *t)
{
	struct buf *b = arg;

	answer_element(b, '{');
	answer_touch(b, t);
	buf_char(b, '}');
}

static int add_touches(struct call *c, const struct contact *contact)
{
	answer_open(&c->out, "touches", '[');
	if (store_touches_of(c->store, contact->id, touch_row, &c->out, &c->err) < 0)
		return -1;
	buf_char(&c->out, ']');
	return 0;
}

static void event_row(void *arg, const struct event *ev)
{
	struct buf *b = arg;

	answer_element(b, '{');
	answer_event(b, ev);
	buf_char(b, '}');
}

static int add_events(struct call *c, const struct contact *contact)
{
	answer_open(&c->out, "events", '[');
	if (store_events_of(c->store, contact->id, event_row, &c->out, &c->err) < 0)
		return -1;
	buf_char(&c->out, ']');
	return 0;
}

/* ---- the verbs ---- */

int verb_show(struct call *c)
{
	struct contact *contact;
	int status = call_contact(c, &contact);

	if (status != 200)
		return status;
	add_contact(c, contact);
	if (answer_enrollments(c, "enrollments", contact, add_with_next) || add_touches(c, contact) ||
	    answer_standing(c, contact))
		status = call_failed(c);
	contact_free(&contact);
	return status;
}

int verb_export(struct call *c)
{
	struct contact *contact;
	int status = call_contact(c, &contact);

	if (status != 200)
		return status;
	add_contact(c, contact);
	if (answer_enrollments(c, "enrollments", contact, add_plain) || add_touches(c, contact) ||
	    add_events(c, contact) || answer_standing(c, contact))
		status = call_failed(c);
	contact_free(&contact);
	return status;
}
