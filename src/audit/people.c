/* What lines tell of people and companies, and when something is forbidden. A stop is known from its line's ts on: what
 * was handed over in the same millisecond may have been so before. */
#include <stdlib.h>
#include <string.h>

#include "abv/mailaddr.h"
#include "abv/mem.h"
#include "abv/model.h"
#include "audit_int.h"

/* More spans than this in a row that were over before are not looked behind: a service that is paused ten times a day
 * must not cost the square. */
#define SPANS_OVER 1000

struct person *person_at(struct audit *a, uint32_t id)
{
	if (id >= a->person_n) {
		uint32_t n = a->person_n ? a->person_n : 64;

		while (n <= id)
			n *= 2;
		a->person = mem_grow(a->person, n, sizeof *a->person);
		memset(a->person + a->person_n, 0, (n - a->person_n) * sizeof *a->person);
		a->person_n = n;
	}
	return &a->person[id];
}

/* Numbers by number, with room for id. */
static uint32_t *number_at(uint32_t **row, uint32_t *n, uint32_t id)
{
	if (id >= *n) {
		uint32_t more = *n ? *n : 16;

		while (more <= id)
			more *= 2;
		*row = mem_grow(*row, more, sizeof **row);
		memset(*row + *n, 0, (more - *n) * sizeof **row);
		*n = more;
	}
	return *row + id;
}

/* ---- enrollments ---- */

static uint32_t enrolled_slot(const struct audit *a, uint32_t person, uint32_t sequence)
{
	uint64_t h = ((uint64_t)person << 32 | sequence) * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t i = (uint32_t)(h >> 32) & (a->enrolled_slots - 1), at;

	for (; (at = a->enrolled_slot[i]) != 0; i = (i + 1) & (a->enrolled_slots - 1))
		if (a->enrolled[at - 1].person == person && a->enrolled[at - 1].sequence == sequence)
			break;
	return i;
}

struct enrolled *enrolled_find(struct audit *a, uint32_t person, uint32_t sequence)
{
	uint32_t at = a->enrolled_slots ? a->enrolled_slot[enrolled_slot(a, person, sequence)] : 0;

	return at ? &a->enrolled[at - 1] : NULL;
}

struct enrolled *enrolled_get(struct audit *a, uint32_t person, uint32_t sequence)
{
	struct enrolled *e = enrolled_find(a, person, sequence);
	struct person *p = person_at(a, person);

	if (e)
		return e;
	GROW(a->enrolled, a->enrolled_n, a->enrolled_cap);
	if ((a->enrolled_n + 1) * 2 > a->enrolled_slots) {
		a->enrolled_slots = a->enrolled_slots ? a->enrolled_slots * 2 : 64;
		free(a->enrolled_slot);
		a->enrolled_slot = mem_array(a->enrolled_slots, sizeof *a->enrolled_slot);
		for (uint32_t i = 0; i < a->enrolled_n; i++)
			a->enrolled_slot[enrolled_slot(a, a->enrolled[i].person, a->enrolled[i].sequence)] = i + 1;
	}
	e = &a->enrolled[a->enrolled_n];
	*e = (struct enrolled){ .person = person, .sequence = sequence, .expected = -1, .next = p->enrollments };
	/* Whatever it is, it began before what we see of it. */
	e->replied = p->first_reply;
	a->enrolled_slot[enrolled_slot(a, person, sequence)] = ++a->enrolled_n;
	p->enrollments = a->enrolled_n;
	return e;
}

static void enroll(struct audit *a, const struct line *l)
{
	struct enrolled *e = enrolled_find(a, l->person, l->sequence);

	if (e && e->began) {
		tell(a, RULE_ENROLLMENT, &l->place, "%s is enrolled in %s a second time",
		     names_text(&a->people, l->person), names_text(&a->sequences, l->sequence));
		return;
	}
	e = enrolled_get(a, l->person, l->sequence);
	e->began = e->last_at = e->before_at = l->ts;
	e->replied = 0; /* what was said before does not concern it */
	e->expected = 0;
	e->epoch = a->epoch;
}

/* Is this configuration's policy in force where we read? */
static bool given_holds(const struct audit *a)
{
	return !strcmp(a->policy, a->config->policy_hash);
}

/* Nothing is lost: a step is skipped as expired only when its time is over. */
static void skip_judge(struct audit *a, const struct line *l, const struct enrolled *e, const struct sequence *q,
		       const struct step *step)
{
	int64_t due, end;
	struct buf b = { 0 };

	if (!e->last_at || !given_holds(a) || strcmp(l->reason, reason_name(REASON_STEP_EXPIRED)) != 0)
		return;
	due = calendar_add(&q->policy.window, zone_at(a, &q->policy, l->person, l->ts), e->last_at, &step->after);
	if (!step->expire || __builtin_add_overflow(due, step->expire, &end))
		end = CLOCK_NEVER;
	if (l->ts >= end)
		return;
	buf_printf(&b, "%s: step '%s' of sequence '%s' was skipped as expired, ", names_text(&a->people, l->person),
		   step->name, q->name);
	if (end == CLOCK_NEVER)
		buf_str(&b, "but it does not expire");
	else
		buf_str(&b, "but it expires at ");
	if (end != CLOCK_NEVER)
		when_text(&b, end);
	tell(a, RULE_EXPIRE, &l->place, "%s", buf_text(&b));
	buf_free(&b);
}

static void step_skipped(struct audit *a, const struct line *l)
{
	struct enrolled *e = enrolled_get(a, l->person, l->sequence);
	const struct sequence *q = sequence_of(a, l->sequence);
	int i = q ? sequence_step_find(q, names_text(&a->steps, l->step)) : -1;

	if (i >= 0)
		skip_judge(a, l, e, q, &q->step[i]);
	e->expected = i < 0 ? -1 : i + 1;
	e->epoch = a->epoch;
}

static void completed(struct audit *a, const struct line *l)
{
	struct enrolled *e = enrolled_get(a, l->person, l->sequence);
	const struct sequence *q = sequence_of(a, l->sequence);

	e->completed = l->ts;
	if (q && given_holds(a) && e->epoch == a->epoch && e->expected >= 0 && e->expected < (int32_t)q->step_n)
		tell(a, RULE_ORDER, &l->place, "%s: sequence '%s' was completed, although step '%s' comes next",
		     names_text(&a->people, l->person), q->name, q->step[e->expected].name);
}

/* ---- what is forbidden ---- */

static void span_open(struct audit *a, uint32_t *newest, enum rule rule, int64_t from, int64_t to, uint32_t but)
{
	GROW(a->span, a->span_n, a->span_cap);
	a->span[a->span_n] = (struct span){ .from = from, .to = to, .older = *newest, .but = but, .rule = rule };
	*newest = ++a->span_n;
}

static void span_close(struct audit *a, uint32_t newest, int64_t at)
{
	int over = 0;

	for (uint32_t i = newest; i && over < SPANS_OVER; i = a->span[i - 1].older) {
		over = a->span[i - 1].to <= at ? over + 1 : 0;
		if (a->span[i - 1].to > at)
			a->span[i - 1].to = at;
	}
}

const struct span *span_over(const struct audit *a, uint32_t newest, int64_t t, uint32_t person)
{
	const struct span *found = NULL;
	int over = 0;

	for (uint32_t i = newest; i && over < SPANS_OVER; i = a->span[i - 1].older) {
		const struct span *s = &a->span[i - 1];

		over = s->to <= t ? over + 1 : 0;
		if (s->from < t && t < s->to && (!s->but || s->but != person))
			found = s; /* the oldest: what came first is the cause */
	}
	return found;
}

uint32_t account_span(const struct audit *a, uint32_t account)
{
	return account && account < a->account_spans_n ? a->account_spans[account] : 0;
}

uint32_t pause_span(const struct audit *a, uint32_t sequence)
{
	return sequence < a->pauses_n ? a->pauses[sequence] : 0;
}

static void account_hold(struct audit *a, uint32_t account, int64_t from, int64_t until, uint32_t but)
{
	if (account && until > from)
		span_open(a, number_at(&a->account_spans, &a->account_spans_n, account), RULE_ACCOUNT_HOLD, from, until,
			  but);
}

/* A contact's hold takes the place of the one before it; an account's only adds to it, unless it lifts it. */
static void hold(struct audit *a, const struct line *l)
{
	struct person *p;

	if (!l->person) {
		if (l->until <= l->ts)
			span_close(a, account_span(a, l->account), l->ts);
		account_hold(a, l->account, l->ts, l->until, 0);
		return;
	}
	p = person_at(a, l->person);
	span_close(a, p->holds, l->ts);
	if (l->until > l->ts)
		span_open(a, &p->holds, RULE_CONTACT_HOLD, l->ts, l->until, 0);
}

static void reply(struct audit *a, const struct line *l)
{
	struct person *p = person_at(a, l->person);
	int64_t until;

	GROW(a->reply, a->reply_n, a->reply_cap);
	a->reply[a->reply_n++] = (struct reply){ l->person, l->ts };
	if (!p->first_reply)
		p->first_reply = l->ts;
	for (uint32_t i = p->enrollments; i; i = a->enrolled[i - 1].next)
		if (!a->enrolled[i - 1].replied)
			a->enrolled[i - 1].replied = l->ts;
	/* How long the others are held is the policy's: another one may have said otherwise. */
	if (given_holds(a) && !__builtin_add_overflow(l->ts, a->config->account_hold, &until))
		account_hold(a, l->account, l->ts, until, l->person);
}

static void forbid(struct audit *a, const struct line *l, enum rule rule)
{
	span_open(a, &person_at(a, l->person)->spans, rule, l->ts, CLOCK_NEVER, 0);
}

static enum rule suppression_rule(const char *reason)
{
	static const struct {
		enum reason reason;
		enum rule rule;
	} row[] = { { REASON_UNSUBSCRIBED, RULE_AFTER_UNSUBSCRIBE },
		    { REASON_COMPLAINED, RULE_AFTER_COMPLAINT },
		    { REASON_HARD_BOUNCE, RULE_AFTER_HARD_BOUNCE },
		    { REASON_ERASED, RULE_FORGOTTEN } };

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (!strcmp(reason, reason_name(row[i].reason)))
			return row[i].rule;
	return RULE_SUPPRESSED;
}

/* The address itself is bad (9-precisions, Hard bounce). Other refusals end the enrollment. Of a report, `permanent`
 * says it. */
static bool is_hard(const char *status)
{
	static const char *const hard[] = { "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1" };

	for (size_t i = 0; i < sizeof hard / sizeof *hard; i++)
		if (!strcmp(status, hard[i]))
			return true;
	return false;
}

void people_refused(struct audit *a, const struct line *l)
{
	if (l->permanent && is_hard(l->status))
		forbid(a, l, RULE_AFTER_HARD_BOUNCE);
}

static void import(struct audit *a, const struct line *l)
{
	struct person *p = person_at(a, l->person);

	if (!p->first_import)
		p->first_import = l->ts;
	p->was = p->now;
	p->now = (struct facts){ .since = l->ts,
				 .consent_at = l->consent_at,
				 .zone = names_put(&a->zone_names, l->timezone),
				 .consent = names_put(&a->words, l->consent) };
}

const struct facts *person_facts(const struct person *p, int64_t t)
{
	return p->now.since > t && p->was.since ? &p->was : &p->now;
}

static void config_loaded(struct audit *a, const struct line *l)
{
	if (strcmp(a->policy, l->policy) != 0)
		a->epoch++;
	strncpy(a->policy, l->policy, sizeof a->policy - 1);
	GROW(a->load, a->load_n, a->load_cap);
	a->load[a->load_n++] =
	    (struct load){ .at = l->place.at, .ts = l->ts, .given = !strcmp(l->policy, a->config->policy_hash) };
}

static void enrollment_take(struct audit *a, enum event_type type, const struct line *l)
{
	struct enrolled *e;

	if (type == EVENT_ENROLLED) {
		enroll(a, l);
	} else if (type == EVENT_SKIPPED) {
		step_skipped(a, l);
	} else if (type == EVENT_STOPPED) {
		e = enrolled_get(a, l->person, l->sequence);
		e->stopped = e->stopped ? e->stopped : l->ts;
	} else if (type == EVENT_COMPLETED) {
		completed(a, l);
	}
}

static void person_take(struct audit *a, enum event_type type, const struct line *l)
{
	switch (type) {
	case EVENT_CONTACT_IMPORTED: import(a, l); break;
	case EVENT_REPLIED: reply(a, l); break;
	case EVENT_UNSUBSCRIBED: forbid(a, l, RULE_AFTER_UNSUBSCRIBE); break;
	case EVENT_COMPLAINED: forbid(a, l, RULE_AFTER_COMPLAINT); break;
	case EVENT_SUPPRESSED: forbid(a, l, suppression_rule(l->reason)); break;
	case EVENT_FORGOTTEN: forbid(a, l, RULE_FORGOTTEN); break;
	case EVENT_UNSUPPRESSED: span_close(a, person_at(a, l->person)->spans, l->ts); break;
	case EVENT_BOUNCED:
		if (l->permanent)
			forbid(a, l, RULE_AFTER_HARD_BOUNCE);
		break;
	default:
		if (l->sequence)
			enrollment_take(a, type, l);
		break;
	}
}

void people_take(struct audit *a, const struct line *l)
{
	enum event_type type = event_type_find(l->event);
	uint32_t *pause;

	switch (type) {
	case EVENT_CONFIG_LOADED: config_loaded(a, l); break;
	case EVENT_HELD: hold(a, l); break;
	case EVENT_PAUSED:
	case EVENT_RESUMED:
		pause = number_at(&a->pauses, &a->pauses_n, l->sequence);
		span_close(a, *pause, l->ts);
		if (type == EVENT_PAUSED)
			span_open(a, pause, RULE_PAUSED, l->ts, CLOCK_NEVER, 0);
		break;
	default:
		if (l->person)
			person_take(a, type, l);
		break;
	}
}
