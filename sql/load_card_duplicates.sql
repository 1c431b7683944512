UPDATE stage_card
SET flags = flags | 4,
    code = coalesce(code || ';', '') || 'duplicate_card',
    field = coalesce(field || ';', '') || 'card_id'
WHERE record IN (
    SELECT record FROM (
        SELECT record, card_id, lag(card_id) OVER (ORDER BY card_id, record) AS prior
        FROM stage_card WHERE card_id IS NOT NULL AND record > 0)
    WHERE prior = card_id);
