/* explain: what comes next for each enrollment, the rule that decides with the touches that it counts, and what would
 * have it go earlier. */
#include <stdlib.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "control_int.h"

/* A limit of hundreds is not read touch by touch. */
#define TOUCHES_MAX 50

/* ---- the touches that fill a rule ---- */

struct touches {
	struct call *call;
	int64_t per_ms; /* of a limit: a touch leaves it so long after its time */
	bool gifts;     /* accepted value touches, back to the last ask */
	bool ended;
};

static void touch_row(void *arg, const struct touch *t)
{
	struct touches *all = arg;
	struct buf *b = &all->call->out;
	bool flies = t->state == TOUCH_RESERVED || t->state == TOUCH_HANDED;
	struct contact *who = NULL;

	all->ended = all->ended || (all->gifts && t->kind == KIND_ASK);
	if (all->ended || (all->gifts && t->state != TOUCH_ACCEPTED))
		return;
	answer_element(b, '{');
	json_add_int(b, "id", t->id);
	answer_time(b, "at", t->at);
	if (store_contact_by_id(all->call->store, t->contact_id, &who, NULL) > 0)
		json_add_str(b, "contact", who->email);
	contact_free(&who);
	json_add_str(b, "sequence", t->sequence);
	json_add_str(b, "step", t->step);
	json_add_str(b, "kind", kind_name(t->kind));
	json_add_str(b, "state", touch_state_name(t->state));
	if (all->per_ms && !flies)
		answer_time(b, "leaves", t->at + all->per_ms);
	buf_char(b, '}');
}

static int most(int32_t n)
{
	return n < TOUCHES_MAX ? n : TOUCHES_MAX;
}

/* Whose touches, from when on, and how many. */
static int add_touches(struct call *c, const struct contact *who, const struct evidence *ev)
{
	struct touches all = { .call = c, .per_ms = ev->limit_ms };
	int64_t contact = who->id, since = ev->touch_at;
	int n = 1;

	switch (ev->reason) {
	case REASON_ACCOUNT_LIMIT:
		contact = 0;
		n = most(ev->limit_n);
		break;
	case REASON_ACCOUNT_MIN_GAP: contact = 0; break;
	case REASON_CONTACT_LIMIT: n = most(ev->limit_n); break;
	case REASON_CONTACT_MIN_GAP: break;
	case REASON_BACKOFF:
		since = who->engaged_at + 1;
		n = TOUCHES_MAX;
		break;
	case REASON_GIFTS:
		all.gifts = true;
		since = 0;
		n = TOUCHES_MAX;
		break;
	case REASON_IN_FLIGHT: since = CLOCK_NEVER; break;
	default: return 0; /* no touch decides, or everybody's do */
	}
	answer_open(&c->out, "touches", '[');
	if (store_touches_counted(c->store, contact, contact ? 0 : who->account_id, since, n, touch_row, &all, &c->err))
		return -1;
	buf_char(&c->out, ']');
	return 0;
}

static int add_evidence(struct call *c, const struct contact *who, const struct verdict *v)
{
	answer_open(&c->out, "evidence", '[');
	for (int i = 0; i < v->evidence_n; i++) {
		answer_element(&c->out, '{');
		answer_evidence(&c->out, &v->evidence[i]);
		if (add_touches(c, who, &v->evidence[i]))
			return -1;
		buf_char(&c->out, '}');
	}
	buf_char(&c->out, ']');
	return 0;
}

/* ---- what would have to change ---- */

/* The governor's answer to a question that is a little otherwise: now, at an instant, or not by itself; and its rule.
 */
static void add_then(struct buf *b, const struct verdict *v, int64_t now)
{
	json_add_str(b, "verdict", verdict_kind_name(v->kind));
	if (v->kind == VERDICT_SEND)
		answer_time(b, "at", now);
	else if (v->kind == VERDICT_WAIT)
		answer_time(b, "at", v->until);
	answer_text(b, "by", reason_name(v->reason));
}

static void add_changes(struct call *c, const struct explanation *x)
{
	answer_open(&c->out, "earlier", '[');
	for (int i = 0; i < x->change_n; i++) {
		const struct change *ch = &x->change[i];

		answer_element(&c->out, '{');
		json_add_str(&c->out, "reason", reason_name(ch->reason));
		json_add_str(&c->out, "change", ch->text);
		if (ch->with_previous)
			json_add_bool(&c->out, "with_previous", true);
		if (ch->asked)
			add_then(&c->out, &ch->then, c->now);
		answer_time(&c->out, "expected", ch->expected);
		buf_char(&c->out, '}');
	}
	buf_char(&c->out, ']');
}

static void add_ahead(struct call *c, const struct ahead *a)
{
	if (!*a->contact)
		return;
	answer_open(&c->out, "ahead", '{');
	json_add_str(&c->out, "contact", a->contact);
	json_add_str(&c->out, "sequence", a->sequence);
	json_add_str(&c->out, "step", a->step);
	answer_time(&c->out, "at", a->at);
	json_add_int(&c->out, "priority", a->priority);
	json_add_bool(&c->out, "by_priority", a->by_priority);
	json_add_int(&c->out, "count", a->n);
	answer_open(&c->out, "then", '{');
	add_then(&c->out, &a->then, a->at);
	buf_str(&c->out, "}}");
}

static void add_letter(struct call *c, const struct explanation *x)
{
	if (x->letter == REASON_NONE)
		return;
	answer_open(&c->out, "letter", '{');
	json_add_str(&c->out, "reason", reason_name(x->letter));
	answer_text(&c->out, "detail", x->letter_text);
	buf_char(&c->out, '}');
}

/* ---- rows ---- */

static int add_explained(struct call *c, const struct enrollment_row *row)
{
	const struct enrollment *en = &row->enrollment;
	const struct verdict *v;
	struct explanation *x;
	int rc = -1;

	if (en->state != ENROLLMENT_ACTIVE)
		return 0;
	x = mem_alloc(sizeof(*x));
	v = &x->next.verdict;
	if (c->ops->explain(c->ops->arg, row, x, &c->err))
		goto out;
	answer_element(&c->out, '{');
	json_add_str(&c->out, "sequence", en->sequence);
	json_add_str(&c->out, "step", x->next.step ? x->next.step->name : en->step);
	answer_next(&c->out, &x->next);
	if (x->kind >= 0)
		json_add_str(&c->out, "kind", kind_name((enum kind)x->kind));
	if (x->sequence)
		json_add_int(&c->out, "priority", x->sequence->priority);
	if (x->zone) {
		json_add_str(&c->out, "timezone", zone_name(x->zone));
		json_add_str(&c->out, "timezone_from", x->zone_from);
	}
	if (v->kind == VERDICT_WAIT)
		answer_time(&c->out, "ends_at", v->ends_at);
	if (add_evidence(c, row->contact, v))
		goto out;
	add_changes(c, x);
	add_ahead(c, &x->ahead);
	add_letter(c, x);
	buf_char(&c->out, '}');
	rc = 0;
out:
	free(x);
	return rc;
}

/* Nothing comes next there; the sentence says what may be done instead. */
static int add_ended(struct call *c, const struct enrollment_row *row)
{
	const struct enrollment *en = &row->enrollment;
	const struct plan *plan = c->ops->plan(c->ops->arg);
	const struct plan_sequence *q = plan_sequence(plan, en->sequence);
	struct explain_facts f = {
		.kind = VERDICT_STOP,
		.reason = en->ended,
		.contact = row->contact->email,
		.sequence = en->sequence,
		.step = en->step,
		.plan = q ? q->sequence : NULL,
		.retry_for = plan->config->smtp.retry_for,
	};
	char text[EXPLAIN_TEXT_MAX];

	if (en->state == ENROLLMENT_ACTIVE)
		return 0;
	answer_element(&c->out, '{');
	json_add_str(&c->out, "sequence", en->sequence);
	json_add_str(&c->out, "state", enrollment_state_name(en->state));
	if (en->state == ENROLLMENT_STOPPED) {
		json_add_str(&c->out, "reason", reason_name(en->ended));
		answer_text(&c->out, "change", explain_sentence(&f, text));
	}
	buf_char(&c->out, '}');
	return 0;
}

int verb_explain(struct call *c)
{
	struct contact *contact;
	int status = call_contact(c, &contact);

	if (status != 200)
		return status;
	if (answer_enrollments(c, "rows", contact, add_explained) || answer_enrollments(c, "ended", contact, add_ended) ||
	    answer_standing(c, contact))
		status = call_failed(c);
	contact_free(&contact);
	return status;
}
