/* rooms: base model rules store */
/* What `explain` reads of the store: the touches that caps count, the newest first, and who else of an account may go.
 */
#include "store_dir.h"

static void line(void *arg, const struct touch *t)
{
	buf_printf(arg, "%lld:%s ", (long long)t->id, touch_state_name(t->state));
}

static void expect(struct store_dir *d, int64_t contact, int64_t account, int64_t since, int limit, const char *want)
{
	struct buf b = { 0 };

	OK(d, store_touches_counted(d->s, contact, account, since, limit, line, &b, &d->e));
	assert_string_equal(buf_text(&b), want);
	buf_free(&b);
}

/* A touch of a contact in an enrollment of its own, brought to `to`, at T0 + id. */
static void touch(struct store_dir *d, int64_t id, int64_t contact, int64_t account, enum touch_state to)
{
	char sequence[16];
	struct touch t;

	snprintf(sequence, sizeof(sequence), "s%lld", (long long)id);
	begin(d);
	t = touch_of(id, enroll(d, contact, sequence, T0), contact, account);
	OK(d, store_touch_reserve(d->s, &t, T0 + id, &d->e));
	if (to != TOUCH_RESERVED)
		OK(d, store_touch_hand(d->s, id, T0 + id, &d->e));
	if (to != TOUCH_RESERVED && to != TOUCH_HANDED)
		OK(d, store_touch_set(d->s, id, to, T0 + id, 250, "", &d->e));
	commit(d);
}

static void test_counted(void **state)
{
	struct store_dir *d = *state;

	begin(d);
	put(d, "ann@acme.example", "acme");
	put(d, "bob@acme.example", "acme");
	put(d, "eve@other.example", "other");
	commit(d);
	touch(d, 1, 1, 1, TOUCH_ACCEPTED);
	touch(d, 2, 2, 1, TOUCH_UNKNOWN);
	touch(d, 3, 3, 2, TOUCH_ACCEPTED);
	touch(d, 4, 1, 1, TOUCH_REFUSED_TEMP);
	touch(d, 5, 1, 1, TOUCH_ACCEPTED);
	touch(d, 6, 1, 1, TOUCH_RESERVED);
	touch(d, 7, 2, 1, TOUCH_HANDED);
	expect(d, 1, 0, 0, 9, "6:reserved 5:accepted 1:accepted ");
	expect(d, 1, 0, T0 + 5, 9, "6:reserved 5:accepted "); /* `since` itself counts */
	expect(d, 1, 0, T0 + 6, 9, "6:reserved ");            /* what is on its way counts whatever its time */
	expect(d, 1, 0, 0, 2, "6:reserved 5:accepted ");
	expect(d, 1, 0, 0, 1, "6:reserved ");
	expect(d, 0, 1, 0, 9, "6:reserved 7:handed 5:accepted 2:unknown 1:accepted ");
	expect(d, 0, 2, 0, 9, "3:accepted ");
	expect(d, 9, 0, 0, 9, "");
}

static void test_colleagues(void **state)
{
	struct store_dir *d = *state;
	int64_t id[4];

	begin(d);
	put(d, "ann@acme.example", "acme");
	put(d, "bob@acme.example", "acme");
	put(d, "eve@other.example", "other");
	enroll(d, 1, "a", T0);                /* 1: their own */
	enroll(d, 2, "a", T0 + 5);            /* 2 */
	int64_t done = enroll(d, 2, "b", T0); /* 3: has ended */
	enroll(d, 2, "c", T0 + 6);            /* 4: later */
	enroll(d, 3, "a", T0);                /* 5: another account */
	OK(d, store_enrollment_complete(d->s, done, T0, &d->e));
	commit(d);
	assert_int_equal(store_colleagues(d->s, 1, 1, T0 + 5, id, 4, &d->e), 1);
	assert_int_equal(id[0], 2);
	assert_int_equal(store_colleagues(d->s, 1, 1, T0 + 6, id, 4, &d->e), 2);
	assert_true(id[0] == 2 && id[1] == 4);
	assert_int_equal(store_colleagues(d->s, 1, 1, T0 + 6, id, 1, &d->e), 1);
	assert_int_equal(store_colleagues(d->s, 2, 3, T0 + 6, id, 4, &d->e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counted, store_dir_setup, store_dir_teardown),
		cmocka_unit_test_setup_teardown(test_colleagues, store_dir_setup, store_dir_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
