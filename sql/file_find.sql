SELECT id, delimiter, encoding FROM file WHERE sha256 = :sha256 AND carries = :carries AND lost = 0;
