/* rooms: base model rules config net inbox */
/* The IMAP source against a server that others wrote: a real Dovecot (tests/system/dovecot.sh). Skipped, loudly,
 * without one. */
#include "inbox_world.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct {
	char dir[64], ca[256], user[64], password[64], maildir[256];
	int pid, port, tls_port, lmtp_port;
} dovecot;
static bool have;
static int delivered;

static FILE *script_begin(const char *verb)
{
	char *command = mem_printf("%s/../system/dovecot.sh %s %s", TEST_DATA, verb, dovecot.dir);
	FILE *f = popen(command, "re"); /* NOLINT(cert-env33-c): our own script */

	free(command);
	assert_non_null(f);
	return f;
}

static int script(const char *verb, char *line, size_t n)
{
	FILE *f = script_begin(verb);
	int rc;

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
	strcpy(dovecot.dir, "/tmp/abv-dovecot-XXXXXX");
	if (!mkdtemp(dovecot.dir))
		return -1;
	rc = script("start", line, sizeof line);
	if (rc == 77) {
		print_message("!! SKIPPED: the tests against a real Dovecot\n");
		rmdir(dovecot.dir);
		return 0;
	}
	have = sscanf(line, "pid=%d port=%d tls_port=%d lmtp_port=%d ca=%255s user=%63s password=%63s maildir=%255s",
		      &dovecot.pid, &dovecot.port, &dovecot.tls_port, &dovecot.lmtp_port, dovecot.ca, dovecot.user,
		      dovecot.password, dovecot.maildir) == 8;
	return rc == 0 && have ? 0 : -1;
}

static int teardown(void **state)
{
	char line[64];

	(void)state;
	return have ? script("stop", line, sizeof line) : 0;
}

/* ---- mail ---- */

/* Into a user's Maildir, as it is. The user's directory is made by the first login or delivery. */
static void put(const char *user, const void *bytes, size_t n)
{
	char *dir = mem_printf("%s/mail/%s", dovecot.dir, user), *tmp, *to;
	static const char *const sub[] = { "", "/new", "/cur", "/tmp" };
	struct stat owner;
	int fd;

	tmp = mem_printf("%s/mail", dovecot.dir);
	assert_int_equal(stat(tmp, &owner), 0);
	free(tmp);
	for (size_t i = 0; i < COUNT(sub); i++) {
		tmp = mem_printf("%s%s", dir, sub[i]);
		if (mkdir(tmp, 0700) == 0)
			assert_int_equal(chown(tmp, owner.st_uid, owner.st_gid), 0);
		free(tmp);
	}
	tmp = mem_printf("%s/tmp/%d", dir, ++delivered);
	to = mem_printf("%s/new/17000000%05d.M%dP1.test", dir, delivered, delivered);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	assert_int_equal(fchown(fd, owner.st_uid, owner.st_gid), 0);
	close(fd);
	assert_int_equal(rename(tmp, to), 0);
	free(tmp);
	free(to);
	free(dir);
}

static void put_text(const char *user, const char *name)
{
	char *text =
	    mem_printf("From: a@x.example\nSubject: %s\nMessage-ID: <%s@x.example>\n\nbody of %s\n", name, name, name);

	put(user, text, strlen(text));
	free(text);
}

/* How many files of the mailbox ("" the inbox) have this in their names. */
static int files(const char *user, const char *sub, const char *in_name)
{
	char *path = mem_printf("%s/mail/%s%s", dovecot.dir, user, sub);
	DIR *d = opendir(path);
	int n = 0;

	for (struct dirent *e; d && (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.' && strstr(e->d_name, in_name) != NULL;
	if (d)
		closedir(d);
	free(path);
	return n;
}

static bool got_text(const struct inbox_world *w, const char *text)
{
	for (int i = 0; i < w->got_n; i++)
		if (bytes_contain(w->got[i].bytes, w->got[i].n, text))
			return true;
	return false;
}

static bool is_idle(struct inbox_world *w)
{
	return world_says(w, "\"state\":\"idle\"");
}

static bool is_down(struct inbox_world *w)
{
	return world_says(w, "\"state\":\"down\"") && !world_says(w, "\"error\":\"\"");
}

static void prepare(struct inbox_world *w, const char *user)
{
	world_init(w);
	world_imap(w, "localhost", dovecot.port, false, user, dovecot.password);
	w->config.inbox.imap_tls = TLS_REQUIRED;
	w->config.inbox.imap_ca_file = dovecot.ca;
}

/* ---- contents ---- */

static char *big_text(size_t n)
{
	char *p = mem_alloc(n + 1);

	for (size_t i = 0; i < n; i++)
		p[i] = i % 77 == 76 ? '\n' : (char)('a' + i % 23);
	return p;
}

static void test_contents(void **state)
{
	static const char eight[] = "Subject: \xe4\xff 8-bit\r\n\r\n\x80\xfe\r\n";
	static const char cr[] = "Subject: cr\r\n\r\na\rb\r\r\n{5}\r\n)\r\na1 OK\r\n";
	static const char nul[] = "Subject: nul\r\n\r\na\0b\0\r\n";
	char *big = big_text(5 << 20), *large = big_text((10 << 20) + 100000);
	struct inbox_world w;

	(void)state;
	if (!have)
		skip();
	put("odd", "", 0);
	put("odd", nul, sizeof nul - 1);
	put("odd", eight, sizeof eight - 1);
	put("odd", cr, sizeof cr - 1);
	put("odd", big, 5 << 20);
	put("odd", large, (10 << 20) + 100000);
	put_text("odd", "last");
	prepare(&w, "odd");
	world_open(&w);
	world_run(&w, is_idle);
	assert_int_equal(w.got_n, 6);
	assert_true(world_has(&w, "", 0));
	assert_true(got_text(&w, "8-bit"));
	assert_true(got_text(&w, "\x80\xfe"));
	assert_true(got_text(&w, "a\rb\r"));
	assert_true(got_text(&w, "a1 OK\r\n"));
	assert_true(got_text(&w, "body of last\r\n"));
	for (int i = 0; i < w.got_n; i++)
		assert_true(w.got[i].n < 6 << 20);
	assert_int_equal(files("odd", "/new", "") + files("odd", "/cur", ""), 7);
	assert_int_equal(files("odd", "/cur", ":2,S"), 0); /* nothing is marked */
	world_close(&w);
	free(big);
	free(large);
}

static bool got_500(struct inbox_world *w)
{
	return w->got_n == 500 && is_idle(w);
}

static void test_many_and_again(void **state)
{
	struct inbox_world w;
	char name[32], cursor[64];

	(void)state;
	if (!have)
		skip();
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "many%d", i);
		put_text("many", name);
	}
	prepare(&w, "many");
	world_open(&w);
	world_run(&w, got_500);
	assert_int_equal(w.calls, 500);
	strcpy(cursor, w.cursor);
	assert_non_null(strstr(cursor, ":500"));
	/* another start, as after a crash: nothing is fetched again */
	inbox_close(&w.inbox);
	world_open(&w);
	world_run(&w, is_idle);
	assert_int_equal(w.calls, 500);
	assert_string_equal(w.cursor, cursor);
	/* a cursor that is behind: those are recognised */
	inbox_close(&w.inbox);
	sprintf(strchr(w.cursor, ':'), ":490");
	world_open(&w);
	world_run(&w, is_idle);
	assert_int_equal(w.calls, 510);
	assert_int_equal(w.repeated, 10);
	assert_string_equal(w.cursor, cursor);
	world_close(&w);
}

/* ---- push ---- */

static void lmtp(const char *user)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)dovecot.lmtp_port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char *text = mem_printf("LHLO x\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<%s+tok@example.com>\r\nDATA\r\n"
				"Subject: pushed\r\n\r\npushed\r\n.\r\nQUIT\r\n",
				user);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[4096];
	ssize_t n;

	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	do
		n = read(fd, answer, sizeof answer);
	while (n > 0); /* until it closes: delivered */
	close(fd);
	free(text);
}

static bool got_pushed(struct inbox_world *w)
{
	return got_text(w, "pushed");
}

static void test_push(void **state)
{
	struct inbox_world w;
	int64_t at;

	(void)state;
	if (!have)
		skip();
	put_text("push", "first");
	prepare(&w, "push");
	world_open(&w);
	world_run(&w, is_idle);
	for (int i = 0; i < 3; i++) {
		world_forget(&w);
		lmtp("push");
		at = clock_mono();
		world_run(&w, got_pushed);
		print_message("a delivered message is here after %d ms\n", (int)(w.got[0].at - at));
		assert_in_range(w.got[0].at - at, 0, 2000);
		world_run(&w, is_idle);
	}
	world_close(&w);
}

/* IDLE is renewed, and messages come all the same. */
static void test_renewal(void **state)
{
	struct inbox_world w;

	(void)state;
	if (!have)
		skip();
	prepare(&w, "renew");
	w.pace.idle = 5;
	world_open(&w);
	world_run(&w, is_idle);
	for (int i = 0; i < 5; i++) {
		world_forget(&w);
		lmtp("renew");
		world_run(&w, got_pushed);
	}
	assert_true(world_says(&w, "\"error\":\"\""));
	world_close(&w);
}

/* ---- TLS and login ---- */

enum expected { WORKS, TLS_FAILS, AUTH_FAILS };
static const struct {
	const char *name, *host;
	bool implicit, ca, right;
	enum tls_mode tls;
	enum expected expected;
	const char *words;
} row[] = {
	{ "starttls", "localhost", false, true, true, TLS_REQUIRED, WORKS, "" },
	{ "imaps", "localhost", true, true, true, TLS_REQUIRED, WORKS, "" },
	{ "plain", "127.0.0.1", false, false, true, TLS_NONE, WORKS, "" },
	{ "opportunistic", "localhost", false, true, true, TLS_OPPORTUNISTIC, WORKS, "" },
	{ "untrusted", "localhost", false, false, true, TLS_REQUIRED, TLS_FAILS, "tls: " },
	{ "untrusted-imaps", "localhost", true, false, true, TLS_REQUIRED, TLS_FAILS, "tls: " },
	{ "untrusted-opportunistic", "localhost", false, false, true, TLS_OPPORTUNISTIC, TLS_FAILS, "tls: " },
	{ "other-name", "127.0.0.1", true, true, true, TLS_REQUIRED, TLS_FAILS, "tls: " },
	{ "wrong-password", "localhost", false, true, false, TLS_REQUIRED, AUTH_FAILS, "the login was refused" },
	{ "wrong-password-plain", "localhost", false, true, false, TLS_NONE, AUTH_FAILS, "the login was refused" },
};

static void test_logins(void **state)
{
	(void)state;
	for (size_t i = 0; have && i < COUNT(row); i++) {
		struct inbox_world w;

		put_text(row[i].name, row[i].name);
		prepare(&w, row[i].name);
		world_imap(&w, row[i].host, row[i].implicit ? dovecot.tls_port : dovecot.port, row[i].implicit,
			   row[i].name, row[i].right ? dovecot.password : "wrong");
		w.config.inbox.imap_tls = row[i].tls;
		w.config.inbox.imap_ca_file = row[i].ca ? dovecot.ca : "";
		world_open(&w);
		world_run(&w, row[i].expected == WORKS ? is_idle : is_down);
		assert_int_equal(w.got_n, row[i].expected == WORKS);
		if (!world_says(&w, row[i].words))
			fail_msg("%s", row[i].name);
		world_close(&w);
	}
}

/* ---- what becomes of the mailbox, and of the server ---- */

static bool got_new(struct inbox_world *w)
{
	return got_text(w, "body of new") && is_idle(w);
}

static void test_uidvalidity(void **state)
{
	char *command = mem_printf("doveadm -c %s/dovecot.conf mailbox delete -u anew -s Sub 2>&1 && "
				   "doveadm -c %s/dovecot.conf mailbox create -u anew -s Sub 2>&1",
				   dovecot.dir, dovecot.dir);
	struct inbox_world w;
	unsigned before, after;

	(void)state;
	if (!have)
		skip();
	put_text("anew", "x");
	put_text("anew/.Sub", "old");
	prepare(&w, "anew");
	w.config.inbox.imap_mailbox = "Sub";
	w.pace.idle = 100; /* Dovecot tells only one who selects it again */
	world_open(&w);
	world_run(&w, is_idle);
	assert_true(got_text(&w, "body of old"));
	before = (unsigned)strtoul(w.cursor, NULL, 10);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
	put_text("anew/.Sub", "new");
	world_run(&w, got_new);
	after = (unsigned)strtoul(w.cursor, NULL, 10);
	assert_int_not_equal(before, after);
	assert_string_equal(strchr(w.cursor, ':'), ":1");
	assert_int_equal(w.got_n, 2);
	world_close(&w);
	free(command);
}

static void test_restart(void **state)
{
	struct inbox_world w;
	FILE *f;

	(void)state;
	if (!have)
		skip();
	put_text("restart", "old");
	prepare(&w, "restart");
	world_open(&w);
	world_run(&w, is_idle);
	f = script_begin("restart");
	world_run(&w, is_down);
	assert_int_equal(pclose(f), 0);
	put_text("restart", "new");
	world_run(&w, got_new);
	assert_int_equal(w.calls, 2);
	world_close(&w);
}

static void test_after(void **state)
{
	struct inbox_world w;

	(void)state;
	if (!have)
		skip();
	put_text("seen", "one");
	put_text("seen", "later");
	put_text("seen", "two");
	prepare(&w, "seen");
	w.config.inbox.imap_after = "seen";
	w.later_text = "body of later";
	w.later = 3;
	world_open(&w);
	world_run(&w, is_idle);
	assert_int_equal(files("seen", "/cur", ":2,S"), 2);
	assert_int_equal(w.got_n, 2); /* two is not held up by later */
	assert_non_null(strstr(w.cursor, ":1"));
	while (w.later || w.got_n < 3)
		world_run(&w, is_idle);
	world_run(&w, is_idle);
	assert_int_equal(files("seen", "/cur", ":2,S"), 3);
	assert_non_null(strstr(w.cursor, ":3"));
	world_close(&w);

	put_text("moved", "one");
	put_text("moved", "two");
	prepare(&w, "moved");
	w.config.inbox.imap_after = "move:Done";
	world_open(&w);
	world_run(&w, is_idle);
	assert_int_equal(w.got_n, 2);
	assert_int_equal(files("moved", "/cur", "") + files("moved", "/new", ""), 0);
	assert_int_equal(files("moved", "/.Done/cur", "") + files("moved", "/.Done/new", ""), 2);
	assert_int_equal(files("moved", "/.Done/cur", ":2,S"), 0);
	world_close(&w);

	put_text("nofolder", "one");
	put_text("nofolder", "two");
	prepare(&w, "nofolder");
	w.config.inbox.imap_after = "move:Not there";
	world_open(&w);
	world_run(&w, is_idle);
	assert_int_equal(w.got_n, 2);
	assert_int_equal(files("nofolder", "/cur", ""), 2);
	world_close(&w);
}

/* A reload: what is the same goes on, what is new is opened. */
static void test_reload(void **state)
{
	struct inbox_world w;
	struct config other;
	struct err e;

	(void)state;
	if (!have)
		skip();
	put_text("reload1", "one");
	put_text("reload2", "new");
	prepare(&w, "reload1");
	world_open(&w);
	world_run(&w, is_idle);
	other = w.config;
	assert_int_equal(inbox_reconfigure(w.inbox, &other, &e), 0);
	assert_true(is_idle(&w));
	other.inbox.imap_username = "reload2";
	w.cursor[0] = '\0';
	assert_int_equal(inbox_reconfigure(w.inbox, &other, &e), 0);
	world_run(&w, got_new);
	other.inbox.imap_url = "";
	assert_int_equal(inbox_reconfigure(w.inbox, &other, &e), 0);
	assert_true(world_says(&w, "\"inbox\":[]"));
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents), cmocka_unit_test(test_many_and_again),
		cmocka_unit_test(test_push),     cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_logins),   cmocka_unit_test(test_uidvalidity),
		cmocka_unit_test(test_after),    cmocka_unit_test(test_reload),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests_name("inbox_dovecot", tests, setup, teardown);
}
