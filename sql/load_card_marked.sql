-- Records that cannot be told by their number are told by their bytes; equal ones pair off in order.
UPDATE stage_card SET existing = pair.id, was = pair.state
FROM (SELECT s.record, c.id, c.state
      FROM (SELECT record, mark, row_number() OVER (PARTITION BY mark ORDER BY record) AS nth
            FROM stage_card WHERE record > 0 AND mark IS NOT NULL AND card_id IS NULL) s
      JOIN (SELECT id, state, mark, row_number() OVER (PARTITION BY mark ORDER BY id) AS nth
            FROM card WHERE mark IS NOT NULL AND card_id IS NULL) c
      ON c.mark = s.mark AND c.nth = s.nth) AS pair
WHERE stage_card.record = pair.record;
