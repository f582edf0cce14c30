/* rooms: base model rules net sender */
/* Connections: how many, when they are closed and replaced, back-off and its probe, AUTH and required TLS against a
 * relay without, the end of the daemon, a reload. */
#include "sender_world.h"

static void check_all(struct world *w, const struct relay *r)
{
	for (int i = 0; i < w->n; i++) {
		assert_int_equal(w->job[i].outcomes, 1);
		assert_int_equal(w->job[i].result.outcome, OUTCOME_ACCEPTED);
	}
	assert_int_equal(relay_received(r, NULL), w->n);
}

/* ---- how many ---- */

static void test_pipelined_chain(void **state)
{
	struct relay r = { 0 };
	struct world w;
	struct sender_stats st;

	(void)state;
	relay_start(&r, "");
	world_init(&w, r.port);
	world_open(&w);
	world_add_many(&w, 50);
	world_run(&w);
	check_all(&w, &r);
	assert_int_equal(relay_count(&r, "\"connect\"", ""), 1);
	assert_int_equal(w.took_next, 49); /* each envelope but the first left with a dot */
	sender_stats(w.sender, &st);
	assert_int_equal(st.messages, 50);
	assert_int_equal(st.connections, 1);
	assert_int_equal(st.busy, 0);
	world_close(&w);
	relay_remove(&r);
}

static void test_no_more_than_wanted(void **state)
{
	static const struct {
		int connections, messages, most;
	} rows[] = { { 8, 3, 3 }, { 4, 40, 4 }, { 1, 5, 1 } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct relay r = { 0 };
		struct world w;

		relay_start(&r, "--latency 2");
		world_init(&w, r.port);
		w.config.connections = rows[i].connections;
		world_open(&w);
		world_add_many(&w, rows[i].messages);
		world_run(&w);
		check_all(&w, &r);
		assert_true(relay_count(&r, "\"connect\"", "") <= rows[i].most);
		world_close(&w);
		relay_remove(&r);
	}
}

static void test_reply_limit_reconnects_at_once(void **state)
{
	static const char *const args[] = { "--reply-limit 3", "--reply-limit 3 --no-pipelining" };

	(void)state;
	for (size_t i = 0; i < COUNT(args); i++) {
		struct relay r = { 0 };
		struct world w;

		relay_start(&r, args[i]);
		world_init(&w, r.port);
		w.config.connections = 2;
		world_open(&w);
		world_add_many(&w, 20);
		world_run(&w);
		check_all(&w, &r);
		assert_int_equal(w.relay_down, 0);
		assert_true(relay_count(&r, "\"connect\"", "") >= 7);
		world_close(&w);
		relay_remove(&r);
	}
}

static void on_wait_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

static void loop_for(struct world *w, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	struct event *ev = event_new(w->base, -1, 0, on_wait_over, w->base);

	event_add(ev, &tv);
	event_base_dispatch(w->base);
	event_free(ev);
}

static void loop_until_closed(struct world *w)
{
	struct sender_stats st;

	for (int i = 0; i < 500; i++) {
		sender_stats(w->sender, &st);
		if (!st.open)
			return;
		loop_for(w, 10);
	}
	fail_msg("still open");
}

static void test_idle_quits(void **state)
{
	struct sender_pace pace = {
		.idle = 40, .slow = 60000, .backoff_first = 5, .backoff_most = 40, .backoff_auth = 1000
	};
	struct relay r = { 0 };
	struct world w;
	struct sender_stats st;

	(void)state;
	relay_start(&r, "");
	world_init(&w, r.port);
	world_open(&w);
	sender_set_pace(w.sender, &pace);
	world_add_many(&w, 1);
	world_run(&w);
	sender_stats(w.sender, &st);
	assert_int_equal(st.idle, 1);
	loop_until_closed(&w);
	assert_int_equal(w.relay_down, 0);
	world_add_many(&w, 1); /* and it opens again when something is wanted */
	world_run(&w);
	check_all(&w, &r);
	assert_int_equal(relay_count(&r, "\"connect\"", ""), 2);
	world_close(&w);
	relay_remove(&r);
}

/* A relay that thinks for long about one message does not hold up the others, but at most twice the connections are
 * open. */
static void test_silent_frees_its_place(void **state)
{
	struct sender_pace pace = {
		.idle = 10000, .slow = 40, .backoff_first = 5, .backoff_most = 40, .backoff_auth = 1000
	};
	struct relay r = { 0 };
	struct world w;

	(void)state;
	relay_start(&r, "");
	world_init(&w, r.port);
	w.config.connections = 2;
	w.config.timeout_dot = 400;
	world_open(&w);
	sender_set_pace(w.sender, &pace);
	for (int i = 0; i < 3; i++)
		world_add(&w, "silent-dot", NULL);
	world_add_many(&w, 10);
	w.job[0].again = w.job[1].again = w.job[2].again = true; /* one may have been pipelined behind another */
	world_run(&w);
	for (int i = 0; i < w.n; i++)
		assert_int_equal(w.job[i].result.outcome, i < 3 ? OUTCOME_UNKNOWN : OUTCOME_ACCEPTED);
	assert_true(relay_count(&r, "\"connect\"", "") >= 3);
	world_close(&w);
	relay_remove(&r);
}

static void test_slow_answer_is_taken(void **state)
{
	struct sender_pace pace = {
		.idle = 10000, .slow = 30, .backoff_first = 5, .backoff_most = 40, .backoff_auth = 1000
	};
	struct relay r = { 0 };
	struct world w;
	struct sender_stats st;

	(void)state;
	relay_start(&r, "");
	world_init(&w, r.port);
	world_open(&w);
	sender_set_pace(w.sender, &pace);
	world_add(&w, "slow-dot+200", NULL);
	world_add_many(&w, 3);
	world_run(&w);
	check_all(&w, &r);
	assert_int_equal(relay_count(&r, "\"connect\"", ""), 2);
	sender_stats(w.sender, &st);
	assert_int_equal(st.open, 1); /* the surplus one was closed when it had its answer */
	world_close(&w);
	relay_remove(&r);
}

/* ---- back-off ---- */

static void test_relay_away_and_back(void **state)
{
	struct relay r = { 0 };
	struct world w;
	char args[32];

	(void)state;
	world_init(&w, free_port());
	w.config.connections = 5;
	w.stop_on_down = true;
	world_open(&w);
	world_add_many(&w, 10);
	world_run(&w);
	assert_int_equal(w.relay_down, 1); /* five connections failed, one back-off */
	assert_true(w.down_ms >= 4 && w.down_ms <= 6);
	for (int i = 2; i <= 5; i++) {
		world_run(&w);
		assert_int_equal(w.relay_down, i);
	}
	assert_true(w.down_ms >= 32 && w.down_ms <= 48);
	assert_true(w.d->backoff_until_mono(w.d->arg) > clock_mono() - 1000);
	snprintf(args, sizeof args, "--port %d", w.config.port);
	relay_start(&r, args);
	w.stop_on_down = false;
	world_run(&w);
	check_all(&w, &r);
	assert_int_equal(w.relay_up, 1);
	assert_int_equal(w.d->backoff_until_mono(w.d->arg), 0);
	world_close(&w);
	relay_remove(&r);
}

/* All connections fail at once: that is one failure. */
static void test_one_failure_for_all(void **state)
{
	struct sender_pace pace = {
		.idle = 10000, .slow = 60000, .backoff_first = 50000, .backoff_most = 80000, .backoff_auth = 100000
	};
	struct relay r = { 0 };
	struct world w;

	(void)state;
	relay_start(&r, "--greeting 421");
	world_init(&w, r.port);
	w.config.connections = 5;
	world_open(&w);
	sender_set_pace(w.sender, &pace);
	world_add_many(&w, 10);
	world_soon(&w);
	for (int i = 0; i < 500 && relay_count(&r, "\"close\"", "") < 5; i++)
		loop_for(&w, 10);
	loop_for(&w, 30);
	assert_int_equal(relay_count(&r, "\"connect\"", ""), 5);
	assert_int_equal(w.relay_down, 1);
	assert_in_range(w.down_ms, 40000, 60000);
	world_close(&w);
	relay_remove(&r);
}

struct down_row {
	const char *args, *user, *password;
	enum tls_mode tls;
	const char *why;
	bool auth; /* the long wait */
};

static const struct down_row down_rows[] = {
	{ "--greeting 554", "", "", TLS_NONE, "554", false },
	{ "--greeting 450", "", "", TLS_NONE, "450", false },
	{ "--greeting 421", "", "", TLS_NONE, "421", false },
	{ "", "user", "secret", TLS_NONE, "offers no AUTH", true },
	{ "--auth user:secret", "user", "wrong", TLS_NONE, "535", true },
	{ "", "", "", TLS_REQUIRED, "STARTTLS", false },
	{ "--auth user:secret", "user", "secret", TLS_REQUIRED, "STARTTLS", false },
	{ "--ehlo-refuse", "user", "secret", TLS_NONE, "offers no AUTH", true },
};

/* Nothing is told to such a relay, and it is asked by one connection at a time. */
static void test_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(down_rows); i++) {
		const struct down_row *row = &down_rows[i];
		struct relay r = { 0 };
		struct world w;

		relay_start(&r, row->args);
		world_init(&w, r.port);
		w.config.connections = 3;
		w.config.tls = row->tls;
		w.config.username = row->user;
		w.config.password = row->password;
		w.stop_on_down = true;
		world_open(&w);
		world_add_many(&w, 5);
		world_run(&w);
		if (!strstr(w.down_why, row->why))
			fail_msg("%s: \"%s\" without \"%s\"", row->args, w.down_why, row->why);
		assert_true(row->auth ? w.down_ms >= 80000 : w.down_ms <= 6);
		for (int n = 2; n < 4 && !row->auth; n++) {
			world_run(&w);
			assert_int_equal(w.relay_down, n);
		}
		assert_int_equal(w.done, 0);
		assert_int_equal(relay_count(&r, "\"mail\"", ""), 0);
		assert_true(relay_count(&r, "\"connect\"", "") <= 3 + (row->auth ? 0 : 2));
		world_close(&w);
		relay_remove(&r);
	}
}

static void test_auth_delivers(void **state)
{
	struct relay r = { 0 };
	struct world w;

	(void)state;
	relay_start(&r, "--auth user:se:cr=et");
	world_init(&w, r.port);
	w.config.username = "user";
	w.config.password = "se:cr=et";
	world_open(&w);
	world_add_many(&w, 5);
	world_run(&w);
	check_all(&w, &r);
	world_close(&w);
	relay_remove(&r);
}

/* A relay that takes two connections is not hammered for a third while the two work. */
static void test_connection_limit_of_the_relay(void **state)
{
	struct sender_pace pace = {
		.idle = 10000, .slow = 60000, .backoff_first = 200, .backoff_most = 800, .backoff_auth = 1000
	};
	struct relay r = { 0 };
	struct world w;

	(void)state;
	relay_start(&r, "--max-connections 2 --latency 1");
	world_init(&w, r.port);
	w.config.connections = 5;
	world_open(&w);
	sender_set_pace(w.sender, &pace);
	world_add_many(&w, 100);
	world_run(&w);
	check_all(&w, &r);
	assert_true(relay_count(&r, "\"connect\"", "") <= 5 + 3);
	world_close(&w);
	relay_remove(&r);
}

/* MAIL is refused again and again: a connection that opens proves nothing, so the waits grow. */
static void test_mail_refused_grows(void **state)
{
	struct relay r = { 0 };
	struct world w;

	(void)state;
	relay_start(&r, "");
	world_init(&w, r.port);
	w.stop_on_down = true;
	world_open(&w);
	world_add(&w, "tempmail", NULL)->again = true;
	for (int n = 1; n <= 5; n++) {
		world_run(&w);
		assert_int_equal(w.relay_down, n);
		assert_int_equal(w.relay_up, 0);
	}
	assert_true(w.down_ms >= 32);
	assert_int_equal(relay_count(&r, "\"connect\"", ""), 5);
	world_close(&w);
	relay_remove(&r);
}

/* ---- greylisting is the contact's, not the relay's ---- */

static void test_greylist(void **state)
{
	struct relay r = { 0 };
	struct world w;

	(void)state;
	relay_start(&r, "--greylist 3600");
	world_init(&w, r.port);
	world_open(&w);
	world_add_many(&w, 3);
	world_run(&w);
	for (int i = 0; i < 3; i++)
		assert_int_equal(w.job[i].result.outcome, OUTCOME_REFUSED_TEMP);
	assert_int_equal(w.relay_down, 0);
	world_close(&w);
	relay_remove(&r);
}

/* ---- the end, and a reload ---- */

static void test_finish(void **state)
{
	struct relay r = { 0 };
	struct world w;

	(void)state;
	relay_start(&r, "");
	world_init(&w, r.port);
	w.config.connections = 3;
	w.stop_on_body = w.hold = true;
	world_open(&w);
	world_add(&w, "slow-dot+150", NULL);
	world_add(&w, "good", NULL);
	world_add(&w, "silent-dot", NULL);
	while (w.bodies < 3)
		world_run(&w);
	for (int i = 0; i < 3; i += 2) { /* the dots of two leave, the third is in its body */
		w.job[i].is = HANDED;
		w.d->hand(w.d->arg, &w.job[i].d, NULL);
	}
	sender_finish(w.sender);
	assert_int_equal(w.job[1].result.outcome, OUTCOME_NOT_SENT);
	assert_true(w.job[1].result.local);
	w.stop_on_body = false;
	for (int i = 0; i < 200 && w.done < 2; i++)
		loop_for(&w, 10);
	assert_int_equal(w.job[0].result.outcome, OUTCOME_ACCEPTED);
	assert_int_equal(w.done, 2);
	sender_abandon(w.sender);
	assert_int_equal(w.done, 3);
	assert_int_equal(w.job[2].result.outcome, OUTCOME_UNKNOWN);
	assert_int_equal(w.relay_down, 0);
	assert_int_equal(relay_received(&r, NULL), 1);
	world_close(&w);
	relay_remove(&r);
}

/* The dot has left with the next envelope behind it: the first is waited for, the second is not sent. */
static void test_finish_between(void **state)
{
	struct relay r = { 0 };
	struct world w;

	(void)state;
	relay_start(&r, "");
	world_init(&w, r.port);
	w.stop_on_body = w.hold = true;
	world_open(&w);
	world_add(&w, "slow-dot+80", NULL);
	world_add(&w, "good", NULL);
	world_run(&w);
	w.job[0].is = HANDED;
	w.job[1].is = STARTED;
	w.next = 2;
	w.d->hand(w.d->arg, &w.job[0].d, &w.job[1].d);
	sender_finish(w.sender);
	assert_int_equal(w.job[1].result.outcome, OUTCOME_NOT_SENT);
	w.stop_on_body = false;
	world_run(&w);
	assert_int_equal(w.job[0].result.outcome, OUTCOME_ACCEPTED);
	assert_int_equal(relay_received(&r, NULL), 1);
	loop_until_closed(&w);
	world_close(&w);
	relay_remove(&r);
}

static void test_free_in_the_middle(void **state)
{
	struct relay r = { 0 };
	struct world w;

	(void)state;
	relay_start(&r, "");
	world_init(&w, r.port);
	w.config.connections = 4;
	w.stop_on_body = true;
	world_open(&w);
	world_add_many(&w, 100);
	while (w.bodies < 20)
		world_run(&w);
	world_close(&w); /* no outcome, no leak */
	relay_remove(&r);
}

static void test_reconfigure(void **state)
{
	struct relay r = { 0 }, other = { 0 };
	struct config_smtp fresh;
	struct world w;

	(void)state;
	relay_start(&r, "");
	relay_start(&other, "");
	world_init(&w, r.port);
	w.config.connections = 2;
	w.stop_on_body = w.hold = true;
	world_open(&w);
	world_add_many(&w, 6);
	while (w.bodies < 2)
		world_run(&w);
	fresh = w.config;
	fresh.port = other.port;
	sender_reconfigure(w.sender, &fresh);
	memset(&w.config, 0xff, sizeof w.config); /* the old one may go */
	w.hold = w.stop_on_body = false;
	world_run(&w);
	assert_int_equal(relay_received(&r, NULL), 2);
	assert_int_equal(relay_received(&other, NULL), 4);
	assert_int_equal(w.relay_down, 0);
	world_close(&w);
	relay_remove(&r);
	relay_remove(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipelined_chain),
		cmocka_unit_test(test_no_more_than_wanted),
		cmocka_unit_test(test_reply_limit_reconnects_at_once),
		cmocka_unit_test(test_idle_quits),
		cmocka_unit_test(test_silent_frees_its_place),
		cmocka_unit_test(test_slow_answer_is_taken),
		cmocka_unit_test(test_relay_away_and_back),
		cmocka_unit_test(test_one_failure_for_all),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_auth_delivers),
		cmocka_unit_test(test_connection_limit_of_the_relay),
		cmocka_unit_test(test_mail_refused_grows),
		cmocka_unit_test(test_greylist),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_finish_between),
		cmocka_unit_test(test_free_in_the_middle),
		cmocka_unit_test(test_reconfigure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
