/* Is a sequence's cadence at least as tight as the installation's? Only what loosens is told. */
#include <stdio.h>
#include <string.h>

#include "abv/clock.h"
#include "abv/model.h"

struct told {
	struct loosening *out;
	int max, n;
};

static void tell(struct told *t, const char *key, const char *what)
{
	if (t->n < t->max) {
		t->out[t->n].key = key;
		snprintf(t->out[t->n].text, sizeof t->out[t->n].text, "%s: %s", key, what);
	}
	t->n++;
}

static bool is_none(const struct duration *d)
{
	return d->ms == 0 && d->business_days == 0;
}

#define DAYS_MOST  1000             /* in a row without an open day: then there is none */
#define CLOCK_BACK (2 * CLOCK_HOUR) /* no zone sets its clocks further than that */

static bool is_open(const struct window *w, int32_t day, size_t *k)
{
	while (*k < w->holiday_n && w->holidays[*k] < day)
		++*k;
	return (w->weekdays >> civil_weekday(day) & 1u) != 0 && (*k == w->holiday_n || w->holidays[*k] != day);
}

/* What n business days of `w` last, in days, from any day on which `from` is open. False: there are no such days. */
static bool business_span(const struct window *from, const struct window *w, int32_t n, int64_t *least, int64_t *most)
{
	int32_t first = w->holiday_n > 0 ? w->holidays[0] : 0,
		last = w->holiday_n > 0 ? w->holidays[w->holiday_n - 1] : 0;
	int32_t start = first - 7 * (n + 1), ahead = start, reached = 0; /* open days behind `day`, up to `ahead` */
	size_t k = 0, ahead_k = 0, from_k = 0;
	*least = INT64_MAX;
	*most = 0;
	for (int32_t day = start; day < last + 8; day++) {
		reached -= day > start && is_open(w, day, &k);
		for (int32_t idle = 0; reached < n; idle++) {
			if (idle > DAYS_MOST)
				return false;
			if (is_open(w, ++ahead, &ahead_k)) {
				reached++;
				idle = 0;
			}
		}
		if (!is_open(from, day, &from_k))
			continue;
		*least = ahead - day < *least ? ahead - day : *least;
		*most = ahead - day > *most ? ahead - day : *most;
	}
	return *most > 0;
}

/* Is `given` possibly shorter? Business days are compared with exact time by the calendar, weekends, holidays and days
 * on which the clocks change included. */
static bool is_shorter(const struct policy *base, const struct policy *p, const struct duration *gap,
		       const struct duration *given)
{
	int64_t least, most;
	if ((gap->business_days != 0) == (given->business_days != 0))
		return gap->business_days != 0 ? given->business_days < gap->business_days : given->ms < gap->ms;
	if (gap->business_days != 0)
		return business_span(&base->window, &base->window, gap->business_days, &least, &most) &&
		       given->ms < most * CLOCK_DAY + CLOCK_BACK;
	return business_span(&base->window, &p->window, given->business_days, &least, &most) &&
	       least * CLOCK_DAY - CLOCK_BACK < gap->ms;
}

static bool has_limit(const struct limits *l, const struct limit *x)
{
	for (int i = 0; i < l->n; i++)
		if (l->row[i].n == x->n && l->row[i].per_ms == x->per_ms)
			return true;
	return false;
}

/* In days as far as they go, as limits are written: a week in the file is seldom "1w". */
static const char *per_format(int64_t ms, char *out, size_t cap)
{
	if (ms % CLOCK_DAY != 0)
		return duration_format(&(struct duration){ ms, 0 }, out, cap);
	snprintf(out, cap, "%lldd", (long long)(ms / CLOCK_DAY));
	return out;
}

/* `n per W` loosens if some limit of the policy has n' < n and W' >= W (9-precisions, Defaults): it could never bind.
 */
static void limits_check(struct told *t, const char *key, const struct limits *base, const struct limits *given)
{
	char text[120], a[32], b[32];
	for (int i = 0; i < given->n; i++)
		for (int k = 0; k < base->n; k++) {
			const struct limit *g = &given->row[i], *p = &base->row[k];
			if (has_limit(base, g) || p->n >= g->n || p->per_ms < g->per_ms)
				continue;
			snprintf(text, sizeof text, "\"%d per %s\" is looser than \"%d per %s\"", g->n,
				 per_format(g->per_ms, a, sizeof a), p->n, per_format(p->per_ms, b, sizeof b));
			tell(t, key, text);
			break;
		}
}

static bool window_inside(const struct window *base, const struct window *given)
{
	if ((given->weekdays & ~base->weekdays) != 0 || given->hours.from < base->hours.from ||
	    given->hours.to > base->hours.to)
		return false;
	bool round_the_clock = base->hours.from == 0 && base->hours.to == 86400 && base->weekdays == 0x7f;
	if (given->fixed != base->fixed && !round_the_clock)
		return false; /* the same hours in another zone are other hours */
	size_t k = 0;
	for (size_t i = 0; i < base->holiday_n; i++) {
		while (k < given->holiday_n && given->holidays[k] < base->holidays[i])
			k++;
		if (k == given->holiday_n || given->holidays[k] != base->holidays[i])
			return false;
	}
	return true;
}

static bool has_basis(const struct policy *p, const char *basis)
{
	for (size_t i = 0; i < p->consent_accept_n; i++)
		if (strcmp(p->consent_accept[i], basis) == 0)
			return true;
	return false;
}

int policy_loosens(const struct policy *base, const struct policy *given, struct loosening *out, int max)
{
	struct told t = { out, max, 0 };
	limits_check(&t, "cadence.contact.limits", &base->contact, &given->contact);
	limits_check(&t, "cadence.account.limits", &base->account, &given->account);
	limits_check(&t, "cadence.provider.limits", &base->provider, &given->provider);
	limits_check(&t, "cadence.sender.limits", &base->sender, &given->sender);
	if (is_shorter(base, given, &base->contact_min_gap, &given->contact_min_gap))
		tell(&t, "cadence.contact.min_gap", "a shorter gap");
	if (is_shorter(base, given, &base->account_min_gap, &given->account_min_gap))
		tell(&t, "cadence.account.min_gap", "a shorter gap");
	if (given->backoff_factor < base->backoff_factor)
		tell(&t, "cadence.backoff.factor", "a smaller factor");
	/* without a longest gap the back-off grows on: that is tighter than any */
	if (!is_none(&given->backoff_max_gap) &&
	    (is_none(&base->backoff_max_gap) ||
	     is_shorter(base, given, &base->backoff_max_gap, &given->backoff_max_gap)))
		tell(&t, "cadence.backoff.max_gap", "a shorter longest gap");
	if (given->gifts_per_ask < base->gifts_per_ask)
		tell(&t, "cadence.gifts_per_ask", "fewer gifts before an ask");
	if (base->sunset_touches > 0 && (given->sunset_touches == 0 || given->sunset_touches > base->sunset_touches))
		tell(&t, "cadence.sunset.touches", "more unanswered touches");
	if (base->sunset_silence > 0 && (given->sunset_silence == 0 || given->sunset_silence > base->sunset_silence))
		tell(&t, "cadence.sunset.silence", "a longer silence");
	for (size_t i = 0; i < given->consent_accept_n; i++)
		if (!has_basis(base, given->consent_accept[i]))
			tell(&t, "consent.accept", given->consent_accept[i]);
	if (base->consent_max_age > 0 &&
	    (given->consent_max_age == 0 || given->consent_max_age > base->consent_max_age))
		tell(&t, "consent.max_age", "an older consent");
	if (!window_inside(&base->window, &given->window))
		tell(&t, "cadence.window", "a window that is not inside the installation's");
	return t.n;
}
