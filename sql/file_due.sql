-- Files that rows still to be sent need, held ones too: reads all of them.
SELECT id, carries, sha256, size, path, 0, spool, delimiter, encoding
FROM file
WHERE id IN (SELECT file FROM card WHERE state IN (2, 3, 4) AND state <= 4
             UNION
             SELECT k.file FROM card AS c JOIN customer AS k ON k.customer_id = c.customer_id
             WHERE c.state IN (2, 3, 4) AND c.state <= 4 AND c.flags & 8 = 0)
ORDER BY id;
