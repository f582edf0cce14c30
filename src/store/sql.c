/* All SQL there is outside the schema, by enum sql. Statements whose cost matters are held to their plans by
 * tests/unit/test_store_plans.c: none of them may scan contacts, enrollments or touches.
 *
 * A partial index is only used when its condition stands in the statement as it stands in the schema. */
#include "store_int.h"

/* The numbers that the schema stores. */
_Static_assert(KIND_VALUE == 0 && KIND_ASK == 1, "touch.kind, event.kind");
_Static_assert(ENROLLMENT_ACTIVE == 0 && ENROLLMENT_COMPLETED == 1 && ENROLLMENT_STOPPED == 2, "enrollment.state");
_Static_assert(TOUCH_DUE == 0 && TOUCH_RESERVED == 1 && TOUCH_HANDED == 2 && TOUCH_ACCEPTED == 3, "touch.state");
_Static_assert(TOUCH_REFUSED_TEMP == 4 && TOUCH_REFUSED_PERM == 5 && TOUCH_UNKNOWN == 6, "touch.state");
_Static_assert(TOUCH_DROPPED == 7 && TOUCH_STATE_COUNT == 8, "touch.state");
_Static_assert(PUT_CREATED == 0, "new_contact.todo");
_Static_assert(RESTS_TIME == 0 && RESTS_FLIGHT == 1 && RESTS_CONFIG == 2, "enrollment.rests");

#define FIGURE_COLUMNS                                                                                                 \
	"contacts, accounts, enrollments_active, enrollments_completed, enrollments_stopped, "                         \
	"suppressed_addresses, suppressed_domains, suppressed_hashes, holds, touches_due, touches_reserved, "          \
	"touches_handed, "                                                                                             \
	"touches_accepted, touches_refused_temp, touches_refused_perm, touches_unknown, touches_dropped, event_last, " \
	"newest, "                                                                                                     \
	"flight_floor"
#define CONTACT_FROM " FROM contact c LEFT JOIN account a ON a.id = c.account_id "
#define TOUCH_SELECT                                                                                                   \
	"SELECT t.id, t.enrollment_id, t.contact_id, t.account_id, e.sequence, t.step, t.kind, t.state, t.at, "        \
	"t.reserved_at, t.handed_at, t.first_at, t.attempts, t.content, t.provider, t.message_id, t.smtp_code, "       \
	"t.smtp_reply "                                                                                                \
	"FROM touch t JOIN enrollment e ON e.id = t.enrollment_id "
#define EVENT_COLUMNS                                                                                                  \
	"v.seq, v.ts, v.type, v.contact_id, ifnull(c.email, v.address), v.account, v.sequence, v.step, "               \
	"v.kind, v.touch_id, v.detail "
/* What may stay of an event's detail when the person is forgotten: members that are figures, instants, our own words
 * and ids. Everything else (subject, text, the relay's reply, members that later versions write) goes. */
#define DETAIL_KEPT                                                                                                    \
	"CASE WHEN json_valid('{' || detail || '}') THEN (SELECT trim(json_group_object(j.key, "                       \
	"json(('{' || detail || '}') -> j.key)), '{}') FROM json_each('{' || detail || '}') j "                        \
	"WHERE j.type NOT IN ('object', 'array') AND (j.key IN ('until', 'permanent', 'status', 'smtp_code', "         \
	"'handed_at', "                                                                                                \
	"'content', 'message_id') OR j.key IN ('reason', 'via') AND j.value NOT GLOB '*[^a-z_]*')) ELSE '' END"

const char *const store_sql[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SECRET] = "SELECT key FROM secret",
	[SQL_SECRET_PUT] = "INSERT INTO secret (id, key) VALUES (1, ?1)",
	[SQL_NAMES] = "SELECT id, text FROM name ORDER BY id",
	[SQL_NAME_PUT] = "INSERT INTO name (id, text) VALUES (?1, ?2)",
	[SQL_FIGURE] = "SELECT " FIGURE_COLUMNS " FROM figure WHERE id = 1",
	[SQL_FIGURE_PUT] =
	    "UPDATE figure SET (" FIGURE_COLUMNS ", flights) = "
	    "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21) WHERE id = 1",
	[SQL_FLIGHTS] = "SELECT flights FROM figure WHERE id = 1",
	[SQL_DAY_ADD] = "INSERT INTO sending_day (day, touches, first_touch) VALUES (?1, max(?2, 0), ?3) "
			"ON CONFLICT (day) DO UPDATE SET touches = touches + ?2, first_touch = min(first_touch, ?3)",
	[SQL_DAY_USED] = "SELECT total(touches) FROM sending_day WHERE day >= ?1",
	[SQL_DAY_BEFORE] = "SELECT count(*) FROM sending_day WHERE day < ?1 AND touches > 0",

	[SQL_HOUR_ADD] = "INSERT INTO sending_hour (hour, sends, bounces, complaints) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (hour) "
			 "DO UPDATE SET sends = sends + ?2, bounces = bounces + ?3, complaints = complaints + ?4",
	[SQL_HOURS] = "SELECT total(sends), total(bounces), total(complaints) FROM sending_hour WHERE hour >= ?1",

	[SQL_SETTING] = "SELECT value FROM setting WHERE name = ?1",
	[SQL_SETTING_PUT] =
	    "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
	[SQL_SETTING_DELETE] = "DELETE FROM setting WHERE name = ?1",
	[SQL_SETTINGS] = "SELECT name, value FROM setting WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name",
	[SQL_CURSOR] = "SELECT text FROM cursor WHERE source = ?1",
	[SQL_CURSOR_PUT] =
	    "INSERT INTO cursor (source, text) VALUES (?1, ?2) ON CONFLICT (source) DO UPDATE SET text = ?2",

	[SQL_ACCOUNT] = "SELECT id FROM account WHERE key = ?1",
	/* new_account, new_contact, new_event: rows in memory, batch.c */
	[SQL_ACCOUNTS_KNOWN] = "SELECT n.at, a.id FROM new_account n CROSS JOIN account a ON a.key = n.key",
	[SQL_ACCOUNTS_INSERT] = "INSERT INTO account (key) SELECT key FROM new_account WHERE true ON CONFLICT (key) DO NOTHING",
	[SQL_CONTACTS_KNOWN] = "SELECT " CONTACT_COLUMNS ", n.at FROM new_contact n CROSS JOIN contact c ON c.email = n.email AND "
			       "c.forgotten = 0 LEFT JOIN account a ON a.id = c.account_id",
	[SQL_CONTACTS_INSERT] =
	    "INSERT INTO contact (account_id, email, engaged_at, created_at, consent_at, first_name, last_name, "
	    "account_name, title, timezone, owner, tags, consent, consent_source, attributes) "
	    "SELECT account_id, email, engaged_at, ?1, consent_at, first_name, last_name, account_name, title, timezone, owner, "
	    "tags, consent, consent_source, attributes FROM new_contact WHERE todo = 0",
	[SQL_CONTACT_UPDATE] = "UPDATE contact SET account_id = ?1, consent_at = ?2, first_name = ?3, last_name = ?4, "
			       "account_name = ?5, title = ?6, timezone = ?7, owner = ?8, tags = ?9, consent = ?10, "
			       "consent_source = ?11, attributes = ?12 WHERE id = ?13",
	[SQL_CONTACT_BY_EMAIL] =
	    "SELECT " CONTACT_COLUMNS CONTACT_FROM "WHERE c.email = ?1 ORDER BY c.forgotten LIMIT 1",
	[SQL_CONTACT_BY_ID] = "SELECT " CONTACT_COLUMNS CONTACT_FROM "WHERE c.id = ?1",
	[SQL_CONTACTS] = "SELECT " CONTACT_COLUMNS CONTACT_FROM "WHERE c.id > ?1 AND c.forgotten = 0 ORDER BY c.id",
	[SQL_CONTACT_ENGAGED] = "UPDATE contact SET engaged_at = max(engaged_at, ?2) WHERE id = ?1",

	[SQL_FORGET_CONTACT] =
	    "UPDATE contact SET email = ?2, forgotten = id, engaged_at = 0, consent_at = 0, first_name = '', "
	    "last_name = '', account_name = '', title = '', timezone = '', owner = '', tags = '', consent = '', "
	    "consent_source = '', attributes = x'' WHERE id = ?1",
	[SQL_FORGET_TOUCH] = "UPDATE touch SET smtp_reply = '' WHERE id = ?1",
	[SQL_TOUCH_IDS] = "SELECT id FROM touch WHERE contact_id = ?1 AND state <> 1 ORDER BY at",
	[SQL_FORGET_EVENTS] = "UPDATE event SET address = NULL, detail = " DETAIL_KEPT
			      " WHERE contact_id = ?1 AND contact_id IS NOT NULL AND touch_id IS NULL",
	[SQL_FORGET_TOUCH_EVENTS] = "UPDATE event SET address = NULL, detail = " DETAIL_KEPT " WHERE touch_id = ?1",
	[SQL_FORGET_ADDRESS_EVENTS] = "UPDATE event SET address = ?2, detail = " DETAIL_KEPT " WHERE address = ?1",

	[SQL_HOLD] = "SELECT until, reason FROM hold WHERE who = ?1 AND id = ?2",
	[SQL_HOLD_PUT] =
	    "INSERT INTO hold (who, id, until, reason) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (who, id) DO NOTHING",
	[SQL_HOLD_DELETE] = "DELETE FROM hold WHERE who = ?1 AND id = ?2",
	[SQL_SUPPRESSION] = "SELECT reason, note FROM suppression WHERE target = ?1",
	[SQL_SUPPRESSION_PUT] = "INSERT INTO suppression (target, reason, note, at) VALUES (?1, ?2, ?3, ?4) "
				"ON CONFLICT (target) DO NOTHING",
	[SQL_SUPPRESSION_DELETE] = "DELETE FROM suppression WHERE target = ?1",

	[SQL_SOFT_BOUNCE_PUT] = "INSERT INTO soft_bounce (contact_id, touch_id, at) SELECT ?1, ?2, ?3 WHERE NOT EXISTS "
				"(SELECT 1 FROM soft_bounce WHERE contact_id = ?1 AND touch_id = ?2 AND ?2 <> 0) "
				"ON CONFLICT DO NOTHING",
	[SQL_SOFT_BOUNCES] = "SELECT count(*) FROM soft_bounce WHERE contact_id = ?1 AND at > ?2",

	[SQL_ENROLL] =
	    "INSERT INTO enrollment (contact_id, sequence, step, step_no, prev_at, due_at, next_at, created_at) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?5) ON CONFLICT (contact_id, sequence) DO NOTHING",
	[SQL_ENROLLMENT] =
	    "SELECT " ENROLLMENT_COLUMNS ", " CONTACT_COLUMNS " FROM enrollment e "
	    "JOIN contact c ON c.id = e.contact_id LEFT JOIN account a ON a.id = c.account_id WHERE e.id = ?1",
	[SQL_ENROLLMENTS_OF] = "SELECT " ENROLLMENT_COLUMNS " FROM enrollment e JOIN contact c ON c.id = e.contact_id "
			       "WHERE e.contact_id = ?1 ORDER BY e.id",
	[SQL_QUEUE_IDS] = "SELECT id, next_at, due_at FROM enrollment WHERE state = 0 AND sequence = ?1 AND slot IS NULL "
			  "ORDER BY next_at, due_at LIMIT ?2",
	[SQL_QUEUE_SLOTS] = "SELECT id, wait_until, due_at FROM enrollment WHERE state = 0 AND sequence = ?1 AND "
			    "slot IS NOT NULL LIMIT ?2",
	[SQL_QUEUE_ROW] =
	    "SELECT " ENROLLMENT_COLUMNS ", c.email FROM enrollment e JOIN contact c ON c.id = e.contact_id "
	    "WHERE e.id = ?1",
	[SQL_DUE] = "SELECT id, due_at FROM enrollment WHERE state = 0 AND sequence = ?1 AND next_at <= ?2 "
		    "ORDER BY next_at, due_at LIMIT ?3",
	[SQL_DUE_FIRST] = "SELECT id, next_at FROM enrollment WHERE state = 0 AND sequence = ?1 AND next_at > ?2 "
			  "ORDER BY next_at LIMIT ?3",
	[SQL_SEQUENCE_ACTIVE] = "SELECT sequence FROM enrollment WHERE state = 0 AND sequence > ?1 "
				"ORDER BY sequence LIMIT 1",
	[SQL_SLOT_ROWS] = "SELECT id, due_at FROM enrollment WHERE state = 0 AND sequence = ?1 AND slot = ?2 AND "
			  "slot IS NOT NULL ORDER BY due_at LIMIT ?3",
	[SQL_SLOT_NEXT] = "SELECT sequence, slot, wait_until FROM enrollment WHERE state = 0 AND slot IS NOT NULL AND "
			  "(sequence, slot) > (?1, ?2) ORDER BY sequence, slot LIMIT 1",
	[SQL_ENROLLMENT_WAIT] = "UPDATE enrollment SET wait = ?2, wait_until = ?3, next_at = ?4, rests = ?5, "
				"touch_id = ifnull(?6, touch_id), slot = ?7 WHERE id = ?1 AND state = 0",
	[SQL_ENROLLMENT_ADVANCE] =
	    "UPDATE enrollment SET step = ?2, step_no = ?3, prev_at = ?4, due_at = ?5, next_at = ?6, "
	    "touch_id = 0, wait = 0, wait_until = 0, rests = 0, slot = NULL WHERE id = ?1 AND state = 0",
	/* ?5: what an ended flight owes the row; NULL nothing */
	[SQL_ENROLLMENT_END] = "UPDATE enrollment SET state = ?2, ended = ?3, ended_at = ?4, rests = 0, touch_id = ifnull(?5, touch_id), "
			       "next_at = iif(?5 IS NULL, next_at, 9223372036854775807) WHERE id = ?1 AND state = 0",
	[SQL_ENROLLMENT_REACTIVATE] =
	    "UPDATE enrollment SET state = 0, ended = 0, ended_at = 0, step = ?2, step_no = ?3, "
	    "touch_id = ?4, prev_at = ?5, next_at = ?6, wait = 0, wait_until = 0, rests = 0, slot = NULL "
	    "WHERE id = ?1",
	[SQL_ENROLLMENT_OWED] = "UPDATE enrollment SET touch_id = ?2, next_at = 9223372036854775807 WHERE id = ?1",
	[SQL_ENROLLMENT_STATE] = "SELECT state FROM enrollment WHERE id = ?1",
	[SQL_WAKE_CONTACT] = "UPDATE enrollment SET next_at = ?2 WHERE contact_id = ?1 AND state = 0 AND next_at > ?2",
	[SQL_WAKE_ACCOUNT] = "UPDATE enrollment SET next_at = ?2 WHERE state = 0 AND next_at > ?2 AND contact_id IN "
			     "(SELECT id FROM contact WHERE account_id = ?1)",
	[SQL_WAKE_SEQUENCE] = "UPDATE enrollment SET next_at = ?2 WHERE state = 0 AND sequence = ?1 AND next_at > ?2",
	[SQL_WAKE_RANGE] = "UPDATE enrollment SET next_at = ?3 WHERE id > ?1 AND id <= ?2 AND state = 0 AND next_at > ?3",
	[SQL_ENROLLMENT_LAST] = "SELECT max(id) FROM enrollment",
	[SQL_WAKE_CONFIG] =
	    "UPDATE enrollment SET next_at = ?2 WHERE state = 0 AND rests > 0 AND rests = ?1 AND next_at > ?2",
	[SQL_RESTING] = "SELECT 1 FROM enrollment WHERE state = 0 AND rests > 0 AND rests = 1 LIMIT 1",
	[SQL_WAKE_FLIGHT] = "UPDATE enrollment SET next_at = ?2, rests = 0 WHERE state = 0 AND rests > 0 AND rests = 1 "
			    "AND next_at >= ?2",
	[SQL_WAKE_FLIGHT_CONTACT] =
	    "UPDATE enrollment SET next_at = ?2, rests = 0 WHERE state = 0 AND rests > 0 AND rests = 1 "
	    "AND next_at >= ?2 AND contact_id = ?1",
	[SQL_WAKE_FLIGHT_ACCOUNT] =
	    "UPDATE enrollment SET next_at = ?2, rests = 0 WHERE state = 0 AND rests > 0 AND rests = 1 "
	    "AND next_at >= ?2 AND contact_id IN (SELECT id FROM contact WHERE account_id = ?1)",

	[SQL_HISTORY_CONTACT] = "SELECT at, state, kind, id FROM touch WHERE contact_id = ?1 AND state <> 1 "
				"AND (state = 3 OR state = 6) ORDER BY at DESC",
	[SQL_HISTORY_FIRST] = "SELECT at FROM touch WHERE contact_id = ?1 AND state <> 1 AND (state = 3 OR state = 6) "
			      "AND id <> ?2 ORDER BY at LIMIT 1",
	[SQL_HISTORY_ACCOUNT] =
	    "SELECT at, id FROM touch WHERE account_id = ?1 AND account_id IS NOT NULL AND (state = 3 OR state = 6) "
	    "ORDER BY at DESC",
	[SQL_HISTORY_TIME] = "SELECT at, provider FROM touch WHERE id >= "
			     "(SELECT ifnull(min(first_touch), 9223372036854775807) FROM sending_day WHERE day >= ?2) "
			     "AND at > ?1 AND (+state = 3 OR +state = 6)",
	[SQL_COLLEAGUES] = "SELECT e.id FROM (SELECT id AS colleague FROM contact WHERE account_id = ?1 AND account_id "
			   "IS NOT NULL AND id <> ?2 "
			   "LIMIT 200) CROSS JOIN enrollment e ON e.contact_id = colleague WHERE e.state = 0 AND "
			   "e.next_at <= ?3 ORDER BY e.next_at LIMIT ?4",
	[SQL_COUNTED_CONTACT] =
	    "SELECT id FROM touch WHERE contact_id = ?1 AND state <> 1 AND (state = 3 OR state = 6) "
	    "AND at >= ?2 ORDER BY at DESC LIMIT ?3",
	[SQL_COUNTED_ACCOUNT] =
	    "SELECT id FROM touch WHERE account_id = ?1 AND account_id IS NOT NULL AND (state = 3 OR state = 6) "
	    "AND at >= ?2 ORDER BY at DESC LIMIT ?3",
	[SQL_CONTENT_SEEN] = "SELECT 1 FROM touch WHERE contact_id = ?1 AND state <> 1 AND (state = 3 OR state = 6) "
			     "AND content = ?2 AND id <> ?3 LIMIT 1",

	[SQL_TOUCH_LAST] = "SELECT ifnull(max(id), 0) FROM touch",
	[SQL_TOUCH_FLIGHTS] =
	    "SELECT id, enrollment_id, contact_id, account_id, handed_at, kind, content, provider FROM touch "
	    "WHERE id >= ?1 AND +state = 1 ORDER BY id",
	[SQL_TOUCH_SETTLE] =
	    "INSERT INTO touch (id, enrollment_id, contact_id, account_id, step, kind, state, at, reserved_at, handed_at, "
	    "first_at, content, provider, message_id, smtp_code, smtp_reply) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?9, ?11, ?12, ?13, ?14, ?15)",
	[SQL_TOUCH_RETRY] =
	    "UPDATE touch SET account_id = ?2, step = ?3, kind = ?4, state = 1, at = ?5, reserved_at = ?5, "
	    "handed_at = 0, attempts = attempts + (state = 4), content = ?6, provider = ?7, message_id = ?8 WHERE id = "
	    "?1",
	[SQL_TOUCH_SET] = "UPDATE touch SET state = ?2, at = ?3, smtp_code = ?4, smtp_reply = ?5, "
			  "handed_at = ifnull(?6, handed_at) WHERE id = ?1",
	[SQL_TOUCH_BRIEF] = "SELECT state, at, provider FROM touch WHERE id = ?1",
	[SQL_TOUCH] = TOUCH_SELECT "WHERE t.id = ?1",
	[SQL_TOUCHES_PENDING] =
	    "SELECT id FROM touch WHERE state = ?1 AND (state = 0 OR state = 4 OR state = 6) ORDER BY id",
	[SQL_TOUCHES_SETTLED] = "SELECT id FROM touch WHERE state = ?1 ORDER BY id",

	[SQL_EVENT_PUT] =
	    "INSERT INTO event (seq, ts, type, contact_id, address, account, sequence, step, kind, touch_id, detail) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[SQL_EVENTS_INSERT] =
	    "INSERT INTO event (seq, ts, type, contact_id, address, account, sequence, step, kind, touch_id, detail) "
	    "SELECT seq, ts, type, contact_id, NULL, account, 0, 0, -1, NULL, detail FROM new_event",
	[SQL_EVENTS] = "SELECT " EVENT_COLUMNS "FROM event v LEFT JOIN contact c ON c.id = v.contact_id "
		       "WHERE v.seq > ?1 ORDER BY v.seq LIMIT ?2",
	/* of the contact without a touch, and of its touches: those that settled and those in flight (ids >= ?2) */
	[SQL_EVENTS_OF] =
	    "SELECT " EVENT_COLUMNS "FROM event v LEFT JOIN contact c ON c.id = v.contact_id WHERE v.seq IN ("
	    "SELECT seq FROM event WHERE contact_id = ?1 AND contact_id IS NOT NULL AND touch_id IS NULL UNION ALL "
	    "SELECT w.seq FROM touch t JOIN event w ON w.touch_id = t.id WHERE t.contact_id = ?1 AND t.state <> 1 "
	    "UNION ALL "
	    "SELECT w.seq FROM touch t JOIN event w ON w.touch_id = t.id WHERE t.id >= ?2 AND t.contact_id = ?1 AND "
	    "+t.state = 1"
	    ") ORDER BY v.seq",
	[SQL_EVENT_LAST] = "SELECT detail FROM event WHERE contact_id = ?1 AND contact_id IS NOT NULL AND touch_id IS NULL "
			   "AND type = ?2 AND sequence = ?3 ORDER BY seq DESC LIMIT 1",
	[SQL_EVENTS_PRUNE] = "DELETE FROM event WHERE seq IN (SELECT seq FROM "
			     "(SELECT seq, ts FROM event WHERE seq <= ?1 ORDER BY seq LIMIT ?3) WHERE ts < ?2)",

	[SQL_SEEN_PUT] = "INSERT INTO seen (digest, at) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING",
	[SQL_SEEN_PRUNE] = "DELETE FROM seen WHERE digest IN (SELECT digest FROM seen WHERE at < ?1 ORDER BY at LIMIT ?2)",
	[SQL_MAIL_COUNT] =
	    "INSERT INTO mail_count (class, n) VALUES (?1, 1) ON CONFLICT (class) DO UPDATE SET n = n + 1",
	[SQL_MAIL_COUNTS] = "SELECT class, n FROM mail_count ORDER BY class",
	[SQL_NOTE_ADD] = "INSERT INTO note (contact_id, recipient, subject, text, created_at, next_at) "
			 "VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
	[SQL_NOTES_DUE] = "SELECT id, contact_id, recipient, subject, text, created_at, next_at, tries FROM note "
			  "WHERE next_at <= ?1 ORDER BY next_at LIMIT ?2",
	[SQL_NOTE_FIRST] = "SELECT next_at FROM note WHERE next_at < 9223372036854775807 ORDER BY next_at LIMIT 1",
	[SQL_NOTE_NEXT] = "UPDATE note SET next_at = ?2, tries = tries + (?2 < 9223372036854775807) WHERE id = ?1",
	[SQL_NOTE_REMOVE] = "DELETE FROM note WHERE id = ?1",
	[SQL_NOTES_RECOVER] = "DELETE FROM note WHERE next_at = 9223372036854775807",
	[SQL_NOTES_FORGET] = "DELETE FROM note WHERE contact_id = ?1",
};
