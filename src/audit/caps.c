/* Caps over every rolling window. Touches of one subject (contact, account, provider, the sender) are sorted by time; a
 * limit "n per W" is broken by a touch when n others lie in the half-open interval of length W that ends with it.
 *
 * A limit or gap that only a sequence has binds that sequence's messages, and those of others that were decided while
 * it was on its way are none of its business: so it counts what was accepted before the message was handed over. The
 * installation's own count everything. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "audit_int.h"

#define SHOWN 2 /* touches at each end of a list */

static int by_mark(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	return (x->touch > y->touch) - (x->touch < y->touch);
}

uint32_t run_until(const struct run *r, int64_t t)
{
	uint32_t low = 0, high = r->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (r->mark[mid].ts <= t)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool touch_counted(const struct arrival *gone, const struct arrival *other)
{
	return other->place.at < gone->gone;
}

/* ---- words ---- */

static void list_text(struct audit *a, struct buf *b, const struct run *r, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		if (i == from + SHOWN && to - from > 2 * SHOWN + 1) {
			buf_printf(b, ", %u more", to - from - 2 * SHOWN);
			i = to - SHOWN;
		}
		buf_str(b, i == from ? "" : ", ");
		touch_text(b, &a->touch[r->mark[i].touch]);
	}
}

/* As people write limits: "7d", not "1w". */
static const char *duration_text(int64_t ms, char out[32])
{
	struct duration d = { .ms = ms };

	if (ms % CLOCK_DAY == 0)
		(void)snprintf(out, 32, "%lldd", (long long)(ms / CLOCK_DAY));
	else
		(void)duration_format(&d, out, 32);
	return out;
}

/* ---- limits ---- */

static bool limit_in(const struct limits *l, const struct limit *x)
{
	for (int i = 0; i < l->n; i++)
		if (l->row[i].n == x->n && l->row[i].per_ms == x->per_ms)
			return true;
	return false;
}

struct scope {
	enum rule rule;
	const char *key;  /* of the configuration */
	const char *what; /* before the name */
	const struct limits *(*limits)(const struct policy *p);
	uint32_t (*subject)(struct audit *a, const struct arrival *t); /* 0: none */
	const char *(*name)(const struct audit *a, uint32_t subject);
};

static uint32_t gone_in(const struct audit *a, const struct run *r, const struct arrival *t, int64_t begin, int64_t end)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->gone_n; i++) {
		const struct arrival *g = &a->touch[r->gone[i].touch];

		n += g != t && g->ts > begin && g->ts <= end && (g->ts < t->ts || g->place.at < t->place.at) &&
		     touch_counted(g, t);
	}
	return n;
}

/* t, before which pos others of the run stand. */
static void limit_judge(struct audit *a, const struct scope *s, const struct run *r, const struct arrival *t,
			uint32_t pos, const struct limit *l, bool everybody)
{
	int64_t begin = t->ts - l->per_ms, end = everybody ? t->ts : t->handed_at;
	uint32_t from = run_until(r, begin), to = pos, gone;
	struct buf b = { 0 };
	char per[32];

	if (!everybody && run_until(r, end) < to)
		to = run_until(r, end);
	from = from < to ? from : to;
	gone = gone_in(a, r, t, begin, end);
	if ((int64_t)(to - from) + gone < l->n)
		return;
	list_text(a, &b, r, from, to);
	if (gone)
		buf_printf(&b, "%s%u unknown then", to > from ? ", " : "", gone);
	buf_str(&b, to > from || gone ? ", " : "");
	touch_text(&b, t);
	tell(a, s->rule, &t->place, "%s%s: %u touches within %s, at most %d (%s \"%d per %s\"): %s", s->what,
	     s->name(a, s->subject(a, t)), to - from + gone + 1, duration_text(l->per_ms, per), l->n, s->key, l->n, per,
	     buf_text(&b));
	buf_free(&b);
}

static void limits_judge(struct audit *a, const struct scope *s, const struct run *r, const struct arrival *t,
			 uint32_t pos)
{
	const struct limits *own = s->limits(policy_of(a, t->sequence)), *base = s->limits(&a->config->policy);

	for (int i = 0; i < own->n; i++)
		limit_judge(a, s, r, t, pos, &own->row[i], limit_in(base, &own->row[i]));
}

/* ---- gaps ---- */

void gap_judge(struct audit *a, enum rule rule, const struct arrival *t, const struct arrival *before,
	       const struct duration *gap, const char *who, const char *key)
{
	const struct policy *p = policy_of(a, t->sequence);
	char text[32], due[CLOCK_TEXT_MAX];
	struct buf b = { 0 };
	int64_t until;

	if (!gap->ms && !gap->business_days)
		return;
	until = calendar_add(&p->window, zone_at(a, p, t->person, t->handed_at), before->ts, gap);
	if (t->ts >= until)
		return;
	touch_text(&b, t);
	buf_str(&b, " comes too soon behind ");
	touch_text(&b, before);
	tell(a, rule, &t->place, "%s: %s; %s %s allows it at %s", who, buf_text(&b), key,
	     duration_format(gap, text, sizeof text), until == CLOCK_NEVER ? "no time" : clock_format(until, due));
	buf_free(&b);
}

/* The newest touch before t that counts; NULL: none. */
static const struct arrival *newest_before(const struct audit *a, const struct run *r, const struct arrival *t,
					   uint32_t pos)
{
	const struct arrival *found = pos ? &a->touch[r->mark[pos - 1].touch] : NULL;

	for (uint32_t i = 0; i < r->gone_n; i++) {
		const struct arrival *g = &a->touch[r->gone[i].touch];

		if (g != t && (g->ts < t->ts || (g->ts == t->ts && g->place.at < t->place.at)) && touch_counted(g, t) &&
		    (!found || g->ts > found->ts))
			found = g;
	}
	return found;
}

static void gaps_judge(struct audit *a, const struct scope *s, const struct run *r, const struct arrival *t,
		       uint32_t pos)
{
	const struct policy *own = policy_of(a, t->sequence), *base = &a->config->policy;
	const struct arrival *before = newest_before(a, r, t, pos);
	const struct policy *p;

	if (!before)
		return;
	p = before->ts <= t->handed_at ? own : base;
	if (s->rule == RULE_CONTACT_LIMIT)
		gap_judge(a, RULE_CONTACT_MIN_GAP, t, before, &p->contact_min_gap, names_text(&a->people, t->person),
			  "cadence.contact.min_gap");
	else if (s->rule == RULE_ACCOUNT_LIMIT)
		gap_judge(a, RULE_ACCOUNT_MIN_GAP, t, before, &p->account_min_gap, names_text(&a->accounts, t->account),
			  "cadence.account.min_gap");
}

/* ---- warm-up ---- */

static int64_t utc_day(int64_t t)
{
	return t / CLOCK_DAY - (t % CLOCK_DAY < 0);
}

/* start x growth^(days with a send before), at most target */
static int64_t ramp(const struct policy *p, uint32_t days)
{
	double cap = p->warmup.start;

	for (uint32_t i = 0; i < days && cap < p->warmup.target && p->warmup.growth > 1; i++)
		cap *= p->warmup.growth;
	return cap < p->warmup.target ? (int64_t)floor(cap + 1e-6) : p->warmup.target;
}

/* Days whose touches were all resolved away may have counted once: each is taken for one. days: with a send before. */
static void warmup_judge(struct audit *a, const struct run *r, const struct arrival *t, uint32_t pos, uint32_t days)
{
	const struct policy *p = policy_of(a, t->sequence);
	int64_t begin = utc_day(t->ts) * CLOCK_DAY - 1, cap;
	uint32_t from = run_until(r, begin), used;
	struct buf b = { 0 };

	if (p->warmup.start <= 0)
		return;
	/* How far the ramp had come is not known of a log whose beginning is missing. */
	cap = a->partial ? p->warmup.target : ramp(p, days + r->gone_n);
	used = pos - (from < pos ? from : pos) + gone_in(a, r, t, begin, t->ts);
	if (used < cap)
		return;
	touch_text(&b, t);
	tell(a, RULE_WARMUP, &t->place,
	     "the sender: %s is number %u of its UTC day, at most %lld after %u days with a send (sender.warmup)",
	     buf_text(&b), used + 1, (long long)cap, days);
	buf_free(&b);
}

static void warmups_judge(struct audit *a, const struct run *r)
{
	uint32_t days = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		const struct arrival *t = &a->touch[r->mark[i].touch];

		if (i > 0 && utc_day(r->mark[i - 1].ts) != utc_day(t->ts))
			days++;
		if (t->judged)
			warmup_judge(a, r, t, i, days);
	}
}

/* ---- smtp.rate: as a limit of the sender ---- */

static void rate_judge(struct audit *a, const struct scope *s, const struct run *r, const struct arrival *t,
		       uint32_t pos)
{
	struct scope rate = *s;

	rate.rule = RULE_RATE;
	rate.key = "smtp.rate";
	if (a->config->policy.rate.n)
		limit_judge(a, &rate, r, t, pos, &a->config->policy.rate, true);
}

/* ---- subjects ---- */

static const struct limits *contact_limits(const struct policy *p)
{
	return &p->contact;
}
static const struct limits *account_limits(const struct policy *p)
{
	return &p->account;
}
static const struct limits *provider_limits(const struct policy *p)
{
	return &p->provider;
}
static const struct limits *sender_limits(const struct policy *p)
{
	return &p->sender;
}

static uint32_t contact_subject(struct audit *a, const struct arrival *t)
{
	(void)a;
	return t->person;
}

static uint32_t account_subject(struct audit *a, const struct arrival *t)
{
	(void)a;
	return t->account;
}

/* Of a forgotten person the domain is not known any more. */
static uint32_t provider_subject(struct audit *a, const struct arrival *t)
{
	return person_at(a, t->person)->domain;
}

static uint32_t sender_subject(struct audit *a, const struct arrival *t)
{
	(void)a;
	(void)t;
	return 1;
}

static const char *contact_name(const struct audit *a, uint32_t id)
{
	return names_text(&a->people, id);
}
static const char *account_name(const struct audit *a, uint32_t id)
{
	return names_text(&a->accounts, id);
}
static const char *provider_name(const struct audit *a, uint32_t id)
{
	return names_text(&a->words, id);
}

static const char *sender_name(const struct audit *a, uint32_t id)
{
	(void)id;
	return a->config->sender.from_addr;
}

static const struct scope scopes[] = {
	{ RULE_CONTACT_LIMIT, "cadence.contact.limits", "", contact_limits, contact_subject, contact_name },
	{ RULE_ACCOUNT_LIMIT, "cadence.account.limits", "account ", account_limits, account_subject, account_name },
	{ RULE_PROVIDER_LIMIT, "cadence.provider.limits", "provider ", provider_limits, provider_subject,
	  provider_name },
	{ RULE_SENDER_LIMIT, "cadence.sender.limits", "sender ", sender_limits, sender_subject, sender_name },
};

static void touch_judge(struct audit *a, const struct scope *s, const struct run *r, const struct arrival *t,
			uint32_t pos)
{
	if (s->rule == RULE_CONTACT_LIMIT)
		contact_judge(a, r, t, pos);
	if (!t->judged)
		return;
	limits_judge(a, s, r, t, pos);
	gaps_judge(a, s, r, t, pos);
	if (s->rule == RULE_SENDER_LIMIT)
		rate_judge(a, s, r, t, pos);
}

static void run_judge(struct audit *a, const struct scope *s, const struct run *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		touch_judge(a, s, r, &a->touch[r->mark[i].touch], i);
	for (uint32_t i = 0; i < r->gone_n; i++) {
		const struct arrival *t = &a->touch[r->gone[i].touch];
		uint32_t pos = run_until(r, t->ts);

		while (pos > 0 && r->mark[pos - 1].ts == t->ts &&
		       a->touch[r->mark[pos - 1].touch].place.at > t->place.at)
			pos--;
		touch_judge(a, s, r, t, pos);
	}
	if (s->rule == RULE_SENDER_LIMIT)
		warmups_judge(a, r);
	a->sum.contacts += s->rule == RULE_CONTACT_LIMIT && r->n > 0;
	a->sum.accounts += s->rule == RULE_ACCOUNT_LIMIT && r->n > 0;
}

/* Marks of the touches that count for good (or those that do not), sorted. */
static uint32_t marks_make(struct audit *a, const struct scope *s, bool gone, struct mark *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->touch_n; i++) {
		const struct arrival *t = &a->touch[i];
		uint32_t key = s->subject(a, t);

		if (key && (t->gone != 0) == gone)
			out[n++] = (struct mark){ .key = key, .touch = i, .ts = t->ts };
	}
	if (n > 1)
		qsort(out, n, sizeof *out, by_mark);
	return n;
}

static uint32_t key_end(const struct mark *m, uint32_t n, uint32_t i, uint32_t key)
{
	while (i < n && m[i].key == key)
		i++;
	return i;
}

void caps_judge(struct audit *a)
{
	struct mark *stays = mem_array((size_t)a->touch_n + 1, sizeof *stays);
	struct mark *gone = mem_array((size_t)a->touch_n + 1, sizeof *gone);

	for (size_t k = 0; k < sizeof scopes / sizeof *scopes; k++) {
		uint32_t n = marks_make(a, &scopes[k], false, stays), m = marks_make(a, &scopes[k], true, gone);

		for (uint32_t i = 0, j = 0; i < n || j < m;) {
			uint32_t key = j == m || (i < n && stays[i].key < gone[j].key) ? stays[i].key : gone[j].key;
			struct run r = { .mark = stays + i, .gone = gone + j };

			r.n = key_end(stays, n, i, key) - i;
			r.gone_n = key_end(gone, m, j, key) - j;
			run_judge(a, &scopes[k], &r);
			i += r.n;
			j += r.gone_n;
		}
	}
	free(stays);
	free(gone);
}
