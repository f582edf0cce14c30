/* import: rows are independent of each other; the good ones of a request go in with one transaction, the bad ones come
 * back with their line. Two rows of one address: the later one stands. A suppressed contact is updated and stays
 * suppressed; a row about somebody who was forgotten is refused, because it would record the person again. */
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "import_int.h"

#define ROWS_MAX 1000

struct import {
	struct call *call;
	const struct plan *plan;
	struct row *row;
	size_t n;
	int64_t put[3]; /* by enum put_result */
	int64_t superseded, enrolled, refused[REASON_COUNT];
	struct buf errors; /* elements */
	struct buf detail; /* of an event */
	struct buf keep;   /* of the row that is being stored */
	bool enrolls;      /* there is a sequence that enrolls by itself */
	json_t *unlisted; /* owned: basis -> rows that have it, of those that consent.accept does not list; NULL none */
};

/* ---- reading ---- */

static void row_error(struct import *im, int64_t line, const struct err *why)
{
	struct buf *b = &im->errors;

	if (b->len)
		buf_char(b, ',');
	buf_char(b, '{');
	json_add_int(b, "line", line);
	json_add_str(b, "message", why->text);
	buf_char(b, '}');
}

static void row_take(struct import *im, json_t *json, size_t i)
{
	const json_t *line = json_object_get(json, "line");
	struct row *r = &im->row[im->n];
	struct err why = { "" };
	int rc;

	r->line = json_is_integer(line) ? json_integer_value(line) : (int64_t)i + 1;
	rc = json_is_object(json) ? row_read(json, im->call->now, r, &why) : err_set(&why, "this row is no object");
	if (!rc) {
		im->n++;
		return;
	}
	row_error(im, r->line, &why);
	row_free(r);
	*r = (struct row){ 0 };
}

static void rows_take(struct import *im, const json_t *rows)
{
	json_t *last = json_object(), *seen;
	size_t i;

	for (i = 0; i < json_array_size(rows); i++)
		row_take(im, json_array_get(rows, i), i);
	for (i = 0; i < im->n; i++) {
		seen = json_object_get(last, im->row[i].email);
		if (seen) {
			im->row[json_integer_value(seen)].superseded = true;
			im->superseded++;
		}
		json_object_set_new(last, im->row[i].email, json_integer((json_int_t)i));
	}
	json_decref(last);
}

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
	int rc = store_forgotten(c->store, r->email, &c->err);

	if (rc <= 0)
		return rc;
	(void)err_set(&why,
		      "email: '%s' was forgotten: not imported; `abvctl unsuppress %s --force --reason ...` first",
		      r->email, r->email);
	row_error(im, r->line, &why);
	return 1;
}

static int row_store(struct import *im, const struct row *r)
{
	struct call *c = im->call;
	struct contact *known = NULL, fresh;
	enum put_result result = PUT_SAME;
	struct err why = { "" };
	int rc = store_contact_by_email(c->store, r->email, &known, &c->err);

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
		row_error(im, r->line, &why);
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
	buf_str(out, buf_text(&im->errors));
	buf_char(out, ']');
	if (im->unlisted) {
		char *text = json_dumps(im->unlisted, JSON_COMPACT);

		json_add_raw(out, "unlisted_consent", text);
		free(text);
	}
}

int verb_import(struct call *c)
{
	const json_t *rows = json_object_get(c->in, "rows");
	struct import im = { .call = c, .plan = c->ops->plan(c->ops->arg) };
	size_t n = json_array_size(rows);
	int rc = 0;

	if (n > ROWS_MAX)
		return call_refuse(c, 400, "rows: these are %zu, more than %d", n, ROWS_MAX);
	for (size_t i = 0; i < im.plan->config->sequence_n; i++)
		im.enrolls |= im.plan->config->sequence[i].enroll != ENROLL_MANUAL;
	im.row = mem_array(n + 1, sizeof(*im.row));
	rows_take(&im, rows);
	for (size_t i = 0; i < im.n && !rc; i++) {
		if (!im.row[i].superseded)
			rc = row_store(&im, &im.row[i]);
	}
	import_answer(&im);
	for (size_t i = 0; i < im.n; i++)
		row_free(&im.row[i]);
	free(im.row);
	json_decref(im.unlisted);
	buf_free(&im.errors);
	buf_free(&im.detail);
	buf_free(&im.keep);
	return rc ? call_failed(c) : 200;
}
