-- The first record of a number stands, whatever it is worth; every later one in the file is refused.
UPDATE stage_customer
SET flags = flags | 4,
    code = coalesce(code || ';', '') || 'duplicate_customer',
    field = coalesce(field || ';', '') || 'customer_id'
WHERE record = :record;
