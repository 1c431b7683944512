-- A new customers file may change what is to be said of cards that are still to be sent: judge them anew. Rows that
-- the file brings again are not among them, nor rows that were given up and whose record, or customer's, still is.
-- Their record numbers are negative and in the order of the rows, so that a customer's cards in the ledger come before
-- those of the file.
INSERT INTO stage_card (record, file, line, offset, length, card_id, customer_id, account_id, mark, flags,
                        code, field, existing, was)
SELECT id - (1 << 62), file, line, offset, length, card_id, customer_id, account_id, mark, flags, own_code, own_field, id, state
FROM (SELECT * FROM card WHERE state = 0
      UNION ALL
      SELECT * FROM card WHERE state IN (2, 3) AND state <= 4 AND (state <> 3 OR due_ms <> 0)
      UNION ALL
      SELECT * FROM card WHERE id > (SELECT last FROM claimed) AND +state = 3 AND due_ms = 0)
WHERE (card_id IS NULL OR card_id NOT IN (SELECT card_id FROM stage_card WHERE card_id IS NOT NULL))
  AND (mark IS NULL OR mark NOT IN (SELECT mark FROM stage_card WHERE mark IS NOT NULL))
  AND NOT (coalesce(code, '') >= 'source_lost' AND coalesce(code, '') < 'source_lost~'
           AND (file IN (SELECT id FROM file WHERE lost = 1)
                OR customer_id IN (SELECT customer_id FROM customer WHERE file IN (SELECT id FROM file WHERE lost = 1))));
