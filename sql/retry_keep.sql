-- What the row was settled by goes into its story, an event with its number and its own time; what did not settle it
-- stands there already.
INSERT INTO attempt (card, attempt, at_ms, http_status, code, message)
SELECT c.id, c.attempts, iif(c.event_id IS NOT NULL AND c.event_ms > 0, c.event_ms, c.updated_ms), c.http_status,
       coalesce(c.code, s.name),
       iif(c.event_id IS NULL, c.message,
           'event ' || iif(c.event_id = '', '-', c.event_id) || coalesce(': ' || c.message, ''))
FROM card AS c JOIN state AS s ON s.id = c.state
WHERE c.id = :id AND c.state IN (5, 7, 8, 9);
