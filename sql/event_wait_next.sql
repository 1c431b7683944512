-- The next row that events wait for.
SELECT card FROM event_wait WHERE card > :after ORDER BY card LIMIT 1;
