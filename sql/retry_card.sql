-- The same for one card.
SELECT id, state, customer_id, code, message FROM card
WHERE card_id = :card_id AND flags & 4 = 0 AND (1 << state) & :states <> 0 AND file <> 0
  AND (state <> 2 OR due_ms < 0) AND (state <> 5 OR updated_ms <= :overdue);
