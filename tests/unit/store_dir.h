/* For tests of the store: a store in a directory of its own, and short ways to fill it. Every call is asserted. */
#ifndef ABV_TEST_STORE_DIR_H
#define ABV_TEST_STORE_DIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "abv/mem.h"
#include "abv/store.h"

#define T0       (INT64_C(1790000000) * CLOCK_SECOND) /* an arbitrary start: 2026-09-21T14:13:20Z */
#define DIGEST_A "00112233445566778899aabbccddeeff"
#define DIGEST_B "ffeeddccbbaa99887766554433221100"

struct store_dir {
	char dir[64], path[96];
	struct store *s;
	struct err e;
};

#define OK(d, call)                                                                                                    \
	do {                                                                                                           \
		if ((call) != 0)                                                                                       \
			fail_msg("%s: %s", #call, (d)->e.text);                                                        \
	} while (0)

static inline void store_dir_open(struct store_dir *d)
{
	if (store_open(d->path, &d->s, &d->e) != STORE_OK)
		fail_msg("%s", d->e.text);
}

static inline void store_dir_reopen(struct store_dir *d)
{
	store_close(&d->s);
	store_dir_open(d);
}

static inline void store_dir_make(struct store_dir *d)
{
	*d = (struct store_dir){ .dir = "/tmp/abv-store-XXXXXX" };
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->path, sizeof(d->path), "%s/abvd.db", d->dir);
}

static inline int store_dir_setup(void **state)
{
	struct store_dir *d = mem_alloc(sizeof(*d));

	store_dir_make(d);
	store_dir_open(d);
	*state = d;
	return 0;
}

static inline int store_dir_teardown(void **state)
{
	static const char *const suffix[] = { "", "-wal", "-shm", "-journal" };
	struct store_dir *d = *state;
	char name[128];

	store_close(&d->s);
	for (size_t i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", d->path, suffix[i]);
		(void)remove(name); /* test_store.c puts a directory there */
	}
	assert_int_equal(rmdir(d->dir), 0);
	free(d);
	return 0;
}

/* Of a store that is closed. */
static inline void sql(const char *path, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static inline void begin(struct store_dir *d)
{
	OK(d, store_begin(d->s, &d->e));
}

static inline void commit(struct store_dir *d)
{
	OK(d, store_commit_now(d->s, &d->e));
}

static inline struct contact contact_of(const char *email, const char *account)
{
	return (struct contact){ .email = email,
				 .account = account,
				 .account_name = "",
				 .first_name = "Ann",
				 .last_name = "",
				 .title = "",
				 .timezone = "",
				 .owner = "",
				 .tags = "",
				 .consent = "opt_in",
				 .consent_source = "",
				 .consent_at = T0 };
}

static inline int64_t put(struct store_dir *d, const char *email, const char *account)
{
	struct contact c = contact_of(email, account);
	enum put_result result;
	int64_t id;

	OK(d, store_contact_put(d->s, &c, T0, &result, &id, &d->e));
	return id;
}

static inline int64_t enroll(struct store_dir *d, int64_t contact, const char *sequence, int64_t next_at)
{
	int64_t id = 0;

	if (store_enroll(d->s, contact, sequence, "first", 0, T0, next_at, next_at, &id, &d->e) != 1)
		fail_msg("enroll: %s", d->e.text);
	return id;
}

static inline struct enrollment_row *row_of(struct store_dir *d, int64_t enrollment)
{
	struct enrollment_row *row = NULL;

	if (store_enrollment(d->s, enrollment, &row, &d->e) != 1)
		fail_msg("enrollment: %s", d->e.text);
	return row;
}

static inline struct touch touch_of(int64_t id, int64_t enrollment, int64_t contact, int64_t account)
{
	return (struct touch){ .id = id,
			       .enrollment_id = enrollment,
			       .contact_id = contact,
			       .account_id = account,
			       .sequence = "s",
			       .step = "first",
			       .kind = KIND_VALUE,
			       .content = DIGEST_A,
			       .provider = "example.com",
			       .message_id = "m1@example.com",
			       .smtp_reply = "" };
}

/* Reserves; the touch's id. */
static inline int64_t reserve(struct store_dir *d, int64_t enrollment, int64_t now)
{
	struct enrollment_row *row = row_of(d, enrollment);
	struct touch t = touch_of(store_touch_new_id(d->s), enrollment, row->contact->id, row->contact->account_id);

	t.provider = mailaddr_domain(row->contact->email);
	OK(d, store_touch_reserve(d->s, &t, now, &d->e));
	enrollment_row_free(&row);
	return t.id;
}

/* Reserved, handed over, accepted at `at`; the touch's id. */
static inline int64_t send(struct store_dir *d, int64_t enrollment, int64_t at)
{
	int64_t id = reserve(d, enrollment, at);

	OK(d, store_touch_hand(d->s, id, at, &d->e));
	OK(d, store_touch_set(d->s, id, TOUCH_ACCEPTED, at, 250, "2.0.0 Ok", &d->e));
	return id;
}

static inline int64_t event(struct store_dir *d, enum event_type type, int64_t contact, const char *address,
			    int64_t touch, const char *detail)
{
	struct event ev = { .ts = T0,
			    .type = type,
			    .contact_id = contact,
			    .address = address,
			    .account = "",
			    .sequence = "",
			    .step = "",
			    .kind = -1,
			    .touch_id = touch,
			    .detail = detail };
	int64_t seq = 0;

	OK(d, store_event_add(d->s, &ev, &seq, &d->e));
	return seq;
}

#endif
