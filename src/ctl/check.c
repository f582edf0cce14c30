/* abvctl check: what `abvd -n` would say, and the gate's word on every template. */
#include <stdlib.h>
#include <string.h>

#include "abv/check.h"
#include "abv/json.h"
#include "ctl_int.h"

static void problem_json(const struct problem *p, struct buf *out)
{
	buf_char(out, '{');
	json_add_str(out, "file", p->file);
	json_add_int(out, "line", p->line);
	json_add_int(out, "column", p->column);
	json_add_str(out, "severity", severity_name(p->severity));
	json_add_str(out, "message", p->message);
	json_add_str(out, "rule", p->rule);
	buf_char(out, '}');
}

/* `file:line:column: severity: message [rule]`, the severity in its colour on a terminal. */
static void problem_line(const struct problem *p, bool colour, struct buf *out)
{
	static const char *const code[] = { "31;1", "33;1", "36" };
	struct buf plain = { 0 }, mark = { 0 };
	const char *at;

	problem_format(p, &plain);
	buf_printf(&mark, ": %s: ", severity_name(p->severity));
	at = strstr(buf_text(&plain) + strlen(p->file), buf_text(&mark));
	if (at && colour) {
		buf_add(out, plain.data, (size_t)(at - plain.data) + 2);
		out_colour(out, true, code[p->severity], severity_name(p->severity));
		out_clean(out, at + 2 + strlen(severity_name(p->severity)));
	} else {
		out_clean(out, buf_text(&plain));
	}
	buf_free(&plain);
	buf_free(&mark);
}

static size_t templates_count(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->config->sequence_n; i++) {
		for (size_t j = 0; j < p->config->sequence[i].step_n; j++) {
			const char *name = p->config->sequence[i].step[j].template_name;
			bool seen = false;

			for (size_t k = 0; k <= i && !seen; k++) {
				const struct sequence *q = &p->config->sequence[k];

				for (size_t m = 0; m < (k == i ? j : q->step_n) && !seen; m++)
					seen = !strcmp(q->step[m].template_name, name);
			}
			n += !seen;
		}
	}
	return n;
}

int cmd_check(struct ctl *c)
{
	struct problems problems = { 0 };
	struct plan *plan = NULL;
	struct buf out = { 0 };
	enum plan_status status = plan_load(c->arg_n ? c->arg[0] : ctl_config_path(c), &plan, &problems);
	bool ok = status == PLAN_OK && problems.errors == 0;

	for (size_t i = 0; i < problems.n; i++) {
		if (c->json)
			problem_json(&problems.row[i], &out);
		else
			problem_line(&problems.row[i], c->colour, &out);
		buf_char(&out, '\n');
	}
	if (ok && !c->json) {
		size_t m = templates_count(plan), n = plan->config->sequence_n;

		buf_printf(&out, "OK: %zu sequence%s, %zu template%s\n", n, n == 1 ? "" : "s", m, m == 1 ? "" : "s");
	}
	(void)fwrite(buf_text(&out), 1, out.len, stdout);
	buf_free(&out);
	plan_free(&plan);
	problems_free(&problems);
	return ok ? CTL_OK : CTL_FINDINGS;
}
