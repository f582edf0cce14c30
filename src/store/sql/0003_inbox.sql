-- Version 3: received mail, and notes about it.

-- Messages that were processed: a digest of what tells one from another, so that each takes effect once, however often and by
-- whatever way it comes. Nothing of the message itself. Pruned with age.
CREATE TABLE seen (
	digest BLOB PRIMARY KEY CHECK (length(digest) = 16),
	at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at);

-- How many messages of each class (abv/classify.h) were processed, for `status`.
CREATE TABLE mail_count (
	class TEXT PRIMARY KEY CHECK (class <> ''),
	n     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Notes to on_reply.notify that have not left yet. AUTOINCREMENT: a number is never given twice, because a note that is on its way may
-- be erased with its contact.
CREATE TABLE note (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	contact_id INTEGER NOT NULL, -- whose words it carries
	recipient  TEXT NOT NULL,
	subject    TEXT NOT NULL,
	text       TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	next_at    INTEGER NOT NULL, -- 9223372036854775807: its final dot may have left
	tries      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX note_next ON note (next_at);
CREATE INDEX note_contact ON note (contact_id);
