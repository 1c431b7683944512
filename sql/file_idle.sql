-- No row to be sent needs it: unless rows have come to be sent since it was looked at.
UPDATE file SET idle = :revived
WHERE id = :id AND :revived = coalesce((SELECT value FROM meta WHERE key = 'revived'), 0);
