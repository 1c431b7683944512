-- A file whose rows were given up is a new one when it comes back.
UPDATE file SET lost = 1 WHERE id = :file;
