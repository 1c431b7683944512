-- The file's own account of its records.
INSERT INTO file (id, carries, sha256, size, path, loaded_ms, records, added, repointed, known, skipped, invalid)
SELECT :file, 2, :sha256, :size, :path, :now, count(*),
       count(*) FILTER (WHERE s.flags & 1 = 0 AND s.code IS NULL AND k.customer_id IS NULL),
       count(*) FILTER (WHERE s.flags & 1 = 0 AND s.code IS NULL AND k.customer_id IS NOT NULL),
       0,
       count(*) FILTER (WHERE s.flags & 1 <> 0),
       count(*) FILTER (WHERE s.flags & 1 = 0 AND s.code IS NOT NULL)
FROM stage_customer s LEFT JOIN customer k ON k.customer_id = s.customer_id;
