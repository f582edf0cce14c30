/* rooms: base model rules config render store check web */
/* HTTP on a real Unix socket: limits, deadlines, answers that come later, the socket's file. */
#include "control_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

static void turn(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static int dial(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", socket_path);
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)))
		fail_msg("connect: %s", strerror(errno));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Turns the loop until the other side has closed, or (false) ms are over; what came is added to in. */
static bool drain(struct fixture *f, int fd, struct buf *in, int64_t ms)
{
	int64_t end = clock_mono() + ms;
	char part[65536];
	ssize_t n;

	for (;;) {
		turn(f);
		n = recv(fd, part, sizeof(part), 0);
		if (n > 0)
			buf_add(in, part, (size_t)n);
		else if (n == 0 || errno != EAGAIN)
			return true;
		else if (clock_mono() >= end)
			return false;
	}
}

static void put(struct fixture *f, int fd, const char *p, size_t n)
{
	int64_t end = clock_mono() + 5000;

	while (n && clock_mono() < end) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k < 0 && errno != EAGAIN)
			return;
		if (k > 0) {
			p += k;
			n -= (size_t)k;
		}
		turn(f);
	}
}

/* Sends head (with the length of the body put in) and body; the status, and the answer's body in `out`. */
static int http(struct fixture *f, const char *line, const char *body, size_t n, struct buf *out)
{
	struct buf b = { 0 };
	char head[256];
	int fd = dial(), status = 0;
	const char *end;

	snprintf(head, sizeof(head), "%s HTTP/1.1\r\nHost: abvd\r\nContent-Length: %zu\r\n\r\n", line, n);
	put(f, fd, head, strlen(head));
	put(f, fd, body, n);
	if (!drain(f, fd, &b, 5000))
		fail_msg("%s: no end", line);
	close(fd);
	if (sscanf(buf_text(&b), "HTTP/1.1 %d", &status) != 1)
		fail_msg("%s: no answer: '%s'", line, buf_text(&b));
	end = strstr(buf_text(&b), "\r\n\r\n");
	buf_clear(out);
	buf_str(out, end ? end + 4 : "");
	buf_free(&b);
	return status;
}

static void test_http(void **state)
{
	static const struct {
		const char *line, *body;
		int status;
		const char *expected;
	} rows[] = {
		{ "POST /v1/status", "{}", 200, "{'events':0}" },
		{ "POST /v1/status", "", 200, "{'events':0}" },
		{ "POST /v1/nothing", "{}", 404, "{'error':'*nothing*'}" },
		{ "POST /v2/status", "{}", 404, "{'error':'*/v1/VERB*'}" },
		{ "GET /v1/status", "", 405, "{'error':'*POST*'}" },
		{ "PUT /v1/status", "{}", 405, "{'error':'*POST*'}" },
		{ "POST /v1/show", "{'contact':1}", 400, "{'error':'*contact: *'}" },
		{ "POST /v1/import", "{'rows':[" ANN "]}", 200, "{'created':1}" },
		{ "POST /v1/enroll", "{'sequence':'manual','all':true}", 200, "{'enrolled':1}" },
	};
	struct fixture *f = *state;
	struct buf out = { 0 };
	struct stat st;

	assert_int_equal(stat(socket_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *body = quoted(rows[i].body);
		int status = http(f, rows[i].line, body, strlen(body), &out);

		check_answer(rows[i].line, body, status, out.data, out.len, rows[i].status, rows[i].expected);
		free(body);
	}
	buf_free(&out);
}

static void test_body_limit(void **state)
{
	struct fixture *f = *state;
	size_t n = 5 * 1024 * 1024;
	char *body = mem_alloc(n + 1);
	struct buf out = { 0 };
	int status;

	memset(body, ' ', n);
	assert_int_equal(http(f, "POST /v1/status", body, 4 * 1024 * 1024, &out), 200);
	status = http(f, "POST /v1/status", body, n, &out);
	check_answer("5 MB", "", status, out.data, out.len, 413, "{'error':'*4 MB*'}");
	free(body);
	/* a message may be longer, and hold any bytes */
	n = 10 * 1024 * 1024;
	body = mem_alloc(n + 2);
	status = http(f, "POST /v1/deliver", body, n, &out);
	check_answer("10 MB", "", status, out.data, out.len, 200, "{'bytes':10485760}");
	status = http(f, "POST /v1/deliver", body, n + 1, &out);
	check_answer("10 MB and a byte", "", status, out.data, out.len, 413, "{'error':'*10 MB*'}");
	free(body);
	buf_free(&out);
}

/* However busily it drips: the whole request within the deadline. */
static void test_deadline(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	int64_t begin = clock_mono();
	int fd, silent;
	bool over = false;

	control_set_deadline(f->control, 200);
	fd = dial();
	silent = dial();
	put(f, fd, "POST /v1/status HTTP/1.1\r\nContent-Length: 100000\r\n\r\n", 52);
	while (!over && clock_mono() < begin + 5000) {
		(void)send(fd, " ", 1, MSG_NOSIGNAL);
		over = drain(f, fd, &b, 5);
	}
	assert_true(over);
	assert_in_range(clock_mono() - begin, 190, 1500);
	assert_int_equal(b.len, 0);
	assert_true(drain(f, silent, &b, 2000));
	close(fd);
	close(silent);
	buf_free(&b);
}

static void import_many(struct fixture *f, int n);

/* An answer that is not taken is given up after the deadline. */
static void test_answer_not_taken(void **state)
{
	struct fixture *f = *state;
	struct buf whole = { 0 }, b = { 0 };
	static const char request[] = "POST /v1/queue HTTP/1.1\r\nContent-Length: 14\r\n\r\n{\"limit\":9999}";
	int64_t end;
	int fd;

	import_many(f, 9999);
	ask(f, "enroll", "{'sequence':'manual','all':true}", 200, "{'enrolled':9999}");
	assert_int_equal(http(f, "POST /v1/queue", "{\"limit\":9999}", 14, &whole), 200);
	control_set_deadline(f->control, 100);
	fd = dial();
	put(f, fd, request, strlen(request));
	for (end = clock_mono() + 500; clock_mono() < end;)
		turn(f);
	assert_true(drain(f, fd, &b, 1000));
	assert_true(b.len > 0 && b.len < whole.len);
	close(fd);
	buf_free(&whole);
	buf_free(&b);
}

/* A crowd that asks for nothing: whoever comes takes the place of the one that was there first. */
static void test_many_connections(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	int fd[400], left = 0;

	for (int i = 0; i < 400; i++) {
		fd[i] = dial();
		turn(f);
	}
	for (int i = 0; i < 10; i++)
		assert_int_equal(http(f, "POST /v1/status", "{}", 2, &b), 200);
	assert_true(drain(f, fd[0], &b, 3000));
	assert_non_null(strstr(buf_text(&b), "HTTP/1.1 503 "));
	assert_non_null(strstr(buf_text(&b), "{\"error\":\"too many connections\"}"));
	for (int i = 0; i < 400; i++) {
		buf_clear(&b);
		left += !drain(f, fd[i], &b, 0);
	}
	assert_in_range(left, 240, 256);
	assert_false(drain(f, fd[399], &b, 0));
	for (int i = 0; i < 400; i++)
		close(fd[i]);
	for (int i = 0; i < 5; i++)
		turn(f);
	for (int i = 0; i < 1000; i++) /* and nothing is left over */
		assert_int_equal(http(f, "POST /v1/queue", "{}", 2, &b), 200);
	buf_free(&b);
}

/* A crowd that comes all at once does not send away those of its own that ask for something. */
static void test_crowd_at_once(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	int fd[600], asks;

	for (int i = 0; i < 10; i++)
		fd[i] = dial();
	asks = dial();
	(void)!write(asks, "POST /v1/status HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 50);
	for (int i = 10; i < 600; i++)
		fd[i] = dial();
	assert_true(drain(f, asks, &b, 3000));
	assert_non_null(strstr(buf_text(&b), "HTTP/1.1 200 "));
	close(asks);
	for (int i = 0; i < 600; i++)
		close(fd[i]);
	buf_free(&b);
}

/* Whole requests, and whoever sent them gone: those that wait give way too, and nobody waits for them to be worked at. */
static void test_crowd_waits(void **state)
{
	static const char request[] = "POST /v1/queue HTTP/1.1\r\nContent-Length: 14\r\n\r\n{\"limit\":9999}";
	struct fixture *f = *state;
	struct buf b = { 0 };
	int64_t begin;

	import_many(f, 9999);
	ask(f, "enroll", "{'sequence':'manual','all':true}", 200, "{'enrolled':9999}");
	for (int i = 0; i < 1500; i++) {
		int fd = dial();

		(void)!write(fd, request, strlen(request));
		close(fd);
	}
	begin = clock_mono();
	assert_int_equal(http(f, "POST /v1/status", "{}", 2, &b), 200);
	assert_in_range(clock_mono() - begin, 0, 3000); /* all of them would take ten times as long, and the test of a slow machine too */
	buf_free(&b);
}

/* Requests that do not end: whoever holds most goes, and one that asks for little is served. */
static void test_held(void **state)
{
	static const char head[] = "POST /v1/deliver HTTP/1.1\r\nContent-Length: 10000000\r\n\r\n";
	struct fixture *f = *state;
	size_t n = 9000000;
	char *body = mem_alloc(n);
	struct buf b = { 0 };
	int fd[8], left = 0, small = dial();

	put(f, small, "POST /v1/status HTTP/1.1\r\nContent-Length: 2\r\n\r\n{", 48);
	for (int i = 0; i < 8; i++) { /* 72 MB */
		fd[i] = dial();
		put(f, fd[i], head, strlen(head));
		put(f, fd[i], body, n);
	}
	for (int i = 0; i < 8; i++) {
		buf_clear(&b);
		left += !drain(f, fd[i], &b, 0);
	}
	assert_in_range(left, 2, 3);
	assert_int_equal(http(f, "POST /v1/status", "{}", 2, &b), 200);
	put(f, small, "}", 1);
	assert_true(drain(f, small, &b, 2000));
	assert_non_null(strstr(buf_text(&b), "HTTP/1.1 200 "));
	for (int i = 0; i < 8; i++)
		close(fd[i]);
	close(small);
	free(body);
	buf_free(&b);
}

static void import_many(struct fixture *f, int n)
{
	struct buf b = { 0 };
	struct contact c = { .account = "",
			     .account_name = "",
			     .first_name = "",
			     .last_name = "",
			     .title = "",
			     .timezone = "",
			     .owner = "",
			     .tags = "",
			     .consent = "opt_in",
			     .consent_source = "" };
	enum put_result result;
	int64_t id;

	assert_int_equal(store_begin(f->store, &f->err), 0);
	for (int i = 0; i < n; i++) {
		buf_clear(&b);
		buf_printf(&b, "c%d@c.example", i);
		c.email = buf_text(&b);
		assert_int_equal(store_contact_put(f->store, &c, f->now, &result, &id, &f->err), 0);
	}
	assert_int_equal(store_commit_now(f->store, &f->err), 0);
	buf_free(&b);
}

/* In slices: others are served in between, and no turn is long. */
static void in_slices(struct fixture *f, const char *request, const char *expected)
{
	struct buf b = { 0 };
	int64_t longest = 0;
	int fd, between = 0;
	ssize_t n = -1;

	fd = dial();
	put(f, fd, request, strlen(request));
	do {
		int64_t begin = clock_mono(), took;
		char part[4096];

		turn(f);
		took = clock_mono() - begin;
		longest = took > longest ? took : longest;
		n = recv(fd, part, sizeof(part), 0);
		if (n > 0)
			buf_add(&b, part, (size_t)n);
		else if (n < 0) {
			struct buf other = { 0 };

			assert_int_equal(http(f, "POST /v1/queue", "{\"limit\":1}", 11, &other), 200);
			buf_free(&other);
			between++;
		}
	} while (n != 0);
	assert_non_null(strstr(buf_text(&b), expected));
	assert_true(between >= 2);
	assert_in_range(longest, 0, 400); /* 20 and the machine's own pauses */
	close(fd);
	buf_free(&b);
}

static void test_slices(void **state)
{
	struct fixture *f = *state;

	import_many(f, 60000);
	in_slices(f, "POST /v1/enroll HTTP/1.1\r\nContent-Length: 32\r\n\r\n{\"sequence\":\"manual\",\"all\":true}",
		  "\"enrolled\":60000");
	in_slices(f, "POST /v1/suppress HTTP/1.1\r\nContent-Length: 23\r\n\r\n{\"target\":\"@c.example\"}",
		  "\"stopped\":60000");
}

/* The suppression is committed before the first slice: it holds also when the daemon ends between two. */
static void test_suppress_first(void **state)
{
	struct fixture *f = *state;
	char request[] = "POST /v1/suppress HTTP/1.1\r\nContent-Length: 23\r\n\r\n{\"target\":\"@c.example\"}";
	struct store_counts n;
	int64_t end = clock_mono() + 10000;
	int fd;

	import_many(f, 20000);
	ask(f, "enroll", "{'sequence':'manual','all':true}", 200, "{'enrolled':20000}");
	fd = dial();
	put(f, fd, request, strlen(request));
	do {
		assert_int_equal(event_base_loop(f->base, EVLOOP_NONBLOCK | EVLOOP_ONCE), 0);
		assert_int_equal(store_counts(f->store, &n, &f->err), 0);
	} while (!n.suppressions && clock_mono() < end);
	control_close(&f->control);
	assert_int_equal(store_counts(f->store, &n, &f->err), 0);
	assert_true(n.enrollments_active > 0);
	assert_int_equal(store_suppressed(f->store, "c19999@c.example"), REASON_MANUAL);
	close(fd);
	open_control(f, f->base);
	ask(f, "suppress", "{'target':'@c.example'}", 200, "{'changed':false}"); /* again: the rest */
	assert_int_equal(store_counts(f->store, &n, &f->err), 0);
	assert_int_equal(n.enrollments_active, 0);
}

/* Whoever asked for something long goes away: the work goes on, nobody is written to. */
static void test_gone_while_working(void **state)
{
	struct fixture *f = *state;
	struct store_counts n;
	char request[] = "POST /v1/enroll HTTP/1.1\r\nContent-Length: 32\r\n\r\n{\"sequence\":\"manual\",\"all\":true}";
	int64_t end = clock_mono() + 10000;
	int fd;

	import_many(f, 20000);
	fd = dial();
	put(f, fd, request, strlen(request));
	close(fd);
	do {
		turn(f);
		assert_int_equal(store_counts(f->store, &n, &f->err), 0);
	} while (n.enrollments_active < 20000 && clock_mono() < end);
	assert_int_equal(n.enrollments_active, 20000);
	for (int i = 0; i < 10; i++)
		turn(f);
}

#define TEST_REQUEST                                                                                                   \
	"POST /v1/test HTTP/1.1\r\nContent-Length: "                                                                   \
	"56\r\n\r\n{\"sequence\":\"manual\",\"step\":\"first\",\"to\":\"me@x.example\"}"

static void test_later(void **state)
{
	struct fixture *f = *state;
	struct delivery_result r = { .outcome = OUTCOME_ACCEPTED, .code = 250, .status = "", .reply = "Ok" };
	struct buf b = { 0 };
	int fd;

	control_set_deadline(f->control, 100); /* does not run while the verb works */
	f->test_waits = true;
	fd = dial();
	put(f, fd, TEST_REQUEST, strlen(TEST_REQUEST));
	assert_false(drain(f, fd, &b, 400));
	f->test_done(f->test_arg, &r, NULL);
	assert_true(drain(f, fd, &b, 2000));
	assert_non_null(strstr(buf_text(&b), "\"smtp_code\":250"));
	close(fd);
	/* without a socket nobody can wait */
	ask(f, "test", "{'sequence':'manual','step':'first','to':'me@x.example'}", 409, "{'error':'*later*'}");
	f->test_done(f->test_arg, &r, NULL);
	/* the control ends before the relay answers */
	fd = dial();
	put(f, fd, TEST_REQUEST, strlen(TEST_REQUEST));
	assert_false(drain(f, fd, &b, 20));
	control_close(&f->control);
	f->test_done(f->test_arg, &r, NULL);
	assert_true(recv(fd, &r, 1, 0) == 0);
	close(fd);
	buf_free(&b);
}

/* Requests that take their time go on when whoever asked is gone, so they are counted apart from connections. */
static void test_many_working(void **state)
{
	struct fixture *f = *state;
	struct delivery_result r = { .outcome = OUTCOME_ACCEPTED, .code = 250, .status = "", .reply = "Ok" };
	struct buf b = { 0 };
	void *arg[65];
	int fd;

	f->test_waits = true;
	for (int i = 0; i < 70; i++) {
		fd = dial();
		buf_clear(&b);
		put(f, fd, TEST_REQUEST, strlen(TEST_REQUEST));
		assert_int_equal(drain(f, fd, &b, 20), i >= 64);
		assert_int_equal(strstr(buf_text(&b), "HTTP/1.1 503 ") != NULL, i >= 64);
		close(fd);
		if (i < 64)
			arg[i] = f->test_arg;
	}
	assert_int_equal(http(f, "POST /v1/status", "{}", 2, &b), 200);
	f->test_done(arg[0], &r, NULL); /* one ends, another may come */
	fd = dial();
	put(f, fd, TEST_REQUEST, strlen(TEST_REQUEST));
	assert_false(drain(f, fd, &b, 20));
	arg[64] = f->test_arg;
	close(fd);
	for (int i = 1; i < 65; i++)
		f->test_done(arg[i], &r, NULL);
	buf_free(&b);
}

/* A slice is under way when the control ends. */
static void test_close_between_slices(void **state)
{
	struct fixture *f = *state;
	char request[] = "POST /v1/enroll HTTP/1.1\r\nContent-Length: 32\r\n\r\n{\"sequence\":\"manual\",\"all\":true}";
	int fd;

	import_many(f, 20000);
	fd = dial();
	put(f, fd, request, strlen(request));
	control_close(&f->control);
	assert_int_equal(access(socket_path, F_OK), -1);
	assert_false(store_in_transaction(f->store));
	close(fd);
}

static void test_socket_file(void **state)
{
	struct fixture *f = *state;
	struct control *second = NULL;
	struct control_ops ops = { .arg = f, .now = fake_now };
	int fd;

	/* somebody listens: not taken away */
	assert_int_equal(control_open(f->base, socket_path, f->store, &ops, &second, &f->err), -1);
	assert_null(second);
	assert_non_null(strstr(f->err.text, "another process listens"));
	control_close(&f->control);
	assert_int_equal(access(socket_path, F_OK), -1);
	/* a stale one: replaced */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", socket_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
	open_control(f, f->base);
	control_close(&f->control);
	/* something else: left alone */
	config_dir_put("control.sock", "precious");
	assert_int_equal(control_open(f->base, socket_path, f->store, &ops, &second, &f->err), -1);
	assert_non_null(strstr(f->err.text, "no socket"));
	assert_int_equal(access(socket_path, F_OK), 0);
}

int main(void)
{
#define ROW(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	signal(SIGPIPE, SIG_IGN); /* as the daemon has it */
	const struct CMUnitTest tests[] = {
		ROW(test_http),
		ROW(test_body_limit),
		ROW(test_deadline),
		ROW(test_answer_not_taken),
		ROW(test_many_connections),
		ROW(test_crowd_at_once),
		ROW(test_crowd_waits),
		ROW(test_held),
		ROW(test_slices),
		ROW(test_suppress_first),
		ROW(test_gone_while_working),
		ROW(test_later),
		ROW(test_many_working),
		ROW(test_close_between_slices),
		ROW(test_socket_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
