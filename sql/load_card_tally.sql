-- The states that load_card_insert would give in a first load, where it keeps only refused records.
INSERT INTO tally (kind, key, n)
SELECT 'state', state, count(*)
FROM (SELECT CASE WHEN s.flags & 17 THEN 1 WHEN s.code IS NOT NULL OR s.joined IS NOT NULL THEN 0
                  ELSE iif(coalesce(m.first = s.record + (1 << 40), 1), 3, 2) END AS state
      FROM stage_card AS s LEFT JOIN several AS m ON m.customer_id = s.customer_id)
GROUP BY state;
