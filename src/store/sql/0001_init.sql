-- The store's schema, version 1: the document of what abvd keeps.
--
-- Instants are milliseconds since 1970 (UTC); 0 means none, 9223372036854775807 an instant that does not come.
-- Texts are never NULL; '' means absent. Names of sequences, steps, reasons and event types stand once in `name`, so
-- that rows stay short and that the numbers of C enumerations, which may move, are never stored. The numbers that are
-- stored (kind, states) are listed at their columns and asserted in src/store/sql.c.
--
-- Conditions are written without IN: SQLite builds a temporary table for each IN with more than two values, at each write.
--
-- Later versions are further files (0002_....sql); a store that is newer than the program is refused.

PRAGMA application_id = 0x41425644; -- "ABVD": another program's database is never taken for ours

-- 32 random bytes made with the store: tokens in letters and the hashes of forgotten addresses depend on them.
CREATE TABLE secret (
	id  INTEGER PRIMARY KEY CHECK (id = 1),
	key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;

CREATE TABLE name (
	id   INTEGER PRIMARY KEY,
	text TEXT NOT NULL UNIQUE CHECK (text <> '')
) STRICT;

-- Running figures, written once in every commit that changed one: what `status` shows without counting rows, and what
-- must outlive the rows themselves.
CREATE TABLE figure (
	id                    INTEGER PRIMARY KEY CHECK (id = 1),
	contacts              INTEGER NOT NULL DEFAULT 0, -- without the forgotten
	accounts              INTEGER NOT NULL DEFAULT 0,
	enrollments_active    INTEGER NOT NULL DEFAULT 0,
	enrollments_completed INTEGER NOT NULL DEFAULT 0,
	enrollments_stopped   INTEGER NOT NULL DEFAULT 0,
	suppressed_addresses  INTEGER NOT NULL DEFAULT 0, -- these three tell which look-ups a send may leave out
	suppressed_domains    INTEGER NOT NULL DEFAULT 0,
	suppressed_hashes     INTEGER NOT NULL DEFAULT 0,
	holds                 INTEGER NOT NULL DEFAULT 0, -- likewise
	touches_due           INTEGER NOT NULL DEFAULT 0,
	touches_reserved      INTEGER NOT NULL DEFAULT 0,
	touches_handed        INTEGER NOT NULL DEFAULT 0,
	touches_accepted      INTEGER NOT NULL DEFAULT 0,
	touches_refused_temp  INTEGER NOT NULL DEFAULT 0,
	touches_refused_perm  INTEGER NOT NULL DEFAULT 0,
	touches_unknown       INTEGER NOT NULL DEFAULT 0,
	touches_dropped       INTEGER NOT NULL DEFAULT 0,
	event_last            INTEGER NOT NULL DEFAULT 0, -- highest seq ever given: pruning all events must not reuse one
	newest                INTEGER NOT NULL DEFAULT 0, -- the newest recorded time
	flight_floor          INTEGER NOT NULL DEFAULT 0  -- no touch with a lower id is reserved or handed; 0: none is at all
) STRICT;
INSERT INTO figure (id) VALUES (1);

-- Small texts by name: pauses, the journal's position.
CREATE TABLE setting (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL CHECK (value <> '')
) STRICT, WITHOUT ROWID;

-- Where an inbox was read to.
CREATE TABLE cursor (
	source TEXT PRIMARY KEY,
	text   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A contact's organisation.
CREATE TABLE account (
	id  INTEGER PRIMARY KEY,
	key TEXT NOT NULL UNIQUE CHECK (key <> '') -- the registrable domain, or the name that was given
) STRICT;

CREATE TABLE contact (
	id             INTEGER PRIMARY KEY,
	account_id     INTEGER REFERENCES account, -- NULL: none (free-mail)
	email          TEXT NOT NULL CHECK (email <> ''), -- folded; "hash:..." once forgotten
	forgotten      INTEGER NOT NULL DEFAULT 0 CHECK (forgotten = 0 OR forgotten = id), -- the own id: one address may be forgotten twice
	engaged_at     INTEGER NOT NULL DEFAULT 0,
	created_at     INTEGER NOT NULL,
	consent_at     INTEGER NOT NULL DEFAULT 0,
	first_name     TEXT NOT NULL DEFAULT '',
	last_name      TEXT NOT NULL DEFAULT '',
	account_name   TEXT NOT NULL DEFAULT '', -- as written in the import
	title          TEXT NOT NULL DEFAULT '',
	timezone       TEXT NOT NULL DEFAULT '',
	owner          TEXT NOT NULL DEFAULT '',
	tags           TEXT NOT NULL DEFAULT '', -- joined by ';'
	consent        TEXT NOT NULL DEFAULT '',
	consent_source TEXT NOT NULL DEFAULT '',
	attributes     BLOB NOT NULL DEFAULT x'' -- name NUL value NUL ...
) STRICT;
CREATE UNIQUE INDEX contact_email ON contact (email, forgotten);
-- A reply wakes and holds the colleagues.
CREATE INDEX contact_account ON contact (account_id) WHERE account_id IS NOT NULL;

-- Apart from contact and account, because there are few: a figure tells whether to look at all.
CREATE TABLE hold (
	who    INTEGER NOT NULL CHECK (who BETWEEN 0 AND 1), -- 0 contact, 1 account
	id     INTEGER NOT NULL,
	until  INTEGER NOT NULL CHECK (until > 0),
	reason TEXT NOT NULL,
	PRIMARY KEY (who, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE suppression (
	target TEXT PRIMARY KEY CHECK (target <> ''), -- an address, "@domain", or "hash:" and the keyed hash of an address
	reason INTEGER NOT NULL REFERENCES name,
	note   TEXT NOT NULL,
	at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A contact in a sequence, once ever. While its touch is in flight (touch.state 1) the row stays as it was before the
-- reservation, which saves a write of a random page a message: the touch names the enrollment, and readers are told
-- touch_id and "never" instead (src/store/flights.c). touch_id and next_at are written when the flight ends.
CREATE TABLE enrollment (
	id         INTEGER PRIMARY KEY,
	contact_id INTEGER NOT NULL REFERENCES contact,
	sequence   INTEGER NOT NULL REFERENCES name,
	state      INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2), -- active, completed, stopped
	step       INTEGER NOT NULL,                 -- name of the step to send next
	step_no    INTEGER NOT NULL,
	prev_at    INTEGER NOT NULL,
	due_at     INTEGER NOT NULL,
	next_at    INTEGER NOT NULL,                 -- when to ask again
	touch_id   INTEGER NOT NULL DEFAULT 0,
	wait       INTEGER NOT NULL DEFAULT 0,       -- name of the reason last told; 0 none
	wait_until INTEGER NOT NULL DEFAULT 0,
	rests      INTEGER NOT NULL DEFAULT 0 CHECK (rests BETWEEN 0 AND 2), -- the wait rests on: time, a flight, the configuration
	ended      INTEGER NOT NULL DEFAULT 0,       -- name of the reason why it stopped
	ended_at   INTEGER NOT NULL DEFAULT 0,
	created_at INTEGER NOT NULL,
	CHECK ((ended <> 0) = (state = 2)),
	CHECK ((ended_at <> 0) = (state <> 0))
) STRICT;
CREATE UNIQUE INDEX enrollment_once ON enrollment (contact_id, sequence);
-- What is due, in the order it is asked for: costs the rows that are due, not the contacts.
CREATE INDEX enrollment_due ON enrollment (sequence, next_at, due_at) WHERE state = 0;
-- Few rows: those that wait for the end of a flight or for another configuration (a better letter).
CREATE INDEX enrollment_rests ON enrollment (rests, contact_id) WHERE state = 0 AND rests > 0;

-- An e-mail that reached, or may have reached, a contact; or that is on its way there. Never deleted: caps, content and
-- ids rest on it.
CREATE TABLE touch (
	id            INTEGER PRIMARY KEY,
	enrollment_id INTEGER NOT NULL REFERENCES enrollment,
	contact_id    INTEGER NOT NULL,
	account_id    INTEGER,          -- as of the send; NULL none
	step          INTEGER NOT NULL, -- name
	kind          INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 1), -- value, ask
	-- 0 due, 1 reserved, 3 accepted, 4 refused_temp, 5 refused_perm, 6 unknown, 7 dropped; the edges: src/rules/attempt.c.
	-- 2 (handed) is written as 1 with handed_at > 0: a change of state costs a look at every index, one of a time does not.
	state         INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7 AND state <> 2),
	at            INTEGER NOT NULL,
	reserved_at   INTEGER NOT NULL,
	handed_at     INTEGER NOT NULL DEFAULT 0,
	first_at      INTEGER NOT NULL,
	attempts      INTEGER NOT NULL DEFAULT 1 CHECK (attempts > 0), -- a further one only after a refusal: a lost connection is none
	content       ANY NOT NULL,     -- the digest's 16 bytes; a text that is no digest stays a text
	provider      TEXT NOT NULL,    -- recipient's domain
	message_id    TEXT NOT NULL,
	smtp_code     INTEGER NOT NULL DEFAULT 0,
	smtp_reply    TEXT NOT NULL DEFAULT '',
	CHECK (handed_at > 0 OR (state <> 3 AND state <> 6)) -- nothing is accepted or in doubt that was not handed over
) STRICT;
-- Touches in flight stand in no index (they are few, and kept in memory by src/store/flights.c), so that a message is
-- written to each index once.
CREATE INDEX touch_contact ON touch (contact_id, at, state, kind, content) WHERE state <> 1;
CREATE INDEX touch_account ON touch (account_id, at, state) WHERE (state = 3 OR state = 6) AND account_id IS NOT NULL;
CREATE INDEX touch_pending ON touch (state) WHERE (state = 0 OR state = 4 OR state = 6); -- few: to be retried, or in doubt

-- Counted touches (accepted, unknown) of each UTC day: for the warm-up ramp, and so that the last touches of the sender
-- and of providers are found after a start without an index on touch.at.
CREATE TABLE sending_day (
	day         INTEGER PRIMARY KEY,                  -- since 1970-01-01
	touches     INTEGER NOT NULL CHECK (touches >= 0),
	first_touch INTEGER NOT NULL                      -- no counted touch of the day has a lower id
) STRICT;

-- The engagement log's lines; seq has no gaps.
CREATE TABLE event (
	seq        INTEGER PRIMARY KEY CHECK (seq > 0),
	ts         INTEGER NOT NULL,
	type       INTEGER NOT NULL, -- name
	contact_id INTEGER,          -- NULL: none
	address    TEXT,             -- NULL: none, or the contact's
	account    TEXT NOT NULL,    -- as of the event
	sequence   INTEGER NOT NULL, -- name; 0 none
	step       INTEGER NOT NULL, -- name; 0 none
	kind       INTEGER NOT NULL CHECK (kind BETWEEN -1 AND 1),
	touch_id   INTEGER,          -- NULL: none
	detail     TEXT NOT NULL     -- JSON members without the braces
) STRICT;
-- A contact's events: those of its touches (ids rise, so this index is only ever appended to) and the others.
CREATE INDEX event_touch ON event (touch_id) WHERE touch_id IS NOT NULL;
CREATE INDEX event_contact ON event (contact_id) WHERE contact_id IS NOT NULL AND touch_id IS NULL;
CREATE INDEX event_address ON event (address) WHERE address IS NOT NULL;
