-- Customers whose cards name more than one account; only the few that may be such are looked for.
SELECT count(DISTINCT s.customer_id)
FROM stage_card AS s JOIN several AS m ON m.customer_id = s.customer_id
WHERE s.customer_id IN (SELECT customer_id FROM several WHERE accounts > 1)
  AND s.account_id <> m.account_id AND s.code IS NULL AND s.joined IS NULL AND s.flags & 17 = 0 AND s.record > 0;
