-- Rows that wait for their event, counted by when they were accepted, less those counted by state.
SELECT (SELECT coalesce(sum(n), 0) FROM tally WHERE kind = 'accepted')
     - (SELECT coalesce(sum(n), 0) FROM tally WHERE kind = 'state' AND key = 5);
