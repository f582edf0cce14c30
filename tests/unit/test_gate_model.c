/* rooms: base model rules */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/rules/gate_features.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct gate_result judge(const char *text, enum kind kind)
{
	struct gate_input in = { .subject = "", .text = text, .text_len = strlen(text), .kind = kind, .first_line = 1 };
	struct gate_result r;
	gate_judge(&in, &r);
	return r;
}

static const struct gate_finding *finding(const struct gate_result *r, const char *rule)
{
	for (int i = 0; i < r->finding_n; i++)
		if (strcmp(r->finding[i].rule, rule) == 0)
			return &r->finding[i];
	return NULL;
}

/* Letters of our own making, in none of the collections. */
static const struct {
	enum gate_verdict verdict;
	const char *text;
} letters[] = {
	{ GATE_VALUE,
	  "Hi Ruth,\n\nthe forklift battery loses water because it is topped up before the charge. Fill it after "
	  "charging, to 6 mm above the plates, and never with tap water. If a cell reads below 1.22 when full, "
	  "note its number; two such cells in a row mean the pack is due.\n\nTom" },
	{ GATE_VALUE, "Please don't tighten the gasket while it is hot. Let it cool below 40 °C, then turn each bolt a "
		      "quarter, crosswise, until 32 Nm." },
	{ GATE_VALUE,
	  "You asked why the cron job runs twice. On that host both the crontab and a systemd timer start it:\n\n"
	  "```\nsystemctl list-timers | grep report\ncrontab -l | grep report\n```\n\nDisable the timer, "
	  "because its log rotates after a day." },
	{ GATE_VALUE,
	  "Hello Ms. Adler,\n\nfrom 1 July pallets above 1.80 m must be strapped in both directions, or the carrier "
	  "refuses them. Measure with the top sheet on. If yours is 1.84 m, take one layer off instead: it "
	  "costs two pallet places in forty, and the straps would cost more." },
	{ GATE_ASK,
	  "Hi Ruth,\n\nyour compressor runs unloaded 38% of the time; lower the band from 7.5 to 6.8 bar and you save "
	  "about a tenth. If the dryer ices, check the drain first.\n\nNow my request: could we meet on Tuesday at "
	  "10:00, so that I can present our service contract to you and your director? Please confirm by Friday." },
	{ GATE_ASK,
	  "Rinse the lines with 0.5% peracetic acid, twenty minutes, before the first run; below 10 °C double the "
	  "time.\n\nWe would like to supply you with it. It is 38 euro a drum, minimum six drums, payment in "
	  "advance. Please sign the order form and send it back to me by Thursday." },
	{ GATE_EMPTY,
	  "We are proud to announce that our award-winning platform has a new home. Our passionate team of experts "
	  "moved to a beautiful office, and our customers love the new look. Come and visit us!" },
	{ GATE_EMPTY,
	  "Hi Ruth,\n\nwhat if you could double your pipeline and never worry about leads again? Our innovative "
	  "solution helps companies like yours unlock their potential. 300% more revenue, guaranteed.\n\nWould "
	  "you be open to a quick call this week?" },
	{ GATE_EMPTY,
	  "Last chance! Only 3 spots left. The special offer expires tonight at midnight, and the price goes back to "
	  "$997. Use code SAVE20 and secure your spot now." },
	{ GATE_EMPTY,
	  "There are three secrets of successful teams. The first will surprise you, and the second is something "
	  "that only the best know. I would rather tell you in person. Curious?" },
};

static void test_letters(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(letters); i++) {
		struct gate_result value = judge(letters[i].text, KIND_VALUE), ask = judge(letters[i].text, KIND_ASK);
		if (value.verdict != letters[i].verdict)
			fail_msg("judged %s (%.2f): %s", gate_verdict_name(value.verdict), value.score,
				 letters[i].text);
		assert_int_equal(ask.verdict, value.verdict); /* the kind decides what passes, not what it is */
		assert_int_equal(value.pass, value.verdict == GATE_VALUE);
		assert_int_equal(ask.pass, value.verdict != GATE_EMPTY);
		assert_true(value.score >= 0.0 && value.score <= 1.0);
	}
}

/* What refuses says why, in words and with a place where there is one. */
static void test_reasons(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(letters); i++) {
		struct gate_result r = judge(letters[i].text, KIND_VALUE);
		const struct gate_finding *f = finding(&r, "not-its-kind");
		assert_int_equal(f != NULL, r.verdict == GATE_ASK);
		if (f != NULL) {
			assert_non_null(strstr(f->message, "Kind: ask"));
			assert_true((f->line >= 3 && f->column >= 1) || strchr(f->message, 40) != NULL);
		}
		if (r.verdict == GATE_EMPTY)
			assert_true(r.finding_n > 0 && r.finding[0].severity == SEVERITY_ERROR);
		f = finding(&r, "low-value");
		if (f != NULL)
			assert_true(strchr(f->message, '(') != NULL && strstr(f->message, "()") == NULL &&
				    strlen(f->message) < sizeof f->message - 1);
	}
}

/* More of what helps the reader makes no letter worse; more praise and wishes make none better. */
static void test_monotone(void **state)
{
	static const char base[] =
	    "The valve sticks because of lime. Soak it in vinegar for an hour, then turn it twice. ";
	static const char *const better[] = {
		"If it still sticks, replace the seal; below 4 bar it holds. ",
		"Measure the pressure before and after: it must not drop by more than 0.2 bar. "
	};
	static const char *const worse[] = {
		"We are proud of our innovative solutions and our passionate team. ",
		"Would you be open to a call next week, and could you introduce me to your director? ",
		"Our special offer expires tonight, so secure your spot and claim your discount. "
	};
	static struct gate_text t;
	struct gate_look look;
	struct gate_opinion plain, more;
	char text[1024];
	struct gate_input in = { .subject = "", .text = base, .text_len = sizeof base - 1 };
	(void)state;
	gate_look_at(&in, &t, &look);
	gate_model_judge(&look, &plain);
	in.text = text;
	for (size_t i = 0; i < COUNT(better) + COUNT(worse); i++) {
		bool good = i < COUNT(better);
		in.text_len =
		    (size_t)snprintf(text, sizeof text, "%s%s", base, good ? better[i] : worse[i - COUNT(better)]);
		gate_look_at(&in, &t, &look);
		gate_model_judge(&look, &more);
		if (good ? more.substance < plain.substance : more.substance > plain.substance)
			fail_msg("%.2f after %.2f: %s", more.substance, plain.substance, text);
	}
}

static void test_same_each_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(letters); i++) {
		struct gate_result a = judge(letters[i].text, KIND_VALUE);
		for (size_t k = 0; k < COUNT(letters); k++)
			judge(letters[k].text, KIND_ASK);
		struct gate_result b = judge(letters[i].text, KIND_VALUE);
		assert_true(a.verdict == b.verdict && a.finding_n == b.finding_n);
		assert_memory_equal(&a.score, &b.score, sizeof a.score);
	}
}

static void test_names(void **state)
{
	char name[GATE_FEATURE_NAME], other[GATE_FEATURE_NAME];
	(void)state;
	for (int i = 0; i < GATE_FEATURE_N; i++) {
		gate_feature_name(i, name);
		assert_true(strlen(name) > 8 && strchr(name, ':') != NULL && *gate_feature_says(i) != '\0');
		gate_feature_name(i + 1, other);
		assert_string_not_equal(name, other);
		assert_true(isfinite(gate_weights[i].substance) && gate_weights[i].per_deviation > 0);
	}
	gate_feature_name(-1, name);
	assert_string_equal(name, "");
	assert_string_equal(gate_feature_says(GATE_FEATURE_N), "");
	assert_true(gate_limits.ask <= gate_limits.value);
}

/* The table is searched by bytes; a phrase comes behind its first word. */
static void test_lexicon(void **state)
{
	(void)state;
	assert_true(gate_lexicon_n > 1000);
	for (size_t i = 0; i < gate_lexicon_n; i++) {
		assert_true(gate_lexicon[i].what != 0 && *gate_lexicon[i].text != '\0');
		if (i > 0 && strcmp(gate_lexicon[i - 1].text, gate_lexicon[i].text) >= 0)
			fail_msg("\"%s\" behind \"%s\"", gate_lexicon[i].text, gate_lexicon[i - 1].text);
	}
}

static void test_strongest(void **state)
{
	static struct gate_text t;
	struct gate_look look;
	int feature[5];
	struct gate_input in = { .subject = "", .text = letters[4].text, .text_len = strlen(letters[4].text) };
	(void)state;
	gate_look_at(&in, &t, &look);
	assert_int_equal(gate_model_strongest(look.f, true, 1, feature, 5), 5);
	for (int i = 0; i < 5; i++)
		for (int k = 0; k < i; k++)
			assert_int_not_equal(feature[i], feature[k]);
	assert_true(look.request_n > 0 && look.request_first > 0 && look.given_before > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letters),        cmocka_unit_test(test_reasons), cmocka_unit_test(test_monotone),
		cmocka_unit_test(test_same_each_time), cmocka_unit_test(test_names),   cmocka_unit_test(test_lexicon),
		cmocka_unit_test(test_strongest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
