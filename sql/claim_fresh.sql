-- Rows never tried. They are claimed by claim_reach.sql, in the same transaction.
SELECT c.id, c.card_id, c.customer_id, c.account_id, c.file, c.offset, c.length,
       k.file, k.offset, k.length, c.attempts, c.uncertain, c.flags,
       c.call, c.attempts_before, c.due_ms
FROM card AS c LEFT JOIN customer AS k ON c.flags & 8 = 0 AND k.customer_id = c.customer_id
WHERE c.id > (SELECT last FROM claimed) AND +c.state = 3 AND c.due_ms = 0
ORDER BY c.id LIMIT :want;
