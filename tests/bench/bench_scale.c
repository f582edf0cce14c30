/* rooms: base model rules store */
/* What the store costs beside the daemon: bench_scale STORE SEQUENCE. Prints name=milliseconds: open, an idle tick (is anything due? when next?),
 * claiming 256 due (rows, contacts, history). Nothing is written. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "abv/store.h"

static double ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static double claim(struct store *s, const char *sequence, int64_t now)
{
	static const struct policy policy = { .contact = { .n = 2, .row = { { 1, 7 * CLOCK_DAY }, { 4, 30 * CLOCK_DAY } } },
					      .account = { .n = 1, .row = { { 2, 7 * CLOCK_DAY } } } };
	struct due_row due[256];
	struct history h;
	double t0 = ms();
	int n = store_due(s, sequence, now, due, 256, NULL);

	for (int i = 0; i < n; i++) {
		struct enrollment_row *row = NULL;

		if (store_enrollment(s, due[i].enrollment_id, &row, NULL) != 1 ||
		    store_history(s, &policy, row->contact, 0, now, &h, NULL) != 0)
			exit(1);
		enrollment_row_free(&row);
	}
	return n == 256 ? ms() - t0 : -1;
}

int main(int argc, char **argv)
{
	struct store *s;
	struct err e = { "" };
	struct timespec now;
	double t0 = ms(), open, tick = 1e9, first = -1, best = 1e9;

	if (argc != 3)
		return 2;
	if (store_open(argv[1], &s, &e) != STORE_OK) {
		fprintf(stderr, "bench_scale: %s\n", e.text);
		return 1;
	}
	open = ms() - t0;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t at = (int64_t)now.tv_sec * 1000, before = at - CLOCK_DAY;
	struct due_row one;
	for (int i = 0; i < 50; i++) { /* nothing is due a day ago */
		t0 = ms();
		if (store_due(s, argv[2], before, &one, 1, NULL) != 0 || store_due_first(s, argv[2], before) == CLOCK_NEVER)
			return 1;
		tick = ms() - t0 < tick ? ms() - t0 : tick;
	}
	for (int i = 0; i < 20; i++) {
		double took = claim(s, argv[2], at);

		if (took < 0)
			break;
		first = first < 0 ? took : first;
		best = took < best ? took : best;
	}
	printf("open_ms=%.3f tick_ms=%.4f claim_cold_ms=%.3f claim_ms=%.3f\n", open, tick, first, best);
	store_close(&s);
	return 0;
}
