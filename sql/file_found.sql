-- A file whose rows were given up has come back.
UPDATE file SET lost = 0 WHERE id = :file AND lost = 1;
