-- Rows of one range that had the same answer; most had. In flight is what card_now calls 4, asked here without a second look
-- at each row.
UPDATE card
SET state = :state, attempts = :attempts, uncertain = :uncertain, due_ms = :due_ms,
    http_status = :http_status,
    code = coalesce(:code, code), field = :field, message = :message, updated_ms = :now
WHERE id BETWEEN :first AND :last AND (state = 4 OR (state = 3 AND due_ms = 0 AND id <= (SELECT last FROM claimed)));
