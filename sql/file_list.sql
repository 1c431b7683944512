-- Files, and how many refused records each still has.
SELECT id, carries, sha256, size, path, coalesce(n, 0), spool, delimiter, encoding,
       loaded_ms, records, added, repointed, known, skipped, invalid,
       without_card
FROM file LEFT JOIN (SELECT file, count(*) AS n
                     FROM (SELECT file FROM card WHERE state = 0
                           UNION ALL SELECT file FROM refused_customer)
                     GROUP BY file) AS refused ON refused.file = id
ORDER BY id;
