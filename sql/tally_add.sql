INSERT INTO tally (kind, key, n) VALUES (:kind, :key, :n)
ON CONFLICT (kind, key) DO UPDATE SET n = n + excluded.n;
