/* L0. The folder that a file lies in, as its path tells. */
#ifndef ABV_FOLDER_H
#define ABV_FOLDER_H

#include "abv/err.h"

char *folder_of(const char *path); /* "." for a bare name, "/" in the root; the caller frees */

/* Makes durable what the folder of `path` says: which files are there, and under which names. 0, or -1 with the folder
 * and the cause. */
int folder_sync(const char *path, struct err *e);

#endif
