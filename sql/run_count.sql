UPDATE run SET requests = requests + :requests, tokens = tokens + :tokens WHERE id = :run;
