-- An event that does not stand in its row, for the row's story: once, however often it comes.
INSERT INTO attempt (card, attempt, at_ms, http_status, code, message)
SELECT id, attempts, :at_ms, NULL, :code, :message FROM card AS c
WHERE id = :id
  AND NOT EXISTS (SELECT 1 FROM attempt AS a
                  WHERE a.card = c.id AND a.at_ms = :at_ms AND a.message = :message AND a.code = :code
                    AND a.code >= 'event_' AND a.code < 'event~');
