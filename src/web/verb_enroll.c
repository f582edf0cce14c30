/* enroll: one contact in its own transaction; a tag or everybody in slices, so that the loop goes on between them. What
 * a slice has enrolled stays enrolled, whatever happens to the rest: repeating is a no-op for those that are in
 * already, and a refusal of many is logged when it is news: everybody may be asked daily. */
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "control_int.h"

struct bulk {
	char *sequence, *tag; /* owned; sequence NULL: one contact; tag NULL: all */
	int64_t after;        /* contacts with greater ids are still to come */
	int64_t enrolled, already, refused[REASON_COUNT];
	const struct sequence *now; /* of this slice's plan */
	struct call *call;
	int rc; /* of this slice */
};

void bulk_free(struct bulk **bp)
{
	struct bulk *b = *bp;

	if (!b)
		return;
	free(b->sequence);
	free(b->tag);
	free(b);
	*bp = NULL;
}

/* Unless the last refusal had the same reason. 0, -1 */
static int refusal_event(struct call *c, const struct contact *contact, const struct sequence *s, enum reason why)
{
	struct buf detail = { 0 };
	struct event ev = { .type = EVENT_ENROLL_REFUSED, .contact_id = contact->id, .sequence = s->name };
	int rc;

	json_add_str(&detail, "reason", reason_name(why));
	ev.detail = buf_text(&detail);
	rc = store_event_repeats(c->store, &ev, &c->err);
	if (rc == 0)
		rc = call_event(c, EVENT_ENROLL_REFUSED, contact, NULL, s->name, "", ev.detail);
	buf_free(&detail);
	return rc < 0 ? -1 : 0;
}

static int enroll_one(struct call *c, const struct contact *contact, const struct sequence *s, struct bulk *b)
{
	bool many = b->sequence != NULL;
	enum reason why = REASON_NONE;
	int rc = c->ops->enroll(c->ops->arg, contact, s, !many, &why, &c->err);

	if (rc == 2 && many && refusal_event(c, contact, s, why))
		return -1;
	if (rc == 1)
		b->enrolled++;
	else if (rc == 0)
		b->already++;
	else if (rc == 2)
		b->refused[why < REASON_COUNT ? why : REASON_SUPPRESSED]++;
	return rc;
}

static void bulk_answer(struct call *c, const struct bulk *b)
{
	json_add_int(&c->out, "enrolled", b->enrolled);
	json_add_int(&c->out, "already", b->already);
	answer_refused(&c->out, b->refused);
}

/* ---- one contact ---- */

static int enroll_committed(struct call *c, const struct contact *contact, const struct sequence *s, struct bulk *b)
{
	int rc;

	if (store_begin(c->store, &c->err))
		return -1;
	rc = enroll_one(c, contact, s, b);
	if (rc < 0) {
		store_rollback(c->store);
		return -1;
	}
	if (store_commit_now(c->store, &c->err))
		return -1;
	c->wrote = true;
	return rc;
}

struct place {
	const char *sequence;
	struct buf *out;
};

static void place_row(void *arg, const struct enrollment *en)
{
	const struct place *p = arg;

	if (strcmp(en->sequence, p->sequence) != 0)
		return;
	json_add_str(p->out, "state", enrollment_state_name(en->state));
	if (en->state == ENROLLMENT_STOPPED)
		json_add_str(p->out, "reason", reason_name(en->ended));
}

static int enroll_contact(struct call *c, const struct sequence *s)
{
	struct bulk b = { 0 };
	struct contact *contact;
	int status = call_contact(c, &contact), rc, why = 0;

	if (status != 200)
		return status;
	rc = enroll_committed(c, contact, s, &b);
	bulk_answer(c, &b);
	if (rc == 0) { /* what became of it: repeating will never start it again */
		struct place p = { s->name, &c->out };

		rc = store_enrollments_of(c->store, contact->id, place_row, &p, &c->err) < 0 ? -1 : 0;
	}
	if (rc == 2) {
		while (why < REASON_COUNT - 1 && !b.refused[why])
			why++;
		json_add_str(&c->out, "reason", reason_name((enum reason)why));
		c->keep = true;
		bool suppressed = reason_is_suppression((enum reason)why);

		status =
		    call_refuse(c, 409, "contact: '%s' is not enrolled in '%s': %s%s%s", contact->email, s->name,
				suppressed ? "suppressed (" : "", reason_name((enum reason)why), suppressed ? ")" : "");
	}
	contact_free(&contact);
	return rc < 0 ? call_failed(c) : status;
}

/* ---- many ---- */

static void bulk_row(void *arg, const struct contact *contact)
{
	struct bulk *b = arg;

	b->after = contact->id;
	/* asked here and not of the store: a rare tag must not make it read on and on */
	if (b->rc < 0 || (b->tag && !contact_has_tag(contact, b->tag)))
		return;
	b->rc = enroll_one(b->call, contact, b->now, b);
}

/* 1 there may be more, 0 all were asked, -1 */
static int bulk_slice(struct call *c, struct bulk *b)
{
	int64_t end = clock_mono() + SLICE_MS;
	int rows;

	do {
		rows = store_contacts(c->store, NULL, b->after, SLICE_ROWS, bulk_row, b, &c->err);
		if (rows < 0 || b->rc < 0)
			return -1;
	} while (rows == SLICE_ROWS && clock_mono() < end);
	return rows == SLICE_ROWS;
}

static int bulk_step(struct call *c)
{
	struct bulk *b = c->bulk;
	const struct plan_sequence *s = plan_sequence(c->ops->plan(c->ops->arg), b->sequence);
	int more;

	if (!s) /* a reload came between two slices */
		return call_refuse(c, 409, "sequence: '%s' was removed from the configuration after %lld were enrolled",
				   b->sequence, (long long)b->enrolled);
	if (store_begin(c->store, &c->err))
		return call_failed(c);
	b->now = s->sequence;
	b->rc = 0;
	more = bulk_slice(c, b);
	if (more < 0) {
		store_rollback(c->store);
		return call_failed(c);
	}
	if (store_commit_now(c->store, &c->err))
		return call_failed(c);
	c->wrote = true;
	if (more) {
		c->ops->changed(c->ops->arg);
		return CALL_LATER;
	}
	bulk_answer(c, b);
	return 200;
}

int verb_enroll(struct call *c)
{
	const char *contact = call_text(c, "contact"), *tag = call_text(c, "tag");
	const struct plan_sequence *s;
	bool all = call_bool(c, "all");
	int status;

	if ((*contact != '\0') + (*tag != '\0') + all != 1)
		return call_refuse(c, 400, "contact, tag, all: 'enroll' needs one of them");
	status = call_sequence(c, &s);
	if (status != 200)
		return status;
	if (*contact)
		return enroll_contact(c, s->sequence);
	c->bulk = mem_alloc(sizeof(*c->bulk));
	c->bulk->sequence = mem_strdup(s->sequence->name);
	c->bulk->tag = all ? NULL : mem_strdup(tag);
	c->bulk->call = c;
	c->step = bulk_step;
	return CALL_LATER;
}
