-- Version 2: what comes back, and waiting lists.

-- Sends and failures of each UTC hour, for the circuit breaker (src/scheduler/breaker.c): a send is a counted touch or a
-- hard bounce at the relay; bounces are hard ones, counted in the hour of the send that they are about.
CREATE TABLE sending_hour (
	hour       INTEGER PRIMARY KEY, -- since 1970-01-01T00:00Z
	sends      INTEGER NOT NULL,
	bounces    INTEGER NOT NULL,
	complaints INTEGER NOT NULL
) STRICT;

-- Bounces that are not permanent: several within a month suppress. One a touch; without a touch the time tells them apart.
CREATE TABLE soft_bounce (
	contact_id INTEGER NOT NULL,
	touch_id   INTEGER NOT NULL, -- 0 none
	at         INTEGER NOT NULL,
	PRIMARY KEY (contact_id, touch_id, at)
) STRICT, WITHOUT ROWID;

-- An enrollment that waits for a place under a cap that many share stands in a waiting list, so that each place costs one
-- look and not one for everybody who waits: NULL it does not, '' the sender's limits and warm-up, else the provider's domain.
-- next_at is then only when the answer would turn into an end.
ALTER TABLE enrollment ADD COLUMN slot TEXT;
CREATE INDEX enrollment_slot ON enrollment (sequence, slot, due_at) WHERE state = 0 AND slot IS NOT NULL;
