-- Of a customers file that is known already only the records of customers whose own record was given up with another file.
INSERT INTO customer (customer_id, file, record, line, offset, length, flags)
SELECT number, :file, record, line, offset, length, flags & 3
FROM staged_customer
WHERE first AND flags & 65 <> 64
  AND number IN (SELECT customer_id FROM customer WHERE file IN (SELECT id FROM file WHERE lost = 1))
ON CONFLICT (customer_id) DO UPDATE SET
    file = excluded.file, record = excluded.record, line = excluded.line,
    offset = excluded.offset, length = excluded.length, flags = excluded.flags;
