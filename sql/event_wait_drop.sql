DELETE FROM event_wait
WHERE card = :card AND at_ms = :at_ms AND event_id = :event_id AND well = :well AND weak = :weak;
