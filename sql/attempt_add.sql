INSERT INTO attempt (card, attempt, at_ms, http_status, code, message)
VALUES (:card, :attempt, :at_ms, :http_status, :code, :message);
