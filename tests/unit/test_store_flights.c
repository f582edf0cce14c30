/* rooms: base model rules store */
/* The record of what is in flight: what is written is read, and bytes that are cut or changed are told or read, never more. */
#include "../../src/store/store_int.h"
#include "store_dir.h"

#define FLIGHTS 6

/* Six reserved, every second of them handed over. */
static void fly(struct store_dir *d)
{
	char email[32];

	begin(d);
	for (int i = 0; i < FLIGHTS; i++) {
		snprintf(email, sizeof(email), "u%d@example.com", i);
		int64_t contact = put(d, email, "example.com");
		int64_t touch = reserve(d, enroll(d, contact, "s", T0), T0 + i);

		if (i % 2)
			OK(d, store_touch_hand(d->s, touch, T0 + 100 + i, &d->e));
	}
	commit(d);
}

static void test_written_and_read(void **state)
{
	struct store_dir *d = *state;
	int64_t handed, rowless;
	struct buf b = { 0 };

	fly(d);
	store_dir_reopen(d);
	assert_int_equal(d->s->flights.n, FLIGHTS);
	for (size_t i = 0; i < FLIGHTS; i++) {
		struct touch *t = NULL;

		assert_int_equal(store_touch(d->s, d->s->flights.touch[i], &t, &d->e), 1);
		assert_int_equal(t->state, i % 2 ? TOUCH_HANDED : TOUCH_RESERVED);
		assert_int_equal(t->handed_at, i % 2 ? T0 + 100 + (int64_t)i : 0);
		assert_int_equal(t->reserved_at, T0 + (int64_t)i);
		assert_int_equal(t->first_at, t->reserved_at);
		assert_int_equal(t->attempts, 1);
		assert_string_equal(t->sequence, "s");
		assert_string_equal(t->step, "first");
		assert_string_equal(t->content, DIGEST_A);
		assert_true(*t->provider && *t->message_id);
		touch_free(&t);
	}
	store_flights_write(&d->s->flights, &b);
	assert_int_equal(store_flights_count(b.data, b.len, &handed, &rowless), 0);
	assert_int_equal(handed, FLIGHTS / 2);
	assert_int_equal(rowless, FLIGHTS);
	buf_free(&b);
}

/* A copy of exactly n bytes, so that a reader that goes on behind them is seen by a sanitizer. */
static int read_some(struct store_dir *d, const char *p, size_t n)
{
	struct flights empty = { 0 }, kept = d->s->flights;
	char *copy = mem_array(n + 1, 1);
	int64_t handed, rowless;
	int rc, counted;

	memcpy(copy + 1, p, n);
	d->s->flights = empty;
	rc = store_flights_read(d->s, copy + 1, n, &d->e);
	counted = store_flights_count(copy + 1, n, &handed, &rowless);
	if (!rc)
		assert_int_equal(counted, 0);
	store_flights_free(d->s);
	d->s->flights = kept;
	free(copy);
	return rc;
}

static void test_cut_and_changed(void **state)
{
	struct store_dir *d = *state;
	struct buf b = { 0 };
	int whole = 0;

	fly(d);
	store_flights_write(&d->s->flights, &b);
	for (size_t n = 0; n <= b.len; n++)
		whole += read_some(d, b.data, n) == 0;
	assert_int_equal(whole, FLIGHTS + 1); /* only where one ends */
	for (size_t i = 0; i < b.len; i++) {
		char was = b.data[i];

		for (int bit = 0; bit < 8; bit++) {
			b.data[i] = (char)(was ^ (1 << bit));
			(void)read_some(d, b.data, b.len);
		}
		b.data[i] = was;
	}
	assert_int_equal(read_some(d, b.data, b.len), 0);
	buf_free(&b);
}

static void test_damaged_is_told(void **state)
{
	struct store_dir *d = *state;

	fly(d);
	store_close(&d->s);
	sql(d->path, "UPDATE figure SET flights = substr(flights, 1, length(flights) - 3)");
	assert_int_equal(store_open(d->path, &d->s, &d->e), STORE_IO);
	assert_non_null(strstr(d->e.text, "in flight is damaged"));
	sql(d->path, "UPDATE figure SET flights = x''");
	store_dir_open(d);
}

static void told(void *arg, const char *text)
{
	(void)arg;
	fail_msg("%s", text);
}

/* While a touch flies its enrollment may be written, and names a touch that has no row yet: nothing is wrong with that. */
static void test_written_in_flight(void **state)
{
	struct store_dir *d = *state;
	struct store_file *f = NULL;

	begin(d);
	int64_t enrollment = enroll(d, put(d, "u@example.com", "example.com"), "s", T0);
	(void)reserve(d, enrollment, T0);
	commit(d);
	begin(d);
	OK(d, store_enrollment_wait(d->s, enrollment, REASON_GIFTS, CLOCK_NEVER, T0, false, &d->e));
	commit(d);
	store_close(&d->s);
	if (store_file_open(d->path, true, &f, &d->e) != STORE_OK)
		fail_msg("%s", d->e.text);
	store_file_check(f, true, told, NULL);
	store_file_close(&f);
	store_dir_open(d);
}

static void type_row(void *arg, const struct event *ev)
{
	*(enum event_type *)arg = ev->type;
}

/* After a rollback the disk could not be read to the end: who reads events for the log does not get them without their names. */
static void test_names_are_read_again(void **state)
{
	struct store_dir *d = *state;
	struct event ev = { .ts = T0, .type = EVENT_PAUSED, .address = "", .account = "", .sequence = "", .step = "", .kind = -1, .detail = "" };
	enum event_type type = EVENT_TYPE_COUNT;

	begin(d);
	OK(d, store_event_add(d->s, &ev, NULL, &d->e));
	commit(d);
	store_fresh_clear(d->s);
	store_names_free(d->s);
	d->s->stale = true;
	assert_int_equal(store_events(d->s, 0, 10, type_row, &type, &d->e), 1);
	assert_int_equal(type, EVENT_PAUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_written_and_read, store_dir_setup, store_dir_teardown),
		cmocka_unit_test_setup_teardown(test_cut_and_changed, store_dir_setup, store_dir_teardown),
		cmocka_unit_test_setup_teardown(test_written_in_flight, store_dir_setup, store_dir_teardown),
		cmocka_unit_test_setup_teardown(test_names_are_read_again, store_dir_setup, store_dir_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_is_told, store_dir_setup, store_dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
