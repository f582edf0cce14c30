/* What rests on a contact's whole history: gifts before an ask, back-off, sunset. */
#include <math.h>
#include <stdlib.h>

#include "audit_int.h"

/* The last reply of the contact that was known when t was handed over; 0: none. Replies are sorted by then. */
static int64_t engaged_at(const struct audit *a, const struct arrival *t)
{
	uint32_t low = 0, high = a->reply_n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct reply *r = &a->reply[mid];

		if (r->person < t->person || (r->person == t->person && r->ts <= t->handed_at))
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && a->reply[low - 1].person == t->person ? a->reply[low - 1].ts : 0;
}

/* Touches before t without an answer since. What was accepted only behind t's dot may have been decided behind t. */
static uint32_t unanswered(const struct audit *a, const struct run *r, const struct arrival *t, uint32_t pos,
			   int64_t engaged)
{
	uint32_t from = run_until(r, engaged), to = run_until(r, t->handed_at), n;

	to = to < pos ? to : pos;
	n = to > from ? to - from : 0;
	for (uint32_t i = 0; i < r->gone_n; i++) {
		const struct arrival *g = &a->touch[r->gone[i].touch];

		n += g != t && g->ts > engaged && g->ts <= t->handed_at && g->ts < t->ts && touch_counted(g, t);
	}
	return n;
}

/* ---- gifts ---- */

/* Accepted value touches since the last ask; -1: the last ask may stand before the log's beginning. */
static int32_t gifts_before(const struct audit *a, const struct run *r, const struct arrival *t, uint32_t pos,
			    int32_t enough)
{
	int64_t ask = 0; /* of an ask that was unknown then */
	int32_t n = 0;

	for (uint32_t i = 0; i < r->gone_n; i++) {
		const struct arrival *g = &a->touch[r->gone[i].touch];

		if (g != t && g->ask && g->ts <= t->ts && g->place.at < t->place.at && touch_counted(g, t) &&
		    g->ts > ask)
			ask = g->ts;
	}
	for (uint32_t i = pos; i > 0 && n < enough; i--) {
		const struct arrival *u = &a->touch[r->mark[i - 1].touch];

		if (u->ask || u->ts <= ask)
			return n;
		n += u->accepted_at <= t->handed_at;
	}
	return n < enough && a->partial && !ask ? -1 : n;
}

static void gifts_judge(struct audit *a, const struct run *r, const struct arrival *t, uint32_t pos)
{
	int32_t wanted = policy_of(a, t->sequence)->gifts_per_ask, given;
	struct buf b = { 0 };

	if (!t->ask || wanted <= 0)
		return;
	given = gifts_before(a, r, t, pos, wanted);
	if (given < 0 || given >= wanted)
		return;
	touch_text(&b, t);
	tell(a, RULE_GIFTS, &t->place,
	     "%s: %s is an ask (%s, %s), with %d accepted value touch%s since the last ask, %d are wanted "
	     "(cadence.gifts_per_ask)",
	     names_text(&a->people, t->person), buf_text(&b), names_text(&a->sequences, t->sequence),
	     names_text(&a->steps, t->step), given, given == 1 ? "" : "es", wanted);
	buf_free(&b);
}

/* ---- back-off ---- */

#define GAP_DAYS_MOST 3000.0

/* min_gap x factor^(k-1); whole business days, rounded up. The product's last digits are no time. */
static struct duration stretched(const struct policy *p, uint32_t k)
{
	double by = 1, days, ms;

	for (uint32_t i = 1; i < k && by < 1e12; i++)
		by *= p->backoff_factor;
	days = ceil(p->contact_min_gap.business_days * by - 1e-6);
	ms = floor((double)p->contact_min_gap.ms * by + 1e-6);
	return (struct duration){ .ms = ms < 1e15 ? (int64_t)ms : INT64_C(1000000000000000),
				  .business_days = (int32_t)(days < GAP_DAYS_MOST ? days : GAP_DAYS_MOST) };
}

static void backoff_judge(struct audit *a, const struct run *r, const struct arrival *t, uint32_t pos, uint32_t k)
{
	const struct policy *p = policy_of(a, t->sequence);
	const struct duration *most = &p->backoff_max_gap;
	const struct zone *z = zone_at(a, p, t->person, t->handed_at);
	const struct arrival *before = NULL;
	struct duration gap;
	char key[64];
	uint32_t to = run_until(r, t->handed_at);

	to = to < pos ? to : pos;
	/* The newest one that counts for good: another, since resolved, could only make the gap longer. */
	if (k < 2 || p->backoff_factor <= 1 || to == 0)
		return;
	before = &a->touch[r->mark[to - 1].touch];
	gap = stretched(p, k);
	if ((most->ms || most->business_days) &&
	    calendar_add(&p->window, z, before->ts, most) < calendar_add(&p->window, z, before->ts, &gap))
		gap = *most;
	(void)snprintf(key, sizeof key, "back-off after %u touches without an answer,", k);
	gap_judge(a, RULE_BACKOFF, t, before, &gap, names_text(&a->people, t->person), key);
}

/* ---- sunset ---- */

static void sunset_judge(struct audit *a, const struct run *r, const struct arrival *t, uint32_t pos, uint32_t k,
			 int64_t engaged)
{
	const struct policy *p = policy_of(a, t->sequence);
	int64_t since = pos ? r->mark[0].ts : 0, end;
	struct buf b = { 0 };

	touch_text(&b, t);
	if (p->sunset_touches > 0 && k >= (uint32_t)p->sunset_touches) {
		tell(
		    a, RULE_SUNSET, &t->place,
		    "%s: %s comes behind %u touches without an answer, %d release the contact (cadence.sunset.touches)",
		    names_text(&a->people, t->person), buf_text(&b), k, p->sunset_touches);
	} else if (p->sunset_silence > 0 && since) {
		since = engaged > since ? engaged : since;
		if (!__builtin_add_overflow(since, p->sunset_silence, &end) && t->handed_at >= end) {
			buf_str(&b, " was handed over although the contact was silent since ");
			when_text(&b, since);
			tell(a, RULE_SUNSET, &t->place, "%s: %s (cadence.sunset.silence)",
			     names_text(&a->people, t->person), buf_text(&b));
		}
	}
	buf_free(&b);
}

void contact_judge(struct audit *a, const struct run *r, const struct arrival *t, uint32_t pos)
{
	int64_t engaged;
	uint32_t k;

	gifts_judge(a, r, t, pos);
	if (!t->judged)
		return;
	engaged = engaged_at(a, t);
	k = unanswered(a, r, t, pos, engaged);
	backoff_judge(a, r, t, pos, k);
	sunset_judge(a, r, t, pos, k, engaged);
}
