/* How fast a policy lets a contact be written to, at most: what is slower than its own ends (sunset, expiry of a step
 * or of consent, the ask after its gifts) can never happen, and is told before anybody waits for it. Only lower bounds
 * are computed, so what is told is certain; holidays, other sequences and colleagues only make it slower. */
#include <math.h>

#include "config_int.h"

#define CLOCKS (2 * CLOCK_HOUR) /* no change of the clocks takes more from a day */

static bool is_open(const struct window *w, int32_t weekday)
{
	return w->weekdays >> weekday & 1U;
}

/* Days from a weekday to the n-th following open one. */
static int32_t days_to(const struct window *w, int32_t weekday, int32_t n)
{
	int32_t days = 0;

	while (n > 0 && w->weekdays != 0) {
		days++;
		n -= is_open(w, (weekday + days) % 7);
	}
	return days;
}

int64_t pace_least(const struct window *w, const struct duration *d)
{
	int32_t least = INT32_MAX;

	if (!d->business_days)
		return d->ms;
	for (int32_t from = 0; from < 7; from++) {
		int32_t days = days_to(w, from, d->business_days);
		least = days < least ? days : least;
	}
	return least * CLOCK_DAY - CLOCKS;
}

int64_t pace_most(const struct window *w, const struct duration *d)
{
	int32_t most = 0;

	if (!d->business_days)
		return d->ms;
	if (w->holiday_n)
		return CLOCK_NEVER;
	for (int32_t from = 0; from < 7; from++) {
		int32_t days = days_to(w, from, d->business_days);
		most = days > most ? days : most;
	}
	return most * CLOCK_DAY + CLOCKS;
}

/* Limits of one touch are gaps. */
static int64_t limits_gap(const struct limits *l)
{
	int64_t gap = 0;

	for (int i = 0; i < l->n; i++)
		if (l->row[i].n == 1 && l->row[i].per_ms > gap)
			gap = l->row[i].per_ms;
	return gap;
}

static int64_t greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t pace_gap(const struct policy *p, const char **key)
{
	const struct {
		const char *key;
		int64_t gap;
	} rows[] = {
		{ "cadence.contact.min_gap", pace_least(&p->window, &p->contact_min_gap) },
		{ "cadence.contact.limits", limits_gap(&p->contact) },
		{ "cadence.provider.limits", limits_gap(&p->provider) },
		{ "cadence.sender.limits", limits_gap(&p->sender) },
	};
	int longest = 0;

	for (int i = 1; i < 4; i++)
		if (rows[i].gap > rows[longest].gap)
			longest = i;
	if (key)
		*key = rows[longest].key;
	return rows[longest].gap;
}

int64_t pace_account_gap(const struct policy *p, const char **key)
{
	int64_t gap = pace_least(&p->window, &p->account_min_gap), limit = limits_gap(&p->account);

	*key = gap > limit ? "cadence.account.min_gap" : "cadence.account.limits";
	return greater(gap, limit);
}

/* The gap after the k-th touch in a row that nobody answered (from 1). */
static int64_t backoff_least(const struct policy *p, int k)
{
	double by = fmin(pow(p->backoff_factor, k - 1), 1e6), days = p->contact_min_gap.business_days * by;
	struct duration gap = { .ms = (int64_t)((double)p->contact_min_gap.ms * by),
				.business_days = (int32_t)fmin(ceil(days - 1e-6), 3660) };
	int64_t least = pace_least(&p->window, &gap), most = pace_least(&p->window, &p->backoff_max_gap);

	return most > 0 && most < least ? most : least;
}

/* Of the touches at `t` (in order, n of them), the limits allow a further one not before. */
static int64_t limits_after(const struct limits *l, const int64_t *t, int n)
{
	int64_t least = 0;

	for (int i = 0; i < l->n; i++)
		if (n >= l->row[i].n)
			least = greater(least, t[n - l->row[i].n] + l->row[i].per_ms);
	return least;
}

void pace_touches(const struct policy *p, const struct step *step, int64_t *t, int n)
{
	int64_t gap = pace_gap(p, NULL);

	for (int k = 0; k < n; k++) {
		t[k] = 0;
		if (k == 0)
			continue;
		int64_t wait = greater(gap, backoff_least(p, k));

		if (step)
			wait = greater(wait, pace_least(&p->window, &step[k].after));
		t[k] = greater(t[k - 1] + wait, limits_after(&p->contact, t, k));
	}
}

int32_t pace_closure(const struct window *w, int32_t *from)
{
	int32_t longest = 0, closed = 0;
	size_t k = 0;

	for (int32_t day = w->holiday_n ? w->holidays[0] : 0; k < w->holiday_n; day++) {
		bool holiday = w->holidays[k] == day;

		k += holiday;
		closed = !holiday && is_open(w, civil_weekday(day)) ? 0 : closed + 1;
		if (closed > longest) {
			longest = closed;
			*from = day - closed + 1;
		}
	}
	return longest;
}
