SELECT bucket, n FROM latency WHERE run = :run;
