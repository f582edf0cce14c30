/* What cannot be true of a policy at once, and what a sequence may do to it: only tighten. */
#include <stdio.h>
#include <string.h>

#include "config_int.h"

struct spot given_spot(const struct given *g, const char *key, struct spot at)
{
	int i = option_find("sequence.", key);

	if (i < 0)
		i = option_find("", key);
	return i >= 0 && g->at[i].file ? g->at[i] : at;
}

bool given_wrong(const struct given *g, const char *key)
{
	int i = option_find("", key);

	return i >= 0 && g->at[i].file && !g->yes[i];
}

static bool is_given(const struct given *g, const char *key)
{
	int i = option_find("", key);

	return i >= 0 && g->yes[i];
}

static void check_backoff(struct reader *r, const struct policy *p, const struct given *g, struct spot at)
{
	const struct duration *min = &p->contact_min_gap, *max = &p->backoff_max_gap;
	bool smaller =
	    max->business_days ? max->business_days < min->business_days : max->ms < pace_least(&p->window, min);

	if (smaller)
		reader_tell(r, SEVERITY_ERROR,
			    given_spot(g, "cadence.backoff.max_gap", given_spot(g, "cadence.contact.min_gap", at)),
			    "contradiction", "backoff.max_gap is smaller than contact.min_gap");
}

/* Where to point at of two keys that contradict each other: at the one that was given, the first if both were. */
static struct spot either_spot(const struct given *g, const char *key, const char *other, struct spot at)
{
	return given_spot(g, key, given_spot(g, other, at));
}

static void check_silence(struct reader *r, const struct policy *p, const struct given *g, struct spot at)
{
	static const char silence[] = "cadence.sunset.silence";
	const char *key;
	int64_t t[PACE_TOUCHES_MAX];
	int gifts = p->gifts_per_ask;

	if (pace_gap(p, &key) >= p->sunset_silence) {
		reader_tell(r, SEVERITY_ERROR, either_spot(g, silence, key, at), "contradiction",
			    "sunset.silence is no longer than the gap between two touches (%s): every contact would be "
			    "released after one",
			    key);
		return;
	}
	if (pace_account_gap(p, &key) >= p->sunset_silence)
		reader_tell(
		    r, SEVERITY_WARNING, either_spot(g, key, silence, at), "one-touch",
		    "sunset.silence is no longer than the gap between two touches of an account (%s): a contact "
		    "with an account would be released after one",
		    key);
	at = either_spot(g, "cadence.contact.limits", "cadence.contact.min_gap", at);
	pace_touches(p, NULL, t, gifts + 1);
	if (t[gifts] >= p->sunset_silence)
		reader_tell(
		    r, SEVERITY_WARNING, either_spot(g, "cadence.gifts_per_ask", silence, at), "unreachable-ask",
		    "the ask after %d gifts comes after %d days at the earliest, and sunset.silence releases the "
		    "contact before",
		    gifts, (int)(t[gifts] / CLOCK_DAY));
}

static void check_sunset(struct reader *r, const struct policy *p, const struct given *g, struct spot at)
{
	if (p->sunset_silence)
		check_silence(r, p, g, at);
	if (p->sunset_touches && p->gifts_per_ask && p->sunset_touches <= p->gifts_per_ask)
		reader_tell(r, SEVERITY_WARNING, either_spot(g, "cadence.gifts_per_ask", "cadence.sunset.touches", at),
			    "unreachable-ask", "sunset.touches (%d) releases a contact before %d gifts allow an ask",
			    p->sunset_touches, p->gifts_per_ask);
}

static void check_consent(struct reader *r, const struct policy *p, const struct given *g, struct spot at)
{
	const char *key;

	if (p->consent_max_age && p->consent_max_age <= pace_gap(p, &key))
		reader_tell(
		    r, SEVERITY_WARNING, either_spot(g, "consent.max_age", key, at), "one-touch",
		    "consent.max_age is no longer than the gap between two touches (%s): unless consent is given "
		    "anew, nobody gets more than one",
		    key);
}

enum { CLOSURE_NEVER = 800, CLOSURE_LONG = 62 }; /* the governor looks no further ahead than the former */

static void check_closure(struct reader *r, const struct policy *p, const struct given *g, struct spot at)
{
	int32_t from = 0, days = pace_closure(&p->window, &from);
	int year, month, day;

	if (days < CLOSURE_LONG)
		return;
	civil_to_ymd(from, &year, &month, &day);
	at = either_spot(g, "cadence.window.holidays", "cadence.window.days", at);
	if (days >= CLOSURE_NEVER)
		reader_tell(
		    r, SEVERITY_ERROR, at, "contradiction",
		    "with these holidays no day is open for %d days from %04d-%02d-%02d on: this window never opens",
		    days, year, month, day);
	else
		reader_tell(r, SEVERITY_WARNING, at, "long-closure",
			    "with these holidays no day is open for %d days from %04d-%02d-%02d on", days, year, month,
			    day);
}

static void check_warmup(struct reader *r, const struct policy *p, const struct given *g, struct spot at)
{
	static const char *const keys[] = { "sender.warmup.start", "sender.warmup.growth", "sender.warmup.target" };
	bool any = false;

	for (int i = 0; i < 3; i++)
		if (is_given(g, keys[i])) {
			any = true;
			at = given_spot(g, keys[i], at);
		}
	for (int i = 0; any && i < 3; i++)
		if (!is_given(g, keys[i]) && !given_spot(g, keys[i], (struct spot){ 0 }).file)
			reader_tell(r, SEVERITY_ERROR, at, "missing-key", "a warm-up needs '%s'", keys[i]);
	if (p->warmup.start && p->warmup.target && p->warmup.start > p->warmup.target)
		reader_tell(r, SEVERITY_ERROR, given_spot(g, keys[0], at), "contradiction",
			    "warmup.start is greater than warmup.target");
	if (p->warmup.start && p->warmup.start < p->warmup.target && is_given(g, keys[1]) && p->warmup.growth <= 1.0)
		reader_tell(r, SEVERITY_ERROR, given_spot(g, keys[1], at), "contradiction",
			    "with a growth of 1 the warm-up never reaches its target");
}

void policy_check(struct reader *r, const struct policy *p, const struct given *g, struct spot at)
{
	check_backoff(r, p, g, at);
	check_sunset(r, p, g, at);
	check_warmup(r, p, g, at);
	check_consent(r, p, g, at);
	check_closure(r, p, g, at);
}

/* ---- tightening ---- */

static void limits_join(struct reader *r, const struct limits *base, struct limits *given, struct spot at)
{
	struct limits all = *base;

	for (int i = 0; i < given->n; i++) {
		bool known = false;

		for (int j = 0; j < all.n && !known; j++)
			known = all.row[j].n == given->row[i].n && all.row[j].per_ms == given->row[i].per_ms;
		if (known)
			continue;
		if (all.n == LIMITS_MAX) {
			reader_tell(r, SEVERITY_ERROR, at, "out-of-range",
				    "with the installation's these are more than %d limits", LIMITS_MAX);
			break;
		}
		all.row[all.n++] = given->row[i];
	}
	*given = all;
}

/* Which option of a window that is not inside the base's. */
static const char *window_key(const struct window *base, const struct window *given)
{
	if (given->weekdays & ~base->weekdays)
		return "cadence.window.days";
	if (given->hours.from < base->hours.from || given->hours.to > base->hours.to)
		return "cadence.window.hours";
	return "cadence.window.timezone";
}

void policy_tighten(struct reader *r, const struct policy *base, struct policy *given, const struct given *g,
		    struct spot at)
{
	struct loosening found[32];
	struct window *w = &given->window;

	w->holidays = holidays_join(r->owned, base->window.holidays, base->window.holiday_n, w->holidays, w->holiday_n,
				    &w->holiday_n);
	int n = policy_loosens(base, given, found, sizeof found / sizeof *found);

	for (int i = 0; i < n && i < (int)(sizeof found / sizeof *found); i++) {
		const char *key = strcmp(found[i].key, "cadence.window") ? found[i].key : window_key(&base->window, w);

		reader_tell(r, SEVERITY_ERROR, given_spot(g, key, at), "loosens", "a sequence may only tighten: %s",
			    found[i].text);
	}
	limits_join(r, &base->contact, &given->contact, given_spot(g, "cadence.contact.limits", at));
	limits_join(r, &base->account, &given->account, given_spot(g, "cadence.account.limits", at));
	limits_join(r, &base->provider, &given->provider, given_spot(g, "cadence.provider.limits", at));
	limits_join(r, &base->sender, &given->sender, given_spot(g, "cadence.sender.limits", at));
}
