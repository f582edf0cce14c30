-- Version 4: which touches in flight are handed over stands in the running figures, which every commit writes, and no longer in the
-- touches' rows: that was a change of a row a message. A touch's row gets handed_at when its flight ends.
--
-- 16 bytes each, most significant first: the touch's id, and when it was handed over. A store of version 3 with touches in flight has
-- them in handed_at, where they are read as before.
ALTER TABLE figure ADD COLUMN handed BLOB NOT NULL DEFAULT x'';
