/* An import's request, read and checked. */
#ifndef IMPORT_INT_H
#define IMPORT_INT_H

#include "control_int.h"

#define ROWS_MAX 1000
#define ROW_MAX  (64 * 1024) /* bytes of the attributes, of a row and of a contact */

/* Members of a row that are columns of the contact; the others are attributes. */
enum column {
	COLUMN_EMAIL,
	COLUMN_FIRST_NAME,
	COLUMN_LAST_NAME,
	COLUMN_ACCOUNT,
	COLUMN_TITLE,
	COLUMN_TIMEZONE,
	COLUMN_OWNER,
	COLUMN_TAGS,
	COLUMN_CONSENT,
	COLUMN_CONSENT_SOURCE,
	COLUMN_CONSENT_AT,
	COLUMN_COUNT
};

struct row {
	int64_t line;              /* as the row says it; else its place, from 1 */
	char *value[COLUMN_COUNT]; /* of the rows that it is one of; NULL: the row does not have the column */
	struct fields attributes;  /* likewise */
	int64_t consent_at;
	bool superseded; /* a later row has the same address */
};

/* ---- import_read.c: a request's rows */
struct rows {
	struct row *row; /* the good ones */
	size_t n;
	struct buf errors;     /* of the others: elements of the answer's `errors` */
	char *text;            /* owned: what the values point into */
	struct buf attributes; /* of all rows, one behind the other */
	char **odd;            /* owned: texts of values that were none, each owned */
	size_t odd_n;
};

/* 200, or a refusal. What is in out is freed in any case. */
int rows_read(struct call *c, struct rows *out);
void rows_free(struct rows *rows);
void rows_refuse(struct rows *rows, int64_t line, const struct err *why); /* adds to errors */

/* ---- import_row.c: one row */
/* A member's name without a value of its own. */
struct row_name {
	const char *text;
	size_t n;
};
enum column row_column(const struct row_name *name); /* COLUMN_COUNT: an attribute */
/* Takes a member: a column's value becomes the row's, an attribute is copied. control: the value has control characters. */
int row_put(struct row *r, const struct row_name *name, enum column column, char *value, size_t n, bool control,
	    struct buf *attributes, struct err *e);
/* All members are there. 0, or -1 with what is wrong with it. */
int row_check(struct row *r, int64_t now, struct err *e);

/* Texts of a request's contacts that are not in its rows. */
struct keep {
	char *key, *key_at;  /* owned: accounts' keys, one behind the other */
	struct buf *merged;  /* owned: attributes of contacts that were known */
	size_t merged_n;
};
void keep_init(struct keep *k, size_t rows);
void keep_free(struct keep *k);

/* The row as a contact, over what is known (NULL: a new one): columns and attributes that the row does not have stay as
 * they were; the consent's source and time go with the consent. Texts are the row's, the known contact's, or in `keep`,
 * whose room is for as many rows as it was made for. */
void row_contact(const struct row *r, const struct contact *known, const struct config *config, struct contact *out,
		 struct keep *keep);

#endif
