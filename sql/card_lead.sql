-- A customer's held card becomes ready when none of its cards leads (ready, sent, accepted, enrolled, already; or held
-- because its answer was lost, due -1). Where the card call can be made (:path), cards that are there, or are taken by
-- that call, hold nobody back, and a customer that is known to be there gets the card call. Of several, one that may
-- have been taken comes before one that was tried before the oldest.
UPDATE card
SET state = 3, due_ms = max(due_ms, id <= (SELECT last FROM claimed)),
    call = iif(:path AND (call > 0 OR EXISTS (SELECT 1 FROM card AS k
                                              WHERE k.customer_id = card.customer_id
                                                AND (k.state IN (6, 8) OR k.call > 0))), max(call, 1), 0)
WHERE id IN (
    SELECT id FROM (
        SELECT id, customer_id,
               row_number() OVER (PARTITION BY customer_id ORDER BY uncertain DESC, attempts DESC, id) AS nth
        FROM card WHERE state = 2 AND state <= 4 AND (state <> 3 OR due_ms <> 0) AND due_ms >= 0) AS h
    WHERE nth = 1
      AND NOT EXISTS (SELECT 1 FROM card AS c
                      WHERE c.customer_id = h.customer_id
                        AND (c.state IN (3, 4, 5, 6, 8) OR (c.state = 2 AND c.due_ms < 0))
                        AND NOT (:path AND (c.state IN (6, 8) OR (c.state = 5 AND c.call > 0)))));
