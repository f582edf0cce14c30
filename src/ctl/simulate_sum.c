/* abvctl simulate: the sum of a simulation for each sequence: what was sent, what waited for what, how people's ways
 * through it ended. */
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "abv/verdict.h"
#include "simulate_int.h"

/* A contact in a sequence. */
struct way {
	int64_t enrolled; /* 0: not in it */
	bool active;
	bool held; /* its ask waits for gifts */
};

struct sums {
	int64_t enrolled, active, completed, stopped, touches[2], held, held_still;
	int64_t waits[REASON_COUNT], skips[REASON_COUNT], stops[REASON_COUNT], refused[REASON_COUNT];
	int64_t gate;
	int64_t *took; /* owned: ms from enrollment to completion */
	size_t took_n, took_cap;
};

struct summary {
	const struct plan *plan;
	size_t sequence_n;
	struct sums *sum; /* by the plan's order */
	struct way *way;  /* by contact, then sequence */
	bool *released;   /* by contact */
	size_t contact_cap;
	int64_t contacts, released_n, first, last;
	int64_t events[EVENT_TYPE_COUNT];
	char paused_at[CLOCK_TEXT_MAX], paused_why[64]; /* the last pause; "" none */
};

struct summary *summary_new(const struct plan *plan)
{
	struct summary *s = mem_alloc(sizeof *s);

	s->plan = plan;
	s->sequence_n = plan->config->sequence_n;
	s->sum = mem_array(s->sequence_n + 1, sizeof *s->sum);
	return s;
}

void summary_free(struct summary **sp)
{
	struct summary *s = *sp;

	if (!s)
		return;
	for (size_t i = 0; i < s->sequence_n; i++)
		free(s->sum[i].took);
	free(s->sum);
	free(s->way);
	free(s->released);
	free(s);
	*sp = NULL;
}

int64_t summary_touches(const struct summary *s)
{
	return s->events[EVENT_SENT];
}

/* ---- events ---- */

static void contacts_reserve(struct summary *s, int64_t contact_id)
{
	size_t n = (size_t)contact_id + 1, cap = s->contact_cap ? s->contact_cap : 256;

	if (n <= s->contact_cap)
		return;
	while (cap < n)
		cap *= 2;
	s->way = mem_grow(s->way, cap * (s->sequence_n + 1), sizeof *s->way);
	s->released = mem_grow(s->released, cap, sizeof *s->released);
	memset(s->way + s->contact_cap * (s->sequence_n + 1), 0,
	       (cap - s->contact_cap) * (s->sequence_n + 1) * sizeof *s->way);
	memset(s->released + s->contact_cap, 0, (cap - s->contact_cap) * sizeof *s->released);
	s->contact_cap = cap;
}

static enum reason reason_of(const struct event *ev)
{
	char name[64];
	enum reason r;

	detail_text(ev, "reason", name, sizeof name);
	r = reason_find(name);
	return r < REASON_COUNT ? r : REASON_NONE;
}

static void took_add(struct sums *t, int64_t ms)
{
	if (t->took_n == t->took_cap) {
		t->took_cap = t->took_cap ? t->took_cap * 2 : 64;
		t->took = mem_grow(t->took, t->took_cap, sizeof *t->took);
	}
	t->took[t->took_n++] = ms;
}

static void way_end(struct sums *t, struct way *w)
{
	t->active -= w->active;
	t->held_still -= w->held;
	w->active = w->held = false;
}

static void stop_take(struct summary *s, struct sums *t, const struct event *ev)
{
	enum reason why = reason_of(ev);

	t->stopped++;
	t->stops[why]++;
	if (why == REASON_SUNSET && !s->released[ev->contact_id]) {
		s->released[ev->contact_id] = true;
		s->released_n++;
	}
}

static void wait_take(struct sums *t, struct way *w, const struct event *ev)
{
	enum reason why = reason_of(ev);

	t->waits[why]++;
	if (why != REASON_GIFTS || w->held)
		return;
	w->held = true;
	t->held++;
	t->held_still++;
}

static void sent_take(struct sums *t, struct way *w, const struct event *ev)
{
	t->touches[ev->kind == KIND_ASK]++;
	if (ev->kind != KIND_ASK)
		return;
	t->held_still -= w->held;
	w->held = false;
}

static void sequence_event(struct summary *s, struct sums *t, struct way *w, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_ENROLLED:
		*w = (struct way){ .enrolled = ev->ts, .active = true };
		t->enrolled++;
		t->active++;
		break;
	case EVENT_ENROLL_REFUSED: t->refused[reason_of(ev)]++; break;
	case EVENT_SENT: sent_take(t, w, ev); break;
	case EVENT_WAITING: wait_take(t, w, ev); break;
	case EVENT_GATE_REFUSED: t->gate++; break;
	case EVENT_SKIPPED:
		t->skips[reason_of(ev)]++;
		t->held_still -= w->held;
		w->held = false;
		break;
	case EVENT_COMPLETED:
		t->completed++;
		took_add(t, ev->ts - w->enrolled);
		way_end(t, w);
		break;
	case EVENT_STOPPED:
		stop_take(s, t, ev);
		way_end(t, w);
		break;
	default: break;
	}
}

void summary_event(struct summary *s, const struct event *ev)
{
	s->events[ev->type]++;
	s->first = s->first ? s->first : ev->ts;
	s->last = ev->ts;
	if (ev->type == EVENT_PAUSED) {
		(void)clock_format(ev->ts, s->paused_at);
		detail_text(ev, "reason", s->paused_why, sizeof s->paused_why);
	}
	if (ev->contact_id <= 0)
		return;
	contacts_reserve(s, ev->contact_id);
	for (size_t i = 0; i < s->sequence_n && *ev->sequence; i++) {
		if (!strcmp(s->plan->config->sequence[i].name, ev->sequence)) {
			sequence_event(s, &s->sum[i], &s->way[(size_t)ev->contact_id * (s->sequence_n + 1) + i], ev);
			break;
		}
	}
}

/* ---- print ---- */

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The smallest value that so many percent do not exceed, in days; "-" when nobody finished. */
static void percentile(const struct sums *t, size_t percent, char *out, size_t cap)
{
	size_t i = (t->took_n * percent + 99) / 100;

	if (t->took_n == 0)
		(void)snprintf(out, cap, "-");
	else
		(void)snprintf(out, cap, "%.1f", (double)t->took[i > 0 ? i - 1 : 0] / (double)CLOCK_DAY);
}

static void number_add(struct table *t, int64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%lld", (long long)n);
	table_add(t, text);
}

static void sequences_print(const struct summary *s, bool colour)
{
	static const char *const head[] = { "SEQUENCE", "ENROLLED", "VALUE",  "ASK", "COMPLETED", "RELEASED",
					    "STOPPED",  "ACTIVE",   "MEDIAN", "90%", "HELD ASKS", NULL };
	struct table table;
	struct buf out = { 0 };
	char text[64];

	table_open(&table, head);
	for (size_t i = 0; i < s->sequence_n; i++) {
		const struct sums *t = &s->sum[i];

		if (t->took_n > 0)
			qsort(t->took, t->took_n, sizeof *t->took, by_size);
		table_add(&table, s->plan->config->sequence[i].name);
		number_add(&table, t->enrolled);
		number_add(&table, t->touches[0]);
		number_add(&table, t->touches[1]);
		number_add(&table, t->completed);
		number_add(&table, t->stops[REASON_SUNSET]);
		number_add(&table, t->stopped - t->stops[REASON_SUNSET]);
		number_add(&table, t->active);
		percentile(t, 50, text, sizeof text);
		table_add(&table, text);
		percentile(t, 90, text, sizeof text);
		table_add(&table, text);
		(void)snprintf(text, sizeof text, t->held_still ? "%lld (%lld still)" : "%lld", (long long)t->held,
			       (long long)t->held_still);
		table_add(&table, text);
	}
	table_format(&table, colour, &out);
	(void)fwrite(buf_text(&out), 1, out.len, stdout);
	buf_free(&out);
	table_free(&table);
}

struct row {
	enum reason reason;
	int64_t n;
};

static int by_count(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return (x->reason > y->reason) - (x->reason < y->reason);
}

/* "  waits: window 120, contact_limit 31", the most frequent first; nothing when there is none. */
static void reasons_print(const char *what, const int64_t count[REASON_COUNT])
{
	struct row row[REASON_COUNT];
	int n = 0;

	for (int i = 0; i < REASON_COUNT; i++) {
		if (count[i])
			row[n++] = (struct row){ (enum reason)i, count[i] };
	}
	if (!n)
		return;
	qsort(row, (size_t)n, sizeof row[0], by_count);
	printf("  %s:", what);
	for (int i = 0; i < n; i++)
		printf("%s %s %lld", i ? "," : "", *reason_name(row[i].reason) ? reason_name(row[i].reason) : "other",
		       (long long)row[i].n);
	(void)putchar('\n');
}

static void one(const char *what, const char *many, int64_t n, bool first)
{
	printf("%s%lld %s", first ? "" : ", ", (long long)n, n == 1 ? what : many);
}

static void head_print(const struct summary *s)
{
	one("contact", "contacts", s->events[EVENT_CONTACT_IMPORTED], true);
	one("touch", "touches", s->events[EVENT_SENT], false);
	one("reply", "replies", s->events[EVENT_REPLIED], false);
	one("absence note", "absence notes", s->events[EVENT_AUTO_REPLIED], false);
	one("bounce", "bounces", s->events[EVENT_BOUNCED], false);
	one("unsubscribe", "unsubscribes", s->events[EVENT_UNSUBSCRIBED], false);
	one("person released", "people released", s->released_n, false);
	(void)puts("\n");
}

void summary_print(const struct summary *s, const struct ctl *c)
{
	head_print(s);
	sequences_print(s, c->colour);
	(void)puts(
	    "MEDIAN, 90%: days from enrollment to completion. RELEASED: silent for too long (sunset). HELD ASKS: had "
	    "to wait for gifts.");
	for (size_t i = 0; i < s->sequence_n; i++) {
		const struct sums *t = &s->sum[i];

		printf("\n%s\n", s->plan->config->sequence[i].name);
		reasons_print("waits", t->waits);
		reasons_print("stopped", t->stops);
		reasons_print("steps skipped", t->skips);
		reasons_print("not enrolled", t->refused);
		if (t->gate)
			printf("  letters refused by the gate or without a value: %lld\n", (long long)t->gate);
	}
	if (*s->paused_at)
		printf("\nSending was paused at %s (%s): nothing was sent after that.\n", s->paused_at,
		       *s->paused_why ? s->paused_why : "no reason given");
}
