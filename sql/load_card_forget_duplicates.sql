-- What a newer file says of a card takes the place of earlier refused duplicates of it.
DELETE FROM card
WHERE flags & 4 <> 0 AND id NOT IN (SELECT existing FROM stage_card WHERE existing IS NOT NULL AND record < 0)
  AND card_id IN (SELECT card_id FROM stage_card WHERE record > 0 AND card_id IS NOT NULL);
