-- Rows that are to go now and need this file, for themselves or for their customer.
SELECT (SELECT count(*) FROM card_open WHERE state IN (3, 4) AND file = :file)
     + (SELECT count(*) FROM card_open AS c CROSS JOIN customer AS k ON k.customer_id = c.customer_id
        WHERE c.state IN (3, 4) AND c.flags & 8 = 0 AND k.file = :file);
