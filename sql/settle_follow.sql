-- "Already" to the customer call where the card call can be made: it is due for that one at once.
UPDATE card
SET state = :state, call = :call, attempts = :attempts, attempts_before = :attempts_before, due_ms = 1,
    http_status = :http_status, code = :code, field = NULL, message = :message, updated_ms = :now
WHERE id = (SELECT id FROM card_now WHERE id = :id AND state = 4);
