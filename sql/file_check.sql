-- Files whose records do not add up.
SELECT id, path FROM file WHERE records <> added + repointed + known + skipped + invalid;
