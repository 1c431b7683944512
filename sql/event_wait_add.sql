INSERT OR IGNORE INTO event_wait (card, at_ms, event_id, well, weak, message)
VALUES (:card, :at_ms, :event_id, :well, :weak, :message);
