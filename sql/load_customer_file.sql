-- The file's own account of its records: what is neither refused nor skipped is new, or the ledger has its customer.
INSERT INTO file (id, carries, sha256, size, path, delimiter, encoding, loaded_ms, records, added, repointed, known,
                  skipped, invalid)
SELECT :file, 2, :sha256, :size, :path, :delimiter, :encoding, :now, :records, :records - :skipped - refused - had, had, 0, :skipped, refused
FROM (SELECT (SELECT count(*) FROM stage_customer WHERE code IS NOT NULL AND flags & 1 = 0) AS refused,
             iif(EXISTS (SELECT 1 FROM customer),
                 (SELECT count(*) FROM staged_customer AS s CROSS JOIN customer AS k ON k.customer_id = s.number
                  WHERE s.first AND s.flags & 65 = 0), 0) AS had
      LIMIT 1);
