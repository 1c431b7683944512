INSERT INTO run (started_ms, version) VALUES (:now, :version);
