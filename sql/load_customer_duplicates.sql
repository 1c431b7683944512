-- The first record of a number stands, whatever it is worth; every later one in the file is refused.
UPDATE stage_customer
SET flags = flags | 4,
    code = coalesce(code || ';', '') || 'duplicate_customer',
    field = coalesce(field || ';', '') || 'customer_id'
WHERE record IN (
    SELECT record FROM (
        SELECT record, customer_id, lag(customer_id) OVER (ORDER BY customer_id, record) AS prior
        FROM stage_customer WHERE customer_id IS NOT NULL)
    WHERE prior = customer_id);
