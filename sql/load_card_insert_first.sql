-- The first load of a ledger: each customer's first good card is ready (3), further ones are held (2).
INSERT INTO card (file, record, line, offset, length, card_id, customer_id, account_id, flags, own_code, own_field,
                  mark, state, code, field, updated_ms)
SELECT file, record, line, offset, length, card_id, customer_id, account_id, flags, own_code, own_field, mark,
       CASE WHEN skip THEN 1 WHEN code IS NOT NULL THEN 0 ELSE iif(nth = 1, 3, 2) END,
       iif(skip, NULL, code), iif(skip, NULL, field), :now
FROM (SELECT *, row_number() OVER (PARTITION BY customer_id, skip OR code IS NOT NULL
                                   ORDER BY account_order, record) AS nth
      FROM judged)
ORDER BY account_order, record;
