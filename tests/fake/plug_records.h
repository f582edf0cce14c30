/* Part of plug.c: the records of what each file had before each of its writes, and when it was synced. With them tests/system/power.py plays
 * a loss of power. */
#ifndef ABV_PLUG_RECORDS_H
#define ABV_PLUG_RECORDS_H

struct record {
	char what[8]; /* write, cut, synced, gone */
	uint64_t inode;
	int64_t at, size;   /* where; how large the file was */
	uint64_t was, is; /* bytes that follow: what stood there, what was written */
};

static void record(const char *what, uint64_t inode, off_t where, off_t size, void *was, size_t was_n, const void *is,
		   size_t is_n)
{
	struct record r = { .inode = inode, .at = where, .size = size, .was = was_n, .is = is_n };
	struct iovec v[3] = { { &r, sizeof r }, { was, was_n }, { (void *)(uintptr_t)is /* only read */, is_n } };

	snprintf(r.what, sizeof r.what, "%s", what);
	if (writev(plug.records, v, 3) != (ssize_t)(sizeof r + was_n + is_n))
		abort(); /* a record that is missing would make a loss of power a damage that no disk does */
}

static bool is_kept(int fd)
{
	return plug.records >= 0 && fd >= 0 && fd < FILES && files[fd].role != ROLE_NONE && files[fd].role != ROLE_SMTP;
}

/* Before a write or a cut: n bytes from `where` on are changed or leave. */
static void keep(int fd, const char *what, off_t where, size_t n, const void *is, size_t is_n)
{
	struct stat st;
	char *was = NULL;
	ssize_t got = 0;

	if (!is_kept(fd) || fstat(fd, &st) != 0)
		return;
	if (where < st.st_size && n) {
		was = malloc(n);
		got = was ? pread(fd, was, n, where) : -1;
		if (got < 0)
			abort();
	}
	record(what, (uint64_t)st.st_ino, where, st.st_size, was, (size_t)got, is, is_n);
	free(was);
}

static void keep_state(const char *what, const struct stat *st)
{
	if (plug.records >= 0)
		record(what, (uint64_t)st->st_ino, 0, st->st_size, NULL, 0, NULL, 0);
}

static void keep_synced(int fd)
{
	struct stat st;

	if (is_kept(fd) && fstat(fd, &st) == 0)
		keep_state("synced", &st);
}

/* A name that goes: the number of its inode may be given again. */
static void keep_gone(const char *path)
{
	struct stat st;

	if (plug.records >= 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode))
		keep_state("gone", &st);
}

#endif
