/* A Maildir: what lies in new/ is read, handed over, and moved to cur/ as seen. Policy:
 *
 * - inotify tells what comes; a scan at the start and a slow one later see what it missed. Without inotify the slow one
 *   does it all.
 * - A file is whole when it was moved or linked into new/. One that is made there itself is read when it is closed, or
 *   when it has not grown for a while.
 * - A message that comes later, and a file that cannot be read, is too large or is no file, stays in new/: told once,
 *   and looked at again with a back-off. Others are not held up; but when many in a row come later, the store is in
 *   trouble and the scan waits.
 * - The loop is shared: a scan goes on in slices.
 */
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/clock.h"
#include "abv/hash.h"
#include "abv/json.h"
#include "abv/log.h"
#include "abv/mem.h"
#include "source_int.h"

#define WAITING_MAX 1024 /* files that are remembered; more of them are looked at in every scan */
#define LATER_ROW   8
#define SLICE       20 /* ms */
#define WATCHED     (IN_MOVED_TO | IN_CREATE | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* A file that waits. */
struct waiting {
	uint64_t name; /* a hash: a collision only means a later look */
	int64_t due;   /* clock_mono */
	int tries;
	bool growing; /* it was made in new/ itself, with this size when it was looked at last */
	off_t size;
	bool seen; /* in the scan under way */
};

struct maildir {
	struct inbox_hooks hooks;
	const struct inbox_pace *pace; /* the inbox's */
	char *path, *source;
	bool here; /* the directory was there when it was looked for last: this one */
	dev_t dev;
	ino_t ino;
	int notify_fd; /* -1: nobody tells */
	/* Of the scan under way. Not kept open: the kernel tells of the end of a directory when the last one closes it.
	 */
	DIR *scan;
	int new_fd, cur_fd;
	bool again;                /* something came meanwhile */
	struct event *told, *turn; /* inotify; the next slice, scan or look for the directory */
	struct waiting waiting[WAITING_MAX];
	int waiting_n;
	int later_row;
	int64_t later_until; /* the store is in trouble: no scan before */
	bool absent_told, many_told;
	int64_t messages;
	char error[256];
};

static void problem(struct maildir *m, const char *what, const char *name, const char *why)
{
	(void)snprintf(m->error, sizeof m->error, "%s %s: %s", what, name, why);
	for (char *p = m->error; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '"')
			*p = '?';
	log_warning("inbox source=%s %s", m->source, m->error);
}

/* ---- files that wait ---- */

static struct waiting *find(struct maildir *m, const char *name)
{
	uint64_t h = hash_text(HASH_BEGIN, name);

	for (int i = 0; i < m->waiting_n; i++)
		if (m->waiting[i].name == h)
			return &m->waiting[i];
	return NULL;
}

static void forget(struct maildir *m, struct waiting *w)
{
	if (w)
		*w = m->waiting[--m->waiting_n];
}

/* NULL: there is no room. */
static struct waiting *remember(struct maildir *m, const char *name)
{
	struct waiting *w = find(m, name);

	if (!w && m->waiting_n < WAITING_MAX) {
		w = &m->waiting[m->waiting_n++];
		*w = (struct waiting){ .name = hash_text(HASH_BEGIN, name) };
	}
	if (w)
		w->seen = true;
	return w;
}

/* True: it is the first time that it must wait, and that is to be told. */
static bool wait_longer(struct maildir *m, const char *name)
{
	struct waiting *w = remember(m, name);
	bool first = w ? !w->tries : !m->many_told;

	m->many_told |= !w;
	if (w) {
		w->growing = false;
		w->due = clock_mono() + source_backoff(m->pace->retry_first, w->tries++, m->pace->retry_most);
	}
	return first;
}

/* ---- one file ---- */

static bool rename_once(const struct maildir *m, const char *name, const char *to)
{
	if (renameat2(m->new_fd, name, m->cur_fd, to, RENAME_NOREPLACE) == 0)
		return true;
	/* A file system that cannot do that: names of a Maildir do not repeat. */
	return (errno == EINVAL || errno == ENOSYS) && faccessat(m->cur_fd, to, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	       renameat(m->new_fd, name, m->cur_fd, to) == 0;
}

static void move_to_cur(struct maildir *m, const char *name)
{
	size_t n = strcspn(name, ":");
	char *to = mem_printf("%.*s:2,S", (int)n, name), *other;
	bool done = rename_once(m, name, to);

	if (!done && errno == EEXIST) {
		other = mem_printf("%.*s.%d.%lld:2,S", (int)n, name, (int)getpid(), (long long)clock_mono());
		done = rename_once(m, name, other);
		free(other);
	}
	if (done)
		forget(m, find(m, name));
	else if (wait_longer(m, name))
		problem(m, "cannot move to cur/", name, strerror(errno));
	free(to);
}

static int read_bounded(int fd, off_t size, struct buf *b)
{
	ssize_t n;

	buf_reserve(b, (size_t)size + 1);
	do {
		buf_reserve(b, 4096);
		n = read(fd, b->data + b->len, b->cap - b->len - 1);
		if (n > 0)
			b->len += (size_t)n;
		if (b->len > INBOX_SIZE_MAX) {
			errno = EFBIG;
			return -1;
		}
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (b->data)
		b->data[b->len] = '\0';
	return n < 0 ? -1 : 0;
}

static int read_file(const struct maildir *m, const char *name, struct buf *b)
{
	int fd = openat(m->new_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), rc = -1, kept;
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		goto out;
	if (!S_ISREG(st.st_mode))
		errno = EINVAL;
	else if (st.st_size > (off_t)INBOX_SIZE_MAX)
		errno = EFBIG;
	else
		rc = read_bounded(fd, st.st_size, b);
out:
	kept = errno;
	close(fd);
	errno = kept;
	return rc;
}

static void came_later(struct maildir *m, const char *name)
{
	wait_longer(m, name);
	if (++m->later_row >= LATER_ROW)
		m->later_until =
		    clock_mono() + source_backoff(m->pace->retry_first, m->later_row - LATER_ROW, m->pace->retry_most);
}

static void take_file(struct maildir *m, const char *name)
{
	struct buf b = { 0 };

	if (read_file(m, name, &b) < 0) {
		if (errno != ENOENT && wait_longer(m, name))
			problem(m, "cannot read new/", name, errno == EINVAL ? "it is no file" : strerror(errno));
	} else if (m->hooks.message(m->hooks.arg, m->source, buf_text(&b), b.len, "") == INBOX_LATER) {
		came_later(m, name);
	} else {
		m->later_row = 0;
		m->later_until = 0;
		m->messages++;
		move_to_cur(m, name);
	}
	buf_free(&b);
}

/* Was it made in new/ itself, and is written to still? */
static bool is_growing(struct maildir *m, const char *name, struct waiting *w, int64_t now)
{
	struct stat st;

	if (!w->growing)
		return false;
	if (fstatat(m->new_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size == w->size)
		return false;
	w->size = st.st_size;
	w->due = now + m->pace->settle;
	return true;
}

static void look_at(struct maildir *m, const char *name)
{
	struct waiting *w = find(m, name);
	int64_t now = clock_mono();

	if (w)
		w->seen = true;
	if (w && (w->due > now || is_growing(m, name, w, now)))
		return;
	take_file(m, name);
}

/* ---- the scan ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void scan_close(struct maildir *m)
{
	if (m->scan)
		closedir(m->scan);
	m->scan = NULL;
	close_fd(&m->new_fd);
	close_fd(&m->cur_fd);
}

static void scan_end(struct maildir *m)
{
	scan_close(m);
	for (int i = m->waiting_n - 1; i >= 0; i--)
		if (!m->waiting[i].seen)
			forget(m, &m->waiting[i]); /* the file has gone */
	m->many_told &= m->waiting_n == WAITING_MAX;
}

static void scan_begin(struct maildir *m)
{
	int fd = openat(m->new_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	m->again = false;
	m->scan = fd < 0 ? NULL : fdopendir(fd);
	if (!m->scan && fd >= 0)
		close(fd);
	for (int i = 0; i < m->waiting_n; i++)
		m->waiting[i].seen = false;
}

/* True: it is through. */
static bool scan_slice(struct maildir *m)
{
	int64_t end = clock_mono() + SLICE;
	const struct dirent *d;

	while ((d = readdir(m->scan)) != NULL) {
		if (d->d_name[0] != '.')
			look_at(m, d->d_name);
		if (m->later_until > clock_mono()) {
			/* Those that were not looked at wait as before. */
			for (int i = 0; i < m->waiting_n; i++)
				m->waiting[i].seen = true;
			return true;
		}
		if (clock_mono() >= end)
			return false;
	}
	return true;
}

static int64_t next_look(const struct maildir *m)
{
	int64_t now = clock_mono(), at = now + m->pace->rescan;

	for (int i = 0; i < m->waiting_n; i++)
		if (m->waiting[i].due < at)
			at = m->waiting[i].due;
	if (m->again)
		at = now;
	if (at < m->later_until)
		at = m->later_until;
	return at > now ? at - now : 0;
}

/* ---- the directory ---- */

static void deaf(struct maildir *m)
{
	if (m->told)
		event_free(m->told);
	m->told = NULL;
	close_fd(&m->notify_fd);
}

/* It has gone, or is another one by now. */
static void leave(struct maildir *m)
{
	scan_close(m);
	deaf(m);
	m->here = false;
}

static void soon(struct maildir *m)
{
	m->again = true;
	if (!m->scan)
		source_timer_set(m->turn, next_look(m));
}

/* A file made in new/ itself; what is linked there is whole, but nobody tells which of them it is. */
static void made(struct maildir *m, const char *name)
{
	char *path = mem_printf("%s/new/%s", m->path, name);
	struct stat st;
	struct waiting *w;
	bool is = lstat(path, &st) == 0 && S_ISREG(st.st_mode);

	free(path);
	if (!is)
		return;
	w = st.st_nlink > 1 ? NULL : remember(m, name);
	if (!w)
		return;
	w->growing = true;
	w->size = st.st_size;
	w->due = clock_mono() + m->pace->settle;
}

static bool happened(struct maildir *m, const struct inotify_event *ev)
{
	struct waiting *w;

	if (ev->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
		return false;
	if (!ev->len)
		return true;
	if (ev->mask & IN_CREATE)
		made(m, ev->name);
	w = find(m, ev->name);
	if (w && (ev->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)))
		forget(m, w); /* another file, or whole now: looked at anew */
	return true;
}

static void on_told(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char events[8192];
	struct maildir *m = arg;
	ssize_t n = read(fd, events, sizeof events);

	(void)what;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *ev = (const void *)(events + at);

		if (!happened(m, ev)) {
			leave(m);
			source_timer_set(m->turn, 0);
			return;
		}
		at += (ssize_t)(sizeof *ev + ev->len);
	}
	soon(m);
}

static void watch(struct maildir *m, struct event_base *base)
{
	char *path = mem_printf("%s/new", m->path);

	m->notify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (m->notify_fd < 0 || inotify_add_watch(m->notify_fd, path, WATCHED) < 0) {
		problem(m, "nobody tells what comes to", path, strerror(errno));
		close_fd(&m->notify_fd);
	} else {
		m->told = event_new(base, m->notify_fd, EV_READ | EV_PERSIST, on_told, m);
		event_add(m->told, NULL);
	}
	free(path);
}

static int open_sub(const char *maildir, const char *name, bool make)
{
	char *path = mem_printf("%s/%s", maildir, name);
	int fd;

	if (make)
		(void)mkdir(path, 0700); /* part of a Maildir; it is there, or open tells */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	return fd;
}

/* False: it is not there. It is watched before it is read, so that nothing falls between. */
static bool open_directory(struct maildir *m)
{
	struct stat st;

	m->new_fd = open_sub(m->path, "new", false);
	m->cur_fd = m->new_fd < 0 ? -1 : open_sub(m->path, "cur", true);
	if (m->new_fd < 0 || m->cur_fd < 0 || fstat(m->new_fd, &st) < 0) {
		if (m->here || !m->absent_told)
			problem(m, "cannot open", m->path, strerror(errno));
		m->absent_told = true;
		leave(m);
		return false;
	}
	if (m->here && st.st_dev == m->dev && st.st_ino == m->ino)
		return true;
	deaf(m);
	m->here = true;
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	m->error[0] = '\0';
	watch(m, event_get_base(m->turn));
	log_info("inbox source=%s open", m->source);
	return true;
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct maildir *m = arg;

	(void)fd;
	(void)what;
	if (!m->scan && open_directory(m))
		scan_begin(m);
	if (!m->scan) {
		leave(m);
		source_timer_set(m->turn, m->pace->absent);
	} else if (!scan_slice(m)) {
		source_timer_set(m->turn, 0);
	} else {
		scan_end(m);
		source_timer_set(m->turn, next_look(m));
	}
}

/* ---- life ---- */

struct maildir *maildir_new(struct event_base *base, const char *path, const struct inbox_hooks *hooks,
			    const struct inbox_pace *pace)
{
	struct maildir *m = mem_alloc(sizeof *m);

	m->hooks = *hooks;
	m->pace = pace;
	m->path = mem_strdup(path);
	m->source = mem_printf("maildir:%s", path);
	m->new_fd = m->cur_fd = m->notify_fd = -1;
	m->turn = event_new(base, -1, 0, on_turn, m);
	source_timer_set(m->turn, 0);
	return m;
}

bool maildir_is_at(const struct maildir *m, const char *path)
{
	return strcmp(m->path, path) == 0;
}

void maildir_status(const struct maildir *m, struct buf *json)
{
	json_add_str(json, "source", m->source);
	json_add_str(json, "state", !m->here ? "absent" : m->notify_fd < 0 ? "scanning" : "watching");
	json_add_str(json, "error", m->error);
	json_add_int(json, "messages", m->messages);
	json_add_int(json, "later", m->waiting_n);
}

void maildir_free(struct maildir **mp)
{
	struct maildir *m = *mp;

	*mp = NULL;
	if (!m)
		return;
	leave(m);
	event_free(m->turn);
	free(m->path);
	free(m->source);
	free(m);
}
