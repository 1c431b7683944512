-- A customer that is enrolled after all: its next card, that had taken the place of the enrolled one and was not sent
-- yet, is a further card again.
UPDATE card SET state = 2, updated_ms = :now
WHERE id IN (SELECT id FROM card_now
             WHERE customer_id = :customer_id AND state = 3 AND call = 0 AND attempts = attempts_before AND uncertain = 0);
