-- The same for one customer, when one of its cards was settled.
UPDATE card
SET state = 3, due_ms = max(due_ms, id <= (SELECT last FROM claimed)), updated_ms = :now,
    call = iif(:path AND (call > 0 OR EXISTS (SELECT 1 FROM card AS k
                                              WHERE k.customer_id = :customer_id
                                                AND (k.state IN (6, 8) OR k.call > 0))), max(call, 1), 0)
WHERE id = (SELECT id FROM card WHERE customer_id = :customer_id AND state = 2 AND due_ms >= 0
            ORDER BY uncertain DESC, attempts DESC, id LIMIT 1)
  AND NOT EXISTS (SELECT 1 FROM card AS c
                  WHERE c.customer_id = :customer_id
                    AND (c.state IN (3, 4, 5, 6, 8) OR (c.state = 2 AND c.due_ms < 0))
                    AND NOT (:path AND (c.state IN (6, 8) OR (c.state = 5 AND c.call > 0))));
