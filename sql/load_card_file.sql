-- The file's own account of its records. LIMIT keeps SQLite from working out each record's part once a count.
INSERT INTO file (id, carries, sha256, size, path, delimiter, encoding, loaded_ms, records, added, repointed, known,
                  skipped, invalid)
SELECT :file, :carries, :sha256, :size, :path, :delimiter, :encoding, :now, count(*),
       count(*) FILTER (WHERE part = 1),
       count(*) FILTER (WHERE part = 2),
       count(*) FILTER (WHERE part = 3),
       count(*) FILTER (WHERE part = 4),
       count(*) FILTER (WHERE part = 5)
FROM (SELECT part FROM card_part LIMIT -1);
