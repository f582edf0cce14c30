/* The schema's numbered files (sql/NNNN_*.sql), compiled in: build/gen/schema.c is made from them. */
#ifndef ABV_STORE_SCHEMA_INT_H
#define ABV_STORE_SCHEMA_INT_H

struct schema_file {
	int version;     /* the file's number; 0 ends the list */
	const char *sql; /* the file's text; NULL at the end */
};
extern const struct schema_file store_schema[]; /* ascending */

#endif
