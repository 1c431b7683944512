INSERT INTO latency (run, bucket, n) VALUES (:run, :bucket, :n)
ON CONFLICT (run, bucket) DO UPDATE SET n = n + excluded.n;
