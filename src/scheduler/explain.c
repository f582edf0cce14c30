/* `abvctl explain`: what comes next for an enrollment, and what would have it go earlier. Nothing is written, and nothing is guessed: each
 * instant is the governor's answer to a question that is a little otherwise, and the letter is composed as it would be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/explain.h"
#include "abv/mem.h"
#include "scheduler_int.h"

#define COLLEAGUES_MAX 64
#define WORTH          CLOCK_HOUR /* what goes earlier by less is told as the same time */

/* The contact's other active enrollments: they share its caps, and their value touches are its gifts. And those of its colleagues that
 * may go in the same time: they share the account's. */
struct peer {
	bool colleague;
	char contact[MAILADDR_MAX];
	int64_t id, due_at;
	char sequence[128], step[128];
	int32_t priority;
	enum kind kind;
	struct verdict verdict;
	bool planned; /* sequence and step are in the plan */
};

struct work {
	struct scheduler *s;
	const struct enrollment_row *row;
	int64_t now;
	struct candidate c;
	struct asked asked;
	bool governed;       /* `asked` holds: the governor decides */
	struct peer *peer;   /* owned */
	size_t peer_n;
	char detail[EXPLAIN_TEXT_MAX];
	char source[256];
	struct explanation *out;
};

/* ---- the other enrollments ---- */

struct ids {
	int64_t *id;
	size_t n;
};

static void id_row(void *arg, const struct enrollment *en)
{
	struct ids *l = arg;
	if (en->state != ENROLLMENT_ACTIVE)
		return;
	l->id = mem_grow(l->id, l->n + 1, sizeof *l->id);
	l->id[l->n++] = en->id;
}

static int peer_read(struct work *w, int64_t id, bool colleague, struct err *e)
{
	struct candidate c;
	int found = scheduler_decide(w->s, id, w->now, true, &c, e);
	if (found <= 0)
		return found;
	w->peer = mem_grow(w->peer, w->peer_n + 1, sizeof *w->peer);
	struct peer *p = &w->peer[w->peer_n++];
	const struct enrollment *en = &c.row->enrollment;
	*p = (struct peer){ .colleague = colleague, .id = id, .due_at = en->due_at, .verdict = c.verdict };
	snprintf(p->contact, sizeof p->contact, "%s", c.row->contact->email);
	snprintf(p->sequence, sizeof p->sequence, "%s", en->sequence);
	snprintf(p->step, sizeof p->step, "%s", en->step);
	if (c.sequence != NULL && c.step >= 0) {
		p->planned = true;
		p->priority = c.sequence->sequence->priority;
		p->kind = template_kind(c.sequence->step[c.step].template);
	}
	candidate_free(&c);
	return 0;
}

static int peers_read(struct work *w, struct err *e)
{
	struct ids l = { 0 };
	int rc = store_enrollments_of(w->s->store, w->row->contact->id, id_row, &l, e) < 0 ? -1 : 0;
	for (size_t i = 0; i < l.n && rc == 0; i++)
		if (l.id[i] != w->row->enrollment.id)
			rc = peer_read(w, l.id[i], false, e);
	free(l.id);
	return rc;
}

/* When it goes: now, at the end of its wait, or never by itself. */
static int64_t goes_at(const struct verdict *v, int64_t now)
{
	return v->kind == VERDICT_SEND ? now : v->kind == VERDICT_WAIT ? v->until : CLOCK_NEVER;
}

static const struct peer *next_gift(const struct work *w)
{
	const struct peer *best = NULL;
	for (size_t i = 0; i < w->peer_n; i++) {
		const struct peer *p = &w->peer[i];
		if (p->planned && !p->colleague && p->kind == KIND_VALUE && (best == NULL || goes_at(&p->verdict, w->now) < goes_at(&best->verdict, w->now)))
			best = p;
	}
	return best;
}

static int colleagues_read(struct work *w, struct err *e)
{
	const struct contact *c = w->row->contact;
	const struct policy *p = &w->c.sequence->sequence->policy;
	int64_t id[COLLEAGUES_MAX], mine = goes_at(&w->out->next.verdict, w->now);
	int n = 0, rc = 0;
	if (c->account_id != 0 && mine != CLOCK_NEVER && (p->account.n > 0 || p->account_min_gap.ms > 0 || p->account_min_gap.business_days > 0))
		n = store_colleagues(w->s->store, c->account_id, c->id, mine, id, COLLEAGUES_MAX, e);
	for (int i = 0; i < n && rc == 0; i++)
		rc = peer_read(w, id[i], true, e);
	return n < 0 ? -1 : rc;
}

/* Of those due at one instant the higher priority goes first, then the older due time. */
static bool goes_first(const struct work *w, const struct peer *p, int64_t mine)
{
	int64_t its = goes_at(&p->verdict, w->now);
	int32_t priority = w->c.sequence->sequence->priority;
	if (its != mine)
		return its < mine;
	if (p->priority != priority)
		return p->priority > priority;
	return p->due_at < w->row->enrollment.due_at || (p->due_at == w->row->enrollment.due_at && p->id < w->row->enrollment.id);
}

static int peer_order(const void *a, const void *b)
{
	const struct peer *x = a, *y = b;
	int64_t xat = goes_at(&x->verdict, 0), yat = goes_at(&y->verdict, 0); /* 0: now is before all else */
	if (xat != yat)
		return xat < yat ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x->due_at < y->due_at ? -1 : x->due_at > y->due_at;
}

/* Those that go first are added to the past, in their order, until this one has to wait longer. What they do to each other is left out:
 * fewer of them may go, but those that make it wait have then taken its place. */
static void ahead_fill(struct work *w)
{
	int64_t mine = goes_at(&w->out->next.verdict, w->now);
	struct rival rival[COLLEAGUES_MAX];
	struct ahead *a = &w->out->ahead;
	size_t n = 0;
	if (mine == CLOCK_NEVER || w->peer_n == 0)
		return;
	qsort(w->peer, w->peer_n, sizeof *w->peer, peer_order);
	for (size_t i = 0; i < w->peer_n && n < COLLEAGUES_MAX; i++) {
		const struct peer *p = &w->peer[i];
		if (!p->planned || !goes_first(w, p, mine))
			continue;
		rival[n++] = (struct rival){ goes_at(&p->verdict, w->now), p->kind, p->colleague };
		if (explain_behind(&w->asked.in, rival, n, &a->then) == 0)
			return;
		if (goes_at(&a->then, rival[n - 1].at) <= mine)
			continue;
		memcpy(a->contact, p->contact, sizeof a->contact);
		memcpy(a->sequence, p->sequence, sizeof a->sequence);
		memcpy(a->step, p->step, sizeof a->step);
		a->at = rival[n - 1].at;
		a->priority = p->priority;
		a->n = (int)n;
		a->by_priority = a->at == mine && p->priority >= w->c.sequence->sequence->priority;
		return;
	}
}

/* ---- what the sentences name ---- */

static const char *const key_row[REASON_COUNT] = {
	[REASON_CONTACT_MIN_GAP] = "cadence.contact.min_gap", [REASON_CONTACT_LIMIT] = "cadence.contact.limits",
	[REASON_ACCOUNT_MIN_GAP] = "cadence.account.min_gap", [REASON_ACCOUNT_LIMIT] = "cadence.account.limits",
	[REASON_PROVIDER_LIMIT] = "cadence.provider.limits",  [REASON_SENDER_LIMIT] = "cadence.sender.limits",
};

/* "abvd.conf:12", "default" */
static const char *source_of(struct work *w, enum reason why)
{
	const struct config *c = w->s->plan->config;
	w->source[0] = '\0';
	for (size_t i = 0; i < c->value_n && key_row[why] != NULL; i++) {
		const struct config_value *v = &c->value[i];
		const char *base = strrchr(v->file, '/');
		if (strcmp(v->key, key_row[why]) != 0)
			continue;
		if (*v->file == '\0')
			snprintf(w->source, sizeof w->source, "default");
		else
			snprintf(w->source, sizeof w->source, "%.200s:%d", base != NULL ? base + 1 : v->file, v->line);
	}
	return w->source;
}

static void gate_words(const struct gate_result *r, char *out, size_t cap)
{
	for (int i = 0; i < r->finding_n; i++) {
		if (r->finding[i].severity != SEVERITY_ERROR && i + 1 < r->finding_n)
			continue;
		snprintf(out, cap, "%s [%s]", r->finding[i].message, r->finding[i].rule);
		return;
	}
	snprintf(out, cap, "the text is not what its kind says");
}

/* The letter as it would be made now: what forbids it, and the words. */
static int letter_look(struct work *w, enum reason *why, char *words, size_t cap, struct err *e)
{
	struct touch none = { .id = 0 }; /* nothing has this number */
	struct candidate c = w->c;
	struct buf findings = { 0 };
	struct err said = { "" };
	struct gate_result gate;
	*why = REASON_NONE;
	c.touch = c.touch != NULL ? c.touch : &none;
	struct job *j = mem_alloc(sizeof *j);
	*j = (struct job){ .state = JOB_STARTING };
	enum composed made = scheduler_compose(w->s, &c, w->now, j, why, &findings, &said);
	if (made == COMPOSED)
		*why = REASON_NONE;
	snprintf(words, cap, "%s", said.text);
	if (*why == REASON_GATE_REFUSED && said.text[0] == '\0') {
		scheduler_judge(w->s, w->asked.in.kind, &gate);
		gate_words(&gate, words, cap);
	}
	buf_free(&findings);
	buf_free(&j->data);
	free(j);
	return made == COMPOSED_ERROR ? err_set(e, "%s", said.text) : 0;
}

/* The template that keeps the sequence from starting. */
static const char *refused_template(const struct plan_sequence *q, char *words, size_t cap)
{
	for (size_t i = 0; i < q->sequence->step_n; i++) {
		if (q->step[i].gate.pass)
			continue;
		gate_words(&q->step[i].gate, words, cap);
		return q->sequence->step[i].template_name;
	}
	return "";
}

static int hold_words(struct work *w, bool account, char *out, size_t cap, struct err *e)
{
	const struct contact *c = w->row->contact;
	char reason[64] = "";
	int64_t until;
	int rc = account ? store_account_hold_get(w->s->store, c->account_id, &until, reason, e)
	                 : store_contact_hold_get(w->s->store, c->id, &until, reason, e);
	snprintf(out, cap, "%s", reason);
	return rc;
}

/* What only the scheduler knows of a reason. */
static int detail_fill(struct work *w, struct explain_facts *f, struct err *e)
{
	const struct touch *t = w->c.touch;
	w->detail[0] = '\0';
	f->detail = w->detail;
	switch (f->reason) {
	case REASON_CONTACT_HOLD:
	case REASON_ACCOUNT_HOLD: return hold_words(w, f->reason == REASON_ACCOUNT_HOLD, w->detail, sizeof w->detail, e);
	case REASON_SENDING_PAUSED:
		if (w->s->paused.refusals)
			snprintf(w->detail, sizeof w->detail, "the relay refused three messages in a row for good: find out why before");
		break;
	case REASON_SEQUENCE_NOT_STARTED: f->template_name = refused_template(w->c.sequence, w->detail, sizeof w->detail); break;
	case REASON_RELAY: snprintf(w->detail, sizeof w->detail, "%s", w->s->relay_why); break;
	case REASON_RETRY:
		if (t != NULL)
			snprintf(w->detail, sizeof w->detail, "%.300s", t->smtp_reply);
		break;
	case REASON_GATE_REFUSED:
	case REASON_UNDEFINED_PLACEHOLDER: snprintf(w->detail, sizeof w->detail, "%s", w->out->letter_text); break;
	default: break;
	}
	return 0;
}

static int facts_fill(struct work *w, enum reason why, const struct evidence *rule, struct explain_facts *f, struct err *e)
{
	const struct enrollment *en = &w->row->enrollment;
	const struct explanation *x = w->out;
	const struct config *config = w->s->plan->config;
	const struct peer *gift = why == REASON_GIFTS ? next_gift(w) : NULL;
	*f = (struct explain_facts){
		.kind = x->next.verdict.kind, .reason = why, .rule = rule,
		.contact = w->row->contact->email, .sequence = en->sequence, .step = en->step,
		.plan = x->sequence, .plan_step = x->next.step, .base = &config->policy, .source = source_of(w, why),
		.zone = x->zone, .zone_unknown = x->zone_from != NULL && strcmp(x->zone_from, "default_timezone") == 0,
		.account_hold = config->account_hold, .retry_for = config->smtp.retry_for,
		.gift_sequence = gift != NULL ? gift->sequence : "", .gift_step = gift != NULL ? gift->step : "",
	};
	if (w->governed) {
		f->unanswered = w->asked.history.unanswered;
		f->given = explain_gifts(&w->asked.history);
		f->spread = explain_spread(&w->asked.in, &x->next.verdict, w->now);
	}
	return detail_fill(w, f, e);
}

/* ---- the changes ---- */

static int change_add(struct work *w, enum reason why, const struct evidence *rule, const struct verdict *then, struct err *e)
{
	struct change *ch = &w->out->change[w->out->change_n++];
	struct explain_facts f;
	*ch = (struct change){ .reason = why, .asked = then != NULL };
	if (then != NULL)
		ch->then = *then;
	if (facts_fill(w, why, rule, &f, e) != 0)
		return -1;
	explain_sentence(&f, ch->text);
	if (why == REASON_GIFTS && next_gift(w) != NULL)
		ch->expected = goes_at(&next_gift(w)->verdict, w->now);
	return 0;
}

static bool has_rule(const struct verdict *v, enum reason why)
{
	for (int i = 0; i < v->evidence_n; i++)
		if (v->evidence[i].reason == why)
			return true;
	return false;
}

/* The deciding rule; and while another holds it up as long, that one too. */
static int changes_deciding(struct work *w, struct err *e)
{
	const struct verdict *v = &w->out->next.verdict;
	struct evidence rule[CHANGES_MAX];
	struct verdict then;
	int n = 1;
	bool known = w->governed && v->evidence_n > 0 && v->evidence[0].reason == v->reason;
	if (!known) {
		bool rate = v->reason == REASON_RATE; /* it is looked at when everything else says send */
		then = (struct verdict){ .kind = VERDICT_SEND };
		return change_add(w, v->reason, v->evidence_n > 0 ? &v->evidence[0] : NULL, rate ? &then : NULL, e);
	}
	for (rule[0] = v->evidence[0];; rule[n++] = then.evidence[0]) {
		bool asked = explain_without(&w->asked.in, v, rule, n, w->now, &then) == 1;
		if (change_add(w, rule[n - 1].reason, &rule[n - 1], asked ? &then : NULL, e) != 0)
			return -1;
		w->out->change[n - 1].with_previous = n > 1;
		if (!asked || then.kind != VERDICT_WAIT || then.evidence_n == 0 || n == CHANGES_MAX)
			return 0;
		if (then.until < v->until && (v->until == CLOCK_NEVER || v->until - then.until >= WORTH))
			return 0;
	}
}

static bool told(const struct explanation *x, enum reason why)
{
	for (int i = 0; i < x->change_n; i++)
		if (x->change[i].reason == why)
			return true;
	return false;
}

/* Rules that do not decide but alone would have it go earlier: the window moved what they had left. */
static int changes_others(struct work *w, struct err *e)
{
	const struct verdict *v = &w->out->next.verdict;
	struct verdict then;
	for (int i = 1; i < v->evidence_n && w->out->change_n < CHANGES_MAX; i++) {
		const struct evidence *rule = &v->evidence[i];
		if (told(w->out, rule->reason) || (rule->reason == REASON_CONTACT_MIN_GAP && has_rule(v, REASON_BACKOFF)))
			continue; /* the back-off is the greater one and told already */
		if (explain_without(&w->asked.in, v, rule, 1, w->now, &then) == 1 && goes_at(&then, w->now) < v->until &&
		    change_add(w, rule->reason, rule, &then, e) != 0)
			return -1;
	}
	return 0;
}

static int look(struct work *w, struct err *e)
{
	struct explanation *x = w->out;
	const struct verdict *v = &x->next.verdict;
	int found = scheduler_decide_row(w->s, (struct enrollment_row *)w->row, w->now, &w->c, e);
	if (found < 0)
		return -1;
	if (w->c.sequence != NULL) {
		const struct policy *p = &w->c.sequence->sequence->policy;
		x->sequence = w->c.sequence->sequence;
		x->zone = governor_zone(p, w->row->contact);
		const char *own = w->row->contact->timezone;
		x->zone_from = p->window.fixed != NULL                      ? "window.timezone"
		               : *own != '\0' && zone_find(own) == x->zone ? "contact"
		                                                           : "default_timezone";
	}
	w->governed = found > 0 && w->c.sequence != NULL && w->c.step >= 0 && w->c.sequence->startable && !streak_withholds(w->s, w->row->contact->id);
	if (w->c.sequence != NULL && w->c.step >= 0)
		x->kind = (int)template_kind(w->c.sequence->step[w->c.step].template);
	if (peers_read(w, e) != 0 || (w->governed && colleagues_read(w, e) != 0) || (w->governed && scheduler_asked(w->s, &w->c, w->now, &w->asked, e) != 0))
		return -1; /* in this order: the history is the store's until the next */
	if (w->governed && (v->kind == VERDICT_SEND || v->kind == VERDICT_WAIT) &&
	    letter_look(w, &x->letter, x->letter_text, sizeof x->letter_text, e) != 0)
		return -1;
	if (w->governed)
		ahead_fill(w);
	if (v->kind == VERDICT_SEND || v->reason == REASON_NONE)
		return 0;
	return changes_deciding(w, e) != 0 || (w->governed && v->kind == VERDICT_WAIT && changes_others(w, e) != 0) ? -1 : 0;
}

int scheduler_explain(struct scheduler *s, const struct enrollment_row *row, struct explanation *out, struct err *e)
{
	struct work w = { .s = s, .row = row, .now = clock_now(s->clock), .out = out };
	*out = (struct explanation){ .kind = -1 };
	int rc = scheduler_next(s, row, &out->next, e);
	if (rc == 0)
		rc = look(&w, e);
	touch_free(&w.c.touch); /* the row is the caller's */
	free(w.peer);
	return rc;
}
