-- Cards that were to follow by the card call, from a file that is gone: what is known of them stays known.
UPDATE card SET state = 8, call = 0
WHERE id IN (SELECT id FROM card_open
             WHERE state = 3 AND call = 2 AND (file = :file OR (flags & 8 = 0
                   AND customer_id IN (SELECT customer_id FROM customer WHERE file = :file))));
