-- Cards whose stories hold an event against what they are: a failure after the success, or a success though they are not
-- enrolled; with the place of the first such card.
SELECT c.state, a.code LIKE 'event_success%', count(DISTINCT c.id), min(c.id), c.file, c.line
FROM attempt AS a JOIN card_now AS c ON c.id = a.card
WHERE (c.state = 6 AND a.code LIKE 'event_failure%' AND a.at_ms > c.event_ms)
   OR (c.state <> 6 AND a.code LIKE 'event_success%')
GROUP BY 1, 2;
