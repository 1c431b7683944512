-- A file of corrected rejects takes the place of refused records that no number tells: of duplicates, whose cards the
-- ledger has anyway, and of as many records without a card number as the file brings records that are new; first of
-- those of the same customers.
DELETE FROM card
WHERE state = 0
  AND id NOT IN (SELECT existing FROM stage_card WHERE existing IS NOT NULL AND record > 0)
  AND (flags & 4 <> 0
       OR id IN (SELECT id FROM card
                 WHERE card_id IS NULL AND state = 0
                   AND id NOT IN (SELECT existing FROM stage_card WHERE existing IS NOT NULL AND record > 0)
                 ORDER BY coalesce(customer_id, 0) IN (SELECT customer_id FROM stage_card
                                                       WHERE record > 0 AND existing IS NULL
                                                         AND customer_id IS NOT NULL) DESC, id
                 LIMIT (SELECT count(*) FROM stage_card WHERE record > 0 AND existing IS NULL)));
