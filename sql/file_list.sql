SELECT id, carries, sha256, size, path, loaded_ms, records, added, repointed, known, skipped, invalid
FROM file ORDER BY id;
