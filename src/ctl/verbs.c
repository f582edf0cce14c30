/* The commands that change something: each is one verb of the control protocol and a sentence about what was done. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abv/clock.h"
#include "abv/json.h"
#include "abv/verdict.h"
#include "client_int.h"

/* Sends {member: value ...} (open object in b) and closes it. */
static int ask(struct ctl *c, const char *verb, struct buf *b, json_t **answer)
{
	int rc;

	buf_char(b, '}');
	rc = client_ask(c, verb, b, answer);
	buf_free(b);
	return rc;
}

static const char *plural(long long n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

/* The reason of a suppression says little alone: "manual" is no word for why somebody is not enrolled. */
static void reason_add(struct buf *out, const char *name)
{
	bool suppressed = reason_is_suppression(reason_find(name));

	buf_str(out, suppressed ? "suppressed (" : "");
	out_clean(out, name);
	buf_str(out, suppressed ? ")" : "");
}

void refused_add(struct buf *out, json_t *refused)
{
	const char *name, *before = "; not enrolled: ";
	json_t *n;

	json_object_foreach (refused, name, n) {
		buf_printf(out, "%s%lld ", before, (long long)json_integer_value(n));
		reason_add(out, name);
		before = ", ";
	}
}

/* What an empty sum means, or what became of an enrollment that was there. */
static void enroll_print(const json_t *answer, const char *tag)
{
	long long enrolled = json_number(answer, "enrolled"), already = json_number(answer, "already");
	json_t *refused = json_object_get(answer, "refused");
	const char *state = json_text(answer, "state"), *reason = json_text(answer, "reason");
	struct buf out = { 0 };

	buf_printf(&out, "%lld enrolled, %lld already", enrolled, already);
	if (*state) {
		buf_str(&out, ": ");
		out_clean(&out, state);
	}
	if (*reason) {
		buf_str(&out, " (");
		out_clean(&out, reason);
		buf_char(&out, ')');
	}
	if (*state && strcmp(state, "active") != 0)
		buf_str(&out, "; a contact is enrolled in a sequence once, ever");
	refused_add(&out, refused);
	if (!enrolled && !already && json_object_size(refused) == 0) {
		buf_str(&out, tag ? ": nobody has the tag '" : ": there are no contacts");
		out_clean(&out, tag ? tag : "");
		buf_str(&out, tag ? "'" : "");
	}
	printf("%s\n", buf_text(&out));
	buf_free(&out);
}

int cmd_enroll(struct ctl *c)
{
	const char *contact = ctl_value(c, "contact"), *tag = ctl_value(c, "tag");
	struct buf b = { 0 };
	json_t *answer;
	int rc;

	if ((contact != NULL) + (tag != NULL) + ctl_flag(c, "all") != 1)
		return ctl_usage(c, "enroll: exactly one of --contact, --tag, --all");
	buf_char(&b, '{');
	json_add_str(&b, "sequence", c->arg[0]);
	json_add_str(&b, "contact", contact);
	json_add_str(&b, "tag", tag);
	if (ctl_flag(c, "all"))
		json_add_bool(&b, "all", true);
	rc = ask(c, "enroll", &b, &answer);
	if (rc != CTL_OK)
		return rc;
	if (!client_print_json(c, answer))
		enroll_print(answer, tag);
	json_decref(answer);
	return CTL_OK;
}

int cmd_stop(struct ctl *c)
{
	struct buf b = { 0 };
	json_t *answer;
	int rc;

	buf_char(&b, '{');
	json_add_str(&b, "contact", c->arg[0]);
	json_add_str(&b, "sequence", c->arg_n > 1 ? c->arg[1] : NULL);
	rc = ask(c, "stop", &b, &answer);
	if (rc == CTL_OK && !client_print_json(c, answer)) {
		long long n = json_number(answer, "stopped");

		printf("%lld enrollment%s stopped\n", n, plural(n, "", "s"));
	}
	json_decref(answer);
	return rc;
}

static int set_pause(struct ctl *c, const char *verb, const char *done)
{
	struct buf b = { 0 };
	json_t *answer;
	int rc;

	buf_char(&b, '{');
	json_add_str(&b, "sequence", c->arg_n ? c->arg[0] : NULL);
	rc = ask(c, verb, &b, &answer);
	if (rc == CTL_OK && !client_print_json(c, answer))
		printf("%s %s%s\n", c->arg_n ? c->arg[0] : "sending",
		       json_is_false(json_object_get(answer, "changed")) ? "was already " : "is ", done);
	json_decref(answer);
	return rc;
}

int cmd_pause(struct ctl *c)
{
	return set_pause(c, "pause", "paused");
}

int cmd_resume(struct ctl *c)
{
	return set_pause(c, "resume", "running");
}

int cmd_hold(struct ctl *c)
{
	const char *until = ctl_value(c, "until"), *reason = ctl_value(c, "reason");
	struct buf b = { 0 }, text = { 0 };
	struct err e = { "" };
	json_t *answer;
	struct duration d;
	int64_t at;
	int rc;

	if (!until)
		return ctl_usage(c, "hold: --until TIME is missing");
	if (duration_parse(until, &d, NULL) < 0 && clock_parse(until, &at, &e) < 0)
		return ctl_usage(c, "hold: --until: %s, nor a duration such as 7d or 3bd", e.text);
	buf_char(&b, '{');
	json_add_str(&b, "contact", c->arg[0]);
	json_add_str(&b, "until", until); /* the daemon reads it: a duration runs on its clock */
	json_add_str(&b, "reason", reason);
	rc = ask(c, "hold", &b, &answer);
	if (rc == CTL_OK && !client_print_json(c, answer)) {
		out_time(&text, json_text(answer, "until"), true);
		if (json_is_false(json_object_get(answer, "held")))
			printf("%s is not held\n", c->arg[0]);
		else
			printf("%s is held until %s\n", c->arg[0], buf_text(&text));
	}
	buf_free(&text);
	json_decref(answer);
	return rc;
}

int cmd_suppress(struct ctl *c)
{
	struct buf b = { 0 };
	json_t *answer;
	int rc;

	buf_char(&b, '{');
	json_add_str(&b, "target", c->arg[0]);
	json_add_str(&b, "reason", ctl_value(c, "reason"));
	rc = ask(c, "suppress", &b, &answer);
	if (rc == CTL_OK && !client_print_json(c, answer)) {
		long long n = json_number(answer, "stopped");

		printf("%s %s suppressed; %lld enrollment%s stopped\n", c->arg[0],
		       json_is_false(json_object_get(answer, "changed")) ? "was already" : "is", n, plural(n, "", "s"));
	}
	json_decref(answer);
	return rc;
}

int cmd_unsuppress(struct ctl *c)
{
	const char *reason = ctl_value(c, "reason");
	struct buf b = { 0 };
	json_t *answer;
	int rc;

	if (!reason)
		return ctl_usage(c, "unsuppress: --reason TEXT is missing: it is logged");
	buf_char(&b, '{');
	json_add_str(&b, "target", c->arg[0]);
	json_add_str(&b, "reason", reason);
	if (ctl_flag(c, "force"))
		json_add_bool(&b, "force", true);
	rc = ask(c, "unsuppress", &b, &answer);
	const char *still = json_string_value(json_object_get(answer, "still"));
	if (rc == CTL_OK && !client_print_json(c, answer)) {
		if (json_is_false(json_object_get(answer, "changed")))
			printf("%s was not suppressed\n", c->arg[0]);
		else if (still)
			printf("%s is not suppressed itself any more, but %s still is\n", c->arg[0], still);
		else
			printf("%s is not suppressed any more\n", c->arg[0]);
	}
	json_decref(answer);
	return rc;
}

int cmd_forget(struct ctl *c)
{
	struct buf b = { 0 }, text = { 0 };
	const json_t *name;
	json_t *answer;
	size_t i;
	int rc;

	buf_char(&b, '{');
	json_add_str(&b, "contact", c->arg[0]);
	rc = ask(c, "forget", &b, &answer);
	if (rc == CTL_OK && !client_print_json(c, answer)) {
		out_clean(&text, json_text(answer, "hash"));
		printf("%s is forgotten; in the log it is %s\n", c->arg[0], buf_text(&text));
		json_array_foreach (json_object_get(answer, "left"), i, name) {
			buf_clear(&text);
			json_plain(&text, name);
			printf("compressed, so not rewritten: %s\n", buf_text(&text));
		}
	}
	buf_free(&text);
	json_decref(answer);
	return rc;
}

int cmd_export(struct ctl *c)
{
	struct buf b = { 0 };
	json_t *answer;
	int rc;

	buf_char(&b, '{');
	json_add_str(&b, "contact", c->arg[0]);
	rc = ask(c, "export", &b, &answer);
	if (rc == CTL_OK && !client_print_json(c, answer)) {
		(void)json_dumpf(answer, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	}
	json_decref(answer);
	return rc;
}

/* The relay's answer is the result: anything but an acceptance is a finding. */
int cmd_test(struct ctl *c)
{
	const char *to = ctl_value(c, "to");
	struct buf b = { 0 }, text = { 0 };
	json_t *answer;
	int rc;

	if (!to)
		return ctl_usage(c, "test: --to ADDRESS is missing");
	buf_char(&b, '{');
	json_add_str(&b, "sequence", c->arg[0]);
	json_add_str(&b, "step", c->arg[1]);
	json_add_str(&b, "to", to);
	rc = ask(c, "test", &b, &answer);
	if (rc != CTL_OK)
		return rc;
	if (json_number(answer, "smtp_code") / 100 != 2)
		rc = CTL_FINDINGS;
	if (!client_print_json(c, answer)) {
		out_clean(&text, json_text(answer, "outcome"));
		buf_str(&text, ": ");
		if (json_number(answer, "smtp_code"))
			buf_printf(&text, "%lld ", json_number(answer, "smtp_code"));
		out_clean(&text, json_text(answer, "smtp_reply"));
		printf("%s/%s to %s: %s\n", c->arg[0], c->arg[1], to, buf_text(&text));
	}
	buf_free(&text);
	json_decref(answer);
	return rc;
}

/* ---- unknown ---- */

static void unknown_print(struct ctl *c, const json_t *rows)
{
	static const char *const head[] = { "ID", "CONTACT", "SEQUENCE", "STEP", "HANDED OVER", "MESSAGE-ID", NULL };
	struct buf cell = { 0 }, out = { 0 };
	const json_t *row;
	struct table t;
	size_t i;

	table_open(&t, head);
	json_array_foreach (rows, i, row) {
		buf_clear(&cell);
		json_plain(&cell, json_object_get(row, "id"));
		table_add(&t, buf_text(&cell));
		table_add(&t, json_text(row, "contact"));
		table_add(&t, json_text(row, "sequence"));
		table_add(&t, json_text(row, "step"));
		buf_clear(&cell);
		out_time(&cell, json_text(row, "at"), false);
		table_add(&t, buf_text(&cell));
		table_add(&t, json_text(row, "message_id"));
	}
	if (table_rows(&t))
		table_format(&t, c->colour, &out);
	else
		buf_str(&out, "nothing is unknown\n");
	printf("%s", buf_text(&out));
	table_free(&t);
	buf_free(&cell);
	buf_free(&out);
}

int cmd_unknown(struct ctl *c)
{
	static const char *const verb[] = { "list", "accept", "resend", "drop" };
	static const char *const done[] = { "", "counts as accepted", "is due again", "counts as not delivered" };
	const char *action = c->arg_n ? c->arg[0] : "list";
	struct buf b = { 0 };
	json_t *answer;
	char *end;
	size_t k = 0;
	int rc;

	while (k < 4 && strcmp(verb[k], action) != 0)
		k++;
	if (k == 4)
		return ctl_usage(c, "unknown: '%s' is none of list, accept, resend, drop", action);
	if (c->arg_n != (k ? 2 : c->arg_n ? 1 : 0))
		return ctl_usage(c, k ? "unknown %s: one ID is needed" : "unknown %s: no ID", action);
	long long id = k ? strtoll(c->arg[1], &end, 10) : 0;
	if (k && (*end || id <= 0))
		return ctl_usage(c, "unknown %s: '%s' is no ID", action, c->arg[1]);
	buf_char(&b, '{');
	json_add_str(&b, "action", action);
	if (k)
		json_add_int(&b, "id", id);
	rc = ask(c, "unknown", &b, &answer);
	if (rc == CTL_OK && !client_print_json(c, answer)) {
		if (k)
			printf("%lld %s\n", id, done[k]);
		else
			unknown_print(c, json_object_get(answer, "rows"));
	}
	json_decref(answer);
	return rc;
}
