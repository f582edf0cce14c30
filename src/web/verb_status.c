/* Verbs about the service: status, config. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "abv/render.h"
#include "control_int.h"

/* The store counts active enrollments, but not those of each sequence: up to so many they are counted here. */
#define COUNT_MAX 5000

/* ---- status ---- */

struct active_count {
	const struct plan *plan;
	int64_t *n; /* of each sequence of the plan */
};

static void count_row(void *arg, const struct enrollment *en, const char *email)
{
	struct active_count *a = arg;
	const struct plan_sequence *s = plan_sequence(a->plan, en->sequence);

	(void)email;
	if (s)
		a->n[s - a->plan->sequence]++;
}

/* Letters that a person vouches for: "STEP: WHO AND WHY". */
static void add_vouched(struct call *c, const struct plan_sequence *s)
{
	struct buf one = { 0 };

	answer_open(&c->out, "vouched", '[');
	for (size_t i = 0; i < s->sequence->step_n; i++) {
		const char *who = template_vouched_by(s->step[i].template);

		if (!*who)
			continue;
		buf_clear(&one);
		buf_printf(&one, "%s: %s", s->sequence->step[i].name, who);
		if (c->out.data[c->out.len - 1] != '[')
			buf_char(&c->out, ',');
		json_quote(&c->out, one.data, one.len);
	}
	buf_char(&c->out, ']');
	buf_free(&one);
}

static void add_sequence(struct call *c, const struct plan_sequence *s, const int64_t *active)
{
	char *name = mem_printf("paused:%s", s->sequence->name);

	answer_element(&c->out, '{');
	json_add_str(&c->out, "name", s->sequence->name);
	json_add_bool(&c->out, "startable", s->startable);
	json_add_bool(&c->out, "paused", *store_setting(c->store, name) != '\0');
	json_add_int(&c->out, "steps", (int64_t)s->sequence->step_n);
	add_vouched(c, s);
	if (active)
		json_add_int(&c->out, "active", *active);
	buf_char(&c->out, '}');
	free(name);
}

static int add_sequences(struct call *c, int64_t active)
{
	const struct plan *plan = c->ops->plan(c->ops->arg);
	struct active_count a = { .plan = plan, .n = mem_array(plan->config->sequence_n + 1, sizeof(*a.n)) };
	bool counts = active <= COUNT_MAX;
	int rc = counts ? store_queue(c->store, COUNT_MAX, count_row, &a, &c->err) : 0;

	answer_open(&c->out, "sequences", '[');
	for (size_t i = 0; i < plan->config->sequence_n; i++)
		add_sequence(c, &plan->sequence[i], counts ? &a.n[i] : NULL);
	buf_char(&c->out, ']');
	free(a.n);
	return rc;
}

/* People wait in sequences that the configuration does not have any more. */
static void removed_row(void *arg, const char *sequence)
{
	struct call *c = arg;

	if (plan_sequence(c->ops->plan(c->ops->arg), sequence))
		return;
	if (c->out.data[c->out.len - 1] != '[')
		buf_char(&c->out, ',');
	json_quote(&c->out, sequence, strlen(sequence));
}

static int add_removed(struct call *c)
{
	int n;

	answer_open(&c->out, "removed", '[');
	n = store_sequences_active(c->store, removed_row, c, &c->err);
	buf_char(&c->out, ']');
	return n < 0 ? -1 : 0;
}

static void add_counts(struct call *c, const struct store_counts *n)
{
	answer_open(&c->out, "counts", '{');
	json_add_int(&c->out, "contacts", n->contacts);
	json_add_int(&c->out, "accounts", n->accounts);
	json_add_int(&c->out, "active", n->enrollments_active);
	json_add_int(&c->out, "completed", n->enrollments_completed);
	json_add_int(&c->out, "stopped", n->enrollments_stopped);
	json_add_int(&c->out, "suppressions", n->suppressions);
	answer_open(&c->out, "touches", '{');
	for (int i = 0; i < TOUCH_STATE_COUNT; i++)
		json_add_int(&c->out, touch_state_name((enum touch_state)i), n->touches[i]);
	buf_str(&c->out, "}}");
}

int verb_status(struct call *c)
{
	struct store_counts n;

	if (store_counts(c->store, &n, &c->err))
		return call_failed(c);
	json_add_str(&c->out, "version", ABV_VERSION);
	json_add_time(&c->out, "now", c->now);
	if (add_sequences(c, n.enrollments_active) || add_removed(c))
		return call_failed(c);
	add_counts(c, &n);
	json_add_int(&c->out, "events", store_event_last(c->store));
	c->ops->status(c->ops->arg, &c->out);
	return 200;
}

/* ---- config ---- */

int verb_config(struct call *c)
{
	const struct config *config = c->ops->plan(c->ops->arg)->config;
	char line[16];

	answer_open(&c->out, "rows", '[');
	for (size_t i = 0; i < config->value_n; i++) {
		const struct config_value *v = &config->value[i];
		struct buf source = { 0 };

		(void)snprintf(line, sizeof(line), ":%d", v->line);
		buf_str(&source, *v->file ? v->file : "default");
		buf_str(&source, *v->file ? line : "");
		answer_element(&c->out, '{');
		json_add_str(&c->out, "key", v->key);
		json_add_str(&c->out, "value", v->value);
		json_add_str(&c->out, "source", buf_text(&source));
		buf_char(&c->out, '}');
		buf_free(&source);
	}
	buf_char(&c->out, ']');
	return 200;
}
