/* A row of an import, read and checked. */
#ifndef IMPORT_INT_H
#define IMPORT_INT_H

#include "control_int.h"

#define ROW_MAX (64 * 1024) /* bytes of the attributes, of a row and of a contact */

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
	char *value[COLUMN_COUNT]; /* owned; NULL: the row does not have the column */
	struct buf attributes;     /* name NUL value NUL ... */
	char email[MAILADDR_MAX];
	int64_t consent_at;
	bool superseded; /* a later row has the same address */
};

/* 0, or -1 with what is wrong with it. */
int row_read(json_t *json, int64_t now, struct row *out, struct err *e);
void row_free(struct row *r);

/* The row as a contact, over what is known (NULL: a new one): columns and attributes that the row does not have stay as
 * they were; the consent's source and time go with the consent. Texts are the row's, the known contact's, or in `keep`,
 * which is empty and the caller's. */
void row_contact(const struct row *r, const struct contact *known, const struct config *config, struct contact *out,
		 struct buf *keep);

#endif
