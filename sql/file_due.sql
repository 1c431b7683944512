-- Files that rows still to be sent need, and how many of them are to go now; held ones wait for another row first.
SELECT f.id, f.carries, f.sha256, f.size, f.path, sum(need.state <> 2), f.spool
FROM (SELECT file, state FROM card WHERE state IN (2, 3, 4) AND state <= 4
      UNION ALL
      SELECT k.file, c.state FROM card AS c JOIN customer AS k ON k.customer_id = c.customer_id
      WHERE c.state IN (2, 3, 4) AND c.state <= 4 AND c.flags & 8 = 0) AS need
JOIN file AS f ON f.id = need.file
GROUP BY f.id ORDER BY f.id;
