INSERT INTO meta (key, value) VALUES ('revived', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1;
