/* A disk that fails on demand: loaded into abvd with LD_PRELOAD, it stands between the program and libc's calls on files.
 *
 * The file that ABV_DISK names says what is wrong now, and may be rewritten while the program runs; each line is
 *
 *   FAULT TARGET [AFTER]      after so many calls that it would have hit; without the file or a line for it, all is well
 *
 * TARGET: store (*.db), wal (*-wal), log (*.jsonl and its rotated files), backup (*.copy, *.part), all (these, and nothing else).
 * FAULT:
 *   enospc      what would make the file longer is refused; what lies inside it can be written again, as on a full disk
 *   erofs       no write, no truncation, no opening to write, as after the kernel has remounted a file system
 *   eio-write   no write
 *   eio-fsync   no fsync; what was written stays readable
 *   drop-fsync  no fsync, and what was written since the last good one is gone, as kernels do after an error in writing back: the
 *               next fsync succeeds, although the data never came to the disk
 *   eio-read    no read
 *   short       each write takes half of what it is given
 *   torn        a write takes half of what it is given, and the next is refused: the disk has become full in the middle
 *   low         statvfs says that nothing is free (TARGET: all)
 *
 * With ABV_DISK_SEEN, each call that was made to fail is appended to that file as `FAULT CALL NAME`. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum fault { NONE, ENOSPC_, EROFS_, EIO_WRITE, EIO_FSYNC, DROP_FSYNC, EIO_READ, SHORT, TORN, LOW, FAULTS };
static const char *const fault_name[FAULTS] = { "none", "enospc", "erofs", "eio-write", "eio-fsync", "drop-fsync",
						"eio-read", "short", "torn", "low" };

#define REAL(ret, name, ...)                                                                                           \
	static ret (*real)(__VA_ARGS__);                                                                               \
	if (!real)                                                                                                     \
		*(void **)&real = dlsym(RTLD_NEXT, #name)

/* ---- what is wrong now: read without the calls that are replaced ---- */

static char control[4096];
static long hits; /* of the fault that has an AFTER; begins anew when the control file's text changes */

static void control_read(void)
{
	const char *path = getenv("ABV_DISK");
	char now[sizeof(control)] = "";
	long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		long n = syscall(SYS_read, fd, now, sizeof(now) - 1);

		now[n > 0 ? n : 0] = '\0';
		(void)syscall(SYS_close, fd);
	}
	if (strcmp(now, control) != 0)
		hits = 0;
	memcpy(control, now, sizeof(control));
}

static const char *target_of(const char *path)
{
	const char *name = strrchr(path, '/');
	size_t n;

	name = name ? name + 1 : path;
	n = strlen(name);
	if (n > 4 && !strcmp(name + n - 4, "-wal"))
		return "wal";
	if (n > 3 && !strcmp(name + n - 3, ".db"))
		return "store";
	if (strstr(name, ".jsonl"))
		return "log";
	if (n > 5 && (!strcmp(name + n - 5, ".copy") || !strcmp(name + n - 5, ".part")))
		return "backup";
	return NULL;
}

/* Is one of the faults in `mask` switched on for the file? */
static enum fault look(const char *path, unsigned mask)
{
	const char *target = target_of(path);
	char name[32], of[32];
	long after;
	int used;

	if (!target && !(mask & 1u << LOW))
		return NONE;
	control_read();
	for (const char *p = control; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		after = 0;
		used = sscanf(p, "%31s %31s %ld", name, of, &after);
		if (used < 2 || (strcmp(of, "all") != 0 && (!target || strcmp(of, target) != 0)))
			continue;
		for (int f = 1; f < FAULTS; f++)
			if (mask & 1u << f && !strcmp(name, fault_name[f]))
				return after && hits++ < after ? NONE : (enum fault)f;
	}
	return NONE;
}

static bool path_of(int fd, char *out)
{
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlinkat, AT_FDCWD, link, out, PATH_MAX - 1);
	if (n > 0)
		out[n] = '\0';
	return n > 0 && out[0] == '/';
}

static int fails(enum fault f, const char *call, const char *path, int no)
{
	const char *seen = getenv("ABV_DISK_SEEN");
	char line[PATH_MAX + 64];
	int n = snprintf(line, sizeof(line), "%s %s %s\n", fault_name[f], call, path);
	long fd = seen ? syscall(SYS_openat, AT_FDCWD, seen, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd >= 0) {
		(void)syscall(SYS_write, fd, line, (size_t)n);
		(void)syscall(SYS_close, fd);
	}
	errno = no;
	return -1;
}

/* ---- what was written since the last good fsync, so that it can be lost ---- */

struct undo {
	struct undo *before;
	dev_t dev;
	ino_t ino;
	off_t at, size; /* size: of the file before */
	size_t n;
	char bytes[];
};
static struct undo *undo;

static void remember(int fd, off_t at, size_t n)
{
	struct undo *u = malloc(sizeof(*u) + n);
	struct stat st;
	ssize_t got;

	if (!u || fstat(fd, &st)) {
		free(u);
		return;
	}
	got = syscall(SYS_pread64, fd, u->bytes, n, at);
	u->before = undo;
	u->dev = st.st_dev;
	u->ino = st.st_ino;
	u->at = at;
	u->size = st.st_size;
	u->n = got > 0 ? (size_t)got : 0;
	undo = u;
}

static void settle(int fd, bool lose)
{
	struct undo **at = &undo, *u;
	struct stat st;

	if (fstat(fd, &st))
		return;
	while ((u = *at) != NULL) {
		if (u->dev != st.st_dev || u->ino != st.st_ino) {
			at = &u->before;
			continue;
		}
		if (lose) {
			int flags = fcntl(fd, F_GETFL);

			(void)fcntl(fd, F_SETFL, flags & ~O_APPEND); /* with it, Linux appends whatever pwrite says */
			(void)syscall(SYS_pwrite64, fd, u->bytes, u->n, u->at);
			(void)syscall(SYS_ftruncate, fd, u->size);
			(void)fcntl(fd, F_SETFL, flags);
		}
		*at = u->before;
		free(u);
	}
}

/* ---- the calls ---- */

#define WRITING (1u << ENOSPC_ | 1u << EROFS_ | 1u << EIO_WRITE | 1u << SHORT | 1u << TORN)

static bool torn; /* the last one took half */

/* 0 and *n (how much may be written), or -1. */
static int before_write(int fd, const char *call, off_t at, size_t *n)
{
	char path[PATH_MAX];
	struct stat st;
	enum fault f;

	if (!path_of(fd, path) || !target_of(path))
		return 0;
	f = look(path, WRITING);
	if (at < 0) { /* appended */
		if (fstat(fd, &st))
			return 0;
		at = st.st_size;
	}
	switch (f) {
	case EROFS_: return fails(f, call, path, EROFS);
	case EIO_WRITE: return fails(f, call, path, EIO);
	case ENOSPC_:
		if (!fstat(fd, &st) && st.st_size < at + (off_t)*n)
			return fails(f, call, path, ENOSPC);
		break;
	case TORN:
		if (torn) {
			torn = false;
			return fails(f, call, path, ENOSPC);
		}
		torn = *n > 1;
		*n = *n > 1 ? *n / 2 : *n;
		break;
	case SHORT: *n = *n > 1 ? *n / 2 : *n; break;
	default: break;
	}
	if (look(path, 1u << DROP_FSYNC | 1u << EIO_FSYNC) == DROP_FSYNC)
		remember(fd, at, *n);
	return 0;
}

ssize_t write(int fd, const void *p, size_t n)
{
	REAL(ssize_t, write, int, const void *, size_t);
	return before_write(fd, "write", -1, &n) ? -1 : real(fd, p, n);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
	return before_write(fd, "pwrite", at, &n) ? -1 : real(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite64(fd, p, n, at);
}

static int sync_fails(int fd, const char *call)
{
	char path[PATH_MAX];
	enum fault f;

	if (!path_of(fd, path) || !target_of(path))
		return 0;
	f = look(path, 1u << EIO_FSYNC | 1u << DROP_FSYNC);
	if (f == EIO_FSYNC)
		return fails(f, call, path, EIO);
	settle(fd, f == DROP_FSYNC);
	return f == DROP_FSYNC ? fails(f, call, path, EIO) : 0;
}

int fdatasync(int fd)
{
	REAL(int, fdatasync, int);
	return sync_fails(fd, "fdatasync") ? -1 : real(fd);
}

int fsync(int fd)
{
	REAL(int, fsync, int);
	return sync_fails(fd, "fsync") ? -1 : real(fd);
}

int ftruncate64(int fd, off64_t size)
{
	char path[PATH_MAX];

	REAL(int, ftruncate64, int, off64_t);
	if (path_of(fd, path) && look(path, 1u << EROFS_) == EROFS_)
		return fails(EROFS_, "ftruncate", path, EROFS);
	return real(fd, size);
}

int ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

static bool read_fails(int fd, const char *call)
{
	char path[PATH_MAX];

	return path_of(fd, path) && look(path, 1u << EIO_READ) == EIO_READ && fails(EIO_READ, call, path, EIO);
}

ssize_t read(int fd, void *p, size_t n)
{
	REAL(ssize_t, read, int, void *, size_t);
	return read_fails(fd, "read") ? -1 : real(fd, p, n);
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
	REAL(ssize_t, pread64, int, void *, size_t, off64_t);
	return read_fails(fd, "pread") ? -1 : real(fd, p, n, at);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	return pread64(fd, p, n, at);
}

int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	REAL(int, open64, const char *, int, ...);
	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if ((flags & O_ACCMODE) != O_RDONLY && look(path, 1u << EROFS_) == EROFS_)
		return fails(EROFS_, "open", path, EROFS);
	return real(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return open64(path, flags, mode);
}

int statvfs(const char *path, struct statvfs *out)
{
	int rc;

	REAL(int, statvfs, const char *, struct statvfs *);
	rc = real(path, out);
	if (!rc && look(path, 1u << LOW) == LOW)
		out->f_bavail = out->f_bfree = 0;
	return rc;
}
