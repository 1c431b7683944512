UPDATE card SET state = 4, attempts = :attempts, updated_ms = :now WHERE id = :id AND state = 3;
