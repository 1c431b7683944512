-- The same for customers; before the file's own are stored. One that is refused under its number, or told by its bytes,
-- is not new: it takes its own place (load_customer_supersede) and no other.
DELETE FROM refused_customer
WHERE flags & 4 <> 0
   OR (file, record) IN (
       SELECT file, record FROM refused_customer
       WHERE customer_id IS NULL
         AND (mark IS NULL OR mark NOT IN (SELECT mark FROM stage_customer WHERE mark IS NOT NULL))
       ORDER BY file, record
       LIMIT (SELECT count(*) FROM staged_customer AS s
              WHERE NOT EXISTS (SELECT 1 FROM customer AS k WHERE k.customer_id = s.number)
                AND NOT EXISTS (SELECT 1 FROM refused_customer AS r WHERE r.customer_id = s.number))
           + (SELECT count(*) FROM stage_customer AS s
              WHERE s.customer_id IS NULL
                AND (s.mark IS NULL OR s.mark NOT IN (SELECT mark FROM refused_customer WHERE mark IS NOT NULL))));
