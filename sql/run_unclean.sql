SELECT count(*) FROM run WHERE ended_ms IS NULL;
