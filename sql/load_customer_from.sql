SELECT customer_id, file, flags FROM customer WHERE customer_id >= :from ORDER BY customer_id;
