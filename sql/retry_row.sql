-- Held, until card_lead_one has looked at the customer. Where the card call can be made (:path), a card whose customer
-- call was answered "already" goes by it. What was accepted or declined is in doubt no more: "already" is not its own.
-- A failure of before, less five minutes for clocks that differ, does not decline what is sent from now on.
UPDATE card
SET state = 2, due_ms = 0, attempts_before = attempts, event_id = NULL, updated_ms = :now,
    event_ms = max(coalesce(event_ms, 0), :now - 300000),
    uncertain = iif(state IN (5, 7), 0, uncertain), call = iif(:path AND state = 8 AND call = 0, 2, call)
WHERE id = :id AND state = :was;
