/* rooms: base model config audit */
/* Any bytes as an engagement log: no crash, no leak; damaged lines are told, and judging the same again says the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/config_dir.h"
#include "abv/audit.h"
#include "abv/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
    "sender = { from = \"dana@example.com\"; postal_address = \"1 Main St\"; unsubscribe = \"mailto:u@example.com\";\n"
    "  warmup = { start = 2; growth = 1.5; target = 4; }; };\n"
    "smtp = { url = \"smtp://127.0.0.1:2525\"; rate = \"2 per 1s\"; }; store = { path = \"a\"; }; log = { path = "
    "\"l\"; };\n"
    "control = { socket = \"s\"; };\n"
    "cadence = { contact = { min_gap = \"1bd\"; limits = [\"2 per 7d\"]; }; account = { min_gap = \"1h\"; limits = "
    "[\"3 per 7d\"]; };\n"
    "  provider = { limits = [\"2 per 1h\"]; }; sender = { limits = [\"5 per 1d\"]; }; gifts_per_ask = 1; };\n";
static const char sequence[] =
    "sequence = { name = \"s\"; steps = ( { name = \"a\"; template = \"a.md\"; after = \"1h\"; expire = \"9d\"; },"
    "{ name = \"b\"; template = \"b.md\"; after = \"2bd\"; } );\n"
    "  cadence = { contact = { limits = [\"1 per 10d\"]; }; }; };\n";

static void violation(void *arg, const struct audit_violation *v)
{
	struct buf *b = arg;

	buf_printf(b, "%s:%lld:%lld:%s:%s\n", v->file, (long long)v->line, (long long)v->seq, v->rule, v->text);
}

static char *judge(const struct config *c, const char *log, size_t n)
{
	struct audit *a = audit_new(c);
	struct audit_sum sum;
	struct buf b = { 0 };
	const char *lf, *end = log + n;
	int64_t line = 0;

	/* The fuzzer does not guess a hash. */
	char *loaded =
	    mem_printf("{\"seq\":1,\"ts\":\"2026-01-01T00:00:00Z\",\"event\":\"config_loaded\",\"policy\":\"%s\"}",
		       c->policy_hash);

	audit_line(a, "log", ++line, loaded, strlen(loaded));
	free(loaded);
	for (; log < end; log = lf + 1) {
		lf = memchr(log, '\n', (size_t)(end - log));
		lf = lf ? lf : end;
		audit_line(a, "log", ++line, log, (size_t)(lf - log));
	}
	audit_end(a, violation, &b, &sum);
	if (sum.lines != line || sum.violations < 0 || sum.unjudged > sum.touches || sum.contacts > sum.touches)
		abort();
	audit_free(&a);
	return buf_take(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config *config;
	struct problems p = { 0 };
	char *one, *two;

	if (!config) {
		config_dir_make();
		config_dir_put("abvd.conf", text);
		config_dir_put("sequences.d/s.conf", sequence);
		if (config_load(config_dir_path("abvd.conf"), &config, &p) != 0)
			abort();
		problems_free(&p);
		config_dir_remove();
	}
	one = judge(config, (const char *)data, size);
	two = judge(config, (const char *)data, size);
	if (strcmp(one, two) != 0)
		abort();
	free(one);
	free(two);
	return 0;
}
