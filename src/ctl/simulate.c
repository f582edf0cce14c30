/* abvctl simulate: what a configuration would do to real contacts, before anybody is mailed. It opens the configuration
 * and the contacts, and nothing else: no network, store, log or socket. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "abv/audit.h"
#include "abv/journal.h"
#include "simulate_int.h"

#define DAYS_MOST 36525
#define BAR       30
#define VIOLATIONS_TOLD 20

struct simulate {
	const struct ctl *ctl;
	struct simulate_model model;
	const char *contacts;
	int64_t from;
	int days;
	struct plan *plan;
	struct simulation *simulation;
	struct summary *summary;
	struct calendar *calendar; /* NULL: not asked for */
	struct audit *audit;
	int64_t violations;
	struct buf line;
	bool bar;
	int64_t told; /* the bar's last time, monotonic */
};

/* ---- the command line ---- */

static int rate_option(const struct ctl *c, const char *name, double *out, int *status)
{
	const char *text = ctl_value(c, name);
	char *end;

	*out = 0;
	if (!text)
		return 0;
	errno = 0;
	*out = strtod(text, &end);
	if (!strchr("0123456789.", *text) || *end || errno || !isfinite(*out) || *out < 0 || *out > 1) {
		*status = ctl_usage(c, "simulate: --%s is a number from 0 to 1, not '%s'", name, text);
		return -1;
	}
	return 0;
}

static int seed_option(const struct ctl *c, uint64_t *out, int *status)
{
	const char *text = ctl_value(c, "seed");
	char *end;

	*out = 1;
	if (!text)
		return 0;
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno) {
		*status = ctl_usage(c, "simulate: --seed is a number from 0 to 18446744073709551615, not '%s'", text);
		return -1;
	}
	return 0;
}

static int time_options(struct simulate *s, int *status)
{
	const char *from = ctl_value(s->ctl, "from"), *days = ctl_value(s->ctl, "days");
	struct err e = { "" };
	char *end;
	long n;

	s->contacts = ctl_value(s->ctl, "contacts");
	if (!s->contacts || !from || !days) {
		*status = ctl_usage(s->ctl, "simulate: it needs --contacts, --from and --days");
		return -1;
	}
	if (clock_parse(from, &s->from, &e) < 0 || s->from <= 0) {
		*status = ctl_usage(s->ctl, "simulate: --from: %s", *e.text ? e.text : "this lies before 1970");
		return -1;
	}
	errno = 0;
	n = strtol(days, &end, 10);
	if (*days < '0' || *days > '9' || *end || errno || n < 1 || n > DAYS_MOST) {
		*status = ctl_usage(s->ctl, "simulate: --days is a number from 1 to %d, not '%s'", DAYS_MOST, days);
		return -1;
	}
	s->days = (int)n;
	return 0;
}

static int options_take(struct simulate *s)
{
	const struct ctl *c = s->ctl;
	struct simulate_model *m = &s->model;
	int status = CTL_OK;

	if (c->json && ctl_flag(c, "calendar"))
		return ctl_usage(c, "simulate: --json or --calendar, not both");
	if (time_options(s, &status) || seed_option(c, &m->seed, &status) ||
	    rate_option(c, "reply-rate", &m->reply, &status) || rate_option(c, "bounce-rate", &m->bounce, &status) ||
	    rate_option(c, "ooo-rate", &m->ooo, &status) ||
	    rate_option(c, "unsubscribe-rate", &m->unsubscribe, &status))
		return status;
	if (ctl_flag(c, "calendar"))
		s->calendar = calendar_new(s->from, s->days);
	return CTL_OK;
}

/* ---- the configuration ---- */

static int plan_take(struct simulate *s)
{
	struct problems problems = { 0 };
	enum plan_status status = plan_load(ctl_config_path(s->ctl), &s->plan, &problems);

	for (size_t i = 0; i < problems.n; i++) {
		struct buf b = { 0 }, clean = { 0 };

		if (problems.row[i].severity != SEVERITY_ERROR) /* `abvctl check` has them all */
			continue;
		problem_format(&problems.row[i], &b);
		out_clean(&clean, buf_text(&b));
		(void)fprintf(stderr, "%s\n", buf_text(&clean));
		buf_free(&b);
		buf_free(&clean);
	}
	problems_free(&problems);
	return status == PLAN_OK ? CTL_OK : CTL_FINDINGS;
}

/* Is every --enroll a sequence of the configuration? */
static int enroll_check(const struct simulate *s)
{
	for (int i = 0; i < s->ctl->given_n; i++) {
		const struct ctl_given *g = &s->ctl->given[i];

		if (!strcmp(g->option->name, "enroll") && strcmp(g->value, "all") != 0 &&
		    !plan_sequence(s->plan, g->value))
			return ctl_usage(s->ctl, "simulate: --enroll: there is no sequence '%s'", g->value);
	}
	return CTL_OK;
}

/* "all": the manual ones; the others have enrolled whom they want at import. */
static int enroll(struct simulate *s, const char *name, struct err *e)
{
	const struct config *config = s->plan->config;
	int rc = 0;

	if (strcmp(name, "all") != 0)
		return simulation_enroll(s->simulation, name, e);
	for (size_t i = 0; i < config->sequence_n && rc == 0; i++) {
		if (config->sequence[i].enroll == ENROLL_MANUAL)
			rc = simulation_enroll(s->simulation, config->sequence[i].name, e);
	}
	return rc;
}

static int enroll_all(struct simulate *s, struct err *e)
{
	int rc = 0;

	for (int i = 0; i < s->ctl->given_n && rc == 0; i++) {
		const struct ctl_given *g = &s->ctl->given[i];

		if (!strcmp(g->option->name, "enroll"))
			rc = enroll(s, g->value, e);
	}
	return rc;
}

/* ---- events ---- */

static void on_event(void *arg, const struct event *ev)
{
	struct simulate *s = arg;

	summary_event(s->summary, ev);
	if (s->calendar)
		calendar_event(s->calendar, ev);
	buf_clear(&s->line);
	journal_format(ev, &s->line);
	audit_line(s->audit, "simulation", ev->seq, s->line.data, s->line.len);
	if (!s->ctl->json)
		return;
	buf_char(&s->line, '\n');
	(void)fwrite(s->line.data, 1, s->line.len, stdout);
}

void detail_text(const struct event *ev, const char *name, char *out, size_t cap)
{
	char member[64];
	const char *p;
	size_t n;

	(void)snprintf(member, sizeof member, "\"%s\":\"", name);
	p = strstr(ev->detail, member);
	p = p ? p + strlen(member) : "";
	n = strcspn(p, "\"");
	n = n < cap ? n : cap - 1;
	memcpy(out, p, n);
	out[n] = '\0';
}

/* ---- the audit: the same that judges a real log, over the lines that --json prints ---- */

static void on_violation(void *arg, const struct audit_violation *v)
{
	struct simulate *s = arg;
	struct buf text = { 0 };

	if (s->violations++ == VIOLATIONS_TOLD)
		(void)fprintf(stderr, "simulate: further violations are not told\n");
	if (s->violations > VIOLATIONS_TOLD)
		return;
	out_clean(&text, v->text);
	(void)fprintf(stderr, "simulation:%lld: %s: %s\n", (long long)v->line, v->rule, buf_text(&text));
	buf_free(&text);
}

/* A violation would be a fault of abvd's own, or of an audit that differs from it: either is to be known. */
static int audited(struct simulate *s)
{
	struct audit_sum sum;

	audit_end(s->audit, on_violation, s, &sum);
	return sum.violations ? CTL_FINDINGS : CTL_OK;
}

/* ---- the run ---- */

static void bar_draw(struct simulate *s, int day)
{
	char date[CLOCK_TEXT_MAX];
	int full = day * BAR / s->days;
	int64_t now = clock_mono();

	if (!s->bar || (day < s->days && now - s->told < 100))
		return;
	s->told = now;
	(void)fprintf(stderr, "\r[%.*s%*s] %3d%%  %.10s  %lld touches", full,
		      "==============================", BAR - full, "", day * 100 / s->days,
		      clock_format(simulation_now(s->simulation), date), (long long)summary_touches(s->summary));
}

/* Day by day, for the bar. The last instant of the last day belongs to it, the first of the next does not. */
static int run(struct simulate *s, struct err *e)
{
	int rc = 0;

	for (int day = 1; day <= s->days && rc == 0; day++) {
		rc = simulation_run(s->simulation, s->from + day * CLOCK_DAY - 1, e);
		bar_draw(s, day);
	}
	if (s->bar)
		(void)fputs("\r\033[K", stderr);
	return rc;
}

static void screen_size(int *width, int *height)
{
	const char *columns = getenv("COLUMNS"), *lines = getenv("LINES");
	struct winsize w = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0 || w.ws_row == 0)
		w = (struct winsize){ .ws_col = 80, .ws_row = 24 };
	*width = columns && atoi(columns) > 0 ? atoi(columns) : w.ws_col;
	*height = lines && atoi(lines) > 0 ? atoi(lines) : w.ws_row;
}

static void result_print(struct simulate *s)
{
	struct buf out = { 0 };
	int width, height;

	if (s->calendar) {
		screen_size(&width, &height);
		calendar_draw(s->calendar, width, height, s->ctl->colour, &out);
		(void)fwrite(buf_text(&out), 1, out.len, stdout);
		buf_free(&out);
	} else if (!s->ctl->json) {
		summary_print(s->summary, s->ctl);
	}
}

static int simulate(struct simulate *s)
{
	struct simulate_hooks hooks = { s, on_event };
	struct err e = { "" };
	int status;

	s->summary = summary_new(s->plan);
	s->audit = audit_new(s->plan->config);
	if (simulation_new(s->plan, &s->model, s->from, &hooks, &s->simulation, &e) < 0)
		return ctl_fail(CTL_FINDINGS, "simulate: %s", e.text);
	status = simulate_import(s->simulation, s->contacts);
	if (status != CTL_OK)
		return status;
	if (enroll_all(s, &e) < 0 || run(s, &e) < 0)
		return ctl_fail(CTL_FINDINGS, "simulate: %s", e.text);
	result_print(s);
	return audited(s);
}

int cmd_simulate(struct ctl *c)
{
	struct simulate s = { .ctl = c, .bar = isatty(STDERR_FILENO) == 1 && !(c->json && isatty(STDOUT_FILENO) == 1) };
	int status = options_take(&s);

	if (status == CTL_OK)
		status = plan_take(&s);
	if (status == CTL_OK)
		status = enroll_check(&s);
	if (status == CTL_OK)
		status = simulate(&s);
	simulation_free(&s.simulation);
	summary_free(&s.summary);
	calendar_free(&s.calendar);
	audit_free(&s.audit);
	plan_free(&s.plan);
	buf_free(&s.line);
	return status;
}
