-- The next row's time; 0: one was never tried.
SELECT min(due_ms)
FROM (SELECT min(due_ms) AS due_ms FROM card WHERE state = 3 AND state <= 4 AND (state <> 3 OR due_ms <> 0)
      UNION ALL
      SELECT * FROM (SELECT due_ms FROM card WHERE id > (SELECT last FROM claimed) AND +state = 3 AND due_ms = 0 LIMIT 1));
