-- A row's story in the order in which it came; at its end the events that wait for the row's answer.
SELECT attempt, at_ms, http_status, code, message, rowid AS nth FROM attempt WHERE card = :card
UNION ALL
SELECT 0, at_ms, NULL, iif(well, 'event_success', 'event_failure') || iif(weak, '_weak', ''),
       'event ' || iif(event_id = '', '-', event_id) || iif(coalesce(message, '') = '', '', ': ' || message)
       || '; waits for the answer', 1 << 62
FROM event_wait WHERE card = :card
ORDER BY nth;
