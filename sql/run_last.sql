-- When the newest run began, whether one has no end, when the newest one ended and how, and the newest end of one that had
-- nothing left to send.
SELECT coalesce(max(started_ms), 0), coalesce(max(ended_ms IS NULL), 0), coalesce(max(ended_ms), 0),
       coalesce((SELECT exit_code FROM run WHERE ended_ms IS NOT NULL ORDER BY id DESC LIMIT 1), 0),
       coalesce(max(ended_ms) FILTER (WHERE exit_code IN (0, 3)), 0)
FROM run;
