-- A file whose rows were given up is a new one when it comes back.
UPDATE file SET sha256 = 'lost:' || id || ':' || sha256 WHERE id = :file;
