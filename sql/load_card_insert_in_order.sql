-- The same where the records were staged in sending order, or where nothing is ever sent: nothing is sorted, neither here
-- nor when the rows are read again.
INSERT INTO card (file, record, line, offset, length, card_id, customer_id, account_id, flags, own_code, own_field,
                  mark, state, code, field, updated_ms)
SELECT :file, record, line, offset, length, card_id, customer_id, account_id, flags, own_code, own_field, mark,
       CASE state WHEN 3 THEN iif(:first, 3, 2) ELSE state END, code, field, :now
FROM card_new ORDER BY record;
