/* A simulation's life: made at an instant, fed with contacts, run. The clock only moves when the scheduler rests: to
 * the earlier of what the scheduler waits for and the next answer. Events are handed out after each commit and leave
 * the store in slices, so that a year of many contacts needs the memory of its people, not of its history's text. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "abv/store.h"
#include "abv/web.h"
#include "simulate_int.h"

#define EVENTS_AT_ONCE 256
#define EVENTS_KEPT    4096     /* so many that were handed out may stay in the store */
#define TURNS_MAX      10000000 /* at one instant: a scheduler that never rests is a fault, not a long simulation */

struct simulation {
	const struct plan *plan;
	struct simulate_hooks hooks;
	struct clock clock;
	struct store *store;
	struct scheduler *scheduler;
	struct control *control;
	struct relay relay;
	struct recipients recipients;
	bool turn_wanted;
	int64_t shown, pruned; /* seq up to which events were handed out, and have left the store */
};

/* ---- events ---- */

static void event_row(void *arg, const struct event *ev)
{
	struct simulation *s = arg;

	s->shown = ev->seq;
	if (ev->type == EVENT_SENT)
		recipients_touch(&s->recipients, ev);
	if (s->hooks.event)
		s->hooks.event(s->hooks.arg, ev);
}

static int events_prune(struct simulation *s, struct err *e)
{
	if (store_begin(s->store, e))
		return -1;
	if (store_events_prune(s->store, s->shown, CLOCK_NEVER, (int)(s->shown - s->pruned), e) < 0) {
		store_rollback(s->store);
		return -1;
	}
	s->pruned = s->shown;
	return store_commit_now(s->store, e);
}

static int events_show(struct simulation *s, struct err *e)
{
	while (store_event_last(s->store) > s->shown) {
		if (store_events(s->store, s->shown, EVENTS_AT_ONCE, event_row, s, e) < 0)
			return -1;
	}
	return s->shown - s->pruned >= EVENTS_KEPT ? events_prune(s, e) : 0;
}

/* As the daemon's: the audit judges what stands behind it. */
static int event_config(struct simulation *s, struct err *e)
{
	struct buf b = { 0 };
	struct event ev = { .ts = clock_now(&s->clock),
			    .type = EVENT_CONFIG_LOADED,
			    .address = "",
			    .account = "",
			    .sequence = "",
			    .step = "",
			    .kind = -1 };
	int64_t seq;
	int rc;

	json_add_str(&b, "policy", s->plan->config->policy_hash);
	json_add_double(&b, "scale", 1);
	json_add_str(&b, "config", s->plan->config->path);
	ev.detail = buf_text(&b);
	rc = store_begin(s->store, e);
	if (!rc && store_event_add(s->store, &ev, &seq, e)) {
		store_rollback(s->store);
		rc = -1;
	}
	buf_free(&b);
	return rc || store_commit_now(s->store, e) ? -1 : events_show(s, e);
}

/* ---- what the scheduler and the verbs ask of their surroundings ---- */

static void hook_committed(void *arg)
{
	(void)arg; /* the run shows events after each turn */
}

static void hook_turn_soon(void *arg)
{
	((struct simulation *)arg)->turn_wanted = true;
}

static void hook_turn_in(void *arg, int64_t real_ms)
{
	((struct simulation *)arg)->turn_wanted |= real_ms == 0; /* any other wait is policy time: scheduler_next_at */
}

static const struct plan *op_plan(void *arg)
{
	return ((struct simulation *)arg)->plan;
}

static int64_t op_now(void *arg)
{
	return simulation_now(arg);
}

static void op_changed(void *arg)
{
	struct simulation *s = arg;

	scheduler_wake(s->scheduler);
	(void)events_show(s, NULL); /* tried again, with its error, by whoever called the verb */
}

static int op_enroll(void *arg, const struct contact *c, const struct sequence *q, bool log_refusal, enum reason *why,
		     struct err *e)
{
	return scheduler_enroll(((struct simulation *)arg)->scheduler, c, q, log_refusal, why, e);
}

/* ---- life ---- */

/* Message-IDs are made with the store's key, and must be the same in every run. */
static int key_of_seed(struct simulation *s, uint64_t seed, struct err *e)
{
	struct key key;

	for (size_t i = 0; i < KEY_BYTES; i++)
		key.byte[i] = (unsigned char)(random_next(&seed) >> 56);
	return store_key_set(s->store, &key, e);
}

int simulation_new(const struct plan *plan, const struct simulate_model *m, int64_t from,
		   const struct simulate_hooks *hooks, struct simulation **out, struct err *e)
{
	struct simulation *s = mem_alloc(sizeof(*s));
	struct scheduler_hooks turns = { s, hook_committed, hook_turn_soon, hook_turn_in };
	struct control_ops ops = {
		.arg = s, .plan = op_plan, .now = op_now, .changed = op_changed, .enroll = op_enroll
	}; /* what import and enroll ask for */

	s->plan = plan;
	s->hooks = *hooks;
	s->recipients.model = *m;
	clock_init_manual(&s->clock, from);
	relay_open(&s->relay);
	if (store_open(":memory:", &s->store, e) != STORE_OK || key_of_seed(s, m->seed, e) ||
	    scheduler_new(s->store, &s->clock, plan, &turns, &s->scheduler, e) ||
	    control_open(NULL, NULL, s->store, &ops, &s->control, e) || event_config(s, e)) {
		simulation_free(&s);
		return -1;
	}
	scheduler_sink(s->scheduler, &s->relay.sink);
	scheduler_set_delivery(s->scheduler, &s->relay.delivery);
	*out = s;
	return 0;
}

void simulation_free(struct simulation **sp)
{
	struct simulation *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	control_close(&s->control);
	scheduler_free(&s->scheduler);
	store_close(&s->store);
	recipients_free(&s->recipients);
	free(s);
}

int64_t simulation_now(const struct simulation *s)
{
	return clock_now(&s->clock);
}

struct scheduler *simulation_scheduler(struct simulation *s)
{
	return s->scheduler;
}

struct store *simulation_store(struct simulation *s)
{
	return s->store;
}

/* ---- people come in ---- */

static int verb(struct simulation *s, const char *name, const char *json, size_t n, struct buf *answer, struct err *e)
{
	int status = control_handle(s->control, name, json, n, answer);
	json_t *refusal;
	const char *why;

	if (status == 200)
		return events_show(s, e);
	refusal = json_loadb(answer->data, answer->len, 0, NULL);
	why = json_string_value(json_object_get(refusal, "error"));
	err_set(e, "%s", why ? why : "refused");
	json_decref(refusal);
	return -1;
}

int simulation_import(struct simulation *s, const char *json, size_t n, struct buf *answer, struct err *e)
{
	return verb(s, "import", json, n, answer, e);
}

int simulation_enroll(struct simulation *s, const char *sequence, struct err *e)
{
	struct buf body = { 0 }, answer = { 0 };
	int rc;

	buf_char(&body, '{');
	json_add_str(&body, "sequence", sequence);
	json_add_bool(&body, "all", true);
	buf_char(&body, '}');
	rc = verb(s, "enroll", body.data, body.len, &answer, e);
	buf_free(&body);
	buf_free(&answer);
	return rc;
}

/* ---- time passes ---- */

/* Turns until nothing is left to do at this instant. */
static int settle(struct simulation *s, struct err *e)
{
	int64_t now = clock_now(&s->clock);
	char text[CLOCK_TEXT_MAX];

	for (int i = 0; s->turn_wanted || scheduler_next_at(s->scheduler) <= now; i++) {
		if (i == TURNS_MAX)
			return err_set(e, "the scheduler does not come to rest at %s %s", clock_format(now, text),
				       store_error(s->store));
		s->turn_wanted = false;
		scheduler_turn(s->scheduler);
		if (events_show(s, e))
			return -1;
	}
	return 0;
}

static int answer(struct simulation *s, const struct reaction *x, struct err *e)
{
	bool bounce = x->kind == ANSWER_BOUNCE, reply = x->kind == ANSWER_REPLY;
	struct answer a = { .kind = x->kind,
			    .contact_id = x->contact_id,
			    .touch_id = x->touch_id,
			    .permanent = bounce,
			    .until = x->until,
			    .status = bounce ? "5.1.1" : "",
			    .subject = reply ? "Re: simulated" : "",
			    .text = reply ? "simulated" : "",
			    .via = x->kind == ANSWER_UNSUBSCRIBE ? "mailto" : "" };

	return scheduler_answer(s->scheduler, &a, e);
}

static int answers(struct simulation *s, struct err *e)
{
	int64_t now = clock_now(&s->clock);
	struct reaction x;

	if (recipients_next(&s->recipients) > now)
		return 0;
	if (store_begin(s->store, e))
		return -1;
	while (recipients_take(&s->recipients, now, &x)) {
		if (answer(s, &x, e)) {
			store_rollback(s->store);
			return -1;
		}
	}
	if (store_commit_now(s->store, e))
		return -1;
	scheduler_wake(s->scheduler);
	return events_show(s, e);
}

int simulation_run(struct simulation *s, int64_t until, struct err *e)
{
	int64_t next, other;

	for (;;) {
		if (settle(s, e))
			return -1;
		next = scheduler_next_at(s->scheduler);
		other = recipients_next(&s->recipients);
		next = other < next ? other : next;
		if (next > until)
			break;
		clock_set(&s->clock, next);
		s->turn_wanted = true;
		if (answers(s, e))
			return -1;
	}
	if (until > clock_now(&s->clock))
		clock_set(&s->clock, until);
	return 0;
}
