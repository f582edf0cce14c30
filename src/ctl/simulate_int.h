/* abvctl, private: what `simulate` makes of a simulation's events: a summary for each sequence, and the calendar. */
#ifndef CTL_SIMULATE_INT_H
#define CTL_SIMULATE_INT_H

#include <stdint.h>

#include "abv/check.h"
#include "abv/simulate.h"
#include "ctl_int.h"

/* ---- simulate_import.c: the CSV file, as `import` reads it. CTL_OK also when rows were bad (they are told on stderr).
 */
int simulate_import(struct simulation *s, const char *path);

/* The text member of an event's detail; "" when there is none. */
void detail_text(const struct event *ev, const char *name, char *out, size_t cap);

/* ---- simulate_sum.c ---- */

struct summary;
struct summary *summary_new(const struct plan *plan);
void summary_event(struct summary *s, const struct event *ev);
void summary_print(const struct summary *s, const struct ctl *c);
int64_t summary_touches(const struct summary *s);
void summary_free(struct summary **s);

/* ---- simulate_calendar.c ---- */

struct calendar;
struct calendar *calendar_new(int64_t from, int days);
void calendar_event(struct calendar *k, const struct event *ev);
/* One screen of width x height. */
void calendar_draw(struct calendar *k, int width, int height, bool colour, struct buf *out);
void calendar_free(struct calendar **k);

#endif
