-- At the end of a run: what flew then may have been taken.
UPDATE card SET uncertain = 1 WHERE state = 4 AND state <= 4 AND (state <> 3 OR due_ms <> 0);
