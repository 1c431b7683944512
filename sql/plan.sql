-- What a run would send: rows, and accounts that need a token.
SELECT count(*), count(DISTINCT account_id) FROM card WHERE state = 3 AND state <= 4;
