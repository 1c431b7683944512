-- The first record of a number stands, whatever it is worth; every later one in the file is refused.
INSERT INTO stage_customer (record, customer_id, line, offset, length, flags, code, field)
VALUES (:record, :customer_id, :line, :offset, :length, :flags & 3 | 4, 'duplicate_customer', 'customer_id')
ON CONFLICT (record) DO UPDATE SET
    flags = flags | 4,
    code = coalesce(code || ';', '') || 'duplicate_customer',
    field = coalesce(field || ';', '') || 'customer_id';
