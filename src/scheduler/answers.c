/* What comes back (6-inbox), as effects in the caller's transaction. Policy:
 *
 * - A person's reply ends all the contact's enrollments and holds the account's other contacts: somebody talks to us.
 * - An absence holds the contact, in every sequence. A longer hold stays.
 * - A permanent bounce, a complaint and an unsubscribe suppress. Bounces that are not permanent are counted: three in 30 days suppress.
 * - Whatever comes back for a touch that was in doubt proves that it was delivered.
 *
 * In the log the cause comes first: bounced, suppressed, stopped; replied, stopped, held. */
#include <string.h>

#include "abv/json.h"
#include "scheduler_int.h"

struct answering {
	struct scheduler *s;
	const struct answer *a;
	struct contact *contact; /* owned */
	struct touch *touch;     /* owned; NULL: none is known, or it isn't this contact's */
	int64_t now;
};

static int event(const struct answering *g, enum event_type type, bool of_touch, struct buf *detail, struct err *e)
{
	const struct touch *t = of_touch ? g->touch : NULL;
	struct enrollment en = { .contact_id = g->contact->id, .sequence = t != NULL ? t->sequence : "", .step = t != NULL ? t->step : "" };
	return record_event(g->s, type, &en, whose(g->contact), t != NULL ? (int)t->kind : -1, t != NULL ? t->id : 0, g->now, detail, e);
}

static int suppress(const struct answering *g, enum reason why, const char *note, struct err *e)
{
	struct buf d = { 0 };
	int fresh = store_suppress(g->s->store, g->contact->email, why, note, g->now, e);
	if (fresh < 0)
		return -1;
	if (fresh > 0) {
		json_add_str(&d, "reason", reason_name(why));
		if (*note != '\0')
			json_add_str(&d, "note", note);
		if (event(g, EVENT_SUPPRESSED, true, &d, e) != 0)
			return -1;
	}
	return record_stop_all(g->s, g->contact->id, why, g->now, e);
}

/* ---- bounces ---- */

/* A failure counts with the send that it is about: counted when it comes, those of a large day would be held against the small days that
 * follow. */
static int64_t sent_at(const struct answering *g)
{
	return g->touch != NULL && g->touch->at != 0 && g->touch->at <= g->now ? g->touch->at : g->now;
}

static int bounced(const struct answering *g, struct err *e)
{
	struct buf d = { 0 };
	json_add_str(&d, "status", g->a->status);
	json_add_bool(&d, "permanent", g->a->permanent);
	if (event(g, EVENT_BOUNCED, true, &d, e) != 0)
		return -1;
	if (g->a->permanent)
		return suppress(g, REASON_HARD_BOUNCE, g->a->status, e) == 0 ? breaker_count(g->s, STORE_HOUR_BOUNCES, sent_at(g), g->now, e) : -1;
	int n = store_soft_bounce(g->s->store, g->contact->id, g->a->touch_id, g->now, g->now - ANSWER_SOFT_WITHIN, e);
	if (n < 0)
		return -1;
	return n >= ANSWER_SOFT_BOUNCES ? suppress(g, REASON_HARD_BOUNCE, "three bounces within 30 days", e) : 0;
}

static int complained(const struct answering *g, struct err *e)
{
	struct buf none = { 0 };
	if (event(g, EVENT_COMPLAINED, true, &none, e) != 0 || suppress(g, REASON_COMPLAINED, "", e) != 0)
		return -1;
	return breaker_count(g->s, STORE_HOUR_COMPLAINTS, sent_at(g), g->now, e);
}

static int unsubscribed(const struct answering *g, struct err *e)
{
	struct buf d = { 0 };
	json_add_str(&d, "via", g->a->via);
	return event(g, EVENT_UNSUBSCRIBED, true, &d, e) == 0 ? suppress(g, REASON_UNSUBSCRIBED, "", e) : -1;
}

/* ---- holds ---- */

static int held(const struct answering *g, bool account, int64_t until, const char *why, struct err *e)
{
	struct buf d = { 0 };
	struct event ev = { .ts = g->now, .type = EVENT_HELD, .contact_id = account ? 0 : g->contact->id, .address = "",
		            .account = g->contact->account, .sequence = "", .step = "", .kind = -1 };
	int64_t seq;
	json_add_time(&d, "until", until);
	json_add_str(&d, "reason", why);
	ev.detail = buf_text(&d);
	int rc = store_event_add(g->s->store, &ev, &seq, e);
	buf_free(&d);
	return rc;
}

static int hold_contact(const struct answering *g, int64_t until, struct err *e)
{
	int64_t was;
	if (store_contact_hold_get(g->s->store, g->contact->id, &was, NULL, e) != 0)
		return -1;
	if (was >= until)
		return 0;
	if (store_contact_hold(g->s->store, g->contact->id, until, "out_of_office", e) != 0 || held(g, false, until, "out_of_office", e) != 0)
		return -1;
	return store_wake_contact(g->s->store, g->contact->id, g->now, e); /* so that `queue` tells the hold */
}

static int hold_account(const struct answering *g, struct err *e)
{
	int64_t was, until = g->now + g->s->plan->config->account_hold;
	if (g->contact->account_id == 0 || until == g->now)
		return 0;
	if (store_account_hold_get(g->s->store, g->contact->account_id, &was, NULL, e) != 0)
		return -1;
	if (was >= until)
		return 0;
	if (store_account_hold(g->s->store, g->contact->account_id, until, "replied", e) != 0 || held(g, true, until, "replied", e) != 0)
		return -1;
	return store_wake_account(g->s->store, g->contact->account_id, g->now, e);
}

static int auto_replied(const struct answering *g, struct err *e)
{
	int64_t until = g->a->until != 0 ? g->a->until : g->now + ANSWER_HOLD_DEFAULT;
	struct buf d = { 0 };
	json_add_time(&d, "until", until);
	if (*g->a->subject != '\0')
		json_add_str(&d, "subject", g->a->subject);
	if (event(g, EVENT_AUTO_REPLIED, true, &d, e) != 0)
		return -1;
	return until > g->now ? hold_contact(g, until, e) : 0;
}

static int replied(const struct answering *g, struct err *e)
{
	struct buf d = { 0 };
	json_add_str(&d, "subject", g->a->subject);
	json_add_str(&d, "text", g->a->text);
	if (event(g, EVENT_REPLIED, true, &d, e) != 0 || store_contact_engaged(g->s->store, g->contact->id, g->now, e) != 0)
		return -1;
	return record_stop_all(g->s, g->contact->id, REASON_REPLIED, g->now, e) == 0 ? hold_account(g, e) : -1;
}

/* ---- */

static int logged(const struct answering *g, enum event_type type, struct err *e)
{
	struct buf d = { 0 };
	if (*g->a->status != '\0')
		json_add_str(&d, "status", g->a->status);
	if (*g->a->subject != '\0')
		json_add_str(&d, "subject", g->a->subject);
	return event(g, type, true, &d, e);
}

static int effect(const struct answering *g, struct err *e)
{
	switch (g->a->kind) {
	case ANSWER_REPLY: return replied(g, e);
	case ANSWER_AUTO_REPLY: return auto_replied(g, e);
	case ANSWER_BOUNCE: return bounced(g, e);
	case ANSWER_COMPLAINT: return complained(g, e);
	case ANSWER_UNSUBSCRIBE: return unsubscribed(g, e);
	case ANSWER_NOTICE: return logged(g, EVENT_NOTICE, e);
	case ANSWER_RECEIPT: return logged(g, EVENT_RECEIPT, e);
	case ANSWER_CHALLENGE: return logged(g, EVENT_CHALLENGE, e);
	case ANSWER_KIND_COUNT: break;
	}
	return err_set(e, "an answer of no kind");
}

int scheduler_answer(struct scheduler *s, const struct answer *a, struct err *e)
{
	struct answering g = { .s = s, .a = a, .now = clock_now(s->clock) };
	int rc = store_contact_by_id(s->store, a->contact_id, &g.contact, e) < 0 ? -1 : 0;
	if (rc == 0 && a->touch_id != 0)
		rc = store_touch(s->store, a->touch_id, &g.touch, e) < 0 ? -1 : 0;
	if (rc == 0 && g.touch != NULL && g.touch->contact_id != a->contact_id)
		touch_free(&g.touch); /* a colleague's: the effect is the contact's own */
	if (rc == 0 && g.touch != NULL && g.touch->state == TOUCH_UNKNOWN)
		rc = scheduler_resolve(s, g.touch->id, UNKNOWN_ACCEPT, e);
	if (g.contact == NULL)
		rc = rc == 0 ? err_set(e, "an answer of no contact (%lld)", (long long)a->contact_id) : -1;
	else if (rc == 0 && !g.contact->forgotten) /* an erased person is suppressed already, and nothing of theirs is kept */
		rc = effect(&g, e);
	s->due_stale = true;
	touch_free(&g.touch);
	contact_free(&g.contact);
	return rc;
}
