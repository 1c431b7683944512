-- A later load: good cards are held (2) until card_lead has looked at all of their customer's cards.
INSERT INTO card (file, record, line, offset, length, card_id, customer_id, account_id, flags, own_code, own_field,
                  mark, state, code, field, updated_ms)
SELECT file, record, line, offset, length, card_id, customer_id, account_id, flags, own_code, own_field, mark,
       CASE WHEN skip THEN 1 WHEN code IS NOT NULL THEN 0 ELSE 2 END,
       iif(skip, NULL, code), iif(skip, NULL, field), :now
FROM judged WHERE existing IS NULL
ORDER BY account_order, record;
