-- Code lists of refused records of both files, with the first one's place: the bare columns are those of the minimum.
SELECT code, count(*), file, line, min(file << 40 | line) FROM (
    SELECT code, file, line FROM card WHERE state = 0 AND state <= 4
    UNION ALL SELECT code, file, line FROM refused_customer)
GROUP BY code ORDER BY code;
