-- It can no more: what waited for it is already, as its customer call said, or held.
UPDATE card SET state = iif(call = 2, 8, 2), call = 0, updated_ms = :now
WHERE id IN (SELECT id FROM card_open WHERE state = 3 AND call > 0);
