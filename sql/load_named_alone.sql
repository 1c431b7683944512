-- Valid customers of a file that came without cards, which some card of the ledger names. LIMIT keeps the sort by number:
-- customers are then found in their order, without a search each.
SELECT count(*)
FROM (SELECT customer_id FROM card WHERE customer_id IS NOT NULL GROUP BY customer_id LIMIT -1) AS named
CROSS JOIN customer AS k ON k.customer_id = named.customer_id
WHERE k.file = :file AND k.flags & 1 = 0;
