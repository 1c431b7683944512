-- Files whose records do not add up: records are new, re-pointed, known, skipped or invalid, each one; an invalid one has
-- a code at least, and counts once under each of its codes; a customer without a card is a valid one.
SELECT id, path FROM file
WHERE records <> added + repointed + known + skipped + invalid
   OR without_card NOT BETWEEN 0 AND added + repointed
   OR invalid NOT BETWEEN (SELECT coalesce(max(n), 0) FROM file_problem WHERE file = id)
                      AND (SELECT coalesce(sum(n), 0) FROM file_problem WHERE file = id);
