-- States where the kept totals and the rows disagree.
SELECT state, sum(rows), sum(kept)
FROM (SELECT state, count(*) AS rows, 0 AS kept FROM card GROUP BY state
      UNION ALL SELECT key, 0, n FROM tally WHERE kind = 'state')
GROUP BY state HAVING sum(rows) <> sum(kept);
