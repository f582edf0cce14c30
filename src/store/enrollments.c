/* Enrollments: what comes next for a contact in a sequence, and when to ask. While a touch is in flight the row is
 * older than the truth; flights.c tells why, and whoever reads or writes a row here settles it with store_owed_*. */
#include <string.h>

#include "abv/mem.h"
#include "store_int.h"

int store_enroll(struct store *s, int64_t contact_id, const char *sequence, const char *step, int32_t step_no,
		 int64_t now, int64_t due_at, int64_t next_at, int64_t *id, struct err *e)
{
	int64_t sequence_id, step_id;
	sqlite3_stmt *q;

	if (store_change(s, e))
		return -1;
	sequence_id = store_name_id(s, sequence, e);
	step_id = store_name_id(s, step, e);
	if (sequence_id < 0 || step_id < 0)
		return -1;
	q = store_stmt(s, SQL_ENROLL);
	bind_int(q, 1, contact_id);
	bind_int(q, 2, sequence_id);
	bind_int(q, 3, step_id);
	bind_int(q, 4, step_no);
	bind_int(q, 5, now);
	bind_int(q, 6, due_at);
	bind_int(q, 7, next_at);
	if (store_run(s, q, e))
		return -1;
	if (!store_changed(s))
		return 0;
	*id = sqlite3_last_insert_rowid(s->db);
	s->figure[FIGURE_ENROLLMENTS + ENROLLMENT_ACTIVE]++;
	store_seen(s, now);
	return 1;
}

/* ---- reading ---- */

void store_enrollment_read(struct store *s, sqlite3_stmt *q, struct enrollment *out)
{
	int64_t flight;

	*out = (struct enrollment){
		.id = col_int(q, 0),
		.contact_id = col_int(q, 1),
		.sequence = store_name_text(s, col_int(q, 2)),
		.state = (enum enrollment_state)col_int(q, 3),
		.step = store_name_text(s, col_int(q, 4)),
		.step_no = (int32_t)col_int(q, 5),
		.prev_at = col_int(q, 6),
		.due_at = col_int(q, 7),
		.next_at = col_int(q, 8),
		.wait = store_reason_of(s, col_int(q, 9)),
		.wait_until = col_int(q, 10),
		.touch_id = col_int(q, 11),
		.ended = store_reason_of(s, col_int(q, 12)),
		.created_at = col_int(q, 13),
		.account_id = col_int(q, 14),
	};
	flight = store_flight_of(s, out->id);
	if (flight >= 0 && !s->flights.more[flight].written) {
		out->touch_id = s->flights.touch[flight];
		out->next_at = CLOCK_NEVER;
	}
}

int store_enrollment(struct store *s, int64_t id, struct enrollment_row **out, struct err *e)
{
	struct enrollment_row row;
	struct contact c;
	sqlite3_stmt *q;
	char *text;
	int rc;

	*out = NULL;
	if (store_owed_flush(s, e))
		return -1;
	q = store_stmt(s, SQL_ENROLLMENT);
	bind_int(q, 1, id);
	rc = store_step(s, q, e);
	if (rc <= 0)
		return rc;
	store_enrollment_read(s, q, &row.enrollment);
	store_contact_read(q, ENROLLMENT_COLUMN_COUNT, &c);
	*out = mem_alloc(sizeof(row) + sizeof(c) + strlen(row.enrollment.sequence) + strlen(row.enrollment.step) + 2 +
			 store_contact_size(&c));
	row.contact = (struct contact *)(*out + 1);
	text = (char *)(row.contact + 1);
	row.enrollment.sequence = store_text_copy(&text, row.enrollment.sequence);
	row.enrollment.step = store_text_copy(&text, row.enrollment.step);
	store_contact_copy(row.contact, &c, text);
	**out = row;
	sqlite3_reset(q);
	return 1;
}

int store_enrollments_of(struct store *s, int64_t contact_id, void (*row)(void *arg, const struct enrollment *en),
			 void *arg, struct err *e)
{
	struct enrollment en;
	sqlite3_stmt *q;
	int rc;

	if (store_owed_flush(s, e))
		return -1;
	q = store_stmt(s, SQL_ENROLLMENTS_OF);
	bind_int(q, 1, contact_id);
	while ((rc = store_step(s, q, e)) > 0) {
		store_enrollment_read(s, q, &en);
		row(arg, &en);
	}
	return rc;
}

/* ---- what is due ---- */

int store_due(struct store *s, const char *sequence, int64_t now, struct due_row *out, int max, struct err *e)
{
	sqlite3_stmt *q;
	int n = 0, rc = 0;

	if (store_owed_flush(s, e))
		return -1;
	q = store_stmt(s, SQL_DUE);
	bind_int(q, 1, store_name_find(s, sequence));
	bind_int(q, 2, now);
	bind_int(q, 3, max + (int64_t)s->flights.n); /* rows in flight are still where they were */
	while (n < max && (rc = store_step(s, q, e)) > 0) {
		int64_t id = col_int(q, 0);

		if (store_flight_of(s, id) < 0)
			out[n++] = (struct due_row){ .enrollment_id = id, .due_at = col_int(q, 1) };
	}
	sqlite3_reset(q);
	return rc < 0 ? -1 : n;
}

int64_t store_due_first(struct store *s, const char *sequence, int64_t after)
{
	sqlite3_stmt *q;
	int64_t first = CLOCK_NEVER;

	if (store_owed_flush(s, NULL))
		return CLOCK_NEVER;
	q = store_stmt(s, SQL_DUE_FIRST);
	bind_int(q, 1, store_name_find(s, sequence));
	bind_int(q, 2, after);
	bind_int(q, 3, 1 + (int64_t)s->flights.n);
	while (store_step(s, q, NULL) > 0) {
		if (store_flight_of(s, col_int(q, 0)) >= 0)
			continue;
		first = col_int(q, 1);
		break;
	}
	sqlite3_reset(q);
	return first;
}

int store_sequences_active(struct store *s, void (*row)(void *arg, const char *sequence), void *arg, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_SEQUENCE_ACTIVE);
	int64_t last = 0;
	int n = 0, rc;

	for (;;) { /* one look at the index a sequence: a GROUP BY would read every enrollment */
		bind_int(q, 1, last);
		rc = store_step(s, q, e);
		if (rc <= 0)
			return rc < 0 ? -1 : n;
		last = col_int(q, 0);
		sqlite3_reset(q);
		row(arg, store_name_text(s, last));
		n++;
	}
}

/* ---- writing ---- */

/* After an UPDATE that also asks for `state = 0`: 0, or -1 when the enrollment is not active. */
static int was_active(const struct store *s, int64_t id, struct err *e)
{
	return store_changed(s) ? 0 : err_set(e, "store: there is no active enrollment %lld", (long long)id);
}

/* Whether what ends the wait is a new configuration. */
static bool rests_on_config(enum reason why)
{
	return why == REASON_GATE_REFUSED || why == REASON_UNDEFINED_PLACEHOLDER ||
	       why == REASON_SEQUENCE_NOT_STARTED || why == REASON_SEQUENCE_REMOVED;
}

static int wait_write(struct store *s, int64_t id, enum reason why, int64_t until, int64_t next_at, enum rests rests,
		      const char *slot, struct err *e)
{
	sqlite3_stmt *q;
	int64_t reason;

	if (store_change(s, e))
		return -1;
	reason = store_reason_id(s, why, e);
	if (reason < 0)
		return -1;
	q = store_stmt(s, SQL_ENROLLMENT_WAIT);
	bind_int(q, 1, id);
	bind_int(q, 2, reason);
	bind_int(q, 3, until);
	bind_int(q, 4, next_at);
	bind_int(q, 5, rests);
	bind_id(q, 6, store_owed_paid(s, id));
	if (slot)
		bind_text(q, 7, slot);
	else
		(void)sqlite3_bind_null(q, 7);
	return store_run(s, q, e) ? -1 : was_active(s, id, e);
}

int store_enrollment_wait(struct store *s, int64_t id, enum reason why, int64_t until, int64_t next_at,
			  bool rests_on_flight, struct err *e)
{
	s->resting |= rests_on_flight;
	return wait_write(s, id, why, until, next_at,
			  rests_on_config(why) ? RESTS_CONFIG
			  : rests_on_flight    ? RESTS_FLIGHT
					       : RESTS_TIME,
			  NULL, e);
}

/* ---- waiting lists ---- */

int store_enrollment_line_up(struct store *s, int64_t id, enum reason why, int64_t until, int64_t ends_at,
			     const char *slot, struct err *e)
{
	return wait_write(s, id, why, until, ends_at, RESTS_TIME, slot, e);
}

int store_slot_rows(struct store *s, const char *sequence, const char *slot, struct due_row *out, int max,
		    struct err *e)
{
	sqlite3_stmt *q;
	int n = 0, rc = 0;

	if (store_owed_flush(s, e))
		return -1;
	q = store_stmt(s, SQL_SLOT_ROWS);
	bind_int(q, 1, store_name_find(s, sequence));
	bind_text(q, 2, slot);
	bind_int(q, 3, max + (int64_t)s->flights.n);
	while (n < max && (rc = store_step(s, q, e)) > 0) {
		int64_t id = col_int(q, 0);

		if (store_flight_of(s, id) < 0)
			out[n++] = (struct due_row){ .enrollment_id = id, .due_at = col_int(q, 1) };
	}
	sqlite3_reset(q);
	return rc < 0 ? -1 : n;
}

int store_slots(struct store *s, void (*row)(void *arg, const char *sequence, const char *slot, int64_t until),
		void *arg, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_SLOT_NEXT);
	int64_t sequence = 0;
	char *slot = mem_strdup("");
	int rc;

	for (;;) { /* one look at the index a list */
		bind_int(q, 1, sequence);
		bind_text(q, 2, slot);
		rc = store_step(s, q, e);
		if (rc <= 0)
			break;
		sequence = col_int(q, 0);
		free(slot);
		slot = mem_strdup(col_text(q, 1));
		int64_t until = col_int(q, 2);
		sqlite3_reset(q);
		row(arg, store_name_text(s, sequence), slot, until);
	}
	free(slot);
	return rc < 0 ? -1 : 0;
}

int store_enrollment_advance(struct store *s, int64_t id, const char *step, int32_t step_no, int64_t prev_at,
			     int64_t due_at, int64_t next_at, struct err *e)
{
	sqlite3_stmt *q;
	int64_t step_id;

	if (store_change(s, e))
		return -1;
	step_id = store_name_id(s, step, e);
	if (step_id < 0)
		return -1;
	store_owed_paid(s, id);
	q = store_stmt(s, SQL_ENROLLMENT_ADVANCE);
	bind_int(q, 1, id);
	bind_int(q, 2, step_id);
	bind_int(q, 3, step_no);
	bind_int(q, 4, prev_at);
	bind_int(q, 5, due_at);
	bind_int(q, 6, next_at);
	return store_run(s, q, e) ? -1 : was_active(s, id, e);
}

/* 1 ended, 0 was not active, -1 */
static int enrollment_end(struct store *s, int64_t id, enum enrollment_state to, enum reason why, int64_t now,
			  struct err *e)
{
	sqlite3_stmt *q;
	int64_t reason, touch;

	if (store_change(s, e))
		return -1;
	reason = store_reason_id(s, why, e);
	if (reason < 0)
		return -1;
	touch = store_owed_paid(s, id);
	q = store_stmt(s, SQL_ENROLLMENT_END);
	bind_int(q, 1, id);
	bind_int(q, 2, to);
	bind_int(q, 3, reason);
	bind_int(q, 4, now);
	bind_id(q, 5, touch);
	if (store_run(s, q, e))
		return -1;
	if (!store_changed(s)) /* it had ended before; what is owed is owed still */
		return touch ? store_owed_pay(s, id, touch, e) : 0;
	s->figure[FIGURE_ENROLLMENTS + ENROLLMENT_ACTIVE]--;
	s->figure[FIGURE_ENROLLMENTS + (int)to]++;
	store_seen(s, now);
	return 1;
}

int store_enrollment_complete(struct store *s, int64_t id, int64_t now, struct err *e)
{
	int rc = enrollment_end(s, id, ENROLLMENT_COMPLETED, REASON_NONE, now, e);

	return rc ? (rc > 0 ? 0 : -1) : was_active(s, id, e);
}

int store_enrollment_stop(struct store *s, int64_t id, enum reason why, int64_t now, struct err *e)
{
	if (why == REASON_NONE)
		return err_set(e, "store: stopping an enrollment needs a reason");
	s->version++;
	return enrollment_end(s, id, ENROLLMENT_STOPPED, why, now, e);
}

static int enrollment_state(struct store *s, int64_t id, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_ENROLLMENT_STATE);
	int rc, state;

	bind_int(q, 1, id);
	rc = store_step(s, q, e);
	if (rc <= 0)
		return rc ? -1 : err_set(e, "store: there is no enrollment %lld", (long long)id);
	state = (int)col_int(q, 0);
	sqlite3_reset(q);
	return state;
}

int store_enrollment_reactivate(struct store *s, int64_t id, const char *step, int32_t step_no, int64_t touch_id,
				int64_t prev_at, int64_t next_at, struct err *e)
{
	sqlite3_stmt *q;
	int64_t step_id;
	int state;

	if (store_change(s, e))
		return -1;
	step_id = store_name_id(s, step, e);
	state = step_id < 0 ? -1 : enrollment_state(s, id, e);
	if (state < 0)
		return -1;
	store_owed_paid(s, id);
	q = store_stmt(s, SQL_ENROLLMENT_REACTIVATE);
	bind_int(q, 1, id);
	bind_int(q, 2, step_id);
	bind_int(q, 3, step_no);
	bind_int(q, 4, touch_id);
	bind_int(q, 5, prev_at);
	bind_int(q, 6, next_at);
	if (store_run(s, q, e))
		return -1;
	s->figure[FIGURE_ENROLLMENTS + state]--;
	s->figure[FIGURE_ENROLLMENTS + ENROLLMENT_ACTIVE]++;
	return 0;
}

int store_colleagues(struct store *s, int64_t account_id, int64_t contact_id, int64_t until, int64_t *id, int max,
		     struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_COLLEAGUES);
	int n = 0, rc = 0;

	bind_int(q, 1, account_id);
	bind_int(q, 2, contact_id);
	bind_int(q, 3, until);
	bind_int(q, 4, max);
	while (n < max && (rc = store_step(s, q, e)) > 0)
		id[n++] = col_int(q, 0);
	sqlite3_reset(q);
	return rc < 0 ? -1 : n;
}
