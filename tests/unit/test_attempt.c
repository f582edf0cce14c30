/* rooms: base model rules */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "abv/attempt.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Rows: from; columns: due reserved handed accepted refused_temp refused_perm unknown dropped. */
static const char *const edges[TOUCH_STATE_COUNT] = {
	[TOUCH_DUE] = ".x......",      [TOUCH_RESERVED] = "x.x.xx..",     [TOUCH_HANDED] = "x..xxxx.",
	[TOUCH_ACCEPTED] = "........", [TOUCH_REFUSED_TEMP] = "xx......", [TOUCH_REFUSED_PERM] = "........",
	[TOUCH_UNKNOWN] = "x..x...x",  [TOUCH_DROPPED] = "........",
};

static void test_edges(void **state)
{
	(void)state;
	for (int from = 0; from < TOUCH_STATE_COUNT; from++)
		for (int to = 0; to < TOUCH_STATE_COUNT; to++)
			assert_int_equal(attempt_edge((enum touch_state)from, (enum touch_state)to),
					 edges[from][to] == 'x');
	assert_false(attempt_edge(TOUCH_STATE_COUNT, TOUCH_DUE));
	assert_false(attempt_edge(TOUCH_DUE, TOUCH_STATE_COUNT));
	assert_false(attempt_edge((enum touch_state) - 1, TOUCH_DUE));
}

static void test_outcomes(void **state)
{
	static const struct {
		enum attempt_phase phase;
		int code;
		const char *status;
		bool before;
		enum outcome outcome;
	} rows[] = {
		{ PHASE_CONNECT, 0, "", false, OUTCOME_NOT_SENT },
		{ PHASE_TLS, 454, "4.7.0", false, OUTCOME_NOT_SENT },
		{ PHASE_AUTH, 535, "5.7.8", false, OUTCOME_NOT_SENT },
		{ PHASE_GREETING, 554, "", false, OUTCOME_NOT_SENT },
		{ PHASE_MAIL, 450, "", true, OUTCOME_NOT_SENT },
		{ PHASE_MAIL, 550, "5.1.8", true, OUTCOME_NOT_SENT },
		{ PHASE_MAIL, 550, "5.1.1", true, OUTCOME_NOT_SENT }, /* no recipient was named yet */
		{ PHASE_MAIL, 552, "5.3.4", true, OUTCOME_REFUSED_CONTENT },
		{ PHASE_MAIL, 0, "", true, OUTCOME_NOT_SENT },
		{ PHASE_RCPT, 450, "4.2.1", true, OUTCOME_REFUSED_TEMP },
		{ PHASE_RCPT, 452, "", false, OUTCOME_REFUSED_TEMP },
		{ PHASE_RCPT, 421, "4.3.2", true,
		  OUTCOME_NOT_SENT }, /* the relay closes; nothing is said of the recipient */
		{ PHASE_RCPT, 0, "", true, OUTCOME_NOT_SENT },
		{ PHASE_RCPT, 550, "5.1.1", false, OUTCOME_BAD_ADDRESS },
		{ PHASE_RCPT, 550, "5.1.2", false, OUTCOME_BAD_ADDRESS },
		{ PHASE_RCPT, 553, "5.1.3", false, OUTCOME_BAD_ADDRESS },
		{ PHASE_RCPT, 551, "5.1.6", false, OUTCOME_BAD_ADDRESS },
		{ PHASE_RCPT, 556, "5.1.10", false, OUTCOME_BAD_ADDRESS },
		{ PHASE_RCPT, 550, "5.2.1", false, OUTCOME_BAD_ADDRESS },
		{ PHASE_RCPT, 550, "5.1.7", true, OUTCOME_REFUSED_PERM }, /* speaks of the sender */
		{ PHASE_RCPT, 550, "5.1.8", true, OUTCOME_REFUSED_PERM },
		{ PHASE_RCPT, 550, "5.1.0", true, OUTCOME_REFUSED_PERM },
		{ PHASE_RCPT, 552, "5.2.2", true, OUTCOME_REFUSED_PERM },
		{ PHASE_RCPT, 550, "5.4.1", true, OUTCOME_REFUSED_PERM },
		{ PHASE_RCPT, 550, "5.7.1", true, OUTCOME_REFUSED_PERM },
		{ PHASE_RCPT, 530, "", true, OUTCOME_REFUSED_PERM },
		{ PHASE_RCPT, 535, "", true, OUTCOME_REFUSED_PERM },
		{ PHASE_RCPT, 554, "", true, OUTCOME_REFUSED_PERM },
		{ PHASE_RCPT, 550, "", true, OUTCOME_BAD_ADDRESS },
		{ PHASE_RCPT, 551, "", true, OUTCOME_BAD_ADDRESS },
		{ PHASE_RCPT, 553, "", true, OUTCOME_BAD_ADDRESS },
		{ PHASE_RCPT, 550, "", false, OUTCOME_REFUSED_PERM }, /* perhaps the relay takes nothing from us */
		{ PHASE_RCPT, 450, "5.1.1", true,
		  OUTCOME_REFUSED_TEMP }, /* the code stands (RFC 3463 is the smaller promise) */
		{ PHASE_DATA, 451, "", true, OUTCOME_NOT_SENT },
		{ PHASE_DATA, 554, "5.7.1", true, OUTCOME_REFUSED_CONTENT },
		{ PHASE_DATA, 0, "", true, OUTCOME_NOT_SENT },
		{ PHASE_BODY, 0, "", true, OUTCOME_NOT_SENT },
		{ PHASE_BODY, 421, "", true, OUTCOME_NOT_SENT },
		{ PHASE_BODY, 554, "", true, OUTCOME_NOT_SENT },
		{ PHASE_DOT, 250, "2.0.0", true, OUTCOME_ACCEPTED },
		{ PHASE_DOT, 251, "", true, OUTCOME_ACCEPTED },
		{ PHASE_DOT, 451, "4.7.1", true, OUTCOME_REFUSED_TEMP },
		{ PHASE_DOT, 421, "", true, OUTCOME_REFUSED_TEMP },
		{ PHASE_DOT, 554, "5.7.1", true, OUTCOME_REFUSED_CONTENT },
		{ PHASE_DOT, 550, "5.1.1", true, OUTCOME_REFUSED_CONTENT }, /* the recipient had been accepted */
		{ PHASE_DOT, 552, "", true, OUTCOME_REFUSED_CONTENT },
		{ PHASE_DOT, 0, "", true, OUTCOME_UNKNOWN },
		{ PHASE_DOT, 354, "", true, OUTCOME_UNKNOWN }, /* a surprise tells nothing */
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum outcome o = attempt_outcome(rows[i].phase, rows[i].code, rows[i].status, rows[i].before);
		if (o != rows[i].outcome)
			fail_msg("%s %d \"%s\": %s, expected %s", attempt_phase_name(rows[i].phase), rows[i].code,
				 rows[i].status, outcome_name(o), outcome_name(rows[i].outcome));
	}
}

static void test_states(void **state)
{
	static const enum touch_state next[OUTCOME_COUNT] = { TOUCH_ACCEPTED,     TOUCH_REFUSED_TEMP,
							      TOUCH_REFUSED_PERM, TOUCH_REFUSED_PERM,
							      TOUCH_REFUSED_PERM, TOUCH_DUE,
							      TOUCH_UNKNOWN };
	(void)state;
	for (int o = 0; o < OUTCOME_COUNT; o++) {
		assert_int_equal(attempt_state((enum outcome)o), next[o]);
		assert_true(attempt_edge(TOUCH_HANDED, attempt_state((enum outcome)o)));
		assert_true(*outcome_name((enum outcome)o) != '\0');
	}
	for (int p = PHASE_CONNECT; p <= PHASE_DOT; p++)
		assert_true(*attempt_phase_name((enum attempt_phase)p) != '\0');
}

static void test_retry(void **state)
{
	static const struct {
		int attempts, minutes;
	} rows[] = { { 1, 5 },   { 2, 10 },  { 3, 20 },  { 4, 40 },       { 5, 80 },
		     { 6, 160 }, { 7, 240 }, { 8, 240 }, { 1000000, 240 } };
	const int64_t t = 1000 * CLOCK_DAY, keep = 4 * CLOCK_DAY;
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(attempt_retry_at(t, rows[i].attempts), t + rows[i].minutes * CLOCK_MINUTE);
	assert_false(attempt_retry_over(t + keep - 1, t, 30, keep));
	assert_true(attempt_retry_over(t + keep, t, 30, keep));
	assert_false(attempt_retry_over(t + 10 * keep, t, 2, keep)); /* abvd was down: it gets its three attempts */
	assert_true(attempt_retry_over(t + 10 * keep, t, 3, keep));
}

static void test_status(void **state)
{
	static const struct {
		const char *text, *status;
	} rows[] = {
		{ "5.1.1 no such user", "5.1.1" },
		{ "2.0.0 Ok: queued as 4F2", "2.0.0" },
		{ "4.7.0", "4.7.0" },
		{ "5.1.10\tx", "5.1.10" },
		{ "5.123.456 x", "5.123.456" },
		{ "5.1234.1 x", "" },
		{ "5.1.1: x", "" },
		{ "3.1.1 x", "" },
		{ "5.1 x", "" },
		{ "5..1 x", "" },
		{ "5.1. x", "" },
		{ " 5.1.1 x", "" },
		{ "", "" },
		{ "5", "" },
		{ "52.1.1 x", "" },
		{ "5.1.1.1 x", "" },
	};
	char out[16];
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		strcpy(out, "");
		assert_int_equal(attempt_status_parse(rows[i].text, out), (int)strlen(rows[i].status));
		assert_string_equal(out, rows[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_edges), cmocka_unit_test(test_outcomes),
					    cmocka_unit_test(test_states), cmocka_unit_test(test_retry),
					    cmocka_unit_test(test_status) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
