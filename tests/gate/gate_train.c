/* rooms: base model rules */
/* Writes src/rules/gate_weights.c to standard output. Usage: gate_train TRAIN.JSONL. The limits come from scores of
 * letters held out by source (the short letters: by a tenth), the weights then from all letters. */
#include <stdio.h>
#include <stdlib.h>

#include "gate_fit.h"

#define WITHIN 10

static void print(const struct model *m, const struct gate_limits *l)
{
	char name[GATE_FEATURE_NAME];
	puts("/* Written by tests/gate/train: don't edit. Per feature: mean, 1 / deviation, towards substance, towards "
	     "a\n"
	     " * request. */\n#include \"gate_features.h\"\n\nconst struct gate_limits gate_limits = {");
	printf("\t.substance_bias = %.4f,\n\t.request_bias = %.4f,\n", m->substance[GATE_FEATURE_N],
	       m->request[GATE_FEATURE_N]);
	printf("\t.value = %.2f,\n\t.ask = %.2f,\n\t.request = %.2f,\n};\n\n", l->value, l->ask, l->request);
	puts("/* clang-format off */\nconst struct gate_weight gate_weights[GATE_FEATURE_N] = {");
	for (int k = 0; k < GATE_FEATURE_N; k++) {
		gate_feature_name(k, name);
		printf("\t{ %.4f, %.4f, %.4f, %.4f }, /* %s */\n", m->mean[k], m->per_deviation[k], m->substance[k],
		       m->request[k], name);
	}
	puts("};\n/* clang-format on */");
}

int main(int argc, char **argv)
{
	static struct model m;
	struct gate_limits l = { 0 };
	struct corpus c;

	if (argc != 2 || corpus_read(argv[1], &c) < 0) {
		fprintf(stderr, "gate_train: no letters to learn from\n");
		return 1;
	}
	(void)corpus_cross(&c, WITHIN);
	limits_choose(&c, -1, &l);
	model_fit(&c, -1, &m);
	print(&m, &l);
	free(c.row);
	return 0;
}
