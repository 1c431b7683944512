-- A file whose rows were given up: they are looked for in the next known file that is given, itself or another.
UPDATE file SET lost = 1 WHERE id = :file;
