-- What was purged (file 0) moves without a trace: nothing would erase that again.
UPDATE card
SET state = :state, due_ms = 0, code = iif(file <> 0, :code, NULL), field = NULL,
    message = iif(file <> 0, :message, NULL), event_id = iif(file <> 0, :event_id, NULL),
    event_ms = :event_ms, updated_ms = :now
WHERE id = :id AND state = :was;
