-- In sending order: rows of one account stand together, so that one token serves them all. In the first load of a
-- ledger (:first) a customer's first good card is ready (3); later its cards are held (2) until card_lead has looked
-- at all the customer has.
INSERT INTO card (file, record, line, offset, length, card_id, customer_id, account_id, flags, own_code, own_field,
                  mark, state, code, field, updated_ms)
SELECT :file, record, line, offset, length, card_id, customer_id, account_id, flags, own_code, own_field, mark,
       CASE state WHEN 3 THEN iif(:first, 3, 2) ELSE state END, code, field, :now
FROM card_new ORDER BY account_id, record;
