-- A row that waits for its event will not do so any more: to be told before it changes.
UPDATE tally SET n = n - 1 WHERE kind = 'accepted' AND key = (SELECT updated_ms FROM card WHERE id = :id AND state = 5);
