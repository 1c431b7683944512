UPDATE file SET path = :path WHERE id = :file;
