-- Files whose spool file no row needs any more: every row that is read from it, or whose customer is, is final or
-- invalid.
UPDATE file SET spool = 2
WHERE spool = 1
  AND NOT EXISTS (SELECT 1 FROM card WHERE card.file = file.id AND state <> 0
                  AND state IN (SELECT id FROM state WHERE final = 0))
  AND NOT EXISTS (SELECT 1 FROM card AS c JOIN customer AS k ON k.customer_id = c.customer_id
                  WHERE k.file = file.id AND c.flags & 8 = 0 AND c.state <> 0
                  AND c.state IN (SELECT id FROM state WHERE final = 0));
