/* sequences.d/NAME.conf: each holds `sequence = { ... };` or `sequence = ( { ... }, { ... } );`. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/mem.h"
#include "config_int.h"
#include "draft_int.h"

#define NAME_LEN_MAX 64

/* ---- values ---- */

/* Names stand in command lines, logs and headers. */
static int set_name(struct reader *r, const config_setting_t *s, const char **at)
{
	const char *text = setting_text(r, s, false);

	if (!text)
		return -1;
	bool good = *text && *text != '-' && *text != '.' && strlen(text) <= NAME_LEN_MAX;

	for (const char *p = text; *p && good; p++)
		good = isalnum((unsigned char)*p) || strchr("._-", *p) || (unsigned char)*p >= 0x80;
	if (!good)
		return reader_fail(r, s, "bad-value",
				   "a name is 1 to %d letters, digits, '.', '_' and '-', a letter or digit first",
				   NAME_LEN_MAX);
	*at = owned_text(r->owned, text);
	return 0;
}

int set_step_name(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	(void)o;
	return set_name(r, s, at);
}

int set_sequence_name(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	(void)o;
	if (set_name(r, s, at) < 0)
		return -1;
	if (!strcmp(*(const char **)at, "all"))
		return reader_fail(r, s, "bad-value",
				   "a sequence cannot be named 'all': commands take it for every sequence");
	return 0;
}

int set_template(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *text = NULL;

	if (set_string(r, o, s, &text) < 0)
		return -1;
	for (const char *p = text; *p; p += strcspn(p, "/"), p += *p == '/')
		if (*p == '/' || (p[0] == '.' && p[1] == '.' && (p[2] == '/' || !p[2])))
			return reader_fail(r, s, "bad-value", "'template' is a file in templates/ and cannot leave it");
	*(const char **)at = text;
	return 0;
}

int set_enroll(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	struct sequence *q = &((struct sequence_draft *)at)->sequence;
	const char *text = setting_text(r, s, false);

	(void)o;
	if (!text)
		return -1;
	q->enroll_tag = "";
	if (!strcmp(text, "manual")) {
		q->enroll = ENROLL_MANUAL;
	} else if (!strcmp(text, "on_import")) {
		q->enroll = ENROLL_ON_IMPORT;
	} else if (!strncmp(text, "tag:", 4) && text[4] && !strchr(text, ';')) {
		q->enroll = ENROLL_TAG;
		q->enroll_tag = owned_text(r->owned, text + 4);
	} else {
		return reader_fail(r, s, "bad-value", "'enroll' must be \"manual\", \"on_import\" or \"tag:NAME\"");
	}
	return 0;
}

int set_in(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	const char *const *value = NULL;
	size_t n = 0;

	(void)o;
	if (setting_texts(r, s, &value, &n) < 0)
		return -1;
	if (!n)
		return reader_fail(r, s, "bad-value", "'in' is empty: nobody would qualify");
	struct qualify_draft *d = (struct qualify_draft *)((char *)at - offsetof(struct qualify_draft, in));

	d->in = value;
	d->in_n = n;
	return 0;
}

/* ---- lists of groups ---- */

typedef int row_read(struct reader *r, const config_setting_t *group, void *arg);

/* Reads each group of a list; -1 after telling when the setting is none. */
static int rows_read(struct reader *r, const config_setting_t *s, row_read *row, void *arg)
{
	int type = config_setting_type(s), rc = 0;

	if (type != CONFIG_TYPE_LIST && !(type == CONFIG_TYPE_ARRAY && !config_setting_length(s)))
		return reader_fail(r, s, "wrong-type", "'%s' must be a list of groups: ( { ... }, { ... } )",
				   config_setting_name(s));
	for (int i = 0; i < config_setting_length(s); i++) {
		const config_setting_t *group = config_setting_get_elem((config_setting_t *)s, (unsigned)i);

		if (!config_setting_is_group(group))
			rc = reader_fail(r, group, "wrong-type", "'%s' must hold groups: { ... }",
					 config_setting_name(s));
		else if (row(r, group, arg) < 0)
			rc = -1;
	}
	return rc;
}

/* A row's keys in `abvctl config`: PREFIX + list + its own name. */
static const char *row_prefix(struct reader *r, const config_setting_t *group, const char *list, const char *name_key)
{
	const char *name = NULL;

	if (!config_setting_lookup_string(group, name_key, &name))
		name = "?";
	return owned_printf(r->owned, "%s%s.%.64s.", r->prefix, list, name);
}

static bool gave(const struct given *g, const char *scope, const char *path)
{
	int i = option_find(scope, path);

	return i >= 0 && g->yes[i];
}

static void qualify_add(struct sequence_draft *q, struct qualify row)
{
	q->qualify[q->sequence.qualify_n++] = row;
}

static int qualify_read(struct reader *r, const config_setting_t *group, void *arg)
{
	struct sequence_draft *q = arg;
	struct qualify_draft d = { .field = "" };
	struct given g;
	const char *prefix = r->prefix;
	size_t before = r->problems->errors;

	r->base[AT_QUALIFY] = &d;
	r->prefix = row_prefix(r, group, "qualify", "field");
	group_read(r, "sequence.qualify.", group, &g);
	r->prefix = prefix;
	bool min = gave(&g, "sequence.qualify.", "min"), max = gave(&g, "sequence.qualify.", "max");
	bool equals = gave(&g, "sequence.qualify.", "equals"), in = gave(&g, "sequence.qualify.", "in");
	bool present = gave(&g, "sequence.qualify.", "present");

	if (r->problems->errors > before)
		return -1;
	if (!min && !max && !equals && !in && !present)
		return reader_fail(r, group, "missing-key", "a condition needs one of equals, in, min, max, present");
	if (min && max && d.min > d.max)
		return reader_fail(r, group, "contradiction", "min is greater than max: nobody would qualify");
	if (present && !d.present)
		return reader_fail(r, group, "bad-value", "'present' can only be true");
	if (equals) {
		const char **one = owned_alloc(r->owned, 1, sizeof *one);

		*one = d.equals;
		qualify_add(q, (struct qualify){ .field = d.field, .op = QUALIFY_EQUALS, .value = one, .value_n = 1 });
	}
	if (in)
		qualify_add(q,
			    (struct qualify){ .field = d.field, .op = QUALIFY_IN, .value = d.in, .value_n = d.in_n });
	if (min)
		qualify_add(q, (struct qualify){ .field = d.field, .op = QUALIFY_MIN, .number = d.min });
	if (max)
		qualify_add(q, (struct qualify){ .field = d.field, .op = QUALIFY_MAX, .number = d.max });
	if (present)
		qualify_add(q, (struct qualify){ .field = d.field, .op = QUALIFY_PRESENT });
	return 0;
}

#define QUALIFY_OPS 5 /* rows that one group may become */

int set_qualify(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	struct sequence_draft *q = at;
	size_t n = config_setting_is_aggregate(s) ? (size_t)config_setting_length(s) : 0;

	(void)o;
	q->qualify = owned_alloc(r->owned, n * QUALIFY_OPS + 1, sizeof *q->qualify);
	q->sequence.qualify = q->qualify;
	q->sequence.qualify_n = 0;
	return rows_read(r, s, qualify_read, q);
}

static int step_read(struct reader *r, const config_setting_t *group, void *arg)
{
	struct sequence_draft *q = arg;
	struct step *step = &q->step[q->sequence.step_n];
	struct given g;
	struct spot at = setting_spot(r, group);
	const char *prefix = r->prefix;
	size_t before = r->problems->errors;
	struct config_use *use = NULL;

	*step = (struct step){ .name = "", .template_name = "", .line = at.line };
	r->base[AT_STEP] = step;
	r->prefix = row_prefix(r, group, "steps", "name");
	group_read(r, "sequence.steps.", group, &g);
	r->prefix = prefix;
	if (gave(&g, "sequence.steps.", "template"))
		use = use_add(r, step, g.at[option_find("sequence.steps.", "template")], at);
	if (r->problems->errors > before)
		return -1;
	for (size_t i = 0; i < q->sequence.step_n; i++)
		if (!strcmp(q->step[i].name, step->name))
			return reader_fail(r, config_setting_get_member((config_setting_t *)group, "name"),
					   "duplicate-step", "step '%s' is there already, in line %d", step->name,
					   q->step[i].line);
	if (use)
		use->step = step;
	q->sequence.step_n++;
	return 0;
}

int set_steps(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	struct sequence_draft *q = at;
	size_t n = config_setting_is_aggregate(s) ? (size_t)config_setting_length(s) : 0;

	(void)o;
	q->step = owned_alloc(r->owned, n + 1, sizeof *q->step);
	q->sequence.step = q->step;
	q->sequence.step_n = 0;
	if (rows_read(r, s, step_read, q) < 0)
		return -1;
	if (!n)
		return reader_fail(r, s, "bad-value", "a sequence needs at least one step");
	return 0;
}

static int alias_read(struct reader *r, const config_setting_t *group, void *arg)
{
	struct account_alias *row = arg, *alias = &row[r->config->alias_n];
	struct given g;
	const char *prefix = r->prefix;
	size_t before = r->problems->errors;

	r->base[AT_ALIAS] = alias;
	r->prefix = row_prefix(r, group, "account_aliases", "account");
	group_read(r, "account_aliases.", group, &g);
	r->prefix = prefix;
	if (r->problems->errors > before)
		return -1;
	for (size_t i = 0; i < alias->domain_n; i++) {
		if (mailaddr_is_freemail(alias->domain[i]))
			return reader_fail(r, group, "contradiction",
					   "'%s' is a free-mail domain: its users are no account", alias->domain[i]);
		for (size_t j = 0; j < r->config->alias_n; j++)
			for (size_t k = 0; k < row[j].domain_n; k++)
				if (!strcmp(row[j].domain[k], alias->domain[i]))
					return reader_fail(r, group, "contradiction",
							   "'%s' belongs to account '%s' already", alias->domain[i],
							   row[j].account);
	}
	r->config->alias_n++;
	return 0;
}

int set_aliases(struct reader *r, const struct option *o, const config_setting_t *s, void *at)
{
	size_t n = config_setting_is_aggregate(s) ? (size_t)config_setting_length(s) : 0;
	struct account_alias *row = owned_alloc(r->owned, n + 1, sizeof *row);

	(void)o;
	r->config->alias_n = 0;
	*(struct account_alias **)at = row;
	return rows_read(r, s, alias_read, row);
}

/* ---- a sequence ---- */

static struct spot step_spot(const struct reader *r, const struct sequence *q, const struct step *s)
{
	const struct config_use *use = config_step_use(r->config, s);

	return use ? (struct spot){ use->step_at.file, use->step_at.line, use->step_at.column }
		   : (struct spot){ q->file, s->line, 1 };
}

/* A step that is skipped before the gap after the touch before it is over is never sent. */
static void check_expiry(struct reader *r, const struct sequence *q)
{
	int64_t gap = pace_gap(&q->policy, NULL);

	for (size_t i = 1; i < q->step_n; i++) {
		const struct step *s = &q->step[i];
		int64_t due = pace_most(&q->policy.window, &s->after);

		if (s->expire && due != CLOCK_NEVER && due + s->expire <= gap)
			reader_tell(
			    r, SEVERITY_ERROR, step_spot(r, q, s), "never-sent",
			    "step '%s' expires before the gap between two touches is over: it would never be sent",
			    s->name);
	}
}

/* Nobody who answers is sent the rest of the sequence; who doesn't is released before it. */
static void check_sunset(struct reader *r, const struct sequence *q)
{
	const struct policy *p = &q->policy;
	int64_t t[PACE_TOUCHES_MAX];
	size_t n = q->step_n < PACE_TOUCHES_MAX ? q->step_n : PACE_TOUCHES_MAX;

	pace_touches(p, q->step, t, (int)n);
	for (size_t i = 0; i < q->step_n; i++) {
		const struct step *s = &q->step[i];

		if (p->sunset_touches && i >= (size_t)p->sunset_touches)
			reader_tell(r, SEVERITY_WARNING, step_spot(r, q, s), "never-sent",
				    "sunset.touches (%d) ends the sequence before step '%s'", p->sunset_touches,
				    s->name);
		else if (p->sunset_silence && i < n && t[i] >= p->sunset_silence)
			reader_tell(
			    r, SEVERITY_WARNING, step_spot(r, q, s), "never-sent",
			    "sunset.silence (%d d) ends the sequence before step '%s', which comes after %d days at "
			    "the earliest",
			    (int)(p->sunset_silence / CLOCK_DAY), s->name, (int)(t[i] / CLOCK_DAY));
		else
			continue;
		return;
	}
}

struct gathering {
	struct reader *r;
	struct sequence *row;
	size_t cap;
};

static void sequence_keep(struct gathering *all, const struct sequence *q, struct spot at)
{
	struct reader *r = all->r;
	struct config *c = r->config;

	for (size_t i = 0; i < c->sequence_n; i++)
		if (!strcmp(c->sequence[i].name, q->name)) {
			reader_tell(r, SEVERITY_ERROR, at, "duplicate-sequence",
				    "sequence '%s' is there already, in %s:%d", q->name, c->sequence[i].file,
				    c->sequence[i].line);
			return;
		}
	if (!all->row || c->sequence_n == all->cap) {
		size_t cap = all->cap ? all->cap * 2 : 16;
		struct sequence *row = owned_alloc(r->owned, cap, sizeof *row);

		if (all->row)
			memcpy(row, all->row, c->sequence_n * sizeof *row);
		all->row = row;
		all->cap = cap;
	}
	all->row[c->sequence_n++] = *q;
	c->sequence = all->row;
}

/* Whether an ask gets its gifts can only be judged of all steps, and by the number that was meant. */
static void order_known(struct reader *r, const struct given *g, size_t first_use)
{
	static const char gifts[] = "cadence.gifts_per_ask";
	bool known =
	    gave(g, "sequence.", "steps") && !given_wrong(g, gifts) && (r->gifts_known || gave(g, "sequence.", gifts));

	for (size_t i = first_use; i < r->config->use_n; i++)
		r->config->use[i].order_known = known;
}

static int sequence_read(struct reader *r, const config_setting_t *group, void *arg)
{
	struct gathering *all = arg;
	const struct policy *base = &r->config->policy;
	struct sequence_draft draft = { .sequence = { .name = "", .enroll_tag = "", .policy = *base } };
	struct sequence *q = &draft.sequence;
	struct spot at = setting_spot(r, group);
	struct given g;
	const char *prefix = r->prefix;
	size_t first_use = r->config->use_n;

	q->file = owned_text(r->owned, at.file);
	q->line = at.line;
	q->policy.contact.n = q->policy.account.n = q->policy.provider.n = q->policy.sender.n = 0;
	q->policy.window.holidays = NULL;
	q->policy.window.holiday_n = 0;
	r->base[AT_POLICY] = &q->policy;
	r->base[AT_SEQUENCE] = &draft;
	r->prefix = row_prefix(r, group, "sequence", "name");
	group_read(r, "sequence.", group, &g);
	r->prefix = prefix;
	order_known(r, &g, first_use);
	policy_tighten(r, base, &q->policy, &g, at);
	r->base[AT_POLICY] = &r->config->policy;
	if (!*q->name)
		return -1;
	const config_setting_t *cadence = config_setting_get_member((config_setting_t *)group, "cadence");

	if (cadence)
		policy_check(r, &q->policy, &g, setting_spot(r, cadence));
	check_expiry(r, q);
	check_sunset(r, q);
	sequence_keep(all, q, given_spot(&g, "name", at));
	return 0;
}

/* ---- the directory ---- */

static void file_sequences(struct reader *r, const char *path, struct gathering *all)
{
	config_t c;
	int found = 0;

	r->file = path;
	if (file_parse(r->owned, path, r->problems, &c) < 0)
		return;
	const config_setting_t *root = config_root_setting(&c);

	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *s = config_setting_get_elem((config_setting_t *)root, (unsigned)i);

		if (strcmp(config_setting_name(s), "sequence") != 0) {
			reader_say(r, s, "unknown-key", "unknown key '%.80s'; this file holds 'sequence = { ... };'",
				   config_setting_name(s));
			continue;
		}
		found++;
		if (config_setting_is_group(s))
			(void)sequence_read(r, s, all);
		else
			(void)rows_read(r, s, sequence_read, all);
	}
	if (!found)
		reader_tell(r, SEVERITY_ERROR, spot_of_file(path), "missing-key", "'sequence' is required");
	config_destroy(&c);
}

static int is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return *d->d_name != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".conf");
}

static int by_rank(const void *a, const void *b)
{
	const struct sequence *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return strcmp(x->name, y->name);
}

void sequences_read(struct reader *r)
{
	struct config *c = r->config;
	const char *dir = owned_printf(r->owned, "%s/sequences.d", c->dir);
	struct gathering all = { .r = r };
	struct dirent **entry = NULL;
	int n = scandir(dir, &entry, is_conf, alphasort);

	if (n < 0 && errno != ENOENT)
		reader_tell(r, SEVERITY_ERROR, spot_of_file(dir), "missing-file", "cannot read '%s': %s", dir,
			    strerror(errno));
	for (int i = 0; i < n; i++) {
		file_sequences(r, owned_printf(r->owned, "%s/%s", dir, entry[i]->d_name), &all);
		free(entry[i]);
	}
	free(entry);
	if (!c->sequence_n && r->problems->errors == 0)
		reader_tell(r, SEVERITY_WARNING, spot_of_file(c->path), "no-sequence",
			    "there is no sequence in '%s': nothing will be sent", dir);
	if (all.row)
		qsort(all.row, c->sequence_n, sizeof *all.row, by_rank);
}
