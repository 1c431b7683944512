-- Rows that claim.sql found, in the same transaction: all from the first to the last that are due at one time.
UPDATE card SET state = 4, attempts = attempts + 1, updated_ms = :now
WHERE id BETWEEN :first AND :last AND +state = 3 AND due_ms = :due_ms;
