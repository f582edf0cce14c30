/* Reads the labelled letters and takes their features with the programs' own code. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate_fit.h"

const char *slice_name(enum slice s)
{
	static const char *const row[] = { "short letters", "outreach", "content" };
	return row[s];
}

static _Noreturn void broken(const char *path, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", path, line, what);
	exit(1);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s != NULL ? s : "";
}

static int source_no(struct corpus *c, const char *name)
{
	int i = 0;
	while (i < c->source_n && strcmp(c->source[i], name) != 0)
		i++;
	if (i == c->source_n && i < 64)
		snprintf(c->source[c->source_n++], NAME_MAX_FIT, "%s", name);
	return i;
}

static bool emptied_by_rule(const struct gate_input *in)
{
	struct gate_result r;
	gate_judge(in, &r);
	for (int i = 0; i < r.finding_n; i++)
		if (strcmp(r.finding[i].rule, "no-substance") == 0 || strcmp(r.finding[i].rule, "image-only") == 0 ||
		    strcmp(r.finding[i].rule, "filler-followup") == 0)
			return true;
	return false;
}

static void row_read(struct corpus *c, const json_t *o, struct row *r)
{
	static struct gate_text t;
	static struct gate_look look;
	const char *label = text_of(o, "label"), *slice = text_of(o, "slice"), *text = text_of(o, "text");
	struct gate_input in = { .subject = text_of(o, "subject"), .text = text, .text_len = strlen(text) };

	snprintf(r->id, sizeof r->id, "%s", text_of(o, "id"));
	snprintf(r->source, sizeof r->source, "%s", text_of(o, "source"));
	snprintf(r->subject, sizeof r->subject, "%s", in.subject);
	snprintf(r->begin, sizeof r->begin, "%s", text);
	for (char *p = r->begin; *p != '\0'; p++)
		*p = *p == '\n' ? ' ' : *p;
	r->source_no = source_no(c, r->source);
	r->sure = (int)json_integer_value(json_object_get(o, "sure"));
	r->label = strcmp(label, "value") == 0 ? GATE_VALUE : strcmp(label, "ask") == 0 ? GATE_ASK : GATE_EMPTY;
	r->slice = strcmp(slice, "short letters") == 0 ? SLICE_LETTERS
		   : strcmp(slice, "outreach") == 0    ? SLICE_OUTREACH
						       : SLICE_CONTENT;
	r->rule_empty = emptied_by_rule(&in);
	gate_look_at(&in, &t, &look);
	r->asks_openly = gate_asks_openly(&look);
	r->sells_openly = gate_sells_openly(&look);
	memcpy(r->f, look.f, sizeof r->f);
	for (const char *p = text; *p != '\0'; p++)
		r->words += *p > ' ' && (p == text || p[-1] <= ' ');
}

int corpus_read(const char *path, struct corpus *c)
{
	FILE *in = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0, room = 0;

	*c = (struct corpus){ 0 };
	if (in == NULL)
		return errno == ENOENT ? -1 : (broken(path, 0, strerror(errno)), -1);
	while (getline(&line, &cap, in) > 0) {
		json_error_t bad;
		json_t *o = json_loads(line, 0, &bad);
		if (o == NULL)
			broken(path, c->n + 1, bad.text);
		if ((size_t)c->n == room) {
			room = room ? room * 2 : 256;
			c->row = realloc(c->row, room * sizeof *c->row);
			if (c->row == NULL)
				broken(path, c->n + 1, "out of memory");
		}
		memset(&c->row[c->n], 0, sizeof *c->row);
		row_read(c, o, &c->row[c->n++]);
		json_decref(o);
	}
	free(line);
	fclose(in);
	return 0;
}
