SELECT 0, file, record, line, offset, length, NULL, customer_id, NULL, 0,
       0, 0, NULL, code, field, NULL, NULL, 0, 0, flags, 0, 0
FROM refused_customer ORDER BY file, record;
