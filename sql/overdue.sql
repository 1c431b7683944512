SELECT count(*) FROM card WHERE state = 5 AND updated_ms <= :before_ms;
