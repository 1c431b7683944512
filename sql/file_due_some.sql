-- The same of some of these rows.
WITH some AS (SELECT * FROM (SELECT file, customer_id, flags FROM card
                             WHERE state = 3 AND state <= 4 AND (state <> 3 OR due_ms <> 0) LIMIT 1000)
              UNION ALL
              SELECT * FROM (SELECT file, customer_id, flags FROM card_fresh LIMIT 1000)
              UNION ALL
              SELECT * FROM (SELECT file, customer_id, flags FROM card
                             WHERE state = 4 AND state <= 4 AND (state <> 3 OR due_ms <> 0) LIMIT 1000)
              UNION ALL
              SELECT * FROM (SELECT file, customer_id, flags FROM card
                             WHERE state = 2 AND state <= 4 AND (state <> 3 OR due_ms <> 0) LIMIT 1000))
SELECT id, carries, sha256, size, path, 0, spool, delimiter, encoding
FROM file
WHERE id IN (SELECT file FROM some
             UNION
             SELECT k.file FROM some JOIN customer AS k ON k.customer_id = some.customer_id WHERE some.flags & 8 = 0)
ORDER BY id;
