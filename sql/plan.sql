-- What a run would send: rows, and accounts that need a token.
SELECT count(*), count(DISTINCT account_id) FROM card_open WHERE state = 3;
