/* L5. The engagement log: a numbered copy of the store's events as JSON Lines, written after commit. After a crash it is completed
 * from the store, so it has no gap and no double line (7-interfaces; src/journal/FORMAT.md). */
#ifndef ABV_JOURNAL_H
#define ABV_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "abv/buf.h"
#include "abv/err.h"
#include "abv/store.h"

struct journal;

/* Opens (creating, 0640) the log for appending. The position is read from the last complete line of path, else of path.1, else the
 * position stored at the last reopen; a torn tail is cut. Then completes it from the store. A log that is ahead of the store, or
 * that has a gap, is an error naming both numbers. */
int journal_open(struct store *s, const char *path, struct journal **out, struct err *e);
void journal_close(struct journal **j);

/* Appends all committed events that are not in the log yet; nothing while a transaction is open. A write error is returned and the
 * next call tries again: no line is lost and none doubled (a partial line is cut first). */
int journal_flush(struct journal *j, struct err *e);

/* fsync, and tells the store up to which seq events are safe in the log (setting "journal.synced", in a transaction of its own). Call
 * every few seconds and at the end. After a failed fsync the lines since the last good one are written again by the next flush. */
int journal_sync(struct journal *j, struct err *e);

/* After logrotate (SIGUSR1): syncs, and opens path anew. On an error the log goes on in the file it had. */
int journal_reopen(struct journal *j, struct err *e);

int64_t journal_position(const struct journal *j); /* seq of the last line written */
int64_t journal_synced(const struct journal *j);   /* seq up to which the log is on the disk: events up to here may be pruned */

/* Rewrites path and plain path.N and path-DATE (temporary file, fsync, rename): lines of `address` get `hash` as contact and lose all
 * members that FORMAT.md does not name as staying (subject, text, smtp_reply ...). Blocks: costs a read of the files. Names of compressed files that were left go to `left`, '\n'-separated. */
int journal_forget(struct journal *j, const char *address, const char *hash, struct buf *left, struct err *e);

/* The log's files as they lie there, without a journal: path and its plain rotated ones (path.N, path-DATE), those with the lowest seq
 * first. row is called for each line (without its newline) until it returns something else than 0, which is returned then; -1 with err
 * when a file cannot be read. left: the names of compressed files, '\n'-separated. */
struct journal_line {
	const char *file;
	int64_t line, seq; /* line from 1; seq 0: it is no line of a log */
	const char *text;
	size_t n;
	bool whole; /* false: the file ends without a newline behind it */
};
int journal_read(const char *path, int (*row)(void *arg, const struct journal_line *l), void *arg, struct buf *left, struct err *e);

/* One event as its line, without newline. */
void journal_format(const struct event *ev, struct buf *out);

#endif
