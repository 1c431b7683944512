DELETE FROM attempt
WHERE card BETWEEN :first AND :last AND card IN (SELECT id FROM card WHERE id BETWEEN :first AND :last AND file = 0);
