-- One card of a customer leads (ready, sent, accepted, enrolled, already); where none does, a held one becomes
-- ready: one that may have been taken before one that was tried before the oldest. A row that is held because its
-- answer was lost (due -1) leads too.
UPDATE card SET state = 3
WHERE id IN (
    SELECT id FROM (
        SELECT id, customer_id,
               row_number() OVER (PARTITION BY customer_id ORDER BY uncertain DESC, attempts DESC, id) AS nth
        FROM card WHERE state = 2 AND state <= 4 AND due_ms >= 0) AS h
    WHERE nth = 1
      AND NOT EXISTS (SELECT 1 FROM card AS c
                      WHERE c.customer_id = h.customer_id AND (c.state IN (3, 4, 5, 6, 8) OR (c.state = 2 AND c.due_ms < 0))));
