-- Code lists of records that are refused now, of both kinds.
SELECT code, count(*) FROM (
    SELECT code FROM card WHERE state = 0
    UNION ALL SELECT code FROM refused_customer)
GROUP BY code ORDER BY code;
