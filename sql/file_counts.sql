SELECT id, records, added, repointed, known, skipped, invalid FROM file WHERE id = :file;
