/* One question to the governor that is answered with "send"; a test changes what it is about. */
#ifndef GOVERNOR_FIXTURE_H
#define GOVERNOR_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/governor.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static inline int64_t at(const char *text)
{
	int64_t t;
	if (strcmp(text, "never") == 0)
		return CLOCK_NEVER;
	assert_int_equal(clock_parse(text, &t, NULL), 0);
	return t;
}

/* ---- a case that is sent at once: a Tuesday, 10:00 in UTC, nothing sent before ---- */

struct fixture {
	struct policy policy;
	struct sequence sequence;
	struct step step;
	struct contact contact;
	struct standing standing;
	struct history history;
	struct past_touch touch[80];
	int64_t time[80];
	struct governor_input in;
	struct verdict v;
};

#define NOW "2026-11-24T10:00:00Z"

static const char *const bases[] = { "opt_in", "customer" };

static inline void setup(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	f->policy = (struct policy){ .window = { .weekdays = 0x1f, .hours = { 8 * 3600 + 1800, 17 * 3600 + 1800 } },
				     .backoff_factor = 1,
				     .consent_accept = bases,
				     .consent_accept_n = COUNT(bases) };
	f->contact = (struct contact){ .id = 1,
				       .email = "dana@example.com",
				       .account = "",
				       .account_name = "",
				       .first_name = "",
				       .last_name = "",
				       .title = "",
				       .timezone = "",
				       .owner = "",
				       .tags = "",
				       .consent = "opt_in",
				       .consent_source = "",
				       .consent_at = at("2026-01-01T00:00:00Z") };
	f->step = (struct step){ .name = "playbook", .template_name = "playbook.md" };
	f->history = (struct history){
		.contact = f->touch, .account = f->time, .provider = f->time, .sender = f->time, .warmup_cap = -1
	};
	f->in = (struct governor_input){ .policy = &f->policy,
					 .sequence = &f->sequence,
					 .step = &f->step,
					 .contact = &f->contact,
					 .standing = &f->standing,
					 .history = &f->history,
					 .zone = zone_utc(),
					 .enrollment_id = 7,
					 .prev_at = at("2026-11-24T09:00:00Z") };
}

static inline void touched(struct fixture *f, const char *when, enum touch_state state, enum kind kind)
{
	f->touch[f->history.contact_n++] = (struct past_touch){ at(when), state, kind };
}

static inline const struct verdict *decide(struct fixture *f, const char *now)
{
	f->sequence.policy = f->policy;
	governor_decide(&f->in, at(now), &f->v);
	return &f->v;
}

static inline void expect(struct fixture *f, const char *now, enum verdict_kind kind, enum reason reason,
			  const char *until)
{
	const struct verdict *v = decide(f, now);
	char got[CLOCK_TEXT_MAX] = "never";
	int64_t want = kind == VERDICT_WAIT ? at(until) : 0;
	if (v->until != CLOCK_NEVER)
		clock_format(v->until, got);
	if (v->kind != kind || v->reason != reason || v->until != want)
		fail_msg("%s: %s %s until %s, expected %s %s until %s", now, verdict_kind_name(v->kind),
			 reason_name(v->reason), got, verdict_kind_name(kind), reason_name(reason), until);
}

static inline void expect_send(struct fixture *f, const char *now)
{
	expect(f, now, VERDICT_SEND, REASON_NONE, "");
}

#endif
