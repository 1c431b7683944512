INSERT INTO refused_customer (file, record, line, offset, length, customer_id, mark, flags, code, field)
SELECT :file, record, line, offset, length, customer_id, mark, flags, code, field
FROM stage_customer WHERE code IS NOT NULL AND flags & 1 = 0;
