/* rooms: base model rules net sender */
/* Servers that others wrote: TLS, AUTH, pipelining and refusals against a real Postfix (tests/system/postfix.sh), and
 * its smtp-sink. Skipped, loudly, when not root or without Postfix. */
#include <poll.h>
#include <sys/inotify.h>

#include "sender_world.h"

struct postfix {
	char dir[64], ca[256], user[64], password[64], maildir[256];
	int pid, port, tls_port, smtps_port;
};

static struct postfix postfix;
static bool have;

static int script(const char *verb, char *line, size_t n)
{
	char *command = mem_printf("%s/../system/postfix.sh %s %s", TEST_DATA, verb, postfix.dir);
	FILE *f = popen(command, "re"); /* NOLINT(cert-env33-c): our own script */
	int rc;

	free(command);
	assert_non_null(f);
	if (!fgets(line, (int)n, f))
		line[0] = '\0';
	rc = pclose(f);
	return WIFEXITED(rc) ? WEXITSTATUS(rc) : -1;
}

static int setup(void **state)
{
	char line[1024];
	int rc;

	(void)state;
	strcpy(postfix.dir, "/tmp/abv-postfix-XXXXXX");
	if (!mkdtemp(postfix.dir))
		return -1;
	rc = script("start", line, sizeof line);
	if (rc == 77) {
		print_message("!! SKIPPED: the tests against a real Postfix\n");
		rmdir(postfix.dir);
		return 0;
	}
	have = sscanf(line, "pid=%d port=%d tls_port=%d smtps_port=%d ca=%255s user=%63s password=%63s maildir=%255s",
		      &postfix.pid, &postfix.port, &postfix.tls_port, &postfix.smtps_port, postfix.ca, postfix.user,
		      postfix.password, postfix.maildir) == 8;
	return rc == 0 && have ? 0 : -1;
}

static int teardown(void **state)
{
	char line[64];

	(void)state;
	return have ? script("stop", line, sizeof line) : 0;
}

/* How many delivered messages end with these bytes; Postfix puts headers before them and writes LF. */
static int delivered(const char *ending)
{
	char *dir = mem_printf("%s/new", postfix.maildir);
	DIR *d = opendir(dir);
	int n = 0;

	for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
		char *path = mem_printf("%s/%s", dir, e->d_name);
		struct buf b = { 0 };
		size_t len = strlen(ending);

		if (e->d_name[0] != '.' && buf_read_file(&b, path, 1 << 26) == 0)
			n += b.len >= len && memcmp(b.data + b.len - len, ending, len) == 0;
		buf_free(&b);
		free(path);
	}
	if (d)
		closedir(d);
	free(dir);
	return n;
}

/* The queue is another process's: the kernel tells when something has come into the Maildir. */
static void wait_delivered(const char *ending, int n)
{
	char *dir = mem_printf("%s/new", postfix.maildir), told[4096];
	struct pollfd p = { .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN };
	int64_t end = clock_mono() + 20 * CLOCK_SECOND;

	assert_true(inotify_add_watch(p.fd, dir, IN_CREATE | IN_MOVED_TO) >= 0);
	for (int64_t left; delivered(ending) != n && (left = end - clock_mono()) > 0;) {
		poll(&p, 1, (int)left);
		while (read(p.fd, told, sizeof told) > 0) {
		}
	}
	close(p.fd);
	free(dir);
	assert_int_equal(delivered(ending), n);
}

enum port { PLAIN, STARTTLS, SMTPS };

static void prepare(struct world *w, enum port p, enum tls_mode tls, bool login)
{
	world_init(w, p == PLAIN ? postfix.port : p == STARTTLS ? postfix.tls_port : postfix.smtps_port);
	w->config.host = "localhost";
	w->config.implicit_tls = p == SMTPS;
	w->config.tls = tls;
	w->config.ca_file = postfix.ca;
	w->config.username = login ? postfix.user : "";
	w->config.password = login ? postfix.password : "";
	w->config.connections = 4;
}

static const struct {
	const char *name;
	enum port port;
	enum tls_mode tls;
	bool login;
} good[] = {
	{ "starttls", STARTTLS, TLS_REQUIRED, true },
	{ "opportunistic", STARTTLS, TLS_OPPORTUNISTIC, true },
	{ "smtps", SMTPS, TLS_REQUIRED, true },
	{ "plain", PLAIN, TLS_NONE, false },
	{ "none-offered", PLAIN, TLS_OPPORTUNISTIC, false },
};

static void test_delivers(void **state)
{
	(void)state;
	for (size_t i = 0; have && i < COUNT(good); i++) {
		struct world w;
		char body[256], ending[256];

		prepare(&w, good[i].port, good[i].tls, good[i].login);
		world_open(&w);
		snprintf(body, sizeof body, ".\r\n..\r\n.dot\r\n\r\n%s\r\n.\r\n", good[i].name);
		snprintf(ending, sizeof ending, "\n.\n..\n.dot\n\n%s\n.\n", good[i].name);
		for (int k = 0; k < 100; k++)
			world_add(&w, "someone", body);
		world_run(&w);
		for (int k = 0; k < w.n; k++)
			if (w.job[k].result.outcome != OUTCOME_ACCEPTED || w.job[k].result.code != 250)
				fail_msg("%s: %s: %s", good[i].name, outcome_name(w.job[k].result.outcome),
					 w.job[k].reply);
		assert_int_equal(w.relay_down, 0);
		assert_true(w.took_next >= 90); /* pipelined */
		world_close(&w);
		wait_delivered(ending, 100);
	}
}

/* More than a TLS record and a socket take: the same bytes are offered again after each CURLE_AGAIN. */
static void test_big_over_tls(void **state)
{
	struct world w;
	struct buf body = { 0 }, ending = { 0 };

	(void)state;
	if (!have)
		skip();
	for (int i = 0; i < 90000; i++) {
		buf_printf(&body, "%s%d %0*d\r\n", i % 5 ? "" : ".", i, i % 50 + 1, 7);
		buf_printf(&ending, "%s%d %0*d\n", i % 5 ? "" : ".", i, i % 50 + 1, 7);
	}
	prepare(&w, STARTTLS, TLS_REQUIRED, true);
	world_open(&w);
	for (int k = 0; k < 6; k++)
		world_add(&w, "big", buf_text(&body));
	world_run(&w);
	for (int k = 0; k < w.n; k++)
		assert_int_equal(w.job[k].result.outcome, OUTCOME_ACCEPTED);
	world_close(&w);
	wait_delivered(buf_text(&ending), 6);
	buf_free(&body);
	buf_free(&ending);
}

/* Postfix is strict: MAIL inside a transaction, DATA without recipients and the like are refused with 503 and 554. */
static void test_refusals_between(void **state)
{
	static const struct {
		const char *local;
		enum outcome outcome;
		const char *status;
	} rows[] = {
		{ "one", OUTCOME_ACCEPTED, "2.0.0" },           { "baduser", OUTCOME_BAD_ADDRESS, "5.1.1" },
		{ "two", OUTCOME_ACCEPTED, "2.0.0" },           { "baduser", OUTCOME_BAD_ADDRESS, "5.1.1" },
		{ "baduser", OUTCOME_BAD_ADDRESS, "5.1.1" },    { "policy", OUTCOME_REFUSED_CONTENT, "5.7.1" },
		{ "policy", OUTCOME_REFUSED_CONTENT, "5.7.1" }, { "three", OUTCOME_ACCEPTED, "2.0.0" },
		{ "baduser", OUTCOME_BAD_ADDRESS, "5.1.1" },    { "policy", OUTCOME_REFUSED_CONTENT, "5.7.1" },
		{ "four", OUTCOME_ACCEPTED, "2.0.0" },
	};

	(void)state;
	if (!have)
		skip();
	for (int p = PLAIN; p <= SMTPS; p++) {
		struct world w;

		prepare(&w, (enum port)p, p == PLAIN ? TLS_NONE : TLS_REQUIRED, p != PLAIN);
		w.config.connections = 1;
		world_open(&w);
		for (size_t i = 0; i < COUNT(rows); i++)
			world_add(&w, rows[i].local,
				  p == PLAIN      ? "between plain\r\n"
				  : p == STARTTLS ? "between starttls\r\n"
						  : "between smtps\r\n")
			    ->again = true;
		world_run(&w);
		for (size_t i = 0; i < COUNT(rows); i++)
			if (w.job[i].result.outcome != rows[i].outcome || strcmp(w.job[i].status, rows[i].status) != 0)
				fail_msg("%zu %s: %s: %d %s", i, rows[i].local, outcome_name(w.job[i].result.outcome),
					 w.job[i].result.code, w.job[i].reply);
		assert_int_equal(w.relay_down, 0); /* a dot refused, and MAIL behind it: not the relay's trouble */
		world_close(&w);
	}
	wait_delivered("between plain\n", 4);
	wait_delivered("between starttls\n", 4);
	wait_delivered("between smtps\n", 4);
}

static void test_too_large(void **state)
{
	struct world w;
	struct buf body = { 0 };

	(void)state;
	if (!have)
		skip();
	buf_reserve(&body, 11 << 20);
	while (body.len < 10500000)
		buf_str(&body, "0123456789012345678901234567890123456789\r\n");
	prepare(&w, PLAIN, TLS_NONE, false);
	world_open(&w);
	world_add(&w, "large", buf_text(&body));
	world_run(&w);
	assert_int_equal(w.job[0].result.outcome, OUTCOME_REFUSED_CONTENT);
	assert_true(w.job[0].result.local);
	buf_free(&body);
	world_close(&w);
}

static const struct {
	const char *name, *host, *password, *ca;
	enum port port;
	enum tls_mode tls;
	bool login, auth;
	const char *why;
} bad[] = {
	{ "wrong password", "localhost", "wrong", NULL, STARTTLS, TLS_REQUIRED, true, true, "535" },
	{ "wrong password, smtps", "localhost", "wrong", NULL, SMTPS, TLS_REQUIRED, true, true, "535" },
	{ "untrusted", "localhost", NULL, "", STARTTLS, TLS_REQUIRED, true, false, "certificate" },
	{ "untrusted, opportunistic", "localhost", NULL, "", STARTTLS, TLS_OPPORTUNISTIC, true, false, "certificate" },
	{ "untrusted, smtps", "localhost", NULL, "", SMTPS, TLS_REQUIRED, true, false, "certificate" },
	{ "another name", "127.0.0.1", NULL, NULL, STARTTLS, TLS_REQUIRED, true, false, "127.0.0.1" },
	{ "no STARTTLS", "localhost", NULL, NULL, PLAIN, TLS_REQUIRED, false, false, "STARTTLS" },
	{ "no STARTTLS, login", "localhost", NULL, NULL, PLAIN, TLS_REQUIRED, true, false, "STARTTLS" },
	{ "no AUTH", "localhost", NULL, NULL, PLAIN, TLS_NONE, true, true, "offers no AUTH" },
	{ "AUTH only behind TLS", "localhost", NULL, NULL, STARTTLS, TLS_NONE, true, true, "offers no AUTH" },
	{ "no such CA file", "localhost", NULL, "/nonexistent/ca.pem", STARTTLS, TLS_REQUIRED, true, false, "" },
};

static void test_fails_closed(void **state)
{
	(void)state;
	for (size_t i = 0; have && i < COUNT(bad); i++) {
		struct world w;

		prepare(&w, bad[i].port, bad[i].tls, bad[i].login);
		w.config.host = bad[i].host;
		w.config.password = bad[i].password ? bad[i].password : w.config.password;
		w.config.ca_file = bad[i].ca ? bad[i].ca : w.config.ca_file;
		w.stop_on_down = true;
		world_open(&w);
		world_add(&w, "nobody", "must not arrive\r\n");
		world_run(&w);
		if (!strstr(w.down_why, bad[i].why) || (w.down_ms > 1000) != bad[i].auth)
			fail_msg("%s: %lld ms: %s", bad[i].name, (long long)w.down_ms, w.down_why);
		assert_int_equal(w.done, 0);
		world_close(&w);
	}
	if (have)
		assert_int_equal(delivered("must not arrive\n"), 0);
}

/* ---- a server of others: Postfix's smtp-sink ---- */

static pid_t sink_start(int port, const char *option)
{
	char address[32];
	pid_t pid = fork();

	snprintf(address, sizeof address, "127.0.0.1:%d", port);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(1);
		close(2);
		if (geteuid() == 0)
			execlp("smtp-sink", "smtp-sink", "-u", "nobody", option, address, "100", (char *)NULL);
		else
			execlp("smtp-sink", "smtp-sink", option, address, "100", (char *)NULL);
		_exit(127);
	}
	return pid;
}

static bool have_sink(void)
{
	return access("/usr/sbin/smtp-sink", X_OK) == 0;
}

static void test_sink(void **state)
{
	static const struct {
		const char *option;
		enum outcome outcome;
		enum attempt_phase phase;
	} rows[] = {
		{ "-c", OUTCOME_ACCEPTED, PHASE_DOT },          { "-p", OUTCOME_ACCEPTED, PHASE_DOT },
		{ "-e", OUTCOME_ACCEPTED, PHASE_DOT },          { "-rrcpt", OUTCOME_REFUSED_TEMP, PHASE_RCPT },
		{ "-frcpt", OUTCOME_REFUSED_PERM, PHASE_RCPT }, { "-r.", OUTCOME_REFUSED_TEMP, PHASE_DOT },
		{ "-f.", OUTCOME_REFUSED_CONTENT, PHASE_DOT },  { "-fdata", OUTCOME_REFUSED_CONTENT, PHASE_DATA },
	};

	(void)state;
	if (!have_sink()) {
		print_message("!! SKIPPED: no smtp-sink (package postfix)\n");
		skip();
	}
	for (size_t i = 0; i < COUNT(rows); i++) {
		int port = free_port();
		pid_t pid = sink_start(port, rows[i].option);
		struct world w;

		world_init(&w, port);
		w.config.connections = 10;
		world_open(&w);
		world_add_many(&w, 500);
		world_run(&w); /* back-off bridges the sink's start */
		for (int k = 0; k < w.n; k++)
			if (w.job[k].result.outcome != rows[i].outcome || w.job[k].result.phase != rows[i].phase)
				fail_msg("smtp-sink %s: %s at %s: %d %s", rows[i].option,
					 outcome_name(w.job[k].result.outcome),
					 attempt_phase_name(w.job[k].result.phase), w.job[k].result.code,
					 w.job[k].reply);
		world_close(&w);
		kill(pid, SIGTERM);
		waitpid(pid, NULL, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivers),         cmocka_unit_test(test_big_over_tls),
		cmocka_unit_test(test_refusals_between), cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_fails_closed),     cmocka_unit_test(test_sink),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
