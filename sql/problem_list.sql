-- Code lists of refused records of both files, with an example's place.
SELECT code, count(*), min(file), min(line) FROM (
    SELECT code, file, line FROM card WHERE state = 0 AND state <= 4
    UNION ALL SELECT code, file, line FROM refused_customer)
GROUP BY code ORDER BY code;
