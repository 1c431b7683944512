INSERT INTO customer (customer_id, file, record, line, offset, length, flags)
SELECT customer_id, :file, record, line, offset, length, flags & 3
FROM stage_customer
WHERE customer_id IS NOT NULL AND flags & 4 = 0 AND (code IS NULL OR flags & 1 <> 0)
ORDER BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET
    file = excluded.file, record = excluded.record, line = excluded.line,
    offset = excluded.offset, length = excluded.length, flags = excluded.flags;
