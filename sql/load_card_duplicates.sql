INSERT INTO duplicate (id, first)
SELECT card_id, min(record) FROM stage_card WHERE card_id IS NOT NULL AND record > 0
GROUP BY card_id HAVING count(*) > 1;
