SELECT at_ms, event_id, well, weak, message FROM event_wait WHERE card = :card;
