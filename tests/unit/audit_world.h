/* For tests of the audit: a log is written in short lines, a configuration in what it changes.
 *
 *   "2026-11-24T09:00:00.000Z sent ann course/one t1"
 *
 * time, event, then in any order: ann ben cem (contacts; ann and ben are at the account acme), another address,
 * "hash:..." or "@domain"; sequence/step; tN (touch); ask; name=value (handed_at= content= reason= ...; true, false and
 * numbers stand as such). A sent or unknown has by itself a handed_at (its ts), a kind (value), a content of its own.
 * Before the lines stand a config_loaded with the configuration's hash, and import and enrollment of the three in
 * `course`, unless a log is bare. */
#ifndef AUDIT_WORLD_H
#define AUDIT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/audit.h"
#include "abv/json.h"
#include "abv/mem.h"
#include "config_dir.h"

#define BEGIN "2026-01-01T00:00:00.000Z"

struct world {
	const char *name;
	const char *cadence;  /* what differs from a cadence that allows everything */
	const char *more;     /* further groups; "smtp" and "sender" by rate and warmup */
	const char *sequence; /* of course, beside its steps */
	const char *steps;    /* NULL: one, two, three, four after nothing */
	const char *log;
	const char *expected; /* "rule@line ..." by line of log; "" none */
	const char *rate, *warmup;
	bool bare;
};

static inline void world_default(struct buf *b, const char *given, const char *key, const char *value)
{
	if (!given || !strstr(given, key))
		buf_str(b, value);
}

static inline struct config *world_config(const struct world *w)
{
	struct problems p = { 0 };
	struct config *c = NULL;
	struct buf b = { 0 };
	const char *g = w->cadence;

	buf_printf(&b,
		   "sender = { from = \"dana@example.com\"; postal_address = \"1 Main St\"; unsubscribe = "
		   "\"mailto:u@example.com\"; %s };\n",
		   w->warmup ? w->warmup : "");
	buf_printf(&b,
		   "smtp = { url = \"smtp://127.0.0.1:2525\"; %s };\nstore = { path = \"a.db\"; }; log = { path = "
		   "\"log\"; };\n"
		   "control = { socket = \"s\"; };\n%s\ncadence = { %s\n",
		   w->rate ? w->rate : "", w->more ? w->more : "", g ? g : "");
	world_default(&b, g, "contact =", "contact = { min_gap = \"0s\"; limits = [\"1000 per 1s\"]; };\n");
	world_default(&b, g, "account =", "account = { limits = [\"1000 per 1s\"]; };\n");
	world_default(&b, g, "window =", "window = { days = \"mon-sun\"; hours = \"00:00-24:00\"; };\n");
	world_default(&b, g, "backoff =", "backoff = { factor = 1; max_gap = \"30d\"; };\n");
	world_default(&b, g, "sunset =", "sunset = { touches = 0; silence = \"0d\"; };\n");
	world_default(&b, g, "gifts_per_ask =", "gifts_per_ask = 0;\n");
	buf_str(&b, "};\n");
	config_dir_put("abvd.conf", buf_text(&b));
	buf_clear(&b);
	buf_printf(&b, "sequence = { name = \"course\"; %s steps = ( %s ); };\n", w->sequence ? w->sequence : "",
		   w->steps ? w->steps
			    : "{ name = \"one\"; template = \"a.md\"; }, { name = \"two\"; template = \"b.md\"; },"
			      "{ name = \"three\"; template = \"c.md\"; }, { name = \"four\"; template = \"d.md\"; }");
	config_dir_put("sequences.d/course.conf", buf_text(&b));
	config_dir_put("sequences.d/other.conf", "sequence = { name = \"other\"; steps = ( { name = \"x\"; template = "
						 "\"x.md\"; }, { name = \"y\"; template = \"y.md\"; },"
						 "{ name = \"z\"; template = \"z.md\"; } ); };\n");
	buf_free(&b);
	if (config_load(config_dir_path("abvd.conf"), &c, &p) < 0)
		for (size_t i = 0; i < p.n; i++)
			print_error("%s: %s:%d: %s\n", w->name, p.row[i].file, p.row[i].line, p.row[i].message);
	problems_free(&p);
	assert_non_null(c);
	return c;
}

static char world_policy[DIGEST_HEX]; /* what policy=GIVEN stands for */

static inline void world_word(struct buf *b, const char *w, size_t n)
{
	char word[256];
	const char *eq, *slash;

	assert_true(n < sizeof word);
	memcpy(word, w, n);
	word[n] = '\0';
	eq = strchr(word, '=');
	slash = strchr(word, '/');
	if (!strcmp(word, "ann") || !strcmp(word, "ben")) {
		buf_printf(b, ",\"contact\":\"%s@acme.example\",\"account\":\"acme\"", word);
	} else if (!strcmp(word, "cem")) {
		buf_str(b, ",\"contact\":\"cem@else.example\",\"account\":\"else\"");
	} else if (!strcmp(word, "policy=GIVEN")) {
		buf_printf(b, ",\"policy\":\"%s\"", world_policy);
	} else if (eq && (!strcmp(eq + 1, "true") || !strcmp(eq + 1, "false") ||
			  (eq[1] && strspn(eq + 1, "0123456789") == strlen(eq + 1)))) {
		buf_printf(b, ",\"%.*s\":%s", (int)(eq - word), word, eq + 1);
	} else if (eq) {
		buf_printf(b, ",\"%.*s\":\"%s\"", (int)(eq - word), word, eq + 1);
	} else if (slash) {
		buf_printf(b, ",\"sequence\":\"%.*s\"", (int)(slash - word), word);
		if (slash[1])
			buf_printf(b, ",\"step\":\"%s\"", slash + 1);
	} else if (*word == 't' && word[1] >= '0' && word[1] <= '9') {
		buf_printf(b, ",\"touch\":%s", word + 1);
	} else if (!strcmp(word, "ask")) {
		buf_str(b, ",\"kind\":\"ask\"");
	} else {
		buf_printf(b, ",\"contact\":\"%s\"", word);
	}
}

/* One short line as the log has it. */
static inline void world_json(struct buf *b, const char *s, size_t n, int64_t seq)
{
	const char *end = s + n, *p = s + strcspn(s, " ") + 1;
	size_t word = strcspn(p, " \n");
	bool touch = !strncmp(p, "sent", 4) || !strncmp(p, "unknown", 7), seq_given = memmem(s, n, " seq=", 5);
	const char *id = memmem(s, n, " t", 2);

	buf_clear(b);
	buf_char(b, '{');
	if (!seq_given)
		buf_printf(b, "\"seq\":%lld,", (long long)seq);
	buf_printf(b, "\"ts\":\"%.*s\",\"event\":\"%.*s\"", (int)(p - s - 1), s, (int)word, p);
	if (touch && !memmem(s, n, "handed_at=", 10))
		buf_printf(b, ",\"handed_at\":\"%.*s\"", (int)(p - s - 1), s);
	if (touch && !memmem(s, n, " ask", 4))
		buf_str(b, ",\"kind\":\"value\"");
	if (touch && id && !memmem(s, n, "content=", 8))
		buf_printf(b, ",\"content\":\"c%.*s\"", (int)strcspn(id + 1, " \n"), id + 1);
	for (p += word; p < end; p += word) {
		p += strspn(p, " ");
		word = strcspn(p, " \n");
		word = p + word > end ? (size_t)(end - p) : word;
		if (word)
			world_word(b, p, word);
		else
			break;
	}
	buf_char(b, '}');
}

static inline void world_lines(struct audit *a, const char *log, int64_t *seq, bool counted)
{
	struct buf b = { 0 };
	int64_t line = 0;

	for (const char *p = log; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		size_t n = strcspn(p, "\n");
		const char *given = memmem(p, n, " seq=", 5);

		line++;
		if (given)
			*seq = strtoll(given + 5, NULL, 10) - 1;
		if (*p == '!') { /* as it is */
			(*seq)++;
			audit_line(a, "log", line, p + 1, n - 1);
			continue;
		}
		world_json(&b, p, n, ++*seq);
		audit_line(a, "log", counted ? line : 0, b.data, b.len);
	}
	buf_free(&b);
}

struct world_found {
	struct buf list, text;
};

static inline void world_violation(void *arg, const struct audit_violation *v)
{
	struct world_found *f = arg;

	buf_printf(&f->list, "%s%s@%lld", f->list.len ? " " : "", v->rule, (long long)v->line);
	buf_printf(&f->text, "  %lld: %s: %s\n", (long long)v->line, v->rule, v->text);
}

static inline bool world_holds(const struct world *w, struct audit_sum *sum)
{
	static const char *const three[] = { "ann", "ben", "cem" };
	struct config *c = world_config(w);
	struct audit *a = audit_new(c);
	struct world_found f = { 0 };
	struct buf b = { 0 };
	int64_t seq = 0;
	bool ok;

	memcpy(world_policy, c->policy_hash, sizeof world_policy);
	buf_str(&b, BEGIN " config_loaded policy=GIVEN\n");
	for (size_t i = 0; i < 3 && !w->bare; i++)
		buf_printf(&b,
			   BEGIN " contact_imported %s consent=opt_in consent_at=" BEGIN "\n" BEGIN
				 " enrolled %s course/\n",
			   three[i], three[i]);
	if (!w->bare)
		world_lines(a, buf_text(&b), &seq, false);
	world_lines(a, w->log, &seq, true);
	audit_end(a, world_violation, &f, sum);
	ok = !strcmp(buf_text(&f.list), w->expected);
	if (!ok)
		print_error("%s:\n  wanted %s\n  found  %s\n%s", w->name, w->expected, buf_text(&f.list),
			    buf_text(&f.text));
	audit_free(&a);
	config_free(&c);
	buf_free(&f.list);
	buf_free(&f.text);
	buf_free(&b);
	return ok;
}

static inline void world_rows(const struct world *row, size_t n)
{
	size_t bad = 0;
	struct audit_sum sum;

	for (size_t i = 0; i < n; i++)
		bad += !world_holds(&row[i], &sum);
	assert_int_equal(bad, 0);
}

static inline int world_setup(void **state)
{
	(void)state;
	config_dir_make();
	return 0;
}

static inline int world_teardown(void **state)
{
	(void)state;
	config_dir_remove();
	return 0;
}

#define ROWS(r) world_rows(r, sizeof(r) / sizeof *(r))

#endif
