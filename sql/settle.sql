UPDATE card
SET state = :state, attempts = :attempts, uncertain = :uncertain, due_ms = :due_ms,
    http_status = :http_status,
    code = coalesce(:code, code), field = :field, message = :message, updated_ms = :now
WHERE id = :id AND state = 4;
