-- For who holds the lock, when nobody sends: what was claimed by number is noted in the rows.
UPDATE card SET state = 4, attempts = attempts + 1, updated_ms = (SELECT at_ms FROM claimed)
WHERE id > (SELECT after FROM claimed) AND id <= (SELECT last FROM claimed) AND +state = 3 AND due_ms = 0;
