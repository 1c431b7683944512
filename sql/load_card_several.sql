-- Customers with more than one good card: the first record leads and names the account.
INSERT INTO several (customer_id, first, account_id)
SELECT customer_id, min(record), account_id FROM stage_card
WHERE code IS NULL AND joined IS NULL AND flags & 17 = 0 AND record > 0
GROUP BY customer_id HAVING count(*) > 1;
