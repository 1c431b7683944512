UPDATE card
SET state = :state, attempts = :attempts, uncertain = :uncertain, own_code = :own_code, own_field = :own_field,
    code = :code, field = :field, message = NULL, updated_ms = :now
WHERE id = (SELECT id FROM card_now WHERE id = :id AND state = 4);
