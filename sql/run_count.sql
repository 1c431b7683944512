UPDATE run SET requests = requests + :requests, tokens = tokens + :tokens, last_ms = :now WHERE id = :run;
