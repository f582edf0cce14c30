/* Verbs about sending: pause, resume, queue, test, unknown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "control_int.h"

#define QUEUE_LIMIT     20
#define QUEUE_LIMIT_MAX 10000
#define QUEUE_ASK_MAX   500 /* an answer costs some 50 us, and all are given in one turn of the loop */

/* ---- pause, resume: settings "paused" (all sending) and "paused:SEQUENCE" ---- */

static char *pause_name(const char *sequence)
{
	return *sequence ? mem_printf("paused:%s", sequence) : mem_strdup("paused");
}

static int pause_set(struct call *c, bool pause)
{
	const char *sequence = call_text(c, "sequence");
	char *name = pause_name(sequence);
	bool was = *store_setting(c->store, name) != '\0';
	int rc = 0;

	if (was != pause) {
		rc = store_setting_put(c->store, name, pause ? "manual" : "", &c->err);
		if (!rc)
			rc = call_event(c, pause ? EVENT_PAUSED : EVENT_RESUMED, NULL, NULL, sequence, "", "");
		/* Nobody is woken: while a pause lasts the scheduler asks nobody, so nobody's wait rests on it. */
	}
	free(name);
	json_add_bool(&c->out, "paused", pause);
	json_add_bool(&c->out, "changed", was != pause);
	return rc ? call_failed(c) : 200;
}

int verb_pause(struct call *c)
{
	const struct plan_sequence *s;
	int status = *call_text(c, "sequence") ? call_sequence(c, &s) : 200;

	return status == 200 ? pause_set(c, true) : status;
}

int verb_resume(struct call *c)
{
	const struct plan_sequence *s;
	char *name = pause_name(call_text(c, "sequence"));
	bool paused = *store_setting(c->store, name) != '\0';
	int status = 200;

	free(name);
	/* one that was paused may be gone from the configuration: the pause can still be taken back */
	if (!paused && *call_text(c, "sequence"))
		status = call_sequence(c, &s);
	return status == 200 ? pause_set(c, false) : status;
}

int verb_pause_after(struct call *c)
{
	c->ops->settings_changed(c->ops->arg);
	return 200;
}

/* ---- queue ---- */

struct queue {
	struct call *call;
	int asked, rc;
};

/* What holds up all of a sequence, or everybody: it was told once, not to each. */
static enum reason queue_held(const struct call *c, const struct enrollment *en)
{
	const struct plan_sequence *s = plan_sequence(c->ops->plan(c->ops->arg), en->sequence);
	char *name = pause_name(en->sequence);
	bool paused = *store_setting(c->store, name) != '\0';

	free(name);
	if (!s)
		return REASON_SEQUENCE_REMOVED;
	if (!s->startable)
		return REASON_SEQUENCE_NOT_STARTED;
	if (paused)
		return REASON_SEQUENCE_PAUSED;
	return *store_setting(c->store, "paused") != '\0' ? REASON_SENDING_PAUSED : REASON_NONE;
}

/* No reason was told, so nobody has asked about it since its last step: what holds it back is asked now. True: told. */
static bool queue_ask(struct queue *q, int64_t id)
{
	struct call *c = q->call;
	struct enrollment_row *row = NULL;
	struct next_step next = { 0 };
	bool told = false;

	if (q->rc < 0 || q->asked++ >= QUEUE_ASK_MAX)
		return false;
	q->rc = store_enrollment(c->store, id, &row, &c->err);
	if (q->rc > 0)
		q->rc = c->ops->next(c->ops->arg, row, &next, &c->err);
	if (q->rc >= 0 && row) {
		bool waits = next.verdict.kind == VERDICT_WAIT;

		answer_time(&c->out, "next", waits ? next.verdict.until : c->now);
		json_add_str(&c->out, "verdict", verdict_kind_name(next.verdict.kind));
		answer_text(&c->out, "reason", reason_name(next.verdict.reason));
		answer_text(&c->out, "note", next.note);
		told = true;
	}
	enrollment_row_free(&row);
	return told;
}

static void queue_row(void *arg, const struct enrollment *en, const char *email)
{
	struct queue *q = arg;
	struct call *c = q->call;
	enum reason held = queue_held(c, en);
	bool flies = en->next_at == CLOCK_NEVER && en->touch_id;

	answer_element(&c->out, '{');
	json_add_str(&c->out, "contact", email);
	json_add_str(&c->out, "sequence", en->sequence);
	json_add_str(&c->out, "step", en->step);
	answer_time(&c->out, "due", en->due_at);
	if (flies) {
		answer_text(&c->out, "reason", reason_name(REASON_IN_FLIGHT));
	} else if (held != REASON_NONE) {
		answer_text(&c->out, "reason", reason_name(held));
	} else if (en->wait != REASON_NONE || !queue_ask(q, en->id)) {
		enum reason reason = en->wait == REASON_NONE && en->next_at > c->now ? REASON_AFTER : en->wait;

		answer_time(&c->out, "next", en->next_at);
		answer_text(&c->out, "reason", reason_name(reason));
	}
	buf_char(&c->out, '}');
}

int verb_queue(struct call *c)
{
	int64_t limit = call_integer(c, "limit", QUEUE_LIMIT);
	struct queue q = { .call = c };

	if (limit < 1 || limit > QUEUE_LIMIT_MAX)
		return call_refuse(c, 400, "limit: this must be 1 to %d", QUEUE_LIMIT_MAX);
	answer_open(&c->out, "rows", '[');
	if (store_queue(c->store, (int)limit, queue_row, &q, &c->err) || q.rc < 0)
		return call_failed(c);
	buf_char(&c->out, ']');
	return 200;
}

/* ---- test ---- */

static void test_done(void *arg, const struct delivery_result *result, const char *failure)
{
	struct call *c = arg;

	c->awaited = false;
	c->keep = true; /* the relay's words, also with a refusal */
	c->status = 200;
	if (!result) {
		c->status = call_refuse(c, 409, "%s", failure ? failure : "the message was not sent");
	} else {
		if (result->outcome != OUTCOME_ACCEPTED)
			c->status = call_refuse(c, 409, "%s: %d %s", outcome_name(result->outcome), result->code,
						result->reply);
		json_add_str(&c->out, "outcome", outcome_name(result->outcome));
		json_add_int(&c->out, "smtp_code", result->code);
		json_add_str(&c->out, "smtp_reply", result->reply);
	}
	if (c->parked || !c->control)
		call_finish(c, c->status);
}

int verb_test(struct call *c)
{
	const struct plan_sequence *s;
	const char *step = call_text(c, "step");
	char to[MAILADDR_MAX];
	struct err why = { "" };
	enum reason suppressed;
	int status = call_sequence(c, &s);

	if (status != 200)
		return status;
	if (sequence_step_find(s->sequence, step) < 0)
		return call_refuse(c, 404, "step: sequence '%s' has no step '%.128s'", s->sequence->name, step);
	if (mailaddr_parse(call_text(c, "to"), to, &why))
		return call_refuse(c, 400, "to: %s", why.text);
	suppressed = store_suppressed(c->store, to);
	if (suppressed != REASON_NONE) /* whoever said no means every letter */
		return call_refuse(c, 409, "to: '%s' is suppressed (%s); unsuppress it, or name another address", to,
				   reason_name(suppressed));
	c->awaited = true;
	if (c->ops->test(c->ops->arg, s->sequence->name, step, to, test_done, c, &c->err)) {
		c->awaited = false;
		return 409;
	}
	return c->awaited ? CALL_LATER : c->status;
}

/* ---- unknown ---- */

struct ids {
	int64_t *id;
	size_t n;
};

static void id_row(void *arg, const struct touch *t)
{
	struct ids *l = arg;

	l->id = mem_grow(l->id, l->n + 1, sizeof(*l->id));
	l->id[l->n++] = t->id;
}

static int unknown_row(struct call *c, int64_t id)
{
	struct contact *contact = NULL;
	struct touch *t = NULL;
	int rc = store_touch(c->store, id, &t, &c->err);

	if (rc > 0)
		rc = store_contact_by_id(c->store, t->contact_id, &contact, &c->err);
	if (rc > 0) {
		answer_element(&c->out, '{');
		json_add_int(&c->out, "id", t->id);
		json_add_str(&c->out, "contact", contact->email);
		json_add_str(&c->out, "sequence", t->sequence);
		json_add_str(&c->out, "step", t->step);
		answer_time(&c->out, "at", t->at);
		json_add_str(&c->out, "message_id", t->message_id);
		buf_char(&c->out, '}');
	}
	contact_free(&contact);
	touch_free(&t);
	return rc < 0 ? -1 : 0;
}

static int unknown_list(struct call *c)
{
	struct ids l = { 0 };
	int rc = store_touches_in(c->store, TOUCH_UNKNOWN, id_row, &l, &c->err) < 0 ? -1 : 0;

	answer_open(&c->out, "rows", '[');
	for (size_t i = 0; i < l.n && !rc; i++)
		rc = unknown_row(c, l.id[i]);
	buf_char(&c->out, ']');
	free(l.id);
	return rc ? call_failed(c) : 200;
}

int verb_unknown(struct call *c)
{
	static const char *const names[] = {
		[UNKNOWN_ACCEPT] = "accept", [UNKNOWN_RESEND] = "resend", [UNKNOWN_DROP] = "drop"
	};
	const char *action = call_text(c, "action");
	int64_t id = call_integer(c, "id", 0);
	struct touch *t = NULL;
	size_t i = 0;
	int found;

	if (!*action || !strcmp(action, "list"))
		return unknown_list(c);
	while (i < sizeof(names) / sizeof(names[0]) && strcmp(action, names[i]) != 0)
		i++;
	if (i == sizeof(names) / sizeof(names[0]))
		return call_refuse(c, 400, "action: '%.64s' is none of list, accept, resend, drop", action);
	if (id <= 0)
		return call_refuse(c, 400, "id: '%s' needs the id of an unknown touch", action);
	found = store_touch(c->store, id, &t, &c->err);
	if (found > 0)
		found = t->state == TOUCH_UNKNOWN;
	touch_free(&t);
	if (found < 0)
		return call_failed(c);
	if (!found)
		return call_refuse(c, 404, "id: there is no unknown touch %lld", (long long)id);
	if (c->ops->resolve(c->ops->arg, id, (enum unknown_action)i, &c->err))
		return 409;
	json_add_bool(&c->out, "changed", true);
	return 200;
}
