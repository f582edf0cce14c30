/* The governor asked again, as if something were otherwise. */
#include <string.h>

#include "abv/explain.h"
#include "rules_int.h"

/* The question, with its own copies of what may be changed. */
struct question {
	struct governor_input in;
	struct policy policy;
	struct sequence sequence;
	struct standing standing;
	struct step step;
};

static void question_open(struct question *q, const struct governor_input *in)
{
	q->in = *in;
	q->policy = *in->policy;
	q->sequence = *in->sequence;
	q->standing = *in->standing;
	q->step = *in->step;
	q->in.policy = &q->policy;
	q->in.sequence = &q->sequence;
	q->in.standing = &q->standing;
	q->in.step = &q->step;
}

/* All rows alike: a sequence may repeat the installation's. */
static void limit_drop(struct limits *l, const struct evidence *rule)
{
	int n = 0;
	for (int i = 0; i < l->n; i++)
		if (l->row[i].n != rule->limit_n || l->row[i].per_ms != rule->limit_ms)
			l->row[n++] = l->row[i];
	l->n = n;
}

/* Without its gap a policy has no back-off either, which is a multiple of it; without the back-off the gap stays. */
static void drop(struct question *q, const struct evidence *rule)
{
	switch (rule->reason) {
	case REASON_AFTER:
		q->step.after = (struct duration){ 0 };
		q->step.expire = 0; /* it would run from another instant */
		break;
	case REASON_RETRY: q->in.retry_at = 0; break;
	case REASON_CONTACT_HOLD: q->standing.contact_hold = 0; break;
	case REASON_ACCOUNT_HOLD: q->standing.account_hold = 0; break;
	case REASON_SEQUENCE_PAUSED: q->standing.sequence_paused = false; break;
	case REASON_SENDING_PAUSED: q->standing.sending_paused = false; break;
	case REASON_GIFTS: q->policy.gifts_per_ask = 0; break;
	case REASON_CONTACT_LIMIT: limit_drop(&q->policy.contact, rule); break;
	case REASON_ACCOUNT_LIMIT: limit_drop(&q->policy.account, rule); break;
	case REASON_PROVIDER_LIMIT: limit_drop(&q->policy.provider, rule); break;
	case REASON_SENDER_LIMIT: limit_drop(&q->policy.sender, rule); break;
	case REASON_CONTACT_MIN_GAP: q->policy.contact_min_gap = (struct duration){ 0 }; break;
	case REASON_ACCOUNT_MIN_GAP: q->policy.account_min_gap = (struct duration){ 0 }; break;
	case REASON_WARMUP: q->policy.warmup.start = 0; break;
	case REASON_BACKOFF: q->policy.backoff_factor = 1; break;
	default: break;
	}
}

static bool same_rule(const struct evidence *a, const struct evidence *b)
{
	return a->reason == b->reason && a->limit_n == b->limit_n && a->limit_ms == b->limit_ms;
}

/* What the other rules of the evidence allow: the latest of them. */
static void latest_other(const struct verdict *v, const struct evidence *rule, int rule_n, int64_t now,
			 struct verdict *out)
{
	*out = (struct verdict){ .kind = VERDICT_SEND, .until = now, .ends_at = CLOCK_NEVER };
	for (int i = 0; i < v->evidence_n; i++) {
		const struct evidence *e = &v->evidence[i];
		bool away = e->reason == REASON_WINDOW || e->until <= out->until;
		for (int k = 0; k < rule_n && !away; k++)
			away = same_rule(e, &rule[k]);
		if (away)
			continue;
		*out = (struct verdict){
			.kind = VERDICT_WAIT,
			.reason = e->reason,
			.until = e->until,
			.ends_at = CLOCK_NEVER,
			.evidence = { *e },
			.evidence_n = 1,
		};
	}
}

static bool removable(enum reason r)
{
	switch (r) {
	case REASON_AFTER:
	case REASON_RETRY:
	case REASON_CONTACT_HOLD:
	case REASON_ACCOUNT_HOLD:
	case REASON_SEQUENCE_PAUSED:
	case REASON_SENDING_PAUSED:
	case REASON_GIFTS:
	case REASON_CONTACT_MIN_GAP:
	case REASON_CONTACT_LIMIT:
	case REASON_ACCOUNT_MIN_GAP:
	case REASON_ACCOUNT_LIMIT:
	case REASON_PROVIDER_LIMIT:
	case REASON_SENDER_LIMIT:
	case REASON_WARMUP:
	case REASON_BACKOFF:
	case REASON_WINDOW: return true;
	default: return false;
	}
}

int explain_without(const struct governor_input *in, const struct verdict *v, const struct evidence *rule, int rule_n,
		    int64_t now, struct verdict *out)
{
	struct question q;
	if (rule_n <= 0 || !removable(rule[rule_n - 1].reason))
		return 0;
	question_open(&q, in);
	for (int i = 0; i < rule_n; i++) {
		if (rule[i].reason == REASON_WINDOW) {
			latest_other(v, rule, rule_n, now, out);
			return 1;
		}
		drop(&q, &rule[i]);
	}
	governor_decide(&q.in, now, out);
	return 1;
}

/* Touches in flight stand before all others. */
static size_t flying(const int64_t *first, size_t stride, size_t n)
{
	size_t i = 0;
	for (int64_t at; i < n; i++) {
		memcpy(&at, (const char *)first + i * stride, sizeof at);
		if (at != CLOCK_NEVER)
			break;
	}
	return i;
}

/* A copy of the past with room for more. */
struct past {
	struct history h;
	struct past_touch touch[HISTORY_CONTACT_MAX];
	int64_t account[HISTORY_CONTACT_MAX];
};

static void past_add(struct past *p, const struct rival *r, const struct contact *c)
{
	struct history *h = &p->h;
	if (r->contact_id == c->id) {
		size_t i = flying(&p->touch->at, sizeof *p->touch, h->contact_n);
		memmove(&p->touch[i + 1], &p->touch[i], (h->contact_n++ - i) * sizeof *p->touch);
		p->touch[i] = (struct past_touch){ .at = r->at, .state = TOUCH_ACCEPTED, .kind = r->kind };
		h->unanswered++;
		h->first_touch_at = h->first_touch_at != 0 ? h->first_touch_at : r->at;
	}
	if (c->account_id != 0) {
		size_t i = flying(p->account, sizeof *p->account, h->account_n);
		memmove(&p->account[i + 1], &p->account[i], (h->account_n++ - i) * sizeof *p->account);
		p->account[i] = r->at;
	}
}

int explain_behind(const struct governor_input *in, const struct rival *first, size_t n, int64_t now,
		   struct verdict *out)
{
	struct past p; /* its arrays are large, and filled as far as they are used */
	struct question q;
	p.h = *in->history;
	if (p.h.contact_n + n > HISTORY_CONTACT_MAX || p.h.account_n + n > HISTORY_CONTACT_MAX)
		return 0;
	if (p.h.contact_n > 0)
		memcpy(p.touch, in->history->contact, p.h.contact_n * sizeof *p.touch);
	if (p.h.account_n > 0)
		memcpy(p.account, in->history->account, p.h.account_n * sizeof *p.account);
	p.h.contact = p.touch;
	p.h.account = p.account;
	for (size_t i = 0; i < n; i++)
		past_add(&p, &first[i], in->contact);
	question_open(&q, in);
	q.in.history = &p.h;
	governor_decide(&q.in, now, out);
	return 1;
}

int32_t explain_gifts(const struct history *h)
{
	int32_t given = 0;
	for (size_t i = 0; i < h->contact_n && h->contact[i].kind != KIND_ASK; i++)
		given += h->contact[i].state == TOUCH_ACCEPTED;
	return given;
}

int64_t explain_spread(const struct governor_input *in, const struct verdict *v, int64_t now)
{
	struct verdict rest;
	if (v->kind != VERDICT_WAIT || v->reason != REASON_WINDOW || v->until == CLOCK_NEVER)
		return 0;
	latest_other(v, NULL, 0, now, &rest);
	if (rest.until == CLOCK_NEVER)
		return 0;
	int64_t opens = governor_window(in->policy, in->zone, rest.until);
	return opens < v->until ? v->until - opens : 0;
}
