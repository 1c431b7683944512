-- Files that rows still to be sent need, held ones too: reads all of them.
SELECT id, carries, sha256, size, path, 0, spool, delimiter, encoding
FROM file
WHERE id IN (SELECT file FROM card_open
             UNION
             SELECT k.file FROM card_open AS c CROSS JOIN customer AS k ON k.customer_id = c.customer_id WHERE c.flags & 8 = 0)
ORDER BY id;
