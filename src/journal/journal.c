/* The engagement log. Policy: the store has each event first, so nothing here may lose one. A line is written once,
 * whole or not at all: what a failed write left of a batch is cut before anything else is written, and the batch comes
 * from the store again. After a failed fsync nobody knows which pages are on the disk, so everything since the last
 * good one is written again. */
#include "abv/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abv/folder.h"
#include "abv/json.h"
#include "abv/mem.h"
#include "journal_int.h"

#define BATCH_EVENTS 256
#define LOG_MODE     0640

/* ---- lines ---- */

static void add_some(struct buf *b, const char *name, const char *value)
{
	if (value && *value)
		json_add_str(b, name, value);
}

/* The detail is JSON already; a line break can only stand between its tokens, where it means nothing. */
static void add_detail(struct buf *b, const char *detail)
{
	size_t from;

	if (!detail || !*detail)
		return;
	buf_char(b, ',');
	from = b->len;
	buf_str(b, detail);
	for (char *p = b->data + from; (p = strpbrk(p, "\r\n")) != NULL;)
		*p = ' ';
}

void journal_format(const struct event *ev, struct buf *out)
{
	char ts[CLOCK_TEXT_MAX];

	buf_str(out, "{\"seq\":");
	json_decimal(out, ev->seq);
	buf_str(out, ",\"ts\":\"");
	buf_str(out, clock_format(ev->ts, ts));
	buf_char(out, '"');
	json_add_str(out, "event", event_type_name(ev->type));
	add_some(out, "contact", ev->address);
	add_some(out, "account", ev->account);
	add_some(out, "sequence", ev->sequence);
	add_some(out, "step", ev->step);
	if (ev->kind >= 0)
		json_add_str(out, "kind", kind_name((enum kind)ev->kind));
	if (ev->touch_id)
		json_add_int(out, "touch", ev->touch_id);
	add_detail(out, ev->detail);
	buf_char(out, '}');
}

/* ---- writing ---- */

int journal_cut(struct journal *j, struct err *e)
{
	if (j->cut < 0)
		return 0;
	if (ftruncate(j->fd, j->cut))
		return err_set(e, "%s: cannot cut the torn line at its end: %s", j->path, strerror(errno));
	j->cut = -1;
	return 0;
}

static int append(struct journal *j, struct err *e)
{
	off_t size;
	size_t done = 0;
	ssize_t n;

	if (journal_cut(j, e))
		return -1;
	size = lseek(j->fd, 0, SEEK_END);
	while (size >= 0 && done < j->batch.len) {
		n = write(j->fd, j->batch.data + done, j->batch.len - done);
		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		err_set(e, "%s: %s", j->path, strerror(errno));
		j->cut = done ? size : -1;
		(void)journal_cut(j, NULL); /* else before the next write */
		return -1;
	}
	return size < 0 ? err_set(e, "%s: %s", j->path, strerror(errno)) : 0;
}

struct batch {
	struct journal *j;
	int64_t seq;   /* of the last line in it */
	int64_t wrong; /* the first event that does not follow; 0 none */
};

static void batch_row(void *arg, const struct event *ev)
{
	struct batch *b = arg;

	if (b->wrong || ev->seq != b->seq + 1) {
		b->wrong = b->wrong ? b->wrong : ev->seq;
		return;
	}
	b->seq = ev->seq;
	journal_format(ev, &b->j->batch);
	buf_char(&b->j->batch, '\n');
}

int journal_flush(struct journal *j, struct err *e)
{
	struct batch b;
	int n;

	/* What a transaction added is no event before it commits, and not before a crash could not take it back: a log that is
	 * ahead of its store is no copy of it. */
	if (store_in_transaction(j->store))
		return 0;
	do {
		b = (struct batch){ .j = j, .seq = j->seq };
		buf_clear(&j->batch);
		n = store_events(j->store, j->seq, BATCH_EVENTS, batch_row, &b, e);
		if (n < 0 || (j->batch.len && append(j, e)))
			return -1;
		j->seq = b.seq;
		if (b.wrong)
			return err_set(e,
				       "%s: the log ends at seq %" PRId64 ", the store goes on with %" PRId64
				       ": what lies between is in neither",
				       j->path, j->seq, b.wrong);
	} while (n == BATCH_EVENTS);
	return 0;
}

/* ---- on the disk ---- */

static int put_position(struct journal *j, const char *setting, struct err *e)
{
	char text[32];

	if (journal_stored(j, setting) == j->seq)
		return 0;
	(void)snprintf(text, sizeof(text), "%" PRId64, j->seq);
	if (store_begin(j->store, e))
		return -1;
	if (store_setting_put(j->store, setting, text, e)) {
		store_rollback(j->store);
		return -1;
	}
	return store_commit_now(j->store, e);
}

/* Everything since the last good fsync is written again. */
static void rewind_to_synced(struct journal *j)
{
	struct stat st;

	if (fstat(j->fd, &st) || st.st_size < j->synced_size)
		return;
	j->cut = j->synced_size;
	j->seq = j->synced;
}

int journal_sync(struct journal *j, struct err *e)
{
	struct stat st;

	if (j->seq == j->synced)
		return put_position(j, SYNCED_SETTING, e); /* written already, unless the last try failed */
	if (fdatasync(j->fd)) {
		err_set(e, "%s: fsync: %s", j->path, strerror(errno));
		rewind_to_synced(j);
		return -1;
	}
	if (fstat(j->fd, &st))
		return err_set(e, "%s: %s", j->path, strerror(errno));
	j->synced = j->seq;
	j->synced_size = j->cut >= 0 ? j->cut : st.st_size;
	return put_position(j, SYNCED_SETTING, e);
}

/* ---- opening ---- */

static int open_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, LOG_MODE);

	if (fd < 0)
		return err_set(e, "%s: %s", path, strerror(errno));
	if (folder_sync(path, e)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int check_ahead(const struct journal *j, struct err *e)
{
	int64_t last = store_event_last(j->store);

	if (j->seq <= last)
		return 0;
	return err_set(e,
		       "%s: the log is ahead of the store: it ends at seq %" PRId64 ", the store at %" PRId64
		       ". If the store is an older copy, `abvd --recover STORE` lets it catch up (abvctl(1), BACKUP AND REPAIR); else the "
		       "log is another one's: put the right one back",
		       j->path, j->seq, last);
}

/* All that the store has must follow the log. */
static int check_gap(const struct journal *j, struct err *e)
{
	int64_t last = store_event_last(j->store);

	if (j->seq == last)
		return 0;
	return err_set(e,
		       "%s: the log ends at seq %" PRId64 ", the store at %" PRId64
		       ", and the store does not keep the events between any more",
		       j->path, j->seq, last);
}

/* What is in the rotated files is safe (journal_locate); a file that begins is noted before its first line. */
static int note_beginning(struct journal *j, struct err *e)
{
	struct stat st;

	if (fstat(j->fd, &st))
		return err_set(e, "%s: %s", j->path, strerror(errno));
	return st.st_size ? 0 : put_position(j, POSITION_SETTING, e);
}

int journal_open(struct store *s, const char *path, struct journal **out, struct err *e)
{
	struct journal *j = mem_alloc(sizeof(*j));
	char *temp = mem_printf("%s" TEMP_SUFFIX, path);

	*out = NULL;
	j->store = s;
	j->path = mem_strdup(path);
	j->cut = -1;
	j->synced = -1;     /* so that the first sync always looks */
	(void)unlink(temp); /* a rewriting that a crash ended */
	free(temp);
	j->fd = open_file(path, e);
	if (j->fd < 0 || journal_locate(j, e) || check_ahead(j, e) || note_beginning(j, e) || journal_flush(j, e) ||
	    check_gap(j, e) || journal_sync(j, e)) {
		journal_close(&j);
		return -1;
	}
	*out = j;
	return 0;
}

void journal_close(struct journal **jp)
{
	struct journal *j = *jp;

	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	buf_free(&j->batch);
	free(j->path);
	free(j);
	*jp = NULL;
}

/* What is at path now: the file we have (nobody rotated), a new one, or one with lines, which must end where we are. */
static int may_go_on_in(struct journal *j, int fd, bool *same, struct err *e)
{
	struct stat ours, theirs;
	struct tail t;

	if (fstat(j->fd, &ours) || fstat(fd, &theirs))
		return err_set(e, "%s: %s", j->path, strerror(errno));
	*same = ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
	if (*same)
		return 0;
	if (tail_read(fd, j->path, j->synced, &t, e))
		return -1;
	if (t.size && (t.seq != j->seq || t.end != t.size))
		return err_set(e, "%s: another log stands there: it ends at seq %" PRId64 ", ours at %" PRId64, j->path,
			       t.seq, j->seq);
	return 0;
}

int journal_reopen(struct journal *j, struct err *e)
{
	bool same = false;
	int fd;

	if (journal_cut(j, e) || journal_sync(j, e))
		return -1;
	fd = open_file(j->path, e);
	if (fd < 0)
		return -1;
	if (may_go_on_in(j, fd, &same, e) || same || put_position(j, POSITION_SETTING, e)) {
		close(fd);
		return same ? 0 : -1;
	}
	close(j->fd);
	j->fd = fd;
	j->synced_size = lseek(fd, 0, SEEK_END);
	return 0;
}

int64_t journal_position(const struct journal *j)
{
	return j->seq;
}

int64_t journal_synced(const struct journal *j)
{
	return j->synced;
}
