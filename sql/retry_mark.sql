-- The command itself, for the row's story.
INSERT INTO attempt (card, attempt, at_ms, http_status, code, message)
SELECT id, attempts, :now, NULL, 'retry', :reason FROM card WHERE id = :id;
