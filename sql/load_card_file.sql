-- The file's own account of its records. Known: taken already, or final; left alone.
INSERT INTO file (id, carries, sha256, size, path, loaded_ms, records, added, repointed, known, skipped, invalid)
SELECT :file, :carries, :sha256, :size, :path, :now, count(*),
       count(*) FILTER (WHERE NOT known AND NOT skip AND NOT bad AND existing IS NULL),
       count(*) FILTER (WHERE NOT known AND NOT skip AND NOT bad AND existing IS NOT NULL),
       count(*) FILTER (WHERE known),
       count(*) FILTER (WHERE NOT known AND skip),
       count(*) FILTER (WHERE NOT known AND NOT skip AND bad)
FROM (SELECT existing, flags & 17 AS skip, code IS NOT NULL OR joined IS NOT NULL AS bad,
             was IS NOT NULL AND (was >= 4 OR (was = 1 AND card_id IS NOT NULL)) AS known
      FROM stage_card WHERE record > 0);
