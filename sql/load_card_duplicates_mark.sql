UPDATE stage_card
SET flags = flags | 4,
    code = coalesce(code || ';', '') || 'duplicate_card',
    field = coalesce(field || ';', '') || 'card_id'
FROM duplicate AS d
WHERE d.id = stage_card.card_id AND stage_card.record > d.first;
