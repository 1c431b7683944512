SELECT bucket, sum(n) FROM latency GROUP BY bucket ORDER BY bucket;
