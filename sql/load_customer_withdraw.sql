-- A customer whose newest record is refused has no record that may be sent.
DELETE FROM customer WHERE customer_id IN (
    SELECT customer_id FROM stage_customer
    WHERE customer_id IS NOT NULL AND code IS NOT NULL AND flags & 5 = 0);
