-- A run that was killed ended, for all we know, with its last answer.
UPDATE run SET ended_ms = coalesce(last_ms, started_ms), exit_code = -1 WHERE ended_ms IS NULL;
