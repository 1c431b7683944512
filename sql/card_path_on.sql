-- The card call can be made from now on: a card whose own customer call was answered "already" follows by it, one a
-- customer.
UPDATE card SET state = 3, call = 2, due_ms = id <= (SELECT last FROM claimed), attempts_before = attempts, updated_ms = :now
WHERE state = 8 AND call = 0 AND file <> 0
  AND NOT EXISTS (SELECT 1 FROM card AS c
                  WHERE c.customer_id = card.customer_id AND c.id <> card.id
                    AND (c.state IN (3, 4) OR (c.state = 2 AND c.due_ms < 0) OR (c.state = 5 AND c.call = 0)
                         OR (c.state = 8 AND c.call = 0 AND c.id < card.id)));
