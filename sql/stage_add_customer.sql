INSERT INTO stage_customer (record, line, offset, length, customer_id, mark, flags, code, field)
VALUES (:record, :line, :offset, :length, :customer_id, :mark, :flags, :code, :field);
