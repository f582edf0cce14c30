/* L3. The one truth: contacts, enrollments, touches, suppressions, events. Opaque; verbs of the domain, no SQL outside src/store/.
 *
 * Transactions: everything that changes happens between store_begin and store_commit; reads see the open transaction. There is one
 * connection and one thread, so a transaction never stays open across turns of the event loop. A verb that fails returns -1 with err;
 * the caller then rolls back. Verbs refuse what the model forbids (an edge that attempt_edge does not know, a second enrollment).
 * Pointers inside returned rows live until the row is freed, or, where said, until the next call of the same verb. A callback's row
 * lives until it returns; a callback may not call the verb that it is called from (but may change what store_touches_in and
 * store_touches_of show it). */
#ifndef ABV_STORE_H
#define ABV_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/err.h"
#include "abv/governor.h"
#include "abv/model.h"
#include "abv/token.h"

struct store;

enum store_status { STORE_OK, STORE_LOCKED, STORE_NEWER, STORE_IO };

/* Opens or creates, locks (EXCLUSIVE), migrates. ":memory:" for simulations. NEWER: the schema is from a newer abvd. */
enum store_status store_open(const char *path, struct store **out, struct err *e);
/* The same, and it takes a backup too, which store_open refuses: for whoever has it catch up with the log, and makes it the store then. */
enum store_status store_open_copy(const char *path, struct store **out, struct err *e);
int store_adopt(struct store *s, struct err *e); /* 0, -1 */
void store_close(struct store **s);

const struct key *store_key(const struct store *s);    /* 32 random bytes, made with the store */
/* Only of a store in memory: a simulation's tokens are the same in every run. -1 for any other. */
int store_key_set(struct store *s, const struct key *key, struct err *e);
int64_t store_newest(struct store *s);                 /* the newest recorded time; 0 when empty */

/* Grows with every change that may forbid a message or concerns a person's record: contacts, holds, suppressions, stops, settings, and
 * with every rollback. While it stays the same, what was read of an active enrollment in flight still holds. */
int64_t store_version(const struct store *s);

int store_begin(struct store *s, struct err *e);
/* Durable when done(arg, 0) is called; done(arg, -1): rolled back, nothing of it happened (store_error tells why). done is called
 * exactly once, possibly before store_commit returns. Until then no store_begin. */
void store_commit(struct store *s, void (*done)(void *arg, int status), void *arg);
int store_commit_now(struct store *s, struct err *e);
void store_rollback(struct store *s);
bool store_in_transaction(const struct store *s);
const char *store_error(const struct store *s);

/* ---- the disk under it ---- */
/* Inside a transaction: a small change, so that its commit proves that commits reach the disk again (an empty one touches no file). */
int store_probe(struct store *s, int64_t now, struct err *e);
/* SQLite found the file malformed: nothing that is read can be trusted, and no transaction begins any more. */
bool store_damaged(const struct store *s);
/* Why the write-ahead log cannot be written back into the store's file; "" when it can. No commit is in danger by it, but the log
 * grows: *bytes. retry: tries again now, if it failed. */
const char *store_backlog(const struct store *s, int64_t *bytes);
void store_backlog_retry(struct store *s);

/* ---- a copy while it works ---- */
struct store_copy;
/* Makes the file (0600; it must not exist) and begins to copy into it. */
int store_copy_begin(struct store *s, const char *path, struct store_copy **out, struct err *e);
/* Copies for about so many milliseconds, outside a transaction. 1: there is more; 0: the file is the whole store as it is now, synced,
 * and the caller's; -1. What is committed between two steps goes into the copy. */
int store_copy_step(struct store_copy *c, int64_t ms, struct err *e);
void store_copy_progress(const struct store_copy *c, int64_t *done, int64_t *total); /* pages; both 0 before the first step */
void store_copy_free(struct store_copy **c); /* before the store is closed; removes a file that is not whole */

/* ---- a store's file, examined from outside: nothing in it is changed ---- */
struct store_file;
struct store_facts {
	int64_t schema, event_first, event_last, log_synced, newest, contacts; /* event_first 0: none is kept any more */
};
/* live: the service's own; LOCKED when somebody has it, and nobody else can have it until it is closed. Else a backup, at rest. */
enum store_status store_file_open(const char *path, bool live, struct store_file **out, struct err *e);
void store_file_close(struct store_file **f);
/* Pages (deep: with the order of every index), references, figures against counts, events without a gap: each finding a line. Reads all
 * of it: minutes for millions of contacts. */
void store_file_check(struct store_file *f, bool deep, void (*finding)(void *arg, const char *text), void *arg);
int store_file_facts(struct store_file *f, struct store_facts *out, struct err *e);
int store_file_touch(struct store_file *f, int64_t id, enum touch_state *out); /* 1 / 0 there is none / -1 */

/* ---- settings: small texts by name ("paused", "paused:SEQUENCE", "journal.seq" ...). get: "" when absent; until the next call. */
const char *store_setting(struct store *s, const char *name);
int store_setting_put(struct store *s, const char *name, const char *value, struct err *e); /* "" removes */
/* every setting whose name begins with prefix */
int store_settings(struct store *s, const char *prefix, void (*row)(void *arg, const char *name, const char *value), void *arg, struct err *e);

/* ---- contacts ---- */
enum put_result { PUT_CREATED, PUT_CHANGED, PUT_SAME };
/* Inserts or updates by email (import: keeps id, engaged_at, holds, suppressions). c->account "" : none. A forgotten address stays
 * suppressed by its keyed hash. *id and *result are set. Attributes are replaced as a whole. */
int store_contact_put(struct store *s, const struct contact *c, int64_t now, enum put_result *result, int64_t *id, struct err *e);
/* Many at once, as store_contact_put: what is known of each is asked first, so that the caller may go by it. */
struct contact_put {
	struct contact c;       /* what shall be stored; put sets id and account_id */
	struct contact *known;  /* what is stored, NULL: nothing. Caller frees with contact_free */
	bool leave;             /* put does nothing with it; only c.email has to be there */
	enum put_result result; /* set by put */
};
int store_contacts_known(struct store *s, struct contact_put *row, size_t n, struct err *e); /* reads c.email, sets known */
int store_contacts_put(struct store *s, struct contact_put *row, size_t n, int64_t now, struct err *e); /* each address once */
/* 1 found, 0 not, -1 error. Caller frees with contact_free (one block). */
int store_contact_by_email(struct store *s, const char *email, struct contact **out, struct err *e);
int store_contact_by_id(struct store *s, int64_t id, struct contact **out, struct err *e);
void contact_free(struct contact **c);
/* Contacts with id > after in order of id, at most limit; tag NULL: all. For slices. Rows are valid inside the callback. Forgotten
 * ones are left out. Returns the number of rows, -1 on error. */
int store_contacts(struct store *s, const char *tag, int64_t after, int limit, void (*row)(void *arg, const struct contact *c), void *arg, struct err *e);
/* Erases the person: columns, event texts; keeps ids and touches (caps go on holding); a keyed hash of the address stays suppressed.
 * hash becomes the contact's address: "hash:" and DIGEST_HEX - 1 digits; holds at least 64 bytes. */
int store_contact_forget(struct store *s, int64_t id, int64_t now, char *hash, struct err *e);
/* After the commit of a forget: the write-ahead log is written back and cut to nothing, so that what was erased is in no file of the
 * store any more (deleted pages are overwritten). Outside a transaction. */
int store_scrub(struct store *s, struct err *e);
int store_contact_engaged(struct store *s, int64_t id, int64_t at, struct err *e);

/* ---- holds, suppressions: what forbids ---- */
int store_contact_hold(struct store *s, int64_t contact_id, int64_t until, const char *reason, struct err *e); /* until 0 lifts */
int store_account_hold(struct store *s, int64_t account_id, int64_t until, const char *reason, struct err *e);
/* 0 and until (0: no hold), or -1. reason may be NULL. */
int store_contact_hold_get(struct store *s, int64_t contact_id, int64_t *until, char reason[64], struct err *e);
int store_account_hold_get(struct store *s, int64_t account_id, int64_t *until, char reason[64], struct err *e);
/* target: an address or "@domain" (folded). 1 new, 0 was there already (the first reason stays), -1 error. */
int store_suppress(struct store *s, const char *target, enum reason why, const char *note, int64_t now, struct err *e);
int store_unsuppress(struct store *s, const char *target, struct err *e); /* 1 removed, 0 was not there */
/* Reason of the address, its domain or its keyed hash; REASON_NONE when none. */
enum reason store_suppressed(struct store *s, const char *email);
char *store_suppressed_note(struct store *s, const char *email); /* the words that came with it; "" none; caller frees */
void store_hash(const struct store *s, const char *email, char out[64]); /* what a forgotten person's address becomes: "hash:..." */
int store_forgotten(struct store *s, const char *email, struct err *e); /* 1: a person with this address was forgotten, 0, -1 */
/* Suppression and holds of a contact, for the governor and for the check before the dot (pauses and `replied` are the caller's). */
int store_standing(struct store *s, const struct contact *c, struct standing *out, struct err *e);

/* ---- enrollments ---- */
/* 1 enrolled, 0 was enrolled once already (any state), -1 error. */
int store_enroll(struct store *s, int64_t contact_id, const char *sequence, const char *step, int32_t step_no, int64_t now,
                 int64_t due_at, int64_t next_at, int64_t *id, struct err *e);
struct enrollment_row {           /* one block; free with enrollment_row_free */
	struct enrollment enrollment;
	struct contact *contact;  /* part of the block */
};
int store_enrollment(struct store *s, int64_t id, struct enrollment_row **out, struct err *e); /* 1 / 0 / -1 */
void enrollment_row_free(struct enrollment_row **r);
int store_enrollments_of(struct store *s, int64_t contact_id, void (*row)(void *arg, const struct enrollment *en), void *arg, struct err *e);
/* Active enrollments of the account's other contacts with next_at <= until: at most max ids, in its order; the account's first 200
 * contacts are looked at. Number, -1. */
int store_colleagues(struct store *s, int64_t account_id, int64_t contact_id, int64_t until, int64_t *id, int max, struct err *e);
/* Active ones in order of next_at, at most limit, all sequences: for `queue`. */
int store_queue(struct store *s, int limit, void (*row)(void *arg, const struct enrollment *en, const char *email), void *arg, struct err *e);

/* Active enrollments of the sequence with next_at <= now, by next_at then due_at. Costs the rows it returns, not the contacts. */
struct due_row { int64_t enrollment_id, due_at; };
int store_due(struct store *s, const char *sequence, int64_t now, struct due_row *out, int max, struct err *e); /* number, -1 */
/* The sequences that have active enrollments, each once. Costs the sequences, not the enrollments. Number, -1. */
int store_sequences_active(struct store *s, void (*row)(void *arg, const char *sequence), void *arg, struct err *e);
int64_t store_due_first(struct store *s, const char *sequence, int64_t after); /* earliest next_at > after of the active ones; CLOCK_NEVER none */

/* wait, advance, complete: an error when the enrollment is not active. */
/* Asked, and to wait: next_at, and the reason that was told. */
int store_enrollment_wait(struct store *s, int64_t id, enum reason why, int64_t until, int64_t next_at, bool rests_on_flight, struct err *e);
/* Asked, and to wait for a place under a cap that many share: it stands in the waiting list `slot` ("" of the sender, else a provider's
 * domain) of its sequence, and is asked about when the list's turn comes (store_slot_rows) or at ends_at. next_at reads as until. */
int store_enrollment_line_up(struct store *s, int64_t id, enum reason why, int64_t until, int64_t ends_at, const char *slot, struct err *e);
/* The head of a waiting list, by due_at: number of rows, -1. Each list once, with the instant told to its first: 0, -1. */
int store_slot_rows(struct store *s, const char *sequence, const char *slot, struct due_row *out, int max, struct err *e);
int store_slots(struct store *s, void (*row)(void *arg, const char *sequence, const char *slot, int64_t until), void *arg, struct err *e);
/* To the next step (also after a skip). touch_id of the enrollment becomes 0, wait reason none. */
int store_enrollment_advance(struct store *s, int64_t id, const char *step, int32_t step_no, int64_t prev_at, int64_t due_at, int64_t next_at, struct err *e);
int store_enrollment_complete(struct store *s, int64_t id, int64_t now, struct err *e);
int store_enrollment_stop(struct store *s, int64_t id, enum reason why, int64_t now, struct err *e); /* 1 was active, 0 not */
/* Back to a step whose touch is DUE again (`unknown resend`): active, touch_id set, prev_at as it was before that step. */
int store_enrollment_reactivate(struct store *s, int64_t id, const char *step, int32_t step_no, int64_t touch_id, int64_t prev_at, int64_t next_at, struct err *e);

/* Ask again now: next_at = min(next_at, now) of active ones whose touch is not in flight. */
int store_wake_contact(struct store *s, int64_t contact_id, int64_t now, struct err *e);
int store_wake_account(struct store *s, int64_t account_id, int64_t now, struct err *e);
int store_wake_sequence(struct store *s, const char *sequence, int64_t now, struct err *e); /* NULL: all */
/* Everybody, in slices: those with ids in (*after, *after + rows]; *after moves on. 1 there are more, 0 that was the last, -1. */
int store_wake_some(struct store *s, int64_t *after, int rows, int64_t now, struct err *e);
/* Number woken, -1. Those that wait resting on a touch in flight, of this contact or of this account (0: no account); contact_id 0: all. Cheap when
 * there are none (a partial index). */
int store_wake_flight(struct store *s, int64_t contact_id, int64_t account_id, int64_t now, struct err *e);
/* Those whose wait only a new configuration can end: gate_refused, undefined_placeholder, sequence_not_started, sequence_removed. */
int store_wake_gate(struct store *s, int64_t now, struct err *e);

/* ---- touches ---- */
/* What governor_decide needs to know of the past. Arrays are the store's, valid until the next call. `exclude_touch`: the touch
 * being decided on (a retry), 0 none. Reads only as far back as the policy's limits look. */
int store_history(struct store *s, const struct policy *p, const struct contact *c, int64_t exclude_touch, int64_t now, struct history *out, struct err *e);
/* Has a counted touch of this contact (other than exclude) the same content? */
int store_content_seen(struct store *s, int64_t contact_id, const char *content, int64_t exclude_touch); /* 1 / 0 / -1 */
int64_t store_touch_new_id(struct store *s); /* never given twice, not even after a crash: an id only exists once reserved */
/* Reserves: t->id new (inserted) or that of a touch that is DUE or REFUSED_TEMP. attempts + 1 after a refusal, state RESERVED, at = now, and the
 * enrollment's touch_id = t->id, next_at = CLOCK_NEVER. */
int store_touch_reserve(struct store *s, const struct touch *t, int64_t now, struct err *e);
int store_touch_hand(struct store *s, int64_t touch_id, int64_t now, struct err *e);
/* Any further edge: ACCEPTED, UNKNOWN (at = the instant that counts), REFUSED_*, DUE, DROPPED. reply may be "". */
int store_touch_set(struct store *s, int64_t touch_id, enum touch_state to, int64_t at, int code, const char *reply, struct err *e);
int store_touch(struct store *s, int64_t id, struct touch **out, struct err *e); /* 1 / 0 / -1; one block */
void touch_free(struct touch **t);
int store_touches_in(struct store *s, enum touch_state state, void (*row)(void *arg, const struct touch *t), void *arg, struct err *e);
int store_touches_of(struct store *s, int64_t contact_id, void (*row)(void *arg, const struct touch *t), void *arg, struct err *e);
/* The touches that caps count (accepted, unknown, in flight) of a contact, or with contact_id 0 of an account: those in flight, then
 * those at `since` or later, the newest first; at most `limit`. Costs the rows that it shows. 0, -1. */
int store_touches_counted(struct store *s, int64_t contact_id, int64_t account_id, int64_t since, int limit,
                          void (*row)(void *arg, const struct touch *t), void *arg, struct err *e);

/* ---- sends and failures by hour, for the circuit breaker ---- */
/* SENDS: accepted and unknown touches are counted by the store itself; a hard bounce at the relay is the caller's to add. */
enum store_hour { STORE_HOUR_SENDS, STORE_HOUR_BOUNCES, STORE_HOUR_COMPLAINTS, STORE_HOUR_COUNT };
int store_hour_count(struct store *s, int64_t at, enum store_hour which, int add, struct err *e);
/* Of the UTC hours from that of `since` on. */
int store_hours_sum(struct store *s, int64_t since, int64_t out[STORE_HOUR_COUNT], struct err *e);
/* Records a bounce that is not permanent, one a touch (0: none known). Returns how many the contact has after `since`, -1. */
int store_soft_bounce(struct store *s, int64_t contact_id, int64_t touch_id, int64_t now, int64_t since, struct err *e);

/* ---- events ---- */
int store_event_add(struct store *s, const struct event *ev, int64_t *seq, struct err *e);
/* Many at once, in their order: of contacts, without sequence, step, kind and touch. */
int store_events_add(struct store *s, const struct event *ev, size_t n, struct err *e);
int64_t store_event_last(struct store *s);             /* highest seq ever given; 0 none */
/* Events with seq > after, in order; at most limit. Number of rows, -1 on error. */
int store_events(struct store *s, int64_t after, int limit, void (*row)(void *arg, const struct event *ev), void *arg, struct err *e);
int store_events_of(struct store *s, int64_t contact_id, void (*row)(void *arg, const struct event *ev), void *arg, struct err *e);
/* 1: the last event of this type about this contact and sequence, outside touches, has the same detail; 0, -1. Costs the contact's
 * events outside touches. */
int store_event_repeats(struct store *s, const struct event *ev, struct err *e);
/* Removes events with seq <= synced_seq and ts < before; at most `limit` a call. Number removed, -1. */
int store_events_prune(struct store *s, int64_t synced_seq, int64_t before, int limit, struct err *e);

/* ---- figures, cursors ---- */
struct store_counts {
	int64_t contacts, accounts, enrollments_active, enrollments_completed, enrollments_stopped, suppressions;
	int64_t touches[TOUCH_STATE_COUNT];
};
int store_counts(struct store *s, struct store_counts *out, struct err *e);
int store_accounts_find(struct store *s, const char *account, int64_t *id, struct err *e); /* 1 / 0 / -1 */
/* Where an inbox was read to; text by source. get: 1 / 0 / -1. */
int store_cursor_get(struct store *s, const char *source, char *out, size_t cap, struct err *e);
int store_cursor_put(struct store *s, const char *source, const char *text, struct err *e);

/* ---- received mail ---- */
/* Records that a message was processed, by its digest (digest_hex). 1: it is new, 0: it was recorded before, -1. */
int store_seen_put(struct store *s, const char *digest, int64_t now, struct err *e);
int store_seen_prune(struct store *s, int64_t before, int limit, struct err *e); /* those recorded before; number removed, -1 */
/* How many messages of each class were processed; by name. */
int store_mail_count(struct store *s, const char *class, struct err *e);
int store_mail_counts(struct store *s, void (*row)(void *arg, const char *class, int64_t n), void *arg, struct err *e);

/* ---- notes to on_reply.notify: a queue of its own, outside cadence ---- */
struct note {
	int64_t id;
	int64_t contact_id;        /* whose words it carries: erased with them */
	const char *recipient, *subject, *text;
	int64_t created_at, next_at; /* next_at: when it is tried (again) */
	int32_t tries;
};
int store_note_add(struct store *s, const struct note *n, struct err *e); /* due at once */
/* Those with next_at <= now, in its order, at most limit; none whose dot may have left. Number, -1. */
int store_notes_due(struct store *s, int64_t now, int limit, void (*row)(void *arg, const struct note *n), void *arg, struct err *e);
int64_t store_note_first(struct store *s);                               /* the earliest next_at; CLOCK_NEVER: none waits */
int store_note_hand(struct store *s, int64_t id, struct err *e);         /* its dot may leave now: 1, 0 it is gone (erased), -1 */
int store_note_retry(struct store *s, int64_t id, int64_t next_at, struct err *e); /* 1 / 0 / -1 */
int store_note_remove(struct store *s, int64_t id, struct err *e);       /* 1 / 0 / -1 */
int store_notes_recover(struct store *s, struct err *e);                 /* removes those handed over before a crash; number, -1 */

#endif
