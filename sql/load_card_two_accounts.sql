-- Only with input.one_account_per_customer: the first account stands, a card of another one is refused.
UPDATE judged
SET code = coalesce(code || ';', '') || 'customer_two_accounts',
    field = coalesce(field || ';', '') || 'account_id'
WHERE customer_id IS NOT NULL AND first_account <> account_id;
