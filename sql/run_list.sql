-- Runs, newest first, with the minutes of their first and last answers.
SELECT id, started_ms, coalesce(last_ms, 0), coalesce(ended_ms, 0), coalesce(exit_code, 0), version, requests, tokens,
       coalesce((SELECT min(minute) FROM pulse WHERE run = r.id), 0),
       coalesce((SELECT max(minute) FROM pulse WHERE run = r.id), -1), coalesce(reason, '')
FROM run AS r ORDER BY id DESC LIMIT :most;
