/* abvctl simulate --calendar: days from left to right, contacts from top to bottom, on one screen. Days that do not fit
 * are put together; of contacts that do not fit, some are shown, evenly taken in the order of the import. What a cell
 * says it says by its letter, colour only repeats it. */
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "simulate_int.h"

#define LABEL_MOST 28

/* In the order in which one hides another where a cell has room for one. */
enum mark { NOTHING, ENROLLED, HELD, COMPLETED, VALUE, VALUES, ASK, STOPPED, REPLIED, MARK_COUNT };
static const struct {
	char letter;
	const char *colour; /* SGR */
	const char *means;  /* NULL: not in the legend */
} marks[MARK_COUNT] = {
	[NOTHING] = { ' ', "0", NULL },       [ENROLLED] = { '.', "2", "enrolled, quiet" },
	[HELD] = { 'h', "33", "held" },       [COMPLETED] = { 'c', "36", "completed" },
	[VALUE] = { 'v', "32", "value" },     [VALUES] = { 'V', "32;1", "more than one" },
	[ASK] = { 'A', "35;1", "ask" },       [STOPPED] = { 'x', "31", "stopped" },
	[REPLIED] = { 'R', "34;1", "reply" },
};

struct person {
	char *email, *account; /* owned */
	int active;            /* enrollments */
	int since;             /* the first day that is not drawn yet while active */
	bool enrolled;         /* ever */
	unsigned char *day;    /* owned: enum mark by day; NULL before the first enrollment */
};

struct calendar {
	int64_t from;
	int days;
	struct person *person; /* by contact's id */
	size_t n, cap;
};

struct calendar *calendar_new(int64_t from, int days)
{
	struct calendar *k = mem_alloc(sizeof *k);

	k->from = from;
	k->days = days;
	return k;
}

void calendar_free(struct calendar **kp)
{
	struct calendar *k = *kp;

	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++) {
		free(k->person[i].email);
		free(k->person[i].account);
		free(k->person[i].day);
	}
	free(k->person);
	free(k);
	*kp = NULL;
}

/* ---- events ---- */

static struct person *person_get(struct calendar *k, const struct event *ev)
{
	size_t i = (size_t)ev->contact_id;
	struct person *p;

	if (i >= k->cap) {
		k->cap = i * 2 > 256 ? i * 2 : 256;
		k->person = mem_grow(k->person, k->cap, sizeof *k->person);
	}
	while (k->n <= i)
		k->person[k->n++] = (struct person){ .email = NULL };
	p = &k->person[i];
	if (!p->email) {
		p->email = mem_strdup(ev->address);
		p->account = mem_strdup(ev->account);
	}
	return p;
}

static int day_of(const struct calendar *k, int64_t ts)
{
	int64_t day = (ts - k->from) / CLOCK_DAY;

	return ts < k->from ? 0 : day >= k->days ? k->days - 1 : (int)day;
}

static void mark(const struct calendar *k, struct person *p, int day, enum mark m)
{
	if (!p->day)
		p->day = mem_array((size_t)k->days, 1);
	if (m == VALUE && p->day[day] == VALUE)
		m = VALUES;
	if (m > p->day[day])
		p->day[day] = (unsigned char)m;
}

static void mark_to(const struct calendar *k, struct person *p, int from, int to, enum mark m)
{
	for (int day = from; day <= to && day < k->days; day++)
		mark(k, p, day, m);
}

static void active_add(const struct calendar *k, struct person *p, int day, int more)
{
	if (p->active > 0)
		mark_to(k, p, p->since, day, ENROLLED);
	p->active += more;
	p->since = day;
	p->enrolled |= more > 0;
	for (int i = day + 1; p->active == 0 && more < 0 && i < k->days; i++)
		p->day[i] = NOTHING; /* a hold that goes on keeps nothing back any more */
}

static void hold_mark(const struct calendar *k, struct person *p, int64_t ts, int64_t until)
{
	if (p->active > 0)
		mark_to(k, p, day_of(k, ts), day_of(k, until), HELD);
}

/* Of one contact, or of all the account's. */
static void held(struct calendar *k, const struct event *ev)
{
	char text[CLOCK_TEXT_MAX];
	int64_t until;

	detail_text(ev, "until", text, sizeof text);
	if (clock_parse(text, &until, NULL) < 0)
		until = CLOCK_NEVER; /* until somebody lifts it */
	if (until <= ev->ts)
		return;
	if (ev->contact_id > 0) {
		hold_mark(k, person_get(k, ev), ev->ts, until);
		return;
	}
	for (size_t i = 0; i < k->n && *ev->account; i++) {
		if (k->person[i].account && !strcmp(k->person[i].account, ev->account))
			hold_mark(k, &k->person[i], ev->ts, until);
	}
}

void calendar_event(struct calendar *k, const struct event *ev)
{
	int day = day_of(k, ev->ts);
	struct person *p;

	if (ev->type == EVENT_HELD)
		held(k, ev);
	if (ev->contact_id <= 0)
		return;
	p = person_get(k, ev);
	switch (ev->type) {
	case EVENT_ENROLLED: active_add(k, p, day, 1); break;
	case EVENT_SENT: mark(k, p, day, ev->kind == KIND_ASK ? ASK : VALUE); break;
	case EVENT_REPLIED: mark(k, p, day, REPLIED); break;
	case EVENT_COMPLETED:
	case EVENT_STOPPED:
		active_add(k, p, day, -1);
		mark(k, p, day, ev->type == EVENT_STOPPED ? STOPPED : COMPLETED);
		break;
	default: break;
	}
}

/* ---- drawing ---- */

struct layout {
	int label, columns, fold; /* fold: days in a column */
	size_t rows, people;      /* people: who have something to show */
};

static void put(struct buf *out, bool colour, enum mark m)
{
	const char letter[2] = { marks[m].letter, '\0' };

	if (colour && m != NOTHING)
		out_colour(out, true, marks[m].colour, letter);
	else
		buf_char(out, letter[0]);
}

/* The month's name over its first day, where there is room. */
static void ruler(const struct calendar *k, const struct layout *l, struct buf *out)
{
	static const char name[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char *line = mem_alloc((size_t)l->columns + 1);
	int free_from = 0;

	memset(line, ' ', (size_t)l->columns);
	for (int day = 0; day < k->days; day++) {
		int column = day / l->fold, y, m, d;

		civil_to_ymd(civil_day(k->from + day * CLOCK_DAY), &y, &m, &d);
		if ((d != 1 && day != 0) || column < free_from || column + 3 > l->columns)
			continue;
		memcpy(line + column, name + 3 * (m - 1), 3);
		free_from = column + 4;
	}
	buf_printf(out, "%*s %s\n", l->label, "", line);
	free(line);
}

/* The address in so many columns, cut between characters. */
static void label(const char *email, int width, struct buf *out)
{
	struct buf clean = { 0 };
	size_t n = 0;
	int room = width;

	out_clean(&clean, email);
	for (const char *p = buf_text(&clean); *p; p++, n++) {
		bool begins = ((unsigned char)*p & 0xc0) != 0x80;

		if (begins && room == 0)
			break;
		room -= begins;
	}
	buf_add(out, buf_text(&clean), n);
	buf_printf(out, "%*s", room + 1, "");
	buf_free(&clean);
}

static void person_draw(const struct calendar *k, const struct layout *l, const struct person *p, bool colour,
			struct buf *out)
{
	label(p->email, l->label, out);
	for (int column = 0; column < l->columns; column++) {
		enum mark most = NOTHING;
		int values = 0;

		for (int day = column * l->fold; day < (column + 1) * l->fold && day < k->days; day++) {
			values += p->day[day] == VALUE;
			most = p->day[day] > most ? (enum mark)p->day[day] : most;
		}
		put(out, colour, most == VALUE && values > 1 ? VALUES : most);
	}
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	buf_char(out, '\n');
}

static void legend(bool colour, int width, struct buf *out)
{
	int at = 0;

	for (int m = MARK_COUNT - 1; m >= 0; m--) {
		int need = marks[m].means ? (int)strlen(marks[m].means) + 4 : 0;

		if (!need)
			continue;
		if (at > 0 && at + need > width) {
			buf_char(out, '\n');
			at = 0;
		}
		put(out, colour, (enum mark)m);
		buf_printf(out, " %s  ", marks[m].means);
		at += need;
	}
	buf_char(out, '\n');
}

static struct layout layout(struct calendar *k, int width, int height)
{
	struct layout l = { .label = 8 };
	int room;

	width = width < 40 ? 40 : width;
	for (size_t i = 0; i < k->n; i++) {
		struct person *p = &k->person[i];
		int n = p->email ? (int)text_width(p->email) : 0;

		if (!p->enrolled)
			continue;
		l.people++;
		active_add(k, p, k->days - 1, 0); /* those who are still in a sequence, up to the end */
		l.label = n > l.label ? n : l.label;
	}
	l.label = l.label > LABEL_MOST ? LABEL_MOST : l.label;
	l.label = l.label > width / 3 ? width / 3 : l.label;
	room = width - l.label - 1;
	l.fold = (k->days + room - 1) / room;
	l.columns = (k->days + l.fold - 1) / l.fold;
	room = height - 5; /* title, ruler, legend in two lines, the prompt */
	l.rows = (size_t)(room > 1 ? room : 1);
	l.rows = l.rows < l.people ? l.rows : l.people;
	return l;
}

void calendar_draw(struct calendar *k, int width, int height, bool colour, struct buf *out)
{
	struct layout l = layout(k, width, height);
	char date[CLOCK_TEXT_MAX];
	size_t seen = 0, drawn = 0;

	buf_printf(out, "%d days from %.10s, %d a column; ", k->days, clock_format(k->from, date), l.fold);
	if (l.rows < l.people)
		buf_printf(out, "%zu of %zu contacts, %zu left out\n", l.rows, l.people, l.people - l.rows);
	else
		buf_printf(out, "%zu contact%s\n", l.people, l.people == 1 ? "" : "s");
	ruler(k, &l, out);
	for (size_t i = 0; i < k->n && drawn < l.rows; i++) {
		if (!k->person[i].enrolled)
			continue;
		if (seen++ * l.rows / l.people == drawn) {
			person_draw(k, &l, &k->person[i], colour, out);
			drawn++;
		}
	}
	legend(colour, width, out);
}
