/* A random question to the governor: policy, history, zone, instant. In everything 0 is the simplest choice, so that a
 * failure shrinks to a case without rules, in UTC, on an ordinary day. */
#ifndef RANDOM_DECISION_H
#define RANDOM_DECISION_H

#include "abv/governor.h"
#include "random_cases.h"
#include "random_zones.h"

#define MANY     40
#define ORDINARY (INT64_C(1795514400) * 1000) /* Tuesday, 2026-11-24 10:00 UTC */
#define YEAR     (365 * CLOCK_DAY)

struct fixture {
	struct policy policy;
	struct sequence sequence;
	struct step step;
	struct contact contact;
	struct standing standing;
	struct history history;
	struct past_touch touch[MANY];
	int64_t account[MANY], provider[MANY], sender[MANY];
	int32_t holiday[12];
	const char *accept[1];
	struct governor_input in;
	int z;
	int64_t now;
};

static inline void random_limits(struct gen *g, struct limits *l, int64_t most)
{
	l->n = (int)gen_up_to(g, most);
	for (int i = 0; i < l->n; i++) {
		int64_t unit = gen_one_in(g, 3) ? CLOCK_HOUR : gen_one_in(g, 8) ? 1 : CLOCK_DAY;
		l->row[i] = (struct limit){ (int32_t)(1 + gen_up_to(g, 4)), (1 + gen_up_to(g, 34)) * unit };
	}
}

static inline struct duration random_gap(struct gen *g, int days)
{
	switch (gen_up_to(g, 3)) {
	case 0: return (struct duration){ 0 };
	case 1: return (struct duration){ .business_days = (int32_t)(1 + gen_up_to(g, days)) };
	case 2: return (struct duration){ .ms = (1 + gen_up_to(g, days)) * CLOCK_DAY };
	default: return (struct duration){ .ms = 1 + gen_up_to(g, days * CLOCK_DAY) };
	}
}

static inline int random_by_day(const void *a, const void *b)
{
	return *(const int32_t *)a - *(const int32_t *)b;
}

/* Hours are in quarters: the brute force looks at quarters. */
static inline void random_window(struct gen *g, struct fixture *f)
{
	static const unsigned days[] = { 0x7f, 0x1f, 0x3f };
	struct window *w = &f->policy.window;

	w->weekdays = gen_one_in(g, 4) ? 1U + (unsigned)gen_up_to(g, 0x7e) : days[gen_up_to(g, 2)];
	w->hours = (struct hours){ 0, 86400 };
	switch (gen_up_to(g, 4)) {
	case 0: break;
	case 1: w->hours = (struct hours){ 30600, 63000 }; break;
	case 2: w->hours.from = (int32_t)gen_up_to(g, 16) * 900; break; /* where the clocks change */
	case 3: w->hours.to = 86400 - (int32_t)gen_up_to(g, 88) * 900; break;
	default:
		w->hours.from = (int32_t)gen_up_to(g, 95) * 900;
		w->hours.to = w->hours.from + 900 * (int32_t)(1 + gen_up_to(g, 95 - w->hours.from / 900));
	}
	w->holiday_n = gen_one_in(g, 2) ? (size_t)gen_up_to(g, 12) : 0;
	for (size_t i = 0; i < w->holiday_n; i++)
		f->holiday[i] = (int32_t)(f->now / CLOCK_DAY - 10 + gen_up_to(g, 20));
	qsort(f->holiday, w->holiday_n, sizeof *f->holiday, random_by_day);
	w->holidays = f->holiday;
}

static inline int random_newest_first(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y) - (x > y);
}

/* Mostly in the last days; some in flight, a few in the future. */
static inline int64_t random_past(struct gen *g, int64_t now, bool in_flight)
{
	if (in_flight && gen_one_in(g, 12))
		return CLOCK_NEVER;
	if (gen_one_in(g, 60))
		return now + gen_up_to(g, 2 * CLOCK_DAY);
	if (gen_one_in(g, 8)) /* on the very edge of a window */
		return now - gen_up_to(g, 34) * CLOCK_DAY;
	return now - gen_up_to(g, gen_one_in(g, 2) ? 40 * CLOCK_DAY : 3 * CLOCK_DAY);
}

static inline size_t random_times(struct gen *g, int64_t *out, size_t most, int64_t now, bool in_flight)
{
	size_t n = (size_t)gen_up_to(g, (int64_t)most);

	for (size_t i = 0; i < n; i++)
		out[i] = random_past(g, now, in_flight);
	qsort(out, n, sizeof *out, random_newest_first);
	return n;
}

static inline bool is_flying(const struct fixture *f)
{
	const struct history *h = &f->history;

	return (h->contact_n > 0 && f->touch[0].at == CLOCK_NEVER) ||
	       (h->account_n > 0 && f->account[0] == CLOCK_NEVER) ||
	       (h->provider_n > 0 && f->provider[0] == CLOCK_NEVER) || (h->sender_n > 0 && f->sender[0] == CLOCK_NEVER);
}

static inline void random_history(struct gen *g, struct fixture *f)
{
	struct history *h = &f->history;
	bool in_flight = gen_one_in(g, 3);

	h->contact = f->touch;
	h->contact_n = (size_t)gen_up_to(g, gen_one_in(g, 3) ? MANY : 4);
	for (size_t i = 0; i < h->contact_n; i++)
		f->touch[i].at = random_past(g, f->now, in_flight);
	qsort(f->touch, h->contact_n, sizeof *f->touch, random_newest_first);
	for (size_t i = 0; i < h->contact_n; i++) {
		f->touch[i].kind = gen_one_in(g, 5) ? KIND_ASK : KIND_VALUE;
		f->touch[i].state = f->touch[i].at == CLOCK_NEVER ? TOUCH_HANDED
				    : gen_one_in(g, 5)            ? TOUCH_UNKNOWN
								  : TOUCH_ACCEPTED;
	}
	h->account = f->account;
	h->account_n = random_times(g, f->account, 6, f->now, in_flight);
	h->provider = f->provider;
	h->provider_n = random_times(g, f->provider, 8, f->now, in_flight);
	h->sender = f->sender;
	h->sender_n = random_times(g, f->sender, 12, f->now, in_flight);
	h->warmup_cap = f->policy.warmup.start > 0 ? 1 + (int32_t)gen_up_to(g, 9) : -1;
	h->warmup_used = (int32_t)gen_up_to(g, 10);
	h->unanswered = (int32_t)gen_up_to(g, (int64_t)h->contact_n);
	if (f->policy.backoff_max_gap.ms == 0 && h->unanswered > 4) /* else it ends behind the table */
		h->unanswered = 4;
	h->first_touch_at = h->contact_n > 0 ? f->now - 40 * CLOCK_DAY - gen_up_to(g, 80 * CLOCK_DAY) : 0;
	h->rests_on_flight = is_flying(f);
	/* behind the end lies what would be taken for a touch in flight */
	if (h->contact_n < MANY)
		f->touch[h->contact_n] = (struct past_touch){ CLOCK_NEVER, TOUCH_ACCEPTED, KIND_VALUE };
	f->account[h->account_n] = f->provider[h->provider_n] = f->sender[h->sender_n] = CLOCK_NEVER;
}

static inline void random_policy(struct gen *g, struct fixture *f)
{
	static const double factors[] = { 1, 1.5, 2, 3, 1.1 };
	struct policy *p = &f->policy;
	int64_t rules = gen_up_to(g, 3); /* few rules, so that something is sent, or many that contend */

	p->contact_min_gap = random_gap(g, 4);
	if (rules > 0)
		p->account_min_gap = random_gap(g, 2);
	random_limits(g, &p->contact, rules);
	random_limits(g, &p->account, rules);
	random_limits(g, &p->provider, rules);
	random_limits(g, &p->sender, rules);
	p->warmup.start = gen_one_in(g, 4) ? 5 : 0;
	p->backoff_factor = factors[gen_up_to(g, 4)];
	p->backoff_max_gap =
	    gen_one_in(g, 3) ? (struct duration){ .ms = (1 + gen_up_to(g, 20)) * CLOCK_DAY } : (struct duration){ 0 };
	p->sunset_touches = gen_one_in(g, 3) ? 1 + (int32_t)gen_up_to(g, 15) : 0;
	p->sunset_silence = gen_one_in(g, 3) ? (60 + gen_up_to(g, 80)) * CLOCK_DAY : 0;
	p->gifts_per_ask = (int32_t)gen_up_to(g, 4);
	p->consent_accept = f->accept;
	p->consent_accept_n = 1;
	p->consent_max_age = gen_one_in(g, 3) ? (300 + gen_up_to(g, 430)) * CLOCK_DAY : 0;
}

/* The days on which calendars go wrong: changes of the clocks, spring and autumn; leap day; year's end. */
static inline int64_t random_now(struct gen *g, int z)
{
	int64_t now = ORDINARY + gen_up_to(g, YEAR);

	switch (gen_up_to(g, 5)) {
	case 1:
	case 2:
	case 3:
		if (zone_change_n[z] > 4)
			now = zone_change[z][2 + gen_up_to(g, 5)] - 5 * CLOCK_DAY + gen_up_to(g, 6 * CLOCK_DAY);
		break;
	case 4: now = INT64_C(1835395200000) - 4 * CLOCK_DAY + gen_up_to(g, 6 * CLOCK_DAY); break; /* 2028-02-29 */
	case 5: now = INT64_C(1830297600000) - 6 * CLOCK_DAY + gen_up_to(g, 9 * CLOCK_DAY); break; /* 2028-01-01 */
	default: break;
	}
	return gen_one_in(g, 2) ? now : now - now % QUARTER;
}

static inline void random_contact(struct gen *g, struct fixture *f)
{
	f->accept[0] = "opt_in";
	f->contact = (struct contact){ .id = 1,
				       .email = "dana@example.com",
				       .account = "",
				       .account_name = "",
				       .first_name = "",
				       .last_name = "",
				       .title = "",
				       .timezone = zone_names[f->z],
				       .owner = "",
				       .tags = "",
				       .consent = gen_one_in(g, 50) ? "hearsay" : "opt_in",
				       .consent_source = "",
				       .consent_at = f->now - gen_up_to(g, 500 * CLOCK_DAY) };
	if (gen_one_in(g, 3)) { /* a basis without its date is as old as the record */
		f->contact.created_at = f->contact.consent_at;
		f->contact.consent_at = 0;
	}
	if (gen_one_in(g, 4))
		f->contact.engaged_at = f->now - gen_up_to(g, 150 * CLOCK_DAY);
}

static inline void random_standing(struct gen *g, struct fixture *f)
{
	struct standing *s = &f->standing;

	if (gen_one_in(g, 8))
		s->contact_hold = f->now - CLOCK_DAY + gen_up_to(g, 4 * CLOCK_DAY);
	if (gen_one_in(g, 8))
		s->account_hold = f->now - CLOCK_DAY + gen_up_to(g, 4 * CLOCK_DAY);
	s->sending_paused = gen_one_in(g, 60);
	s->sequence_paused = gen_one_in(g, 60);
	s->replied = gen_one_in(g, 60);
	if (gen_one_in(g, 60))
		s->suppressed = REASON_UNSUBSCRIBED;
}

static inline void random_case(struct gen *g, struct fixture *f)
{
	memset(f, 0, sizeof *f);
	f->z = (int)gen_up_to(g, ZONES - 1);
	f->now = random_now(g, f->z);
	random_policy(g, f);
	random_window(g, f);
	random_contact(g, f);
	f->step = (struct step){ .name = "first", .template_name = "" };
	f->step.after = random_gap(g, 3);
	f->step.expire = gen_one_in(g, 6) ? (1 + gen_up_to(g, 30)) * CLOCK_DAY : 0;
	random_history(g, f);
	random_standing(g, f);
	f->sequence.policy = f->policy;
	f->in = (struct governor_input){ .policy = &f->policy,
					 .sequence = &f->sequence,
					 .step = &f->step,
					 .contact = &f->contact,
					 .standing = &f->standing,
					 .history = &f->history,
					 .zone = zone_row[f->z] };
	f->in.enrollment_id = gen_up_to(g, INT64_C(1) << 40);
	f->in.prev_at = f->now - gen_up_to(g, 10 * CLOCK_DAY);
	f->in.kind = gen_one_in(g, 4) ? KIND_ASK : KIND_VALUE;
	if (gen_one_in(g, 10))
		f->in.retry_at = f->now - CLOCK_HOUR + gen_up_to(g, 5 * CLOCK_HOUR);
}

/* ---- told in words ---- */

static inline void tell_instant(struct gen *g, int64_t t)
{
	char text[CLOCK_TEXT_MAX];

	gen_say(g, "%s", t == CLOCK_NEVER ? "in flight" : clock_format(t, text));
}

static inline void tell_times(struct gen *g, const char *what, const int64_t *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		gen_say(g, i ? ", " : "  %s: ", what);
		tell_instant(g, t[i]);
	}
	if (n)
		gen_say(g, "\n");
}

static inline void tell_limits(struct gen *g, const char *what, const struct limits *l)
{
	for (int i = 0; i < l->n; i++)
		gen_say(g, "  %s %d per %.4f h\n", what, l->row[i].n, (double)l->row[i].per_ms / CLOCK_HOUR);
}

static inline void tell_gap(struct gen *g, const char *what, const struct duration *d)
{
	if (d->ms || d->business_days)
		gen_say(g, "  %s %d bd %.4f h\n", what, d->business_days, (double)d->ms / CLOCK_HOUR);
}

static inline void tell_case(struct gen *g, const struct fixture *f)
{
	const struct policy *p = &f->policy;
	const struct history *h = &f->history;
	char now[CLOCK_TEXT_MAX], prev[CLOCK_TEXT_MAX];

	gen_say(g, "  %s, now %s, previous %s, kind %s, enrollment %lld\n", zone_names[f->z], clock_format(f->now, now),
		clock_format(f->in.prev_at, prev), kind_name(f->in.kind), (long long)f->in.enrollment_id);
	gen_say(g, "  window %02x %d-%d s, %zu holidays, unanswered %d, warm-up %d of %d, gifts %d\n",
		p->window.weekdays, p->window.hours.from, p->window.hours.to, p->window.holiday_n, h->unanswered,
		h->warmup_used, h->warmup_cap, p->gifts_per_ask);
	tell_gap(g, "after", &f->step.after);
	tell_gap(g, "contact gap", &p->contact_min_gap);
	tell_gap(g, "account gap", &p->account_min_gap);
	tell_gap(g, "longest gap", &p->backoff_max_gap);
	tell_limits(g, "contact", &p->contact);
	tell_limits(g, "account", &p->account);
	tell_limits(g, "provider", &p->provider);
	tell_limits(g, "sender", &p->sender);
	for (size_t i = 0; i < h->contact_n; i++) {
		gen_say(g, i ? ", " : "  touches: ");
		tell_instant(g, f->touch[i].at);
		gen_say(g, " %s %s", touch_state_name(f->touch[i].state), kind_name(f->touch[i].kind));
	}
	gen_say(g, h->contact_n ? "\n" : "");
	tell_times(g, "account", f->account, h->account_n);
	tell_times(g, "provider", f->provider, h->provider_n);
	tell_times(g, "sender", f->sender, h->sender_n);
	gen_say(
	    g,
	    "  back-off %.3g, expire %.3f h, sunset %d, %.1f d, consent %.1f d, holds %.3f h, %.3f h, retry %.3f h\n",
	    p->backoff_factor, (double)f->step.expire / CLOCK_HOUR, p->sunset_touches,
	    (double)p->sunset_silence / CLOCK_DAY, (double)p->consent_max_age / CLOCK_DAY,
	    f->standing.contact_hold ? (double)(f->standing.contact_hold - f->now) / CLOCK_HOUR : 0.0,
	    f->standing.account_hold ? (double)(f->standing.account_hold - f->now) / CLOCK_HOUR : 0.0,
	    f->in.retry_at ? (double)(f->in.retry_at - f->now) / CLOCK_HOUR : 0.0);
}

#endif
