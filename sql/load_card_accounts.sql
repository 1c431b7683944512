-- Customers whose cards name more than one account.
SELECT count(DISTINCT s.customer_id)
FROM stage_card AS s JOIN several AS m ON m.customer_id = s.customer_id
WHERE s.account_id <> m.account_id AND s.code IS NULL AND s.joined IS NULL AND s.flags & 17 = 0 AND s.record > 0;
