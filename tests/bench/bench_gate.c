/* rooms: base model rules */
/* What judging a letter costs: bench_gate. CPU time, the fastest of some rounds; goal: below 200 us for 300 words, and
 * four times the words cost no more than five times as much. Exit 1 when missed. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "abv/gate.h"

#define ROUNDS  9
#define TIMES   200
#define GOAL_US 200.0

static const char part[] =
    "Name one person who may decide about settings; two owners cost a week each time they disagree. Write down the one "
    "task that must work by day 30, with a number. If the export fails, check that the file is UTF-8 before you ask "
    "anybody. Would you like the sheet? Our team is glad to send it by Friday.\n\n";

static double judge_us(const char *text, size_t n)
{
	struct gate_input in = { .subject = "", .text = text, .text_len = n, .first_line = 1 };
	struct gate_result r;
	double best = 1e9;
	for (int k = 0; k < ROUNDS; k++) {
		struct timespec a, b;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
		for (int i = 0; i < TIMES; i++)
			gate_judge(&in, &r);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
		double us = ((double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3) / TIMES;
		best = us < best ? us : best;
	}
	return best;
}

static size_t letter(char *to, size_t cap, int words)
{
	size_t n = 0;
	for (int have = 0; have < words && n + sizeof part < cap; have += 58)
		n += (size_t)snprintf(to + n, cap - n, "%s", part);
	return n;
}

int main(void)
{
	static char text[1 << 16];
	double us = judge_us(text, letter(text, sizeof text, 300)),
	       more = judge_us(text, letter(text, sizeof text, 1200));
	printf("gate: %.0f us for 300 words, %.0f us for 1200 (%.1f times)\n", us, more, more / us);
	return us < GOAL_US && more < 5.0 * us ? 0 : 1;
}
