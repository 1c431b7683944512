UPDATE stage_card
SET flags = flags | 4,
    code = coalesce(code || ';', '') || 'duplicate_card',
    field = coalesce(field || ';', '') || 'card_id'
WHERE record = :record;
