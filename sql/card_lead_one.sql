-- The same for one customer, when its leading card came to nothing.
UPDATE card SET state = 3, updated_ms = :now
WHERE id = (SELECT id FROM card WHERE customer_id = :customer_id AND state = 2 AND due_ms >= 0
            ORDER BY uncertain DESC, attempts DESC, id LIMIT 1)
  AND NOT EXISTS (SELECT 1 FROM card AS c
                  WHERE c.customer_id = :customer_id AND (c.state IN (3, 4, 5, 6, 8) OR (c.state = 2 AND c.due_ms < 0)));
