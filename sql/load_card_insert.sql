-- In sending order: rows of one account stand together, so that one token serves them all. In the first load of a
-- ledger (:first) a customer's first good card is ready (3); later its cards are held (2) until card_lead has looked
-- at all the customer has.
INSERT INTO card (file, record, line, offset, length, card_id, customer_id, account_id, flags, own_code, own_field,
                  mark, state, code, field, updated_ms)
SELECT :file, s.record, s.line, s.offset, s.length, s.card_id, s.customer_id, s.account_id, s.flags & 15,
       s.code, s.field, s.mark,
       CASE WHEN s.flags & 17 THEN 1 WHEN s.code IS NOT NULL OR s.joined IS NOT NULL THEN 0
            ELSE iif(:first AND coalesce(m.first = s.record + (1 << 40), 1), 3, 2) END,
       iif(s.flags & 17, NULL, CASE WHEN s.joined IS NULL THEN s.code
                                    ELSE coalesce(s.code || ';', '') || s.joined END),
       iif(s.flags & 17, NULL, CASE WHEN s.joined IS NULL THEN s.field
                                    ELSE coalesce(s.field || ';', '') || (SELECT field FROM joined_field
                                                                          WHERE code = s.joined) END),
       :now
FROM stage_card AS s LEFT JOIN several AS m ON m.customer_id = s.customer_id
WHERE s.existing IS NULL
ORDER BY s.account_id, s.record;
