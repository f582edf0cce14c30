/* A plan: what `abvd -n`, `abvctl check`, a start and a reload agree on. What cannot be used (configuration, a missing
 * or broken template, an ask that its own sequence never earns) refuses the whole; what the gate refuses keeps one
 * sequence from starting. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "abv/mem.h"
#include "check_int.h"

struct planner {
	struct plan *plan;
	struct problems *problems;
	bool refused;
};

/* The first step, in the plan's order, that uses this template: findings are told once. */
static bool is_first_use(const struct plan *p, size_t sequence_no, size_t step_no)
{
	const char *name = p->config->sequence[sequence_no].step[step_no].template_name;

	for (size_t i = 0; i <= sequence_no; i++) {
		const struct sequence *q = &p->config->sequence[i];

		for (size_t j = 0; j < q->step_n && !(i == sequence_no && j == step_no); j++)
			if (!strcmp(q->step[j].template_name, name))
				return false;
	}
	return true;
}

static void tell_step(struct planner *pl, const struct step *s, const char *rule, const char *text)
{
	const struct config_place *at = &config_step_use(pl->plan->config, s)->step_at;

	problems_add(pl->problems, SEVERITY_ERROR, at->file, at->line, at->column, rule, "step '%s': %s", s->name,
		     text);
}

/* A file that is not there is told where it is named; what stands in it is told once. */
static int template_read(struct planner *pl, const struct config_use *use, bool tell, struct template **out)
{
	const char *dir = pl->plan->config->template_dir;
	struct problems again = { 0 };
	struct stat st;
	char *path = mem_printf("%s/%s", dir, use->template_name);
	int rc = -1;
	const char *why = stat(path, &st) < 0 ? strerror(errno) : !S_ISREG(st.st_mode) ? "it is no regular file" : NULL;

	if (why)
		problems_add(pl->problems, SEVERITY_ERROR, use->at.file, use->at.line, use->at.column, "missing-file",
			     "step '%s': template '%s' cannot be read: %s", use->step_name, path, why);
	else
		rc = template_load(dir, use->template_name, pl->plan->layout, out, tell ? pl->problems : &again);
	problems_free(&again);
	free(path);
	return rc;
}

/* The gate's findings, with the template's own lines; a finding about the subject or the whole points at the file's
 * first line. */
static void tell_gate(struct planner *pl, const char *name, const struct plan_step *ps)
{
	char *path = mem_printf("%s/%s", pl->plan->config->template_dir, name);
	const struct gate_result *g = &ps->gate;
	const char *vouched = template_vouched_by(ps->template);

	for (int i = 0; i < g->finding_n; i++) {
		const struct gate_finding *f = &g->finding[i];

		problems_add(pl->problems, f->severity, path, f->line ? f->line : 1, f->line ? f->column : 1, f->rule,
			     "%s", f->message);
	}
	if (*vouched)
		problems_add(pl->problems, SEVERITY_NOTE, path, 1, 1, "vouched", "vouched for by %s%s", vouched,
			     g->vouched ? ""
			     : g->pass  ? ": it would pass without"
					: ": nobody can vouch for what a rule refuses");
	free(path);
}

static void step_judge(struct planner *pl, const char *name, struct plan_step *step, bool tell)
{
	const char *body = template_body(step->template);
	struct gate_input in = { .subject = template_subject(step->template),
				 .text = body,
				 .text_len = strlen(body),
				 .kind = template_kind(step->template),
				 .is_template = true,
				 .first_line = template_body_line(step->template),
				 .vouched_by = template_vouched_by(step->template) };

	gate_judge(&in, &step->gate);
	if (tell)
		tell_gate(pl, name, step);
}

/* An ask needs its gifts; a sequence whose own order cannot give them waits for ever. */
static void check_gifts(struct planner *pl, const struct plan_sequence *ps)
{
	const struct sequence *q = ps->sequence;
	int gifts = 0, needed = q->policy.gifts_per_ask;

	if (!q->step_n || !config_step_use(pl->plan->config, q->step)->order_known)
		return;
	for (size_t i = 0; i < q->step_n; i++) {
		if (!ps->step[i].template)
			return; /* its kind is unknown; it is an error already */
		if (template_kind(ps->step[i].template) == KIND_VALUE) {
			gifts++;
			continue;
		}
		if (gifts < needed) {
			char *text = mem_printf(
			    "this ask follows %d value step%s%s, but gifts_per_ask is %d: it would never be sent",
			    gifts, gifts == 1 ? "" : "s", i > (size_t)gifts ? " since the last ask" : "", needed);

			tell_step(pl, &q->step[i], "unreachable-ask", text);
			free(text);
			pl->refused = true;
		}
		gifts = 0;
	}
}

static void sequence_plan(struct planner *pl, size_t no)
{
	struct plan *p = pl->plan;
	struct plan_sequence *ps = &p->sequence[no];
	const struct sequence *q = &p->config->sequence[no];

	ps->sequence = q;
	ps->step = mem_array(q->step_n + 1, sizeof *ps->step);
	ps->startable = true;
	for (size_t i = 0; i < q->step_n; i++) {
		const struct config_use *use = config_step_use(p->config, &q->step[i]);
		bool tell = is_first_use(p, no, i);

		if (template_read(pl, use, tell, &ps->step[i].template) < 0)
			pl->refused = true;
		else
			step_judge(pl, use->template_name, &ps->step[i], tell);
		if (!ps->step[i].gate.pass)
			ps->startable = false;
	}
	novelty_in_sequence(p, ps, pl->problems);
	check_gifts(pl, ps);
}

/* ---- what a refused configuration names ---- */

static bool is_planned(const struct config *c, const struct config_use *use)
{
	for (size_t i = 0; use->step && i < c->sequence_n; i++)
		for (size_t j = 0; j < c->sequence[i].step_n; j++)
			if (&c->sequence[i].step[j] == use->step)
				return true;
	return false;
}

/* Is what stands in this template told by a sequence, or by a row before this one? */
static bool is_told(const struct config *c, size_t use_no)
{
	const char *name = c->use[use_no].template_name;

	for (size_t i = 0; i < c->use_n; i++)
		if (!strcmp(c->use[i].template_name, name) && (i < use_no || is_planned(c, &c->use[i])))
			return true;
	return false;
}

/* Templates of steps and sequences that are in no plan, since something else about them is wrong. */
static void rest_judge(struct planner *pl)
{
	const struct config *c = pl->plan->config;

	for (size_t i = 0; i < c->use_n; i++) {
		struct plan_step step = { 0 };
		bool tell = !is_told(c, i);

		if (is_planned(c, &c->use[i]))
			continue;
		if (template_read(pl, &c->use[i], tell, &step.template) == 0)
			step_judge(pl, c->use[i].template_name, &step, tell);
		template_free(&step.template);
	}
}

/* Whoever told it: a finding has a line and a column, so that every line that is printed can be read the same way. */
static void places_complete(struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		struct problem *p = &problems->row[i];

		p->line = p->line > 0 ? p->line : 1;
		p->column = p->column > 0 ? p->column : 1;
	}
}

enum plan_status plan_load(const char *path, struct plan **out, struct problems *problems)
{
	struct plan *p = mem_alloc(sizeof *p);
	struct planner pl = { p, problems, false };

	*out = NULL;
	bool readable = config_survey(path, &p->config, problems) == 0;
	/* a template is read without its layout too: only writing a letter takes it */
	bool framed = template_layout_load(p->config->template_dir, &p->layout, problems) == 0;

	pl.refused = !readable || !framed;
	p->sequence = mem_array(p->config->sequence_n + 1, sizeof *p->sequence);
	for (size_t i = 0; i < p->config->sequence_n; i++)
		sequence_plan(&pl, i);
	if (!readable)
		rest_judge(&pl);
	novelty_between(p, problems);
	places_complete(problems);
	problems_sort(problems);
	if (pl.refused) {
		plan_free(&p);
		return PLAN_REFUSED;
	}
	*out = p;
	return PLAN_OK;
}

void plan_free(struct plan **p)
{
	if (!*p)
		return;
	for (size_t i = 0; (*p)->sequence && i < (*p)->config->sequence_n; i++) {
		struct plan_sequence *ps = &(*p)->sequence[i];

		for (size_t j = 0; ps->step && j < ps->sequence->step_n; j++)
			template_free(&ps->step[j].template);
		free(ps->step);
	}
	free((*p)->sequence);
	template_layout_free(&(*p)->layout);
	config_free(&(*p)->config);
	free(*p);
	*p = NULL;
}

const struct plan_sequence *plan_sequence(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->config->sequence_n; i++)
		if (!strcmp(p->config->sequence[i].name, name))
			return &p->sequence[i];
	return NULL;
}
