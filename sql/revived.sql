SELECT coalesce((SELECT value FROM meta WHERE key = 'revived'), 0);
