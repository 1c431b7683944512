-- The same of a ledger whose rows stand in input order.
SELECT c.id, c.file, c.record, c.line, c.offset, c.length, c.card_id, c.customer_id, c.account_id, c.state,
       c.uncertain, c.attempts, c.http_status, c.code, c.field, c.message, c.event_id, c.updated_ms, c.due_ms, c.flags, c.call,
       c.event_ms
FROM card_now AS c WHERE c.file <> 0 ORDER BY c.id;
