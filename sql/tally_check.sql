-- Every row's state, and the kept totals by state.
SELECT state, NULL FROM card UNION ALL SELECT key, n FROM tally WHERE kind = 'state';
