/* rooms: base model rules */
/* What the gate costs: bench_gate_text. CPU time for a letter of 300 words in Markdown and in HTML, the fastest of some
 * rounds, because a busy machine only adds (goal: below 200 us), and for 10 MB of hostile text of each kind (goal:
 * below 1 s). Exit 1 when missed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abv/gate.h"

#define ROUNDS  9
#define LETTERS 200
#define GOAL_US 200.0
#define HOSTILE ((size_t)10 << 20)
#define GOAL_MS 1000.0

static const char plain[] =
    "Name one person who may decide about settings; two owners cost a week each time they disagree. Write down "
    "the one task that must work by day 30, with a number. Export the old data before anybody edits it, and "
    "count the rows. Would you be open to a call?\n\n";
static const char html[] =
    "<p style=\"color:#333; font-size: 14px\">Name one person who may decide about <b>settings</b>; two owners "
    "cost a week each time they disagree.</p><p>Write down the one task that must work by day 30, with a "
    "number. Export the old data before anybody edits it, and count the rows.</p>\n";

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void judge(const char *text, size_t n)
{
	struct gate_input in = { .subject = "", .text = text, .text_len = n, .first_line = 1 };
	struct gate_result r;
	gate_judge(&in, &r);
}

static bool letter(const char *name, const char *unit)
{
	static char text[4096];
	size_t n = 0, words = 0;
	double best = 1e9;
	while (words < 300 && n + strlen(unit) < sizeof text) {
		n += (size_t)snprintf(text + n, sizeof text - n, "%s", unit);
		for (const char *s = unit; *s != '\0'; s++)
			words += *s == ' ';
	}
	for (int i = 0; i < ROUNDS; i++) {
		double from = now_us();
		for (int k = 0; k < LETTERS; k++)
			judge(text, n);
		double us = (now_us() - from) / LETTERS;
		best = us < best ? us : best;
	}
	printf("gate, a letter of 300 words, %-9s %8.1f us  goal at most %g  %s\n", name, best, GOAL_US,
	       best <= GOAL_US ? "reached" : "MISSED");
	return best <= GOAL_US;
}

static bool hostile(char *text)
{
	static const char *const unit[] = { "a",
					    "a ",
					    "a. ",
					    "\n",
					    "[x](https://example.com/a) ",
					    "<div>",
					    "</div>",
					    "<div style=\"display:none\">",
					    "<p a=\"",
					    "<!--",
					    "<a",
					    "<",
					    "&#1077;",
					    "&",
					    "{{",
					    "{{#a}}",
					    "![",
					    "![](",
					    "[",
					    "> ",
					    "- ",
					    "*",
					    "`",
					    "\"",
					    ".",
					    "!?",
					    "[name] ",
					    "\xff",
					    "\xd0\xb5",
					    "a\xd0\xb5",
					    "e\xcc\xb6",
					    "\xe2\x80\x8b",
					    "\xf0\x9d\x97\x9d",
					    "just checking in. " };
	double worst = 0;
	const char *which = "";
	for (size_t i = 0; i < sizeof unit / sizeof unit[0]; i++) {
		size_t n = strlen(unit[i]);
		for (size_t k = 0; k < HOSTILE; k++)
			text[k] = unit[i][k % n];
		double from = now_us();
		judge(text, HOSTILE);
		double ms = (now_us() - from) / 1e3;
		if (getenv("BENCH_ALL") != NULL)
			printf("  %8.0f ms '%s'\n", ms, unit[i]);
		which = ms > worst ? unit[i] : which;
		worst = ms > worst ? ms : worst;
	}
	printf("gate, 10 MB, at worst of '%s' %8.0f ms  goal at most %g  %s\n", which, worst, GOAL_MS,
	       worst <= GOAL_MS ? "reached" : "MISSED");
	return worst <= GOAL_MS;
}

int main(void)
{
	char *text = malloc(HOSTILE);
	if (text == NULL)
		return 1;
	bool ok = letter("Markdown", plain);
	ok &= letter("HTML", html);
	ok &= hostile(text);
	free(text);
	return ok ? 0 : 1;
}
