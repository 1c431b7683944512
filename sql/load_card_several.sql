-- Customers with more than one good card: the first leads and names the account. Rows of the ledger that are judged
-- anew (negative records) come before those of the file.
INSERT INTO several (customer_id, first, account_id, accounts)
SELECT customer_id, min(iif(record < 0, -record, record + (1 << 40))), account_id, count(DISTINCT account_id)
FROM stage_card
WHERE code IS NULL AND joined IS NULL AND flags & 17 = 0
GROUP BY customer_id HAVING count(*) > 1;
