/* rooms: base model rules store */
/* No statement scans contacts, enrollments or touches: EXPLAIN QUERY PLAN of every statement there is. And none that
 * runs for each message builds a temporary table. */
#include "../../src/store/store_int.h"
#include "store_dir.h"

/* Scans that are meant: `touches_in` of a settled state is for tests and tools, and the others read small tables. */
static bool may_scan(enum sql id, const char *detail)
{
	static const char *const small[] = { "SCAN secret",    "SCAN name", "SCAN setting", "SCAN mail_count",
					     "SCAN (subquery", "SCAN j ",   "SCAN CONSTANT", "SCAN new_",
					     "SCAN n VIRTUAL" };

	if (id == SQL_TOUCHES_SETTLED)
		return true;
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		if (!strncmp(detail, small[i], strlen(small[i])))
			return true;
	}
	return false;
}

static void test_no_scan(void **state)
{
	struct store_dir *d = *state;
	int looked = 0;

	for (int id = 0; id < SQL_COUNT; id++) {
		char *explain = mem_printf("EXPLAIN QUERY PLAN %s", store_sql[id]);
		sqlite3_stmt *q = NULL;

		if (sqlite3_prepare_v2(d->s->db, explain, -1, &q, NULL) != SQLITE_OK)
			fail_msg("%s: %s", store_sql[id], sqlite3_errmsg(d->s->db));
		while (sqlite3_step(q) == SQLITE_ROW) {
			const char *detail = (const char *)sqlite3_column_text(q, 3);

			looked++;
			if (!strncmp(detail, "SCAN", 4) && !may_scan((enum sql)id, detail))
				fail_msg("%s: %s", store_sql[id], detail);
		}
		sqlite3_finalize(q);
		free(explain);
	}
	assert_true(looked > 60);
}

static void test_expected_index(void **state)
{
	static const struct {
		enum sql id;
		const char *plan; /* the first line */
	} row[] = {
		{ SQL_DUE, "SEARCH enrollment USING INDEX enrollment_due (sequence=? AND next_at<?)" },
		{ SQL_DUE_FIRST, "SEARCH enrollment USING INDEX enrollment_due (sequence=? AND next_at>?)" },
		{ SQL_SEQUENCE_ACTIVE, "SEARCH enrollment USING INDEX enrollment_due (sequence>?)" },
		{ SQL_WAKE_SEQUENCE, "SEARCH enrollment USING INDEX enrollment_due (sequence=? AND next_at>?)" },
		{ SQL_WAKE_CONTACT, "SEARCH enrollment USING INDEX enrollment_once (contact_id=?)" },
		{ SQL_WAKE_ACCOUNT, "SEARCH enrollment USING INDEX enrollment_once (contact_id=?)" },
		{ SQL_RESTING, "SEARCH enrollment USING INDEX enrollment_rests (rests=?)" },
		{ SQL_WAKE_FLIGHT_CONTACT,
		  "SEARCH enrollment USING INDEX enrollment_rests (rests=? AND contact_id=?)" },
		{ SQL_WAKE_CONFIG, "SEARCH enrollment USING INDEX enrollment_rests (rests=?)" },
		{ SQL_HISTORY_CONTACT, "SEARCH touch USING COVERING INDEX touch_contact (contact_id=?)" },
		{ SQL_HISTORY_FIRST, "SEARCH touch USING COVERING INDEX touch_contact (contact_id=?)" },
		{ SQL_HISTORY_ACCOUNT, "SEARCH touch USING COVERING INDEX touch_account (account_id=?)" },
		{ SQL_COUNTED_CONTACT, "SEARCH touch USING COVERING INDEX touch_contact (contact_id=? AND at>?)" },
		{ SQL_COUNTED_ACCOUNT, "SEARCH touch USING COVERING INDEX touch_account (account_id=? AND at>?)" },
		{ SQL_CONTENT_SEEN, "SEARCH touch USING COVERING INDEX touch_contact (contact_id=?)" },
		{ SQL_SUPPRESSION, "SEARCH suppression USING PRIMARY KEY (target=?)" },
		{ SQL_EVENT_LAST, "SEARCH event USING INDEX event_contact (contact_id=?)" },
		{ SQL_HOLD, "SEARCH hold USING PRIMARY KEY (who=? AND id=?)" },
		{ SQL_TOUCHES_PENDING, "SEARCH touch USING COVERING INDEX touch_pending (state=?)" },
		{ SQL_TOUCH_FLIGHTS, "SEARCH touch USING INTEGER PRIMARY KEY (rowid>?)" },
	};
	struct store_dir *d = *state;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char *explain = mem_printf("EXPLAIN QUERY PLAN %s", store_sql[row[i].id]);
		sqlite3_stmt *q = NULL;

		assert_int_equal(sqlite3_prepare_v2(d->s->db, explain, -1, &q, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(q), SQLITE_ROW);
		assert_string_equal((const char *)sqlite3_column_text(q, 3), row[i].plan);
		assert_int_equal(sqlite3_step(q) == SQLITE_ROW &&
				     !strncmp((const char *)sqlite3_column_text(q, 3), "USE TEMP", 8),
				 0);
		sqlite3_finalize(q);
		free(explain);
	}
}

/* Conditions with IN in the schema have SQLite build a temporary table at each write (measured: a third of a send). */
static void test_no_temporary_table(void **state)
{
	static const enum sql hot[] = { SQL_CONTACTS_KNOWN,  SQL_CONTACTS_INSERT, SQL_ACCOUNTS_KNOWN, SQL_ACCOUNTS_INSERT, SQL_EVENTS_INSERT, SQL_ENROLL,       SQL_ENROLLMENT,  SQL_HISTORY_CONTACT,
					SQL_HISTORY_ACCOUNT, SQL_CONTENT_SEEN, SQL_SUPPRESSION, SQL_HOLD,
					SQL_TOUCH_SETTLE,    SQL_FIGURE_PUT,   SQL_TOUCH_SET,   SQL_ENROLLMENT_ADVANCE,
					SQL_ENROLLMENT_WAIT, SQL_EVENT_PUT,    SQL_EVENTS,      SQL_DUE,
					SQL_FIGURE_PUT };
	struct store_dir *d = *state;

	for (size_t i = 0; i < sizeof(hot) / sizeof(hot[0]); i++) {
		char *explain = mem_printf("EXPLAIN %s", store_sql[hot[i]]);
		sqlite3_stmt *q = NULL;

		assert_int_equal(sqlite3_prepare_v2(d->s->db, explain, -1, &q, NULL), SQLITE_OK);
		while (sqlite3_step(q) == SQLITE_ROW) {
			const char *op = (const char *)sqlite3_column_text(q, 1);

			if (!strcmp(op, "OpenEphemeral") || !strcmp(op, "SorterOpen"))
				fail_msg("%s: %s", store_sql[hot[i]], op);
		}
		sqlite3_finalize(q);
		free(explain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, store_dir_setup, store_dir_teardown)
		T(test_no_scan),
		T(test_expected_index),
		T(test_no_temporary_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
