-- Cards still to be sent move to their newest row; rows that are only judged anew keep their place.
UPDATE card
SET file = iif(s.record > 0, :file, s.file), record = iif(s.record > 0, s.record, card.record),
    line = s.line, offset = s.offset, length = s.length,
    card_id = s.card_id, customer_id = s.customer_id, account_id = s.account_id,
    flags = s.flags & 15, own_code = s.code, own_field = s.field, mark = s.mark,
    state = CASE WHEN s.flags & 17 THEN 1 WHEN s.code IS NOT NULL OR s.joined IS NOT NULL THEN 0 ELSE 2 END,
    code = iif(s.flags & 17, NULL, CASE WHEN s.joined IS NULL THEN s.code
                                        ELSE coalesce(s.code || ';', '') || s.joined END),
    field = iif(s.flags & 17, NULL, CASE WHEN s.joined IS NULL THEN s.field
                                         ELSE coalesce(s.field || ';', '') || (SELECT field FROM joined_field
                                                                               WHERE code = s.joined) END),
    message = NULL, updated_ms = iif(s.record > 0, :now, updated_ms)
FROM stage_card AS s
WHERE card.id = s.existing AND NOT (s.was >= 4 OR (s.was = 1 AND s.card_id IS NOT NULL));
