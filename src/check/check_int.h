#ifndef ABV_CHECK_INT_H
#define ABV_CHECK_INT_H

#include "abv/check.h"
#include "abv/token.h"

/* ---- novelty.c ---- */
void novelty_in_sequence(const struct plan *p, struct plan_sequence *ps,
			 struct problems *problems);                   /* errors; not startable */
void novelty_between(const struct plan *p, struct problems *problems); /* warnings */

#endif
