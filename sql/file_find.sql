-- A file whose rows were given up is known as well; one that came back is preferred.
SELECT id, delimiter, encoding FROM file WHERE sha256 = :sha256 AND carries = :carries ORDER BY lost, id DESC LIMIT 1;
