INSERT INTO state (id, name, final) VALUES (:id, :name, :final);
