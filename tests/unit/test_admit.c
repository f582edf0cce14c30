/* rooms: base model rules */
/* Who may be enrolled, and what a sequence may change of the policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "governor_fixture.h"

static void test_admit(void **state)
{
	static const char *const tiers[] = { "gold", "silver" }, *const eu[] = { "Germany" },
				 *const france[] = { "FRANCE" };
	static const char *const both_countries[] = { "Germany", "France" };
	static const struct {
		struct qualify q;
		enum reason why;
	} rows[] = {
		{ { .field = "tier", .op = QUALIFY_IN, .value = tiers, .value_n = 2 }, REASON_NONE },
		{ { .field = "country", .op = QUALIFY_EQUALS, .value = eu, .value_n = 1 }, REASON_NOT_QUALIFIED },
		{ { .field = "seats", .op = QUALIFY_MIN, .number = 50 }, REASON_NONE },
		{ { .field = "seats", .op = QUALIFY_MIN, .number = 50.5 }, REASON_NOT_QUALIFIED },
		{ { .field = "seats", .op = QUALIFY_MAX, .number = 49 }, REASON_NOT_QUALIFIED },
		{ { .field = "tier", .op = QUALIFY_MIN, .number = 0 }, REASON_NOT_QUALIFIED }, /* no number */
		{ { .field = "title", .op = QUALIFY_PRESENT }, REASON_NOT_QUALIFIED },
		{ { .field = "seats", .op = QUALIFY_MAX, .number = 50 }, REASON_NONE },
		{ { .field = "seats", .op = QUALIFY_MAX, .number = 51 }, REASON_NONE },
		{ { .field = "seats", .op = QUALIFY_MIN, .number = 49 }, REASON_NONE },
		{ { .field = "tier", .op = QUALIFY_MAX, .number = 99 }, REASON_NOT_QUALIFIED },
		{ { .field = "title", .op = QUALIFY_MIN, .number = -1 }, REASON_NOT_QUALIFIED },
		{ { .field = "title", .op = QUALIFY_MAX, .number = 1 }, REASON_NOT_QUALIFIED },
		{ { .field = "none", .op = QUALIFY_EQUALS, .value = eu, .value_n = 1 }, REASON_NOT_QUALIFIED },
		{ { .field = "tier", .op = QUALIFY_IN, .value = tiers + 1, .value_n = 1 }, REASON_NOT_QUALIFIED },
		{ { .field = "tier", .op = QUALIFY_IN, .value = tiers, .value_n = 1 }, REASON_NONE },
		{ { .field = "country", .op = QUALIFY_IN, .value = both_countries, .value_n = 2 }, REASON_NONE },
		{ { .field = "country", .op = QUALIFY_EQUALS, .value = france, .value_n = 1 }, REASON_NONE },
		{ { .field = "first_name", .op = QUALIFY_PRESENT }, REASON_NONE },
	};
	struct fixture f;
	struct buf b = { 0 };
	(void)state;
	setup(&f);
	fields_add(&b, "tier", "Gold"); /* compared without case */
	fields_add(&b, "seats", "50");
	fields_add(&b, "country", "France");
	f.contact.attributes = (struct fields){ b.data, b.len };
	f.contact.first_name = "Dana";
	f.policy.consent_max_age = 1; /* the least there is, and it is over exactly then */
	f.sequence.policy = f.policy;
	f.contact.consent_at = at(NOW);
	assert_int_equal(governor_admit(&f.sequence, &f.contact, REASON_NONE, at(NOW)), REASON_NONE);
	assert_int_equal(governor_admit(&f.sequence, &f.contact, REASON_NONE, at(NOW) + 1), REASON_CONSENT_EXPIRED);
	f.policy.consent_max_age = 0;
	f.sequence.policy = f.policy;
	for (size_t i = 0; i < COUNT(rows); i++) {
		f.sequence.qualify = &rows[i].q;
		f.sequence.qualify_n = 1;
		assert_int_equal(governor_admit(&f.sequence, &f.contact, REASON_NONE, at(NOW)), rows[i].why);
	}
	static const struct qualify both[] = { { .field = "seats", .op = QUALIFY_MIN, .number = 50 },
					       { .field = "title", .op = QUALIFY_PRESENT } };
	f.sequence.qualify = both; /* all of them */
	f.sequence.qualify_n = 2;
	assert_int_equal(governor_admit(&f.sequence, &f.contact, REASON_NONE, at(NOW)), REASON_NOT_QUALIFIED);
	f.contact.title = "Head of Operations";
	assert_int_equal(governor_admit(&f.sequence, &f.contact, REASON_NONE, at(NOW)), REASON_NONE);
	f.contact.consent = "customer"; /* the second of the list, and none that is longer */
	assert_int_equal(governor_admit(&f.sequence, &f.contact, REASON_NONE, at(NOW)), REASON_NONE);
	f.contact.consent = "customers";
	assert_int_equal(governor_admit(&f.sequence, &f.contact, REASON_NONE, at(NOW)), REASON_NO_CONSENT);
	f.contact.forgotten = true; /* told before consent */
	assert_int_equal(governor_admit(&f.sequence, &f.contact, REASON_NONE, at(NOW)), REASON_ERASED);
	assert_int_equal(governor_admit(&f.sequence, &f.contact, REASON_COMPLAINED, at(NOW)), REASON_COMPLAINED);
	buf_free(&b);
}

/* ---- a sequence may tighten, never loosen ---- */

static struct policy base_policy(void)
{
	static const int32_t holiday[] = { 20812 };
	return (struct policy){
		.contact_min_gap = { .business_days = 3 },
		.contact = { .row = { { 1, 7 * CLOCK_DAY }, { 4, 30 * CLOCK_DAY } }, .n = 2 },
		.account = { .row = { { 2, 7 * CLOCK_DAY } }, .n = 1 },
		.window = { .weekdays = 0x1f, .hours = { 30600, 63000 }, .holidays = holiday, .holiday_n = 1 },
		.backoff_factor = 1.5,
		.backoff_max_gap = { .ms = 30 * CLOCK_DAY },
		.sunset_touches = 8,
		.sunset_silence = 120 * CLOCK_DAY,
		.gifts_per_ask = 3,
		.consent_accept = bases,
		.consent_accept_n = COUNT(bases),
		.consent_max_age = 730 * CLOCK_DAY,
	};
}

static void check_loosens(const struct policy *p, const char *key)
{
	struct policy base = base_policy();
	struct loosening found[8];
	int n = policy_loosens(&base, p, found, 8);
	assert_int_equal(n, key != NULL ? 1 : 0);
	if (key != NULL) {
		assert_string_equal(found[0].key, key);
		assert_true(*found[0].text != '\0');
	}
}

static void test_loosens(void **state)
{
	static const char *const more[] = { "opt_in", "hearsay" };
	struct policy base = base_policy(), p;
	(void)state;
	check_loosens(&base, NULL);
#define LOOSENS(change, key)                                                                                           \
	p = base;                                                                                                      \
	change;                                                                                                        \
	check_loosens(&p, key)
	LOOSENS(p.contact_min_gap = (struct duration){ .business_days = 4 }, NULL);
	LOOSENS(p.contact_min_gap = (struct duration){ .business_days = 2 }, "cadence.contact.min_gap");
	LOOSENS(p.contact_min_gap = (struct duration){ .ms = 4 * CLOCK_DAY },
		"cadence.contact.min_gap"); /* Thursday to Monday: 2bd */
	LOOSENS(p.contact_min_gap = (struct duration){ .ms = 7 * CLOCK_DAY }, NULL);
	LOOSENS((p.contact.row[0] = (struct limit){ 2, 7 * CLOCK_DAY }), "cadence.contact.limits");
	LOOSENS((p.contact.row[0] = (struct limit){ 1, 9 * CLOCK_DAY }), NULL);
	LOOSENS((p.contact.row[0] = (struct limit){ 2, 9 * CLOCK_DAY }),
		NULL); /* not implied by any limit of the base */
	LOOSENS((p.account.row[0] = (struct limit){ 3, CLOCK_DAY }), "cadence.account.limits");
	LOOSENS(p.backoff_factor = 1.4, "cadence.backoff.factor");
	LOOSENS(p.backoff_max_gap.ms = 20 * CLOCK_DAY, "cadence.backoff.max_gap");
	LOOSENS(p.backoff_max_gap.ms = 0, NULL); /* grows on */
	LOOSENS(p.gifts_per_ask = 2, "cadence.gifts_per_ask");
	LOOSENS(p.sunset_touches = 0, "cadence.sunset.touches");
	LOOSENS(p.sunset_touches = 9, "cadence.sunset.touches");
	LOOSENS(p.sunset_silence = 121 * CLOCK_DAY, "cadence.sunset.silence");
	LOOSENS(p.window.weekdays = 0x3f, "cadence.window");
	LOOSENS(p.window.weekdays = 0x0e, NULL);
	LOOSENS(p.window.hours.to = 64800, "cadence.window");
	LOOSENS(p.window.fixed = zone_utc(), "cadence.window");
	LOOSENS(p.window.holiday_n = 0, "cadence.window");
	LOOSENS(p.consent_accept = more, "consent.accept");
	LOOSENS(p.consent_max_age = 0, "consent.max_age");
	base.contact.row[base.contact.n++] =
	    (struct limit){ 5, CLOCK_DAY }; /* implied by the others: no fault of the sequence */
	struct loosening none[1];
	assert_int_equal(policy_loosens(&base, &base, none, 1), 0);
#undef LOOSENS
	p = (struct policy){ .window = { .weekdays = 0x7f, .hours = { 0, 86400 } } };
	struct loosening one[1];
	assert_true(policy_loosens(&base, &p, one, 1) > 1); /* the number of all, one told */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_admit),
		cmocka_unit_test(test_loosens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
