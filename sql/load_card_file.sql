-- The file's own account of its records.
INSERT INTO file (id, carries, sha256, size, path, loaded_ms, records, added, repointed, known, skipped, invalid)
SELECT :file, :carries, :sha256, :size, :path, :now, count(*),
       count(*) FILTER (WHERE NOT known AND NOT skip AND code IS NULL AND existing IS NULL),
       count(*) FILTER (WHERE NOT known AND NOT skip AND code IS NULL AND existing IS NOT NULL),
       count(*) FILTER (WHERE known),
       count(*) FILTER (WHERE NOT known AND skip),
       count(*) FILTER (WHERE NOT known AND NOT skip AND code IS NOT NULL)
FROM judged WHERE record > 0;
