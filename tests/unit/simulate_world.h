/* For tests of the simulation: a configuration in a directory, its plan, people, and the events as they come. */
#ifndef SIMULATE_WORLD_H
#define SIMULATE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "abv/journal.h"
#include "abv/mem.h"
#include "abv/scheduler.h"
#include "abv/simulate.h"
#include "abv/store.h"
#include "config_dir.h"

#define MONDAY INT64_C(1767607200000) /* 2026-01-05T10:00:00Z */

struct sim_world {
	struct plan *plan;
	struct simulation *sim;
	struct buf lines; /* every event, as the log has it */
	void (*event)(void *arg, const struct event *ev);
	void *arg;
};

static inline void sim_template(const char *name, const char *kind)
{
	char file[96], text[2048];

	snprintf(file, sizeof file, "templates/%s.md", name);
	snprintf(text, sizeof text,
		 "Subject: Worksheet %s for {{first_name}}\nKind: %s\n\nHello {{first_name}},\n\n"
		 "three steps of the worksheet %s brought 40 teams from nine weeks to five:\n\n"
		 "1. Name one owner for each data source before the first call; 31 of 40 teams lost two weeks here.\n"
		 "2. Export a sample of 200 rows and load it on day one, so that field mapping is settled early.\n"
		 "3. Measure the time from login to the first report; below 12 minutes people come back by "
		 "themselves.\n\n"
		 "The worksheet with all formulas: https://example.com/worksheet-%s\n%s",
		 name, kind, name, name,
		 strcmp(kind, "ask") == 0 ? "\nWould you like to see a demo next week? Book a call with us.\n" : "");
	config_dir_put(file, text);
}

/* steps: "one 0d, two 3bd, three! 7d 30d": a template each; ! an ask; the third word is its expire. */
static inline void sim_sequence(const char *name, const char *rest, const char *steps)
{
	struct buf b = { 0 };
	char file[96], *copy = mem_strdup(steps), *save = NULL;

	buf_printf(&b, "sequence = { name = \"%s\"; %s steps = (", name, rest);
	for (char *one = strtok_r(copy, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
		char step[32], after[16], expire[16] = "", unique[80];
		int n = sscanf(one, " %31s %15s %15s", step, after, expire);
		bool ask = step[strlen(step) - 1] == '!';

		assert_true(n >= 2);
		if (ask)
			step[strlen(step) - 1] = '\0';
		snprintf(unique, sizeof unique, "%s-%s", name, step);
		sim_template(unique, ask ? "ask" : "value");
		buf_printf(&b, "%s{ name = \"%s\"; after = \"%s\"; template = \"%s.md\"; ", one == copy ? "" : ", ",
			   step, after, unique);
		if (n == 3)
			buf_printf(&b, "expire = \"%s\"; ", expire);
		buf_str(&b, "}");
	}
	buf_str(&b, "); };\n");
	snprintf(file, sizeof file, "sequences.d/%s.conf", name);
	config_dir_put(file, buf_text(&b));
	buf_free(&b);
	free(copy);
}

static inline void sim_config(const char *cadence)
{
	struct buf b = { 0 };

	buf_printf(&b, BASE "cadence = { %s };\n", cadence);
	config_dir_put("abvd.conf", buf_text(&b));
	buf_free(&b);
}

static inline void sim_event(void *arg, const struct event *ev)
{
	struct sim_world *w = arg;

	journal_format(ev, &w->lines);
	buf_char(&w->lines, '\n');
	if (w->event)
		w->event(w->arg, ev);
}

/* What stands in the directory, as a plan and a simulation. */
static inline void sim_open(struct sim_world *w, const struct simulate_model *m, int64_t from)
{
	struct problems problems = { 0 };
	struct simulate_hooks hooks = { w, sim_event };
	struct err e = { "" };

	if (plan_load(config_dir_path("abvd.conf"), &w->plan, &problems) != PLAN_OK || problems.errors > 0) {
		struct buf b = { 0 };

		for (size_t i = 0; i < problems.n; i++) {
			problem_format(&problems.row[i], &b);
			buf_char(&b, '\n');
		}
		fail_msg("%s", buf_text(&b));
	}
	problems_free(&problems);
	if (simulation_new(w->plan, m, from, &hooks, &w->sim, &e) != 0)
		fail_msg("%s", e.text);
}

static inline void sim_close(struct sim_world *w)
{
	simulation_free(&w->sim);
	plan_free(&w->plan);
	buf_free(&w->lines);
}

static inline void sim_import(struct sim_world *w, const char *rows)
{
	struct buf body = { 0 }, answer = { 0 };
	struct err e = { "" };

	buf_printf(&body, "{\"rows\":[%s]}", rows);
	if (simulation_import(w->sim, body.data, body.len, &answer, &e) != 0)
		fail_msg("%s", e.text);
	if (!strstr(buf_text(&answer), "\"errors\":[]"))
		fail_msg("%s", buf_text(&answer));
	buf_free(&body);
	buf_free(&answer);
}

static inline void sim_run(struct sim_world *w, int64_t until)
{
	struct err e = { "" };

	if (simulation_run(w->sim, until, &e) != 0)
		fail_msg("%s", e.text);
	assert_true(simulation_now(w->sim) == until);
}

#define ALWAYS "window = { days = \"mon-sun\"; hours = \"00:00-24:00\"; }; "

#endif
