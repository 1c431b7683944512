UPDATE stage_card
SET existing = (SELECT c.id FROM card c WHERE c.card_id = stage_card.card_id AND c.flags & 4 = 0)
WHERE record > 0 AND flags & 4 = 0 AND card_id IS NOT NULL;
