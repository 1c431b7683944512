-- The row that an event's correlation ID stands for.
SELECT id, state, uncertain, attempts, due_ms, updated_ms, card_id, customer_id, account_id, file, event_id, event_ms,
       code, message, 0, attempts_before
FROM card_now WHERE id = :id AND flags & 4 = 0;
