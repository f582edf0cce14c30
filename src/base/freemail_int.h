/* The shipped list of free-mail providers. */
#ifndef BASE_FREEMAIL_INT_H
#define BASE_FREEMAIL_INT_H

#include <stdbool.h>

/* domain: lower case; a registrable domain, for the brands with many countries. */
bool freemail_has(const char *domain);

#endif
