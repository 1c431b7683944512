-- A row that goes back untried keeps whatever its last answer was, and its time.
UPDATE card
SET state = :state, attempts = :attempts, uncertain = :uncertain, updated_ms = :now,
    due_ms = coalesce(:due_ms, iif(:state = 3 AND due_ms = 0, 1, due_ms))
WHERE id = (SELECT id FROM card_now WHERE id = :id AND state = 4);
