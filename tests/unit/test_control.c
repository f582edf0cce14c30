/* rooms: base model rules config render store check web */
/* The control socket: each verb's answers over a real store and plan, and HTTP on a real Unix socket with its limits.
 * What the scheduler and the journal would do is faked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

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

static int64_t fake_now(void *arg)
{
	return ((struct fixture *)arg)->now;
}

static void fake_changed(void *arg)
{
	struct fixture *f = arg;

	assert_false(store_in_transaction(f->store));
	f->changed++;
}

static int fake_enroll(void *arg, const struct contact *c, const struct sequence *s, bool log_refusal, enum reason *why,
		       struct err *e)
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

static int fake_next(void *arg, const struct enrollment_row *row, struct next_step *out, struct err *e)
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

static int fake_test(void *arg, const char *sequence, const char *step, const char *to,
		     void (*done)(void *, const struct delivery_result *, const char *), void *done_arg, struct err *e)
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

static int fake_resolve(void *arg, int64_t touch_id, enum unknown_action action, struct err *e)
{
	struct fixture *f = arg;

	if (action == UNKNOWN_RESEND)
		return err_set(e, "the enrollment was stopped");
	return store_touch_set(f->store, touch_id, action == UNKNOWN_ACCEPT ? TOUCH_ACCEPTED : TOUCH_DROPPED, f->now, 0,
			       "", e);
}

static int fake_forget_log(void *arg, const char *address, const char *hash, struct buf *left, struct err *e)
{
	struct fixture *f = arg;

	assert_false(store_in_transaction(f->store));
	snprintf(f->forgotten, sizeof(f->forgotten), "%s %.5s", address, hash);
	if (f->log_fails)
		return err_set(e, "disk full");
	buf_str(left, "/log.2.gz\n/log.3.gz");
	return 0;
}

static void fake_status(void *arg, struct buf *json)
{
	(void)arg;
	json_add_int(json, "in_flight", 3);
}

static void fake_settings_changed(void *arg)
{
	((struct fixture *)arg)->settings++;
}

/* ---- fixture */

static char socket_path[128];

static void load_plan(struct fixture *f)
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

static void open_control(struct fixture *f, struct event_base *base)
{
	struct control_ops ops = {
		.arg = f,
		.plan = fake_plan,
		.now = fake_now,
		.changed = fake_changed,
		.enroll = fake_enroll,
		.next = fake_next,
		.test = fake_test,
		.resolve = fake_resolve,
		.forget_log = fake_forget_log,
		.status = fake_status,
		.settings_changed = fake_settings_changed,
	};

	f->err.text[0] = '\0';
	if (control_open(base, socket_path, f->store, &ops, &f->control, &f->err))
		fail_msg("%s", f->err.text);
}

static int setup(void **state)
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

static int teardown(void **state)
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
static bool matches(const char *text, const char *pattern)
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
static bool has(const json_t *answer, const json_t *expected)
{
	const char *key, *text;
	json_t *value;
	size_t i;

	if (json_is_object(expected)) {
		json_object_foreach((json_t *)(uintptr_t)expected, key, value)
		{
			if (json_is_null(value) ? json_object_get(answer, key) != NULL
						: !has(json_object_get(answer, key), value))
				return false;
		}
		return json_is_object(answer);
	}
	if (json_is_array(expected)) {
		if (json_array_size(answer) != json_array_size(expected))
			return false;
		json_array_foreach(expected, i, value)
		{
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

static void check_answer(const char *verb, const char *body, int status, const char *answer, size_t n, int want,
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

static void ask(struct fixture *f, const char *verb, const char *request, int status, const char *expected)
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

static void ask_all(struct fixture *f, const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ask(f, row[i].verb, row[i].request, row[i].status, row[i].expected);
}
#define ASK_ALL(f, rows) ask_all(f, rows, sizeof(rows) / sizeof(rows[0]))

/* Events of the store, as "type contact sequence detail" lines. */
static void event_line(void *arg, const struct event *ev)
{
	buf_printf(arg, "%s %s %s %s\n", event_type_name(ev->type),
		   strncmp(ev->address, "hash:", 5) ? ev->address : "hash", ev->sequence, ev->detail);
}

static void expect_events(struct fixture *f, int64_t after, const char *expected)
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

/* ---- verbs */

static void test_bad_requests(void **state)
{
	static const struct row rows[] = {
		{ "nothing", "{}", 404, "{'error':'*nothing*'}" },
		{ "", "", 404, "{'error':'**'}" },
		{ "status", "[]", 400, "{'error':'*no JSON object*'}" },
		{ "status", "{", 400, "{'error':'*no JSON object*'}" },
		{ "status", "{'a':1,'a':1}", 400, "{'error':'*duplicate*'}" },
		{ "status", "{'x':1}", 400, "{'error':'*x: *'}" },
		{ "show", "", 400, "{'error':'*contact: *'}" },
		{ "show", "{'contact':null}", 400, "{'error':'*contact: *'}" },
		{ "show", "{'contact':''}", 400, "{'error':'*contact: *'}" },
		{ "show", "{'contact':1}", 400, "{'error':'*contact: *'}" },
		{ "show", "{'contact':'a\\u0007b'}", 400, "{'error':'*contact: *'}" },
		{ "show", "{'contact':'no address'}", 400, "{'error':'*contact: *'}" },
		{ "show", "{'contact':'nobody@acme.example'}", 404, "{'error':'*contact: *'}" },
		{ "explain", "{'contact':'nobody@acme.example'}", 404, "{'error':'*contact: *'}" },
		{ "export", "{'contact':'hash:00'}", 404, "{'error':'*contact: *'}" },
		{ "forget", "{'contact':'nobody@acme.example'}", 404, "{'error':'*contact: *'}" },
		{ "stop", "{'contact':'nobody@acme.example'}", 404, "{'error':'*contact: *'}" },
		{ "hold", "{'contact':'nobody@acme.example','until':'2027-01-01'}", 404, "{'error':'*contact: *'}" },
		{ "hold", "{'contact':'nobody@acme.example','until':'tomorrow'}", 400, "{'error':'*until: *'}" },
		{ "hold", "{'contact':'nobody@acme.example','until':'1960-01-01'}", 400, "{'error':'*until: *'}" },
		{ "hold", "{'contact':'a@b.example'}", 400, "{'error':'*until: *'}" },
		{ "enroll", "{'sequence':'manual'}", 400, "{'error':'*contact, tag, all*'}" },
		{ "enroll", "{'sequence':'manual','all':true,'tag':'x'}", 400, "{'error':'*contact, tag, all*'}" },
		{ "enroll", "{'sequence':'manual','all':'yes'}", 400, "{'error':'*all: *'}" },
		{ "enroll", "{'sequence':'none','all':true}", 404, "{'error':'*sequence: *'}" },
		{ "pause", "{'sequence':'none'}", 404, "{'error':'*sequence: *'}" },
		{ "resume", "{'sequence':'none'}", 404, "{'error':'*sequence: *'}" },
		{ "suppress", "{'target':'acme'}", 400, "{'error':'*target: *'}" },
		{ "suppress", "{'target':'@'}", 400, "{'error':'*target: *'}" },
		{ "suppress", "{'target':'@a b'}", 400, "{'error':'*target: *'}" },
		{ "unsuppress", "{'target':'a@b.example'}", 400, "{'error':'*reason: *'}" },
		{ "queue", "{'limit':0}", 400, "{'error':'*limit: *'}" },
		{ "queue", "{'limit':'1'}", 400, "{'error':'*limit: *'}" },
		{ "unknown", "{'action':'kill','id':1}", 400, "{'error':'*action: *'}" },
		{ "unknown", "{'action':'accept'}", 400, "{'error':'*id: *'}" },
		{ "unknown", "{'action':'accept','id':77}", 404, "{'error':'*id: *'}" },
		{ "test", "{'sequence':'none','step':'a','to':'a@b.example'}", 404, "{'error':'*sequence: *'}" },
		{ "test", "{'sequence':'manual','step':'a','to':'a@b.example'}", 404, "{'error':'*step: *'}" },
		{ "test", "{'sequence':'manual','step':'first','to':'b.example'}", 400, "{'error':'*to: *'}" },
		{ "import", "{}", 400, "{'error':'*rows: *'}" },
		{ "import", "{'rows':{}}", 400, "{'error':'*rows: *'}" },
	};
	struct fixture *f = *state;

	ASK_ALL(f, rows);
	assert_int_equal(f->changed, 0);
	expect_events(f, 0, "");
}

static void test_import(void **state)
{
	static const struct row rows[] = {
		{ "import", "{'rows':[]}", 200, "{'created':0,'changed':0,'same':0,'enrolled':0,'errors':[]}" },
		{ "import", "{'rows':[" ANN "," BOB "]}", 200,
		  "{'created':2,'changed':0,'same':0,'enrolled':2,'errors':[]}" },
		{ "import", "{'rows':[" ANN "]}", 200, "{'created':0,'changed':0,'same':1,'enrolled':0,'errors':[]}" },
		{ "import",
		  "{'rows':[{'line':2,'email':'x'},{'email':'c@d.example','timezone':'Mars/Base'},7,{},"
		  "{'line':9,'email':'c@d.example','consent_at':'2026-11-24T08:50:01Z'},{'email':'c@d.example','"
		  "consent_at':'soon'},"
		  "{'email':'c@d.example','consent':'opt "
		  "in!'},{'email':'c@d.example','consent_source':'a\\nb'},{'email':'c@d.example','x':[1]},"
		  "{'email':'c@d.example','':'x'},{'email':'c@d.example','note':'a\\u0001'},{'email':'c@d.example','"
		  "note':'a\\nb'}]}",
		  200,
		  "{'created':1,'changed':0,'errors':[{'line':2,'message':'*email: *'},{'line':2,'message':'*timezone: "
		  "*'},{'line':3,'message':'*no "
		  "object*'},{'line':4,'message':'*email: *'},{'line':9,'message':'*consent_at: "
		  "*future*'},{'line':6,'message':'*consent_at: *'},{'line':7,"
		  "'message':'*consent: *'},{'line':8,'message':'*consent_source: *'},{'line':9,'message':'*x: "
		  "*'},{'line':10,'message':'*name for a "
		  "column*'},{'line':11,'message':'*note: *'}]}" },
		{ "export", "{'contact':'ANN@acme.example'}", 200,
		  "{'contact':{'email':'ann@acme.example','account':'Acme','first_name':'Ann','consent':'opt_in','"
		  "consent_at':'2026-01-02T00:00:00.000Z',"
		  "'attributes':{},'tags':[],'last_name':null},'enrollments':[{'sequence':'import','state':'active','"
		  "step':'first'}],"
		  "'touches':[],'events':[{'event':'contact_imported'}],'suppressed':null,'holds':{}}" },
		/* what the row does not have stays; what it has empty goes; another consent does not inherit the date
		 */
		{ "import", "{'rows':[{'email':'ann@acme.example','title':'CTO','size':7,'tags':' vip; ;new'}]}", 200,
		  "{'changed':1,'enrolled':1}" },
		{ "show", "{'contact':'ann@acme.example'}", 200,
		  "{'contact':{'first_name':'Ann','title':'CTO','consent':'opt_in','consent_at':'2026-01-02T00:00:00."
		  "000Z','attributes':{'size':'7'},"
		  "'tags':['vip','new']}}" },
		{ "import",
		  "{'rows':[{'email':'ann@acme.example','first_name':'','consent':'Customer','size':'','more':true}]}",
		  200, "{'changed':1}" },
		{ "show", "{'contact':'ann@acme.example'}", 200,
		  "{'contact':{'first_name':null,'title':'CTO','consent':'customer','consent_at':null,'attributes':{'"
		  "size':'','more':'true'}}}" },
		/* of two rows the later one stands, also when the one behind it is bad */
		{ "import",
		  "{'rows':[{'email':'d@d.example','title':'a'},{'email':'D@d.example','title':'b'},{'email':'d@d."
		  "example','timezone':'no'}]}",
		  200, "{'created':1,'changed':0,'errors':[{'line':3}]}" },
		{ "show", "{'contact':'d@d.example'}", 200, "{'contact':{'title':'b'}}" },
		/* accounts */
		{ "import",
		  "{'rows':[{'email':'e@gmail.com'},{'email':'f@mail.other.example','account':'ACME'},{'email':'g@x."
		  "example','account':'Big  Corp'},"
		  "{'email':'h@y.example','account':'acme.co.example'},{'email':'i@z.acme.co.example'}]}",
		  200, "{'created':5}" },
		{ "show", "{'contact':'e@gmail.com'}", 200, "{'contact':{'account':null}}" },
		{ "show", "{'contact':'f@mail.other.example'}", 200,
		  "{'contact':{'account':'Acme','account_name':'ACME'}}" },
		{ "show", "{'contact':'g@x.example'}", 200,
		  "{'contact':{'account':'big corp','account_name':'Big  Corp'}}" },
		{ "show", "{'contact':'h@y.example'}", 200, "{'contact':{'account':'Acme'}}" },
		{ "show", "{'contact':'i@z.acme.co.example'}", 200, "{'contact':{'account':'Acme'}}" },
	};
	struct fixture *f = *state;

	ASK_ALL(f, rows);
}

static void test_import_events(void **state)
{
	struct fixture *f = *state;
	struct buf big = { 0 };

	ask(f, "import", "{'rows':[" ANN ",{'email':'z@z.example','timezone':'Europe/Paris'}]}", 200, "{'enrolled':1}");
	expect_events(f, 0,
		      "contact_imported ann@acme.example  'consent':'opt_in','consent_at':'2026-01-02T00:00:00.000Z'\n"
		      "contact_imported z@z.example  'timezone':'Europe/Paris'\n"
		      "enroll_refused z@z.example import \n");
	assert_int_equal(f->changed, 1);
	/* a suppressed contact is updated and stays out */
	ask(f, "suppress", "{'target':'z@z.example','reason':'unsubscribed'}", 200, "{'changed':true}");
	ask(f, "import", "{'rows':[{'email':'z@z.example','consent':'opt_in'}]}", 200, "{'changed':1,'enrolled':0}");
	ask(f, "show", "{'contact':'z@z.example'}", 200, "{'suppressed':'unsubscribed','enrollments':[]}");

	buf_str(&big, "{'rows':[");
	for (int i = 0; i < 1001; i++)
		buf_printf(&big, "%s{'email':'c%d@c.example'}", i ? "," : "", i);
	buf_str(&big, "]}");
	ask(f, "import", buf_text(&big), 400, "{'error':'*rows: *'}");
	buf_clear(&big);
	buf_str(&big, "{'rows':[{'email':'c@c.example','a':'");
	for (int i = 0; i < 4097; i++)
		buf_char(&big, 'x');
	buf_str(&big, "'}]}");
	ask(f, "import", buf_text(&big), 200, "{'errors':[{'line':1,'message':'*a: *4096*'}]}");
	buf_free(&big);
}

static void test_enroll(void **state)
{
	static const struct row rows[] = {
		{ "import",
		  "{'rows':[" ANN "," BOB
		  ",{'email':'c@c.example','tags':'x'},{'email':'d@d.example','consent':'opt_in','tags':'x'}]}",
		  200, "{}" },
		{ "enroll", "{'sequence':'manual','contact':'ann@acme.example'}", 200,
		  "{'enrolled':1,'already':0,'refused':{}}" },
		{ "enroll", "{'sequence':'manual','contact':'ann@acme.example'}", 200, "{'enrolled':0,'already':1}" },
		{ "enroll", "{'sequence':'manual','contact':'c@c.example'}", 409,
		  "{'error':'*no_consent*','reason':'no_consent','refused':{'no_consent':1}}" },
		{ "enroll", "{'sequence':'manual','tag':'x'}", 200,
		  "{'enrolled':1,'already':0,'refused':{'no_consent':1}}" },
		{ "enroll", "{'sequence':'manual','all':true}", 200,
		  "{'enrolled':1,'already':2,'refused':{'no_consent':1}}" },
		{ "enroll", "{'sequence':'manual','tag':'nobody'}", 200, "{'enrolled':0,'already':0,'refused':{}}" },
	};
	struct fixture *f = *state;
	int64_t before;

	ASK_ALL(f, rows);
	before = store_event_last(f->store);
	ask(f, "enroll", "{'sequence':'manual','contact':'c@c.example'}", 409, "{}");
	expect_events(f, before, "enroll_refused c@c.example manual \n"); /* the refusal's record is kept */
}

static void test_stop(void **state)
{
	static const struct row rows[] = {
		{ "import", "{'rows':[" ANN "]}", 200, "{'enrolled':1}" },
		{ "enroll", "{'sequence':'manual','contact':'ann@acme.example'}", 200, "{'enrolled':1}" },
		{ "stop", "{'contact':'ann@acme.example','sequence':'vip'}", 404, "{'error':'*sequence: *'}" },
		{ "stop", "{'contact':'ann@acme.example','sequence':'manual'}", 200, "{'stopped':1}" },
		{ "stop", "{'contact':'ann@acme.example','sequence':'manual'}", 200, "{'stopped':0}" },
		{ "stop", "{'contact':'ann@acme.example'}", 200, "{'stopped':1}" },
		{ "show", "{'contact':'ann@acme.example'}", 200,
		  "{'enrollments':[{'state':'stopped','reason':'manual','next':null},{'state':'stopped'}]}" },
		{ "enroll", "{'sequence':'manual','contact':'ann@acme.example'}", 200, "{'already':1}" },
	};
	struct fixture *f = *state;

	ASK_ALL(f, rows);
	expect_events(
	    f, 1,
	    "stopped ann@acme.example manual 'reason':'manual'\nstopped ann@acme.example import 'reason':'manual'\n");
}

static void test_hold(void **state)
{
	static const struct row rows[] = {
		{ "import", "{'rows':[" ANN "]}", 200, "{}" },
		{ "hold", "{'contact':'ann@acme.example','until':'2026-11-01'}", 200,
		  "{'held':false}" }, /* nothing to lift */
		{ "hold", "{'contact':'ann@acme.example','until':'2026-12-01','reason':'holiday'}", 200,
		  "{'until':'2026-12-01T00:00:00.000Z','held':true}" },
		{ "show", "{'contact':'ann@acme.example'}", 200,
		  "{'holds':{'contact':{'until':'2026-12-01T00:00:00.000Z','reason':'holiday'},'account':null}}" },
		{ "hold", "{'contact':'ann@acme.example','until':'2026-11-24T08:50:00Z'}", 200, "{'held':false}" },
		{ "show", "{'contact':'ann@acme.example'}", 200, "{'holds':{'contact':null}}" },
		{ "hold",
		  "{'contact':'ann@acme.example','until':'2027-12-01','reason':'"
		  "0123456789012345678901234567890123456789012345678901234567890123'}",
		  400, "{'error':'*reason: *'}" },
	};
	struct fixture *f = *state;

	ASK_ALL(f, rows);
	expect_events(f, 1,
		      "held ann@acme.example  'until':'2026-12-01T00:00:00.000Z','reason':'holiday'\n"
		      "held ann@acme.example  'until':'2026-11-24T08:50:00.000Z','reason':'manual'\n");
}

static void test_suppress(void **state)
{
	static const struct row rows[] = {
		{ "import",
		  "{'rows':[" ANN ",{'email':'al@acme.example','consent':'opt_in'},{'email':'x@sub.acme.example','"
				  "consent':'opt_in'}," BOB "]}",
		  200, "{'enrolled':4}" },
		{ "suppress", "{'target':'Bob@other.example','reason':'asked on the phone'}", 200,
		  "{'changed':true,'stopped':1}" },
		{ "suppress", "{'target':'bob@other.example','reason':'complained'}", 200,
		  "{'changed':false,'stopped':0}" },
		{ "show", "{'contact':'bob@other.example'}", 200,
		  "{'suppressed':'manual','enrollments':[{'state':'stopped','reason':'manual'}]}" },
		{ "suppress", "{'target':'nobody@other.example','reason':'hard_bounce'}", 200,
		  "{'changed':true,'stopped':0}" },
		{ "suppress", "{'target':'@ACME.example','reason':'complained'}", 200, "{'changed':true,'stopped':2}" },
		{ "unsuppress", "{'target':'ann@acme.example','reason':'r'}", 409, "{'error':'*complained*'}" },
		{ "unsuppress", "{'target':'ann@acme.example','reason':'r','force':true}", 409,
		  "{'error':'*@acme.example*'}" },
		{ "unsuppress", "{'target':'@acme.example','reason':'r'}", 409, "{'error':'*force*'}" },
		{ "unsuppress", "{'target':'@acme.example','reason':'a mistake','force':true}", 200,
		  "{'changed':true}" },
		{ "unsuppress", "{'target':'bob@other.example','reason':'called'}", 200, "{'changed':true}" },
		{ "unsuppress", "{'target':'bob@other.example','reason':'called'}", 200, "{'changed':false}" },
		{ "show", "{'contact':'bob@other.example'}", 200, "{'suppressed':null}" },
	};
	struct fixture *f = *state;

	ASK_ALL(f, rows);
	expect_events(f, 4,
		      "suppressed bob@other.example  'reason':'manual','note':'asked on the phone'\n"
		      "stopped bob@other.example import 'reason':'manual'\n"
		      "suppressed nobody@other.example  'reason':'hard_bounce'\n"
		      "suppressed @acme.example  'reason':'complained'\n"
		      "stopped ann@acme.example import 'reason':'complained'\n"
		      "stopped al@acme.example import 'reason':'complained'\n"
		      "unsuppressed @acme.example  'reason':'a mistake','was':'complained'\n"
		      "unsuppressed bob@other.example  'reason':'called','was':'manual'\n");
}

static void test_pause(void **state)
{
	static const struct row rows[] = {
		{ "pause", "", 200, "{'paused':true,'changed':true}" },
		{ "pause", "", 200, "{'paused':true,'changed':false}" },
		{ "pause", "{'sequence':'vip'}", 200, "{'paused':true,'changed':true}" },
		{ "status", "", 200,
		  "{'sequences':[{'name':'import','paused':false},{'name':'manual','paused':false},{'name':'vip','"
		  "paused':true}]}" },
		{ "resume", "", 200, "{'paused':false,'changed':true}" },
		{ "resume", "", 200, "{'paused':false,'changed':false}" },
	};
	struct fixture *f = *state;

	ASK_ALL(f, rows);
	assert_string_equal(store_setting(f->store, "paused"), "");
	assert_string_equal(store_setting(f->store, "paused:vip"), "1");
	assert_int_equal(f->settings, 5);
	expect_events(f, 0, "paused   \npaused  vip \nresumed   \n");
	/* a paused sequence that is gone from the configuration */
	assert_int_equal(store_begin(f->store, &f->err), 0);
	assert_int_equal(store_setting_put(f->store, "paused:gone", "1", &f->err), 0);
	assert_int_equal(store_commit_now(f->store, &f->err), 0);
	ask(f, "resume", "{'sequence':'gone'}", 200, "{'changed':true}");
}

static void test_forget(void **state)
{
	struct fixture *f = *state;

	ask(f, "import", "{'rows':[" ANN "]}", 200, "{'enrolled':1}");
	f->log_fails = true;
	ask(f, "forget", "{'contact':'ann@acme.example'}", 500, "{'error':'*disk full*'}");
	assert_string_equal(f->forgotten, "ann@acme.example hash:");
	ask(f, "show", "{'contact':'ann@acme.example'}", 404, "{}");
	/* the next start does the rest */
	control_close(&f->control);
	f->forgotten[0] = '\0';
	open_control(f, f->base);
	assert_string_equal(f->forgotten, "ann@acme.example hash:");
	/* and so does the same command again; then there is nothing left to do */
	f->log_fails = false;
	ask(f, "forget", "{'contact':'ann@acme.example'}", 200, "{'hash':'*hash:*','left':['/log.2.gz','/log.3.gz']}");
	ask(f, "forget", "{'contact':'ann@acme.example'}", 404, "{'error':'*contact: *'}");
	expect_events(f, 0, "contact_imported hash  \nforgotten hash  \nstopped hash import 'reason':'erased'\n");
	ask(f, "import", "{'rows':[" ANN "]}", 200, "{'created':1,'enrolled':0}"); /* never resurrected */
	ask(f, "show", "{'contact':'ann@acme.example'}", 200, "{'suppressed':'erased'}");
	ask(f, "unsuppress", "{'target':'ann@acme.example','reason':'r'}", 409, "{'error':'*erased*'}");
}

static void test_resources(void **state)
{
	static const struct row rows[] = {
		{ "import", "{'rows':[" ANN "]}", 200, "{}" },
		{ "show", "{'contact':'ann@acme.example'}", 200,
		  "{'enrollments':[{'next':{'verdict':'wait','reason':'account_limit','until':'2026-11-24T08:50:01."
		  "000Z','note':'relay backs off','evidence':null}}]}" },
		{ "explain", "{'contact':'ann@acme.example'}", 200,
		  "{'rows':[{'sequence':'import','step':'first','verdict':'wait','reason':'account_limit','note':'"
		  "relay backs off','evidence':["
		  "{'reason':'account_limit','limit':'2 per "
		  "7d','touch_at':'2026-11-24T08:49:59.995Z'},{'reason':'gifts','until':null,'limit':null}]}],'holds':{"
		  "}}" },
		{ "queue", "{'limit':5}", 200,
		  "{'rows':[{'contact':'ann@acme.example','sequence':'import','step':'first','due':'2026-11-24T08:50:"
		  "00.000Z','next':'2026-11-24T08:50:00.000Z',"
		  "'reason':null}]}" },
		{ "status", "{}", 200,
		  "{'now':'2026-11-24T08:50:00.000Z','in_flight':3,'events':1,'counts':{'contacts':1,'active':1,'"
		  "touches':{'unknown':0}},"
		  "'sequences':[{'name':'import','startable':true,'active':1,'steps':1,'vouched':['first: Dana, knows "
		  "it']},{'active':0},{}]}" },
		{ "test", "{'sequence':'manual','step':'first','to':'me@x.example'}", 200,
		  "{'outcome':'accepted','smtp_code':250,'smtp_reply':'2.0.0 Ok'}" },
		{ "test", "{'sequence':'manual','step':'first','to':'no@x.example'}", 409,
		  "{'error':'*no such user*','smtp_code':550}" },
		{ "test", "{'sequence':'manual','step':'first','to':'gate@x.example'}", 409, "{'error':'*gate*'}" },
		{ "test", "{'sequence':'manual','step':'first','to':'lost@x.example'}", 409,
		  "{'error':'*no connection*'}" },
	};
	struct fixture *f = *state;
	struct buf answer = { 0 };

	ASK_ALL(f, rows);
	assert_int_equal(control_handle(f->control, "config", "", 0, &answer), 200);
	assert_non_null(strstr(buf_text(&answer), "{\"key\":\"smtp.url\",\"value\":"));
	assert_non_null(strstr(buf_text(&answer), "abvd.conf:6\"}"));
	assert_non_null(strstr(buf_text(&answer), "\"source\":\"default\"}"));
	buf_free(&answer);
}

static int64_t make_unknown(struct fixture *f)
{
	struct contact *c = NULL;
	struct touch t = { .kind = KIND_VALUE,
			   .sequence = "import",
			   .step = "first",
			   .content = "00112233445566778899aabbccddeeff",
			   .provider = "acme.example",
			   .message_id = "m@x",
			   .smtp_reply = "" };
	int64_t id;

	assert_int_equal(store_contact_by_email(f->store, "ann@acme.example", &c, &f->err), 1);
	assert_int_equal(store_begin(f->store, &f->err), 0);
	id = store_touch_new_id(f->store);
	t.id = id;
	t.enrollment_id = 1;
	t.contact_id = c->id;
	t.account_id = c->account_id;
	assert_int_equal(store_touch_reserve(f->store, &t, f->now, &f->err), 0);
	assert_int_equal(store_touch_hand(f->store, id, f->now, &f->err), 0);
	assert_int_equal(store_touch_set(f->store, id, TOUCH_UNKNOWN, f->now, 0, "", &f->err), 0);
	assert_int_equal(store_commit_now(f->store, &f->err), 0);
	contact_free(&c);
	return id;
}

static void test_unknown(void **state)
{
	struct fixture *f = *state;
	char request[64];

	ask(f, "import", "{'rows':[" ANN "]}", 200, "{}");
	ask(f, "unknown", "", 200, "{'rows':[]}");
	snprintf(request, sizeof(request), "{'action':'resend','id':%lld}", (long long)make_unknown(f));
	ask(f, "unknown", "{'action':'list'}", 200,
	    "{'rows':[{'contact':'ann@acme.example','sequence':'import','step':'first','at':'2026-11-24T08:50:00.000Z',"
	    "'message_id':'m@x'}]}");
	ask(f, "unknown", request, 409, "{'error':'*stopped*'}");
	memcpy(request + 11, "accept", 6);
	ask(f, "unknown", request, 200, "{'changed':true}");
	ask(f, "unknown", request, 404, "{'error':'*id: *'}");
	ask(f, "unknown", "", 200, "{'rows':[]}");
}

/* PROTOCOL.md names each verb of the table, and the table each of the document. */
static void test_verbs_are_documented(void **state)
{
	struct buf doc = { 0 };
	int n = 0, rows = 0;
	const char *last = "";
	char name[64];

	(void)state;
	assert_int_equal(buf_read_file(&doc, TEST_DATA "/../../src/web/PROTOCOL.md", 1 << 20), 0);
	for (; control_verb_at(n); n++) {
		assert_true(strcmp(last, control_verb_at(n)) < 0);
		last = control_verb_at(n);
		snprintf(name, sizeof(name), "`%s`", last);
		if (!strstr(buf_text(&doc), name))
			fail_msg("PROTOCOL.md does not name %s", last);
	}
	for (const char *p = buf_text(&doc); (p = strstr(p, "\n| `")) != NULL; p++)
		rows++;
	assert_int_equal(rows + 1, n); /* pause and resume share a row */
	buf_free(&doc);
}

/* ---- HTTP */

static void turn(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static int dial(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", socket_path);
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)))
		fail_msg("connect: %s", strerror(errno));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Turns the loop until the other side has closed, or (false) ms are over; what came is added to in. */
static bool drain(struct fixture *f, int fd, struct buf *in, int64_t ms)
{
	int64_t end = clock_mono() + ms;
	char part[65536];
	ssize_t n;

	for (;;) {
		turn(f);
		n = recv(fd, part, sizeof(part), 0);
		if (n > 0)
			buf_add(in, part, (size_t)n);
		else if (n == 0 || errno != EAGAIN)
			return true;
		else if (clock_mono() >= end)
			return false;
	}
}

static void put(struct fixture *f, int fd, const char *p, size_t n)
{
	int64_t end = clock_mono() + 5000;

	while (n && clock_mono() < end) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k < 0 && errno != EAGAIN)
			return;
		if (k > 0) {
			p += k;
			n -= (size_t)k;
		}
		turn(f);
	}
}

/* Sends head (with the length of the body put in) and body; the status, and the answer's body in `out`. */
static int http(struct fixture *f, const char *line, const char *body, size_t n, struct buf *out)
{
	struct buf b = { 0 };
	char head[256];
	int fd = dial(), status = 0;
	const char *end;

	snprintf(head, sizeof(head), "%s HTTP/1.1\r\nHost: abvd\r\nContent-Length: %zu\r\n\r\n", line, n);
	put(f, fd, head, strlen(head));
	put(f, fd, body, n);
	if (!drain(f, fd, &b, 5000))
		fail_msg("%s: no end", line);
	close(fd);
	if (sscanf(buf_text(&b), "HTTP/1.1 %d", &status) != 1)
		fail_msg("%s: no answer: '%s'", line, buf_text(&b));
	end = strstr(buf_text(&b), "\r\n\r\n");
	buf_clear(out);
	buf_str(out, end ? end + 4 : "");
	buf_free(&b);
	return status;
}

static void test_http(void **state)
{
	static const struct {
		const char *line, *body;
		int status;
		const char *expected;
	} rows[] = {
		{ "POST /v1/status", "{}", 200, "{'events':0}" },
		{ "POST /v1/status", "", 200, "{'events':0}" },
		{ "POST /v1/nothing", "{}", 404, "{'error':'*nothing*'}" },
		{ "POST /v2/status", "{}", 404, "{'error':'*/v1/VERB*'}" },
		{ "GET /v1/status", "", 405, "{'error':'*POST*'}" },
		{ "PUT /v1/status", "{}", 405, "{'error':'*POST*'}" },
		{ "POST /v1/show", "{'contact':1}", 400, "{'error':'*contact: *'}" },
		{ "POST /v1/import", "{'rows':[" ANN "]}", 200, "{'created':1}" },
		{ "POST /v1/enroll", "{'sequence':'manual','all':true}", 200, "{'enrolled':1}" },
	};
	struct fixture *f = *state;
	struct buf out = { 0 };
	struct stat st;

	assert_int_equal(stat(socket_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *body = quoted(rows[i].body);
		int status = http(f, rows[i].line, body, strlen(body), &out);

		check_answer(rows[i].line, body, status, out.data, out.len, rows[i].status, rows[i].expected);
		free(body);
	}
	buf_free(&out);
}

static void test_body_limit(void **state)
{
	struct fixture *f = *state;
	size_t n = 5 * 1024 * 1024;
	char *body = mem_alloc(n + 1);
	struct buf out = { 0 };
	int status;

	memset(body, ' ', n);
	assert_int_equal(http(f, "POST /v1/status", body, 4 * 1024 * 1024, &out), 200);
	status = http(f, "POST /v1/status", body, n, &out);
	check_answer("5 MB", "", status, out.data, out.len, 413, "{'error':'*4 MB*'}");
	free(body);
	buf_free(&out);
}

/* However busily it drips: the whole request within the deadline. */
static void test_deadline(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	int64_t begin = clock_mono();
	int fd, silent;
	bool over = false;

	control_set_deadline(f->control, 200);
	fd = dial();
	silent = dial();
	put(f, fd, "POST /v1/status HTTP/1.1\r\nContent-Length: 100000\r\n\r\n", 52);
	while (!over && clock_mono() < begin + 5000) {
		(void)send(fd, " ", 1, MSG_NOSIGNAL);
		over = drain(f, fd, &b, 5);
	}
	assert_true(over);
	assert_in_range(clock_mono() - begin, 190, 1500);
	assert_int_equal(b.len, 0);
	assert_true(drain(f, silent, &b, 2000));
	close(fd);
	close(silent);
	buf_free(&b);
}

static void import_many(struct fixture *f, int n);

/* An answer that is not taken is given up after the deadline. */
static void test_answer_not_taken(void **state)
{
	struct fixture *f = *state;
	struct buf whole = { 0 }, b = { 0 };
	static const char request[] = "POST /v1/queue HTTP/1.1\r\nContent-Length: 14\r\n\r\n{\"limit\":9999}";
	int64_t end;
	int fd;

	import_many(f, 9999);
	ask(f, "enroll", "{'sequence':'manual','all':true}", 200, "{'enrolled':9999}");
	assert_int_equal(http(f, "POST /v1/queue", "{\"limit\":9999}", 14, &whole), 200);
	control_set_deadline(f->control, 100);
	fd = dial();
	put(f, fd, request, strlen(request));
	for (end = clock_mono() + 500; clock_mono() < end;)
		turn(f);
	assert_true(drain(f, fd, &b, 1000));
	assert_true(b.len > 0 && b.len < whole.len);
	close(fd);
	buf_free(&whole);
	buf_free(&b);
}

static void test_many_connections(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	int fd[256], one;

	for (int i = 0; i < 256; i++) {
		fd[i] = dial();
		turn(f);
	}
	one = dial();
	assert_true(drain(f, one, &b, 3000));
	assert_non_null(strstr(buf_text(&b), "HTTP/1.1 503 "));
	assert_non_null(strstr(buf_text(&b), "{\"error\":\"too many connections\"}"));
	close(one);
	close(fd[7]); /* one goes, another may come */
	for (int i = 0; i < 5; i++)
		turn(f);
	assert_int_equal(http(f, "POST /v1/status", "{}", 2, &b), 200);
	for (int i = 0; i < 256; i++)
		if (i != 7)
			close(fd[i]);
	for (int i = 0; i < 5; i++)
		turn(f);
	for (int i = 0; i < 1000; i++) /* and nothing is left over */
		assert_int_equal(http(f, "POST /v1/queue", "{}", 2, &b), 200);
	buf_free(&b);
}

static void import_many(struct fixture *f, int n)
{
	struct buf b = { 0 };
	struct contact c = { .account = "",
			     .account_name = "",
			     .first_name = "",
			     .last_name = "",
			     .title = "",
			     .timezone = "",
			     .owner = "",
			     .tags = "",
			     .consent = "opt_in",
			     .consent_source = "" };
	enum put_result result;
	int64_t id;

	assert_int_equal(store_begin(f->store, &f->err), 0);
	for (int i = 0; i < n; i++) {
		buf_clear(&b);
		buf_printf(&b, "c%d@c.example", i);
		c.email = buf_text(&b);
		assert_int_equal(store_contact_put(f->store, &c, f->now, &result, &id, &f->err), 0);
	}
	assert_int_equal(store_commit_now(f->store, &f->err), 0);
	buf_free(&b);
}

/* Everybody, in slices: others are served in between, and no turn is long. */
static void test_slices(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	char request[] = "POST /v1/enroll HTTP/1.1\r\nContent-Length: 32\r\n\r\n{\"sequence\":\"manual\",\"all\":true}";
	int64_t longest = 0;
	int fd, between = 0;
	ssize_t n = -1;

	import_many(f, 60000);
	fd = dial();
	put(f, fd, request, strlen(request));
	do {
		int64_t begin = clock_mono(), took;
		char part[4096];

		turn(f);
		took = clock_mono() - begin;
		longest = took > longest ? took : longest;
		n = recv(fd, part, sizeof(part), 0);
		if (n > 0)
			buf_add(&b, part, (size_t)n);
		else if (n < 0) {
			struct buf other = { 0 };

			assert_int_equal(http(f, "POST /v1/queue", "{}", 2, &other), 200);
			buf_free(&other);
			between++;
		}
	} while (n != 0);
	assert_non_null(strstr(buf_text(&b), "\"enrolled\":60000"));
	assert_true(between >= 2);
	assert_in_range(longest, 0, 400); /* 20 and the machine's own pauses */
	close(fd);
	buf_free(&b);
}

/* Whoever asked for something long goes away: the work goes on, nobody is written to. */
static void test_gone_while_working(void **state)
{
	struct fixture *f = *state;
	struct store_counts n;
	char request[] = "POST /v1/enroll HTTP/1.1\r\nContent-Length: 32\r\n\r\n{\"sequence\":\"manual\",\"all\":true}";
	int64_t end = clock_mono() + 10000;
	int fd;

	import_many(f, 20000);
	fd = dial();
	put(f, fd, request, strlen(request));
	close(fd);
	do {
		turn(f);
		assert_int_equal(store_counts(f->store, &n, &f->err), 0);
	} while (n.enrollments_active < 20000 && clock_mono() < end);
	assert_int_equal(n.enrollments_active, 20000);
	for (int i = 0; i < 10; i++)
		turn(f);
}

#define TEST_REQUEST                                                                                                   \
	"POST /v1/test HTTP/1.1\r\nContent-Length: "                                                                   \
	"56\r\n\r\n{\"sequence\":\"manual\",\"step\":\"first\",\"to\":\"me@x.example\"}"

static void test_later(void **state)
{
	struct fixture *f = *state;
	struct delivery_result r = { .outcome = OUTCOME_ACCEPTED, .code = 250, .status = "", .reply = "Ok" };
	struct buf b = { 0 };
	int fd;

	control_set_deadline(f->control, 100); /* does not run while the verb works */
	f->test_waits = true;
	fd = dial();
	put(f, fd, TEST_REQUEST, strlen(TEST_REQUEST));
	assert_false(drain(f, fd, &b, 400));
	f->test_done(f->test_arg, &r, NULL);
	assert_true(drain(f, fd, &b, 2000));
	assert_non_null(strstr(buf_text(&b), "\"smtp_code\":250"));
	close(fd);
	/* without a socket nobody can wait */
	ask(f, "test", "{'sequence':'manual','step':'first','to':'me@x.example'}", 409, "{'error':'*later*'}");
	f->test_done(f->test_arg, &r, NULL);
	/* the control ends before the relay answers */
	fd = dial();
	put(f, fd, TEST_REQUEST, strlen(TEST_REQUEST));
	assert_false(drain(f, fd, &b, 20));
	control_close(&f->control);
	f->test_done(f->test_arg, &r, NULL);
	assert_true(recv(fd, &r, 1, 0) == 0);
	close(fd);
	buf_free(&b);
}

/* A slice is under way when the control ends. */
static void test_close_between_slices(void **state)
{
	struct fixture *f = *state;
	char request[] = "POST /v1/enroll HTTP/1.1\r\nContent-Length: 32\r\n\r\n{\"sequence\":\"manual\",\"all\":true}";
	int fd;

	import_many(f, 20000);
	fd = dial();
	put(f, fd, request, strlen(request));
	control_close(&f->control);
	assert_int_equal(access(socket_path, F_OK), -1);
	assert_false(store_in_transaction(f->store));
	close(fd);
}

static void test_socket_file(void **state)
{
	struct fixture *f = *state;
	struct control *second = NULL;
	struct control_ops ops = { .arg = f, .now = fake_now };
	int fd;

	/* somebody listens: not taken away */
	assert_int_equal(control_open(f->base, socket_path, f->store, &ops, &second, &f->err), -1);
	assert_null(second);
	assert_non_null(strstr(f->err.text, "another process listens"));
	control_close(&f->control);
	assert_int_equal(access(socket_path, F_OK), -1);
	/* a stale one: replaced */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", socket_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
	open_control(f, f->base);
	control_close(&f->control);
	/* something else: left alone */
	config_dir_put("control.sock", "precious");
	assert_int_equal(control_open(f->base, socket_path, f->store, &ops, &second, &f->err), -1);
	assert_non_null(strstr(f->err.text, "no socket"));
	assert_int_equal(access(socket_path, F_OK), 0);
}

int main(void)
{
#define ROW(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	signal(SIGPIPE, SIG_IGN); /* as the daemon has it */
	const struct CMUnitTest tests[] = {
		ROW(test_bad_requests),
		ROW(test_import),
		ROW(test_import_events),
		ROW(test_enroll),
		ROW(test_stop),
		ROW(test_hold),
		ROW(test_suppress),
		ROW(test_pause),
		ROW(test_forget),
		ROW(test_resources),
		ROW(test_unknown),
		cmocka_unit_test(test_verbs_are_documented),
		ROW(test_http),
		ROW(test_body_limit),
		ROW(test_deadline),
		ROW(test_answer_not_taken),
		ROW(test_many_connections),
		ROW(test_slices),
		ROW(test_gone_while_working),
		ROW(test_later),
		ROW(test_close_between_slices),
		ROW(test_socket_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
