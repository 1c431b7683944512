-- Only with input.one_account_per_customer: the customer's first account stands, whether the ledger has it already or
-- the file brings it; a card of another one is refused.
UPDATE stage_card SET joined = 'customer_two_accounts'
WHERE code IS NULL AND joined IS NULL AND flags & 17 = 0
  AND account_id <> coalesce(
      (SELECT c.account_id FROM card AS c
       WHERE c.customer_id = stage_card.customer_id AND c.state >= 2 AND c.id IS NOT stage_card.existing
       ORDER BY c.id LIMIT 1),
      (SELECT m.account_id FROM several AS m WHERE m.customer_id = stage_card.customer_id),
      account_id);
