/* rooms: base model rules */
/* The sentences of `abvctl explain`, and the instants of what would have to change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "abv/explain.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DAY      CLOCK_DAY

static int64_t at(const char *text)
{
	int64_t t;
	assert_int_equal(clock_parse(text, &t, NULL), 0);
	return t;
}

/* ---- the sentences ---- */

static const char *const bases[] = { "opt_in", "customer" };
static const struct step step = {
	.name = "offer", .after = { .business_days = 5 }, .template_name = "offer.md", .expire = 30 * DAY
};

static struct sequence sequence_make(void)
{
	struct sequence q = { .name = "course", .step = &step, .step_n = 1 };
	q.policy = (struct policy){ .contact_min_gap = { .business_days = 3 },
				    .contact = { { { 1, 7 * DAY }, { 1, 10 * DAY } }, 2 },
				    .account_min_gap = { .ms = DAY },
				    .account = { { { 2, 7 * DAY } }, 1 },
				    .provider = { { { 200, CLOCK_HOUR } }, 1 },
				    .sender = { { { 9, DAY } }, 1 },
				    .window = { .weekdays = 0x1d, .hours = { 30600, 63000 } },
				    .backoff_factor = 1.5,
				    .backoff_max_gap = { .ms = 30 * DAY },
				    .sunset_touches = 8,
				    .sunset_silence = 120 * DAY,
				    .gifts_per_ask = 3,
				    .consent_accept = bases,
				    .consent_accept_n = COUNT(bases),
				    .consent_max_age = 730 * DAY,
				    .rate = { 20, CLOCK_SECOND } };
	return q;
}

static struct explain_facts facts_make(const struct sequence *q, const struct policy *base, const struct evidence *rule,
				       enum reason why)
{
	return (struct explain_facts){ .kind = VERDICT_WAIT,
				       .reason = why,
				       .rule = rule,
				       .contact = "ann@acme.example",
				       .sequence = "course",
				       .step = "offer",
				       .plan = q,
				       .plan_step = &step,
				       .base = base,
				       .source = "abvd.conf:7",
				       .detail = "why",
				       .zone = zone_utc(),
				       .zone_unknown = true,
				       .spread = 26 * CLOCK_MINUTE,
				       .unanswered = 3,
				       .given = 1,
				       .account_hold = 14 * DAY,
				       .retry_for = 4 * DAY,
				       .gift_sequence = "letters",
				       .gift_step = "june" };
}

static void test_each_reason_has_its_sentence(void **state)
{
	struct sequence q = sequence_make();
	struct policy base = q.policy;
	char text[EXPLAIN_TEXT_MAX], other[EXPLAIN_TEXT_MAX];
	(void)state;
	for (int r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		struct evidence rule = { (enum reason)r, CLOCK_NEVER, 1, 7 * DAY, 0 };
		struct explain_facts f = facts_make(&q, &base, &rule, (enum reason)r),
				     none = { .reason = (enum reason)r };
		if (strlen(explain_sentence(&f, text)) < 20 && strchr(text, '`') == NULL)
			fail_msg("%s: '%s' is no sentence", reason_name((enum reason)r), text);
		if (strpbrk(text, "{}\n") != NULL || strstr(text, "  ") != NULL || strlen(text) > 200)
			fail_msg("%s: '%s' is not filled in", reason_name((enum reason)r), text);
		assert_true(strlen(explain_sentence(&none, other)) > 10); /* nothing known: no crash, no braces */
		assert_null(strpbrk(other, "{}"));
		for (int k = 1; k < r; k++) {
			f.reason = (enum reason)k;
			if (strcmp(text, explain_sentence(&f, other)) == 0)
				fail_msg("%s and %s say the same", reason_name((enum reason)r),
					 reason_name((enum reason)k));
		}
	}
	assert_string_equal(explain_sentence(&(struct explain_facts){ .reason = REASON_NONE }, text), "");
	assert_string_equal(explain_sentence(&(struct explain_facts){ .reason = REASON_COUNT }, text), "");
}

static void test_sentences(void **state)
{
	static const struct {
		enum reason why;
		const char *text;
	} row[] = {
		{ REASON_AFTER, "without `after` (5bd) of step offer in sequence course" },
		{ REASON_CONTACT_LIMIT, "without cadence.contact.limits 1 per 7d (abvd.conf:7)" },
		{ REASON_CONTACT_MIN_GAP, "without cadence.contact.min_gap 3bd (abvd.conf:7)" },
		{ REASON_PROVIDER_LIMIT, "without cadence.provider.limits 1 per 7d (sequence course's own), shared by "
					 "all at the contact's domain" },
		{ REASON_GIFTS, "2 more accepted value touches (1 of cadence.gifts_per_ask 3 since the last ask); the "
				"next value step is june in sequence letters" },
		{ REASON_BACKOFF, "without cadence.backoff (factor 1.5, at most 30d), after 3 touches without an "
				  "answer; a reply resets it" },
		{ REASON_WINDOW, "without cadence.window (mon,wed-fri 08:30-17:30, UTC, default_timezone: the "
				 "contact's is unknown), 26 minutes of spread "
				 "after its opening included" },
		{ REASON_CONTACT_HOLD,
		  "`abvctl hold ann@acme.example --until 2000-01-01` lifts the contact's hold (why)" },
		{ REASON_ACCOUNT_HOLD,
		  "without the account's hold (why): on_reply.account_hold (14d) sets it when a colleague answers" },
		{ REASON_SEQUENCE_PAUSED, "`abvctl resume course`" },
		{ REASON_SENDING_PAUSED, "`abvctl resume` (why)" },
		{ REASON_SEQUENCE_NOT_STARTED,
		  "template offer.md needs another text (why); then `abvctl check` and a reload" },
		{ REASON_UNDEFINED_PLACEHOLDER,
		  "template offer.md needs a value or a fallback (why); import the value" },
		{ REASON_WARMUP, "without today's share of sender.warmup (1 touch); the next UTC day has its own" },
		{ REASON_RATE, "without smtp.rate 20 per 1s, shared by all contacts" },
		{ REASON_STEP_EXPIRED, "a longer `expire` of step offer (30d), or none, keeps the step" },
		{ REASON_NO_CONSENT, "import a consent basis that consent.accept lists: opt_in, customer" },
		{ REASON_CONSENT_EXPIRED, "import a newer consent_at: consent.max_age is 730d" },
		{ REASON_SUNSET, "nobody answered, and cadence.sunset (8 touches or 120d) released the contact: an "
				 "answer begins anew" },
		{ REASON_RETRY_EXPIRED,
		  "the relay refused for now, longer than smtp.retry_for (4d): a longer one tries longer" },
	};
	struct sequence q = sequence_make();
	struct policy base = q.policy;
	char text[EXPLAIN_TEXT_MAX];
	(void)state;
	base.provider.n = 0;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct evidence rule = { row[i].why, CLOCK_NEVER, 1, 7 * DAY, 0 };
		struct explain_facts f = facts_make(&q, &base, &rule, row[i].why);
		assert_string_equal(explain_sentence(&f, text), row[i].text);
	}
}

static void test_no_gift_in_sight(void **state)
{
	struct sequence q = sequence_make();
	struct explain_facts f = facts_make(&q, NULL, NULL, REASON_GIFTS);
	char text[EXPLAIN_TEXT_MAX];
	(void)state;
	f.gift_sequence = "";
	f.given = 2;
	assert_string_equal(explain_sentence(&f, text),
			    "1 more accepted value touch (2 of cadence.gifts_per_ask 3 since the last ask); no other "
			    "active sequence of the contact has a value step next: enroll it in one that gives");
}

/* Details come from templates, people and relays: whatever their length, the text ends inside its room. */
static void test_long_detail_is_cut(void **state)
{
	char detail[2 * EXPLAIN_TEXT_MAX], text[EXPLAIN_TEXT_MAX];
	struct explain_facts f = { .reason = REASON_GATE_REFUSED, .template_name = "x.md", .detail = detail };
	(void)state;
	memset(detail, 'x', sizeof detail - 1);
	detail[sizeof detail - 1] = '\0';
	assert_int_equal(strlen(explain_sentence(&f, text)), EXPLAIN_TEXT_MAX - 1);
}

/* ---- the instants ---- */

struct world {
	struct sequence sequence;
	struct contact contact;
	struct standing standing;
	struct history history;
	struct past_touch touch[8];
	int64_t account[8];
	struct governor_input in;
	struct verdict v;
};

#define NOW "2026-11-24T10:00:00Z" /* a Tuesday */

static void world_open(struct world *w)
{
	*w = (struct world){ .sequence = sequence_make() };
	struct policy *p = &w->sequence.policy;
	*p = (struct policy){ .window = { .weekdays = 0x7f, .hours = { 0, 86400 } },
			      .backoff_factor = 1,
			      .gifts_per_ask = 1,
			      .consent_accept = bases,
			      .consent_accept_n = COUNT(bases) };
	w->contact = (struct contact){
		.id = 1, .account_id = 1, .email = "ann@acme.example", .consent = "opt_in", .tags = "", .timezone = ""
	};
	w->history = (struct history){ .contact = w->touch, .account = w->account, .warmup_cap = -1 };
	w->in = (struct governor_input){ .policy = p,
					 .sequence = &w->sequence,
					 .step = &step,
					 .contact = &w->contact,
					 .standing = &w->standing,
					 .history = &w->history,
					 .zone = zone_utc(),
					 .enrollment_id = 7,
					 .prev_at = at("2026-11-01T09:00:00Z") };
}

static void touched(struct world *w, const char *when, enum kind kind)
{
	w->touch[w->history.contact_n++] = (struct past_touch){ at(when), TOUCH_ACCEPTED, kind };
	w->account[w->history.account_n++] = at(when);
	w->history.unanswered++;
}

/* Without the deciding rule: "send", or the reason and the instant. */
static void expect_without(struct world *w, enum reason decides, const char *then)
{
	struct verdict v;
	char got[128] = "send", when[CLOCK_TEXT_MAX] = "never";
	governor_decide(&w->in, at(NOW), &w->v);
	assert_string_equal(reason_name(w->v.reason), reason_name(decides));
	assert_int_equal(explain_without(&w->in, &w->v, &w->v.evidence[0], 1, at(NOW), &v), 1);
	if (v.kind == VERDICT_WAIT && v.until != CLOCK_NEVER)
		clock_format(v.until, when);
	if (v.kind == VERDICT_WAIT)
		snprintf(got, sizeof got, "%s %.16s", reason_name(v.reason), when);
	assert_string_equal(got, then);
}

static void test_without_limits(void **state)
{
	struct world w;
	(void)state;
	world_open(&w);
	touched(&w, "2026-11-23T10:00:00Z", KIND_VALUE);
	w.sequence.policy.contact = (struct limits){ { { 1, 7 * DAY }, { 1, 7 * DAY }, { 4, 30 * DAY } }, 3 };
	w.sequence.policy.contact_min_gap = (struct duration){ .ms = 3 * DAY };
	expect_without(&w, REASON_CONTACT_LIMIT, "contact_min_gap 2026-11-26T10:00"); /* both rows alike are gone */
	w.sequence.policy.account = (struct limits){ { { 1, 9 * DAY } }, 1 };
	expect_without(&w, REASON_ACCOUNT_LIMIT, "contact_limit 2026-11-30T10:00");
	w.sequence.policy.account_min_gap = (struct duration){ .ms = 20 * DAY };
	expect_without(&w, REASON_ACCOUNT_MIN_GAP, "account_limit 2026-12-02T10:00");
	w.standing.account_hold = at("2026-12-20T00:00:00Z");
	expect_without(&w, REASON_ACCOUNT_HOLD, "account_min_gap 2026-12-13T10:00");
	w.standing.contact_hold = at("2026-12-30T00:00:00Z");
	expect_without(&w, REASON_CONTACT_HOLD, "account_hold 2026-12-20T00:00");
	w.standing.sequence_paused = true;
	expect_without(&w, REASON_SEQUENCE_PAUSED, "contact_hold 2026-12-30T00:00");
	w.standing.sequence_paused = false;
	w.standing.sending_paused = true;
	expect_without(&w, REASON_SENDING_PAUSED, "contact_hold 2026-12-30T00:00");
}

/* Of two limits with the same number only the named one goes. */
static void test_without_one_of_two_limits(void **state)
{
	struct world w;
	(void)state;
	world_open(&w);
	touched(&w, "2026-11-23T10:00:00Z", KIND_VALUE);
	w.sequence.policy.contact = (struct limits){ { { 1, 7 * DAY }, { 1, 4 * DAY } }, 2 };
	expect_without(&w, REASON_CONTACT_LIMIT, "contact_limit 2026-11-27T10:00");
}

static void test_without_the_others(void **state)
{
	struct world w;
	(void)state;
	world_open(&w);
	w.in.prev_at = at("2026-11-23T10:00:00Z");
	w.sequence.policy.window.weekdays = 0x1f;
	expect_without(&w, REASON_AFTER, "send");
	world_open(&w);
	w.in.retry_at = at("2026-11-24T11:00:00Z");
	expect_without(&w, REASON_RETRY, "send");
	world_open(&w);
	w.in.kind = KIND_ASK;
	expect_without(&w, REASON_GIFTS, "send");
	touched(&w, "2026-11-23T11:00:00Z", KIND_ASK);
	touched(&w, "2026-11-22T10:00:00Z", KIND_VALUE);
	w.sequence.policy.contact_min_gap = (struct duration){ .ms = 2 * DAY };
	expect_without(&w, REASON_GIFTS, "contact_min_gap 2026-11-25T11:00");
	w.in.kind = KIND_VALUE;
	w.sequence.policy.backoff_factor = 2;
	expect_without(&w, REASON_BACKOFF, "contact_min_gap 2026-11-25T11:00");
	w.sequence.policy.backoff_factor = 1;
	expect_without(&w, REASON_CONTACT_MIN_GAP, "send");
	world_open(&w);
	w.sequence.policy.warmup.start = 1;
	w.history.warmup_cap = w.history.warmup_used = 1;
	expect_without(&w, REASON_WARMUP, "send");
}

/* Without the window it goes when the other rules allow; business days still count on it. Its spread is what lies
 * behind the opening. */
static void test_without_the_window(void **state)
{
	struct world w;
	(void)state;
	world_open(&w);
	w.sequence.policy.window = (struct window){ .weekdays = 0x1f, .hours = { 9 * 3600, 17 * 3600 } };
	w.sequence.policy.contact = (struct limits){ { { 1, 4 * DAY } }, 1 };
	touched(&w, "2026-11-24T08:00:00Z", KIND_VALUE);
	expect_without(&w, REASON_WINDOW, "contact_limit 2026-11-28T08:00");
	int64_t spread = explain_spread(&w.in, &w.v, at(NOW));
	assert_int_equal(w.v.until - spread, at("2026-11-30T09:00:00Z"));
	assert_true(spread > 0 && spread <= CLOCK_HOUR);
	w.v.reason = REASON_CONTACT_LIMIT;
	assert_int_equal(explain_spread(&w.in, &w.v, at(NOW)), 0);
}

/* Two rules that end together: the one without the other changes nothing, both do. */
static void test_without_both(void **state)
{
	struct world w;
	struct verdict v;
	struct evidence both[2];
	(void)state;
	world_open(&w);
	touched(&w, "2026-11-23T10:00:00Z", KIND_VALUE);
	w.sequence.policy.contact = (struct limits){ { { 1, 7 * DAY } }, 1 };
	w.sequence.policy.account = (struct limits){ { { 1, 7 * DAY } }, 1 };
	expect_without(&w, REASON_CONTACT_LIMIT, "account_limit 2026-11-30T10:00");
	both[0] = w.v.evidence[0];
	both[1] = w.v.evidence[1];
	assert_int_equal(explain_without(&w.in, &w.v, both, 2, at(NOW), &v), 1);
	assert_int_equal(v.kind, VERDICT_SEND);
}

static void test_what_cannot_be_taken_away(void **state)
{
	static const enum reason row[] = { REASON_IN_FLIGHT, REASON_RELAY, REASON_GATE_REFUSED, REASON_UNSUBSCRIBED,
					   REASON_SEQUENCE_REMOVED };
	struct world w;
	struct verdict v;
	(void)state;
	world_open(&w);
	for (size_t i = 0; i < COUNT(row); i++)
		assert_int_equal(explain_without(&w.in, &w.v, &(struct evidence){ .reason = row[i] }, 1, at(NOW), &v),
				 0);
}

static void test_behind(void **state)
{
	struct rival row[] = { { at(NOW), KIND_VALUE, 2 },
			       { at(NOW), KIND_VALUE, 1 } }; /* a colleague's, and their own */
	struct world w;
	struct verdict v;
	(void)state;
	world_open(&w);
	w.sequence.policy.account = (struct limits){ { { 2, 7 * DAY } }, 1 };
	assert_int_equal(explain_behind(&w.in, row, 1, at(NOW), &v), 1);
	assert_int_equal(v.kind, VERDICT_SEND); /* a colleague's touch leaves one place */
	assert_int_equal(explain_behind(&w.in, row, 2, at(NOW), &v), 1);
	assert_string_equal(reason_name(v.reason), "account_limit");
	w.sequence.policy.contact = (struct limits){ { { 1, 9 * DAY } }, 1 };
	assert_int_equal(explain_behind(&w.in, row, 1, at(NOW), &v), 1);
	assert_int_equal(v.kind, VERDICT_SEND); /* it is no touch of the contact */
	assert_int_equal(explain_behind(&w.in, row, 2, at(NOW), &v), 1);
	assert_string_equal(reason_name(v.reason), "contact_limit");
	assert_int_equal(v.until, at("2026-12-03T10:00:00Z"));
	w.touch[0] = (struct past_touch){ CLOCK_NEVER, TOUCH_HANDED, KIND_VALUE }; /* one in flight stays the first */
	w.history.contact_n = 1;
	w.sequence.policy.contact = (struct limits){ { { 2, 9 * DAY } }, 1 };
	assert_int_equal(explain_behind(&w.in, row, 2, at(NOW), &v), 1);
	assert_true(v.rests_on_flight && v.kind == VERDICT_WAIT);
	w.history.contact_n = HISTORY_CONTACT_MAX;
	assert_int_equal(explain_behind(&w.in, row, 2, at(NOW), &v), 0);
}

static void test_gifts_end_at_the_last_ask(void **state)
{
	struct world w;
	(void)state;
	world_open(&w);
	touched(&w, "2026-11-23T10:00:00Z", KIND_VALUE);
	touched(&w, "2026-11-22T10:00:00Z", KIND_VALUE);
	w.touch[1].state = TOUCH_UNKNOWN;
	touched(&w, "2026-11-21T10:00:00Z", KIND_ASK);
	touched(&w, "2026-11-20T10:00:00Z", KIND_VALUE);
	assert_int_equal(explain_gifts(&w.history), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_reason_has_its_sentence),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_no_gift_in_sight),
		cmocka_unit_test(test_long_detail_is_cut),
		cmocka_unit_test(test_without_limits),
		cmocka_unit_test(test_without_one_of_two_limits),
		cmocka_unit_test(test_without_the_others),
		cmocka_unit_test(test_without_the_window),
		cmocka_unit_test(test_without_both),
		cmocka_unit_test(test_what_cannot_be_taken_away),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_gifts_end_at_the_last_ask),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
