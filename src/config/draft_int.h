/* Private to src/config: what is gathered of a group before it becomes a row of the model. */
#ifndef CONFIG_DRAFT_INT_H
#define CONFIG_DRAFT_INT_H

#include "config_int.h"

struct qualify_draft {
	const char *field, *equals;
	const char *const *in;
	size_t in_n;
	double min, max;
	bool present;
};

struct sequence_draft {
	struct sequence sequence;
	struct qualify *qualify;
	struct step *step;
};

#endif
