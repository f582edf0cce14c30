/* The scheduler's life: made, given a plan, woken, ended. The work is in turn.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/json.h"
#include "abv/log.h"
#include "abv/mem.h"
#include "scheduler_int.h"

static void plan_taken(struct scheduler *s)
{
	memset(s->judged, 0, JUDGED_MAX * sizeof *s->judged);
	s->judged_n = 0;
	s->asks = s->shared_caps = false;
	for (size_t i = 0; i < s->plan->config->sequence_n; i++) {
		const struct policy *p = &s->plan->config->sequence[i].policy;
		s->shared_caps |= p->provider.n > 0 || p->sender.n > 0 || p->warmup.start > 0;
	}
	for (size_t i = 0; i < s->plan->config->sequence_n; i++)
		for (size_t k = 0; k < s->plan->sequence[i].sequence->step_n; k++)
			s->asks |= template_kind(s->plan->sequence[i].step[k].template) == KIND_ASK;
	s->ready_max = (size_t)s->plan->config->smtp.connections * 2;
	s->ready = mem_grow(s->ready, s->ready_max, sizeof *s->ready);
	s->ready_n = 0;
	s->due_stale = true;
}

static void warn_removed(void *arg, const char *sequence)
{
	const struct scheduler *s = arg;
	if (plan_sequence(s->plan, sequence) == NULL)
		log_warning("sequence=%s is not in the configuration: the people in it wait until it is back, or until `abvctl stop CONTACT %s`", sequence,
		            sequence);
}

/* What is reserved was allowed by the policy before. Once the new one is in force (config_loaded says so in the log) only it counts for what
 * is handed over: such a message is due again, and asked about anew. */
static void jobs_outdate(struct scheduler *s)
{
	struct job *j;
	TAILQ_FOREACH (j, &s->jobs, link)
		j->outdated |= job_is_letter(j);
}

/* People in flight go on under the new plan: those whose rules changed are asked again, and always those who wait for a template. */
static int plan_apply(struct scheduler *s, struct err *e)
{
	int64_t now = clock_now(s->clock);
	const char *hash = s->plan->config->policy_hash;
	bool changed = strcmp(store_setting(s->store, "policy_hash"), hash) != 0;
	if (store_begin(s->store, e) != 0)
		return -1;
	if (store_wake_gate(s->store, now, e) != 0 || (changed && store_wake_sequence(s->store, NULL, now, e) != 0) ||
	    store_setting_put(s->store, "policy_hash", hash, e) != 0) {
		store_rollback(s->store);
		return -1;
	}
	if (store_commit_now(s->store, e) != 0)
		return -1;
	plan_taken(s);
	if (changed)
		jobs_outdate(s);
	store_sequences_active(s->store, warn_removed, s, NULL);
	slots_ask_all(s, now, false);
	rate_set(s, s->plan->config->policy.rate);
	return 0;
}

int scheduler_new(struct store *store, const struct clock *clock, const struct plan *plan, const struct scheduler_hooks *hooks, struct scheduler **out, struct err *e)
{
	struct scheduler *s = mem_alloc(sizeof *s);
	s->store = store;
	s->clock = clock;
	s->plan = plan;
	s->hooks = *hooks;
	s->relay_usable = true;
	s->next_due = CLOCK_NEVER;
	s->recheck_after = -1;
	s->due = mem_array(DUE_MAX, sizeof *s->due);
	s->due_row = mem_array(DUE_MAX, sizeof *s->due_row);
	s->judged = mem_array(JUDGED_MAX, sizeof *s->judged);
	TAILQ_INIT(&s->jobs);
	pause_load(s);
	streak_load(s);
	if (record_recovery(s, e) != 0 || notes_recover(s, e) != 0 || slots_load(s, e) != 0 || plan_apply(s, e) != 0) {
		scheduler_free(&s);
		return -1;
	}
	*out = s;
	return 0;
}

void scheduler_free(struct scheduler **sp)
{
	struct scheduler *s = *sp;
	struct job *j, *t;
	if (s == NULL)
		return;
	*sp = NULL;
	TAILQ_FOREACH_SAFE (j, &s->jobs, link, t)
		job_free(s, &j);
	free(s->slot);
	pause_clear(&s->paused);
	rate_free(&s->rate);
	rendered_free(&s->rendered);
	buf_free(&s->composed);
	free(s->due);
	free(s->due_row);
	free(s->judged);
	free(s->withheld);
	free(s->ready);
	slots_free(&s->slots);
	free(s);
}

void scheduler_set_delivery(struct scheduler *s, const struct delivery *d)
{
	s->delivery = d;
}

int scheduler_set_plan(struct scheduler *s, const struct plan *plan, struct err *e)
{
	const struct plan *old = s->plan;
	s->plan = plan;
	if (plan_apply(s, e) != 0) {
		s->plan = old; /* nothing of the new one took effect */
		return -1;
	}
	s->hooks.turn_soon(s->hooks.arg);
	return 0;
}

void scheduler_wake(struct scheduler *s)
{
	s->due_stale = true;
	s->hooks.turn_soon(s->hooks.arg);
}

void scheduler_answered(struct scheduler *s)
{
	pause_load(s); /* the circuit breaker may have paused sending */
	notes_load(s);
	scheduler_wake(s);
}

void scheduler_settings_changed(struct scheduler *s)
{
	bool was = s->paused.all;
	pause_load(s);
	s->due_n = s->due_next = s->ready_n = 0; /* what was read before may be of a sequence that is paused now */
	if (was && !s->paused.all) { /* an operator looked: the next outcome carries out what was withheld */
		s->streak = 0;
		s->confirm = s->withheld_n > 0;
	}
	scheduler_wake(s);
}

void scheduler_hold(struct scheduler *s, bool held)
{
	if (s->held == held)
		return;
	s->held = held;
	scheduler_wake(s);
}

void scheduler_finish(struct scheduler *s)
{
	s->finishing = true;
	scheduler_tests_end(s, "abvd is ending");
	s->hooks.turn_soon(s->hooks.arg);
}

bool scheduler_idle(const struct scheduler *s)
{
	return s->job_n == 0 && !streak_rests(s) && !s->committing;
}
