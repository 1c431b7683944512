SELECT run, minute, answers, accepted, transient, latency_us, latency_max_us
FROM pulse WHERE run >= :from_run ORDER BY run, minute;
