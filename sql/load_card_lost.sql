-- Of a cards file that is known already only the first records of cards that were given up with the file of their own
-- record.
DELETE FROM stage_card
WHERE flags & 4 <> 0 OR card_id IS NULL
   OR card_id NOT IN (SELECT card_id FROM card
                      WHERE state = 0 AND code >= 'source_lost' AND code < 'source_lost~' AND flags & 4 = 0
                        AND file IN (SELECT id FROM file WHERE lost = 1) AND card_id IS NOT NULL);
