SELECT min(due_ms) FROM card WHERE state = 3 AND state <= 4;
