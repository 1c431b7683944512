SELECT key, n FROM tally WHERE kind = :kind AND n <> 0 ORDER BY key;
