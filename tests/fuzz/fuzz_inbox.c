/* rooms: base model rules config mime render store check inbox */
/* Any bytes from the parse to the effects: it ends, is processed exactly once, leaves no transaction open; no report has an effect, because
 * nobody can guess a token; and what is told of a person is bounded UTF-8 without controls. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/config_dir.h"
#include "abv/inbox.h"
#include "abv/mem.h"

#define NOW        INT64_C(1795510200000)
#define STORE_USES 256

static struct config *config;
static struct store *store;
static int answers;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void must_be_told(const char *s, size_t most)
{
	must(strlen(s) <= most);
	for (; *s != '\0'; s++)
		must((unsigned char)*s >= ' ' || *s == '\n' || *s == '\t');
}

static int64_t op_now(void *arg)
{
	(void)arg;
	return NOW;
}

static const struct config *op_config(void *arg)
{
	(void)arg;
	return config;
}

static int op_answer(void *arg, const struct answer *a, struct err *e)
{
	(void)arg, (void)e;
	must(store_in_transaction(store));
	must(a->contact_id == 1 && a->touch_id == 0);
	must(a->kind != ANSWER_BOUNCE && a->kind != ANSWER_COMPLAINT && a->kind != ANSWER_NOTICE);
	must(a->until == 0 || (a->until > NOW - 10000 * CLOCK_DAY && a->until <= NOW + 180 * CLOCK_DAY));
	must_be_told(a->subject, 256);
	must_be_told(a->text, 8000);
	answers++;
	return 0;
}

static int op_notify(void *arg, int64_t contact_id, const char *to, const char *subject, const char *text, struct err *e)
{
	(void)arg, (void)e;
	must(contact_id == 1 && strcmp(to, "seller@example.com") == 0);
	must_be_told(subject, 1000);
	must_be_told(text, 30000);
	return 0;
}

static void op_changed(void *arg)
{
	(void)arg;
	must(!store_in_transaction(store));
}

static void load(void)
{
	struct problems p = { 0 };

	config_dir_make();
	config_dir_put("abvd.conf", BASE "on_reply = { notify = \"seller@example.com\"; };\n");
	must(config_load(config_dir_path("abvd.conf"), &config, &p) == 0);
	problems_free(&p);
	config_dir_remove();
}

static void renew(void)
{
	struct contact c = { .email = "a@b.example", .account = "", .account_name = "", .first_name = "", .last_name = "", .title = "",
			     .timezone = "Europe/Paris", .owner = "", .tags = "", .consent = "opt_in", .consent_source = "" };
	enum put_result result;
	struct err e = { "" };
	int64_t id = 0;

	store_close(&store);
	must(store_open(":memory:", &store, &e) == STORE_OK);
	must(store_begin(store, &e) == 0 && store_contact_put(store, &c, NOW - CLOCK_DAY, &result, &id, &e) == 0);
	must(id == 1 && store_commit_now(store, &e) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct inbox_ops ops = { NULL, op_now, op_config, op_answer, op_notify, op_changed };
	static int used;
	struct inbox_report r;
	struct err e = { "" };
	char *bytes = mem_alloc(size + 1); /* nothing readable behind */

	if (!config)
		load();
	if (used++ % STORE_USES == 0)
		renew();
	if (size > 0)
		memcpy(bytes, data, size);
	bytes = mem_grow(bytes, size > 0 ? size : 1, 1);
	must(inbox_process(store, &ops, "fuzz", bytes, size, size % 2 ? "c" : "", &r, &e) == INBOX_DONE);
	must(memchr(r.why, '\0', sizeof(r.why)) != NULL && (unsigned)r.class < CLASS_COUNT);
	answers = 0;
	must(inbox_process(store, &ops, "fuzz", bytes, size, "", &r, &e) == INBOX_DONE);
	must(r.repeated && answers == 0 && !store_in_transaction(store));
	free(bytes);
	return 0;
}
