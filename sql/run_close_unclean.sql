-- A run that was killed ended, for all we know, with its last answer.
UPDATE run
SET ended_ms = coalesce(max(started_ms, (SELECT max(minute) * 60000 FROM pulse WHERE pulse.run = run.id)), started_ms),
    exit_code = -1
WHERE ended_ms IS NULL;
