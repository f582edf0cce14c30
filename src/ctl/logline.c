/* The engagement log's events in words: when, what, who, where, and what the event says besides. */
#include "logline_int.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "abv/clock.h"
#include "ctl_int.h"

/* What colour an event has: green went well, yellow is a no, red wants a person, grey is background. */
static const struct {
	const char *event, *code;
} colour_of[] = {
	{ "sent", "32" },           { "completed", "36" },       { "replied", "32;1" },
	{ "refused", "33" },        { "bounced", "33" },         { "skipped", "33" },
	{ "unknown", "31;1" },      { "gate_refused", "31" },    { "complained", "31;1" },
	{ "paused", "31" },         { "resumed", "36" },         { "unsubscribed", "35" },
	{ "suppressed", "35" },     { "stopped", "35" },         { "enroll_refused", "35" },
	{ "waiting", "2" },         { "contact_imported", "2" }, { "enrolled", "2" },
	{ "daemon_started", "34" }, { "daemon_stopped", "34" },  { "config_loaded", "34" },
};

/* Members that are said elsewhere in the line, or only matter to programs. */
static const char *const untold[] = { "seq",       "ts",         "event",  "contact", "sequence",   "step",
				      "account",   "touch",      "kind",   "content", "message_id", "handed_at",
				      "smtp_code", "smtp_reply", "reason", "until" };

static const char *text_of(const json_t *row, const char *name)
{
	const char *s = json_string_value(json_object_get(row, name));

	return s ? s : "";
}

static bool wanted(const struct log_filter *f, const json_t *row, const struct log_seen *seen)
{
	const char *event = text_of(row, "event");
	bool named = f->event_n == 0;

	for (int i = 0; i < f->event_n && !named; i++)
		named = !strcmp(f->event[i], event);
	return named && seen->ts >= f->since && (!f->contact || !strcmp(f->contact, text_of(row, "contact"))) &&
	       (!f->sequence || !strcmp(f->sequence, text_of(row, "sequence")));
}

static void add_findings(const json_t *list, struct buf *out)
{
	const json_t *row;
	size_t i;

	json_array_foreach (list, i, row) {
		buf_str(out, i ? "; " : "  ");
		out_clean(out, text_of(row, "message"));
		buf_str(out, " [");
		out_clean(out, text_of(row, "rule"));
		buf_char(out, ']');
	}
}

static void add_rest(json_t *row, struct buf *out)
{
	const char *name;
	json_t *value;

	json_object_foreach (row, name, value) {
		bool told = false;

		for (size_t i = 0; i < sizeof untold / sizeof untold[0]; i++)
			told |= !strcmp(untold[i], name);
		if (told)
			continue;
		if (!strcmp(name, "findings") && json_is_array(value)) {
			add_findings(value, out);
			continue;
		}
		buf_str(out, "  ");
		out_clean(out, name);
		buf_char(out, '=');
		if (json_is_string(value))
			out_clean(out, json_string_value(value));
		else if (json_is_integer(value))
			buf_printf(out, "%lld", (long long)json_integer_value(value));
		else if (json_is_real(value))
			buf_printf(out, "%g", json_real_value(value));
		else
			buf_str(out, json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "...");
	}
}

static void add_place(const json_t *row, struct buf *out)
{
	if (*text_of(row, "contact")) {
		buf_str(out, "  ");
		out_clean(out, text_of(row, "contact"));
	}
	if (*text_of(row, "sequence")) {
		buf_str(out, "  ");
		out_clean(out, text_of(row, "sequence"));
		buf_str(out, *text_of(row, "step") ? "/" : "");
		out_clean(out, text_of(row, "step"));
	}
	if (!strcmp(text_of(row, "kind"), "ask"))
		buf_str(out, " (ask)");
}

/* The reply's text begins with its code in most logs; where it does not, the code stands before it. */
static void add_smtp(const json_t *row, struct buf *out)
{
	const char *reply = text_of(row, "smtp_reply");
	long long code = (long long)json_integer_value(json_object_get(row, "smtp_code"));
	char number[24];

	(void)snprintf(number, sizeof number, "%lld", code);
	if (code)
		buf_printf(out, "  %s", strncmp(reply, number, strlen(number)) ? number : "");
	if (*reply) {
		buf_str(out, code && !strncmp(reply, number, strlen(number)) ? "" : code ? " " : "  ");
		out_clean(out, reply);
	}
}

/* A hold is lifted by one that ended already. */
static bool is_past(const json_t *row, const struct log_seen *seen)
{
	int64_t until;

	return clock_parse(text_of(row, "until"), &until, NULL) == 0 && until <= seen->ts;
}

static void in_words(json_t *row, const struct log_seen *seen, bool colour, struct buf *out)
{
	const char *event = text_of(row, "event"), *code = "0";

	for (size_t i = 0; i < sizeof colour_of / sizeof colour_of[0]; i++)
		if (!strcmp(colour_of[i].event, event))
			code = colour_of[i].code;
	out_stamp(out, seen->ts);
	buf_str(out, "  ");
	out_colour(out, colour, code, event);
	for (size_t w = text_width(event); w < 16; w++)
		buf_char(out, ' ');
	add_place(row, out);
	if (*text_of(row, "reason")) {
		buf_str(out, "  ");
		out_clean(out, text_of(row, "reason"));
	}
	if (!strcmp(event, "held") && is_past(row, seen)) {
		buf_str(out, "  lifted");
	} else if (*text_of(row, "until")) {
		buf_str(out, "  until ");
		out_time(out, text_of(row, "until"), false);
	}
	add_smtp(row, out);
	add_rest(row, out);
	buf_char(out, '\n');
}

enum log_take log_line(const struct log_filter *f, const char *line, size_t n, struct log_seen *seen, bool colour,
		       struct buf *text)
{
	json_error_t bad;
	json_t *row;
	bool take;

	*seen = (struct log_seen){ 0 };
	row = json_loadb(line, n, 0, &bad);
	if (!json_is_object(row)) {
		json_decref(row);
		return LOG_BAD;
	}
	seen->seq = (int64_t)json_integer_value(json_object_get(row, "seq"));
	(void)clock_parse(text_of(row, "ts"), &seen->ts, NULL);
	take = wanted(f, row, seen);
	if (take && text)
		in_words(row, seen, colour, text);
	json_decref(row);
	return take ? LOG_TAKE : LOG_SKIP;
}
