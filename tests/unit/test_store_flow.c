/* rooms: base model rules store */
/* Enrollments, what is due, wakes, the edges of touches, events: what the scheduler rests on. */
#include "abv/attempt.h"
#include "store_dir.h"

/* ---- enrollments ---- */

static void test_enroll_once(void **state)
{
	struct store_dir *d = *state;
	struct enrollment_row *row;
	int64_t ann, id, other = 0;

	begin(d);
	ann = put(d, "ann@example.com", "example.com");
	id = enroll(d, ann, "s", T0 + 5);
	assert_int_equal(store_enroll(d->s, ann, "s", "first", 0, T0, T0, T0, &other, &d->e), 0);
	assert_int_equal(store_enrollment_stop(d->s, id, REASON_REPLIED, T0 + 1, &d->e), 1);
	assert_int_equal(store_enrollment_stop(d->s, id, REASON_REPLIED, T0 + 1, &d->e), 0);
	assert_int_equal(store_enroll(d->s, ann, "s", "first", 0, T0, T0, T0, &other, &d->e), 0); /* once, ever */
	assert_int_equal(store_enroll(d->s, 99, "s", "first", 0, T0, T0, T0, &other, &d->e), -1); /* nobody */
	commit(d);
	row = row_of(d, id);
	assert_int_equal(row->enrollment.state, ENROLLMENT_STOPPED);
	assert_int_equal(row->enrollment.ended, REASON_REPLIED);
	assert_string_equal(row->enrollment.sequence, "s");
	assert_string_equal(row->enrollment.step, "first");
	assert_int_equal(row->enrollment.account_id, 1);
	assert_string_equal(row->contact->email, "ann@example.com");
	assert_string_equal(row->contact->account, "example.com");
	enrollment_row_free(&row);
	assert_int_equal(store_enrollment(d->s, 99, &row, &d->e), 0);
	begin(d);
	assert_int_equal(store_enrollment_wait(d->s, id, REASON_AFTER, T0, T0, false, &d->e),
			 -1); /* it is not active */
	assert_int_equal(store_enrollment_advance(d->s, id, "x", 1, T0, T0, T0, &d->e), -1);
	assert_int_equal(store_enrollment_complete(d->s, id, T0, &d->e), -1);
	assert_int_equal(store_enrollment_stop(d->s, id, REASON_NONE, T0, &d->e), -1);
	store_rollback(d->s);
}

static void collect_queue(void *arg, const struct enrollment *en, const char *email)
{
	buf_printf(arg, "%lld%c ", (long long)en->id, *email);
}

static void expect_due(struct store_dir *d, const char *sequence, int64_t now, int max, const char *ids)
{
	struct due_row row[16];
	struct buf b = { 0 };
	int n = store_due(d->s, sequence, now, row, max, &d->e);

	for (int i = 0; i < n; i++)
		buf_printf(&b, "%lld ", (long long)row[i].enrollment_id);
	assert_string_equal(buf_text(&b), ids);
	buf_free(&b);
}

static void test_due(void **state)
{
	struct store_dir *d = *state;
	struct enrollment_row *row;
	struct buf b = { 0 };
	char email[32];
	int64_t touch, id = 0;

	begin(d);
	for (int i = 0; i < 5; i++) {
		snprintf(email, sizeof(email), "%c@example.com", 'a' + i);
		put(d, email, "");
	}
	enroll(d, 1, "s", T0 + 30); /* enrollment 1 */
	enroll(d, 2, "s", T0 + 10);
	enroll(d, 3, "t", T0 + 20);
	assert_int_equal(store_enroll(d->s, 4, "s", "first", 0, T0, T0 + 1, T0 + 10, &id, &d->e),
			 1); /* 4: due before 2 */
	enroll(d, 5, "s", CLOCK_NEVER);
	expect_due(d, "s", T0 + 9, 9, "");
	expect_due(d, "s", T0 + 10, 9, "4 2 ");
	expect_due(d, "s", T0 + 30, 9, "4 2 1 ");
	expect_due(d, "s", T0 + 30, 2, "4 2 ");
	expect_due(d, "t", T0 + 30, 9, "3 ");
	expect_due(d, "none", T0 + 30, 9, "");
	assert_int_equal(store_due_first(d->s, "s", 0), T0 + 10);
	assert_int_equal(store_due_first(d->s, "s", T0 + 10), T0 + 30);
	assert_int_equal(store_due_first(d->s, "s", T0 + 30), CLOCK_NEVER);
	assert_int_equal(store_due_first(d->s, "none", 0), CLOCK_NEVER);

	/* in flight: not due, whatever the row says; the next ones come up in its place */
	touch = reserve(d, 4, T0 + 10);
	expect_due(d, "s", T0 + 30, 2, "2 1 ");
	OK(d, store_wake_contact(d->s, 4, T0 + 10, &d->e));
	expect_due(d, "s", T0 + 30, 2, "2 1 ");
	OK(d, store_queue(d->s, 9, collect_queue, &b, &d->e));
	assert_string_equal(buf_text(&b), "2b 3c 1a 4d 5e ");
	buf_clear(&b);
	OK(d, store_queue(d->s, 2, collect_queue, &b, &d->e));
	assert_string_equal(buf_text(&b), "2b 3c ");
	buf_free(&b);
	row = row_of(d, 4);
	assert_int_equal(row->enrollment.touch_id, touch);
	assert_int_equal(row->enrollment.next_at, CLOCK_NEVER);
	enrollment_row_free(&row);
	commit(d);
	store_dir_reopen(d);
	expect_due(d, "s", T0 + 30, 2, "2 1 ");
	row = row_of(d, 4);
	assert_int_equal(row->enrollment.touch_id, touch);
	enrollment_row_free(&row);

	/* the flight ends: still its touch, still never, until someone writes; then a wake may bring it forward */
	begin(d);
	OK(d, store_touch_set(d->s, touch, TOUCH_DUE, T0 + 11, 0, "", &d->e));
	commit(d);
	store_dir_reopen(d);
	expect_due(d, "s", T0 + 30, 2, "2 1 ");
	row = row_of(d, 4);
	assert_int_equal(row->enrollment.touch_id, touch);
	assert_int_equal(row->enrollment.next_at, CLOCK_NEVER);
	enrollment_row_free(&row);
	begin(d);
	OK(d, store_wake_contact(d->s, 4, T0 + 12, &d->e));
	expect_due(d, "s", T0 + 30, 9, "2 4 1 ");
	commit(d);
}

/* The verbs that follow a touch's end in the same transaction, in either order. */
static void test_settling(void **state)
{
	enum { ADVANCE, WAIT, COMPLETE, STOP };
	static const struct {
		int verb;
		bool verb_first;
		enum enrollment_state expect;
		int64_t next_at;
		bool keeps_touch;
	} row[] = {
		{ ADVANCE, false, ENROLLMENT_ACTIVE, T0 + 100, false },
		{ ADVANCE, true, ENROLLMENT_ACTIVE, T0 + 100, false },
		{ WAIT, false, ENROLLMENT_ACTIVE, T0 + 100, true },
		{ WAIT, true, ENROLLMENT_ACTIVE, T0 + 100, true },
		{ COMPLETE, false, ENROLLMENT_COMPLETED, CLOCK_NEVER, true },
		{ STOP, false, ENROLLMENT_STOPPED, CLOCK_NEVER, true },
		{ STOP, true, ENROLLMENT_STOPPED, CLOCK_NEVER, true },
	};
	struct store_dir *d = *state;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char email[32];
		struct enrollment_row *r;
		int64_t en, touch;

		begin(d);
		snprintf(email, sizeof(email), "u%zu@example.com", i);
		en = enroll(d, put(d, email, ""), "s", T0);
		touch = reserve(d, en, T0 + 1);
		OK(d, store_touch_hand(d->s, touch, T0 + 2, &d->e));
		commit(d);
		begin(d);
		for (int step = 0; step < 2; step++) {
			if ((step == 0) != row[i].verb_first)
				OK(d, store_touch_set(d->s, touch, TOUCH_ACCEPTED, T0 + 3, 250, "", &d->e));
			else if (row[i].verb == ADVANCE)
				OK(d,
				   store_enrollment_advance(d->s, en, "second", 1, T0 + 3, T0 + 90, T0 + 100, &d->e));
			else if (row[i].verb == WAIT)
				OK(d, store_enrollment_wait(d->s, en, REASON_RETRY, T0 + 100, T0 + 100, false, &d->e));
			else if (row[i].verb == COMPLETE)
				OK(d, store_enrollment_complete(d->s, en, T0 + 3, &d->e));
			else
				assert_int_equal(store_enrollment_stop(d->s, en, REASON_REPLIED, T0 + 3, &d->e), 1);
		}
		commit(d);
		store_dir_reopen(d);
		r = row_of(d, en);
		if (r->enrollment.state != row[i].expect ||
		    r->enrollment.touch_id != (row[i].keeps_touch ? touch : 0) ||
		    r->enrollment.next_at != row[i].next_at)
			fail_msg("row %zu: state %d, touch %lld, next %lld", i, (int)r->enrollment.state,
				 (long long)r->enrollment.touch_id, (long long)r->enrollment.next_at);
		enrollment_row_free(&r);
	}
}

static void test_reactivate(void **state)
{
	struct store_dir *d = *state;
	struct enrollment_row *row;
	struct store_counts n;
	int64_t en, touch;

	begin(d);
	en = enroll(d, put(d, "ann@example.com", ""), "s", T0);
	touch = reserve(d, en, T0 + 1);
	OK(d, store_touch_hand(d->s, touch, T0 + 2, &d->e));
	OK(d, store_touch_set(d->s, touch, TOUCH_UNKNOWN, T0 + 3, 0, "", &d->e));
	OK(d, store_enrollment_complete(d->s, en, T0 + 3, &d->e));
	OK(d, store_touch_set(d->s, touch, TOUCH_DUE, T0 + 9, 0, "", &d->e));
	OK(d, store_enrollment_reactivate(d->s, en, "first", 0, touch, T0, T0 + 10, &d->e));
	assert_int_equal(store_enrollment_reactivate(d->s, 99, "first", 0, touch, T0, T0 + 10, &d->e), -1);
	commit(d);
	store_dir_reopen(d);
	row = row_of(d, en);
	assert_int_equal(row->enrollment.state, ENROLLMENT_ACTIVE);
	assert_int_equal(row->enrollment.touch_id, touch);
	assert_int_equal(row->enrollment.prev_at, T0);
	assert_int_equal(row->enrollment.next_at, T0 + 10);
	enrollment_row_free(&row);
	OK(d, store_counts(d->s, &n, &d->e));
	assert_int_equal(n.enrollments_active, 1);
	assert_int_equal(n.enrollments_completed, 0);
	assert_int_equal(n.touches[TOUCH_DUE], 1);
}

/* ---- wakes ---- */

static void test_wakes(void **state)
{
	enum { CONTACT, ACCOUNT, SEQUENCE, ALL, FLIGHT, FLIGHT_CONTACT, FLIGHT_ACCOUNT, CONFIG };
	/* who: ann, bob (example.com), eve (no account), in s; ann also in t. next_at of 1 ann/s, 2 bob/s, 3 eve/s, 4
	 * ann/t */
	static const struct {
		const char *name;
		int wake;
		const char *due;
		int woken;
	} row[] = {
		{ "contact", CONTACT, "1 4 ", 0 },
		{ "account", ACCOUNT, "1 2 4 ", 0 },
		{ "sequence", SEQUENCE, "1 2 3 ", 0 },
		{ "all", ALL, "1 2 3 4 ", 0 },
		{ "flights", FLIGHT, "1 3 ", 2 },
		{ "the contact's flights", FLIGHT_CONTACT, "1 ", 1 },
		{ "the account's flights", FLIGHT_ACCOUNT, "1 ", 1 },
		{ "configuration", CONFIG, "2 ", 0 },
	};
	struct store_dir *d = *state;

	begin(d);
	put(d, "ann@example.com", "example.com");
	put(d, "bob@example.com", "example.com");
	put(d, "eve@gmail.com", "");
	enroll(d, 1, "s", T0);
	enroll(d, 2, "s", T0);
	enroll(d, 3, "s", T0);
	enroll(d, 1, "t", T0);
	OK(d, store_enrollment_wait(d->s, 1, REASON_ACCOUNT_LIMIT, CLOCK_NEVER, CLOCK_NEVER, true, &d->e));
	OK(d, store_enrollment_wait(d->s, 2, REASON_GATE_REFUSED, CLOCK_NEVER, CLOCK_NEVER, false, &d->e));
	OK(d, store_enrollment_wait(d->s, 3, REASON_SENDER_LIMIT, T0 + 900, T0 + 900, true, &d->e));
	OK(d, store_enrollment_wait(d->s, 4, REASON_WINDOW, T0 + 800, T0 + 800, false, &d->e));
	commit(d);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct due_row s[4], t[4];
		struct buf b = { 0 };
		int rc = 0, n, m;

		begin(d);
		switch (row[i].wake) {
		case CONTACT: rc = store_wake_contact(d->s, 1, T0 + 5, &d->e); break;
		case ACCOUNT: rc = store_wake_account(d->s, 1, T0 + 5, &d->e); break;
		case SEQUENCE: rc = store_wake_sequence(d->s, "s", T0 + 5, &d->e); break;
		case ALL: rc = store_wake_sequence(d->s, NULL, T0 + 5, &d->e); break;
		case FLIGHT: rc = store_wake_flight(d->s, 0, 0, T0 + 5, &d->e); break;
		case FLIGHT_CONTACT: rc = store_wake_flight(d->s, 1, 0, T0 + 5, &d->e); break;
		case FLIGHT_ACCOUNT: rc = store_wake_flight(d->s, 2, 1, T0 + 5, &d->e); break;
		default: rc = store_wake_gate(d->s, T0 + 5, &d->e); break;
		}
		n = store_due(d->s, "s", T0 + 5, s, 4, &d->e);
		m = store_due(d->s, "t", T0 + 5, t, 4, &d->e);
		for (int k = 0; k < n; k++)
			buf_printf(&b, "%lld ", (long long)s[k].enrollment_id);
		for (int k = 0; k < m; k++)
			buf_printf(&b, "%lld ", (long long)t[k].enrollment_id);
		if (rc != row[i].woken || strcmp(buf_text(&b), row[i].due) != 0)
			fail_msg("%s: %d, due %s", row[i].name, rc, buf_text(&b));
		buf_free(&b);
		if (row[i].wake == FLIGHT) /* none is left that rests */
			assert_int_equal(store_wake_flight(d->s, 0, 0, T0 + 6, &d->e), 0);
		store_rollback(d->s);
	}
	/* a wake never puts off */
	begin(d);
	OK(d, store_wake_contact(d->s, 1, T0 + 100000, &d->e));
	assert_int_equal(store_due_first(d->s, "t", 0), T0 + 800);
	store_rollback(d->s);
}

/* ---- edges ---- */

/* Brings a new touch of the enrollment into a state; its id. */
static int64_t touch_in(struct store_dir *d, int64_t en, enum touch_state to)
{
	int64_t id = reserve(d, en, T0 + 1);

	if (to == TOUCH_RESERVED)
		return id;
	if (to == TOUCH_DUE || to == TOUCH_REFUSED_TEMP || to == TOUCH_REFUSED_PERM) {
		OK(d, store_touch_set(d->s, id, to, T0 + 2, 450, "later", &d->e));
		return id;
	}
	OK(d, store_touch_hand(d->s, id, T0 + 2, &d->e));
	if (to == TOUCH_HANDED)
		return id;
	OK(d, store_touch_set(d->s, id, to == TOUCH_ACCEPTED ? to : TOUCH_UNKNOWN, T0 + 3, 0, "", &d->e));
	if (to == TOUCH_DROPPED)
		OK(d, store_touch_set(d->s, id, to, T0 + 3, 0, "", &d->e));
	return id;
}

static int move(struct store_dir *d, int64_t id, int64_t en, int64_t contact, enum touch_state to)
{
	struct touch t = touch_of(id, en, contact, 0);

	if (to == TOUCH_RESERVED)
		return store_touch_reserve(d->s, &t, T0 + 4, &d->e);
	if (to == TOUCH_HANDED)
		return store_touch_hand(d->s, id, T0 + 4, &d->e);
	return store_touch_set(d->s, id, to, T0 + 4, 0, "", &d->e);
}

/* Every pair of states, against the table of edges; the error names both. */
static void test_edges(void **state)
{
	struct store_dir *d = *state;
	int n = 0;

	for (int from = 0; from < TOUCH_STATE_COUNT; from++) {
		for (int to = 0; to < TOUCH_STATE_COUNT; to++) {
			bool allowed = attempt_edge((enum touch_state)from, (enum touch_state)to);
			char email[32];
			int64_t contact, en, id;
			int rc;

			snprintf(email, sizeof(email), "u%d@example.com", n++);
			begin(d);
			contact = put(d, email, "");
			en = enroll(d, contact, "s", T0);
			id = touch_in(d, en, (enum touch_state)from);
			rc = move(d, id, en, contact, (enum touch_state)to);
			if (rc != (allowed ? 0 : -1))
				fail_msg("%s to %s: %d", touch_state_name(from), touch_state_name(to), rc);
			if (rc)
				assert_true(strstr(d->e.text, touch_state_name(from)) &&
					    strstr(d->e.text, touch_state_name(to)));
			store_rollback(d->s);
		}
	}
}

static void test_reserve_rules(void **state)
{
	struct store_dir *d = *state;
	struct touch t;
	struct touch *read;
	int64_t ann, en, id;

	begin(d);
	ann = put(d, "ann@example.com", "");
	en = enroll(d, ann, "s", T0);
	id = reserve(d, en, T0 + 1);
	t = touch_of(store_touch_new_id(d->s), en, ann, 0);
	assert_true(t.id > id);
	assert_int_equal(store_touch_reserve(d->s, &t, T0 + 1, &d->e), -1); /* one at a time */
	OK(d, store_touch_set(d->s, id, TOUCH_REFUSED_TEMP, T0 + 2, 450, "later", &d->e));
	t = touch_of(id, en, ann, 0);
	t.content = DIGEST_B;
	OK(d, store_touch_reserve(d->s, &t, T0 + 300, &d->e));
	t.content = "this is longer than any digest in hexadecimal";
	assert_int_equal(store_touch_reserve(d->s, &t, T0, &d->e), -1);
	assert_int_equal(store_touch_hand(d->s, 99, T0, &d->e), -1);
	assert_int_equal(store_touch_set(d->s, 99, TOUCH_DUE, T0, 0, "", &d->e), -1);
	commit(d);
	assert_int_equal(store_touch(d->s, id, &read, &d->e), 1);
	assert_int_equal(read->state, TOUCH_RESERVED);
	assert_int_equal(read->attempts, 2);
	assert_int_equal(read->first_at, T0 + 1);
	assert_int_equal(read->reserved_at, T0 + 300);
	assert_int_equal(read->handed_at, 0);
	assert_string_equal(read->content, DIGEST_B);
	assert_string_equal(read->sequence, "s");
	touch_free(&read);
	assert_int_equal(store_touch(d->s, 99, &read, &d->e), 0);
	store_dir_reopen(d);
	assert_true(store_touch_new_id(d->s) > id);
}

static void test_content_seen(void **state)
{
	static const struct {
		enum touch_state in;
		int expect;
	} row[] = {
		{ TOUCH_DUE, 0 },          { TOUCH_RESERVED, 1 },     { TOUCH_HANDED, 1 },  { TOUCH_ACCEPTED, 1 },
		{ TOUCH_REFUSED_TEMP, 0 }, { TOUCH_REFUSED_PERM, 0 }, { TOUCH_UNKNOWN, 1 }, { TOUCH_DROPPED, 0 },
	};
	struct store_dir *d = *state;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		int64_t ann, bob, id;

		begin(d);
		ann = put(d, "ann@example.com", "");
		bob = put(d, "bob@example.com", "");
		id = touch_in(d, enroll(d, ann, "s", T0), row[i].in);
		assert_int_equal(store_content_seen(d->s, ann, DIGEST_A, 0), row[i].expect);
		assert_int_equal(store_content_seen(d->s, ann, DIGEST_A, id), 0);
		assert_int_equal(store_content_seen(d->s, ann, DIGEST_B, 0), 0);
		assert_int_equal(store_content_seen(d->s, bob, DIGEST_A, 0), 0);
		store_rollback(d->s);
	}
}

/* ---- recovery ---- */

static void recover(void *arg, const struct touch *t)
{
	struct store_dir *d = arg;
	bool handed = t->state == TOUCH_HANDED;

	OK(d, store_touch_set(d->s, t->id, handed ? TOUCH_UNKNOWN : TOUCH_DUE, handed ? t->handed_at : T0 + 50, 0, "",
			      &d->e));
}

static void count_touch(void *arg, const struct touch *t)
{
	(void)t;
	++*(int *)arg;
}

/* As after a crash: the rows' callback changes what it is shown. */
/* older: what would have been written by an abvd with another schema. */
static void recovery(struct store_dir *d, const char *older)
{
	struct store_counts n;
	char email[32];
	int64_t retried;
	int left = 0, unknown = 0;

	begin(d);
	for (int i = 0; i < 20; i++) {
		snprintf(email, sizeof(email), "u%d@example.com", i);
		put(d, email, "");
		enroll(d, i + 1, "s", T0);
	}
	retried = touch_in(d, 1, TOUCH_REFUSED_TEMP); /* an old id, in flight again later */
	for (int64_t i = 2; i <= 10; i++)
		send(d, i, T0 + i);
	for (int64_t i = 11; i <= 20; i++)
		touch_in(d, i, i % 2 ? TOUCH_RESERVED : TOUCH_HANDED);
	{
		struct touch t = touch_of(retried, 1, 1, 0);

		OK(d, store_touch_reserve(d->s, &t, T0 + 9, &d->e));
	}
	commit(d);
	store_close(&d->s);
	sql(d->path, older);
	store_dir_open(d);
	begin(d);
	OK(d, store_touches_in(d->s, TOUCH_HANDED, recover, d, &d->e));
	OK(d, store_touches_in(d->s, TOUCH_RESERVED, recover, d, &d->e));
	OK(d, store_touches_in(d->s, TOUCH_RESERVED, count_touch, &left, &d->e));
	OK(d, store_touches_in(d->s, TOUCH_HANDED, count_touch, &left, &d->e));
	OK(d, store_touches_in(d->s, TOUCH_UNKNOWN, count_touch, &unknown, &d->e));
	commit(d);
	assert_int_equal(left, 0);
	assert_int_equal(unknown, 5);
	store_dir_reopen(d);
	OK(d, store_counts(d->s, &n, &d->e));
	assert_int_equal(n.touches[TOUCH_UNKNOWN], 5);
	assert_int_equal(n.touches[TOUCH_DUE], 6);
	assert_int_equal(n.touches[TOUCH_ACCEPTED], 9);
	assert_int_equal(n.touches[TOUCH_RESERVED] + n.touches[TOUCH_HANDED], 0);
}

static void test_recovery(void **state)
{
	recovery(*state, "");
}

/* Up to version 3 touches in flight had rows, which told what was handed over. */
static void test_recovery_of_version_3(void **state)
{
	recovery(*state, "UPDATE figure SET flights = x'';"
			 "INSERT INTO touch (id, enrollment_id, contact_id, step, kind, state, at, reserved_at, handed_at, first_at, content, "
			 "provider, message_id) SELECT 1000 + id, id, contact_id, step, 0, 1, 1790000000000, 1790000000000, "
			 "(id % 2 = 0) * 1790000000001, 1790000000000, 'c' || id, 'example.com', 'm' || id FROM enrollment WHERE id > 10");
}

/* ---- events ---- */

static void collect_event(void *arg, const struct event *ev)
{
	buf_printf(arg, "%lld %s %s;", (long long)ev->seq, event_type_name(ev->type), ev->address);
}

static void expect_events(struct store_dir *d, int64_t after, int limit, const char *expect)
{
	struct buf b = { 0 };

	assert_true(store_events(d->s, after, limit, collect_event, &b, &d->e) >= 0);
	assert_string_equal(buf_text(&b), expect);
	buf_free(&b);
}

static void test_events(void **state)
{
	struct store_dir *d = *state;
	struct buf b = { 0 };
	int64_t ann, bob, touch;

	begin(d);
	ann = put(d, "ann@example.com", "example.com");
	bob = put(d, "bob@example.com", "example.com");
	event(d, EVENT_DAEMON_STARTED, 0, "", 0, "");
	event(d, EVENT_ENROLLED, ann, "", 0, "");
	touch = touch_in(d, enroll(d, ann, "s", T0), TOUCH_REFUSED_TEMP);
	event(d, EVENT_REFUSED, ann, "", touch, "");
	event(d, EVENT_ENROLLED, bob, "", 0, "");
	event(d, EVENT_COMPLAINED, 0, "who@else.example", 0, "");
	{
		struct touch t = touch_of(touch, 1, ann, 1);

		OK(d, store_touch_reserve(d->s, &t, T0 + 9, &d->e)); /* in flight: its events are still Ann's */
	}
	commit(d);
	expect_events(d, 0, 2, "1 daemon_started ;2 enrolled ann@example.com;");
	expect_events(d, 3, 9, "4 enrolled bob@example.com;5 complained who@else.example;");
	OK(d, store_events_of(d->s, ann, collect_event, &b, &d->e));
	assert_string_equal(buf_text(&b), "2 enrolled ann@example.com;3 refused ann@example.com;");
	buf_free(&b);

	/* pruned: only what is synced and old; the last number is never given again, though no event is left */
	begin(d);
	assert_int_equal(store_events_prune(d->s, 5, T0, 9, &d->e), 0);
	assert_int_equal(store_events_prune(d->s, 3, T0 + 1, 2, &d->e), 2);
	assert_int_equal(store_events_prune(d->s, 3, T0 + 1, 9, &d->e), 1);
	expect_events(d, 0, 9, "4 enrolled bob@example.com;5 complained who@else.example;");
	assert_int_equal(store_events_prune(d->s, 5, T0 + 1, 9, &d->e), 2);
	commit(d);
	store_dir_reopen(d);
	assert_int_equal(store_event_last(d->s), 5);
	begin(d);
	assert_int_equal(event(d, EVENT_RESUMED, 0, "", 0, ""), 6);
	commit(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, store_dir_setup, store_dir_teardown)
		T(test_enroll_once), T(test_due),           T(test_settling),     T(test_reactivate), T(test_wakes),
		T(test_edges),       T(test_reserve_rules), T(test_content_seen), T(test_recovery),   T(test_events),
		T(test_recovery_of_version_3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
