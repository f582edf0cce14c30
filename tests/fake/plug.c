/* Pulls the plug of an abvd that is tested as it is delivered: preloaded, it watches the calls by which abvd, SQLite and
 * libcurl touch files and sockets, names the instants between them, and kills the process (SIGKILL) at the one that is
 * asked for.
 *
 *   ABV_PLUG=POINT:N   dies at the N-th passing of POINT; without it only the records are kept
 *   ABV_PLUG_HOME=DIR  the files of this directory are watched: abvd.db, its -wal and -journal, engagement.jsonl, abvd.conf
 *   ABV_PLUG_DIR=DIR   elsewhere; there are written
 *       death          "POINT N CONNECTIONS" of the death
 *       connections    4 bytes, shared: how many SMTP connections are open, or were closed so lately that what became of
 *                      their messages may not be committed yet; readable after a death from outside too
 *       unsynced       what each file had before each of its writes, and when it was synced: with it a loss of power can
 *                      be played (tests/system/power.py), also one that comes after several deaths
 *
 * Points of the SMTP dialogue: `mail` before an envelope leaves, `mail-sent`; `354` read and not yet seen by abvd;
 * `body-half` of a body left; `dot` before it, `dot-half`, `dot-sent`; `reply` to a dot read and not yet seen.
 * Of a commit: CONTEXT.PHASE. The phase: `begin` before its first byte, `half` written, `unsynced` written whole,
 * `synced`. The context is what the commit comes after, and one may have several: `any`, `start` (before the control
 * socket listens), `reserve` (a connection became ready), `hand` (a body left, or may leave with its dot), `record` (a dot was answered), `reload`
 * (the configuration was read again), `rotate` (the log was opened again), and a request on the control socket: `import`,
 * `enroll`, `deliver`, `suppress`.
 * Of the database file (made, and at a checkpoint): `db-write`, `db-half`, `db-unsynced`, `db-synced`, `wal-cut`,
 * `wal-unlink`, `wal-unlinked`.
 * Of the engagement log: `log` before a write, `log-half`, `log-written`, `log-unsynced`, `log-synced`, `log-open` before
 * it is opened, `log-opened`, `log-cut` before a torn tail is.
 * `conf-open` before the configuration is read, `rename` before a file gets its name, `renamed`. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES  4096
#define RECENT 3 /* commits: the scheduler's, a request's that came before it, one more */

enum role { ROLE_NONE, ROLE_STORE, ROLE_WAL, ROLE_LOG, ROLE_OTHER, ROLE_SMTP };
enum smtp { SMTP_HELLO, SMTP_COMMAND, SMTP_BODY };

/* What a commit comes after: bits, in the order of context_name. */
enum { IN_ANY = 1, IN_START = 2, IN_RESERVE = 4, IN_HAND = 8, IN_RECORD = 16, IN_RELOAD = 32, IN_ROTATE = 64, IN_VERB = 128 };
static const char *const context_name[] = { "any",    "start",  "reserve", "hand",    "record", "reload",
					    "rotate", "import", "enroll",  "deliver", "suppress" };
#define CONTEXTS   (sizeof context_name / sizeof context_name[0])
#define FIRST_VERB 7

static struct {
	int (*open)(const char *, int, ...);
	int (*close)(int);
	ssize_t (*write)(int, const void *, size_t);
	ssize_t (*pwrite)(int, const void *, size_t, off_t);
	int (*fsync)(int);
	int (*fdatasync)(int);
	int (*ftruncate)(int, off_t);
	int (*rename)(const char *, const char *);
	int (*unlink)(const char *);
	int (*connect)(int, const struct sockaddr *, socklen_t);
	int (*listen)(int, int);
	ssize_t (*send)(int, const void *, size_t, int);
	ssize_t (*recv)(int, void *, size_t, int);
	ssize_t (*readv)(int, const struct iovec *, int);
} real;

static struct {
	enum role role;
	enum smtp smtp;
	bool dot; /* left and not answered */
} files[FILES];

static struct {
	bool on;
	char home[512], dir[512], point[32], context[32]; /* context "": the point is none of a commit */
	int nth, passed;
	int records; /* fd */
	int32_t *connections;
	int closed[RECENT]; /* of them, since the last commit, the one before ... */
	unsigned armed, commit; /* contexts: of the next commit; of the one under way, 0 none */
	int writes;             /* of the commit under way */
	int configured, opened; /* how often */
} plug = { .records = -1 };

static void load(void)
{
	static const struct {
		void *at;
		const char *name;
	} wanted[] = {
		{ &real.open, "open" },         { &real.close, "close" },   { &real.write, "write" },
		{ &real.pwrite, "pwrite" },     { &real.fsync, "fsync" },   { &real.fdatasync, "fdatasync" },
		{ &real.ftruncate, "ftruncate" }, { &real.rename, "rename" }, { &real.unlink, "unlink" },
		{ &real.connect, "connect" },   { &real.listen, "listen" }, { &real.send, "send" },
		{ &real.recv, "recv" },         { &real.readv, "readv" },
	};

	for (size_t i = 0; !real.readv && i < sizeof wanted / sizeof wanted[0]; i++)
		*(void **)wanted[i].at = dlsym(RTLD_NEXT, wanted[i].name);
}

/* ---- the points ---- */

static void in_dir(const char *name, char out[1024])
{
	snprintf(out, 1024, "%s/%s", plug.dir, name);
}

__attribute__((noreturn)) static void die(void)
{
	char path[1024], text[128];
	int n = snprintf(text, sizeof text, "%s%s%s %d %d\n", plug.context, *plug.context ? "." : "", plug.point,
			 plug.nth, *plug.connections);
	int fd;

	in_dir("death", path);
	fd = real.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	(void)!real.write(fd, text, (size_t)n);
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

/* True when it is to be died here. */
static bool at(const char *point)
{
	return plug.on && !*plug.context && strcmp(plug.point, point) == 0 && ++plug.passed == plug.nth;
}

static void pass(const char *point)
{
	if (at(point))
		die();
}

static bool in_commit(const char *phase)
{
	if (!plug.on || strcmp(plug.point, phase) != 0)
		return false;
	for (size_t i = 0; i < CONTEXTS; i++)
		if (plug.commit >> i & 1U && strcmp(plug.context, context_name[i]) == 0)
			return ++plug.passed == plug.nth;
	return false;
}

#include "plug_records.h" /* needs what stands above */

/* ---- the start ---- */

static void read_point(const char *text)
{
	const char *colon = strchr(text, ':'), *dot = strchr(text, '.');

	if (!colon)
		return;
	plug.nth = atoi(colon + 1);
	if (dot)
		snprintf(plug.context, sizeof plug.context, "%.*s", (int)(dot - text), text);
	snprintf(plug.point, sizeof plug.point, "%.*s", (int)(colon - (dot ? dot + 1 : text)), dot ? dot + 1 : text);
	plug.on = true;
}

__attribute__((constructor)) static void start(void)
{
	const char *home = getenv("ABV_PLUG_HOME"), *dir = getenv("ABV_PLUG_DIR"), *point = getenv("ABV_PLUG");
	char path[1024];
	void *page;
	int fd;

	load();
	if (!home || !dir)
		return;
	snprintf(plug.home, sizeof plug.home, "%s/", home);
	snprintf(plug.dir, sizeof plug.dir, "%s", dir);
	in_dir("connections", path);
	fd = real.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	page = real.ftruncate(fd, 4096) == 0 ? mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
	in_dir("unsynced", path);
	plug.records = real.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (page == MAP_FAILED || plug.records < 0)
		abort();
	plug.connections = page;
	*plug.connections = 0;
	plug.armed = IN_START;
	if (point)
		read_point(point);
}

/* ---- files ---- */

static bool ends(const char *path, const char *with)
{
	size_t n = strlen(path), m = strlen(with);

	return n >= m && strcmp(path + n - m, with) == 0;
}

static enum role role_of(const char *path)
{
	if (strncmp(path, plug.home, strlen(plug.home)) != 0)
		return ROLE_NONE;
	if (ends(path, "/abvd.db"))
		return ROLE_STORE;
	if (ends(path, "/abvd.db-wal"))
		return ROLE_WAL;
	return ends(path, "/engagement.jsonl") ? ROLE_LOG : ROLE_OTHER;
}

static int opening(const char *path, int flags, mode_t mode)
{
	enum role role = plug.dir[0] ? role_of(path) : ROLE_NONE;
	bool writes = (flags & O_ACCMODE) != O_RDONLY;
	int fd;

	load();
	if (role == ROLE_OTHER && ends(path, "/abvd.conf")) {
		pass("conf-open");
		if (plug.configured++)
			plug.armed |= IN_RELOAD;
	}
	if (role == ROLE_LOG && writes)
		pass("log-open");
	fd = real.open(path, flags, mode);
	if (fd < 0 || fd >= FILES)
		return fd;
	files[fd].role = writes ? role : ROLE_NONE;
	if (files[fd].role == ROLE_LOG) {
		pass("log-opened");
		if (plug.opened++)
			plug.armed |= IN_ROTATE;
	}
	return fd;
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list va;

	va_start(va, flags);
	if (flags & O_CREAT)
		mode = va_arg(va, mode_t);
	va_end(va);
	return opening(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int close(int fd)
{
	load();
	if (fd >= 0 && fd < FILES) {
		if (files[fd].role == ROLE_SMTP)
			plug.closed[0]++;
		files[fd].role = ROLE_NONE;
		files[fd].dot = false;
	}
	return real.close(fd);
}

static ssize_t half(int fd, const void *p, size_t n, off_t where)
{
	keep(fd, "write", where, n / 2, p, n / 2);
	(void)!real.pwrite(fd, p, n / 2, where);
	die();
}

static void wal_write(int fd, const void *p, size_t n, off_t where)
{
	if (where == 0) /* the header, which begins the file anew */
		return;
	if (!plug.commit) {
		plug.commit = plug.armed | IN_ANY;
		plug.armed &= IN_START;
		plug.writes = 0;
		if (in_commit("begin"))
			die();
	}
	if (++plug.writes == 1 && in_commit("half")) /* its frames mostly leave in one piece */
		half(fd, p, n, where);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t where)
{
	enum role role = fd >= 0 && fd < FILES ? files[fd].role : ROLE_NONE;

	load();
	if (role == ROLE_WAL)
		wal_write(fd, p, n, where);
	if (role == ROLE_STORE) {
		pass("db-write");
		if (at("db-half"))
			half(fd, p, n, where);
	}
	keep(fd, "write", where, n, p, n);
	return real.pwrite(fd, p, n, where);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t where) __attribute__((alias("pwrite")));

/* The log is written at its end; so are the few other files that are. */
ssize_t write(int fd, const void *p, size_t n)
{
	enum role role = fd >= 0 && fd < FILES ? files[fd].role : ROLE_NONE;
	struct stat st;
	ssize_t done;

	load();
	if (!is_kept(fd) || fstat(fd, &st) != 0)
		return real.write(fd, p, n);
	if (role == ROLE_LOG)
		pass("log");
	if (role == ROLE_LOG && at("log-half")) {
		keep(fd, "write", st.st_size, 0, p, n / 2);
		(void)!real.write(fd, p, n / 2);
		die();
	}
	keep(fd, "write", st.st_size, 0, p, n);
	done = real.write(fd, p, n);
	if (role == ROLE_LOG)
		pass("log-written");
	return done;
}

static int syncing(int fd, int (*sync)(int))
{
	enum role role = fd >= 0 && fd < FILES ? files[fd].role : ROLE_NONE;
	int rc;

	if (role == ROLE_WAL && plug.commit && in_commit("unsynced"))
		die();
	if (role == ROLE_STORE)
		pass("db-unsynced");
	if (role == ROLE_LOG)
		pass("log-unsynced");
	rc = sync(fd);
	if (rc == 0)
		keep_synced(fd);
	if (role == ROLE_WAL && plug.commit) {
		*plug.connections -= plug.closed[RECENT - 1];
		memmove(plug.closed + 1, plug.closed, (RECENT - 1) * sizeof plug.closed[0]);
		plug.closed[0] = 0;
		if (in_commit("synced"))
			die();
		plug.commit = 0;
	}
	if (role == ROLE_STORE)
		pass("db-synced");
	if (role == ROLE_LOG)
		pass("log-synced");
	return rc;
}

int fsync(int fd)
{
	load();
	return syncing(fd, real.fsync);
}

int fdatasync(int fd)
{
	load();
	return syncing(fd, real.fdatasync);
}

int ftruncate(int fd, off_t size)
{
	enum role role = fd >= 0 && fd < FILES ? files[fd].role : ROLE_NONE;
	struct stat st;

	load();
	if (role == ROLE_WAL)
		pass("wal-cut");
	if (role == ROLE_LOG)
		pass("log-cut");
	if (is_kept(fd) && fstat(fd, &st) == 0)
		keep(fd, "cut", size, st.st_size > size ? (size_t)(st.st_size - size) : 0, NULL, 0);
	return real.ftruncate(fd, size);
}

int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));

int rename(const char *from, const char *to)
{
	int rc;

	load();
	pass("rename");
	keep_gone(to);
	rc = real.rename(from, to);
	pass("renamed");
	return rc;
}

int unlink(const char *path)
{
	bool wal = plug.dir[0] && role_of(path) == ROLE_WAL;
	int rc;

	load();
	if (wal)
		pass("wal-unlink");
	keep_gone(path);
	rc = real.unlink(path);
	if (wal)
		pass("wal-unlinked");
	return rc;
}

/* ---- sockets ---- */

int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t n)
{
	load();
	if (plug.dir[0] && fd >= 0 && fd < FILES && to.__sockaddr__->sa_family == AF_INET && files[fd].role != ROLE_SMTP) {
		files[fd].role = ROLE_SMTP;
		files[fd].smtp = SMTP_HELLO;
		files[fd].dot = false;
		++*plug.connections;
	}
	return real.connect(fd, to.__sockaddr__, n);
}

int listen(int fd, int n)
{
	load();
	plug.armed &= ~(unsigned)IN_START;
	return real.listen(fd, n);
}

/* The bytes hold a dot at dot_at, behind the rest of a body or all of it. */
static ssize_t send_dot(int fd, const void *p, size_t n, size_t dot_at, int flags)
{
	bool body_half = dot_at && at("body-half"), before = !body_half && at("dot"), dot_half = !body_half && !before && at("dot-half");
	ssize_t done;

	if (body_half || before || dot_half) {
		size_t some = body_half ? dot_at / 2 : before ? dot_at : dot_at + 2;

		if (some)
			(void)!real.send(fd, p, some, flags);
		die();
	}
	done = real.send(fd, p, n, flags);
	pass("dot-sent");
	files[fd].smtp = SMTP_COMMAND;
	files[fd].dot = true;
	return done;
}

static ssize_t send_body(int fd, const void *p, size_t n, int flags)
{
	if (at("body-half")) {
		(void)!real.send(fd, p, n / 2, flags);
		die();
	}
	plug.armed |= IN_HAND;
	return real.send(fd, p, n, flags);
}

/* Where the dot is that ends the body; a body's lines that begin with a dot have two. NULL: not in these bytes. */
static const char *dot_in(const void *p, size_t n)
{
	const char *line = n >= 3 && memcmp(p, ".\r\n", 3) == 0 ? p : memmem(p, n, "\r\n.\r\n", 5);

	return line && line != p ? line + 2 : line;
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	const char *dot = NULL;
	bool mail;
	ssize_t done;

	load();
	if (fd < 0 || fd >= FILES || files[fd].role != ROLE_SMTP)
		return real.send(fd, p, n, flags);
	if (files[fd].smtp == SMTP_BODY) {
		dot = dot_in(p, n);
		if (!dot)
			return send_body(fd, p, n, flags);
	}
	mail = memmem(p, n, "MAIL FROM:", 10) != NULL;
	if (mail)
		pass("mail");
	done = dot ? send_dot(fd, p, n, (size_t)(dot - (const char *)p), flags) : real.send(fd, p, n, flags);
	if (mail)
		pass("mail-sent");
	return done;
}

static void replies(int fd, const char *p, size_t n)
{
	if (files[fd].smtp == SMTP_HELLO && memmem(p, n, "250 ", 4)) {
		files[fd].smtp = SMTP_COMMAND;
		plug.armed |= IN_RESERVE;
	}
	if (files[fd].dot) {
		pass("reply");
		files[fd].dot = false;
		plug.armed |= IN_RECORD;
	}
	if ((n >= 4 && memcmp(p, "354 ", 4) == 0) || memmem(p, n, "\n354 ", 5)) {
		pass("354");
		files[fd].smtp = SMTP_BODY;
		plug.armed |= IN_HAND; /* a small body waits for the commit, and leaves with its dot */
	}
}

ssize_t recv(int fd, void *p, size_t n, int flags)
{
	ssize_t got;

	load();
	got = real.recv(fd, p, n, flags);
	if (got > 0 && fd >= 0 && fd < FILES && files[fd].role == ROLE_SMTP && !(flags & MSG_PEEK))
		replies(fd, p, (size_t)got);
	return got;
}

/* Requests on the control socket. */
ssize_t readv(int fd, const struct iovec *v, int count)
{
	static const char post[] = "POST /v1/";
	ssize_t got;

	load();
	got = real.readv(fd, v, count);
	if (got < (ssize_t)sizeof post || v[0].iov_len < (size_t)got || memcmp(v[0].iov_base, post, sizeof post - 1) != 0)
		return got;
	for (size_t i = FIRST_VERB; i < CONTEXTS; i++) {
		size_t m = strlen(context_name[i]), head = sizeof post - 1;

		if ((size_t)got > head + m && memcmp((const char *)v[0].iov_base + head, context_name[i], m) == 0)
			plug.armed |= IN_VERB << (i - FIRST_VERB);
	}
	return got;
}
