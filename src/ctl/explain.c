/* What comes next for a contact, in words: for each sequence the instant, the rule that decides with the touches that
 * it counts, and what would have it go earlier. A paragraph is a label and text behind it, wrapped at 80 columns. */
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "abv/clock.h"
#include "client_int.h"

#define WIDTH 80
#define LABEL 11 /* columns before the text: "  earlier  " */

static bool is(const json_t *object, const char *name, const char *value)
{
	return strcmp(json_text(object, name), value) == 0;
}

/* ---- paragraphs ---- */

#define GLUE '\1' /* a blank at which no line is broken */

/* "Mon 2026-01-05 16:01", in one piece. */
static void add_time(struct buf *b, const char *rfc3339)
{
	size_t from = b->len;

	out_time(b, rfc3339, false);
	for (; from < b->len; from++) {
		if (b->data[from] == ' ')
			b->data[from] = GLUE;
	}
}

/* Up to the next blank; a command in backticks stays whole, so that it can be copied. */
static size_t word_length(const char *text)
{
	size_t n = 0;
	bool command = false;

	for (; text[n] && text[n] != '\n' && (text[n] != ' ' || command); n++) {
		if (text[n] == '`')
			command = !command && strchr(text + n + 1, '`') && strcspn(text + n + 1, "`") < WIDTH - LABEL;
	}
	return n;
}

/* Text, wrapped, behind its label; a line break in it is kept. */
static void paragraph(struct buf *b, const char *label, const char *text)
{
	size_t column;

	buf_printf(b, "  %-*s", LABEL - 2, label);
	column = LABEL;
	while (*text) {
		size_t n = word_length(text);
		char word[512];
		size_t width;

		(void)snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), text);
		width = text_width(word);
		for (char *glue = word; (glue = strchr(glue, GLUE)) != NULL;)
			*glue = ' ';
		if (column > LABEL && column + 1 + width > WIDTH) {
			buf_printf(b, "\n%*s", LABEL, "");
			column = LABEL;
		} else if (column > LABEL) {
			buf_char(b, ' ');
			column++;
		}
		out_clean(b, word);
		column += width;
		text += n;
		if (*text == '\n') {
			buf_printf(b, "\n%*s", LABEL, "");
			column = LABEL;
		}
		text += *text != '\0';
	}
	buf_char(b, '\n');
}

/* ---- verdicts ---- */

static void verdict_words(const json_t *next, bool colour, struct buf *b)
{
	const char *verdict = json_text(next, "verdict"), *until = json_text(next, "until");

	if (is(next, "verdict", "wait")) {
		out_colour(b, colour, "33", "waits");
		buf_str(b, *until ? " until " : " for a change");
		if (*until)
			out_time(b, until, true);
	} else if (is(next, "verdict", "send")) {
		out_colour(b, colour, "32", "goes now");
	} else {
		out_colour(b, colour, "35",
			   is(next, "verdict", "skip")   ? "skips this step"
			   : is(next, "verdict", "stop") ? "stops"
							 : verdict);
	}
}

void explain_verdict(const json_t *next, bool colour, struct buf *b)
{
	verdict_words(next, colour, b);
	if (!*json_text(next, "reason"))
		return;
	buf_str(b, ": ");
	out_clean(b, json_text(next, "reason"));
}

void explain_standing(const json_t *answer, bool colour, struct buf *b)
{
	const char *scope;
	const json_t *hold;

	if (*json_text(answer, "suppressed")) {
		out_colour(b, colour, "31;1", "suppressed");
		buf_str(b, ": ");
		out_clean(b, json_text(answer, "suppressed"));
		buf_str(b, *json_text(answer, "suppressed_note") ? ": " : "");
		out_clean(b, json_text(answer, "suppressed_note"));
		buf_char(b, '\n');
	}
	json_object_foreach (json_object_get(answer, "holds"), scope, hold) {
		out_colour(b, colour, "33", scope);
		out_colour(b, colour, "33", " held");
		buf_str(b, " until ");
		out_time(b, json_text(hold, "until"), true);
		buf_str(b, *json_text(hold, "reason") ? ": " : "");
		out_clean(b, json_text(hold, "reason"));
		buf_char(b, '\n');
	}
}

/* ---- the rules ---- */

/* Which of the evidence decided: the reason's own, of several the one that ends with the wait. -1: none. */
static int deciding(const json_t *next)
{
	const json_t *ev;
	int found = -1;
	size_t i;

	json_array_foreach (json_object_get(next, "evidence"), i, ev) {
		if (strcmp(json_text(ev, "reason"), json_text(next, "reason")) != 0)
			continue;
		if (found < 0 || !strcmp(json_text(ev, "until"), json_text(next, "until")))
			found = (int)i;
	}
	return found;
}

/* "Tue 2026-11-17 08:43 (course/step1)"; in account rules also whose. */
static void touch_words(const json_t *t, bool whose, struct buf *b)
{
	if (is(t, "state", "reserved") || is(t, "state", "handed"))
		buf_str(b, "on its way");
	else
		add_time(b, json_text(t, "at"));
	buf_printf(b, " (%s/%s", json_text(t, "sequence"), json_text(t, "step"));
	if (whose)
		buf_printf(b, ", %s", json_text(t, "contact"));
	buf_str(b, is(t, "state", "unknown") ? ", unknown whether delivered)" : ")");
}

/* Every touch that a rule counts: one behind it, several a line each. */
static void touches_words(const json_t *ev, bool all, const char *before, struct buf *b)
{
	const json_t *rows = json_object_get(ev, "touches"), *t;
	bool whose = !strncmp(json_text(ev, "reason"), "account", 7);
	size_t i, n = json_array_size(rows);

	if (!n || !all) {
		if (*json_text(ev, "touch_at")) {
			buf_printf(b, ", %s the touch\1of\1", before);
			add_time(b, json_text(ev, "touch_at"));
		}
		return;
	}
	buf_printf(b, n == 1 ? ", %s the touch\1of\1" : ", %s the touches of", before);
	json_array_foreach (rows, i, t) {
		if (n > 1)
			buf_char(b, '\n');
		touch_words(t, whose, b);
	}
}

/* "account_limit 2 per 7d, filled by the touches of ..."; not the deciding one: only the touch that must leave. */
static void rule_words(const json_t *ev, bool decides, struct buf *b)
{
	const char *limit = json_text(ev, "limit");

	buf_str(b, json_text(ev, "reason"));
	buf_printf(b, "%s%s", *limit ? " " : "", limit);
	touches_words(ev, decides, *limit ? "filled by" : is(ev, "reason", "gifts") ? "given:" : "after", b);
}

static void rules(const json_t *row, struct buf *b)
{
	int told = deciding(row);
	struct buf text = { 0 };
	const json_t *ev;
	size_t i;

	if (told >= 0)
		rule_words(json_array_get(json_object_get(row, "evidence"), (size_t)told), true, &text);
	else
		buf_str(&text, json_text(row, "reason"));
	if (text.len)
		paragraph(b, "rule", buf_text(&text));
	json_array_foreach (json_object_get(row, "evidence"), i, ev) {
		if ((int)i == told)
			continue;
		buf_clear(&text);
		if (*json_text(ev, "until")) {
			buf_str(&text, "until ");
			add_time(&text, json_text(ev, "until"));
			buf_str(&text, ": ");
		}
		rule_words(ev, false, &text);
		paragraph(b, "also", buf_text(&text));
	}
	buf_free(&text);
}

/* ---- the contact's clock ---- */

static bool same_offset(const struct zone *z, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	return localtime_r(&t, &tm) && tm.tm_gmtoff == zone_offset(z, ms);
}

static void zone_time(const struct zone *z, int64_t ms, struct buf *b)
{
	time_t local = (time_t)(zone_local(z, ms) / 1000);
	char text[64];
	struct tm tm;

	if (gmtime_r(&local, &tm) && strftime(text, sizeof text, "%a %Y-%m-%d %H:%M", &tm))
		buf_str(b, text);
}

/* Where hours and weekdays are the contact's and not the reader's; or where the contact's are not known. */
static void contact_clock(const json_t *row, struct buf *b)
{
	const char *name = json_text(row, "timezone");
	const struct zone *z = *name ? zone_find(name) : NULL;
	bool unknown = is(row, "timezone_from", "default_timezone");
	struct buf text = { 0 };
	int64_t ms;

	if (!z || !is(row, "verdict", "wait"))
		return;
	if (*json_text(row, "until") && !clock_parse(json_text(row, "until"), &ms, NULL) && !same_offset(z, ms)) {
		zone_time(z, ms, &text);
		buf_printf(&text, " in %s", name);
	}
	if (unknown)
		buf_printf(&text, "%sthe contact's timezone is unknown: default_timezone %s is used",
			   text.len ? "; " : "", name);
	if (text.len)
		paragraph(b, "there", buf_text(&text));
	buf_free(&text);
}

/* ---- what would have to change ---- */

/* "it would go Fri 2026-11-20 08:43, by contact_min_gap". then: verdict, at, by. */
static void then_words(const json_t *then, const char *until, const char *would, struct buf *b)
{
	const char *at = json_text(then, "at"), *by = json_text(then, "by");

	if (is(then, "verdict", "send")) {
		buf_printf(b, "%s go now", would);
		return;
	}
	if (is(then, "verdict", "skip") || is(then, "verdict", "stop")) {
		buf_printf(b, "the %s (%s)",
			   is(then, "verdict", "skip") ? "step would be skipped" : "sequence would stop", by);
		return;
	}
	if (!*at) {
		buf_printf(b, "%s still wait for a change, by %s", would, by);
	} else if (!strcmp(at, until)) {
		buf_printf(b, "%s go at the same time, by %s", would, by);
	} else {
		buf_printf(b, "%s go ", would);
		add_time(b, at);
		buf_printf(b, ", by %s", by);
	}
}

static void earlier(const json_t *row, struct buf *b)
{
	struct buf text = { 0 };
	const json_t *ch;
	size_t i;

	json_array_foreach (json_object_get(row, "earlier"), i, ch) {
		bool gifts = is(ch, "reason", "gifts");
		const char *label = !is(row, "verdict", "wait")                          ? "change"
				    : json_is_true(json_object_get(ch, "with_previous")) ? "and"
				    : i                                                  ? "or"
											 : "earlier";

		buf_clear(&text);
		buf_str(&text, json_text(ch, "change"));
		if (*json_text(ch, "expected")) {
			buf_str(&text, ", expected ");
			add_time(&text, json_text(ch, "expected"));
		}
		if (*json_text(ch, "verdict")) {
			buf_str(&text, "; ");
			then_words(ch, json_text(row, "until"), gifts ? "without them it would" : "it would", &text);
		}
		paragraph(b, label, buf_text(&text));
	}
	buf_free(&text);
}

/* Another sequence of the contact takes the turn. */
static void ahead(const json_t *row, struct buf *b)
{
	const json_t *a = json_object_get(row, "ahead");
	struct buf text = { 0 };

	if (!json_is_object(a))
		return;
	buf_printf(&text, "%s/%s of %s goes first, ", json_text(a, "sequence"), json_text(a, "step"),
		   json_text(a, "contact"));
	add_time(&text, json_text(a, "at"));
	buf_str(&text, "; ");
	then_words(json_object_get(a, "then"), "", "behind it, this one would", &text);
	if (json_is_true(json_object_get(a, "by_priority")))
		buf_printf(&text, ". A priority above %lld turns that round", json_number(a, "priority"));
	paragraph(b, "behind", buf_text(&text));
	buf_free(&text);
}

/* ---- the whole ---- */

static void explain_row(const json_t *row, bool colour, struct buf *b)
{
	struct buf text = { 0 };
	const json_t *letter = json_object_get(row, "letter");

	buf_printf(&text, "%s/%s", json_text(row, "sequence"), json_text(row, "step"));
	out_colour(b, colour, "1", buf_text(&text));
	buf_char(b, ' ');
	verdict_words(row, colour, b);
	buf_char(b, '\n');
	contact_clock(row, b);
	rules(row, b);
	earlier(row, b);
	ahead(row, b);
	if (json_is_object(letter) && strcmp(json_text(letter, "reason"), json_text(row, "reason")) != 0) {
		buf_clear(&text);
		buf_printf(&text, "as things are it would not leave: %s%s%s", json_text(letter, "reason"),
			   *json_text(letter, "detail") ? ": " : "", json_text(letter, "detail"));
		paragraph(b, "letter", buf_text(&text));
	}
	if (*json_text(row, "ends_at")) {
		buf_clear(&text);
		add_time(&text, json_text(row, "ends_at"));
		buf_str(&text, ": not sent after that (expire, consent or sunset)");
		paragraph(b, "ends", buf_text(&text));
	}
	if (*json_text(row, "note"))
		paragraph(b, "note", json_text(row, "note"));
	buf_free(&text);
}

static void ended(const json_t *row, bool colour, struct buf *b)
{
	bool stopped = is(row, "state", "stopped");

	out_colour(b, colour, "1", json_text(row, "sequence"));
	buf_printf(b, " has ended: %s\n", stopped ? json_text(row, "reason") : json_text(row, "state"));
	if (*json_text(row, "change"))
		paragraph(b, "change", json_text(row, "change"));
}

void explain_text(const json_t *answer, const char *contact, bool colour, struct buf *b)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(answer, "rows"), i, row) {
		explain_row(row, colour, b);
	}
	if (!b->len)
		buf_printf(b,
			   "%s: nothing comes next: no active enrollment.\n"
			   "`abvctl enroll SEQUENCE --contact %s` enrolls, or says what forbids it.\n",
			   contact, contact);
	json_array_foreach (json_object_get(answer, "ended"), i, row) {
		ended(row, colour, b);
	}
	explain_standing(answer, colour, b);
}
