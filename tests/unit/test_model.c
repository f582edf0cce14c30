/* rooms: base model */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "abv/model.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A name is lower case with underscores: it stands in the log and on command lines. */
static void assert_name(const char *name)
{
	assert_true(*name != '\0');
	assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
}

static void test_every_value_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(reason_name(REASON_NONE), "");
	for (int i = 1; i < REASON_COUNT; i++) {
		assert_name(reason_name((enum reason)i));
		assert_int_equal(reason_find(reason_name((enum reason)i)), i);
	}
	for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
		assert_name(event_type_name((enum event_type)i));
		assert_int_equal(event_type_find(event_type_name((enum event_type)i)), i);
	}
	for (int i = 0; i < TOUCH_STATE_COUNT; i++)
		assert_name(touch_state_name((enum touch_state)i));
	for (int i = VERDICT_SEND; i <= VERDICT_STOP; i++)
		assert_name(verdict_kind_name((enum verdict_kind)i));
	for (int i = ENROLLMENT_ACTIVE; i <= ENROLLMENT_STOPPED; i++)
		assert_name(enrollment_state_name((enum enrollment_state)i));
	assert_string_equal(kind_name(KIND_VALUE), "value");
	assert_string_equal(kind_name(KIND_ASK), "ask");
}

static void test_unknown_names(void **state)
{
	(void)state;
	assert_int_equal(reason_find("no_such_reason"), REASON_COUNT);
	assert_int_equal(reason_find("Replied"), REASON_COUNT);
	assert_int_equal(event_type_find(""), EVENT_TYPE_COUNT);
	assert_string_equal(reason_name(REASON_COUNT), "");
	assert_string_equal(event_type_name(EVENT_TYPE_COUNT), "");
	assert_string_equal(touch_state_name(TOUCH_STATE_COUNT), "");
}

static void test_what_caps_count(void **state)
{
	static const bool counts[TOUCH_STATE_COUNT] = {
		[TOUCH_RESERVED] = true, [TOUCH_HANDED] = true, [TOUCH_ACCEPTED] = true, [TOUCH_UNKNOWN] = true
	};
	(void)state;
	for (int i = 0; i < TOUCH_STATE_COUNT; i++)
		assert_int_equal(touch_state_counts((enum touch_state)i), counts[i]);
}

static void test_fields(void **state)
{
	struct buf b = { 0 };
	const char *name, *value;
	size_t at = 0;
	(void)state;
	struct fields none = { 0 };
	assert_null(fields_get(&none, "plan"));
	assert_false(fields_next(&none, &at, &name, &value));
	fields_add(&b, "plan", "gold");
	fields_add(&b, "seats", "");
	fields_add(&b, "", "nameless");
	fields_add(&b, "city", "Malmö");
	struct fields f = { b.data, b.len };
	assert_string_equal(fields_get(&f, "plan"), "gold");
	assert_string_equal(fields_get(&f, "seats"), "");
	assert_string_equal(fields_get(&f, "city"), "Malmö");
	assert_null(fields_get(&f, "gold")); /* a value is no name */
	int n = 0;
	while (fields_next(&f, &at, &name, &value))
		n++;
	assert_int_equal(n, 4);
	assert_string_equal(name, "city");
	buf_free(&b);
}

static void test_contact_field(void **state)
{
	struct buf b = { 0 };
	(void)state;
	fields_add(&b, "plan", "gold");
	fields_add(&b, "email", "not this one");
	struct contact c = { .email = "dana@acme.example",
			     .account = "acme.example",
			     .account_name = "Acme Ltd",
			     .first_name = "Dana",
			     .last_name = "Reyes",
			     .title = "",
			     .timezone = "Europe/Paris",
			     .owner = "sam",
			     .tags = "webinar;vip",
			     .consent = "opt_in",
			     .consent_source = "form",
			     .attributes = { b.data, b.len } };
	static const struct {
		const char *name, *value;
	} rows[] = { { "email", "dana@acme.example" },
		     { "first_name", "Dana" },
		     { "last_name", "Reyes" },
		     { "title", "" },
		     { "timezone", "Europe/Paris" },
		     { "owner", "sam" },
		     { "tags", "webinar;vip" },
		     { "consent", "opt_in" },
		     { "consent_source", "form" },
		     { "account", "Acme Ltd" },
		     { "plan", "gold" },
		     { "Plan", NULL },
		     { "id", NULL },
		     { "", NULL } };
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *v = contact_field(&c, rows[i].name);
		if (rows[i].value == NULL)
			assert_null(v);
		else
			assert_string_equal(v, rows[i].value);
	}
	c.account_name = "";
	assert_string_equal(contact_field(&c, "account"), "acme.example");
	buf_free(&b);
}

static void test_tags(void **state)
{
	static const struct {
		const char *tags, *tag;
		bool has;
	} rows[] = { { "webinar;vip", "webinar", true }, { "webinar;vip", "vip", true },
		     { "webinar;vip", "web", false },    { "webinar;vip", "binar", false },
		     { "webinar;vip", "", false },       { "", "vip", false },
		     { ";;vip;", "vip", true },          { "vip2;vip", "vip", true } };
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(contact_has_tag(&(struct contact){ .tags = rows[i].tags }, rows[i].tag), rows[i].has);
}

static void test_steps_by_name(void **state)
{
	static const struct step steps[] = { { .name = "playbook" }, { .name = "offer" } };
	const struct sequence s = { .step = steps, .step_n = 2 };
	(void)state;
	assert_int_equal(sequence_step_find(&s, "offer"), 1);
	assert_int_equal(sequence_step_find(&s, "Offer"), -1);
	assert_int_equal(sequence_step_find(&(struct sequence){ 0 }, "offer"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_value_has_a_name), cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_what_caps_count),        cmocka_unit_test(test_fields),
		cmocka_unit_test(test_contact_field),          cmocka_unit_test(test_tags),
		cmocka_unit_test(test_steps_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
