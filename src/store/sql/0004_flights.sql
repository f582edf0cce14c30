-- Version 4: touches in flight stand in the running figures, which every commit writes anyway, and get their row in table touch when the
-- flight ends: one write of a row a message instead of three (reserved, handed, settled). src/store/flights_bytes.c is the format.
--
-- A touch that is in flight again keeps its row, with state 1; so do those that version 3 left in flight.
ALTER TABLE figure ADD COLUMN flights BLOB NOT NULL DEFAULT x'';
