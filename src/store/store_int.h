/* Private to src/store: the open store, its statements, and what it keeps in memory beside the database.
 *
 * In memory, always equal to what the open transaction would read, reloaded after a rollback (store_mirrors_load):
 * names (interned texts), figures (running counts), flights (touches reserved or handed), recents (times of the last
 * touches of the sender and of providers), days (warm-up), an account cache. */
#ifndef ABV_STORE_INT_H
#define ABV_STORE_INT_H

#include <sqlite3.h>
#include <stdlib.h>

#include "abv/store.h"

/* Every statement of the store; the texts are in sql.c. Prepared when first used, and kept. */
enum sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SECRET,
	SQL_SECRET_PUT,
	SQL_NAMES,
	SQL_NAME_PUT,
	SQL_FIGURE,
	SQL_FIGURE_PUT,
	SQL_FLIGHTS,
	SQL_DAY_ADD,
	SQL_DAY_USED,
	SQL_DAY_BEFORE,
	SQL_HOUR_ADD,
	SQL_HOURS,
	SQL_SETTING,
	SQL_SETTING_PUT,
	SQL_SETTING_DELETE,
	SQL_SETTINGS,
	SQL_CURSOR,
	SQL_CURSOR_PUT,
	SQL_ACCOUNT,
	SQL_ACCOUNTS_KNOWN,
	SQL_ACCOUNTS_INSERT,
	SQL_CONTACTS_KNOWN,
	SQL_CONTACTS_INSERT,
	SQL_CONTACT_UPDATE,
	SQL_CONTACT_BY_EMAIL,
	SQL_CONTACT_BY_ID,
	SQL_CONTACTS,
	SQL_CONTACT_ENGAGED,
	SQL_FORGET_CONTACT,
	SQL_FORGET_TOUCH,
	SQL_TOUCH_IDS,
	SQL_FORGET_EVENTS,
	SQL_FORGET_TOUCH_EVENTS,
	SQL_FORGET_ADDRESS_EVENTS,
	SQL_HOLD,
	SQL_HOLD_PUT,
	SQL_HOLD_DELETE,
	SQL_SUPPRESSION,
	SQL_SUPPRESSION_PUT,
	SQL_SUPPRESSION_DELETE,
	SQL_SOFT_BOUNCE_PUT,
	SQL_SOFT_BOUNCES,
	SQL_ENROLL,
	SQL_ENROLLMENT,
	SQL_ENROLLMENTS_OF,
	SQL_QUEUE_IDS,
	SQL_QUEUE_SLOTS,
	SQL_QUEUE_ROW,
	SQL_DUE,
	SQL_DUE_FIRST,
	SQL_SEQUENCE_ACTIVE,
	SQL_SLOT_ROWS,
	SQL_SLOT_NEXT,
	SQL_ENROLLMENT_WAIT,
	SQL_ENROLLMENT_ADVANCE,
	SQL_ENROLLMENT_END,
	SQL_ENROLLMENT_REACTIVATE,
	SQL_ENROLLMENT_OWED,
	SQL_ENROLLMENT_STATE,
	SQL_WAKE_CONTACT,
	SQL_WAKE_ACCOUNT,
	SQL_WAKE_SEQUENCE,
	SQL_WAKE_RANGE,
	SQL_ENROLLMENT_LAST,
	SQL_WAKE_CONFIG,
	SQL_RESTING,
	SQL_WAKE_FLIGHT,
	SQL_WAKE_FLIGHT_CONTACT,
	SQL_WAKE_FLIGHT_ACCOUNT,
	SQL_HISTORY_CONTACT,
	SQL_HISTORY_FIRST,
	SQL_HISTORY_ACCOUNT,
	SQL_HISTORY_TIME,
	SQL_COLLEAGUES,
	SQL_COUNTED_CONTACT,
	SQL_COUNTED_ACCOUNT,
	SQL_CONTENT_SEEN,
	SQL_TOUCH_LAST,
	SQL_TOUCH_FLIGHTS,
	SQL_TOUCH_SETTLE,
	SQL_TOUCH_RETRY,
	SQL_TOUCH_SET,
	SQL_TOUCH_BRIEF,
	SQL_TOUCH,
	SQL_TOUCHES_PENDING,
	SQL_TOUCHES_SETTLED,
	SQL_EVENT_PUT,
	SQL_EVENTS_INSERT,
	SQL_EVENTS,
	SQL_EVENTS_OF,
	SQL_EVENT_LAST,
	SQL_EVENTS_PRUNE,
	SQL_SEEN_PUT,
	SQL_SEEN_PRUNE,
	SQL_MAIL_COUNT,
	SQL_MAIL_COUNTS,
	SQL_NOTE_ADD,
	SQL_NOTES_DUE,
	SQL_NOTE_FIRST,
	SQL_NOTE_NEXT,
	SQL_NOTE_REMOVE,
	SQL_NOTES_RECOVER,
	SQL_NOTES_FORGET,
	SQL_COUNT
};
extern const char *const store_sql[SQL_COUNT];

/* The columns of table figure, in order, and of SQL_FIGURE and SQL_FIGURE_PUT. */
enum figure {
	FIGURE_CONTACTS,
	FIGURE_ACCOUNTS,
	FIGURE_ENROLLMENTS, /* + enum enrollment_state */
	FIGURE_SUPPRESSED_ADDRESSES = FIGURE_ENROLLMENTS + ENROLLMENT_STOPPED + 1,
	FIGURE_SUPPRESSED_DOMAINS,
	FIGURE_SUPPRESSED_HASHES,
	FIGURE_HOLDS,
	FIGURE_TOUCHES, /* + enum touch_state */
	FIGURE_EVENT_LAST = FIGURE_TOUCHES + TOUCH_STATE_COUNT,
	FIGURE_NEWEST,
	FIGURE_FLIGHT_FLOOR,
	FIGURE_COUNT
};

/* What a wait rests on (enrollment.rests). */
enum rests { RESTS_TIME, RESTS_FLIGHT, RESTS_CONFIG };

/* An interned text. Rows are by id - 1; ids have no gaps. */
struct name {
	char *text;            /* owned */
	enum reason reason;    /* REASON_COUNT when the text names none */
	enum event_type event; /* EVENT_TYPE_COUNT when it names none */
};
struct names {
	struct name *row;
	size_t n, cap;
	int64_t *slot;                                         /* open addressing by hash of the text: ids, 0 empty */
	size_t slots;                                          /* a power of two */
	int64_t reason[REASON_COUNT], event[EVENT_TYPE_COUNT]; /* ids by number; 0: not interned yet */
};

/* Touches that are reserved or handed. The ids stand in arrays of their own because every decision looks through them.
 */
struct flight {
	enum touch_state state;
	enum kind kind;
	bool row;          /* it has one in table touch: it flies again */
	int64_t sequence, step; /* names, without a row; likewise the next one */
	int64_t reserved_at;
	int64_t handed_at; /* 0: not yet */
	bool written; /* the enrollment's row was written meanwhile: nothing is owed to it */
	char content[DIGEST_HEX];
	char *provider, *message_id; /* owned */
};
struct flights {
	size_t n, cap;
	bool changed; /* figure.flights is to be written */
	int64_t *touch, *enrollment, *contact, *account;
	struct flight *more;
};

/* An ended flight whose enrollment's row still has to get touch_id and next_at. */
struct owed {
	int64_t enrollment, touch;
};

/* Times of counted touches of the sender or of one provider, as far back as a policy has looked. */
struct recent {
	char *key;     /* owned; "" : the sender */
	int64_t *time; /* owned; ascending: a new one goes to the end */
	size_t n, cap;
};
struct recents {
	bool loaded, providers; /* providers: not only the sender */
	int64_t since;          /* all touches later than this are known ... */
	size_t keep;            /* ... or the newest `keep` of a key */
	struct recent *row;     /* row 0 is the sender */
	size_t n, cap;
	uint32_t *slot; /* open addressing by key: row number + 1, 0 empty */
	size_t slots;   /* a power of two */
};

/* The newest events, as the log will ask for them a moment later: it would cost reading each with its contact. All that is here follows
 * without a gap; `room` holds the texts, one behind another, at the offsets of the rows. */
struct fresh {
	struct fresh_row {
		struct event ev; /* its texts are not set */
		size_t address, account, detail;
	} *row;
	size_t n, cap;
	struct buf room;
};

struct days {
	struct {
		int64_t day, add, first;
	} todo[4]; /* changes that are not in table sending_day yet */
	int todo_n;
	int64_t today;        /* the day that `used` and `before` are of; -1: not known */
	int32_t used, before; /* counted touches of today (and later); earlier days with a send */
};

/* Sends and failures by hour, not in table sending_hour yet. */
struct hourly {
	struct {
		int64_t hour, add[STORE_HOUR_COUNT];
	} todo[4];
	int n;
};

#define ACCOUNT_SLOTS 8192
struct account_slot {
	int64_t id;
	char *key; /* owned; NULL: empty */
};

/* A growing array handed out by store_history. */
struct times {
	int64_t *time;
	size_t n, cap;
};

/* Rows in memory that a statement reads as a table (batch.c). */
enum batch_name { BATCH_CONTACT, BATCH_ACCOUNT, BATCH_EVENT, BATCH_COUNT };
struct batch_kind;
struct batch {
	const struct batch_kind *kind;
	const void *row; /* n of struct contact_put, account_new or event_new */
	size_t n;
};
struct account_new {
	const char *key;
	int64_t id;
};
struct event_new {
	const struct event *event;
	int64_t seq, type;
};

/* What SQLite calls the application id, at byte 68 of the file: "ABVD" (also in sql/0001_init.sql), and "ABVC" in a copy that was made as a
 * backup, until it is made the store (store_adopt). */
#define APPLICATION_ID    0x41425644
#define APPLICATION_COPY  0x41425643
#define APPLICATION_AT    68
#define APPLICATION_BYTES "ABVC"

struct store {
	sqlite3 *db;
	sqlite3_stmt *stmt[SQL_COUNT];
	struct key key;
	bool in_transaction;
	int64_t version; /* store_version */
	int64_t changes; /* sqlite3_total_changes64 at its begin */
	char error[512]; /* of the last commit */
	bool stale;      /* what is kept in memory could not be read again after a rollback: before the next begin */
	bool damaged;    /* SQLite found the file malformed */
	int probes;
	int wal_pages, wal_limit; /* in the write-ahead log; so many are waited for after a checkpoint that failed */
	char backlog[512];        /* why the last checkpoint failed; "" it did not */
	struct names names;
	int64_t figure[FIGURE_COUNT], figure_stored[FIGURE_COUNT];
	struct flights flights;
	struct owed *owed;
	size_t owed_n, owed_cap;
	struct buf flights_bytes; /* figure.flights, while it is written */
	bool resting; /* some enrollment may wait resting on a flight: false spares the look */
	struct recents recents;
	struct days days;
	struct fresh fresh;
	struct hourly hourly;
	struct account_slot *account;    /* ACCOUNT_SLOTS */
	struct batch batch[BATCH_COUNT];
	int64_t touch_given, touch_high; /* last id given; highest id in the table */
	char *setting;                   /* owned: what store_setting returned */
	struct past_touch history_contact[HISTORY_CONTACT_MAX];
	struct times history_account, history_provider, history_sender;
};

/* ---- sqlite.c: statements. NULL (never seen by callers: every use goes through the functions below) when it cannot be
 * prepared. */
sqlite3_stmt *store_stmt(struct store *s, enum sql id);
int store_step(struct store *s, sqlite3_stmt *q, struct err *e); /* 1 a row, 0 the end (reset), -1 error (reset) */
int store_run(struct store *s, sqlite3_stmt *q, struct err *e);  /* to the end: 0 or -1; reset */
int store_change(struct store *s, struct err *e);                /* 0, or -1: no transaction is open */
int store_changed(const struct store *s);                        /* rows that the last change changed */
void store_seen(struct store *s, int64_t now);                   /* a time was recorded */
int store_mirrors_load(struct store *s, struct err *e);
int store_refresh(struct store *s, struct err *e); /* reads them again if they could not be after a rollback */

/* ---- vfs.c ---- */
const char *store_vfs(void); /* the name of our way to the files; NULL: there is none, SQLite's default serves */

static inline void bind_int(sqlite3_stmt *q, int i, int64_t v)
{
	(void)sqlite3_bind_int64(q, i, v);
}
static inline void bind_id(sqlite3_stmt *q, int i, int64_t v) /* 0 becomes NULL */
{
	(void)(v ? sqlite3_bind_int64(q, i, v) : sqlite3_bind_null(q, i));
}
/* The text must live until the statement is reset. NULL becomes ''. */
static inline void bind_text(sqlite3_stmt *q, int i, const char *v)
{
	(void)sqlite3_bind_text(q, i, v ? v : "", -1, SQLITE_STATIC);
}
static inline int64_t col_int(sqlite3_stmt *q, int i)
{
	return sqlite3_column_int64(q, i);
}
static inline const char *col_text(sqlite3_stmt *q, int i) /* until the next step; never NULL */
{
	const char *t = (const char *)sqlite3_column_text(q, i);

	return t ? t : "";
}

/* ---- batch.c */
int store_batch_open(struct store *s); /* an SQLite code */
/* Runs a statement that reads the rows; `found` is shown the rows that it yields, if it yields any. 0 or -1; reset. */
int store_batch_run(struct store *s, enum batch_name name, const void *row, size_t n, sqlite3_stmt *q,
		    void (*found)(void *arg, sqlite3_stmt *q), void *arg, struct err *e);

/* ---- names.c */
int store_names_load(struct store *s, struct err *e);
void store_names_free(struct store *s);
int64_t store_name_id(struct store *s, const char *text, struct err *e); /* interns; 0 for ""; -1 */
int64_t store_name_find(const struct store *s, const char *text);        /* 0: "" or never interned */
const char *store_name_text(const struct store *s, int64_t id);
int64_t store_reason_id(struct store *s, enum reason r, struct err *e);
enum reason store_reason_of(const struct store *s, int64_t id);
int64_t store_event_id(struct store *s, enum event_type t, struct err *e);
enum event_type store_event_of(const struct store *s, int64_t id);

/* ---- figures.c */
int store_figures_load(struct store *s, struct err *e);
int store_figures_flush(struct store *s, struct err *e);
int store_days_flush(struct store *s, struct err *e);
int store_days_count(struct store *s, int64_t touch, int64_t at, int add, struct err *e);
int store_days_ramp(struct store *s, int64_t now, int32_t *used, int32_t *before, struct err *e);

/* ---- events.c */
void store_fresh_clear(struct store *s); /* what the events' rows say is, or may be, something else now */
void store_fresh_free(struct store *s);

/* ---- hours.c */
int store_hours_flush(struct store *s, struct err *e);

/* ---- flights.c */
int store_flights_load(struct store *s, struct err *e);
void store_flights_free(struct store *s);
/* row: it has one in table touch. */
void store_flight_add(struct store *s, const struct touch *t, int64_t reserved_at, bool row);
void store_flight_handed(struct store *s, int64_t place, int64_t at);
int64_t store_flight_find(const struct store *s, int64_t touch_id);    /* its place, -1 not in flight */
int64_t store_flight_of(const struct store *s, int64_t enrollment_id); /* its place, -1 none */
/* Takes it out (places of others may change); its enrollment is owed touch_id and next_at, unless they were written. */
void store_flight_end(struct store *s, int64_t place);
/* The enrollment's row is being written: nothing is owed any more. Returns the touch that is (or was) in flight, or 0.
 */
int64_t store_owed_paid(struct store *s, int64_t enrollment_id);
int store_owed_pay(struct store *s, int64_t enrollment_id, int64_t touch_id, struct err *e);
int store_owed_flush(struct store *s, struct err *e);
int64_t store_flights_floor(const struct store *s); /* the lowest id in flight; 0 none */

/* ---- flights_bytes.c */
void store_flights_write(const struct flights *f, struct buf *out);
int store_flights_read(struct store *s, const void *p, size_t n, struct err *e); /* those with a row are there already */
int store_flights_count(const void *p, size_t n, int64_t *handed, int64_t *rowless); /* -1: these bytes are damaged */

/* ---- recent.c */
void store_recents_free(struct store *s);
/* A counted touch settled (add), or one is no longer counted. */
void store_recents_count(struct store *s, const char *provider, int64_t at, bool add);
/* Appends the settled touches of the provider (NULL: of the sender) that the limits look at, newest first. */
int store_recents_read(struct store *s, const char *provider, const struct limits *l, int64_t now, struct times *out,
		       struct err *e);
void times_add(struct times *t, int64_t at);

/* ---- contacts.c */
#define CONTACT_COLUMNS                                                                                                \
	"c.id, c.account_id, c.email, a.key, c.account_name, c.first_name, c.last_name, c.title, c.timezone, "         \
	"c.owner, c.tags, c.consent, c.consent_source, c.consent_at, c.attributes, c.engaged_at, c.created_at, "       \
	"c.forgotten"
#define CONTACT_COLUMN_COUNT 18
void store_contact_read(sqlite3_stmt *q, int column, struct contact *out); /* texts until the next step */
size_t store_contact_size(const struct contact *c);                        /* bytes of all its texts */
void store_contact_copy(struct contact *to, const struct contact *from, char *text);
const char *store_text_copy(char **at, const char *text); /* copies to *at and moves it on */

/* ---- enrollments.c */
#define ENROLLMENT_COLUMNS                                                                                             \
	"e.id, e.contact_id, e.sequence, e.state, e.step, e.step_no, e.prev_at, e.due_at, "                            \
	"CASE WHEN e.slot IS NULL THEN e.next_at ELSE min(e.next_at, e.wait_until) END, "                              \
	"e.wait, e.wait_until, e.touch_id, e.ended, e.created_at, c.account_id"
#define ENROLLMENT_COLUMN_COUNT 15
void store_enrollment_read(struct store *s, sqlite3_stmt *q, struct enrollment *out);

/* ---- touches.c */
/* A digest is kept as its 16 bytes (digest: room for them until the statement is reset). */
void store_content_bind(sqlite3_stmt *q, int i, const char *content, unsigned char digest[16]);
void store_content_read(sqlite3_stmt *q, int column, char out[DIGEST_HEX]);

/* ---- suppressions.c */
void store_hash(const struct store *s, const char *email, char out[64]); /* "hash:" and the digest */

#endif
