UPDATE run SET ended_ms = :now, exit_code = :exit_code WHERE id = :run;
