-- Valid customers of the file that no card names: no record of the cards file loaded with it, whatever that record is
-- worth; where the file came alone, no card of the ledger. LIMIT keeps the sort by number: customers are then found in
-- their order, without a search each.
UPDATE file SET without_card = added + repointed - (
    SELECT count(*)
    FROM (SELECT customer_id
          FROM (SELECT customer_id FROM stage_card WHERE NOT :alone AND record > 0
                UNION ALL SELECT customer_id FROM card WHERE :alone)
          WHERE customer_id IS NOT NULL GROUP BY customer_id LIMIT -1) AS named
    CROSS JOIN customer AS k ON k.customer_id = named.customer_id
    WHERE k.file = :file AND k.flags & 1 = 0)
WHERE id = :file;
