/* For tests of the control room: a real store and plan in a temporary directory; what the scheduler and the journal
 * would do is faked. */
#ifndef CONTROL_FIXTURE_H
#define CONTROL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <jansson.h>

#include "abv/json.h"
#include "abv/mem.h"
#include "abv/web.h"
#include "config_dir.h"

#define NOW INT64_C(1795510200000) /* 2026-11-24T08:50:00Z */

#define VALUE_TEXT                                                                                                     \
	"Hello {{#first_name}}{{first_name}}{{/first_name}}{{^first_name}}there{{/first_name}},\n\n"                   \
	"here is how teams cut the time from contract to first use. Export the old data before anybody edits it and "  \
	"count the\n"                                                                                                  \
	"rows; name one owner who may decide about settings; choose five daily users for a pilot, and import only "    \
	"open records.\n"                                                                                              \
	"After two weeks compare ten records field by field. If more than 2 % are wrong, fix the mapping first.\n\n"
#define TEMPLATE(n)                                                                                                    \
	"Subject: Guide " n "\nKind: value\nVouched-By: Dana, knows it\n\n" VALUE_TEXT "1. Step " n                    \
	" is to write the numbers down.\n"
#define SEQ(name, how)                                                                                                 \
	"sequence = { name = \"" name "\"; enroll = \"" how "\";\nsteps = (\n{ name = \"first\"; template = \"" name   \
	".md\"; }) ; };"

struct fixture {
	struct event_base *base;
	struct store *store;
	struct plan *plan;
	struct control *control;
	int64_t now;
	int changed, settings; /* calls of the hooks */
	bool log_fails, test_waits;
	char forgotten[256]; /* what forget_log was asked */
	void (*test_done)(void *, const struct delivery_result *, const char *);
	void *test_arg;
	struct err err;
};

/* ---- fakes */

static const struct plan *fake_plan(void *arg)
{
	return ((struct fixture *)arg)->plan;
}

static inline int64_t fake_now(void *arg)
{
	return ((struct fixture *)arg)->now;
}

static inline void fake_changed(void *arg)
{
	struct fixture *f = arg;

	assert_false(store_in_transaction(f->store));
	f->changed++;
}

static inline int fake_enroll(void *arg, const struct contact *c, const struct sequence *s, bool log_refusal,
			      enum reason *why, struct err *e)
{
	struct fixture *f = arg;
	struct event ev = { .ts = f->now,
			    .type = EVENT_ENROLL_REFUSED,
			    .contact_id = c->id,
			    .address = "",
			    .account = "",
			    .sequence = s->name,
			    .step = "",
			    .kind = -1,
			    .detail = "" };
	int64_t id;

	assert_true(store_in_transaction(f->store));
	*why = governor_admit(s, c, store_suppressed(f->store, c->email), f->now);
	if (*why != REASON_NONE)
		return log_refusal && store_event_add(f->store, &ev, &id, e) ? -1 : 2;
	return store_enroll(f->store, c->id, s->name, "first", 0, f->now, f->now, f->now, &id, e);
}

static inline int fake_next(void *arg, const struct enrollment_row *row, struct next_step *out, struct err *e)
{
	struct fixture *f = arg;

	(void)row, (void)e;
	*out = (struct next_step){ .step = &f->plan->sequence[0].sequence->step[0] };
	out->verdict = (struct verdict){
		.kind = VERDICT_WAIT, .reason = REASON_ACCOUNT_LIMIT, .until = f->now + 1000, .evidence_n = 2
	};
	out->verdict.evidence[0] =
	    (struct evidence){ REASON_ACCOUNT_LIMIT, f->now + 1000, 2, 7 * CLOCK_DAY, f->now - 5 };
	out->verdict.evidence[1] = (struct evidence){ REASON_GIFTS, CLOCK_NEVER, 0, 0, 0 };
	snprintf(out->note, sizeof(out->note), "relay backs off");
	return 0;
}

/* The same verdict, with one change of each kind. */
static inline int fake_explain(void *arg, const struct enrollment_row *row, struct explanation *out, struct err *e)
{
	struct fixture *f = arg;

	*out = (struct explanation){ .sequence = f->plan->sequence[0].sequence,
				     .zone = zone_find("Europe/Paris"),
				     .zone_from = "contact",
				     .kind = KIND_ASK,
				     .change_n = 3,
				     .letter = REASON_UNDEFINED_PLACEHOLDER,
				     .letter_text = "no budget" };
	out->change[0] = (struct change){ .reason = REASON_ACCOUNT_LIMIT, .text = "without it", .asked = true };
	out->change[0].then = (struct verdict){ .kind = VERDICT_WAIT, .reason = REASON_BACKOFF, .until = f->now + 500 };
	out->change[1] = (struct change){ .reason = REASON_BACKOFF, .text = "nor that", .asked = true, .with_previous = true };
	out->change[1].then = (struct verdict){ .kind = VERDICT_SEND };
	out->change[2] = (struct change){ .reason = REASON_GIFTS, .text = "2 more", .expected = f->now + 700 };
	out->ahead = (struct ahead){ .contact = "bob@acme.example", .sequence = "vip", .step = "one", .at = f->now, .priority = 9,
				     .n = 2, .by_priority = true };
	out->ahead.then = (struct verdict){ .kind = VERDICT_WAIT, .reason = REASON_CONTACT_LIMIT, .until = f->now + 900 };
	return fake_next(arg, row, &out->next, e);
}

static inline int fake_test(void *arg, const char *sequence, const char *step, const char *to,
			    void (*done)(void *, const struct delivery_result *, const char *), void *done_arg,
			    struct err *e)
{
	struct fixture *f = arg;
	struct delivery_result r = { .outcome = OUTCOME_ACCEPTED, .code = 250, .status = "", .reply = "2.0.0 Ok" };

	assert_string_equal(sequence, "manual");
	assert_string_equal(step, "first");
	if (!strcmp(to, "gate@x.example"))
		return err_set(e, "the gate refuses it");
	if (!strcmp(to, "no@x.example"))
		r = (struct delivery_result){
			.outcome = OUTCOME_BAD_ADDRESS, .code = 550, .status = "5.1.1", .reply = "no such user"
		};
	f->test_done = done;
	f->test_arg = done_arg;
	if (!f->test_waits)
		done(done_arg, strcmp(to, "lost@x.example") ? &r : NULL, "no connection");
	return 0;
}

static inline int fake_resolve(void *arg, int64_t touch_id, enum unknown_action action, struct err *e)
{
	struct fixture *f = arg;

	if (action == UNKNOWN_RESEND)
		return err_set(e, "the enrollment was stopped");
	return store_touch_set(f->store, touch_id, action == UNKNOWN_ACCEPT ? TOUCH_ACCEPTED : TOUCH_DROPPED, f->now, 0,
			       "", e);
}

static inline int fake_forget_log(void *arg, const char *address, const char *hash, struct buf *left, struct err *e)
{
	struct fixture *f = arg;

	assert_false(store_in_transaction(f->store));
	snprintf(f->forgotten, sizeof(f->forgotten), "%s %.5s", address, hash);
	if (f->log_fails)
		return err_set(e, "disk full");
	buf_str(left, "/log.2.gz\n/log.3.gz");
	return 0;
}

static inline int fake_deliver(void *arg, const char *bytes, size_t n, struct buf *json, struct err *e)
{
	struct fixture *f = arg;

	assert_false(store_in_transaction(f->store));
	if (n > 4 && !memcmp(bytes, "FAIL", 4))
		return err_set(e, "disk full");
	json_add_int(json, "bytes", (int64_t)n);
	return 0;
}

static inline void fake_status(void *arg, struct buf *json)
{
	(void)arg;
	json_add_int(json, "in_flight", 3);
}

static inline void fake_settings_changed(void *arg)
{
	((struct fixture *)arg)->settings++;
}

/* ---- fixture */

static char socket_path[128];

static inline void load_plan(struct fixture *f)
{
	struct problems p = { 0 };

	config_dir_put(
	    "abvd.conf",
	    BASE "account_aliases = ( { account = \"Acme\"; domains = [\"acme.example\", \"acme.co.example\"]; } );\n");
	config_dir_put("sequences.d/manual.conf", SEQ("manual", "manual"));
	config_dir_put("sequences.d/import.conf", SEQ("import", "on_import"));
	config_dir_put("sequences.d/vip.conf", SEQ("vip", "tag:vip"));
	config_dir_put("templates/manual.md", TEMPLATE("one"));
	config_dir_put("templates/import.md", TEMPLATE("two"));
	config_dir_put("templates/vip.md", TEMPLATE("three"));
	if (plan_load(config_dir_path("abvd.conf"), &f->plan, &p) != PLAN_OK || !f->plan) {
		char *text = config_dir_findings(&p, SEVERITY_ERROR);

		fail_msg("%s", text);
	}
	problems_free(&p);
}

static inline void open_control(struct fixture *f, struct event_base *base)
{
	struct control_ops ops = {
		.arg = f,
		.plan = fake_plan,
		.now = fake_now,
		.changed = fake_changed,
		.enroll = fake_enroll,
		.next = fake_next,
		.explain = fake_explain,
		.test = fake_test,
		.resolve = fake_resolve,
		.forget_log = fake_forget_log,
		.deliver = fake_deliver,
		.status = fake_status,
		.settings_changed = fake_settings_changed,
	};

	f->err.text[0] = '\0';
	if (control_open(base, socket_path, f->store, &ops, &f->control, &f->err))
		fail_msg("%s", f->err.text);
}

static inline int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	config_dir_make();
	snprintf(socket_path, sizeof(socket_path), "%s/control.sock", config_dir);
	load_plan(f);
	f->now = NOW;
	f->base = event_base_new();
	assert_int_equal(store_open(config_dir_path("abvd.db"), &f->store, &f->err), STORE_OK);
	open_control(f, f->base);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	control_close(&f->control);
	store_close(&f->store);
	plan_free(&f->plan);
	event_base_free(f->base);
	free(f);
	config_dir_remove();
	return 0;
}

/* ---- requests without a socket */

/* "*a*b*": a, and b behind it. */
static inline bool matches(const char *text, const char *pattern)
{
	while (text && *++pattern) {
		size_t n = strcspn(pattern, "*");
		char *part = mem_strndup(pattern, n);

		text = strstr(text, part);
		text = text ? text + n : NULL;
		free(part);
		pattern += n;
	}
	return text != NULL;
}

/* Does the answer have what is expected? Objects: those members (null: not there); arrays: as many elements, in order;
 * texts: equal, or by a pattern. */
static inline bool has(const json_t *answer, const json_t *expected)
{
	const char *key, *text;
	json_t *value;
	size_t i;

	if (json_is_object(expected)) {
		json_object_foreach ((json_t *)(uintptr_t)expected, key, value) {
			if (json_is_null(value) ? json_object_get(answer, key) != NULL
						: !has(json_object_get(answer, key), value))
				return false;
		}
		return json_is_object(answer);
	}
	if (json_is_array(expected)) {
		if (json_array_size(answer) != json_array_size(expected))
			return false;
		json_array_foreach (expected, i, value) {
			if (!has(json_array_get(answer, i), value))
				return false;
		}
		return json_is_array(answer);
	}
	text = json_string_value(expected);
	if (text && *text == '*')
		return matches(json_string_value(answer), text);
	return answer && json_equal(answer, expected);
}

/* JSON is written with ' for ". */
static char *quoted(const char *text)
{
	char *s = mem_strdup(text);

	for (char *p = s; (p = strchr(p, '\'')) != NULL;)
		*p = '"';
	return s;
}

static inline void check_answer(const char *verb, const char *body, int status, const char *answer, size_t n, int want,
				const char *expected)
{
	char *text = quoted(expected);
	json_error_t je;
	json_t *root = json_loadb(answer, n, JSON_REJECT_DUPLICATES, &je), *wanted = json_loads(text, 0, &je);

	if (!wanted)
		fail_msg("bad expectation %s", text);
	if (!root || status != want || !has(root, wanted))
		fail_msg("%s %.200s: %d %.*s; expected %d %s", verb, body, status, (int)n, answer, want, text);
	json_decref(root);
	json_decref(wanted);
	free(text);
}

static inline void ask(struct fixture *f, const char *verb, const char *request, int status, const char *expected)
{
	struct buf answer = { 0 };
	char *body = quoted(request);
	int got = control_handle(f->control, verb, body, strlen(body), &answer);

	check_answer(verb, body, got, answer.data, answer.len, status, expected);
	assert_false(store_in_transaction(f->store));
	free(body);
	buf_free(&answer);
}

struct row {
	const char *verb, *request;
	int status;
	const char *expected;
};

static inline void ask_all(struct fixture *f, const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ask(f, row[i].verb, row[i].request, row[i].status, row[i].expected);
}
#define ASK_ALL(f, rows) ask_all(f, rows, sizeof(rows) / sizeof(rows[0]))

/* Events of the store, as "type contact sequence detail" lines. */
static inline void event_line(void *arg, const struct event *ev)
{
	buf_printf(arg, "%s %s %s %s\n", event_type_name(ev->type),
		   strncmp(ev->address, "hash:", 5) ? ev->address : "hash", ev->sequence, ev->detail);
}

static inline void expect_events(struct fixture *f, int64_t after, const char *expected)
{
	struct buf b = { 0 };
	char *text = quoted(expected);

	assert_true(store_events(f->store, after, 1000, event_line, &b, &f->err) >= 0);
	assert_string_equal(buf_text(&b), text);
	buf_free(&b);
	free(text);
}

#define ANN "{'email':'ann@acme.example','first_name':'Ann','consent':'opt_in','consent_at':'2026-01-02'}"
#define BOB "{'email':'bob@other.example','consent':'opt_in'}"

#endif
