-- What the join needs of each card, in the order in which a customer's cards count.
SELECT customer_id, record, account_id, flags, code IS NOT NULL FROM stage_card WHERE customer_id IS NOT NULL
ORDER BY record;
