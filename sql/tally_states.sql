INSERT INTO tally (kind, key, n) SELECT 'state', state, count(*) FROM card GROUP BY state;
