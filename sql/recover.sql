-- After a crash: what was sent has no answer on record; it may have been taken.
UPDATE card SET state = 3, uncertain = 1, due_ms = 1, updated_ms = :now WHERE state = 4 AND state <= 4 AND (state <> 3 OR due_ms <> 0);
