-- Only with input.one_account_per_customer: the first account stands, a card of another one is refused.
UPDATE stage_card SET joined = 'customer_two_accounts'
FROM several AS m
WHERE m.customer_id = stage_card.customer_id AND stage_card.account_id <> m.account_id
  AND code IS NULL AND joined IS NULL AND record > 0;
