-- Rows in card_live that are due: at once (:from = :to = 1), or retries whose time has come (:from = 2).
SELECT c.id, c.card_id, c.customer_id, c.account_id, c.file, c.offset, c.length,
       k.file, k.offset, k.length, c.attempts, c.uncertain, c.flags,
       c.call, c.attempts_before, c.due_ms
FROM card AS c LEFT JOIN customer AS k ON c.flags & 8 = 0 AND k.customer_id = c.customer_id
WHERE c.state = 3 AND c.state <= 4 AND (c.state <> 3 OR c.due_ms <> 0) AND c.due_ms BETWEEN :from AND :to
ORDER BY c.due_ms, c.id LIMIT :want;
