UPDATE stage_card SET existing = c.id, was = c.state
FROM card AS c
WHERE c.card_id = stage_card.card_id AND c.flags & 4 = 0
  AND stage_card.record > 0 AND stage_card.flags & 4 = 0;
