/* The commands that look: answers of the daemon as tables and sentences. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abv/clock.h"
#include "abv/json.h"
#include "client_int.h"

static int ask_contact(struct ctl *c, const char *verb, json_t **answer)
{
	struct buf b = { 0 };
	int rc;

	buf_char(&b, '{');
	json_add_str(&b, "contact", c->arg[0]);
	buf_char(&b, '}');
	rc = client_ask(c, verb, &b, answer);
	buf_free(&b);
	return rc;
}

/* A cell that is an instant, text or a number, whatever the member holds. */
static void add_cell(struct table *t, const json_t *row, const char *name, bool time)
{
	const json_t *v = json_object_get(row, name);
	struct buf b = { 0 };

	if (time && json_is_string(v))
		out_time(&b, json_string_value(v), false);
	else if (v && !json_is_null(v))
		json_plain(&b, v);
	table_add(t, buf_text(&b));
	buf_free(&b);
}

static void print_table(const struct ctl *c, struct table *t, const char *title, const char *none)
{
	struct buf b = { 0 };

	if (*title) {
		buf_char(&b, '\n');
		out_colour(&b, c->colour, "1", title);
		buf_char(&b, '\n');
	}
	if (table_rows(t))
		table_format(t, c->colour, &b);
	else
		buf_printf(&b, "%s\n", none);
	(void)fputs(buf_text(&b), stdout);
	buf_free(&b);
	table_free(t);
}

int cmd_explain(struct ctl *c)
{
	struct buf b = { 0 };
	json_t *answer;
	int rc = ask_contact(c, "explain", &answer);

	if (rc == CTL_OK && !client_print_json(c, answer)) {
		explain_text(answer, c->arg[0], c->colour, &b);
		(void)fputs(buf_text(&b), stdout);
	}
	buf_free(&b);
	json_decref(answer);
	return rc;
}

/* ---- show ---- */

/* Whatever its member is called: "2026-11-24T08:39:20.000Z". */
static bool is_instant(const json_t *v)
{
	const char *s = json_string_value(v);

	return s && strlen(s) >= 20 && s[10] == 'T' && clock_parse(s, &(int64_t){ 0 }, NULL) == 0;
}

static bool is_empty(const json_t *v)
{
	return json_is_null(v) || (json_is_string(v) && !json_string_length(v)) ||
	       (json_is_object(v) && !json_object_size(v)) ||
	       (json_is_array(v) && !json_is_string(json_array_get(v, 0)));
}

static void add_value(const json_t *v, struct buf *b)
{
	const json_t *item;
	size_t i;

	if (is_instant(v)) {
		out_time(b, json_string_value(v), true);
	} else if (json_is_array(v)) {
		json_array_foreach (v, i, item) {
			buf_str(b, i ? ", " : "");
			json_plain(b, item);
		}
	} else {
		json_plain(b, v);
	}
}

/* name: value, a line each; objects inside one level deeper; lists of objects are left to their tables. */
static void add_members(json_t *object, int indent, struct buf *b)
{
	const char *name;
	json_t *v;

	json_object_foreach (object, name, v) {
		if (is_empty(v))
			continue;
		buf_printf(b, "%*s", indent, "");
		out_clean(b, name);
		if (json_is_object(v)) {
			buf_char(b, '\n');
			add_members(v, indent + 2, b);
			continue;
		}
		buf_printf(b, "%*s  ", indent + (int)text_width(name) < 22 ? 22 - indent - (int)text_width(name) : 0,
			   "");
		add_value(v, b);
		buf_char(b, '\n');
	}
}

static void show_enrollments(const struct ctl *c, const json_t *rows)
{
	static const char *const head[] = { "SEQUENCE", "STATE", "STEP", "NEXT", NULL };
	struct buf next = { 0 };
	const json_t *row;
	struct table t;
	size_t i;

	table_open(&t, head);
	json_array_foreach (rows, i, row) {
		buf_clear(&next);
		if (json_is_object(json_object_get(row, "next")))
			explain_verdict(json_object_get(row, "next"), false, &next);
		else
			out_clean(&next, *json_text(row, "ended") ? json_text(row, "ended") : json_text(row, "reason"));
		table_add(&t, json_text(row, "sequence"));
		table_add(&t, json_text(row, "state"));
		table_add(&t, json_text(row, "step"));
		table_add(&t, buf_text(&next));
	}
	print_table(c, &t, "Enrollments", "none");
	buf_free(&next);
}

static void show_touches(const struct ctl *c, const json_t *rows)
{
	static const char *const head[] = { "AT", "SEQUENCE", "STEP", "KIND", "STATE", "ANSWER", NULL };
	const json_t *row;
	struct table t;
	size_t i;

	table_open(&t, head);
	json_array_foreach (rows, i, row) {
		const char *state = json_text(row, "state");

		add_cell(&t, row, "at", true);
		table_add(&t, json_text(row, "sequence"));
		table_add(&t, json_text(row, "step"));
		table_add(&t, json_text(row, "kind"));
		table_add_colour(&t, state, !strcmp(state, "accepted") ? '2' : !strcmp(state, "unknown") ? '1' : '3');
		table_add(&t, json_text(row, "smtp_reply"));
	}
	print_table(c, &t, "Touches", "none");
}

int cmd_show(struct ctl *c)
{
	struct buf b = { 0 };
	json_t *answer;
	int rc = ask_contact(c, "show", &answer);

	if (rc != CTL_OK || client_print_json(c, answer))
		goto out;
	add_members(json_object_get(answer, "contact"), 0, &b);
	explain_standing(answer, c->colour, &b);
	(void)fputs(buf_text(&b), stdout);
	show_enrollments(c, json_object_get(answer, "enrollments"));
	show_touches(c, json_object_get(answer, "touches"));
out:
	buf_free(&b);
	json_decref(answer);
	return rc;
}

/* ---- status, queue, config ---- */

static void status_sequences(const struct ctl *c, const json_t *rows)
{
	static const char *const head[] = { "SEQUENCE", "STATE", "ACTIVE", "VOUCHED", NULL };
	const json_t *row;
	struct table t;
	size_t i;

	table_open(&t, head);
	json_array_foreach (rows, i, row) {
		bool broken = json_is_false(json_object_get(row, "startable")),
		     paused = json_is_true(json_object_get(row, "paused"));
		const json_t *vouched = json_object_get(row, "vouched");

		add_cell(&t, row, "name", false);
		table_add_colour(&t,
				 broken   ? "refused by the gate"
				 : paused ? "paused"
					  : "running",
				 broken   ? '1'
				 : paused ? '3'
					  : '2');
		add_cell(&t, row, "active", false);
		if (json_is_true(vouched) || json_array_size(vouched) || json_integer_value(vouched) ||
		    json_string_length(vouched))
			add_cell(&t, row, "vouched", false);
		else
			table_add(&t, "");
	}
	print_table(c, &t, "Sequences", "none");
}

/* A mailbox that cannot be read is why nobody who answers is heard. */
static void status_inbox(const struct ctl *c, const json_t *rows)
{
	static const char *const head[] = { "SOURCE", "STATE", "MESSAGES", "LATER", "ERROR", NULL };
	const json_t *row;
	struct table t;
	size_t i;

	table_open(&t, head);
	json_array_foreach (rows, i, row) {
		const char *error = json_text(row, "error");

		add_cell(&t, row, "source", false);
		table_add_colour(&t, json_text(row, "state"), *error ? '1' : '2');
		add_cell(&t, row, "messages", false);
		add_cell(&t, row, "later", false);
		table_add(&t, error);
	}
	print_table(c, &t, "Inbox", "none is configured: nobody who answers is heard, but by `abvctl deliver`");
}

/* Only a person can resolve these. */
static void unknown_hint(const struct ctl *c, const json_t *answer)
{
	long long n = json_number(json_object_get(json_object_get(answer, "counts"), "touches"), "unknown");
	struct buf b = { 0 };

	if (!n)
		return;
	buf_char(&b, '\n');
	out_colour(&b, c->colour, "31;1", "unknown");
	printf("%s: %lld message%s may or may not have been delivered; see `abvctl unknown`\n", buf_text(&b), n,
	       n == 1 ? "" : "s");
	buf_free(&b);
}

/* First of all, and loudly: why nothing is sent, when it is a disk. */
static void status_held(const struct ctl *c, const json_t *answer)
{
	static const struct {
		const char *flag, *error, *text;
	} row[] = { { "store_failing", "store_error", "the store cannot be written" },
		    { "log_failing", "log_error", "the engagement log cannot be written" },
		    { "disk_full", "disk_full_path", "the disk is nearly full" } };
	struct buf b = { 0 }, line = { 0 };

	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		if (!json_is_true(json_object_get(answer, row[i].flag)))
			continue;
		buf_clear(&line);
		buf_printf(&line, "SENDING IS HELD: %s: %s", row[i].text, json_text(answer, row[i].error));
		out_colour(&b, c->colour, "31", buf_text(&line));
		buf_char(&b, '\n');
	}
	(void)fputs(buf_text(&b), stdout);
	buf_free(&b);
	buf_free(&line);
}

int cmd_status(struct ctl *c)
{
	struct buf b = { 0 };
	json_t *answer;
	int rc = client_ask(c, "status", NULL, &answer);

	if (rc == CTL_OK && !client_print_json(c, answer)) {
		if (json_is_true(json_object_get(answer, "relay_usable")) &&
		    json_is_integer(json_object_get(answer, "connections_opened")) &&
		    !json_number(answer, "connections_opened"))
			(void)json_object_set_new(answer, "relay_usable", json_string("not tried yet"));
		if (!json_object_size(json_object_get(answer, "mail")))
			(void)json_object_del(answer, "mail");
		status_held(c, answer);
		add_members(answer, 0, &b);
		(void)fputs(buf_text(&b), stdout);
		status_sequences(c, json_object_get(answer, "sequences"));
		status_inbox(c, json_object_get(answer, "inbox"));
		unknown_hint(c, answer);
	}
	buf_free(&b);
	json_decref(answer);
	return rc;
}

/* "relay: the relay is not usable: ..."; "goes now" where nothing holds it back. */
static void queue_reason(const struct ctl *c, const json_t *row, struct table *t)
{
	const char *reason = json_text(row, "reason"), *note = json_text(row, "note");
	struct buf b = { 0 };

	if (!strcmp(json_text(row, "verdict"), "send") && !*reason) {
		table_add_colour(t, "goes now", c->colour ? '2' : 0);
		return;
	}
	buf_str(&b, reason);
	if (*note)
		buf_printf(&b, "%s%s", *reason ? ": " : "", note);
	table_add(t, buf_text(&b));
	buf_free(&b);
}

static void queue_print(const struct ctl *c, const json_t *rows)
{
	static const char *const head[] = { "NEXT", "CONTACT", "SEQUENCE", "STEP", "DUE", "REASON", NULL };
	const json_t *row;
	struct table t;
	size_t i;

	table_open(&t, head);
	json_array_foreach (rows, i, row) {
		if (*json_text(row, "next"))
			add_cell(&t, row, "next", true);
		else
			table_add(&t, "on a change");
		add_cell(&t, row, "contact", false);
		add_cell(&t, row, "sequence", false);
		add_cell(&t, row, "step", false);
		add_cell(&t, row, "due", true);
		queue_reason(c, row, &t);
	}
	print_table(c, &t, "", "nothing waits");
}

int cmd_queue(struct ctl *c)
{
	const char *limit = ctl_value(c, "limit");
	struct buf b = { 0 };
	json_t *answer;
	char *end = NULL;
	long n = limit ? strtol(limit, &end, 10) : 0;
	int rc;

	if (limit && (*end || n <= 0))
		return ctl_usage(c, "queue: --limit '%s' is no number above 0", limit);
	buf_char(&b, '{');
	if (limit)
		json_add_int(&b, "limit", n);
	buf_char(&b, '}');
	rc = client_ask(c, "queue", &b, &answer);
	if (rc == CTL_OK && !client_print_json(c, answer))
		queue_print(c, json_object_get(answer, "rows"));
	buf_free(&b);
	json_decref(answer);
	return rc;
}

int cmd_config(struct ctl *c)
{
	static const char *const head[] = { "KEY", "VALUE", "SOURCE", NULL };
	const json_t *row;
	json_t *answer;
	struct table t;
	size_t i;
	int rc = client_ask(c, "config", NULL, &answer);

	if (rc == CTL_OK && !client_print_json(c, answer)) {
		table_open(&t, head);
		json_array_foreach (json_object_get(answer, "rows"), i, row) {
			add_cell(&t, row, "key", false);
			add_cell(&t, row, "value", false);
			add_cell(&t, row, "source", false);
		}
		print_table(c, &t, "", "nothing is configured");
	}
	json_decref(answer);
	return rc;
}
