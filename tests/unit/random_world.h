/* A small world: contacts of an account, enrolled in sequences that share every cap, whose touches fly for a while and
 * are accepted, stay unknown or are refused, and who reply now and then. What becomes of a touch hangs on its
 * enrollment, step and attempt alone, so that two runs of a world differ only in when the governor was asked. */
#ifndef RANDOM_WORLD_H
#define RANDOM_WORLD_H

#include "random_oracle.h"

#define CONTACTS_MAX    3
#define ENROLLMENTS_MAX 6
#define STEPS_MAX       5
#define RECORDS_MAX     160
#define EVENTS_MAX      4000
#define WORLD_DAYS      500

struct record {
	int enrollment, step, contact;
	enum kind kind;
	int64_t decided, at;       /* at: when it lands, known from the beginning */
	int decided_no, landed_no; /* what happened before what, when the clock cannot tell */
	enum touch_state state, becomes;
	bool replies;
};

struct participant {
	int contact;
	struct sequence sequence; /* with its policy */
	struct step step[STEPS_MAX];
	enum kind kind[STEPS_MAX];
	int64_t id;
	int step_n, at_step, attempts, flight; /* flight: its record, or -1 */
	int64_t prev_at, due_at, next_at, retry_at;
	bool active, rests;
	struct verdict last;
};

struct world {
	struct fixture base; /* the installation's policy; its zone is the first contact's */
	int contact_n, enrollment_n;
	struct contact contact[CONTACTS_MAX];
	int z[CONTACTS_MAX];
	int64_t hold[CONTACTS_MAX], reply_at[CONTACTS_MAX];
	bool same_account, replied[CONTACTS_MAX];
	struct participant row[ENROLLMENTS_MAX];
	struct record record[RECORDS_MAX];
	int record_n, happened;
	int64_t now, salt;
};

static inline uint64_t world_hash(const struct world *w, int64_t a, int64_t b, int64_t c)
{
	uint64_t h = (uint64_t)w->salt + 1;
	const int64_t part[] = { a, b, c };

	for (int i = 0; i < 3; i++) {
		h = (h ^ (uint64_t)part[i]) * UINT64_C(0xBF58476D1CE4E5B9);
		h ^= h >> 29;
	}
	return h;
}

/* ---- making one ---- */

static inline void random_tightening(struct gen *g, struct policy *p)
{
	struct limits *l = &p->contact;

	if (gen_one_in(g, 3) && l->n < LIMITS_MAX)
		l->row[l->n++] = (struct limit){ 1 + (int32_t)gen_up_to(g, 1), (1 + gen_up_to(g, 14)) * CLOCK_DAY };
	if (gen_one_in(g, 3) && p->contact_min_gap.ms)
		p->contact_min_gap.ms += gen_up_to(g, 3) * CLOCK_DAY;
	else if (gen_one_in(g, 3))
		p->contact_min_gap.business_days += p->contact_min_gap.business_days ? (int32_t)gen_up_to(g, 3) : 0;
}

static inline void random_participant(struct gen *g, struct world *w, int i, bool twins)
{
	static const char *const names[STEPS_MAX] = { "one", "two", "three", "four", "five" };
	struct participant *r = &w->row[i];

	r->contact = twins ? 0 : (int)gen_up_to(g, w->contact_n - 1);
	r->sequence = (struct sequence){ .name = "s", .enroll_tag = "", .policy = w->base.policy };
	random_tightening(g, &r->sequence.policy);
	r->id = gen_up_to(g, 1000);
	r->step_n = 1 + (int)gen_up_to(g, STEPS_MAX - 1);
	for (int k = 0; k < r->step_n; k++) {
		r->step[k] = (struct step){ .name = names[k], .template_name = "" };
		r->step[k].after = random_gap(g, 3);
		r->step[k].expire = gen_one_in(g, 8) ? (1 + gen_up_to(g, 30)) * CLOCK_DAY : 0;
		r->kind[k] = gen_one_in(g, 4) ? KIND_ASK : KIND_VALUE;
	}
	r->sequence.step = r->step;
	r->sequence.step_n = (size_t)r->step_n;
	r->prev_at = w->now - gen_up_to(g, 2 * CLOCK_DAY);
	r->flight = -1;
	r->active = true;
}

/* Rules of milliseconds would have everybody asked every millisecond while a touch flies. */
static inline void lengthen(struct policy *p)
{
	struct limits *l[] = { &p->contact, &p->account, &p->provider, &p->sender };

	for (int k = 0; k < 4; k++)
		for (int i = 0; i < l[k]->n; i++)
			l[k]->row[i].per_ms += l[k]->row[i].per_ms < CLOCK_HOUR ? CLOCK_HOUR : 0;
	if (p->contact_min_gap.ms)
		p->contact_min_gap.ms += CLOCK_HOUR;
	if (p->account_min_gap.ms)
		p->account_min_gap.ms += CLOCK_HOUR;
}

static inline void random_world(struct gen *g, struct world *w, bool twins)
{
	struct fixture *f = &w->base;

	memset(w, 0, sizeof *w);
	random_case(g, f);
	lengthen(&f->policy);
	w->now = f->now;
	w->salt = gen_up_to(g, 1000000);
	w->contact_n = twins ? 1 : 1 + (int)gen_up_to(g, CONTACTS_MAX - 1);
	w->same_account = gen_one_in(g, 2);
	for (int i = 0; i < w->contact_n; i++) {
		w->contact[i] = f->contact;
		w->contact[i].consent = "opt_in";
		w->contact[i].consent_at = w->now;
		w->contact[i].engaged_at = 0;
		w->z[i] = i == 0 ? f->z : (int)gen_up_to(g, ZONES - 1);
	}
	w->enrollment_n = 2 + (int)gen_up_to(g, twins ? 1 : ENROLLMENTS_MAX - 2);
	for (int i = 0; i < w->enrollment_n; i++) {
		if (!twins || i == 0) {
			random_participant(g, w, i, twins);
			continue;
		}
		w->row[i] = w->row[0];
		w->row[i].sequence.step = w->row[i].step;
	}
}

static inline void world_window(struct world *w, struct window window)
{
	w->base.policy.window = window;
	for (int i = 0; i < w->enrollment_n; i++)
		w->row[i].sequence.policy.window = window;
}

/* A copy whose pointers are its own. */
static inline void world_copy(struct world *to, const struct world *from)
{
	*to = *from;
	to->base.policy.consent_accept = to->base.accept;
	to->base.policy.window.holidays = to->base.holiday;
	for (int i = 0; i < to->enrollment_n; i++) {
		struct participant *r = &to->row[i];

		r->sequence.step = r->step;
		r->sequence.policy.consent_accept = to->base.accept;
		r->sequence.policy.window.holidays = to->base.holiday;
	}
}

/* ---- asking ---- */

struct view {
	struct past_touch touch[RECORDS_MAX];
	const struct record *own[RECORDS_MAX];
	int64_t account[RECORDS_MAX], all[RECORDS_MAX];
	struct history history;
	struct standing standing;
};

static inline int64_t seen_at(const struct record *r)
{
	return r->state == TOUCH_HANDED ? CLOCK_NEVER : r->at;
}

static inline int32_t used_today(const struct world *w)
{
	int32_t n = 0;

	for (int i = 0; i < w->record_n; i++)
		n += touch_state_counts(w->record[i].state) &&
		     (w->record[i].state == TOUCH_HANDED ? w->now : w->record[i].at) / CLOCK_DAY == w->now / CLOCK_DAY;
	return n;
}

/* Newest first; of those in the same millisecond the one that was decided later, as the store has them. */
static inline int random_touch_first(const void *a, const void *b)
{
	const struct record *x = *(const struct record *const *)a, *y = *(const struct record *const *)b;
	int64_t i = seen_at(x), k = seen_at(y);

	return i != k ? (i < k) - (i > k) : (x < y) - (x > y);
}

static inline void world_view(const struct world *w, const struct participant *p, struct view *v)
{
	struct history *h = &v->history;
	const struct contact *c = &w->contact[p->contact];

	*h = (struct history){ .contact = v->touch, .account = v->account, .provider = v->all, .sender = v->all };
	for (int i = 0; i < w->record_n; i++) {
		const struct record *r = &w->record[i];
		int64_t at = seen_at(r);

		if (!touch_state_counts(r->state))
			continue;
		v->all[h->sender_n++] = at;
		h->rests_on_flight |= at == CLOCK_NEVER;
		if (w->same_account || r->contact == p->contact)
			v->account[h->account_n++] = at;
		if (r->contact != p->contact)
			continue;
		v->own[h->contact_n++] = r;
		if (h->first_touch_at == 0 || r->at < h->first_touch_at)
			h->first_touch_at = at == CLOCK_NEVER ? h->first_touch_at : r->at;
		h->unanswered += at == CLOCK_NEVER || at > c->engaged_at;
	}
	h->provider_n = h->sender_n;
	qsort(v->own, h->contact_n, sizeof *v->own, random_touch_first);
	for (size_t i = 0; i < h->contact_n; i++)
		v->touch[i] = (struct past_touch){ seen_at(v->own[i]), v->own[i]->state, v->own[i]->kind };
	qsort(v->account, h->account_n, sizeof *v->account, random_newest_first);
	qsort(v->all, h->sender_n, sizeof *v->all, random_newest_first);
	h->warmup_cap = w->base.policy.warmup.start > 0 ? 2 : -1;
	h->warmup_used = used_today(w);
	v->standing = (struct standing){ .account_hold = w->hold[p->contact], .replied = w->replied[p->contact] };
}

static inline void world_ask(const struct world *w, struct participant *p)
{
	static struct view v;
	struct governor_input in = { .policy = &p->sequence.policy,
				     .sequence = &p->sequence,
				     .step = &p->step[p->at_step],
				     .contact = &w->contact[p->contact],
				     .standing = &v.standing,
				     .history = &v.history,
				     .zone = zone_row[w->z[p->contact]],
				     .enrollment_id = p->id,
				     .prev_at = p->prev_at,
				     .retry_at = p->retry_at,
				     .kind = p->kind[p->at_step] };

	world_view(w, p, &v);
	p->due_at = governor_add(in.policy, in.zone, p->prev_at, &in.step->after);
	governor_decide(&in, w->now, &p->last);
	p->rests = p->last.rests_on_flight || p->last.reason == REASON_GIFTS;
	p->next_at = p->last.kind == VERDICT_WAIT ? least(p->last.until, p->last.ends_at) : w->now;
}

static inline void world_reserve(struct world *w, int i)
{
	struct participant *p = &w->row[i];
	uint64_t h = world_hash(w, p->id, p->at_step, p->attempts);
	struct record *r = &w->record[w->record_n];

	p->active = w->record_n < RECORDS_MAX - 1;
	if (!p->active)
		return;
	*r = (struct record){ .enrollment = i,
			      .step = p->at_step,
			      .contact = p->contact,
			      .kind = p->kind[p->at_step],
			      .decided = w->now,
			      .decided_no = w->happened++,
			      .landed_no = INT32_MAX,
			      .at = w->now + (int64_t)(h % 4 == 0 ? h / 8 % (10 * CLOCK_MINUTE) : 0),
			      .state = TOUCH_HANDED };
	r->becomes = h / 64 % 10 < 8 ? TOUCH_ACCEPTED : h / 64 % 10 == 8 ? TOUCH_UNKNOWN : TOUCH_REFUSED_TEMP;
	if (p->attempts >= 3 && r->becomes == TOUCH_REFUSED_TEMP)
		r->becomes = TOUCH_ACCEPTED;
	r->replies = r->becomes == TOUCH_ACCEPTED && h / 1024 % 30 == 0;
	p->flight = w->record_n++;
	p->attempts++;
}

/* The next step; past the last one it is completed. */
static inline void world_advance(struct participant *p)
{
	p->retry_at = 0;
	p->attempts = 0;
	p->active = ++p->at_step < p->step_n;
}

static inline void world_land(struct world *w, struct participant *p)
{
	struct record *r = &w->record[p->flight];

	p->flight = -1;
	p->next_at = w->now;
	r->state = r->becomes;
	r->landed_no = w->happened++;
	for (int i = 0; i < w->enrollment_n; i++)
		if (w->row[i].rests)
			w->row[i].next_at = w->now;
	if (r->state == TOUCH_REFUSED_TEMP) {
		p->retry_at = r->at + 5 * CLOCK_MINUTE * (INT64_C(1) << p->attempts);
		return;
	}
	p->prev_at = r->at;
	world_advance(p);
	if (r->replies && !w->reply_at[p->contact])
		w->reply_at[p->contact] = r->at + CLOCK_HOUR + r->at % (2 * CLOCK_DAY);
}

static inline void world_reply(struct world *w, int contact)
{
	w->contact[contact].engaged_at = w->now;
	w->replied[contact] = true;
	w->reply_at[contact] = 0;
	for (int i = 0; i < w->contact_n; i++)
		if (i != contact && w->same_account)
			w->hold[i] = w->now + 14 * CLOCK_DAY;
	for (int i = 0; i < w->enrollment_n; i++)
		if (w->row[i].contact == contact)
			w->row[i].next_at = w->now;
}

/* The next instant at which something is to be done; CLOCK_NEVER. */
static inline int64_t world_next(const struct world *w)
{
	int64_t next = CLOCK_NEVER;

	for (int i = 0; i < w->enrollment_n; i++) {
		const struct participant *p = &w->row[i];

		if (p->flight >= 0)
			next = least(next, w->record[p->flight].at);
		else if (p->active)
			next = least(next, p->next_at);
	}
	for (int i = 0; i < w->contact_n; i++)
		if (w->reply_at[i])
			next = least(next, w->reply_at[i]);
	return next;
}

static inline void world_happens(struct world *w)
{
	for (int i = 0; i < w->enrollment_n; i++)
		if (w->row[i].flight >= 0 && w->record[w->row[i].flight].at <= w->now)
			world_land(w, &w->row[i]);
	for (int i = 0; i < w->contact_n; i++)
		if (w->reply_at[i] && w->reply_at[i] <= w->now)
			world_reply(w, i);
}

#endif
