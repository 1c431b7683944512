SELECT id FROM card WHERE card_id = :card_id AND flags & 4 = 0
UNION ALL
SELECT id FROM card WHERE card_id = :card_id AND flags & 4 <> 0;
