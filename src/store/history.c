/* What the governor needs to know of the past. Reading stops where no rule of the policy looks further back: a contact
 * of many years costs what its last touches cost.
 *
 *   limits            the newest n touches (the largest n), none that left the widest window a day ago but the newest, from which
 *                     gaps run
 *   gifts             back to the last ask, or as many accepted value touches as an ask needs
 *   back-off, sunset  touches since the last engagement; counting ends at the number that ends the enrollment anyway
 *
 * Touches in flight come first, and count whatever their time. */
#include <math.h>
#include <string.h>

#include "store_int.h"

struct look_back {
	int64_t since;  /* the widest window's begin */
	size_t most;    /* the largest n; at least 1: the gaps */
	int32_t gifts;  /* accepted value touches still wanted; 0 none, or the last ask was seen */
	bool answers;   /* unanswered touches are wanted, ... */
	int32_t enough; /* ... up to so many */
};

/* A gap in business days may rest on a touch before the newest one, when both lie on days that are none. */
#define GAP_BACK (16 * CLOCK_DAY)
#define GAP_MOST 64

static struct look_back look_back(const struct limits *l, const struct duration *gap, int64_t now)
{
	struct look_back b = { .since = now, .most = 1 };

	if (gap->business_days)
		b = (struct look_back){ .since = now - GAP_BACK, .most = GAP_MOST };

	for (int i = 0; i < l->n; i++) {
		/* a day more: in the window in which a touch has left its limit, the governor still sees that it was the limit that ended */
		int64_t since = now - l->row[i].per_ms - CLOCK_DAY;

		b.since = since < b.since ? since : b.since;
		b.most = (size_t)l->row[i].n > b.most ? (size_t)l->row[i].n : b.most;
	}
	return b;
}

static bool limits_done(const struct look_back *b, size_t n, int64_t at)
{
	return n >= b->most || (n > 0 && at <= b->since);
}

/* ---- the contact's own ---- */

static void contact_flights(struct store *s, int64_t contact, int64_t exclude, struct look_back *b, struct history *out)
{
	const struct flights *f = &s->flights;

	for (size_t i = 0; i < f->n; i++) {
		if (f->contact[i] != contact || f->touch[i] == exclude)
			continue;
		out->rests_on_flight = true;
		out->unanswered++;
		if (f->more[i].kind == KIND_ASK)
			b->gifts = 0;
		if (out->contact_n < HISTORY_CONTACT_MAX)
			s->history_contact[out->contact_n++] = (struct past_touch){ .at = CLOCK_NEVER,
										    .state = f->more[i].state,
										    .kind = f->more[i].kind };
	}
}

/* 1: there are more touches behind what was read; 0: all were read, *oldest is the first; -1 */
static int contact_settled(struct store *s, const struct contact *c, int64_t exclude, struct look_back *b,
			   struct history *out, int64_t *oldest, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_HISTORY_CONTACT);
	int rc;

	bind_int(q, 1, c->id);
	while ((rc = store_step(s, q, e)) > 0) {
		struct past_touch t = { .at = col_int(q, 0),
					.state = (enum touch_state)col_int(q, 1),
					.kind = (enum kind)col_int(q, 2) };
		bool full = out->contact_n == HISTORY_CONTACT_MAX;
		bool count = b->answers && t.at > c->engaged_at && (!b->enough || out->unanswered < b->enough);

		if (exclude && col_int(q, 3) == exclude)
			continue;
		if ((full || (limits_done(b, out->contact_n, t.at) && b->gifts <= 0)) && !count)
			break;
		if (count)
			out->unanswered++;
		if (t.kind == KIND_ASK)
			b->gifts = 0;
		else if (t.state == TOUCH_ACCEPTED)
			b->gifts--;
		if (!full)
			s->history_contact[out->contact_n++] = t;
		*oldest = t.at;
	}
	sqlite3_reset(q);
	return rc;
}

static int history_contact(struct store *s, const struct policy *p, const struct contact *c, int64_t exclude,
			   int64_t now, struct history *out, struct err *e)
{
	struct look_back b = look_back(&p->contact, &p->contact_min_gap, now);
	sqlite3_stmt *q;
	int more;

	b.gifts = p->gifts_per_ask;
	b.answers = p->backoff_factor > 1 || p->sunset_touches > 0;
	b.enough = p->sunset_touches;
	contact_flights(s, c->id, exclude, &b, out);
	more = contact_settled(s, c, exclude, &b, out, &out->first_touch_at, e);
	out->contact = s->history_contact;
	if (more <= 0 || p->sunset_silence <= 0)
		return more < 0 ? -1 : 0;
	q = store_stmt(s, SQL_HISTORY_FIRST);
	bind_int(q, 1, c->id);
	bind_int(q, 2, exclude);
	if (store_step(s, q, e) <= 0)
		return -1;
	out->first_touch_at = col_int(q, 0);
	sqlite3_reset(q);
	return 0;
}

/* ---- those that it shares ---- */

static int history_account(struct store *s, const struct policy *p, int64_t account, int64_t exclude, int64_t now,
			   struct times *t, struct err *e)
{
	struct look_back b = look_back(&p->account, &p->account_min_gap, now);
	sqlite3_stmt *q;
	int rc = 0;

	if (!account || (!p->account.n && !p->account_min_gap.ms && !p->account_min_gap.business_days))
		return 0;
	for (size_t i = 0; i < s->flights.n; i++) {
		if (s->flights.account[i] == account && s->flights.touch[i] != exclude)
			times_add(t, CLOCK_NEVER);
	}
	q = store_stmt(s, SQL_HISTORY_ACCOUNT);
	bind_int(q, 1, account);
	while (t->n < b.most && (rc = store_step(s, q, e)) > 0) {
		if (limits_done(&b, t->n, col_int(q, 0)))
			break;
		if (!exclude || col_int(q, 1) != exclude)
			times_add(t, col_int(q, 0));
	}
	sqlite3_reset(q);
	return rc < 0 ? -1 : 0;
}

/* provider NULL: the sender */
static int history_shared(struct store *s, const struct limits *l, const char *provider, int64_t exclude, int64_t now,
			  struct times *t, struct err *e)
{
	if (!l->n)
		return 0;
	for (size_t i = 0; i < s->flights.n; i++) {
		if (s->flights.touch[i] != exclude && (!provider || !strcmp(s->flights.more[i].provider, provider)))
			times_add(t, CLOCK_NEVER);
	}
	return store_recents_read(s, provider, l, now, t, e);
}

/* start x growth^(days with a send before today), at most target */
static int32_t ramp_cap(const struct policy *p, int32_t days)
{
	double cap = p->warmup.start * pow(p->warmup.growth > 0 ? p->warmup.growth : 1, days);

	if (p->warmup.target > 0 && cap >= p->warmup.target)
		return p->warmup.target;
	return cap < INT32_MAX ? (int32_t)cap : INT32_MAX;
}

static int history_warmup(struct store *s, const struct policy *p, int64_t exclude, int64_t now, struct history *out,
			  struct err *e)
{
	int32_t days = 0, flying = (int32_t)s->flights.n;

	out->warmup_cap = -1;
	if (p->warmup.start <= 0)
		return 0;
	if (store_days_ramp(s, now, &out->warmup_used, &days, e))
		return -1;
	if (exclude && store_flight_find(s, exclude) >= 0)
		flying--;
	out->warmup_cap = ramp_cap(p, days);
	out->warmup_used += flying;
	out->rests_on_flight |= flying > 0;
	return 0;
}

static bool first_flies(const struct times *t)
{
	return t->n > 0 && t->time[0] == CLOCK_NEVER;
}

int store_history(struct store *s, const struct policy *p, const struct contact *c, int64_t exclude_touch, int64_t now,
		  struct history *out, struct err *e)
{
	struct times *account = &s->history_account, *provider = &s->history_provider, *sender = &s->history_sender;

	*out = (struct history){ .warmup_cap = -1 };
	account->n = provider->n = sender->n = 0;
	if (history_contact(s, p, c, exclude_touch, now, out, e) ||
	    history_account(s, p, c->account_id, exclude_touch, now, account, e) ||
	    history_shared(s, &p->provider, mailaddr_domain(c->email), exclude_touch, now, provider, e) ||
	    history_shared(s, &p->sender, NULL, exclude_touch, now, sender, e) ||
	    history_warmup(s, p, exclude_touch, now, out, e))
		return -1;
	out->account = account->time;
	out->account_n = account->n;
	out->provider = provider->time;
	out->provider_n = provider->n;
	out->sender = sender->time;
	out->sender_n = sender->n;
	out->rests_on_flight |= first_flies(account) || first_flies(provider) || first_flies(sender);
	return 0;
}

int store_content_seen(struct store *s, int64_t contact_id, const char *content, int64_t exclude_touch)
{
	const struct flights *f = &s->flights;
	unsigned char digest[16];
	sqlite3_stmt *q;
	int rc;

	for (size_t i = 0; i < f->n; i++) {
		if (f->contact[i] == contact_id && f->touch[i] != exclude_touch && !strcmp(f->more[i].content, content))
			return 1;
	}
	q = store_stmt(s, SQL_CONTENT_SEEN);
	bind_int(q, 1, contact_id);
	store_content_bind(q, 2, content, digest);
	bind_int(q, 3, exclude_touch);
	rc = store_step(s, q, NULL);
	if (rc > 0)
		sqlite3_reset(q);
	return rc;
}
