/* rooms: base model rules config render store check web */
/* Control requests, one a line: the verb's name, or a byte that stands for one, then the body. Whatever comes: the
 * answer is one JSON object, which has an error exactly when the status is not 200; no transaction stays open; a
 * refusal changes nothing but what it says. */
#include <jansson.h>
#include <stdint.h>

#include "../unit/config_dir.h"
#include "abv/json.h"
#include "abv/mem.h"
#include "abv/web.h"

#define NOW        INT64_C(1795510200000)
#define STORE_USES 64

static struct plan *plan;
static struct store *store;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static const struct plan *op_plan(void *arg)
{
	(void)arg;
	return plan;
}

static int64_t op_now(void *arg)
{
	(void)arg;
	return NOW;
}

static void op_nothing(void *arg)
{
	(void)arg;
	must(!store_in_transaction(store));
}

static int op_enroll(void *arg, const struct contact *c, const struct sequence *s, bool log_refusal, enum reason *why,
		     struct err *e)
{
	int64_t id;

	(void)arg, (void)log_refusal;
	must(store_in_transaction(store));
	*why = governor_admit(s, c, store_suppressed(store, c->email), NOW);
	return *why ? 2 : store_enroll(store, c->id, s->name, "first", 0, NOW, NOW, NOW, &id, e);
}

static int op_next(void *arg, const struct enrollment_row *row, struct next_step *out, struct err *e)
{
	(void)arg, (void)row, (void)e;
	*out = (struct next_step){ .verdict = { .kind = VERDICT_WAIT, .reason = REASON_WINDOW, .until = NOW + 1 } };
	return 0;
}

static int op_explain(void *arg, const struct enrollment_row *row, struct explanation *out, struct err *e)
{
	*out = (struct explanation){ .kind = KIND_VALUE, .change_n = 1 };
	out->change[0] = (struct change){ .reason = REASON_WINDOW, .text = "without \"it\"", .asked = true };
	return op_next(arg, row, &out->next, e);
}

static int op_test(void *arg, const char *sequence, const char *step, const char *to,
		   void (*done)(void *, const struct delivery_result *, const char *), void *done_arg, struct err *e)
{
	(void)arg, (void)sequence, (void)step, (void)to, (void)e;
	done(done_arg, NULL, "no \"relay\"");
	return 0;
}

static int op_resolve(void *arg, int64_t id, enum unknown_action action, struct err *e)
{
	(void)arg, (void)id, (void)action;
	return err_set(e, "no");
}

static int op_forget_log(void *arg, const char *address, const char *hash, struct buf *left, struct err *e)
{
	(void)arg, (void)hash;
	buf_str(left, "a\nb");
	return *address == 'f' ? err_set(e, "disk full") : 0;
}

static int op_deliver(void *arg, const char *bytes, size_t n, struct buf *json, struct err *e)
{
	(void)arg, (void)e;
	json_add_str(json, "why", n > 2 && bytes[n - 1] == 'x' ? "x" : "");
	return 0;
}

static void op_status(void *arg, struct buf *json)
{
	(void)arg, (void)json;
}

static const char *const config_text =
    BASE "account_aliases = ( { account = \"Acme\"; domains = [\"acme.example\"]; } );\n";
static const char *const sequence_text =
    "sequence = { name = \"s\"; enroll = \"on_import\"; steps = ( { name = \"first\"; template = \"s.md\"; } ); };\n"
    "\n";

static void load(void)
{
	struct problems p = { 0 };

	config_dir_make();
	config_dir_put("abvd.conf", config_text);
	config_dir_put("sequences.d/s.conf", sequence_text);
	config_dir_put("templates/s.md",
		       "Subject: x\nKind: value\n\nHello there, a list of steps to take before the move.\n");
	must(plan_load(config_dir_path("abvd.conf"), &plan, &p) == PLAN_OK);
	problems_free(&p);
	config_dir_remove();
}

static void check_import(const char *body, size_t n, int status, const char *error)
{
	json_t *in = json_loadb(body, n, JSON_REJECT_DUPLICATES, NULL);

	must(status != 200 || json_is_array(json_object_get(in, "rows")));
	must(!error || strcmp(error, "rows: this cannot be read") != 0); /* the whole: other errors quote what came */
	json_decref(in);
}

/* The verb that a line begins with; *taken: bytes of it. A name is looked for first, so that seeds stay what they are
 * when verbs come. */
static const char *verb_of(const char *text, size_t n, size_t *taken)
{
	const char *verb;
	int i = 0;

	*taken = n > 0;
	for (; (verb = control_verb_at(i)) != NULL; i++) {
		if (strlen(verb) < n && !memcmp(text, verb, strlen(verb)) && text[strlen(verb)] == ' ') {
			*taken = strlen(verb) + 1;
			return verb;
		}
	}
	return n ? control_verb_at((unsigned char)*text % i) : "";
}

static void one_request(struct control *control, const char *text, size_t n)
{
	struct buf answer = { 0 };
	int64_t before = store_event_last(store);
	size_t taken;
	const char *verb = verb_of(text, n, &taken);
	char *body = mem_alloc(n - taken + 1); /* as long as it is: with NUL bytes, and nothing readable behind */
	json_t *root;
	int status;

	n -= taken;
	memcpy(body, text + taken, n);
	status = control_handle(control, verb, body, n, &answer);
	root = json_loadb(answer.data, answer.len, JSON_REJECT_DUPLICATES, NULL);
	must(json_is_object(root));
	must((status == 200) == (json_object_get(root, "error") == NULL));
	must(status == 200 || status == 400 || status == 404 || status == 409 || status == 500);
	must(status != 500 || !strcmp(verb, "forget"));
	must(status == 200 || status == 500 || store_event_last(store) == before);
	must(!store_in_transaction(store));
	if (!strcmp(verb, "import")) /* which is read without jansson, and must read what jansson does */
		check_import(body, n, status, json_string_value(json_object_get(root, "error")));
	json_decref(root);
	buf_free(&answer);
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct control_ops ops = {
		.plan = op_plan,
		.now = op_now,
		.changed = op_nothing,
		.enroll = op_enroll,
		.next = op_next,
		.explain = op_explain,
		.test = op_test,
		.resolve = op_resolve,
		.forget_log = op_forget_log,
		.deliver = op_deliver,
		.status = op_status,
		.settings_changed = op_nothing,
	};
	static struct control *control;
	static int used;
	struct err e = { "" };
	const char *p = (const char *)data, *end = p + size, *nl;

	if (!plan)
		load();
	if (used++ % STORE_USES == 0) { /* making a schema costs more than what is asked of it */
		control_close(&control);
		store_close(&store);
		must(store_open(":memory:", &store, &e) == STORE_OK);
		must(!control_open(NULL, "", store, &ops, &control, &e));
	}
	while (p < end) {
		nl = memchr(p, '\n', (size_t)(end - p));
		nl = nl ? nl : end;
		one_request(control, p, (size_t)(nl - p));
		p = nl + 1;
	}
	return 0;
}
