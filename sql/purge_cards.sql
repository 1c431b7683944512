-- Of a finished row Pismo's numbers, state and counters stay, so that totals add up, a newer extract finds the card
-- known, a late event its row, and the customer's other cards where they stand. A row without a card number could not be
-- told again, and a duplicate makes room for what a newer file says of its card: they stay whole.
UPDATE card
SET file = 0, record = 0, line = 0, offset = 0, length = 0, own_code = NULL, own_field = NULL, mark = NULL,
    due_ms = 0, http_status = NULL, code = NULL, field = NULL, message = NULL,
    event_id = NULL
WHERE id BETWEEN :first AND :last AND updated_ms <= :before AND file <> 0 AND card_id IS NOT NULL
  AND flags & 4 = 0
  AND state IN (SELECT id FROM state WHERE final = 1)
RETURNING state;
