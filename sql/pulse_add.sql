INSERT INTO pulse (run, minute, answers, accepted, transient, latency_us, latency_max_us)
VALUES (:run, :minute, :answers, :accepted, :transient, :latency_us, :latency_max_us)
ON CONFLICT (run, minute) DO UPDATE SET
    answers = answers + excluded.answers, accepted = accepted + excluded.accepted,
    transient = transient + excluded.transient, latency_us = latency_us + excluded.latency_us,
    latency_max_us = max(latency_max_us, excluded.latency_max_us);
