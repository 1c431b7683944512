SELECT attempt, at_ms, http_status, code, message FROM attempt WHERE card = :card ORDER BY rowid;
