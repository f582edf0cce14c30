/* For tests of the engagement log: a real store, and files in a temporary directory. */
#ifndef JOURNAL_FIXTURE_H
#define JOURNAL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/journal.h"
#include "abv/json.h"
#include "abv/mem.h"

#define T0 INT64_C(1795510200000) /* 2026-11-24T08:10:00Z */

static char dir[64], log_path[96], log_1[96];

struct fixture {
	struct store *store;
	struct journal *journal;
	struct err err;
};

static inline int unlink_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	snprintf(dir, sizeof(dir), "%s/abvd-test-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(log_path, sizeof(log_path), "%s/log.jsonl", dir);
	snprintf(log_1, sizeof(log_1), "%s/log.jsonl.1", dir);
	assert_int_equal(store_open(":memory:", &f->store, &f->err), STORE_OK);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	journal_close(&f->journal);
	store_close(&f->store);
	free(f);
	return nftw(dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void put_event_of(struct fixture *f, const char *address, const char *detail)
{
	struct event ev = {
		.ts = T0,
		.type = EVENT_SUPPRESSED,
		.address = address,
		.account = "acme.example",
		.sequence = "",
		.step = "",
		.kind = -1,
		.detail = detail,
	};
	int64_t seq;

	assert_int_equal(store_begin(f->store, &f->err), 0);
	assert_int_equal(store_event_add(f->store, &ev, &seq, &f->err), 0);
	assert_int_equal(store_commit_now(f->store, &f->err), 0);
}

static inline void put_events(struct fixture *f, int n)
{
	for (int i = 0; i < n; i++)
		put_event_of(f, "ann@acme.example", i % 2 ? "\"reason\":\"manual\"" : "");
}

static inline int open_log(struct fixture *f)
{
	f->err.text[0] = '\0';
	return journal_open(f->store, log_path, &f->journal, &f->err);
}

static inline void must_open(struct fixture *f)
{
	if (open_log(f))
		fail_msg("%s", f->err.text);
}

static inline void must(struct fixture *f, int rc)
{
	if (rc)
		fail_msg("%s", f->err.text);
}

static char *slurp(const char *path)
{
	struct buf b = { 0 };

	if (buf_read_file(&b, path, SIZE_MAX))
		buf_clear(&b);
	return buf_take(&b);
}

static inline void spill(const char *path, const char *text, size_t n)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, n, out), n);
	assert_int_equal(fclose(out), 0);
}

/* The file holds lines from..to, each a JSON object, and nothing else. */
static inline void expect_lines(const char *path, int64_t from, int64_t to)
{
	char *text = slurp(path), *save = text;

	for (int64_t seq = from; seq <= to; seq++) {
		char *nl = strchr(text, '\n');
		json_t *root;

		if (!nl)
			fail_msg("%s: no line for seq %lld", path, (long long)seq);
		root = json_loadb(text, (size_t)(nl - text), 0, NULL);
		assert_int_equal(json_integer_value(json_object_get(root, "seq")), seq);
		json_decref(root);
		text = nl + 1;
	}
	assert_string_equal(text, "");
	free(save);
}

#endif
