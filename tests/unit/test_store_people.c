/* rooms: base model rules store */
/* Contacts, what forbids, and forgetting. */
#include "../../src/store/store_int.h"
#include "store_dir.h"

/* ---- put ---- */

static void test_put(void **state)
{
	struct contact base = contact_of("ann@example.com", "example.com");
	struct contact other = base, attributes = base, moved = base, twin = base;
	const struct {
		const char *name;
		const struct contact *c;
		enum put_result expect;
		int64_t id;
	} row[] = {
		{ "new", &base, PUT_CREATED, 1 },
		{ "again", &base, PUT_SAME, 1 },
		{ "title", &other, PUT_CHANGED, 1 },
		{ "same title", &other, PUT_SAME, 1 },
		{ "attributes", &attributes, PUT_CHANGED, 1 },
		{ "same attributes", &attributes, PUT_SAME, 1 },
		{ "no account", &moved, PUT_CHANGED, 1 },
		{ "same", &moved, PUT_SAME, 1 },
		{ "another address", &twin, PUT_CREATED, 2 },
	};
	struct store_dir *d = *state;
	struct contact *c = NULL;

	other.title = "CTO";
	attributes.attributes = (struct fields){ "industry\0saas\0", 14 };
	moved.account = "";
	moved.attributes = attributes.attributes;
	twin.email = "bob@example.com";
	begin(d);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		enum put_result result = 77;
		int64_t id = 0;

		OK(d, store_contact_put(d->s, row[i].c, T0, &result, &id, &d->e));
		if (result != row[i].expect || id != row[i].id)
			fail_msg("%s: result %d, id %lld", row[i].name, (int)result, (long long)id);
	}
	OK(d, store_contact_engaged(d->s, 1, T0 + 5, &d->e));
	assert_int_equal(store_contact_engaged(d->s, 99, T0, &d->e), -1);
	commit(d);
	assert_int_equal(store_contact_by_email(d->s, "ann@example.com", &c, &d->e), 1);
	assert_int_equal(c->id, 1);
	assert_int_equal(c->account_id, 0);
	assert_string_equal(c->account, "");
	assert_int_equal(c->engaged_at, T0 + 5);
	assert_int_equal(c->created_at, T0);
	assert_string_equal(fields_get(&c->attributes, "industry"), "saas");
	contact_free(&c);
	assert_null(c);
	/* an import changes neither engagement nor id */
	begin(d);
	put(d, "ann@example.com", "other.example");
	commit(d);
	assert_int_equal(store_contact_by_id(d->s, 1, &c, &d->e), 1);
	assert_int_equal(c->engaged_at, T0 + 5);
	assert_string_equal(c->account, "other.example");
	contact_free(&c);
	assert_int_equal(store_contact_by_id(d->s, 99, &c, &d->e), 0);
	assert_null(c);
}

/* A batch: contacts and accounts that are known, new, named several times, or none; also when nothing is remembered. */
static void test_put_many(void **state)
{
	static const struct {
		const char *email, *account, *title;
		bool leave;
		enum put_result expect;
		int64_t id, account_id;
	} row[] = {
		{ "a@one.example", "one.example", "", false, PUT_SAME, 1, 1 },
		{ "x@new.example", "new.example", "", false, PUT_CREATED, 3, 3 },
		{ "left@out.example", "out.example", "", true, PUT_CREATED, 0, 0 },
		{ "b@two.example", "two.example", "CTO", false, PUT_CHANGED, 2, 2 },
		{ "y@new.example", "new.example", "", false, PUT_CREATED, 4, 3 },
		{ "a@one.example", "out.example", "", true, PUT_CREATED, 0, 0 },
		{ "z@free.example", "", "", false, PUT_CREATED, 5, 0 },
		{ "c@one.example", "one.example", "", false, PUT_CREATED, 6, 1 },
		{ "d@last.example", "last.example", "", false, PUT_CREATED, 7, 4 },
	};
	enum { N = sizeof(row) / sizeof(row[0]) };
	struct store_dir *d = *state;
	struct contact_put put_row[N] = { 0 };
	struct event ev[2] = { { .ts = T0 + 7, .type = EVENT_CONTACT_IMPORTED, .contact_id = 7, .account = "last.example", .detail = "" },
			       { .ts = T0 + 7, .type = EVENT_CONTACT_IMPORTED, .contact_id = 5, .account = "", .detail = "\"a\":1" } };
	struct store_counts n;
	struct contact *c;

	begin(d);
	put(d, "a@one.example", "one.example");
	put(d, "b@two.example", "two.example");
	commit(d);
	store_dir_reopen(d); /* no account is remembered */
	assert_int_equal(store_contacts_put(d->s, put_row, 0, T0, &d->e), -1);
	assert_int_equal(store_events_add(d->s, ev, 2, &d->e), -1);
	begin(d);
	for (size_t i = 0; i < N; i++) {
		put_row[i].c = contact_of(row[i].email, row[i].account);
		put_row[i].c.title = row[i].title;
		put_row[i].leave = row[i].leave;
	}
	OK(d, store_contacts_known(d->s, put_row, N, &d->e));
	OK(d, store_contacts_put(d->s, put_row, N, T0, &d->e));
	OK(d, store_events_add(d->s, ev, 2, &d->e));
	commit(d);
	store_dir_reopen(d);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(!!put_row[i].known, *row[i].email == 'a' || *row[i].email == 'b');
		contact_free(&put_row[i].known);
		if (row[i].leave)
			continue;
		if (put_row[i].result != row[i].expect || put_row[i].c.id != row[i].id)
			fail_msg("row %zu: result %d, id %lld", i, (int)put_row[i].result, (long long)put_row[i].c.id);
		assert_int_equal(store_contact_by_email(d->s, row[i].email, &c, &d->e), 1);
		assert_int_equal(c->id, row[i].id);
		assert_int_equal(c->account_id, row[i].account_id);
		assert_string_equal(c->account, row[i].account);
		assert_string_equal(c->title, row[i].title);
		contact_free(&c);
	}
	assert_int_equal(store_contact_by_email(d->s, "left@out.example", &c, &d->e), 0);
	assert_int_equal(store_event_last(d->s), 2);
	OK(d, store_counts(d->s, &n, &d->e));
	assert_int_equal(n.contacts, 7);
	assert_int_equal(n.accounts, 4);
}

/* One bad row: nothing of the transaction may be committed, not even by a caller who did not look. */
static void test_put_many_fails(void **state)
{
	struct store_dir *d = *state;
	struct contact_put row[3] = { { .c = contact_of("a@one.example", "one.example") },
				      { .c = contact_of("", "two.example") },
				      { .c = contact_of("c@three.example", "three.example") } };
	struct store_counts n;

	begin(d);
	put(d, "before@one.example", "one.example");
	assert_int_equal(store_contacts_put(d->s, row, 3, T0, &d->e), -1);
	assert_int_equal(store_commit_now(d->s, &d->e), -1);
	OK(d, store_counts(d->s, &n, &d->e));
	assert_int_equal(n.contacts, 0);
	assert_int_equal(n.accounts, 0);
	begin(d);
	put(d, "a@one.example", "one.example");
	commit(d);
	OK(d, store_counts(d->s, &n, &d->e));
	assert_int_equal(n.accounts, 1);
}

static void collect(void *arg, const struct contact *c)
{
	buf_printf(arg, "%lld ", (long long)c->id);
}

static void test_slices(void **state)
{
	static const struct {
		const char *tag;
		int64_t after;
		int limit, n;
		const char *ids;
	} row[] = {
		{ NULL, 0, 3, 3, "1 2 3 " }, { NULL, 3, 9, 3, "4 5 6 " }, { "trial", 0, 9, 3, "1 3 5 " },
		{ "trial", 1, 1, 1, "3 " },  { "none", 0, 9, 0, "" },     { NULL, 6, 9, 0, "" },
	};
	struct store_dir *d = *state;
	char email[32], hash[64];
	int64_t id;

	begin(d);
	for (int i = 0; i < 7; i++) {
		struct contact c = contact_of(email, "");
		enum put_result result;

		snprintf(email, sizeof(email), "u%d@example.com", i);
		c.tags = i % 2 ? "other" : "webinar;trial";
		OK(d, store_contact_put(d->s, &c, T0, &result, &id, &d->e));
	}
	OK(d, store_contact_forget(d->s, 7, T0, hash, &d->e)); /* never shown */
	commit(d);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct buf b = { 0 };

		assert_int_equal(store_contacts(d->s, row[i].tag, row[i].after, row[i].limit, collect, &b, &d->e),
				 row[i].n);
		assert_string_equal(buf_text(&b), row[i].ids);
		buf_free(&b);
	}
}

/* ---- suppressions, holds ---- */

static void test_suppressions(void **state)
{
	static const struct {
		bool add;
		const char *target;
		enum reason why;
		int expect;
		const char *asked;
		enum reason then;
	} row[] = {
		{ true, "ann@example.com", REASON_UNSUBSCRIBED, 1, "ann@example.com", REASON_UNSUBSCRIBED },
		{ true, "ann@example.com", REASON_MANUAL, 0, "ann@example.com",
		  REASON_UNSUBSCRIBED }, /* the first reason stays */
		{ true, "@rival.example", REASON_MANUAL, 1, "bob@rival.example", REASON_MANUAL },
		{ true, "bob@rival.example", REASON_COMPLAINED, 1, "bob@rival.example",
		  REASON_COMPLAINED }, /* the address first */
		{ true, "@rival.example", REASON_MANUAL, 0, "eve@mail.rival.example",
		  REASON_NONE }, /* that domain only */
		{ false, "bob@rival.example", 0, 1, "bob@rival.example", REASON_MANUAL },
		{ false, "@rival.example", 0, 1, "bob@rival.example", REASON_NONE },
		{ false, "@rival.example", 0, 0, "ann@example.com", REASON_UNSUBSCRIBED },
		{ false, "ann@example.com", 0, 1, "ann@example.com", REASON_NONE },
	};
	struct store_dir *d = *state;

	begin(d);
	assert_int_equal(store_suppress(d->s, "x@example.com", REASON_NONE, "", T0, &d->e), -1);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		int got = row[i].add ? store_suppress(d->s, row[i].target, row[i].why, "", T0, &d->e)
				     : store_unsuppress(d->s, row[i].target, &d->e);

		if (got != row[i].expect || store_suppressed(d->s, row[i].asked) != row[i].then)
			fail_msg("row %zu: %d, then %s", i, got, reason_name(store_suppressed(d->s, row[i].asked)));
	}
	commit(d);
}

static void test_holds(void **state)
{
	struct store_dir *d = *state;
	struct contact *c = NULL;
	struct standing st;
	int64_t until;
	char reason[64];

	begin(d);
	put(d, "ann@example.com", "example.com");
	put(d, "bob@gmail.com", "");
	OK(d, store_contact_hold(d->s, 1, T0 + 7, "out of office", &d->e));
	OK(d, store_account_hold(d->s, 1, CLOCK_NEVER, "replied", &d->e));
	commit(d);
	store_dir_reopen(d);
	assert_int_equal(store_contact_by_id(d->s, 1, &c, &d->e), 1);
	OK(d, store_standing(d->s, c, &st, &d->e));
	assert_int_equal(st.contact_hold, T0 + 7);
	assert_int_equal(st.account_hold, CLOCK_NEVER);
	assert_int_equal(st.suppressed, REASON_NONE);
	OK(d, store_contact_hold_get(d->s, 1, &until, reason, &d->e));
	assert_string_equal(reason, "out of office");
	begin(d);
	OK(d, store_contact_hold(d->s, 1, T0 + 9, "longer", &d->e));
	OK(d, store_account_hold(d->s, 1, 0, "", &d->e));
	OK(d, store_suppress(d->s, "@example.com", REASON_MANUAL, "", T0, &d->e) != 1);
	commit(d);
	OK(d, store_standing(d->s, c, &st, &d->e));
	assert_int_equal(st.contact_hold, T0 + 9);
	assert_int_equal(st.account_hold, 0);
	assert_int_equal(st.suppressed, REASON_MANUAL);
	contact_free(&c);
	assert_int_equal(store_contact_by_id(d->s, 2, &c, &d->e), 1); /* nobody's account */
	OK(d, store_standing(d->s, c, &st, &d->e));
	assert_int_equal(st.contact_hold, 0);
	assert_int_equal(st.account_hold, 0);
	contact_free(&c);
}

/* ---- forgetting ---- */

static void collect_event(void *arg, const struct event *ev)
{
	buf_printf(arg, "%lld|%s|%s\n", (long long)ev->seq, ev->address, ev->detail);
}

static void collect_touch(void *arg, const struct touch *t)
{
	buf_printf(arg, "%lld %s [%s]\n", (long long)t->id, touch_state_name(t->state), t->smtp_reply);
}

/* Ann: an event from before she was a contact, one without a touch, one of a touch; a touch accepted, one in flight. */
static void fill_ann(struct store_dir *d)
{
	int64_t ann, touch;

	event(d, EVENT_SUPPRESSED, 0, "ann@example.com", 0, "\"reason\":\"manual\",\"note\":\"asked Ann\"");
	ann = put(d, "ann@example.com", "example.com");
	event(d, EVENT_REPLIED, ann, "", 0,
	      "\"subject\":\"Re: hello\",\"text\":\"call me, Ann\",\"until\":\"2026-01-01T00:00:00.000Z\"");
	touch = send(d, enroll(d, ann, "s", T0), T0 + 1);
	event(d, EVENT_SENT, ann, "", touch,
	      "\"smtp_code\":250,\"smtp_reply\":\"ok ann@example.com\",\"content\":\"" DIGEST_A "\"");
	reserve(d, enroll(d, ann, "t", T0), T0 + 2);
	event(d, EVENT_STOPPED, ann, "", 0, "\"reason\":\"Ann said so\",\"permanent\":true");
	event(d, EVENT_STOPPED, ann, "", 0, "not JSON, Ann");
	OK(d, store_contact_hold(d->s, ann, T0 + 50, "Ann is away", &d->e));
	assert_int_equal(store_suppress(d->s, "ann@example.com", REASON_UNSUBSCRIBED, "Ann wrote", T0, &d->e), 1);
}

static void test_forget(void **state)
{
	struct store_dir *d = *state;
	struct contact *c = NULL;
	struct buf b = { 0 }, expect = { 0 };
	char hash[64], again[64];
	int64_t until;

	begin(d);
	fill_ann(d);
	OK(d, store_contact_forget(d->s, 1, T0 + 10, hash, &d->e));
	commit(d);
	store_dir_reopen(d);
	assert_int_equal(strncmp(hash, "hash:", 5), 0);
	assert_int_equal(strlen(hash), 5 + DIGEST_HEX - 1);

	assert_int_equal(store_contact_by_email(d->s, "ann@example.com", &c, &d->e), 0);
	assert_int_equal(store_contact_by_email(d->s, hash, &c, &d->e), 1);
	assert_true(c->forgotten);
	assert_int_equal(c->id, 1);
	assert_int_equal(c->account_id, 1); /* the account's caps go on holding */
	assert_string_equal(c->first_name, "");
	assert_string_equal(c->consent, "");
	contact_free(&c);

	assert_true(store_events(d->s, 0, 99, collect_event, &b, &d->e) == 5);
	buf_printf(&expect, "1|%s|\"reason\":\"manual\"\n2|%s|\"until\":\"2026-01-01T00:00:00.000Z\"\n", hash, hash);
	buf_printf(&expect, "3|%s|\"smtp_code\":250,\"content\":\"" DIGEST_A "\"\n4|%s|\"permanent\":true\n5|%s|\n",
		   hash, hash, hash);
	assert_string_equal(buf_text(&b), buf_text(&expect));
	buf_clear(&b);
	OK(d, store_touches_of(d->s, 1, collect_touch, &b, &d->e));
	assert_string_equal(buf_text(&b), "1 accepted []\n2 reserved []\n");

	assert_int_equal(store_suppressed(d->s, hash), REASON_ERASED);
	assert_int_equal(store_suppressed(d->s, "ann@example.com"), REASON_ERASED);
	OK(d, store_contact_hold_get(d->s, 1, &until, again, &d->e));
	assert_int_equal(until, 0);

	/* forgetting twice changes nothing; a later import of the address is another contact, suppressed, and can be
	 * forgotten too */
	begin(d);
	OK(d, store_contact_forget(d->s, 1, T0 + 11, again, &d->e));
	assert_string_equal(again, hash);
	assert_int_equal(put(d, "ann@example.com", "example.com"), 2);
	assert_int_equal(store_suppressed(d->s, "ann@example.com"), REASON_ERASED);
	OK(d, store_contact_forget(d->s, 2, T0 + 12, again, &d->e));
	assert_string_equal(again, hash);
	assert_int_equal(store_contact_forget(d->s, 99, T0, again, &d->e), -1);
	assert_int_equal(store_unsuppress(d->s, "ann@example.com", &d->e),
			 1); /* by the hash: nothing else is left of it */
	assert_int_equal(store_suppressed(d->s, "ann@example.com"), REASON_NONE);
	commit(d);
	buf_free(&b);
	buf_free(&expect);
}

/* Nothing of the person is in the file any more: not in a row, not in a freed page, and after a close not in the log of
 * changes either. */
static void test_forget_file(void **state)
{
	struct store_dir *d = *state;
	struct buf file = { 0 };
	char hash[64];

	begin(d);
	fill_ann(d);
	commit(d);
	begin(d);
	OK(d, store_contact_forget(d->s, 1, T0 + 10, hash, &d->e));
	commit(d);
	store_close(&d->s);
	assert_int_equal(buf_read_file(&file, d->path, 1 << 24), 0);
	assert_null(memmem(file.data, file.len, "ann@", 4));
	assert_null(memmem(file.data, file.len, "Ann", 3));
	assert_non_null(memmem(file.data, file.len, hash, strlen(hash)));
	buf_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, store_dir_setup, store_dir_teardown)
		T(test_put),
		T(test_put_many),
		T(test_put_many_fails), T(test_slices), T(test_suppressions), T(test_holds), T(test_forget), T(test_forget_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
