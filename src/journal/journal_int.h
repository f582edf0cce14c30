/* What journal.c, position.c and forget.c share. */
#ifndef JOURNAL_INT_H
#define JOURNAL_INT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abv/buf.h"
#include "abv/journal.h"

#define POSITION_SETTING "journal.seq"    /* behind which line log.path begins: written when it is begun */
#define SYNCED_SETTING   "journal.synced" /* up to where the log is on the disk */
#define TEMP_SUFFIX      ".forgetting"

struct journal {
	struct store *store;
	char *path;        /* owned */
	int fd;            /* O_RDWR | O_APPEND */
	int64_t seq;       /* of the last line written */
	int64_t synced;    /* of the last line known to be on the disk, and told to the store */
	off_t synced_size; /* the file's size then */
	off_t cut;         /* what lies behind is a part of a line and goes before the next write; -1: nothing to cut */
	struct buf batch;
};

/* The end of a log file. */
struct tail {
	int64_t seq; /* of the last good line; 0: the file has no complete line */
	off_t end;   /* behind that line */
	off_t size;
	bool headless; /* not even its beginning is whole: a loss of power before its first fsync, unless it is damaged */
};

/* Reads the end of an open file, at least back to the line `synced`: what was written behind it may be in any state
 * after a loss of power, so lines from there on must follow each other; the first that does not ends the good part. A
 * gap or damage in front of it is an error, as is a file that is no engagement log. Whether a headless file is damaged is
 * the caller's to judge. */
int tail_read(int fd, const char *path, int64_t synced, struct tail *out, struct err *e);

/* Where the log ends: path, else path.1, else the position in the store. Cuts torn tails. */
int journal_locate(struct journal *j, struct err *e);
int64_t journal_stored(struct journal *j, const char *setting); /* 0 none */

/* The seq of a line as journal_format writes it, without its newline; 0 when it is none. */
int64_t journal_line_seq(const char *p, size_t n);

/* What a name in the log's folder is. LEFT: compressed, or a copy. */
enum file_kind { FILE_NONE, FILE_PLAIN, FILE_LEFT };
enum file_kind journal_file_kind(const char *dir, const char *name, const char *base);

/* Cuts what a failed write left. */
int journal_cut(struct journal *j, struct err *e);

#endif
