/* L5. The engagement log: a numbered copy of the store's events as JSON Lines, written after commit. After a crash it is completed
 * from the store, so it has no gap and no double line (7-interfaces; src/journal/FORMAT.md). */
#ifndef ABV_JOURNAL_H
#define ABV_JOURNAL_H

#include <stdint.h>

#include "abv/err.h"
#include "abv/store.h"

struct journal;

/* Opens (creating, 0640) the log for appending. The position is read from the last complete line of path, else of path.1, else the
 * position stored at the last reopen; a torn tail is cut. Then completes it from the store. A log that is ahead of the store, or
 * that has a gap, is an error naming both numbers. */
int journal_open(struct store *s, const char *path, struct journal **out, struct err *e);
void journal_close(struct journal **j);

/* Appends all committed events that are not in the log yet. A write error is returned and the next call tries again: no line is lost
 * and none doubled (a partial line is cut first). */
int journal_flush(struct journal *j, struct err *e);

/* fsync, and tells the store up to which seq events are safe in the log. Call every few seconds and at the end. */
int journal_sync(struct journal *j, struct err *e);

/* After logrotate (SIGUSR1): opens path anew. */
int journal_reopen(struct journal *j, struct err *e);

int64_t journal_position(const struct journal *j);

/* Rewrites path and plain path.N (temporary file, fsync, rename): lines of `address` get `hash` as contact and lose subject and text
 * and smtp_reply. Names of compressed files that were left go to `left`, '\n'-separated. */
int journal_forget(struct journal *j, const char *address, const char *hash, struct buf *left, struct err *e);

/* One event as its line, without newline. */
void journal_format(const struct event *ev, struct buf *out);

#endif
