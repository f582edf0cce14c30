/* abvctl, private: a CSV file of contacts becomes batches of JSON rows for the `import` verb. RFC 4180, read by libcsv
 * without its strict mode; UTF-8. A bad row is kept apart with its line number and its bytes, the rest goes on. */
#ifndef CTL_CSV_INT_H
#define CTL_CSV_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "abv/buf.h"
#include "abv/err.h"

#define CSV_BATCH_ROWS  1000
#define CSV_BATCH_BYTES ((size_t)900 << 10)
#ifndef CSV_ROW_MAX
#define CSV_ROW_MAX ((size_t)128 << 10) /* a longer row is most likely a quote that is never closed */
#endif

/* A row of the file: physical line numbers from 1; a quoted newline makes a row longer than a line. */
struct csv_row {
	long line, last;
	size_t raw, raw_len; /* in batch.raw, line end included */
	char *error;         /* owned; NULL: a good row */
};

struct csv_batch {
	struct buf json;     /* {"rows":[...]}, complete only inside csv_sink */
	struct buf raw;      /* the rows as they stand in the file */
	struct csv_row *row; /* in order of lines */
	size_t n, cap;
	size_t good; /* how many of them are in json */
};

/* Takes a batch. May set errors of rows (what the daemon refused) with csv_row_refuse. -1 stops the reading. */
typedef int csv_sink(void *arg, struct csv_batch *batch);

struct csv_reader;

struct csv_reader *csv_open(csv_sink *sink, void *arg);
/* The next piece of the file, of any size. -1: the header is unfit (err says "LINE: ..."), or the sink said stop. */
int csv_feed(struct csv_reader *r, const char *p, size_t n, struct err *e);
int csv_end(struct csv_reader *r, struct err *e); /* the end of the file: the last row, the last batch */
void csv_close(struct csv_reader **r);

const char *csv_header(const struct csv_reader *r,
		       size_t *n); /* the header's bytes without BOM; NULL before it was read */
long csv_header_line(const struct csv_reader *r);
/* Steps through the columns that are attributes and look like a misspelt known one, which *near names and the header
 * lacks; *at starts at 0. NULL: no more. */
const char *csv_misspelt(const struct csv_reader *r, size_t *at, const char **near);
void csv_batch_clear(struct csv_batch *b); /* its memory is kept */
void csv_batch_free(struct csv_batch *b);
void csv_row_refuse(struct csv_batch *b, long line, const char *why); /* an unknown line: no effect */

/* csv_text.c */
bool csv_is_text(const char *s, size_t n); /* UTF-8 (RFC 3629) without NUL */
/* Where in a row the quotes are; all zeroes at its begin. lost: something stood behind a closing quote. */
struct csv_quotes {
	enum { QUOTES_BEGIN, QUOTES_PLAIN, QUOTES_INSIDE, QUOTES_CLOSED } at;
	bool lost;
};

void csv_quotes_feed(struct csv_quotes *q, const char *p, size_t n);
bool csv_is_well_quoted(const char *p, size_t n); /* of a row with its line end, or of a part from its begin */
size_t csv_first_line(const char *p, size_t n);   /* up to and with the first line end; n when there is none */
char *csv_column_name(const char *p,
		      size_t n); /* the known name, or as written without white space around; caller frees */
const char *csv_column_near(const char *name); /* the known name that this is probably meant to be; NULL none */
char csv_separator(const char *header, size_t n); /* what most likely parts the columns: ',' ';' or a tab */

#endif
