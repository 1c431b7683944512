-- After answers were settled: up to where all that were claimed have theirs.
UPDATE claimed
SET after = coalesce((SELECT min(id) - 1 FROM card WHERE id > after AND id <= last AND +state = 3 AND due_ms = 0), last)
WHERE after < last;
