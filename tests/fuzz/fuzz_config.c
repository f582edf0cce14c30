/* rooms: base model rules config */
/* Any bytes as abvd.conf, and (behind a NUL) as a sequence: no crash, no leak, no exit; errors, or a configuration that
 * can be walked and freed; and loading the same again says the same. */
#include <stddef.h>
#include <stdint.h>

#include "../unit/config_dir.h"
#include "abv/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(const char *name, const void *data, size_t n)
{
	FILE *f = fopen(config_dir_path(name), "w");

	if (!f || fwrite(data, 1, n, f) != n || fclose(f) != 0)
		abort();
}

/* Touches what a user of the configuration would read. */
static size_t walk(const struct config *c)
{
	size_t sum = strlen(c->sender.postal_address) + strlen(c->smtp.host) + strlen(c->smtp.password) +
		     strlen(c->control_socket);

	for (size_t i = 0; i < c->value_n; i++)
		sum += strlen(c->value[i].key) + strlen(c->value[i].value) + strlen(c->value[i].file);
	for (size_t i = 0; i < c->sequence_n; i++) {
		const struct sequence *q = &c->sequence[i];

		if (!q->step_n || config_sequence(c, q->name) != q)
			abort();
		for (size_t j = 0; j < q->step_n; j++)
			sum += strlen(q->step[j].name) + strlen(q->step[j].template_name);
		for (size_t j = 0; j < q->qualify_n; j++)
			for (size_t k = 0; k < q->qualify[j].value_n; k++)
				sum += strlen(q->qualify[j].value[k]);
		if (q->policy.contact.n > LIMITS_MAX)
			abort();
	}
	return sum;
}

static char *load_once(size_t *sum)
{
	struct problems p = { 0 };
	struct config *c = NULL;
	struct buf said = { 0 };
	int rc = config_load(config_dir_path("abvd.conf"), &c, &p);

	if ((rc == 0) != (c != NULL) || (rc == 0) != (p.errors == 0))
		abort();
	*sum = c ? walk(c) : 0;
	for (size_t i = 0; i < p.n; i++) {
		if (strchr(p.row[i].message, '\n'))
			abort();
		problem_format(&p.row[i], &said);
		buf_char(&said, '\n');
	}
	if (c)
		buf_str(&said, c->policy_hash);
	config_free(&c);
	problems_free(&p);
	return buf_take(&said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t first = nul ? (size_t)(nul - data) : size, sum[2];

	if (!*config_dir) {
		config_dir_make();
		config_dir_put("sequences.d/x", "");
		config_dir_put("inc.conf", "priority = 3;\n");
		atexit(config_dir_remove);
	}
	put("abvd.conf", data, first);
	put("sequences.d/a.conf", nul ? nul + 1 : data, nul ? size - first - 1 : 0);
	char *one = load_once(&sum[0]), *two = load_once(&sum[1]);

	if (strcmp(one, two) != 0 || sum[0] != sum[1])
		abort();
	free(one);
	free(two);
	return 0;
}
