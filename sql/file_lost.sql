-- Rows still to be sent that need a file which is gone.
UPDATE card SET state = 0, code = 'source_lost', field = '', own_code = 'source_lost', own_field = '',
                message = NULL, updated_ms = :now
WHERE state IN (2, 3) AND state <= 4
  AND (file = :file OR (flags & 8 = 0
       AND customer_id IN (SELECT customer_id FROM customer WHERE file = :file)));
