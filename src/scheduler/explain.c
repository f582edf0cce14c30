/* `abvctl explain`: what comes next for an enrollment, and what would have it go earlier. Nothing is written, and nothing is guessed: each
 * instant is the governor's answer to a question that is a little otherwise, and the letter is composed as it would be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/explain.h"
#include "abv/mem.h"
#include "scheduler_int.h"

#define COLLEAGUES_MAX 24
#define GOING_MAX      16         /* so many that go first are followed */
#define WORTH          CLOCK_HOUR /* what goes earlier by less is told as the same time */

/* The contact's other active enrollments: they share its caps, and their value touches are its gifts. And those of its colleagues that
 * may go in the same time: they share the account's. One that the governor does not decide on (in flight, not in the plan) is none. */
struct peer {
	struct peer *next;
	struct candidate c;    /* owned */
	struct asked asked;    /* its history's arrays are owned */
	bool colleague, gone;
	int64_t at;            /* when it goes, behind the first `behind` rivals; CLOCK_NEVER: not by itself */
	size_t behind;
};

struct work {
	struct scheduler *s;
	const struct enrollment_row *row;
	int64_t now;
	struct candidate c;
	struct asked asked;
	bool governed;       /* `asked` holds: the governor decides */
	struct peer *peers;  /* owned list */
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

/* When it goes: now, at the end of its wait, or never by itself. */
static int64_t goes_at(const struct verdict *v, int64_t now)
{
	return v->kind == VERDICT_SEND ? now : v->kind == VERDICT_WAIT ? v->until : CLOCK_NEVER;
}

static bool is_governed(const struct scheduler *s, const struct candidate *c)
{
	return c->sequence != NULL && c->step >= 0 && c->sequence->startable && !streak_withholds(s, c->row->contact->id);
}

static void *copy(const void *row, size_t n, size_t size)
{
	void *to = mem_array(n + 1, size);
	if (n > 0)
		memcpy(to, row, n * size);
	return to;
}

/* The store's arrays are gone with the next question. */
static void history_own(struct history *h)
{
	h->contact = copy(h->contact, h->contact_n, sizeof *h->contact);
	h->account = copy(h->account, h->account_n, sizeof *h->account);
	h->provider = copy(h->provider, h->provider_n, sizeof *h->provider);
	h->sender = copy(h->sender, h->sender_n, sizeof *h->sender);
}

static void peer_free(struct peer *p)
{
	free((void *)p->asked.history.contact);
	free((void *)p->asked.history.account);
	free((void *)p->asked.history.provider);
	free((void *)p->asked.history.sender);
	candidate_free(&p->c);
	free(p);
}

static int peer_read(struct work *w, int64_t id, bool colleague, struct err *e)
{
	struct peer *p = mem_alloc(sizeof *p);
	*p = (struct peer){ .colleague = colleague };
	int found = scheduler_decide(w->s, id, w->now, true, &p->c, e);
	if (found <= 0 || !is_governed(w->s, &p->c)) {
		candidate_free(&p->c);
		free(p);
		return found < 0 ? -1 : 0;
	}
	int rc = scheduler_asked(w->s, &p->c, w->now, &p->asked, e);
	if (rc != 0)
		p->asked.history = (struct history){ 0 };
	history_own(&p->asked.history);
	p->at = goes_at(&p->c.verdict, w->now);
	p->next = w->peers;
	w->peers = p;
	return rc;
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

static const struct peer *next_gift(const struct work *w)
{
	const struct peer *best = NULL;
	for (const struct peer *p = w->peers; p != NULL; p = p->next) {
		if (!p->colleague && p->asked.in.kind == KIND_VALUE && (best == NULL || p->at < best->at))
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
static bool goes_first(const struct candidate *x, int64_t xat, const struct candidate *y, int64_t yat)
{
	const struct enrollment *a = &x->row->enrollment, *b = &y->row->enrollment;
	int32_t xp = x->sequence->sequence->priority, yp = y->sequence->sequence->priority;
	if (xat != yat)
		return xat < yat;
	if (xp != yp)
		return xp > yp;
	return a->due_at < b->due_at || (a->due_at == b->due_at && a->id < b->id);
}

/* The next to go of those that have not; NULL: it is this one, which goes at `mine`. */
static struct peer *next_going(const struct work *w, int64_t mine)
{
	struct peer *best = NULL;
	for (struct peer *p = w->peers; p != NULL; p = p->next) {
		if (p->gone || !goes_first(&p->c, p->at, &w->c, mine))
			continue;
		if (best == NULL || goes_first(&p->c, p->at, &best->c, best->at))
			best = p;
	}
	return best;
}

static void ahead_note(struct ahead *a, const struct work *w, const struct peer *p, int64_t mine, size_t n)
{
	const struct enrollment *en = &p->c.row->enrollment;
	snprintf(a->contact, sizeof a->contact, "%s", p->c.row->contact->email);
	snprintf(a->sequence, sizeof a->sequence, "%s", en->sequence);
	snprintf(a->step, sizeof a->step, "%s", en->step);
	a->at = p->at;
	a->priority = p->c.sequence->sequence->priority;
	a->n = (int)n;
	a->by_priority = p->at == mine && a->priority >= w->c.sequence->sequence->priority;
}

/* Who goes before this one, each behind those before it, until it is this one's turn. */
static void ahead_fill(struct work *w)
{
	int64_t first = goes_at(&w->out->next.verdict, w->now), mine = first;
	struct rival rival[GOING_MAX];
	struct ahead *a = &w->out->ahead;
	struct verdict v;
	struct peer *p;
	for (size_t n = 0; first != CLOCK_NEVER && n < GOING_MAX && (p = next_going(w, mine)) != NULL;) {
		int64_t at = p->at;
		if (p->behind < n) { /* further touches only postpone, so those that are later by what was known stay so */
			at = rival[n - 1].at;
			p->behind = n;
			p->at = explain_behind(&p->asked.in, rival, n, at, &v) == 1 ? goes_at(&v, at) : CLOCK_NEVER;
			continue;
		}
		rival[n++] = (struct rival){ at, p->asked.in.kind, p->c.row->contact->id };
		p->gone = true;
		if (explain_behind(&w->asked.in, rival, n, at, &v) == 0)
			return;
		if (goes_at(&v, at) > mine) {
			ahead_note(a, w, p, mine, n);
			a->then = v;
			mine = goes_at(&v, at);
		}
	}
	if (mine != CLOCK_NEVER && mine - first < WORTH)
		*a = (struct ahead){ .n = 0 };
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
	struct touch none = { .id = 0, .message_id = "" }; /* nothing has this number */
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
		scheduler_judge(w->s, c.sequence->step[c.step].template, &gate);
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
		.gift_sequence = gift != NULL ? gift->c.row->enrollment.sequence : "",
		.gift_step = gift != NULL ? gift->c.row->enrollment.step : "",
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
		ch->expected = next_gift(w)->at;
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
	w->governed = found > 0 && is_governed(w->s, &w->c);
	if (w->c.sequence != NULL && w->c.step >= 0)
		x->kind = (int)template_kind(w->c.sequence->step[w->c.step].template);
	if (peers_read(w, e) != 0 || (w->governed && colleagues_read(w, e) != 0) || (w->governed && scheduler_asked(w->s, &w->c, w->now, &w->asked, e) != 0))
		return -1; /* in this order: the history is the store's until the next */
	if (w->governed && (v->kind == VERDICT_SEND || v->kind == VERDICT_WAIT) &&
	    letter_look(w, &x->letter, x->letter_text, sizeof x->letter_text, e) != 0)
		return -1;
	if (v->kind != VERDICT_SEND && v->reason != REASON_NONE &&
	    (changes_deciding(w, e) != 0 || (w->governed && v->kind == VERDICT_WAIT && changes_others(w, e) != 0)))
		return -1;
	if (w->governed)
		ahead_fill(w); /* the last: it moves the peers' times */
	return 0;
}

int scheduler_explain(struct scheduler *s, const struct enrollment_row *row, struct explanation *out, struct err *e)
{
	struct work w = { .s = s, .row = row, .now = clock_now(s->clock), .out = out };
	*out = (struct explanation){ .kind = -1 };
	int rc = scheduler_next(s, row, &out->next, e);
	if (rc == 0)
		rc = look(&w, e);
	touch_free(&w.c.touch); /* the row is the caller's */
	for (struct peer *p; (p = w.peers) != NULL;) {
		w.peers = p->next;
		peer_free(p);
	}
	return rc;
}
