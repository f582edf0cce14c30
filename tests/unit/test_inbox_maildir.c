/* rooms: base model rules config net inbox */
/* The Maildir source: what lies there, what comes, in every way a delivery can put it there; what cannot be read; what
 * comes later. */
#include "inbox_world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

static char top[64], maildir[96];

static char *in(const char *fmt, const char *name)
{
	static char path[4][512];
	static int at;

	at = (at + 1) % 4;
	/* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): the tests' own */
	snprintf(path[at], sizeof path[at], "%s/%s%s", maildir, fmt, name);
	return path[at];
}

static void make(void)
{
	assert_int_equal(mkdir(maildir, 0700), 0);
	assert_int_equal(mkdir(in("new", ""), 0700), 0);
	assert_int_equal(mkdir(in("tmp", ""), 0700), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/abv-maildir-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(maildir, sizeof maildir, "%s/box", top);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

static void put(const char *name, const char *text)
{
	write_file(in("tmp/", name), text, strlen(text));
	assert_int_equal(rename(in("tmp/", name), in("new/", name)), 0);
}

static int count(const char *sub)
{
	DIR *d = opendir(in(sub, ""));
	int n = 0;

	for (const struct dirent *e; d && (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static bool exists(const char *sub, const char *name)
{
	return access(in(sub, name), F_OK) == 0;
}

static void prepare(struct inbox_world *w)
{
	world_init(w);
	w->config.inbox.maildir = maildir;
}

static bool got_as_many(struct inbox_world *w)
{
	return w->got_n >= *(int *)w->arg && world_says(w, "watching");
}

static void run_until(struct inbox_world *w, int n)
{
	w->arg = &n;
	world_run(w, got_as_many);
}

static bool after_100ms(struct inbox_world *w)
{
	return clock_mono() >= *(int64_t *)w->arg;
}

/* Nothing is expected: long enough to see it, should it come. */
static void run_for(struct inbox_world *w, int64_t ms)
{
	int64_t end = clock_mono() + ms;

	w->arg = &end;
	world_run(w, after_100ms);
}

static void test_reads_and_moves(void **state)
{
	struct inbox_world w;

	(void)state;
	make();
	put("1.a.host", "one");
	put("2.b.host:2,F", "two");
	write_file(in("new/", "3.nul"), "a\0b", 3);
	write_file(in("new/", "4.empty"), "", 0);
	put(".hidden", "no");
	prepare(&w);
	world_open(&w);
	run_until(&w, 4);
	assert_true(world_has(&w, "one", 3) && world_has(&w, "two", 3) && world_has(&w, "a\0b", 3) &&
		    world_has(&w, "", 0));
	assert_true(exists("cur/", "1.a.host:2,S") && exists("cur/", "2.b.host:2,S"));
	assert_true(exists("cur/", "3.nul:2,S") && exists("cur/", "4.empty:2,S"));
	assert_true(exists("new/", ".hidden"));
	/* while it runs */
	put("5.moved", "five");
	run_until(&w, 5);
	write_file(in("tmp/", "6"), "six", 3);
	assert_int_equal(link(in("tmp/", "6"), in("new/", "6.linked")), 0);
	run_until(&w, 6);
	unlink(in("tmp/", "6"));
	write_file(in("new/", "7.made"), "seven", 5);
	run_until(&w, 7);
	assert_int_equal(w.calls, 7);
	assert_string_equal(w.cursor, "");
	/* a name that is taken */
	put("1.a.host", "another one");
	run_until(&w, 8);
	assert_int_equal(count("cur"), 8);
	assert_int_equal(count("new"), 0);
	world_close(&w);
}

/* Written slowly in new/ itself: not before it is closed. */
static void test_growing(void **state)
{
	struct inbox_world w;
	int fd;

	(void)state;
	make();
	prepare(&w);
	w.pace.settle = 400;
	world_open(&w);
	run_until(&w, 0);
	fd = open(in("new/", "slow"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(write(fd, "part ", 5), 5);
		run_for(&w, 100);
	}
	assert_int_equal(w.calls, 0);
	close(fd);
	run_until(&w, 1);
	assert_true(world_has(&w, "part part part part ", 20));
	/* one that is never closed, and does not grow */
	fd = open(in("new/", "stuck"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "stuck", 5), 5);
	run_until(&w, 2);
	close(fd);
	world_close(&w);
}

static void test_comes_and_goes(void **state)
{
	struct inbox_world w;

	(void)state;
	prepare(&w);
	world_open(&w);
	run_for(&w, 60);
	assert_true(world_says(&w, "absent"));
	make();
	put("1", "one");
	run_until(&w, 1);
	/* it is removed, and made again */
	assert_int_equal(nftw(maildir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	run_for(&w, 60);
	assert_true(world_says(&w, "absent"));
	make();
	put("2", "two");
	run_until(&w, 2);
	/* and moved away as a whole */
	w.pace.rescan = 50;
	inbox_set_pace(w.inbox, &w.pace);
	put("3", "three");
	run_until(&w, 3);
	assert_int_equal(rename(maildir, in("../old", "")), 0);
	make();
	put("4", "four");
	run_until(&w, 4);
	world_close(&w);
}

static void test_unreadable(void **state)
{
	struct inbox_world w;
	int fd;

	(void)state;
	make();
	prepare(&w);
	fd = open(in("new/", "large"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, (off_t)INBOX_SIZE_MAX + 1), 0);
	close(fd);
	assert_int_equal(mkfifo(in("new/", "fifo"), 0600), 0);
	assert_int_equal(mkdir(in("new/", "directory"), 0700), 0);
	assert_int_equal(symlink("/etc/passwd", in("new/", "link")), 0);
	put("good", "good");
	world_open(&w);
	run_until(&w, 1);
	run_for(&w, 300);
	assert_int_equal(w.calls, 1);
	assert_int_equal(count("new"), 4);
	assert_true(world_says(&w, "\"later\":4"));
	/* it can be read now */
	assert_int_equal(truncate(in("new/", "large"), 100), 0);
	run_until(&w, 2);
	assert_int_equal(count("new"), 3);
	world_close(&w);
}

static void test_later(void **state)
{
	struct inbox_world w;

	(void)state;
	make();
	put("1", "later");
	put("2", "two");
	prepare(&w);
	w.later_text = "later";
	w.later = 3;
	world_open(&w);
	run_until(&w, 1);
	assert_true(exists("new/", "1") && exists("cur/", "2:2,S"));
	run_until(&w, 2);
	assert_int_equal(w.calls, 5);
	assert_true(exists("cur/", "1:2,S"));
	world_close(&w);
}

static bool called_20(struct inbox_world *w)
{
	return w->calls >= 20;
}

static void test_trouble_and_many(void **state)
{
	struct inbox_world w;
	char name[32];

	(void)state;
	make();
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof name, "%d", i);
		put(name, name);
	}
	prepare(&w);
	w.later_text = "";
	w.later = -1;
	world_open(&w);
	world_run(&w, called_20);
	assert_int_equal(count("new"), 3000);
	w.later = 0;
	run_until(&w, 3000);
	assert_int_equal(count("cur"), 3000);
	assert_in_range(w.calls, 3000, 3040);
	world_close(&w);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_reads_and_moves), T(test_growing), T(test_comes_and_goes),
		T(test_unreadable),      T(test_later),   T(test_trouble_and_many),
	};

	return cmocka_run_group_tests_name("inbox_maildir", tests, NULL, NULL);
}
