/* rooms: base */
/* `abvctl explain` as people read it: rows of an answer and the text, on 80 columns, with colours only when asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "../../src/ctl/explain.c"
#include "../../src/ctl/out.c"
#include "../../src/ctl/table.c"

/* client.c's, without its connection */
const char *json_text(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));
	return s ? s : "";
}

long long json_number(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

/* JSON is written with ' for ". */
static json_t *parse(const char *text)
{
	char *s = strdup(text);
	for (char *p = s; (p = strchr(p, '\'')) != NULL;)
		*p = '"';
	json_t *answer = json_loads(s, 0, NULL);
	if (answer == NULL)
		fail_msg("no JSON: %s", s);
	free(s);
	return answer;
}

static void expect(const char *answer, const char *want)
{
	struct buf b = { 0 };
	json_t *j = parse(answer);
	explain_text(j, "ann@acme.example", false, &b);
	assert_string_equal(buf_text(&b), want);
	json_decref(j);
	buf_free(&b);
}

#define AT(day) "'2026-11-" day "T09:00:00.000Z'"
#define TOUCH(day, who, state)                                                                                         \
	"{'at':" AT(day) ",'contact':'" who "@acme.example','sequence':'course','step':'one','state':'" state "'}"

static const struct {
	const char *answer, *text;
} rows[] = {
	{ "{'rows':[],'holds':{}}",
	  "ann@acme.example: nothing comes next: no active enrollment.\n"
	  "`abvctl enroll SEQUENCE --contact ann@acme.example` enrolls, or says what forbids it.\n" },
	{ "{'rows':[{'sequence':'course','step':'two','verdict':'send','evidence':[],'earlier':[]}]}",
	  "course/two goes now\n" },
	/* the deciding limit's touches, each with its contact; another rule; what would have to change */
	{ "{'rows':[{'sequence':'course','step':'two','verdict':'wait','reason':'account_limit','until':" AT(
	      "27") ",'evidence':["
		    "{'reason':'account_limit','limit':'2 per 7d','until':" AT("27") ",'touch_at':" AT(
			"20") ",'touches':[" TOUCH("24", "ann",
						   "unknown") "," TOUCH("20", "bob",
									"handed") "]},"
										  "{'reason':'contact_min_gap','until'"
										  ":" AT("26") ",'touch_at':" AT("24") ",'touches':[" TOUCH(
										      "24", "ann",
										      "unknown") "]}],"
												 "'earlier':[{'reason':"
												 "'account_limit','"
												 "change':'without "
												 "X','verdict':'wait','"
												 "at':" AT(
												     "26") ",'by':'"
													   "contact_"
													   "min_gap'},"
													   "{'reason':'"
													   "contact_"
													   "min_gap','"
													   "change':'"
													   "without "
													   "Y','with_"
													   "previous':"
													   "true,'"
													   "verdict':'"
													   "send','at'"
													   ":" AT(
													       "24") "}"
														     "]"
														     "}"
														     "]"
														     "}",
	  "course/two waits until Fri 2026-11-27 09:00 UTC\n"
	  "  rule     account_limit 2 per 7d, filled by the touches of\n"
	  "           Tue 2026-11-24 09:00 (course/one, ann@acme.example, unknown whether\n"
	  "           delivered)\n"
	  "           on its way (course/one, bob@acme.example)\n"
	  "  also     until Thu 2026-11-26 09:00: contact_min_gap, after the\n"
	  "           touch of Tue 2026-11-24 09:00\n"
	  "  earlier  without X; it would go Thu 2026-11-26 09:00, by contact_min_gap\n"
	  "  and      without Y; it would go now\n" },
	/* gifts: no instant, what gives the next, and what holds it up besides */
	{ "{'rows':[{'sequence':'course','step':'offer','verdict':'wait','reason':'gifts','evidence':[{'reason':'gifts'"
	  ",'touches':[" TOUCH("24", "ann", "accepted") "]}],'earlier':[{'reason':'gifts','change':'2 "
							"more','expected':" AT("30") ",'verdict':'wait','at':" AT(
							    "26") ",'by':'backoff'}]}]}",
	  "course/offer waits for a change\n"
	  "  rule     gifts, given: the touch of Tue 2026-11-24 09:00 (course/one)\n"
	  "  earlier  2 more, expected Mon 2026-11-30 09:00; without them it would go\n"
	  "           Thu 2026-11-26 09:00, by backoff\n" },
	/* the contact's clock, who goes first, the letter, the end */
	{ "{'rows':[{'sequence':'course','step':'two','verdict':'wait','reason':'window','until':" AT(
	      "27") ",'timezone':'Asia/Kolkata',"
		    "'timezone_from':'default_timezone','evidence':[{'reason':'window','until':" AT(
			"27") "}],'earlier':[{'reason':'window',"
			      "'change':'without Z','verdict':'wait','at':" AT(
				  "27") ",'by':'after'},{'reason':'after','change':'or this','verdict':'wait',"
					"'by':'sending_paused'}],'ahead':{'contact':'bob@acme.example','sequence':'vip'"
					",'step':'one','at':" AT(
					    "27") ",'priority':9,"
						  "'by_priority':true,'then':{'verdict':'wait','at':" AT(
						      "30") ",'by':'account_limit'}},"
							    "'letter':{'reason':'repeat_content'},'ends_at':" AT(
								"30") ",'note':'so it is'}]}",
	  "course/two waits until Fri 2026-11-27 09:00 UTC\n"
	  "  there    Fri 2026-11-27 14:30 in Asia/Kolkata; the contact's timezone is\n"
	  "           unknown: default_timezone Asia/Kolkata is used\n"
	  "  rule     window\n"
	  "  earlier  without Z; it would go at the same time, by after\n"
	  "  or       or this; it would still wait for a change, by sending_paused\n"
	  "  behind   vip/one of bob@acme.example goes first, Fri 2026-11-27 09:00; behind\n"
	  "           it, this one would go Mon 2026-11-30 09:00, by account_limit. A\n"
	  "           priority above 9 turns that round\n"
	  "  letter   as things are it would not leave: repeat_content\n"
	  "  ends     Mon 2026-11-30 09:00: not sent after that (expire, consent or sunset)\n"
	  "  note     so it is\n" },
	/* a stop to come, the ended ones, and what forbids; a command is not broken */
	{ "{'rows':[{'sequence':'a','step':'b','verdict':'stop','reason':'consent_expired','evidence':[],'earlier':[{'"
	  "reason':"
	  "'consent_expired','change':'import a newer "
	  "consent_at'}]}],'ended':[{'sequence':'c','state':'completed'},{'sequence':'d','state':"
	  "'stopped','reason':'manual','change':'an operator ended it; if by a suppression, do: `abvctl unsuppress "
	  "ann@acme.example'}],"
	  "'suppressed':'manual','holds':{'account':{'until':" AT("30") ",'reason':'a reply'}}}",
	  "a/b stops\n"
	  "  rule     consent_expired\n"
	  "  change   import a newer consent_at\n"
	  "c has ended: completed\n"
	  "d has ended: manual\n"
	  "  change   an operator ended it; if by a suppression, do: `abvctl unsuppress\n"
	  "           ann@acme.example\n"
	  "suppressed: manual\n"
	  "account held until Mon 2026-11-30 09:00 UTC: a reply\n" },
	{ "{'rows':[{'sequence':'a','step':'b','verdict':'wait','reason':'contact_hold','evidence':[],'earlier':[{'"
	  "reason':'contact_hold',"
	  "'change':'somebody may lift it, and that is: `abvctl hold ann@acme.example --until 2000-01-01`, at "
	  "once','verdict':'skip','by':"
	  "'step_expired'}]}]}",
	  "a/b waits for a change\n"
	  "  rule     contact_hold\n"
	  "  earlier  somebody may lift it, and that is:\n"
	  "           `abvctl hold ann@acme.example --until 2000-01-01`, at once; the step\n"
	  "           would be skipped (step_expired)\n" },
	/* what a terminal must not get */
	{ "{'rows':[{'sequence':'a','step':'b','verdict':'send','note':'x\\u001b[31my'}]}",
	  "a/b goes now\n  note     x?[31my\n" },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		expect(rows[i].answer, rows[i].text);
}

static void test_80_columns(void **state)
{
	(void)state;
	for (size_t i = 1; i < sizeof rows / sizeof rows[0]; i++)
		for (const char *p = rows[i].text; *p != '\0'; p += strcspn(p, "\n") + 1)
			assert_true(strcspn(p, "\n") <= WIDTH);
}

/* Only the heads have colours; without them the text is the same. */
static void test_colours(void **state)
{
	struct buf b = { 0 }, plain = { 0 };
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *j = parse(rows[i].answer);
		buf_clear(&b);
		buf_clear(&plain);
		explain_text(j, "ann@acme.example", true, &b);
		for (const char *p = buf_text(&b); *p != '\0'; p++) {
			if (*p == '\033')
				p += strcspn(p, "m");
			else
				buf_char(&plain, *p);
		}
		assert_string_equal(buf_text(&plain), rows[i].text);
		assert_true(i == 0 || b.len > plain.len);
		json_decref(j);
	}
	buf_free(&b);
	buf_free(&plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_80_columns),
		cmocka_unit_test(test_colours),
	};
	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
