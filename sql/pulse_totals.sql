SELECT coalesce(sum(answers), 0), coalesce(sum(latency_us), 0) FROM pulse;
