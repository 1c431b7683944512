-- A row that goes back untried keeps whatever its last answer was.
UPDATE card
SET state = :state, attempts = :attempts, uncertain = :uncertain, due_ms = coalesce(:due_ms, due_ms), updated_ms = :now
WHERE id = :id AND state = 4;
