-- Rows still to be sent that need a file which is gone. Where it is only their customer's, a new customers file has
-- them judged anew.
UPDATE card
SET state = 0, code = 'source_lost', field = '', message = NULL, updated_ms = :now,
    own_code = iif(file = :file, 'source_lost', NULL), own_field = iif(file = :file, '', NULL)
WHERE id IN (SELECT id FROM card_open
             WHERE state IN (2, 3) AND (file = :file OR (flags & 8 = 0
                   AND customer_id IN (SELECT customer_id FROM customer WHERE file = :file))));
