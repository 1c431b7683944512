-- Rows that may be retried, a page at a time in the order of sending: of the states chosen, held ones only for their lost
-- answer, accepted ones only without an event since :overdue. What was purged has no record any more.
SELECT id, state, customer_id, code, message FROM card
WHERE id > :after AND (1 << state) & :states <> 0 AND file <> 0
  AND (state <> 2 OR due_ms < 0) AND (state <> 5 OR updated_ms <= :overdue)
ORDER BY id LIMIT :page;
