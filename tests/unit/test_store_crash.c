/* rooms: base model rules store */
/* A child works on the store and is killed (SIGKILL) at a random instant, again and again. What it had told us was
 * committed is there; what it had not committed is either whole or not there at all; and everything that the store
 * keeps in step with everything else still is. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "../../src/store/store_int.h"
#include "store_dir.h"

#define ROUNDS   60
#define CONTACTS 40
#define BATCH    12 /* messages of a transaction */

/* ---- the child ---- */

static void join(struct store_dir *d)
{
	struct store_counts n;
	char email[32];

	OK(d, store_counts(d->s, &n, &d->e));
	snprintf(email, sizeof(email), "u%lld@example.com", (long long)n.contacts);
	enroll(d, put(d, email, "example.com"), "s", T0);
}

/* One transaction, as a turn of the scheduler: results of the last one's touches, new reservations, an event each.
 * Returns the last event's number. */
static int64_t turn(struct store_dir *d, int64_t *flying, int *n, int64_t now)
{
	struct due_row due[BATCH];
	int64_t seq = store_event_last(d->s);
	int got;

	begin(d);
	for (int i = 0; i < *n; i++) {
		struct touch *t = NULL;

		assert_int_equal(store_touch(d->s, flying[i], &t, &d->e), 1);
		if (i % 5 == 4) {
			OK(d, store_touch_set(d->s, t->id, TOUCH_REFUSED_PERM, now, 550, "no", &d->e));
			assert_int_equal(store_enrollment_stop(d->s, t->enrollment_id, REASON_REFUSED, now, &d->e), 1);
			join(d); /* so that there is always somebody */
		} else {
			OK(d, store_touch_hand(d->s, t->id, now, &d->e));
			OK(d, store_touch_set(d->s, t->id, TOUCH_ACCEPTED, now, 250, "ok", &d->e));
			OK(d, store_enrollment_advance(d->s, t->enrollment_id, "next", 1, now, now, now + 5, &d->e));
		}
		seq = event(d, EVENT_SENT, t->contact_id, "", t->id, "\"smtp_code\":250");
		touch_free(&t);
	}
	got = store_due(d->s, "s", now, due, BATCH, &d->e);
	for (*n = 0; *n < got; ++*n)
		flying[*n] = reserve(d, due[*n].enrollment_id, now);
	commit(d);
	return seq;
}

/* Works until it is killed; writes the number of the last event of each transaction that it was told is durable. */
static void child(struct store_dir *d, int out)
{
	int64_t flying[BATCH], now, seq;
	int n = 0;

	store_dir_open(d);
	now = store_newest(d->s);
	for (;;) {
		now += 3;
		seq = turn(d, flying, &n, now);
		if (write(out, &seq, sizeof(seq)) != (ssize_t)sizeof(seq))
			_exit(1);
	}
}

static int64_t nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Kills the child `ns` after it has reported `turns` transactions; the last number that it reported. */
static int64_t run_and_kill(struct store_dir *d, int turns, int64_t ns)
{
	int fd[2], status;
	int64_t seq, last = 0, since;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(fd[0]);
		child(d, fd[1]);
	}
	close(fd[1]);
	for (int i = 0; i <= turns; i++)
		assert_int_equal(read(fd[0], &last, sizeof(last)), (ssize_t)sizeof(last));
	for (since = nanoseconds(); nanoseconds() - since < ns;)
		;
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (read(fd[0], &seq, sizeof(seq)) == (ssize_t)sizeof(seq))
		last = seq;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(fd[0]);
	return last;
}

/* ---- what must hold afterwards ---- */

struct sums {
	int64_t next_seq, sent_events;
	int64_t states[TOUCH_STATE_COUNT];
	struct store_dir *d;
};

static void sum_event(void *arg, const struct event *ev)
{
	struct sums *s = arg;

	assert_int_equal(ev->seq, s->next_seq++);
	if (ev->type == EVENT_SENT) {
		assert_true(ev->touch_id > 0);
		s->sent_events++;
	}
}

static void end_flight(void *arg, const struct touch *t)
{
	struct store_dir *d = arg;
	struct enrollment_row *row = row_of(d, t->enrollment_id);

	assert_int_equal(row->enrollment.touch_id, t->id);
	assert_int_equal(row->enrollment.next_at, CLOCK_NEVER);
	OK(d, store_touch_set(d->s, t->id, TOUCH_DUE, t->at, 0, "", &d->e));
	OK(d, store_enrollment_wait(d->s, t->enrollment_id, REASON_RETRY, t->at, t->at, false, &d->e));
	enrollment_row_free(&row);
}

static int64_t count_sql(struct store_dir *d, const char *sql)
{
	sqlite3_stmt *q = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(d->s->db, sql, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	n = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return n;
}

static void check(struct store_dir *d, int64_t reported)
{
	struct sums s = { .next_seq = 1, .d = d };
	struct store_counts n;
	int64_t settled;
	sqlite3_stmt *q = NULL;

	assert_true(store_event_last(d->s) >= reported);
	assert_true(store_events(d->s, 0, 1 << 30, sum_event, &s, &d->e) >= 0);
	assert_int_equal(s.next_seq - 1, store_event_last(d->s));
	OK(d, store_counts(d->s, &n, &d->e));
	assert_int_equal(n.touches[TOUCH_ACCEPTED], count_sql(d, "SELECT count(*) FROM touch WHERE state = 3"));
	assert_int_equal(0, count_sql(d, "SELECT count(*) FROM touch WHERE state = 1")); /* none flies again */
	assert_int_equal(n.touches[TOUCH_ACCEPTED], count_sql(d, "SELECT sum(touches) FROM sending_day"));
	assert_int_equal(n.enrollments_active, count_sql(d, "SELECT count(*) FROM enrollment WHERE state = 0"));
	assert_int_equal(n.enrollments_stopped, count_sql(d, "SELECT count(*) FROM enrollment WHERE state = 2"));
	/* an event for each touch that was settled, in the same transaction */
	settled = n.touches[TOUCH_ACCEPTED] + n.touches[TOUCH_REFUSED_PERM];
	assert_int_equal(s.sent_events, settled);
	assert_int_equal((int64_t)d->s->flights.n, n.touches[TOUCH_RESERVED] + n.touches[TOUCH_HANDED]);
	assert_int_equal(sqlite3_prepare_v2(d->s->db, "PRAGMA integrity_check", -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(q, 0), "ok");
	sqlite3_finalize(q);
	assert_int_equal(count_sql(d, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void test_kill(void **state)
{
	struct store_dir *d = *state;
	uint64_t seed = 7;

	begin(d);
	for (int i = 0; i < CONTACTS; i++)
		join(d);
	commit(d);
	for (int round = 0; round < ROUNDS; round++) {
		int64_t reported;

		store_close(&d->s);
		seed = seed * UINT64_C(6364136223846793005) + 1;
		reported = run_and_kill(d, (int)(seed >> 33) % 10, (int64_t)(seed >> 40) % 2000000);
		store_dir_open(d);
		check(d, reported);
		begin(d);
		OK(d, store_touches_in(d->s, TOUCH_HANDED, end_flight, d, &d->e));
		OK(d, store_touches_in(d->s, TOUCH_RESERVED, end_flight, d, &d->e));
		commit(d);
		assert_int_equal(d->s->flights.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kill, store_dir_setup, store_dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
