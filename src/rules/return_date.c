/* When is somebody back? Every date of the note gets a rank from the words around it, and the best one counts; of
 * equals the later.
 *
 *   "back on", "wieder erreichbar ab", "de retour le"      that day
 *   English "until X", Dutch "tot X"                       X: that is how they are meant, "until Monday" says back on
 * Monday "through X", "bis X", "jusqu'au X", "hasta X",         the day after X: X is the last day of the absence "fino
 * al X", "t/m X", "até X", "X inclusive" "from W to X", "W - X"                                 the day after X "out of
 * office on X", "this week"                      the day after X, the Monday after it "from X" alone, other dates
 * nothing
 *
 * "Next week" and "in November" name no day: nothing. "Until March 2027" is its first, wherever the absence ends within. */
#include <string.h>

#include "abv/reply_text.h"
#include "reply_int.h"
#include "return_int.h"

#define AHEAD_MAX     (180 * CLOCK_DAY)
#define CONTEXT_WORDS 14 /* around a date that may say what it is */

enum rank { RANK_NONE, RANK_AWAY, RANK_DURATION, RANK_RANGE, RANK_UNTIL, RANK_BACK };

static bool within(const struct note *n, size_t from, size_t to, const char *const *list)
{
	for (size_t i = from; i < to; i++)
		if (words_match_any(n->s, n->w, i, to, list) > 0)
			return true;
	return false;
}

/* The words around a date up to the neighbouring dates, within its sentence. */
struct context {
	size_t from, to;
};

static struct context context_of(const struct note *n, const struct found *f, size_t previous_end)
{
	struct context c = { .from = f->from, .to = f->end };
	unsigned sentence = n->w[f->from].sentence;
	struct found other;
	while (c.from > previous_end && n->w[c.from - 1].sentence == sentence && f->from - c.from < CONTEXT_WORDS)
		c.from--;
	while (c.to < n->n && n->w[c.to].sentence == sentence && c.to - f->end < CONTEXT_WORDS &&
	       !date_at(n, c.to, &other))
		c.to++;
	return c;
}

static bool sentence_away(const struct note *n, size_t i)
{
	size_t from = i, to = i;
	while (from > 0 && n->w[from - 1].sentence == n->w[i].sentence && i - from < 3 * CONTEXT_WORDS)
		from--;
	while (to < n->n && n->w[to].sentence == n->w[i].sentence && to - i < 3 * CONTEXT_WORDS)
		to++;
	return within(n, from, to, cue_away);
}

/* How much the date says about the return; *add: days from it to the return. */
static enum rank rank_of(const struct note *n, const struct found *f, size_t previous_end, int *add)
{
	struct context c = context_of(n, f, previous_end);
	size_t from, len;
	bool back = within(n, c.from, f->from, cue_back), back_behind = within(n, f->end, c.to, cue_back);
	bool inclusive = is_at(n, f->end, cue_inclusive, &len);
	bool through = ends_at(n, f->from, cue_through, &from),
	     until = !through && ends_at(n, f->from, cue_until, &from);
	*add = 0;
	if (f->weekday && f->range && (within(n, c.from, c.to, cue_open) || !sentence_away(n, f->from)))
		return RANK_NONE;
	if (f->whole && f->weak && !through && !until && !back)
		return RANK_NONE;
	if (f->whole) {
		if (!sentence_away(n, f->from) && !through && !until && !back)
			return RANK_NONE;
		return through || until ? RANK_UNTIL : RANK_AWAY;
	}
	if (f->day_count)
		return back || back_behind ? RANK_BACK : sentence_away(n, f->from) ? RANK_DURATION : RANK_NONE;
	if (back && !f->range && !through)
		return RANK_BACK;
	*add = through || inclusive || f->range;
	if (through || until)
		return RANK_UNTIL;
	if (f->range)
		return RANK_RANGE;
	if (back_behind) {
		*add = inclusive;
		return RANK_BACK;
	}
	if (f->weak || ends_at(n, f->from, cue_from, &from) || !sentence_away(n, f->from))
		return RANK_NONE;
	*add = 1;
	return RANK_AWAY;
}

static bool is_english(const struct note *n)
{
	static const char *const words[] = { "the", "will", "and", "my|your", "office", "until", "on", 0 };
	static const char *const others[] = { "ich|bin|der|die|und",
					      "je|suis|le|la|et|du",
					      "el|la|los|y|estoy|estare",
					      "il|di|sono|dal|sara|saro",
					      "ik|ben|het|de|en|van",
					      "o|os|estou|estarei|e|ate",
					      0 };
	int english = 0, other = 0;
	for (size_t i = 0; i < n->n && i < 200; i++) {
		english += words_match_any(n->s, n->w, i, n->n, words) > 0;
		other += words_match_any(n->s, n->w, i, n->n, others) > 0;
	}
	return english > other;
}

/* Does a date in the note show the order: 25/12, 12/25? -1 month first, 1 day first, 0 no. */
static int order_shown(const char *s)
{
	int a, b, shown = 0;
	for (const char *p = strchr(s, '/'); p != NULL && shown == 0; p = strchr(p + 1, '/')) {
		const char *d = p;
		while (d > s && p - d < 2 && d[-1] >= '0' && d[-1] <= '9')
			d--;
		a = b = 0;
		for (const char *q = d; q < p; q++)
			a = a * 10 + (*q - '0');
		for (const char *q = p + 1; q < p + 3 && *q >= '0' && *q <= '9'; q++)
			b = b * 10 + (*q - '0');
		if (a > 12 && a <= 31 && b >= 1 && b <= 12)
			shown = 1;
		else if (b > 12 && b <= 31 && a >= 1 && a <= 12)
			shown = -1;
	}
	return shown;
}

static bool month_comes_first(const struct note *n, const struct zone *zone)
{
	static const char *const elsewhere[] = { "Europe/", "Africa/", "Australia/", "Asia/", "Pacific/" };
	int shown = order_shown(n->s);
	if (shown != 0 || !n->english)
		return shown < 0;
	for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
		if (line_starts_with(zone_name(zone), elsewhere[i]))
			return false;
	return true;
}

int64_t return_date_find(const char *text, size_t n, int64_t sent, const struct zone *zone)
{
	struct buf clean = { .data = NULL }, folded = { .data = NULL };
	struct note note = { .today = civil_day(zone_local(zone, sent)) };
	enum rank best = RANK_NONE;
	int64_t found = 0;
	size_t previous_end = 0;
	clean_text(text, n < NOTE_BYTES ? n : NOTE_BYTES, &clean);
	fold_text(buf_text(&clean), clean.len, &folded);
	note.s = buf_text(&folded);
	note.n = words_split(note.s, note.w, NOTE_WORDS);
	note.english = is_english(&note);
	note.month_first = month_comes_first(&note, zone);
	for (size_t i = 0; i < note.n;) {
		struct found f;
		int add = 0;
		if (!date_at(&note, i, &f)) {
			i++;
			continue;
		}
		enum rank rank = rank_of(&note, &f, previous_end, &add);
		int64_t at = zone_instant(zone, (int64_t)(f.day + add) * CLOCK_DAY);
		if (rank != RANK_NONE && at >= sent && at - sent <= AHEAD_MAX &&
		    (rank > best || (rank == best && at > found))) {
			best = rank;
			found = at;
		}
		previous_end = i = f.end;
	}
	buf_free(&clean);
	buf_free(&folded);
	return found;
}
