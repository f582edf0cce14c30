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
	int64_t put[3]; /* by enum put_result */
	int64_t superseded, enrolled, refused[REASON_COUNT];
	struct buf detail; /* of an event */
	struct buf keep;   /* of the row that is being stored */
	bool enrolls;      /* there is a sequence that enrolls by itself */
	json_t *unlisted; /* owned: basis -> rows that have it, of those that consent.accept does not list; NULL none */
};

/* ---- storing ---- */

static int import_event(struct import *im, const struct contact *contact)
{
	struct buf *detail = &im->detail;

	buf_clear(detail);
	answer_text(detail, "timezone", contact->timezone);
	answer_text(detail, "consent", contact->consent);
	json_add_time(detail, "consent_at", contact->consent_at);
	return call_event(im->call, EVENT_CONTACT_IMPORTED, contact, NULL, "", "", buf_text(detail));
}

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

static int row_store(struct import *im, const struct row *r)
{
	struct call *c = im->call;
	struct contact *known = NULL, fresh;
	enum put_result result = PUT_SAME;
	struct err why = { "" };
	int rc = store_contact_by_email(c->store, r->value[COLUMN_EMAIL], &known, &c->err);

	if (rc == 0)
		rc = row_of_forgotten(im, r);
	else if (rc > 0)
		rc = 0;
	if (rc)
		return rc < 0 ? -1 : 0;
	rc = -1;
	buf_clear(&im->keep);
	row_contact(r, known, im->plan->config, &fresh, &im->keep);
	if (outgrows(known, &fresh)) {
		(void)err_set(&why, "with the columns of earlier imports this contact is longer than %d bytes",
			      ROW_MAX);
		rows_refuse(&im->rows, r->line, &why);
		rc = 0;
		goto out;
	}
	if (store_contact_put(c->store, &fresh, c->now, &result, &fresh.id, &c->err))
		goto out;
	im->put[result]++;
	basis_note(im, fresh.consent);
	fresh.created_at = known ? known->created_at : c->now; /* a consent without its date is as old */
	fresh.engaged_at = known ? known->engaged_at : 0;
	rc = result == PUT_SAME ? 0 : import_event(im, &fresh);
	if (!rc && result == PUT_CHANGED) /* zone, consent, values for placeholders: every wait may look different */
		rc = store_wake_contact(c->store, fresh.id, c->now, &c->err);
	if (!rc)
		rc = enroll_imported(im, &fresh, result != PUT_SAME);
out:
	contact_free(&known);
	return rc;
}

static void import_answer(struct import *im)
{
	struct buf *out = &im->call->out;

	json_add_int(out, "created", im->put[PUT_CREATED]);
	json_add_int(out, "changed", im->put[PUT_CHANGED]);
	json_add_int(out, "same", im->put[PUT_SAME]);
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

static int import_run(struct import *im)
{
	int rc = 0;

	for (size_t i = 0; i < im->plan->config->sequence_n; i++)
		im->enrolls |= im->plan->config->sequence[i].enroll != ENROLL_MANUAL;
	for (size_t i = 0; i < im->rows.n && !rc; i++) {
		if (im->rows.row[i].superseded)
			im->superseded++;
		else
			rc = row_store(im, &im->rows.row[i]);
	}
	if (rc)
		return call_failed(im->call);
	import_answer(im);
	return 200;
}

int verb_import(struct call *c)
{
	struct import im = { .call = c, .plan = c->ops->plan(c->ops->arg) };
	int status = rows_read(c, &im.rows);

	if (status == 200)
		status = import_run(&im);
	rows_free(&im.rows);
	json_decref(im.unlisted);
	buf_free(&im.detail);
	buf_free(&im.keep);
	return status;
}
