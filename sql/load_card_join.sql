-- What the customer adds to a record's problems.
UPDATE judged
SET code = coalesce(code || ';', '') || joined,
    field = coalesce(field || ';', '') || iif(joined = 'required', 'billing_address_line1', 'customer_id')
WHERE joined IS NOT NULL;
