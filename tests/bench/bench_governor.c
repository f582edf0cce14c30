/* rooms: base model rules */
/* What a decision costs at a history of 32 touches: bench_governor [DECISIONS]. CPU time of each kind of answer, the
 * fastest of some rounds, because a busy machine only adds; goal: below 2 us, and not one allocation. Exit 1 when
 * missed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abv/governor.h"

#define TOUCHES 32
#define ROUNDS  9
#define GOAL_NS 2000.0
#define NOW     (INT64_C(1795514400) * 1000) /* Tuesday, 2026-11-24 10:00 UTC */

/* ---- whoever allocates is counted ---- */

static long allocations;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}

/* ---- the default policy with everything that can be asked ---- */

struct question {
	struct policy policy;
	struct sequence sequence;
	struct step step;
	struct contact contact;
	struct standing standing;
	struct history history;
	struct past_touch touch[TOUCHES];
	int64_t other[TOUCHES];
	struct governor_input in;
};

static const char *const bases[] = { "opt_in", "customer", "inquiry" };
static const int32_t holidays[] = { 20812, 20813, 20819, 20910, 20941, 21177, 21178, 21184 };

static void setup(struct question *q, const char *zone, int64_t newest)
{
	*q = (struct question){ 0 };
	q->policy = (struct policy){
		.contact_min_gap = { .business_days = 3 },
		.contact = { .row = { { 1, 7 * CLOCK_DAY }, { 4, 30 * CLOCK_DAY } }, .n = 2 },
		.account = { .row = { { 2, 7 * CLOCK_DAY } }, .n = 1 },
		.provider = { .row = { { 20, CLOCK_HOUR } }, .n = 1 },
		.sender = { .row = { { 30, CLOCK_DAY } }, .n = 1 },
		.window = { .weekdays = 0x1f, .hours = { 30600, 63000 }, .holidays = holidays, .holiday_n = 8 },
		.backoff_factor = 1.5,
		.backoff_max_gap = { .ms = 30 * CLOCK_DAY },
		.sunset_touches = 40,
		.sunset_silence = 900 * CLOCK_DAY,
		.gifts_per_ask = 3,
		.consent_accept = bases,
		.consent_accept_n = 3,
		.consent_max_age = 730 * CLOCK_DAY,
	};
	q->sequence.policy = q->policy;
	q->contact = (struct contact){ .id = 1,
				       .email = "dana@example.com",
				       .account = "",
				       .account_name = "",
				       .first_name = "",
				       .last_name = "",
				       .title = "",
				       .timezone = zone,
				       .owner = "",
				       .tags = "",
				       .consent = "inquiry",
				       .consent_source = "",
				       .consent_at = NOW - 100 * CLOCK_DAY };
	q->step = (struct step){ .name = "playbook",
				 .after = { .business_days = 3 },
				 .template_name = "playbook.md",
				 .expire = 90 * CLOCK_DAY };
	for (int i = 0; i < TOUCHES; i++) {
		q->touch[i] = (struct past_touch){ newest - i * 10 * CLOCK_DAY, TOUCH_ACCEPTED,
						   i % 4 == 3 ? KIND_ASK : KIND_VALUE };
		q->other[i] = newest - i * 4 * CLOCK_DAY;
	}
	q->history = (struct history){ .contact = q->touch,
				       .contact_n = TOUCHES,
				       .account = q->other,
				       .account_n = TOUCHES,
				       .provider = q->other,
				       .provider_n = TOUCHES,
				       .sender = q->other,
				       .sender_n = TOUCHES,
				       .warmup_cap = -1,
				       .first_touch_at = newest - 320 * CLOCK_DAY,
				       .unanswered = 1 };
	q->in = (struct governor_input){ .policy = &q->policy,
					 .sequence = &q->sequence,
					 .step = &q->step,
					 .contact = &q->contact,
					 .standing = &q->standing,
					 .history = &q->history,
					 .enrollment_id = 7,
					 .prev_at = newest,
					 .kind = KIND_VALUE };
	q->in.zone = governor_zone(&q->policy, &q->contact);
}

struct row {
	const char *name, *zone;
	int64_t newest; /* touch, before now */
	int64_t now;
	int32_t unanswered;
	enum kind kind;
	enum verdict_kind verdict;
	enum reason reason;
};

static const struct row rows[] = {
	{ "send", "Europe/Paris", 10 * CLOCK_DAY, NOW, 1, KIND_VALUE, VERDICT_SEND, REASON_NONE },
	{ "send an ask: gifts counted", "Europe/Paris", 10 * CLOCK_DAY, NOW, 1, KIND_ASK, VERDICT_SEND, REASON_NONE },
	{ "wait for a limit", "Europe/Paris", 6 * CLOCK_DAY, NOW, 1, KIND_VALUE, VERDICT_WAIT, REASON_CONTACT_LIMIT },
	{ "wait for the window in a zone", "America/New_York", 10 * CLOCK_DAY, NOW, 1, KIND_VALUE, VERDICT_WAIT,
	  REASON_WINDOW },
	{ "wait for the window over a weekend", "Australia/Lord_Howe", 10 * CLOCK_DAY, NOW + 4 * CLOCK_DAY, 1,
	  KIND_VALUE, VERDICT_WAIT, REASON_WINDOW },
	{ "wait for back-off, business days", "Europe/Paris", 8 * CLOCK_DAY, NOW, 4, KIND_VALUE, VERDICT_WAIT,
	  REASON_BACKOFF },
	{ "wait for back-off, the longest gap", "Europe/Paris", 10 * CLOCK_DAY, NOW, 30, KIND_VALUE, VERDICT_WAIT,
	  REASON_BACKOFF },
};
#define ROWS (sizeof rows / sizeof *rows)

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void make(struct question *q, const struct row *r)
{
	setup(q, r->zone, NOW - r->newest);
	q->history.unanswered = r->unanswered;
	q->in.kind = r->kind;
}

/* -1: another answer than the one that is to be measured. */
static int measure(const struct row *r, long n, double *ns, long *allocated)
{
	struct question q;
	struct verdict v = { 0 };
	double round[ROUNDS];
	long before = 0;

	make(&q, r);
	governor_decide(&q.in, r->now, &v); /* the zone is read once */
	if (v.kind != r->verdict || v.reason != r->reason) {
		fprintf(stderr, "bench_governor: %s: %s %s\n", r->name, verdict_kind_name(v.kind),
			reason_name(v.reason));
		return -1;
	}
	before = allocations;
	for (int k = 0; k < ROUNDS; k++) {
		double t = now_ns();

		for (long i = 0; i < n; i++)
			governor_decide(&q.in, r->now, &v);
		round[k] = (now_ns() - t) / (double)n;
	}
	*allocated = allocations - before;
	qsort(round, ROUNDS, sizeof *round, by_value);
	*ns = round[0];
	return 0;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 100000, allocated;
	double ns, most = 0;
	int bad = 0;
	void *one = malloc(1);

	free(one);
	if (n < 1 || allocations < 1) {
		fprintf(stderr, "usage: bench_governor [DECISIONS]\n"); /* or allocations are not seen at all */
		return 2;
	}
	for (size_t i = 0; i < ROWS; i++) {
		if (measure(&rows[i], n, &ns, &allocated) < 0)
			return 2;
		printf("decision at %d touches: %-36s %7.0f ns, %ld allocations\n", TOUCHES, rows[i].name, ns,
		       allocated);
		bad |= ns >= GOAL_NS || allocated != 0;
		most = ns > most ? ns : most;
	}
	printf("decision at %d touches: the slowest %.0f ns, goal < %.0f ns without allocation: %s\n", TOUCHES, most,
	       GOAL_NS, bad ? "MISSED" : "reached");
	return bad;
}
