-- Cards still to be sent move to their newest row; rows that are only judged anew keep their place.
UPDATE card
SET file = j.file,
    record = iif(j.record > 0, j.record, card.record),
    line = j.line, offset = j.offset, length = j.length,
    card_id = j.card_id, customer_id = j.customer_id, account_id = j.account_id,
    flags = j.flags, own_code = j.own_code, own_field = j.own_field, mark = j.mark,
    state = CASE WHEN j.skip THEN 1 WHEN j.code IS NOT NULL THEN 0 ELSE 2 END,
    code = iif(j.skip, NULL, j.code), field = iif(j.skip, NULL, j.field), message = NULL,
    updated_ms = iif(j.record > 0, :now, updated_ms)
FROM judged AS j
WHERE card.id = j.existing AND NOT j.known;
