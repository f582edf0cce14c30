/* abvctl, private: what the files of the CSV reader share. */
#ifndef CTL_CSV_READER_INT_H
#define CTL_CSV_READER_INT_H

#include <csv.h>

#include "csv_int.h"

struct csv_reader {
	struct csv_parser parser;
	csv_sink *sink;
	void *arg;
	struct buf *key; /* `"name":` of each column */
	char **name;
	size_t columns, column_cap;
	size_t named; /* columns up to the last one with a name: spreadsheets leave empty ones behind it */
	struct buf header;
	bool has_header, row_ended;
	bool too_long, last_was_cr;
	bool started; /* the BOM is behind us */
	long line;    /* of the next byte */
	long row_line, header_line;
	size_t field;             /* of the row that is being read */
	struct csv_quotes quotes; /* of the row, */
	size_t quotes_n;          /* of that many of its bytes */
	size_t nameless;          /* the first field that has a value and no name, from 1; 0 none */
	bool filled;              /* some field of the row is not empty */
	size_t row_raw, row_json; /* where it begins in the batch */
	struct csv_batch batch;
	struct buf redo; /* bytes to be read again, before whatever comes next */
	struct err header_error;
};

/* csv_header.c */
int csv_header_refuse(struct csv_reader *r, const char *what, const char *name); /* the first reason stays; -1 */
void csv_header_field(struct csv_reader *r, const char *p, size_t n);
/* told: what is wrong with all of it, so its columns are not looked at. */
int csv_header_end(struct csv_reader *r, const char *raw, size_t n, bool told);
void csv_header_drop(struct csv_reader *r);

#endif
