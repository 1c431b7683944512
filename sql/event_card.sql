-- The row of a card's number: weaker evidence, for which the time when its file was loaded counts.
SELECT id, state, uncertain, attempts, due_ms, updated_ms, card_id, customer_id, account_id, file, event_id, event_ms,
       code, message, coalesce((SELECT loaded_ms FROM file WHERE file.id = card_now.file), 0),
       attempts_before
FROM card_now WHERE card_id = :card_id AND flags & 4 = 0;
