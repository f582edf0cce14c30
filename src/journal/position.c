/* Where the log ends. Policy: the log's own last line decides, not a note elsewhere, because a crash may come between
 * any two writes. A torn tail is cut and written again from the store; so is what follows a gap or damaged bytes behind
 * the last fsync, where a loss of power may have left anything. Damage in front of it is not ours to repair: an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/log.h"
#include "abv/mem.h"
#include "journal_int.h"

#define WINDOW_FIRST ((off_t)64 * 1024)
#define DIGITS_MAX   18 /* of a seq: fits an int64_t */

static const char line_head[] = "{\"seq\":";
#define HEAD_LEN (sizeof(line_head) - 1)

int64_t journal_line_seq(const char *p, size_t n)
{
	int64_t seq = 0;
	size_t i = HEAD_LEN;

	if (n < HEAD_LEN + 3 || memcmp(p, line_head, HEAD_LEN) != 0 || p[n - 1] != '}')
		return 0;
	for (; i < n && p[i] >= '0' && p[i] <= '9' && i < HEAD_LEN + DIGITS_MAX; i++)
		seq = seq * 10 + (p[i] - '0');
	if (p[i] != ',')
		return 0;
	for (i = 0; i < n; i++) {
		if ((unsigned char)p[i] < 0x20) /* never inside JSON that has no line breaks: pages that were lost */
			return 0;
	}
	return seq;
}

static int read_window(int fd, const char *path, off_t from, struct buf *b, size_t n, struct err *e)
{
	ssize_t got;

	buf_clear(b);
	buf_reserve(b, n);
	while (b->len < n) {
		got = pread(fd, b->data + b->len, n - b->len, from + (off_t)b->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(e, "%s: %s", path, strerror(errno));
		if (!got)
			break;
		b->len += (size_t)got;
	}
	b->data[b->len] = '\0';
	return 0;
}

/* A file without a good line is cut to nothing: only if what it begins with could be the beginning of a line of ours. */
static bool is_torn_line(const struct buf *b)
{
	size_t n = b->len < HEAD_LEN ? b->len : HEAD_LEN;

	return !b->len || !b->data[0] || !memcmp(b->data, line_head, n);
}

static int no_head(const char *path, struct err *e)
{
	return err_set(e, "%s: this is no engagement log: its first line has no seq", path);
}

/* 1: the tail is known; 0: the window must reach further back; -1: error. */
static int window_read(const struct buf *b, off_t from, const char *path, int64_t synced, struct tail *out,
		       struct err *e)
{
	const char *p = b->data, *end = b->data + b->len, *nl;
	int64_t seq;

	out->seq = 0;
	out->end = from;
	if (from) { /* in the middle of a line */
		nl = memchr(p, '\n', b->len);
		if (!nl)
			return 0;
		p = nl + 1;
	}
	for (; (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1) {
		seq = journal_line_seq(p, (size_t)(nl - p));
		if (!out->seq && from && (!seq || seq > synced + 1))
			return 0;
		if (!out->seq && !seq) {
			out->headless = true;
			return is_torn_line(b) ? 1 : no_head(path, e);
		}
		if (out->seq && seq != out->seq + 1) {
			if (out->seq >= synced)
				return 1;
			return err_set(e, "%s: the log has a gap: after seq %" PRId64 " comes %" PRId64, path, out->seq,
				       seq);
		}
		out->seq = seq;
		out->end = from + (nl + 1 - b->data);
	}
	return from && !out->seq ? 0 : 1;
}

int tail_read(int fd, const char *path, int64_t synced, struct tail *out, struct err *e)
{
	struct buf b = { 0 };
	struct stat st;
	off_t window = WINDOW_FIRST, from;
	int rc = 0;

	*out = (struct tail){ 0 };
	if (fstat(fd, &st))
		return err_set(e, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, "%s: this is no regular file", path);
	out->size = st.st_size;
	if (!st.st_size)
		return 0;
	do {
		from = st.st_size > window ? st.st_size - window : 0;
		rc = read_window(fd, path, from, &b, (size_t)(st.st_size - from), e);
		if (!rc)
			rc = window_read(&b, from, path, synced, out, e);
		window *= 2;
	} while (!rc);
	if (rc > 0 && !out->seq && !is_torn_line(&b))
		rc = err_set(e, "%s: this is no engagement log", path);
	buf_free(&b);
	return rc < 0 ? -1 : 0;
}

static int tail_cut(int fd, const char *path, const struct tail *t, struct err *e)
{
	if (t->end == t->size)
		return 0;
	if (ftruncate(fd, t->end) || fsync(fd))
		return err_set(e, "%s: cannot cut the torn line at its end: %s", path, strerror(errno));
	return 0;
}

int64_t journal_stored(struct journal *j, const char *setting)
{
	return strtoll(store_setting(j->store, setting), NULL, 10);
}

/* A headless file was begun behind the last fsync when what is in front of it reaches that far: the rotated file's last
 * line, or what was noted when it was begun. Then nothing in it was ever safe, and all of it comes from the store again. */
static bool begun_after(struct journal *j, int64_t rotated, int64_t synced)
{
	return rotated >= synced || journal_stored(j, POSITION_SETTING) >= synced;
}

static int locate_rotated(struct journal *j, int64_t synced, int64_t *seq, struct err *e)
{
	char *path = mem_printf("%s.1", j->path);
	struct tail t = { 0 };
	int fd = open(path, O_RDWR | O_CLOEXEC), rc;

	if (fd < 0 && errno == ENOENT) {
		rc = 0;
		goto out;
	}
	if (fd < 0) {
		rc = err_set(e, "%s: %s", path, strerror(errno));
		goto out;
	}
	rc = tail_read(fd, path, synced, &t, e);
	if (!rc && t.headless && !begun_after(j, 0, synced))
		rc = no_head(path, e);
	if (!rc)
		rc = tail_cut(fd, path, &t, e);
	/* Whoever wrote its end may have died before the fsync; what follows in the new file must not outlive it. */
	if (!rc && fdatasync(fd))
		rc = err_set(e, "%s: fsync: %s", path, strerror(errno));
	*seq = t.seq;
out:
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

static void first_row(void *arg, const struct event *ev)
{
	*(int64_t *)arg = ev->seq;
}

/* No file has a line. Where the store has lost (pruned) what would follow, a new log begins with what it has: there is
 * nothing left that it could contradict. */
static int locate_new(struct journal *j, struct err *e)
{
	int64_t last = store_event_last(j->store), first = last + 1;

	j->seq = journal_stored(j, POSITION_SETTING);
	if (j->seq >= last)
		return 0;
	if (store_events(j->store, j->seq, 1, first_row, &first, e) < 0)
		return -1;
	if (first > j->seq + 1)
		log_warning("a new engagement log begins at seq=%" PRId64 "; what follows seq=%" PRId64
			    " is neither in a log nor in the store path=%s",
			    first, j->seq, j->path);
	j->seq = first - 1;
	return 0;
}

int journal_locate(struct journal *j, struct err *e)
{
	int64_t synced = journal_stored(j, SYNCED_SETTING);
	struct tail t;

	if (tail_read(j->fd, j->path, synced, &t, e))
		return -1;
	j->seq = t.seq;
	if (!j->seq && locate_rotated(j, synced, &j->seq, e))
		return -1;
	if (t.headless && !begun_after(j, j->seq, synced))
		return no_head(j->path, e);
	if (tail_cut(j->fd, j->path, &t, e))
		return -1;
	return j->seq ? 0 : locate_new(j, e);
}
