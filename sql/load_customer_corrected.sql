-- The same for customers; before the file's own are stored.
DELETE FROM refused_customer
WHERE flags & 4 <> 0
   OR (file, record) IN (
       SELECT file, record FROM refused_customer WHERE customer_id IS NULL ORDER BY file, record
       LIMIT (SELECT count(*) FROM stage_customer AS s
              WHERE NOT EXISTS (SELECT 1 FROM customer AS k WHERE k.customer_id = s.customer_id)));
