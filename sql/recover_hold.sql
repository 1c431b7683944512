-- The same where lost answers are held (retry.on_lost_answer): -1, not due again by itself.
UPDATE card SET state = 2, uncertain = 1, due_ms = -1, http_status = NULL, code = 'answer_lost',
                message = NULL, updated_ms = :now
WHERE state = 4 AND state <= 4 AND (state <> 3 OR due_ms <> 0);
