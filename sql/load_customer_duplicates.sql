INSERT INTO duplicate (id, first)
SELECT customer_id, min(record) FROM stage_customer WHERE customer_id IS NOT NULL
GROUP BY customer_id HAVING count(*) > 1;
