/* rooms: base model rules */
/* Any text: the gate ends, points inside of the text, judges the same twice, and what is only around a letter never
 * saves it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abv/gate.h"

#define MUST(x)                                                                                                        \
	do {                                                                                                           \
		if (!(x))                                                                                              \
			abort();                                                                                       \
	} while (0)

static void check(const struct gate_input *in, const struct gate_result *r)
{
	int lines = 1;
	bool error = false;
	for (size_t i = 0; i < in->text_len; i++)
		lines += in->text[i] == '\n';
	MUST(r->finding_n >= 0 && r->finding_n <= GATE_FINDINGS_MAX);
	MUST(r->score >= 0 && r->score <= 1);
	for (int i = 0; i < r->finding_n; i++) {
		const struct gate_finding *f = &r->finding[i];
		MUST(f->rule != NULL && *f->message != '\0' && memchr(f->message, '\0', sizeof f->message) != NULL);
		MUST(f->line >= 0 && f->line <= lines && f->column >= 0 && f->column <= (int)in->text_len + 1);
		error |= f->severity == SEVERITY_ERROR;
	}
	MUST(!error || !r->pass);
	MUST(r->verdict != GATE_EMPTY || (!r->pass && error));
	MUST(!r->vouched);
	MUST(!r->by_model || (!r->pass && error));
	MUST(r->verdict != GATE_ASK || r->pass == (in->kind == KIND_ASK && !error));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gate_result a, b;
	if (size < 1)
		return 0;
	char *text = malloc(size); /* exactly as long: a byte too far is seen */
	if (text == NULL)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0'; /* the interface's strings end so; text_len does not count it */
	struct gate_input in = { .subject = "",
				 .text = text,
				 .text_len = size - 1,
				 .kind = data[0] & 1 ? KIND_ASK : KIND_VALUE,
				 .is_template = (data[0] & 2) != 0,
				 .in_thread = (data[0] & 4) != 0,
				 .first_line = 1 };
	gate_judge(&in, &a);
	check(&in, &a);
	gate_judge(&in, &b);
	MUST(a.verdict == b.verdict && a.pass == b.pass && a.finding_n == b.finding_n && a.score >= b.score &&
	     a.score <= b.score);
	in.kind =
	    in.kind == KIND_ASK ? KIND_VALUE : KIND_ASK; /* what is declared changes what may pass, not what it is */
	gate_judge(&in, &b);
	check(&in, &b);
	MUST(a.verdict == b.verdict);
	in.vouched_by = "Dana"; /* lets pass what only the judgement refuses */
	struct gate_result c;
	gate_judge(&in, &c);
	MUST(c.verdict == b.verdict && c.pass == (b.pass || b.by_model) && c.vouched == b.by_model);
	in.vouched_by = NULL;
	static struct gate_shingles s;
	gate_shingles_read(&in, &s);
	MUST(s.n >= 0 && s.n <= GATE_SHINGLES_MAX && gate_shingles_share(&s, &s) == (s.n > 0 ? 100 : 0));
	in.subject = text; /* nothing about a subject changes the verdict */
	gate_judge(&in, &b);
	check(&in, &b);
	MUST(a.verdict == b.verdict);
	free(text);
	return 0;
}
