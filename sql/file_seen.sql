UPDATE file SET path = :path, spool = :spool WHERE id = :file;
