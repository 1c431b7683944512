-- Files not yet known to be needed by no row to be sent.
SELECT id FROM file WHERE idle <> :revived ORDER BY id;
