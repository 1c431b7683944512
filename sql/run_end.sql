UPDATE run SET ended_ms = :now, exit_code = :exit_code, reason = :reason WHERE id = :run;
