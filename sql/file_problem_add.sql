INSERT INTO file_problem (file, code, n, line) VALUES (:file, :code, :n, :line);
