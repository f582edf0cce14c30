/* import: rows are independent of each other; the good ones of a request go in with one transaction, the bad ones come
 * back with their line. Two rows of one address: the later one stands. A suppressed contact is updated and stays
 * suppressed; a row about somebody who was forgotten is refused, because it would record the person again. */
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "import_int.h"

struct import {
	struct call *call;
	const struct plan *plan;
	struct rows rows;
	struct contact_put *put; /* owned: one a row */
	struct keep keep;        /* what they point into beside the rows */
	int64_t result[3];       /* by enum put_result */
	int64_t superseded, enrolled, refused[REASON_COUNT];
	bool enrolls; /* there is a sequence that enrolls by itself */
	json_t *unlisted; /* owned: basis -> rows that have it, of those that consent.accept does not list; NULL none */
};

/* ---- storing ---- */

/* A misspelt basis is taken as it is written (the list may follow later), but whoever imports is told. */
static void basis_note(struct import *im, const char *basis)
{
	const struct policy *p = &im->plan->config->policy;
	json_t *n;

	for (size_t i = 0; i < p->consent_accept_n; i++)
		if (!strcmp(p->consent_accept[i], basis))
			return;
	if (!*basis)
		return;
	if (!im->unlisted)
		im->unlisted = json_object();
	n = json_object_get(im->unlisted, basis);
	json_object_set_new(im->unlisted, basis, json_integer(json_integer_value(n) + 1));
}

static bool enrolls_itself(const struct sequence *s, const struct contact *contact)
{
	switch (s->enroll) {
	case ENROLL_ON_IMPORT: return true;
	case ENROLL_TAG: return contact_has_tag(contact, s->enroll_tag);
	case ENROLL_MANUAL: break;
	}
	return false;
}

/* Also of a row that changed nothing: the sequence may be newer than the contact. Its refusal is no news then. */
static int enroll_imported(struct import *im, const struct contact *contact, bool log_refusal)
{
	const struct config *config = im->plan->config;
	struct call *c = im->call;
	enum reason why;
	int rc = 0;

	for (size_t i = 0; i < config->sequence_n && rc >= 0 && im->enrolls; i++) {
		if (!enrolls_itself(&config->sequence[i], contact))
			continue;
		rc = c->ops->enroll(c->ops->arg, contact, &config->sequence[i], log_refusal, &why, &c->err);
		im->enrolled += rc == 1;
		if (rc == 2)
			im->refused[why]++;
	}
	return rc < 0 ? -1 : 0;
}

/* Columns stay when later rows do not have them: without a bound, differing files would add to a contact for ever. */
static bool outgrows(const struct contact *known, const struct contact *fresh)
{
	return fresh->attributes.len > ROW_MAX && fresh->attributes.len > (known ? known->attributes.len : 0);
}

/* 1: the row is told as bad. Whoever may be recorded again is unsuppressed first. */
static int row_of_forgotten(struct import *im, const struct row *r)
{
	struct call *c = im->call;
	struct err why = { "" };
	int rc = store_forgotten(c->store, r->value[COLUMN_EMAIL], &c->err);

	if (rc <= 0)
		return rc;
	(void)err_set(&why,
		      "email: '%s' was forgotten: not imported; `abvctl unsuppress %s --force --reason ...` first",
		      r->value[COLUMN_EMAIL], r->value[COLUMN_EMAIL]);
	rows_refuse(&im->rows, r->line, &why);
	return 1;
}

/* What is stored of each row's contact, and what shall be. Rows that cannot be stored are told as bad. */
static int contacts_make(struct import *im)
{
	struct call *c = im->call;
	struct err why = { "" };
	int rc;

	for (size_t i = 0; i < im->rows.n; i++) {
		im->put[i].c.email = im->rows.row[i].value[COLUMN_EMAIL];
		im->put[i].leave = im->rows.row[i].superseded;
		im->superseded += im->put[i].leave;
	}
	if (store_contacts_known(c->store, im->put, im->rows.n, &c->err))
		return -1;
	for (size_t i = 0; i < im->rows.n; i++) {
		const struct row *r = &im->rows.row[i];
		struct contact_put *put = &im->put[i];

		if (put->leave)
			continue;
		rc = put->known ? 0 : row_of_forgotten(im, r);
		if (rc < 0)
			return -1;
		put->leave = rc == 1;
		if (put->leave)
			continue;
		row_contact(r, put->known, im->plan->config, &put->c, &im->keep);
		put->leave = outgrows(put->known, &put->c);
		if (!put->leave)
			continue;
		(void)err_set(&why, "with the columns of earlier imports this contact is longer than %d bytes", ROW_MAX);
		rows_refuse(&im->rows, r->line, &why);
	}
	return 0;
}

/* The details of events, one behind the other. Contacts of one file often have the same. */
struct details {
	struct buf all, one;
	const struct contact *of; /* whom the last one is of; NULL none */
	size_t last;              /* where it is in `all` */
};

static size_t detail_of(struct details *d, const struct contact *contact)
{
	const struct contact *of = d->of;

	if (of && of->consent_at == contact->consent_at && !strcmp(of->timezone, contact->timezone) &&
	    !strcmp(of->consent, contact->consent))
		return d->last;
	buf_clear(&d->one);
	answer_text(&d->one, "timezone", contact->timezone);
	answer_text(&d->one, "consent", contact->consent);
	json_add_time(&d->one, "consent_at", contact->consent_at);
	d->of = contact;
	d->last = d->all.len;
	buf_add(&d->all, buf_text(&d->one), d->one.len + 1);
	return d->last;
}

/* contact_imported of those that are new or have changed. */
static int events_add(struct import *im)
{
	struct call *c = im->call;
	struct event *ev = mem_grow(NULL, im->rows.n, sizeof(*ev));
	size_t *from = mem_grow(NULL, im->rows.n, sizeof(*from)), n = 0;
	struct details d = { .of = NULL };
	int rc;

	for (size_t i = 0; i < im->rows.n; i++) {
		const struct contact *contact = &im->put[i].c;

		if (im->put[i].leave || im->put[i].result == PUT_SAME)
			continue;
		from[n] = detail_of(&d, contact);
		ev[n++] = (struct event){ .ts = c->now, .type = EVENT_CONTACT_IMPORTED, .contact_id = contact->id,
					  .address = contact->email, .account = contact->account, .sequence = "", .step = "", .kind = -1 };
	}
	for (size_t i = 0; i < n; i++)
		ev[i].detail = d.all.data + from[i];
	rc = store_events_add(c->store, ev, n, &c->err);
	buf_free(&d.all);
	buf_free(&d.one);
	free(from);
	free(ev);
	return rc;
}

/* What follows from a row that is stored. */
static int row_settle(struct import *im, struct contact_put *put)
{
	struct call *c = im->call;

	im->result[put->result]++;
	basis_note(im, put->c.consent);
	put->c.created_at = put->known ? put->known->created_at : c->now; /* a consent without its date is as old */
	put->c.engaged_at = put->known ? put->known->engaged_at : 0;
	if (put->result == PUT_CHANGED && /* zone, consent, values for placeholders: every wait may look different */
	    store_wake_contact(c->store, put->c.id, c->now, &c->err))
		return -1;
	return enroll_imported(im, &put->c, put->result != PUT_SAME);
}

static int import_store(void *arg)
{
	struct import *im = arg;
	struct call *c = im->call;
	int rc = contacts_make(im);

	if (rc || store_contacts_put(c->store, im->put, im->rows.n, c->now, &c->err) || events_add(im))
		return call_failed(c);
	for (size_t i = 0; i < im->rows.n && !rc; i++) {
		if (!im->put[i].leave)
			rc = row_settle(im, &im->put[i]);
	}
	return rc ? call_failed(c) : 200;
}

static void import_answer(struct import *im)
{
	struct buf *out = &im->call->out;

	json_add_int(out, "created", im->result[PUT_CREATED]);
	json_add_int(out, "changed", im->result[PUT_CHANGED]);
	json_add_int(out, "same", im->result[PUT_SAME]);
	json_add_int(out, "superseded", im->superseded);
	json_add_int(out, "enrolled", im->enrolled);
	answer_refused(out, im->refused);
	answer_open(out, "errors", '[');
	buf_str(out, buf_text(&im->rows.errors));
	buf_char(out, ']');
	if (im->unlisted) {
		char *text = json_dumps(im->unlisted, JSON_COMPACT);

		json_add_raw(out, "unlisted_consent", text);
		free(text);
	}
}

int verb_import(struct call *c)
{
	struct import im = { .call = c, .plan = c->ops->plan(c->ops->arg) };
	int status = rows_read(c, &im.rows);

	for (size_t i = 0; i < im.plan->config->sequence_n; i++)
		im.enrolls |= im.plan->config->sequence[i].enroll != ENROLL_MANUAL;
	im.put = mem_array(im.rows.n, sizeof(*im.put));
	keep_init(&im.keep, im.rows.n);
	if (status == 200)
		status = call_transaction(c, import_store, &im);
	if (status == 200)
		import_answer(&im);
	for (size_t i = 0; i < im.rows.n; i++)
		contact_free(&im.put[i].known);
	free(im.put);
	keep_free(&im.keep);
	rows_free(&im.rows);
	json_decref(im.unlisted);
	return status;
}
